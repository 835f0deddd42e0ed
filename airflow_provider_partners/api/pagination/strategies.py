"""The paginators: by page number, last id, GraphQL connection, token, or timestamp.

Each is a frozen value. It turns a cursor into query parameters, and a page into the next cursor. It sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.pagination.page import Cursor, Paginator, find_total
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


@dataclass(frozen=True, slots=True)
class PageNumberPaginator(Paginator):
    """Numbered pages: ``page[number]=3&page[size]=100``.

    ::

        {"data": [...], "meta": {"page": {"totalRecords": 42}}, "links": {"next": "..."}}

    The last page is detected by the first of: the next page's link, the list's total, a page that is not full.

    :param size: records per page
    :param number_param: query parameter of the page number
    :param size_param: query parameter of the page size
    :param first_page_number: number of the first page
    :param max_page_number: highest page number that the partner serves; a longer list is an error
    :param total_paths: dotted paths that may hold the list's total
    :param next_link_path: dotted path that may hold the next page's link; null on the last page
    :param short_page_is_last: a page that is not full is the last one. Use ``False`` if the server may apply a
        lower maximum silently; reading then ends at the first empty page
    """

    size: int
    number_param: str = "page[number]"
    size_param: str = "page[size]"
    first_page_number: int = 1
    max_page_number: int | None = None
    total_paths: tuple[str, ...] = ()
    next_link_path: str = ""
    short_page_is_last: bool = True

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return page number and page size."""
        return {self.number_param: self._number(cursor), self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return the next page number, unless this is the last page.

        :raises PagingError: the list is longer than the partner serves
        """
        if not records or not self._has_more(cursor, body, len(records)):
            return None
        number = self._number(cursor) + 1
        if self.max_page_number is not None and number > self.max_page_number:
            message = f"the list is longer than the {self.max_page_number} pages of {self.size} that the partner serves"
            raise PagingError(message, remedy="Use a shorter window, or a narrower filter.")
        return {"page": number}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the next page number, up to the highest number served."""
        number = self._number(cursor) + 1
        return None if self.max_page_number is not None and number > self.max_page_number else {"page": number}

    def total(self, body: Any) -> int | None:
        """Return the list's total, if the response holds it."""
        return find_total(body, self.total_paths)

    def _next_link(self, body: Any) -> bool | None:
        """Return whether the response links to a next page, ``None`` if it does not say."""
        parent_path, _, name = self.next_link_path.rpartition(".")
        links = get_path(body, parent_path) if self.next_link_path else None
        return bool(links[name]) if isinstance(links, Mapping) and name in links else None

    def _number(self, cursor: Cursor) -> int:
        return int(cursor.get("page", self.first_page_number))

    def _has_more(self, cursor: Cursor, body: Any, record_count: int) -> bool:
        if (has_next := self._next_link(body)) is not None:
            return has_next
        total, before = self.total(body), (self._number(cursor) - self.first_page_number) * self.size
        if total is None:
            return record_count >= self.size or not self.short_page_is_last
        short = record_count < self.size and not self.short_page_is_last and record_count < total
        return short or before + record_count < total


@dataclass(frozen=True, slots=True)
class SinglePagePaginator(Paginator):
    """A list that comes in one response and has no second page.

    :param size: records to request
    :param size_param: query parameter of the size; empty if the response always holds the whole list
    :param total_paths: dotted paths that may hold the list's total
    :param has_more_path: dotted path of the flag that says whether more records exist
    """

    size: int
    size_param: str = "limit"
    total_paths: tuple[str, ...] = ()
    has_more_path: str = "has_more"

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the size, if the API takes one."""
        return {self.size_param: self.size} if self.size_param else {}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return None: there is no next page.

        :raises PagingError: the list holds more records than the response
        """
        total = find_total(body, self.total_paths)
        full = total is None and bool(self.size_param) and len(records) >= self.size
        if get_path(body, self.has_more_path) is True or full or (total is not None and total > len(records)):
            of = f"{total}" if total is not None else "perhaps more"
            message = f"the partner returned {len(records)} records of {of}, and the list has no second page"
            raise PagingError(message, remedy="Use narrower filters.")
        return None


@dataclass(frozen=True, slots=True)
class LastIdPaginator(Paginator):
    """Pages after the last id: ``starting_after_id=lcs_1``.

    ::

        {"data": [{"id": "lcs_1"}], "has_more": true, "more_starting_after": "lcs_1"}

    :param size: records per page
    :param param: query parameter of the id
    :param size_param: query parameter of the page size
    :param id_path: dotted path of a record's id, used if the response does not name the next id
    :param has_more_path: dotted path of the flag that says whether more records exist; without the flag, a page
        that is not full is the last one
    :param next_id_path: dotted path that may hold the id to continue after
    """

    size: int
    param: str = "starting_after_id"
    size_param: str = "limit"
    id_path: str = "id"
    has_more_path: str = "has_more"
    next_id_path: str = "more_starting_after"

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the id to continue after, and the page size."""
        after = {self.param: cursor["after"]} if "after" in cursor else {}
        return {**after, self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return the id that the response names, or the last record's id.

        :raises PagingError: more records exist, but there is no id to continue after
        """
        more = get_path(body, self.has_more_path)
        if more is False or (more is None and len(records) < self.size):
            return None
        after = get_path(body, self.next_id_path) or (get_path(records[-1], self.id_path) if records else None)
        if not after:
            message = f"more records exist, but neither '{self.next_id_path}' nor a record's '{self.id_path}' is given"
            raise PagingError(message)
        return {"after": after}


@dataclass(frozen=True, slots=True)
class ConnectionPaginator(Paginator):
    """A GraphQL connection with the variables ``first`` and ``after``.

    ::

        {"app": {"events": {"edges": [{"cursor": "c1", "node": {...}}], "pageInfo": {"hasNextPage": true}}}}

    Continues after ``pageInfo.endCursor``, or after the last edge's cursor: Shopify's Partner API has no cursors
    in ``pageInfo``, except for events (https://shopify.dev/docs/api/partner/latest/objects/PageInfo).

    :param size: records per page
    :param connection_path: dotted path from ``data`` to the connection
    :param size_variable: GraphQL variable of the page size
    :param cursor_variable: GraphQL variable of the cursor
    """

    size: int
    connection_path: str = ""
    size_variable: str = "first"
    cursor_variable: str = "after"

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the GraphQL variables."""
        return {self.size_variable: self.size, self.cursor_variable: cursor.get("after")}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return the cursor after the last edge, if there is a next page.

        :param body: the response's ``data``
        :raises PagingError: the document does not request the fields that paging needs
        """
        connection = get_path(body, self.connection_path)
        edges = get_path(connection, "edges") or []
        more = get_path(connection, "pageInfo.hasNextPage")
        if more is False or (not records and not edges):
            return None
        if more is None:
            message = f"the connection '{self.connection_path}' does not say whether more records exist"
            raise PagingError(message, remedy="Request pageInfo { hasNextPage } in the document.")
        after = get_path(connection, "pageInfo.endCursor") or (get_path(edges[-1], "cursor") if edges else None)
        if not after:
            message = f"the connection '{self.connection_path}' has more records, but its cursors are missing"
            raise PagingError(message, remedy="Request edges { cursor } or pageInfo { endCursor } in the document.")
        return {"after": after}


@dataclass(frozen=True, slots=True)
class TokenPaginator(Paginator):
    """Pages by the partner's own token: ``page_info=…&limit=100``.

    ::

        {"orders": [...], "pagination": {"next_page_info": "eyJ..."}}

    On the last page the token is missing, null or empty, depending on the resource.

    :param size: records per page
    :param param: query parameter of the token
    :param size_param: query parameter of the page size
    :param next_page_path: dotted path of the next token
    :param token_replaces_filters: the token contains the first request's filters, and the API refuses both
    """

    size: int
    param: str = "page_info"
    size_param: str = "limit"
    next_page_path: str = "pagination.next_page_info"
    token_replaces_filters: bool = True

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the token and the page size."""
        token = {self.param: cursor["token"]} if "token" in cursor else {}
        return {**token, self.size_param: self.size}

    def params_with_filters(self, cursor: Cursor, filters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters and the list's filters, unless the token replaces the filters.

        :param filters: filters of the first request
        """
        replaced = self.token_replaces_filters and "token" in cursor
        return {**({} if replaced else filters), **self.params(cursor)}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return the response's token."""
        token = get_path(body, self.next_page_path)
        if not token:
            return None
        # A Yotpo client in production had to decode the token once before Yotpo accepted it.
        return {"token": unquote(token) if isinstance(token, str) and "%" in token else token}


@dataclass(frozen=True, slots=True)
class TimestampPaginator(Paginator):
    """Pages after the last record's timestamp: ``starting_after=2026-01-01T00:00:00.000Z``.

    ::

        {"customers": [{"created_at": "2026-01-01T00:00:00.000Z"}], "has_more": true}

    Records on both sides of a page's end may share a timestamp, and the API does not document whether it includes
    the bound. So each page begins ``overlap`` before the end of the last one. The extraction drops the records
    that it has already read.

    :param size: records per page
    :param param: query parameter of the timestamp
    :param field: dotted path of the record's timestamp that the API compares
    :param size_param: query parameter of the page size
    :param first_timestamp: timestamp of the first page; ``None`` sends none
    :param descending: the newest record comes first
    :param overlap: time that is read twice; at least the precision of the partner's timestamps
    :param has_more_path: dotted path of the flag that says whether more records exist; without the flag, a page
        that is not full is the last one
    """

    size: int
    param: str = "starting_after"
    field: str = "created_at"
    size_param: str = "limit"
    first_timestamp: str | None = None
    descending: bool = False
    overlap: timedelta = timedelta(milliseconds=1)
    has_more_path: str = "has_more"

    def start(self) -> Cursor:
        """Return the cursor of the first page."""
        return {} if self.first_timestamp is None else {"after": self.first_timestamp}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """Return the timestamp to continue after, and the page size."""
        after = cursor.get("after", self.first_timestamp)
        return {**({} if after is None else {self.param: after}), self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Return a timestamp shortly before the last record's one.

        :raises PagingError: all records of a page share one timestamp, or a record has none
        """
        more = get_path(body, self.has_more_path)
        if not records or more is False or (more is None and len(records) < self.size):
            return None
        last = _parse(get_path(records[-1], self.field), self.field)
        following = last + self.overlap if self.descending else last - self.overlap
        before = cursor.get("after", self.first_timestamp)
        if before is not None:
            reached = _parse(before, self.param)
            if following >= reached if self.descending else following <= reached:
                message = f"a page of {len(records)} records does not get past '{self.field}' {_format(last)}"
                raise PagingError(message, remedy="Use larger pages: too many records share this timestamp.")
        return {"after": _format(following)}


def _parse(value: Any, field: str) -> datetime:
    timestamp = timestamps.try_parse(value)
    if timestamp is None:
        message = f"'{field}' of a record is not an ISO 8601 timestamp, so the next page cannot be requested"
        raise PagingError(message)
    return timestamp


def _format(timestamp: datetime) -> str:
    return timestamps.isoformat(timestamp, "microseconds" if timestamp.microsecond % 1000 else "milliseconds")
