"""Tokens that the steps of one task share: each account's token is requested once. This module knows no partner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.tokens import TokenStore

__all__ = ["shared_tokens", "token_store"]

_store: ContextVar[TokenStore | None] = ContextVar("tokens of this task", default=None)


@contextmanager
def shared_tokens() -> Iterator[None]:
    """Let the clients of the enclosed steps share tokens, if their credentials are the same."""
    from airflow_provider_partners.api.http.tokens import TokenStore

    token = _store.set(TokenStore())
    try:
        yield
    finally:
        _store.reset(token)


def token_store() -> TokenStore | None:
    """Return where the running steps share tokens; ``None`` if each client has its own."""
    return _store.get()
