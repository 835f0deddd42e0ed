"""Reading the pages of Yofi's lists, of which little is documented: how long a page may be, and how a list ends.

The end is told by the first of ``links.next``, a total, and a page that is not full. A page size that the server
refuses is replaced by its documented default of 10, put together to pages of the size asked for, so that cursors keep
their meaning. Must not know how a filter comes about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.yofi.jsonapi import Document, Relation
from airflow_provider_partners.exceptions import PagingError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

DEFAULT_PAGE_SIZE = 10
"""The page size that Yofi's page documents as the default; it documents no maximum."""

PAGE_NUMBER, PAGE_SIZE = "page[number]", "page[size]"


@dataclass(slots=True)
class PageSizes:
    """The page sizes that the server has accepted or refused so far, by list; a client and its siblings share it."""

    accepted: dict[str, int] = field(default_factory=dict)
    reduced: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """The pages of one query.

    :param name: the list's name
    :param get: asks for a page with these query parameters
    :param query: the parameters of the query, without those of paging
    :param size: rows per page
    :param relations: the relations that are known of the rows
    :param include: the relations asked for
    :param sizes: what is known of the server's page sizes
    """

    name: str
    get: Callable[[Mapping[str, str]], Any]
    query: Mapping[str, str]
    size: int
    relations: Mapping[str, Relation]
    include: Iterable[str]
    sizes: PageSizes

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The following page, where pages are simply numbered.

        :param cursor: where this one begins
        """
        return {"page": _page_number(cursor) + 1} if set(cursor) <= {"page"} else None

    def fetch(self, cursor: Cursor) -> Page:
        """One page.

        :param cursor: where it begins
        """
        limit = self.sizes.reduced.get(self.name, self.size)
        if limit < self.size and "query" not in cursor:
            return self._fetch_assembled(cursor, limit)
        try:
            document = Document(self.get(self._params(cursor, self.size)))
        except RejectedError as refused:
            if not self._page_size_suspected(refused):
                raise
            page = self._fetch_with_smaller_pages(cursor, refused)
        else:
            self.sizes.accepted[self.name] = max(self.size, self.sizes.accepted.get(self.name, 0))
            following = self._following_cursor(cursor, document, self.size)
            page = Page(self._records(document), following, document.total())
        return page

    def _page_size_suspected(self, refused: RejectedError) -> bool:
        accepted = self.sizes.accepted.get(self.name, 0)
        return refused.status == 400 and self.size > DEFAULT_PAGE_SIZE and accepted < self.size

    def _fetch_with_smaller_pages(self, cursor: Cursor, refused: RejectedError) -> Page:
        """The same page in pieces; if these are refused as well, the size was not the reason."""
        try:
            page = self._fetch_assembled(cursor, DEFAULT_PAGE_SIZE)
        except RejectedError:
            raise refused from None
        self.sizes.reduced[self.name] = DEFAULT_PAGE_SIZE
        log.warning(
            "Yofi refuses pages of %d %s; going on with pages of %d. Set page_size to the most that it accepts.",
            self.size,
            self.name,
            DEFAULT_PAGE_SIZE,
        )
        return page

    def _fetch_assembled(self, cursor: Cursor, limit: int) -> Page:
        begin = (_page_number(cursor) - 1) * self.size
        piece, passed = divmod(begin, limit)
        records: list[Record] = []
        following: Cursor | None = {"page": piece + 1}
        total = None
        while following is not None and len(records) < passed + self.size:
            document = Document(self.get(self._params(following, limit)))
            records += self._records(document)
            total = document.total()
            following = self._following_cursor(following, document, limit)
        page = records[passed : passed + self.size]
        more = following is not None or len(records) > passed + self.size
        return Page(page, {"page": _page_number(cursor) + 1} if more else None, total)

    def _records(self, document: Document) -> list[Record]:
        return document.records(self.relations, include=self.include)

    def _params(self, cursor: Cursor, size: int) -> dict[str, str]:
        if "query" in cursor:
            return {**self.query, **cursor["query"]}
        return {**self.query, PAGE_NUMBER: str(_page_number(cursor)), PAGE_SIZE: str(size)}

    def _following_cursor(self, cursor: Cursor, document: Document, size: int) -> Cursor | None:
        told, link = document.next_link()
        if told:
            return self._cursor_from_link(link)
        if not len(document):
            return None
        return self._cursor_from_number(cursor, document, size)

    def _cursor_from_link(self, link: Mapping[str, str]) -> Cursor | None:
        """By ``links.next``: of its address the paging alone counts, so that nothing else can be led astray."""
        if not link:
            return None
        if link.get(PAGE_NUMBER, "").isdecimal():
            return {"page": int(link[PAGE_NUMBER])}
        paging = {name: value for name, value in link.items() if name not in self.query}
        if not paging:
            message = f"the next page of '{self.name}' is linked, but its address says nothing of a page"
            raise PagingError(message, partner="Yofi")
        return {"query": paging}

    def _cursor_from_number(self, cursor: Cursor, document: Document, size: int) -> Cursor | None:
        if "query" in cursor:
            return None
        number, rows, total, pages = _page_number(cursor), len(document), document.total(), document.page_count()
        full = min(size, document.page_size() or int(cursor.get("full", size)))
        if number == 1 and total is not None and rows < min(full, total):
            full = rows
        following: Cursor = {"page": number + 1, **({"full": full} if full < size else {})}
        if total is not None:
            return following if (number - 1) * full + rows < total else None
        if pages is not None:
            return following if number < pages else None
        if number == 1 and _looks_capped(rows, full):
            # Nothing tells the end, and the page is short by a round number: a maximum may have been applied in
            # silence. One more request decides; the next page is empty if this one was the last.
            return {"page": 2, "full": rows}
        return following if rows >= full else None


def _looks_capped(rows: int, full: int) -> bool:
    return DEFAULT_PAGE_SIZE <= rows < full and rows % 5 == 0


def _page_number(cursor: Cursor) -> int:
    return int(cursor.get("page", 1))
