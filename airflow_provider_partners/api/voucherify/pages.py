"""One page of a Voucherify list that isn't numbered: behind an id, by a cursor, walked back in time, or in one answer.

Also what every page has in common: which rows belong to it, and what a row below a parent is told. Must not know
arguments, nor how anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.pagination.strategies import Cursor, Page, Paginator, TimestampPaginator, find_total
from airflow_provider_partners.api.voucherify.errors import ExpiredCursorError
from airflow_provider_partners.api.voucherify.resources.model import TimeFilter, VoucherifyResource, extract_records
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

QueryParams = list[tuple[str, str]]
"""Query parameters."""

GetJson = Callable[[str, str, QueryParams], Any]
"""Asks for a page: its path, the call's label, its query; gives the answer's JSON."""

OVERLAP = timedelta(milliseconds=1)
"""Whether the time filters include their bounds isn't documented, so they are asked a little wider than wanted."""


@dataclass(frozen=True, slots=True)
class TimeSelection:
    """A half-open stretch of time, perhaps without a beginning or an end.

    :param time_filter: how the list is asked by it; ``None`` where it isn't
    :param since: the first moment
    :param until: the first moment not asked for
    """

    time_filter: TimeFilter | None = None
    since: datetime | None = None
    until: datetime | None = None

    def params(self) -> QueryParams:
        """As it is asked: wider by a millisecond on both sides."""
        if self.time_filter is None:
            return []
        lower = (
            [(self.time_filter.after, timestamps.isoformat(self.since - OVERLAP, "milliseconds"))]
            if self.since and self.time_filter.after
            else []
        )
        upper = (
            [(self.time_filter.before, timestamps.isoformat(self.until + OVERLAP, "milliseconds"))]
            if self.until and self.time_filter.before
            else []
        )
        # Two conditions of a filter; they must both hold.
        both = [("filters[junction]", "and")] if (lower or upper) and self.time_filter.uses_filters else []
        return [*lower, *upper, *both]

    def contains(self, record: Record) -> bool:
        """Whether a row belongs to it; a row without the time always does.

        :param record: the row
        """
        text = record.get(self.time_filter.record_field) if self.time_filter and (self.since or self.until) else None
        if not text or self.time_filter is None:
            return True
        at = timestamps.parse(text, self.time_filter.record_field)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequester:
    """What is asked of one list at one path.

    :param resource: the list
    :param get: asks for a page
    :param path: where it is
    :param params: filters and parameters, without time, order and paging
    :param sort: the order asked for, if any
    :param parents: what its rows are told, by name
    """

    resource: VoucherifyResource
    get: GetJson
    path: str
    params: QueryParams = field(default_factory=list)
    sort: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    def request_page(
        self, time_selection: TimeSelection, paging_params: Mapping[str, Any], *, sort: str | None = None
    ) -> Any:
        """One answer.

        :param time_selection: the stretch of time
        :param paging_params: the parameters of paging
        :param sort: in place of the usual one
        """
        sort = self.sort if sort is None else sort
        list_params = [*self.params, *(pair for pair in time_selection.params() if pair not in self.params)]
        sorted_by = [("order", sort)] if sort else []
        paged = [(name, str(value)) for name, value in paging_params.items()]
        return self.get(self.path, f"{self.resource.name}.list", [*list_params, *sorted_by, *paged])

    def select_records(self, records: list[Record], time_selection: TimeSelection) -> list[Record]:
        """The rows that belong to a span, each with its parents' ids where it hasn't such a field.

        :param records: as they came
        :param time_selection: the stretch of time
        """
        kept = [record for record in records if time_selection.contains(record)]
        return [{**self.parents, **record} for record in kept] if self.parents else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """The pages of a list that isn't numbered.

    :param requester: what is asked
    :param paginator: how it is walked
    :param time_selection: the stretch of time
    """

    requester: PageRequester
    paginator: Paginator
    time_selection: TimeSelection = field(default_factory=TimeSelection)

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: where it begins
        :raises PagingError: when the list can't be read to its end
        """
        try:
            body = self._request(cursor)
        except ExpiredCursorError:
            if "last" not in cursor:
                raise
            return self._restart_after_expiry(cursor)
        return self._page(body, cursor)

    def _request(self, cursor: Cursor) -> Any:
        time_selection, paginator = self.time_selection, self.paginator
        if (
            isinstance(paginator, TimestampPaginator)
            and time_selection.time_filter
            and paginator.param == time_selection.time_filter.before
        ):
            # The walk moves this very bound.
            paginator = replace(
                paginator,
                first_timestamp=timestamps.isoformat(time_selection.until + OVERLAP, "milliseconds")
                if time_selection.until
                else None,
            )
            time_selection = replace(time_selection, until=None)
        return self.requester.request_page(time_selection, paginator.params(cursor))

    def _page(self, body: Any, cursor: Cursor, *, after_record: str | None = None) -> Page:
        records = extract_records(self.requester.resource, body)
        following = self.paginator.next(cursor, body=body, records=records)
        if after_record is not None:
            records = records[[self._record_id(record) for record in records].index(after_record) + 1 :]
        if following is not None and self.requester.resource.paging_style == "cursor":
            last = self._record_id(records[-1]) if records else after_record or cursor.get("last")
            following = {**following, **({"last": last} if last else {})}
        if following is not None and isinstance(self.paginator, TimestampPaginator) and self._is_before_since(records):
            following = None
        return Page(
            self.requester.select_records(records, self.time_selection), following, find_total(body, ("total",))
        )

    def _is_before_since(self, records: list[Record]) -> bool:
        """Whether a list that is walked back in time has come to the beginning of what is asked for."""
        text = records[-1].get("created_at") if records else None
        by_creation = (
            self.time_selection.time_filter is not None and self.time_selection.time_filter.record_field == "created_at"
        )
        if not (text and by_creation and self.time_selection.since and getattr(self.paginator, "descending", False)):
            return False
        return timestamps.parse(text, "created_at") < self.time_selection.since

    def _record_id(self, record: Record) -> str | None:
        """What a row is found again by."""
        values = [get_path(record, name) for name in self.requester.resource.key]
        return "/".join(map(str, values)) if all(values) else None

    def _restart_after_expiry(self, cursor: Cursor) -> Page:
        """Begin anew, since the cursor has expired, and pass over what was read before it.

        The order is that of creation, so what was read before still comes before its last row.
        """
        last = cursor["last"]
        log.info("Voucherify %s: the cursor has expired, going over the list again", self.requester.resource.name)
        at: Cursor | None = self.paginator.start()
        while at is not None:
            body = self._request(at)
            records = extract_records(self.requester.resource, body)
            if any(self._record_id(record) == last for record in records):
                return self._page(body, at, after_record=last)
            at = self.paginator.next(at, body=body, records=records)
        message = (
            f"the cursor of '{self.requester.resource.name}' has expired, and the row that it stood behind is gone"
        )
        raise PagingError(
            message, remedy="Remove the dataset's folder, so that it is fetched anew.", partner="Voucherify"
        )
