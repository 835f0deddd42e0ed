"""How each partner's lists are walked, as pure values: from a cursor to query parameters, from a page to the
cursor of the next one.

Numbered pages are here; lists with cursors are in ``cursors`` and named here too, since a table of resources
needs them all. The strategies hold no state and send nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.cursors import (
    ConnectionPaginator,
    LastIdPaginator,
    TimestampPaginator,
    TokenPaginator,
)
from airflow_provider_partners.api.pages import Cursor, Page, Paginator, find_total, get_path
from airflow_provider_partners.exceptions import PagingError

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record

__all__ = [
    "ConnectionPaginator",
    "Cursor",
    "LastIdPaginator",
    "Page",
    "PageNumberPaginator",
    "Paginator",
    "SinglePagePaginator",
    "TimestampPaginator",
    "TokenPaginator",
    "find_total",
    "get_path",
]


@dataclass(frozen=True, slots=True)
class PageNumberPaginator:
    """Numbered pages: ``page[number]=3&page[size]=100``.

    ::

        {"data": [...], "meta": {"page": {"totalRecords": 42}}, "links": {"next": "..."}}

    The end is told by the first of: a link, a total, a page that is not full. Where the server might give
    fewer rows than asked for (an unknown maximum, silently applied), ``short_page_is_last=False`` goes on to the
    first empty page.

    :param size: rows per page
    :param number_param: the parameter of the page's number
    :param size_param: the parameter of the size
    :param first_page_number: the first page's number
    :param max_page_number: the highest number that the partner serves; a longer list is an error rather than cut off
    :param total_paths: dotted paths at which the answer may hold the list's total
    :param next_link_path: dotted path at which the answer may hold the next page's address, null at the end
    :param short_page_is_last: whether a page that is not full is the last one
    """

    size: int
    number_param: str = "page[number]"
    size_param: str = "page[size]"
    first_page_number: int = 1
    max_page_number: int | None = None
    total_paths: tuple[str, ...] = ()
    next_link_path: str = ""
    short_page_is_last: bool = True

    def start(self) -> Cursor:
        """The first page."""
        return {}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Number and size.

        :param cursor: where the page begins
        """
        return {self.number_param: self._number(cursor), self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """The following number, unless this was the last page.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        :raises PagingError: when the list is longer than the partner serves
        """
        if not records or not self._has_more(cursor, body, len(records)):
            return None
        number = self._number(cursor) + 1
        if self.max_page_number is not None and number > self.max_page_number:
            message = f"the list is longer than the {self.max_page_number} pages of {self.size} that the partner serves"
            raise PagingError(message, remedy="Ask for a shorter window, or a narrower filter.")
        return {"page": number}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The following number, within the cap.

        :param cursor: where this page begins
        """
        number = self._number(cursor) + 1
        return None if self.max_page_number is not None and number > self.max_page_number else {"page": number}

    def total(self, body: Any) -> int | None:
        """The list's total, where the answer tells.

        :param body: the answer
        """
        return find_total(body, self.total_paths)

    def _number(self, cursor: Cursor) -> int:
        return int(cursor.get("page", self.first_page_number))

    def _has_more(self, cursor: Cursor, body: Any, record_count: int) -> bool:
        above, _, name = self.next_link_path.rpartition(".")
        links = get_path(body, above) if self.next_link_path else None
        if isinstance(links, Mapping) and name in links:
            return bool(links[name])
        total, before = self.total(body), (self._number(cursor) - self.first_page_number) * self.size
        if total is None:
            return record_count >= self.size or not self.short_page_is_last
        if record_count < self.size and before == 0 and record_count < total and self.short_page_is_last:
            message = f"the partner gave {record_count} of {total} rows on a page of {self.size}"
            raise PagingError(
                message, remedy=f"Set page_size to {record_count}: it seems to be the most that it gives."
            )
        short = record_count < self.size and not self.short_page_is_last and record_count < total
        return short or before + record_count < total


@dataclass(frozen=True, slots=True)
class SinglePagePaginator:
    """A list that comes in one answer, and has no second page to ask for.

    :param size: rows asked for
    :param size_param: the parameter of the size; empty where there is none, and the answer holds everything
    :param total_paths: dotted paths at which the answer may hold the list's total
    :param has_more_path: where the answer may say whether more remain
    """

    size: int
    size_param: str = "limit"
    total_paths: tuple[str, ...] = ()
    has_more_path: str = "has_more"

    def start(self) -> Cursor:
        """The only page."""
        return {}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """The size, where it can be told.

        :param cursor: where the page begins
        """
        return {self.size_param: self.size} if self.size_param else {}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """There is none.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        :raises PagingError: when the list holds more than the answer
        """
        total = find_total(body, self.total_paths)
        full = total is None and bool(self.size_param) and len(records) >= self.size
        if get_path(body, self.has_more_path) is True or full or (total is not None and total > len(records)):
            of = f"{total}" if total is not None else "perhaps more"
            message = f"the partner gave {len(records)} rows of {of}, and no way to ask for the rest"
            raise PagingError(message, remedy="Ask with narrower filters.")
        return None

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """There is none.

        :param cursor: where this page begins
        """
        return None
