"""Fetch one page of a Yofi list. Yofi documents neither the longest page nor how a list ends.

The end of a list follows from the first of these that a response has: ``links.next``, a total, a page that is not full.
If the server refuses a page size, pages of its documented default of 10 are put together to pages of the requested
size, so that cursors stay valid.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.page import Cursor, Page, request_page
from airflow_provider_partners.api.yofi.jsonapi import Document, Relation
from airflow_provider_partners.exceptions import PagingError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

DEFAULT_PAGE_SIZE = 10
"""Yofi's default page size. It documents no maximum
(https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api)."""

PAGE_NUMBER, PAGE_SIZE = "page[number]", "page[size]"

GetPage = Callable[[Mapping[str, str]], Any]
"""Requests a page: query parameters to the response's JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """Fetches the pages of one query.

    :param name: the list's name
    :param get: requests a page
    :param params: the query parameters, without those of paging
    :param page_size: records per page
    :param relations: the known relations of the records
    :param include: the requested relations
    :param capabilities: the page sizes that the server accepts
    """

    name: str
    get: GetPage
    params: Mapping[str, str]
    page_size: int
    relations: Mapping[str, Relation]
    include: Iterable[str]
    capabilities: ServerCapabilities

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the cursor of the next page, ``None`` if pages are not simply numbered."""
        return {"page": _page_number(cursor) + 1} if set(cursor) <= {"page"} else None

    def fetch(self, cursor: Cursor) -> Page:
        """Return the page at a cursor."""
        reduced = self.capabilities.reduced_page_sizes.get(self.name, self.page_size)
        if reduced < self.page_size and "query" not in cursor:
            return self._fetch_assembled(cursor, reduced)
        try:
            document = self._request(cursor, self.page_size)
        except RejectedError as error:
            if not self._page_size_suspected(error):
                raise
            return self._fetch_with_smaller_pages(cursor, error)
        accepted = self.capabilities.accepted_page_sizes
        accepted[self.name] = max(self.page_size, accepted.get(self.name, 0))
        return Page(self._records(document), self._following_cursor(cursor, document, self.page_size), document.total())

    def _request(self, cursor: Cursor, size: int) -> Document:
        """Return one page."""
        params = self._page_params(cursor, size)
        if "query" in cursor:
            return Document(self.get(params))
        return request_page(
            lambda: Document(self.get(params)),
            count=len,
            total=Document.total,
            name=self.name,
            partner="Yofi",
            number=_page_number(cursor),
            page_size=size,
        )

    def _page_size_suspected(self, error: RejectedError) -> bool:
        accepted = self.capabilities.accepted_page_sizes.get(self.name, 0)
        return error.status == 400 and self.page_size > DEFAULT_PAGE_SIZE and accepted < self.page_size

    def _fetch_with_smaller_pages(self, cursor: Cursor, error: RejectedError) -> Page:
        try:
            page = self._fetch_assembled(cursor, DEFAULT_PAGE_SIZE)
        except RejectedError:
            # The server refuses small pages as well, so the page size was not the reason.
            raise error from None
        self.capabilities.reduced_page_sizes[self.name] = DEFAULT_PAGE_SIZE
        log.warning(
            "Yofi refuses pages of %d %s; continuing with pages of %d. Set page_size to the most that it accepts.",
            self.page_size,
            self.name,
            DEFAULT_PAGE_SIZE,
        )
        return page

    def _fetch_assembled(self, cursor: Cursor, reduced: int) -> Page:
        """Return a page of the requested size, put together from smaller pages."""
        first_record = (_page_number(cursor) - 1) * self.page_size
        skipped_pages, surplus = divmod(first_record, reduced)
        records: list[Record] = []
        following: Cursor | None = {"page": skipped_pages + 1}
        total = None
        while following is not None and len(records) < surplus + self.page_size:
            document = self._request(following, reduced)
            records += self._records(document)
            total = document.total()
            following = self._following_cursor(following, document, reduced)
        page = records[surplus : surplus + self.page_size]
        has_more = following is not None or len(records) > surplus + self.page_size
        return Page(page, {"page": _page_number(cursor) + 1} if has_more else None, total)

    def _records(self, document: Document) -> list[Record]:
        return document.records(self.relations, include=self.include)

    def _page_params(self, cursor: Cursor, size: int) -> dict[str, str]:
        if "query" in cursor:
            return {**self.params, **cursor["query"]}
        return {**self.params, PAGE_NUMBER: str(_page_number(cursor)), PAGE_SIZE: str(size)}

    def _following_cursor(self, cursor: Cursor, document: Document, size: int) -> Cursor | None:
        link = document.next_link()
        if link is not None:
            return self._cursor_from_link(link)
        if not len(document):
            return None
        return self._cursor_from_number(cursor, document, size)

    def _cursor_from_link(self, link: Mapping[str, str]) -> Cursor | None:
        """Return the cursor of a ``links.next``. Only its paging parameters are used, never its host or filters."""
        if not link:
            return None
        if link.get(PAGE_NUMBER, "").isdecimal():
            return {"page": int(link[PAGE_NUMBER])}
        paging = {name: value for name, value in link.items() if name not in self.params}
        if not paging:
            message = f"'{self.name}' links to a next page, but the link has no paging parameter"
            raise PagingError(message, partner="Yofi")
        return {"query": paging}

    def _cursor_from_number(self, cursor: Cursor, document: Document, size: int) -> Cursor | None:
        if "query" in cursor:
            return None
        number, count, total = _page_number(cursor), len(document), document.total()
        full = min(size, document.page_size() or int(cursor.get("full", size)))
        if number == 1 and total is not None and count < min(full, total):
            full = count
        following: Cursor = {"page": number + 1, **({"full": full} if full < size else {})}
        if total is not None:
            return following if (number - 1) * full + count < total else None
        if (page_count := document.page_count()) is not None:
            return following if number < page_count else None
        if number == 1 and _looks_capped(count, full):
            # Nothing shows the end, and the page is short by a round number: the server may have applied a maximum in
            # silence. One more request decides; the next page is empty if this one was the last.
            return {"page": 2, "full": count}
        return following if count >= full else None


def _looks_capped(count: int, full: int) -> bool:
    return DEFAULT_PAGE_SIZE <= count < full and count % 5 == 0


def _page_number(cursor: Cursor) -> int:
    return int(cursor.get("page", 1))
