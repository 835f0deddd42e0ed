"""Numbered pages of a list from which records may be deleted during the walk.

Deleting a record shifts later records forward, so a numbered walk can skip one. When the total shrinks, the pages
before are read again; the extraction drops the records it has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.api.extraction import MAX_REMEMBERED_RECORDS
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import PagingError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True)
class StablePages:
    """Pages that skip no record as long as the list has a total. Its cursors carry the total of the page before.

    A deletion can go unnoticed if a new record makes up for it in the total. If new records come first in the list's
    order, they shift the others back, so none is skipped.

    :param name: the list's name, for the error
    :param fetch_page: returns the page at a cursor such as ``{"page": 3}``
    :param size: records per page
    """

    name: str
    fetch_page: Callable[[Cursor], Page]
    size: int

    def fetch(self, cursor: Cursor) -> Page:
        """Return the page at a cursor, with the pages before it whose records may have shifted.

        :param cursor: ``{}``, or ``{"at": …}`` with the last ``total``
        :raises PagingError: when too many records were deleted at once
        """
        at, total = cursor.get("at", {}), cursor.get("total")
        page = self.fetch_page(at)
        if "page" not in at or total is None:
            return self._with_total(page, page.records)
        last = number = int(at["page"])
        read: dict[int, list[Record]] = {}
        while True:
            if page.total is not None and page.total < total and number > 1:
                # Read forward again from the first page that may have changed.
                number = self._first_shifted_page(number, total - page.total, last)
            else:
                read[number] = page.records
                number += 1
            total = total if page.total is None else page.total
            if number > last:
                return self._with_total(page, [record for _, records in sorted(read.items()) for record in records])
            page = self.fetch_page({**at, "page": number})

    def _with_total(self, page: Page, records: list[Record]) -> Page:
        if page.next is None:
            return Page(records, None, page.total)
        return Page(records, {"at": page.next, **({} if page.total is None else {"total": page.total})}, page.total)

    def _first_shifted_page(self, number: int, removed_count: int, last: int) -> int:
        first = max(1, number - -(-removed_count // self.size))
        if (last - first) * self.size > max(MAX_REMEMBERED_RECORDS, self.size):
            message = f"{removed_count} records of '{self.name}' were deleted between two pages, too many to follow"
            raise PagingError(message, remedy="Try again: the next try reads the list from its beginning.")
        return first
