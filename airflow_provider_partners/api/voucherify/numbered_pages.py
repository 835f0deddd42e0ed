"""The pages of a numbered list, of which Voucherify serves 99 or 100 and no more.

A list that is longer is cut by time: its window is halved, and its halves again, until each part fits. Where the parts
touch, rows are told apart by their own time, so none is lost or comes twice, whether the server counts its bounds in or
not. What can't be cut is an error, never cut off. Must not know arguments, nor how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_partners import timestamps, windows
from airflow_provider_partners.api.extraction import REMEMBERED_RECORDS
from airflow_provider_partners.api.pagination.strategies import Cursor, Page, PageNumberPaginator, TimestampPaginator
from airflow_provider_partners.api.voucherify.pages import PageFetcher, PageRequester, TimeSelection
from airflow_provider_partners.api.voucherify.resources.model import TimeFilter, VoucherifyResource, extract_records
from airflow_provider_partners.exceptions import PagingError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.records import Record

_TIME_STEP = timedelta(milliseconds=1)
"""How finely Voucherify's times can be told apart."""

Pieces = list[list[str | None]]
"""Half-open stretches of time, one behind the other; the first is being read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedPageFetcher:
    """The pages of a numbered list.

    A cursor is ``{"page": 3, "total": 412, "pieces": [[since, until], …], "of": 20412}``: page of the first piece, rows
    that this piece had when it was last asked, the pieces that remain, and the rows of the whole list.

    :param requester: what is asked
    :param paginator: page and size
    :param max_page_number: the highest page served
    :param time_selection: the stretch of time asked for
    :param split_filter: how the list can be asked by time when it is too long; ``None`` where it can't
    :param records_leave_window: whether rows leave the window while it is read, as those do that are changed meanwhile
    :param clock: the time, for a window without an end
    """

    requester: PageRequester
    paginator: PageNumberPaginator
    max_page_number: int
    time_selection: TimeSelection = field(default_factory=TimeSelection)
    split_filter: TimeFilter | None = None
    records_leave_window: bool = False
    clock: Clock

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: where it begins
        :raises PagingError: when the list is longer than what can be read
        """
        if "scroll" in cursor:
            return self._fetch_scrolled(cursor)
        pieces = self._pieces(cursor)
        time_selection, number = self._selection(pieces), int(cursor.get("page", 1))
        body = self._request(time_selection, number)
        records, total = extract_records(self.requester.resource, body), self.paginator.total(body)
        if number == 1 and not self._fits(time_selection, records, total):
            return Page([], self._split(cursor, pieces, time_selection, total), cursor.get("of", total))
        known_total = cursor.get("total")
        if known_total is not None and total is not None and total < known_total:
            records = self._reread_previous_pages(time_selection, number, known_total, body)
        return self._page(cursor, pieces, records, body, total)

    def predict_next(self, cursor: Cursor) -> Cursor | None:
        """The cursor of the following page, where this one's piece is known to fit and to go on.

        :param cursor: where this page begins
        """
        number, total = int(cursor.get("page", 1)), cursor.get("total")
        if (
            number == 1
            or number >= self.max_page_number
            or (total is not None and number * self.paginator.size >= total)
        ):
            return None
        return {**cursor, "page": number + 1}

    def _request(
        self, time_selection: TimeSelection, number: int, size: int | None = None, sort: str | None = None
    ) -> Any:
        return self.requester.request_page(
            time_selection, {"page": number, "limit": size or self.paginator.size}, sort=sort
        )

    def _page(self, cursor: Cursor, pieces: Pieces, records: list[Record], body: Any, total: int | None) -> Page:
        number, size = int(cursor.get("page", 1)), self.paginator.size
        last = extract_records(self.requester.resource, body)
        more = self.paginator.next({"page": number}, body=body, records=last) is not None
        if more and number >= self.max_page_number and not self._new_records_come_last():
            self._raise_too_long(total if total is not None and total > self.max_page_number * size else None)
        selected = self.requester.select_records(records, self._selection(pieces))
        of = {"of": cursor["of"]} if "of" in cursor else {}
        kept = {"pieces": pieces} if "pieces" in cursor or self.records_leave_window else {}
        following: Cursor | None = None
        if more and number < self.max_page_number:
            following = {**kept, **of, "page": number + 1, **({} if total is None else {"total": total})}
        elif len(pieces) > 1:
            following = {"pieces": pieces[1:], **of}
        return Page(selected, following, cursor.get("of", total))

    def _new_records_come_last(self) -> bool:
        """Whether what was there at the first page has been read by now: all that came since is behind it."""
        return self.requester.sort in {"created_at", "id"}

    def _pieces(self, cursor: Cursor) -> Pieces:
        if "pieces" in cursor:
            return list(cursor["pieces"])
        until = self.time_selection.until
        if until is None and self.records_leave_window:
            until = datetime.fromtimestamp(self.clock.time(), UTC)
        return [[_format_timestamp(self.time_selection.since), _format_timestamp(until)]]

    def _selection(self, pieces: Pieces) -> TimeSelection:
        since, until = (timestamps.parse(text, "pieces") if text else None for text in pieces[0])
        return TimeSelection(self.time_selection.time_filter or self.split_filter, since, until)

    def _fits(self, time_selection: TimeSelection, records: list[Record], total: int | None) -> bool:
        if total is not None:
            return total <= self.paginator.size * self.max_page_number
        if len(records) < self.paginator.size or self.max_page_number == 1:
            return True
        # Nothing tells how many there are, so the last page is looked at: if that is full, more may follow.
        return (
            len(extract_records(self.requester.resource, self._request(time_selection, self.max_page_number)))
            < self.paginator.size
        )

    def _split(self, cursor: Cursor, pieces: Pieces, time_selection: TimeSelection, total: int | None) -> Cursor:
        """Two pieces in place of the first one."""
        if time_selection.time_filter is None:
            if self.requester.resource.scroll:
                return {"scroll": {}}
            self._raise_too_long(total)
        end = time_selection.until or datetime.fromtimestamp(self.clock.time(), UTC)
        begin = time_selection.since or self._oldest_timestamp(time_selection, time_selection.time_filter)
        half = windows.TimeRange(begin, end).midpoint(_TIME_STEP) if begin < end else None
        if half is None:
            self._raise_too_long(total, f" between {_format_timestamp(begin)} and {_format_timestamp(end)}")
        of = {} if total is None and "of" not in cursor else {"of": cursor.get("of", total)}
        return {
            "pieces": [
                [_format_timestamp(begin), _format_timestamp(half)],
                [_format_timestamp(half), _format_timestamp(time_selection.until)],
                *pieces[1:],
            ],
            **of,
        }

    def _oldest_timestamp(self, time_selection: TimeSelection, time_filter: TimeFilter) -> datetime:
        """The time of the oldest row, on a whole millisecond."""
        oldest = extract_records(self.requester.resource, self._request(time_selection, 1, 1, time_filter.sort))
        text = oldest[0].get(time_filter.record_field) if oldest else None
        if not text:
            self._raise_too_long(None, f", and its first row has no '{time_filter.record_field}' to cut it by")
        at = timestamps.parse(text, time_filter.record_field)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def _reread_previous_pages(
        self, time_selection: TimeSelection, number: int, known_total: int, body: Any
    ) -> list[Record]:
        """Rows have left the list since the last page, so later ones have moved up to pages that were read already.

        Those pages are read again, backwards: what moves up meanwhile comes into sight once more. The walk drops the
        rows that it knows.
        """
        size, page, total = self.paginator.size, number, self.paginator.total(body) or 0
        pages = [extract_records(self.requester.resource, body)]
        while page > 1 and (number - page) * size < known_total - total:
            page -= 1
            if (number - page) * size > REMEMBERED_RECORDS:
                message = f"'{self.requester.resource.name}' lost {known_total - total} of {known_total} rows since its last page was read"
                remedy = "Remove the dataset's folder, so that it is fetched anew; or ask for a shorter window."
                raise PagingError(message, remedy=remedy, partner="Voucherify")
            answer = self._request(time_selection, page)
            pages.append(extract_records(self.requester.resource, answer))
            now = self.paginator.total(answer)
            total = total if now is None else now
        return [record for each in reversed(pages) for record in each]

    def _fetch_scrolled(self, cursor: Cursor) -> Page:
        """Behind the moment of the last row, where no page reaches."""
        scroll = TimestampPaginator(size=self.paginator.size, param=self.requester.resource.scroll)
        pages = PageFetcher(requester=replace(self.requester, sort="created_at"), paginator=scroll)
        page = pages.fetch(cursor["scroll"])
        return Page(page.records, None if page.next is None else {"scroll": page.next}, page.total)

    def _raise_too_long(self, total: int | None, where: str = "") -> NoReturn:
        resource, max_records = self.requester.resource, self.paginator.size * self.max_page_number
        count_text = f"{total} rows" if total is not None else f"more than {max_records} rows, or just as many,"
        message = (
            f"'{resource.name}' has {count_text} here{where}, and Voucherify serves {max_records} of a list at most"
        )
        raise PagingError(message, remedy=_remedy(resource, self.paginator.size), partner="Voucherify")


def _remedy(resource: VoucherifyResource, size: int) -> str:
    if size < (resource.max_page_size or size):
        return f"Use page_size={resource.max_page_size}."
    if resource.exported_object:
        return 'Use mode="export", which has no such bound; or ask with narrower filters or parameters.'
    known = sorted({*resource.parameters, *resource.filters})
    return f"Ask with narrower filters or parameters ({', '.join(known) or 'this list takes none'})."


def _format_timestamp(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
