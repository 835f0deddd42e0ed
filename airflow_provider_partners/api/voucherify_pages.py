"""One page of a Voucherify list that isn't numbered: behind an id, by a cursor, walked back in time, or in one answer.

Also what every page has in common: which rows belong to it, and what a row below a parent is told. Must not know
arguments, nor how anything is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.cursors import DateCursor
from airflow_provider_partners.api.paging import Cursor, Page, Paging, dig, total_of
from airflow_provider_partners.api.voucherify_limits import ExpiredCursorError
from airflow_provider_partners.api.voucherify_resources import Asked, VoucherifyResource, rows
from airflow_provider_partners.exceptions import PagingError
from airflow_provider_partners.windows import moment

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record

log = logging.getLogger("airflow_provider_partners.api")

Pairs = list[tuple[str, str]]
"""Query parameters."""

Get = Callable[[str, str, Pairs], Any]
"""Asks for a page: its path, the call's label, its query; gives the answer's JSON."""

OVERLAP = timedelta(milliseconds=1)
"""Whether the time filters include their bounds isn't documented, so they are asked a little wider than wanted."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time, perhaps without a beginning or an end.

    :param asked: how the list is asked by it; ``None`` where it isn't
    :param since: the first moment
    :param until: the first moment not asked for
    """

    asked: Asked | None = None
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> Pairs:
        """As it is asked: wider by a millisecond on both sides."""
        if self.asked is None:
            return []
        lower = [(self.asked.after, written(self.since - OVERLAP))] if self.since and self.asked.after else []
        upper = [(self.asked.before, written(self.until + OVERLAP))] if self.until and self.asked.before else []
        # Two conditions of a filter; they must both hold.
        both = [("filters[junction]", "and")] if (lower or upper) and self.asked.by_filter else []
        return [*lower, *upper, *both]

    def holds(self, record: Record) -> bool:
        """Whether a row belongs to it; a row without the time always does.

        :param record: the row
        """
        text = record.get(self.asked.row) if self.asked and (self.since or self.until) else None
        if not text or self.asked is None:
            return True
        at = moment(text, self.asked.row)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is asked of one list at one path.

    :param row: the list
    :param get: asks for a page
    :param path: where it is
    :param query: filters and parameters, without time, order and paging
    :param order: the order asked for, if any
    :param parents: what its rows are told, by name
    """

    row: VoucherifyResource
    get: Get
    path: str
    query: Pairs = field(default_factory=list)
    order: str = ""
    parents: Mapping[str, str] = field(default_factory=dict)

    def ask(self, span: Span, numbers: Mapping[str, Any], *, order: str | None = None) -> Any:
        """One answer.

        :param span: the stretch of time
        :param numbers: the parameters of paging
        :param order: in place of the usual one
        """
        order = self.order if order is None else order
        asked = [*self.query, *(pair for pair in span.query() if pair not in self.query)]
        sorted_by = [("order", order)] if order else []
        paged = [(name, str(value)) for name, value in numbers.items()]
        return self.get(self.path, f"{self.row.name}.list", [*asked, *sorted_by, *paged])

    def told(self, records: list[Record], span: Span) -> list[Record]:
        """The rows that belong to a span, each with its parents' ids where it hasn't such a field.

        :param records: as they came
        :param span: the stretch of time
        """
        kept = [record for record in records if span.holds(record)]
        return [{**self.parents, **record} for record in kept] if self.parents else kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPages:
    """The pages of a list that isn't numbered.

    :param asking: what is asked
    :param paging: how it is walked
    :param span: the stretch of time
    """

    asking: Asking
    paging: Paging
    span: Span = field(default_factory=Span)

    def fetch(self, cursor: Cursor) -> Page:
        """The page at a cursor.

        :param cursor: where it begins
        :raises PagingError: when the list can't be read to its end
        """
        try:
            body = self._ask(cursor)
        except ExpiredCursorError:
            if "last" not in cursor:
                raise
            return self._again(cursor)
        return self._page(body, cursor)

    def _ask(self, cursor: Cursor) -> Any:
        span, paging = self.span, self.paging
        if isinstance(paging, DateCursor) and span.asked and paging.param == span.asked.before:
            # The walk moves this very bound.
            paging = replace(paging, first=written(span.until + OVERLAP) if span.until else None)
            span = replace(span, until=None)
        return self.asking.ask(span, paging.params(cursor))

    def _page(self, body: Any, cursor: Cursor, *, behind: str | None = None) -> Page:
        found = rows(self.asking.row, body)
        following = self.paging.next(cursor, body=body, records=found)
        if behind is not None:
            found = found[[self._mark(record) for record in found].index(behind) + 1 :]
        if following is not None and self.asking.row.style == "cursor":
            last = self._mark(found[-1]) if found else behind or cursor.get("last")
            following = {**following, **({"last": last} if last else {})}
        if following is not None and isinstance(self.paging, DateCursor) and self._passed(found):
            following = None
        return Page(self.asking.told(found, self.span), following, total_of(body, ("total",)))

    def _passed(self, found: list[Record]) -> bool:
        """Whether a list that is walked back in time has come to the beginning of what is asked for."""
        text = found[-1].get("created_at") if found else None
        by_creation = self.span.asked is not None and self.span.asked.row == "created_at"
        if not (text and by_creation and self.span.since and getattr(self.paging, "descending", False)):
            return False
        return moment(text, "created_at") < self.span.since

    def _mark(self, record: Record) -> str | None:
        """What a row is found again by."""
        values = [dig(record, name) for name in self.asking.row.key]
        return "/".join(map(str, values)) if all(values) else None

    def _again(self, cursor: Cursor) -> Page:
        """Begin anew, since the cursor has expired, and pass over what was read before it.

        The order is that of creation, so what was read before still comes before its last row.
        """
        last = cursor["last"]
        log.info("Voucherify %s: the cursor has expired, going over the list again", self.asking.row.name)
        at: Cursor | None = self.paging.start()
        while at is not None:
            body = self._ask(at)
            found = rows(self.asking.row, body)
            if any(self._mark(record) == last for record in found):
                return self._page(body, at, behind=last)
            at = self.paging.next(at, body=body, records=found)
        message = f"the cursor of '{self.asking.row.name}' has expired, and the row that it stood behind is gone"
        raise PagingError(
            message, remedy="Remove the dataset's folder, so that it is fetched anew.", partner="Voucherify"
        )


def written(value: datetime) -> str:
    """A moment as Voucherify writes it, in milliseconds.

    :param value: aware
    """
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
