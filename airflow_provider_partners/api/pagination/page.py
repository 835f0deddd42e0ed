"""Pages, cursors, and the base class of all paginators.

A cursor is a small JSON value, and ``{}`` is the first page. So a stored cursor is enough to resume in another
process. This module sends nothing; the paginators are in ``strategies``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_partners.records import Record

Cursor = dict[str, Any]
"""Position of a page, as JSON; ``{}`` is the first page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    :param records: the records, in list order
    :param next: cursor of the next page; ``None`` after the last page
    :param total: number of records in the whole list, if the API reports it
    """

    records: list[Record]
    next: Cursor | None
    total: int | None = None


class Paginator(ABC):
    """Base class of the paginators: how to request a page, and where the next page begins.

    A paginator is a value without state, so one object serves every thread and every resumed extraction. The
    attribute ``size`` is the number of records to request per page.
    """

    __slots__ = ()

    size: int

    def start(self) -> Cursor:
        """Return the cursor of the first page."""
        return {}

    @abstractmethod
    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the query parameters, or the GraphQL variables, that request a page.

        :param cursor: cursor of the page
        """

    @abstractmethod
    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return the cursor of the next page, or None after the last page.

        :param cursor: cursor of this page
        :param body: response of this page, as JSON
        :param records: records of this page
        :raises PagingError: the response is inconsistent, or the list cannot be read to its end
        """

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the next page's cursor without reading this page, or None if it is unknown.

        :param cursor: cursor of this page
        """
        return None


def find_total(body: Any, paths: Iterable[str]) -> int | None:
    """Return the first integer at one of the dotted paths, or None."""
    values = (get_path(body, path) for path in paths)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)
