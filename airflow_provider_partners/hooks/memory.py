"""What the clients of one task's steps share: each account's token is requested once. This module knows no partner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.memory import ClientMemory

__all__ = ["client_memory", "shared_memory"]

_memory: ContextVar[ClientMemory | None] = ContextVar("what the clients of this task share", default=None)


@contextmanager
def shared_memory() -> Iterator[None]:
    """Let the clients of the enclosed steps share tokens, if their credentials are the same."""
    from airflow_provider_partners.api.http.memory import ClientMemory

    token = _memory.set(ClientMemory())
    try:
        yield
    finally:
        _memory.reset(token)


def client_memory() -> ClientMemory | None:
    """Return what the clients of the running steps share; ``None`` if each has its own."""
    return _memory.get()
