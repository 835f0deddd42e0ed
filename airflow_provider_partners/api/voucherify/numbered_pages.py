"""Fetch pages of a numbered list, of any length.

Voucherify serves 99 or 100 pages of such a list (``page`` in https://github.com/voucherifyio/voucherify-openapi). A
longer list is split by time: the range is halved until every piece fits. Adjacent pieces share a bound, and each record
belongs to the piece that holds its timestamp. So no record is lost or repeated, whether the server includes the bounds
or not. A list that is too long and cannot be split raises an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.extraction import MAX_REMEMBERED_RECORDS, RESTART_REMEDY
from airflow_provider_partners.api.pagination.page import Cursor, Page, request_page
from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator, TimestampPaginator
from airflow_provider_partners.api.voucherify.pages import PageFetcher, PageRequester, TimeSelection
from airflow_provider_partners.api.voucherify.resources.model import (
    TimeFilter,
    VoucherifyResource,
    extract_records,
)
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.windows import TimeRange

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.records import Record

_TIME_STEP = timedelta(milliseconds=1)
"""The resolution of Voucherify's timestamps."""

Pieces = list[list[str | None]]
"""Adjacent half-open time ranges ``[since, until]``, the earliest first. The first one is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPageFetcher:
    """Fetches the pages of a numbered list.

    A cursor is ``{"page": 3, "total": 412, "pieces": [[since, until], …], "of": 20412}``: the page of the first piece,
    the total of that piece at the previous page, the remaining pieces, and the total of the whole list.

    :param max_page_number: the highest page number that the API serves
    :param split_filter: the time parameters that can split the list; ``None`` when none can
    :param records_leave_window: records may leave the range during the read, as with ``updated_at``
    :param clock: the current time, as the end of an open range
    """

    requester: PageRequester
    paginator: PageNumberPaginator
    max_page_number: int
    time_selection: TimeSelection = field(default_factory=TimeSelection)
    split_filter: TimeFilter | None = None
    records_leave_window: bool = False
    clock: Clock

    def fetch(self, cursor: Cursor) -> Page:
        """Fetch the page at a cursor.

        :raises PagingError: when the list is longer than the API serves, and cannot be split
        """
        if "scroll" in cursor:
            return self._fetch_scrolled(cursor)
        pieces = self._pieces(cursor)
        selection, number = self._selection(pieces), int(cursor.get("page", 1))
        body = self._request_page(selection, number)
        records, total = extract_records(self.requester.resource, body), self.paginator.total(body)
        if number == 1 and not self._fits(selection, records, total):
            return Page([], self._split(cursor, pieces, selection, total), cursor.get("of", total))
        known_total = cursor.get("total")
        if known_total is not None and total is not None and total < known_total:
            records = self._reread_previous_pages(selection, number, known_total, body)
        return self._page(cursor, pieces, records, body, total)

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """Return the next cursor without reading this page, when its piece is known to fit and to continue."""
        number, total = int(cursor.get("page", 1)), cursor.get("total")
        is_last = number >= self.max_page_number or (total is not None and number * self.paginator.size >= total)
        return None if number == 1 or is_last else {**cursor, "page": number + 1}

    def _request_page(self, selection: TimeSelection, number: int) -> Any:
        return request_page(
            lambda: self._request(selection, number),
            count=lambda body: len(extract_records(self.requester.resource, body)),
            total=self.paginator.total,
            name=self.requester.resource.name,
            partner="Voucherify",
            size=self.paginator.size,
            number=number,
        )

    def _request(self, selection: TimeSelection, number: int, size: int | None = None, sort: str | None = None) -> Any:
        params = {"page": number, "limit": size or self.paginator.size}
        return self.requester.request_page(selection, params, sort=sort)

    def _page(self, cursor: Cursor, pieces: Pieces, records: list[Record], body: Any, total: int | None) -> Page:
        number, size = int(cursor.get("page", 1)), self.paginator.size
        page_records = extract_records(self.requester.resource, body)
        has_more = self.paginator.next({"page": number}, body=body, records=page_records) is not None
        if has_more and number >= self.max_page_number and not self._new_records_come_last():
            self._raise_too_long(total if total is not None and total > self.max_page_number * size else None)
        selected = self.requester.select_records(records, self._selection(pieces))
        list_total = {"of": cursor["of"]} if "of" in cursor else {}
        kept_pieces = {"pieces": pieces} if "pieces" in cursor or self.records_leave_window else {}
        following: Cursor | None = None
        if has_more and number < self.max_page_number:
            following = {
                **kept_pieces,
                **list_total,
                "page": number + 1,
                **({} if total is None else {"total": total}),
            }
        elif len(pieces) > 1:
            following = {"pieces": pieces[1:], **list_total}
        return Page(selected, following, cursor.get("of", total))

    def _new_records_come_last(self) -> bool:
        """Whether records that arrive during the read follow all that were there at its start."""
        return self.requester.sort in {"created_at", "id"}

    def _pieces(self, cursor: Cursor) -> Pieces:
        if "pieces" in cursor:
            return list(cursor["pieces"])
        time_range = self.time_selection.time_range
        until = time_range.until
        # What the user wrote is sent unchanged. Such a list is sorted by creation, so a changed record keeps its place.
        if until is None and self.records_leave_window and not self.time_selection.written:
            until = self._now()
        return [[_format_bound(time_range.since), _format_bound(until)]]

    def _selection(self, pieces: Pieces) -> TimeSelection:
        since, until = (timestamps.parse(text, "pieces") if text else None for text in pieces[0])
        if TimeRange(since, until) == self.time_selection.time_range:
            return self.time_selection
        return TimeSelection(self.time_selection.time_filter or self.split_filter, TimeRange(since, until))

    def _fits(self, selection: TimeSelection, records: list[Record], total: int | None) -> bool:
        if total is not None:
            return total <= self.paginator.size * self.max_page_number
        if len(records) < self.paginator.size or self.max_page_number == 1:
            return True
        # Without a total, only the last page shows the length: more may follow a full one.
        last_page = self._request(selection, self.max_page_number)
        return len(extract_records(self.requester.resource, last_page)) < self.paginator.size

    def _split(self, cursor: Cursor, pieces: Pieces, selection: TimeSelection, total: int | None) -> Cursor:
        """Return a cursor with the first piece split in two."""
        if self.split_filter is None:
            if self.requester.resource.scroll_param:
                return {"scroll": {}}
            self._raise_too_long(total)
        until = selection.time_range.until
        since = selection.time_range.since or self._oldest_timestamp(selection, self.split_filter)
        end = until or self._now()
        middle = TimeRange(since, end).midpoint(_TIME_STEP) if since < end else None
        if middle is None:
            self._raise_too_long(total, f" between {_format_bound(since)} and {_format_bound(end)}")
        list_total = {} if total is None and "of" not in cursor else {"of": cursor.get("of", total)}
        halves = [[_format_bound(since), _format_bound(middle)], [_format_bound(middle), _format_bound(until)]]
        return {"pieces": [*halves, *pieces[1:]], **list_total}

    def _oldest_timestamp(self, selection: TimeSelection, time_filter: TimeFilter) -> datetime:
        """Return the timestamp of the oldest record, on a whole millisecond."""
        body = self._request(selection, 1, 1, time_filter.sort)
        oldest = extract_records(self.requester.resource, body)
        timestamp = timestamps.try_parse(oldest[0].get(time_filter.record_field)) if oldest else None
        if timestamp is None:
            self._raise_too_long(None, f", and its first record has no '{time_filter.record_field}' to split it by")
        return timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)

    def _reread_previous_pages(
        self, selection: TimeSelection, number: int, known_total: int, body: Any
    ) -> list[Record]:
        """Return this page's records, and those of earlier pages that a shrinking list may have moved there.

        When records leave the list, later ones move up to pages that were already read. The pages are read backwards,
        so that a record that moves during this read is seen too. The extraction drops repeated records.

        :raises PagingError: when the list lost more records than the extraction can recognize as repeated
        """
        size, page, total = self.paginator.size, number, self.paginator.total(body) or 0
        pages = [extract_records(self.requester.resource, body)]
        while page > 1 and (number - page) * size < known_total - total:
            page -= 1
            if (number - page) * size > MAX_REMEMBERED_RECORDS:
                message = (
                    f"'{self.requester.resource.name}' lost {known_total - total} of {known_total} records since its "
                    "last page was read"
                )
                remedy = f"{RESTART_REMEDY} Or use a shorter window."
                raise PagingError(message, remedy=remedy, partner="Voucherify", restarts_list=True)
            page_body = self._request(selection, page)
            pages.append(extract_records(self.requester.resource, page_body))
            new_total = self.paginator.total(page_body)
            total = total if new_total is None else new_total
        return [record for records in reversed(pages) for record in records]

    def _fetch_scrolled(self, cursor: Cursor) -> Page:
        """Fetch a page by the timestamp of the previous page's last record, where no page number reaches."""
        paginator = TimestampPaginator(size=self.paginator.size, param=self.requester.resource.scroll_param)
        fetcher = PageFetcher(
            requester=replace(self.requester, sort="created_at"),
            paginator=paginator,
            time_selection=self.time_selection,
        )
        page = fetcher.fetch(cursor["scroll"])
        return Page(page.records, None if page.next is None else {"scroll": page.next}, page.total)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), UTC)

    def _raise_too_long(self, total: int | None, where: str = "") -> NoReturn:
        resource, max_records = self.requester.resource, self.paginator.size * self.max_page_number
        count = f"{total} records" if total is not None else f"at least {max_records} records"
        message = f"'{resource.name}' has {count} here{where}, and Voucherify serves {max_records} of a list at most"
        raise PagingError(message, remedy=_remedy(resource, self.paginator.size), partner="Voucherify")


def _remedy(resource: VoucherifyResource, size: int) -> str:
    if size < (resource.max_page_size or size):
        return f"Use page_size={resource.max_page_size}."
    if resource.exported_object:
        return 'Use mode="export", which has no such limit; or narrow the list by filters or parameters.'
    known = sorted({*resource.parameters, *resource.filters})
    return f"Narrow the list by filters or parameters ({', '.join(known) or 'this list takes none'})."


def _format_bound(value: datetime | None) -> str | None:
    return None if value is None else timestamps.isoformat(value)
