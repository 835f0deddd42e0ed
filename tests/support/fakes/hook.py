"""A hook that yields a client which a test has made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any


def hook_of(client: Any, *, hook_name: str, conn_type: str, conn_id: str, host: str) -> AbstractContextManager[Any]:
    """Return the hook of the account ``a.myshopify.com``, with what operators read of a hook."""

    @contextmanager
    def open_client() -> Iterator[Any]:
        yield client

    hook: Any = open_client()
    hook.hook_name, hook.conn_type, hook.conn_id = hook_name, conn_type, conn_id
    hook.account, hook.host, hook.console_url = "a.myshopify.com", host, None
    return hook
