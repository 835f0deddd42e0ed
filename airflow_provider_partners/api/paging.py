"""How each partner's lists are walked, as pure values: from a cursor to query parameters, from a page to the
cursor of the next one.

Numbered pages are here; lists with cursors are in ``cursors`` and named here too, since a table of resources
needs them all. The strategies hold no state and send nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.cursors import DateCursor, EdgeCursor, IdCursor, PageInfo
from airflow_provider_partners.api.pages import Cursor, Page, Paging, dig, total_of
from airflow_provider_partners.exceptions import PagingError

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record

__all__ = [
    "Cursor",
    "DateCursor",
    "EdgeCursor",
    "IdCursor",
    "OnePage",
    "Page",
    "PageInfo",
    "PageNumber",
    "Paging",
    "dig",
    "total_of",
]


@dataclass(frozen=True, slots=True)
class PageNumber:
    """Numbered pages: ``page[number]=3&page[size]=100``.

    ::

        {"data": [...], "meta": {"page": {"totalRecords": 42}}, "links": {"next": "..."}}

    The end is told by the first of: a link, a total, a page that is not full. Where the server might give
    fewer rows than asked for (an unknown maximum, silently applied), ``ends_short=False`` goes on to the
    first empty page.

    :param size: rows per page
    :param number_param: the parameter of the page's number
    :param size_param: the parameter of the size
    :param first: the first page's number
    :param cap: the highest number that the partner serves; a longer list is an error rather than cut off
    :param totals: dotted paths at which the answer may hold the list's total
    :param link: dotted path at which the answer may hold the next page's address, null at the end
    :param ends_short: whether a page that is not full is the last one
    """

    size: int
    number_param: str = "page[number]"
    size_param: str = "page[size]"
    first: int = 1
    cap: int | None = None
    totals: tuple[str, ...] = ()
    link: str = ""
    ends_short: bool = True

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
        if not records or not self._more(cursor, body, len(records)):
            return None
        number = self._number(cursor) + 1
        if self.cap is not None and number > self.cap:
            message = f"the list is longer than the {self.cap} pages of {self.size} that the partner serves"
            raise PagingError(message, remedy="Ask for a shorter window, or a narrower filter.")
        return {"page": number}

    def ahead(self, cursor: Cursor) -> Cursor | None:
        """The following number, within the cap.

        :param cursor: where this page begins
        """
        number = self._number(cursor) + 1
        return None if self.cap is not None and number > self.cap else {"page": number}

    def total(self, body: Any) -> int | None:
        """The list's total, where the answer tells.

        :param body: the answer
        """
        return total_of(body, self.totals)

    def _number(self, cursor: Cursor) -> int:
        return int(cursor.get("page", self.first))

    def _more(self, cursor: Cursor, body: Any, rows: int) -> bool:
        above, _, name = self.link.rpartition(".")
        links = dig(body, above) if self.link else None
        if isinstance(links, Mapping) and name in links:
            return bool(links[name])
        total, before = self.total(body), (self._number(cursor) - self.first) * self.size
        if total is None:
            return rows >= self.size or not self.ends_short
        if rows < self.size and before == 0 and rows < total and self.ends_short:
            message = f"the partner gave {rows} of {total} rows on a page of {self.size}"
            raise PagingError(message, remedy=f"Set page_size to {rows}: it seems to be the most that it gives.")
        short = rows < self.size and not self.ends_short and rows < total
        return short or before + rows < total


@dataclass(frozen=True, slots=True)
class OnePage:
    """A list that comes in one answer, and has no second page to ask for.

    :param size: rows asked for
    :param size_param: the parameter of the size; empty where there is none, and the answer holds everything
    :param totals: dotted paths at which the answer may hold the list's total
    :param more: where the answer may say whether more remain
    """

    size: int
    size_param: str = "limit"
    totals: tuple[str, ...] = ()
    more: str = "has_more"

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
        total = total_of(body, self.totals)
        full = total is None and bool(self.size_param) and len(records) >= self.size
        if dig(body, self.more) is True or full or (total is not None and total > len(records)):
            of = f"{total}" if total is not None else "perhaps more"
            message = f"the partner gave {len(records)} rows of {of}, and no way to ask for the rest"
            raise PagingError(message, remedy="Ask with narrower filters.")
        return None

    def ahead(self, cursor: Cursor) -> Cursor | None:
        """There is none.

        :param cursor: where this page begins
        """
        return None
