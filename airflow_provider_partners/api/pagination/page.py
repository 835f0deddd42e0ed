"""Pages, cursors, and the base class of all paginators.

A cursor is a small JSON value, and ``{}`` is the first page. So a stored cursor is enough to resume in another
process. This module sends nothing; the paginators are in ``strategies``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_partners.exceptions import PagingError, UnexpectedResponseError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airflow_provider_partners.records import Record

T = TypeVar("T")

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


def request_page(
    request: Callable[[], T],
    *,
    count: Callable[[T], int],
    total: Callable[[T], int | None],
    name: str,
    partner: str,
    size: int = 1,
    number: int = 1,
    page_size: int | None = None,
) -> T:
    """Request a page, and once more if it has fewer records than the list's total promises.

    A total and a page are counted at different times, so a record that comes or goes between the two is no fault. But
    an empty page would end the list, and what comes after it would be missing without an error.

    :param count: the number of records in a response
    :param total: the total in a response
    :param name: the list's name, for the error
    :param size: records of a full page; 1 if the server may send smaller pages, so that only an empty one counts
    :param number: number of the page, from 1
    :param page_size: records of each page before; ``size`` by default
    :raises UnexpectedResponseError: the page stays empty; for one that stays short, it is a :class:`PagingError`
    """
    before = (number - 1) * (size if page_size is None else page_size)

    def promised(response: T) -> int:
        return (total(response) or 0) - before

    response = request()
    if promised(response) > count(response) < size:
        response = request()
    received = count(response)
    if promised(response) > received < size:
        which = "first page" if number == 1 else f"page {number}"
        message = f"'{name}' has a total of {total(response)}, but its {which}"
        if not received:
            message = f"{message} is empty"
            raise UnexpectedResponseError(message, remedy="Try again later.", partner=partner)
        message = f"{message} of {size} has {received} records"
        remedy = f"Try again later. If it stays so, set page_size to {received}, which may be the partner's maximum."
        raise PagingError(message, remedy=remedy, partner=partner)
    return response
