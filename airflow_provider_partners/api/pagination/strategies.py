"""How each partner's lists are walked, as pure values: from a cursor to query parameters, from a page to the
cursor of the next one.

Numbered pages are here; lists with cursors are in ``cursors`` and named here too, since a table of resources
needs them all. The strategies hold no state and send nothing.

Lists walked by a cursor: behind an id, behind an edge, by the partner's own token, or behind a moment.

Pure values; they hold no state and send nothing. Numbered pages are in ``paging``, which also gives these
names on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_partners.api.pagination.page import Cursor
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from collections.abc import Mapping
if TYPE_CHECKING:
    from airflow_provider_partners.records import Record
from collections.abc import Mapping

from airflow_provider_partners.api.pagination.page import Page, Paginator, find_total


@dataclass(frozen=True, slots=True)
class LastIdPaginator:
    """Behind the last id: ``starting_after_id=lcs_1``.

    ::

        {"data": [{"id": "lcs_1"}], "has_more": true, "more_starting_after": "lcs_1"}

    :param size: rows per page
    :param param: the parameter of the id
    :param size_param: the parameter of the size
    :param id_path: the field of a row that is sent when the answer names no id itself
    :param has_more_path: where the answer says whether more remain; without it a page that is not full is the last one
    :param next_id_path: where the answer names the id to go on from
    """

    size: int
    param: str = "starting_after_id"
    size_param: str = "limit"
    id_path: str = "id"
    has_more_path: str = "has_more"
    next_id_path: str = "more_starting_after"

    def start(self) -> Cursor:
        """The beginning of the list."""
        return {}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """The id to go on from, and the size.

        :param cursor: where the page begins
        """
        behind = {self.param: cursor["after"]} if "after" in cursor else {}
        return {**behind, self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Behind the id that the answer names, or else behind the last row.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        :raises PagingError: when more remain but nothing tells where
        """
        more = get_path(body, self.has_more_path)
        if more is False or (more is None and len(records) < self.size):
            return None
        after = get_path(body, self.next_id_path) or (get_path(records[-1], self.id_path) if records else None)
        if not after:
            message = f"more rows remain, but neither '{self.next_id_path}' nor a row's '{self.id_path}' tells where"
            raise PagingError(message)
        return {"after": after}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Unknown.

        :param cursor: where this page begins
        """
        return None


@dataclass(frozen=True, slots=True)
class ConnectionPaginator:
    """A GraphQL connection: ``size_variable`` and ``cursor_variable``.

    ::

        {"app": {"events": {"edges": [{"cursor": "c1", "node": {...}}], "pageInfo": {"hasNextPage": true}}}}

    Goes on from ``pageInfo.endCursor``, or else from the last edge's cursor: the Partner API's page info has
    no cursors, except for events.

    :param size: rows per page
    :param connection_path: dotted path from ``data`` to the connection
    :param size_variable: the variable of the size
    :param cursor_variable: the variable of the cursor
    """

    size: int
    connection_path: str = ""
    size_variable: str = "first"
    cursor_variable: str = "after"

    def start(self) -> Cursor:
        """The beginning of the list."""
        return {}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """The variables.

        :param cursor: where the page begins
        """
        return {self.size_variable: self.size, self.cursor_variable: cursor.get("after")}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Behind the last edge, if there is a next page.

        :param cursor: where this page began
        :param body: the answer's ``data``
        :param records: this page's rows
        :raises PagingError: when the document doesn't ask for what paging needs
        """
        connection = get_path(body, self.connection_path)
        edges = get_path(connection, "edges") or []
        more = get_path(connection, "pageInfo.hasNextPage")
        if more is False or (not records and not edges):
            return None
        if more is None:
            message = f"the connection '{self.connection_path}' doesn't tell whether more remain"
            raise PagingError(message, remedy="Ask for pageInfo { hasNextPage } in the document.")
        after = get_path(connection, "pageInfo.endCursor") or (get_path(edges[-1], "cursor") if edges else None)
        if not after:
            message = f"the connection '{self.connection_path}' has more, but its cursors are missing"
            raise PagingError(message, remedy="Ask for edges { cursor } or pageInfo { endCursor } in the document.")
        return {"after": after}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Unknown.

        :param cursor: where this page begins
        """
        return None


@dataclass(frozen=True, slots=True)
class TokenPaginator:
    """By the partner's own token: ``page_info=…&limit=100``.

    ::

        {"orders": [...], "pagination": {"next_page_info": "eyJ..."}}

    At the end the token is missing, null or empty, by resource (recorded Yotpo answers). One Yotpo client
    had to decode the token once before it was accepted, so what holds a ``%`` is decoded.

    :param size: rows per page
    :param param: the parameter of the token
    :param size_param: the parameter of the size
    :param next_token_path: where the answer holds the next token
    :param token_replaces_filters: whether the token remembers the first call's filters and refuses to be sent with any
    """

    size: int
    param: str = "page_info"
    size_param: str = "limit"
    next_token_path: str = "pagination.next_page_info"
    token_replaces_filters: bool = True

    def start(self) -> Cursor:
        """The beginning of the list."""
        return {}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """The token, and the size.

        :param cursor: where the page begins
        """
        token = {self.param: cursor["token"]} if "token" in cursor else {}
        return {**token, self.size_param: self.size}

    def params_with_filters(self, cursor: Cursor, filters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters together with the list's filters, which an exclusive token takes the place of.

        :param cursor: where the page begins
        :param filters: the filters of the first call
        """
        dropped = self.token_replaces_filters and "token" in cursor
        return {**({} if dropped else filters), **self.params(cursor)}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """By the token of this answer.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        """
        token = get_path(body, self.next_token_path)
        if not token:
            return None
        return {"token": unquote(token) if isinstance(token, str) and "%" in token else token}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Unknown.

        :param cursor: where this page begins
        """
        return None


@dataclass(frozen=True, slots=True)
class TimestampPaginator:
    """Behind the last row's moment: ``starting_after=2026-01-01T00:00:00.000Z``.

    ::

        {"customers": [{"created_at": "2026-01-01T00:00:00.000Z"}], "has_more": true}

    Rows may share a moment across a page's edge, and whether the bound is included isn't documented. So each
    page begins ``overlap`` before the end of the last one; the walk drops the rows that it has seen.

    :param size: rows per page
    :param param: the parameter of the moment
    :param field: the row's field that is compared (dotted)
    :param size_param: the parameter of the size
    :param first_timestamp: the moment at which the list is begun; ``None`` sends none
    :param descending: whether the newest row comes first
    :param overlap: how much is read twice; at least the precision of the partner's clock
    :param has_more_path: where the answer may say whether more remain; otherwise a page that is not full is the last
        one
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
        """The beginning of the list."""
        return {} if self.first_timestamp is None else {"after": self.first_timestamp}

    def params(self, cursor: Cursor) -> dict[str, Any]:
        """The moment to go on from, and the size.

        :param cursor: where the page begins
        """
        after = cursor.get("after", self.first_timestamp)
        return {**({} if after is None else {self.param: after}), self.size_param: self.size}

    def next(self, cursor: Cursor, *, body: Any, records: list[Record]) -> Cursor | None:
        """Shortly before the last row's moment.

        :param cursor: where this page began
        :param body: this page's answer
        :param records: this page's rows
        :raises PagingError: when a whole page shares one moment, or a row has none
        """
        more = get_path(body, self.has_more_path)
        if not records or more is False or (more is None and len(records) < self.size):
            return None
        last = _parse_record_timestamp(get_path(records[-1], self.field), self.field)
        ahead = last + self.overlap if self.descending else last - self.overlap
        before = cursor.get("after", self.first_timestamp)
        if before is not None:
            reached = _parse_record_timestamp(before, self.param)
            if ahead >= reached if self.descending else ahead <= reached:
                message = f"a page of {len(records)} rows does not get past '{self.field}' {_format_timestamp(last)}"
                raise PagingError(message, remedy="Use larger pages: too many rows share that moment.")
        return {"after": _format_timestamp(ahead)}

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Unknown.

        :param cursor: where this page begins
        """
        return None


def _parse_record_timestamp(value: Any, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        message = f"'{field}' of a row is no ISO 8601 time, so the list can't be walked by it"
        raise PagingError(message) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _format_timestamp(moment: datetime) -> str:
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


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
