"""Numbered pages of a list from which rows are removed meanwhile: none is skipped where the list tells its total.

A row that is removed from a page read before draws all that follow forward, and the first of each later page slips
onto the one before it. So when the total has fallen, the pages just before are read again with the present one; the
walk drops what it has seen. Must not know any partner.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_partners.api.extraction import REMEMBERED_RECORDS
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import PagingError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True)
class StablePages:
    """Pages that remember the list's total from one to the next.

    A removal that an arrival makes up for in the total can go unnoticed, unless arrivals come first in the list's
    order.

    :param name: the list's name, for the error
    :param fetch_page: gives the page at a cursor ``{"page": 3}``
    :param size: rows per page
    """

    name: str
    fetch_page: Callable[[Cursor], Page]
    size: int

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor, with those before it where rows may have slipped onto them.

        :param cursor: ``{}``, or ``{"at": …}`` with the total so far
        :raises PagingError: when more rows were removed at once than can be followed
        """
        at, total = cursor.get("at", {}), cursor.get("total")
        page = self.fetch_page(at)
        if "page" not in at or total is None:
            return self._with_total(page, page.records)
        last = number = int(at["page"])
        read: dict[int, list[Record]] = {}
        while True:
            if page.total is not None and page.total < total and number > 1:
                # Forward again from where the first row may have slipped to; what was just read comes up again.
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
        if (last - first) * self.size > max(REMEMBERED_RECORDS, self.size):
            message = (
                f"{removed_count} rows of '{self.name}' were removed between two pages, more than a walk can follow"
            )
            raise PagingError(message, remedy="Try again: the list is read from its beginning then.")
        return first
