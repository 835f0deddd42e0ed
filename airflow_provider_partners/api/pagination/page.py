"""The values of paging: a cursor, a page, and what every way to walk a list has in common.

A cursor is a small JSON value, ``{}`` at the start, so that a walk can be stored and taken up by another
process. Must not know any particular way (``paging``, ``cursors``), nor send anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

Cursor = dict[str, Any]
"""Where a page begins: JSON; ``{}`` is the start of the list."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    :param records: its rows, in the list's order
    :param next: the cursor of the following page; ``None`` at the end
    :param total: rows of the whole list, where the API tells
    """

    records: list[Record]
    next: Cursor | None
    total: int | None = None


class Paginator(Protocol):
    """A way to walk a list."""

    @property
    def size(self) -> int:
        """Rows asked for per page."""

    def start(self) -> Cursor:
        """The cursor of the first page."""

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """What to send for a page: query parameters, or GraphQL variables.

        :param cursor: where the page begins
        """

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Where to go on.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        :returns: the cursor of the following page; ``None`` at the end
        :raises PagingError: when the answer contradicts itself, or the list can't be walked to its end
        """

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The cursor of the following page without having read this one; ``None`` where that can't be known.

        :param cursor: where this page begins
        """


def find_total(body: Any, paths: Iterable[str]) -> int | None:
    """The list's total, from the first of several places that holds a number.

    :param body: the answer
    :param paths: dotted paths
    """
    found = (get_path(body, path) for path in paths)
    return next((value for value in found if isinstance(value, int) and not isinstance(value, bool)), None)
