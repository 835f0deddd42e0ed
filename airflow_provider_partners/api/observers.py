"""Reports which lists the clients of this process read and write, for those who want to know: lineage, for example."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["ListAccess", "observe", "report"]


class ListAccess(NamedTuple):
    """A list of an account at a partner that is read or written."""

    source: str
    """The partner, such as ``yotpo``."""
    account: str
    resource: str
    is_write: bool = False


Observer = Callable[[ListAccess], None]

_observers: list[Observer] = []


def observe(observer: Observer) -> None:
    """Call a function for each access from now on. Passing the same function again changes nothing.

    :param observer: called in any thread; it must not raise errors
    """
    if observer not in _observers:
        _observers.append(observer)


def report(source: str, account: str | None, resource: str, *, is_write: bool = False) -> None:
    """Call the observers with an access; an unknown account has no list to name.

    :param account: the shop, store, organization or project
    """
    if account:
        for observer in _observers:
            observer(ListAccess(source, account, resource, is_write))
