"""Fetch one page of a list, by last id, by cursor, backwards in time, or in a single answer.

:class:`PageRequester` sends the query of any list. Numbered lists have their own fetcher in ``numbered_pages``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import RESTART_REMEDY
from airflow_provider_partners.api.pagination.page import Cursor, Page, Paginator, find_total, request_page
from airflow_provider_partners.api.pagination.strategies import TimestampPaginator
from airflow_provider_partners.api.voucherify.errors import ExpiredCursorError
from airflow_provider_partners.api.voucherify.resources.model import (
    TimeFilter,
    VoucherifyResource,
    extract_records,
)
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.records import get_path
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

QueryParams = list[tuple[str, str]]
"""Query parameters of a request."""

GetJson = Callable[[str, str, QueryParams], Any]
"""Sends a GET request with a path, a label for logs, and query parameters; returns the answer's JSON."""

OVERLAP = timedelta(milliseconds=1)
"""How much wider than wanted a time range is requested.

Whether the bounds are inclusive is not documented. The fetchers drop the records outside of the range.
"""


@dataclass(frozen=True, slots=True)
class TimeSelection:
    """A time range, and how a list is filtered by it.

    :param time_filter: the list's query parameters; ``None`` when time does not filter the list
    :param written: the query parameters as the user wrote them, which are sent unchanged
    """

    time_filter: TimeFilter | None = None
    time_range: TimeRange = field(default_factory=TimeRange)
    written: tuple[tuple[str, str], ...] = ()

    def params(self) -> QueryParams:
        """Return the query parameters, for a range that is a millisecond wider on both sides."""
        time_filter, since, until = self.time_filter, self.time_range.since, self.time_range.until
        if time_filter is None:
            return []
        if self.written:
            return list(self.written)
        lower = [(time_filter.after, format_timestamp(since - OVERLAP))] if since and time_filter.after else []
        upper = [(time_filter.before, format_timestamp(until + OVERLAP))] if until and time_filter.before else []
        # As filters, the two bounds are conditions that must both hold.
        junction = [("filters[junction]", "and")] if (lower or upper) and time_filter.uses_filters else []
        return [*lower, *upper, *junction]

    def contains(self, record: Record) -> bool:
        """Whether a record lies in the range. A record without a readable timestamp always does."""
        if self.time_filter is None or self.time_range == TimeRange():
            return True
        if self.written and not self.time_filter.undescribed:
            return True  # the server knows the parameters, and whether their bounds are included
        timestamp = timestamps.try_parse(record.get(self.time_filter.record_field))
        return timestamp is None or self.time_range.contains(timestamp)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequester:
    """Requests pages of one list at one path.

    :param path: the list's path, with the ids of its parents
    :param params: filters and parameters, without time, order and paging
    :param sort: the value of ``order``; empty sends none
    :param parents: ids that every record gets, by name
    :param checks: further time ranges that the records must lie in
    """

    resource: VoucherifyResource
    get: GetJson
    path: str
    params: QueryParams = field(default_factory=list)
    sort: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[TimeSelection, ...] = ()

    def request_page(
        self, time_selection: TimeSelection, paging_params: Mapping[str, Any], *, sort: str | None = None
    ) -> Any:
        """Request one page and return the answer's JSON.

        :param sort: replaces the requester's own
        """
        sort = self.sort if sort is None else sort
        filters = [*self.params, *(pair for pair in time_selection.params() if pair not in self.params)]
        order = [("order", sort)] if sort else []
        paging = [(name, str(value)) for name, value in paging_params.items()]
        return self.get(self.path, f"{self.resource.name}.list", [*filters, *order, *paging])

    def select_records(self, records: list[Record], time_selection: TimeSelection) -> list[Record]:
        """Keep records inside the time range and add parent ids (such as ``campaign_id``) that the API omits."""
        ranges = (time_selection, *self.checks)
        selected = [record for record in records if all(each.contains(record) for each in ranges)]
        return [{**self.parents, **record} for record in selected] if self.parents else selected


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFetcher:
    """Fetches the pages of a list that is not numbered."""

    requester: PageRequester
    paginator: Paginator
    time_selection: TimeSelection = field(default_factory=TimeSelection)

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :raises PagingError: when the list cannot be read to its end
        """
        try:
            is_first = cursor == self.paginator.start()
            body = self._request_first_page(cursor) if is_first else self._request(cursor)
        except ExpiredCursorError:
            if "last" not in cursor:
                raise
            return self._restart_after_expiry(cursor)
        return self._page(body, cursor)

    def _request_first_page(self, cursor: Cursor) -> Any:
        resource = self.requester.resource
        return request_page(
            lambda: self._request(cursor),
            count=lambda body: len(extract_records(resource, body)),
            total=lambda body: find_total(body, ("total",)),
            name=resource.name,
            partner="Voucherify",
        )

    def _request(self, cursor: Cursor) -> Any:
        selection, paginator = self.time_selection, self.paginator
        time_filter, until = selection.time_filter, selection.time_range.until
        if isinstance(paginator, TimestampPaginator) and time_filter and paginator.param == time_filter.before:
            # The paginator moves the upper bound itself.
            paginator = replace(paginator, first_timestamp=format_timestamp(until + OVERLAP) if until else None)
            selection = replace(selection, time_range=replace(selection.time_range, until=None))
        return self.requester.request_page(selection, paginator.params(cursor))

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
        selected = self.requester.select_records(records, self.time_selection)
        return Page(selected, following, find_total(body, ("total",)))

    def _is_before_since(self, records: list[Record]) -> bool:
        """Whether a list that is read backwards in time has passed the start of the range."""
        timestamp = timestamps.try_parse(records[-1].get("created_at")) if records else None
        time_filter, since = self.time_selection.time_filter, self.time_selection.time_range.since
        by_creation = time_filter is not None and time_filter.record_field == "created_at"
        if not (timestamp and by_creation and since and getattr(self.paginator, "descending", False)):
            return False
        return timestamp < since

    def _record_id(self, record: Record) -> str | None:
        values = [get_path(record, name) for name in self.requester.resource.key]
        return "/".join(map(str, values)) if all(values) else None

    def _restart_after_expiry(self, cursor: Cursor) -> Page:
        """Read the list from its start and skip the records up to the last one that was read.

        The list is sorted by creation, so all earlier records still precede that one.
        """
        last = cursor["last"]
        log.info("Voucherify %s: the cursor has expired; reading the list from its start", self.requester.resource.name)
        current: Cursor | None = self.paginator.start()
        while current is not None:
            body = self._request(current)
            records = extract_records(self.requester.resource, body)
            if any(self._record_id(record) == last for record in records):
                return self._page(body, current, after_record=last)
            current = self.paginator.next(current, body=body, records=records)
        message = f"the cursor of '{self.requester.resource.name}' has expired, and its last record no longer exists"
        raise PagingError(message, remedy=RESTART_REMEDY, partner="Voucherify", restarts_list=True)


def format_timestamp(value: datetime) -> str:
    """Return a timestamp as Voucherify writes it, in milliseconds: ``2026-05-01T00:00:00.000Z``."""
    return timestamps.isoformat(value, "milliseconds")
