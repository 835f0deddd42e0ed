"""A list that can't be asked by time, walked from its newest row back to a moment: how far to go, and when to trust
the order.

Rows that arrive meanwhile come first in such an order: they push others onto pages that are still to be read (the
walk drops what it has seen), and hide behind the reader's back. So the first pages are read again at the end, until
one holds rows that were known from the beginning. An order that the server refuses, or takes and doesn't keep, gives
way to the next one. All state is in the cursor. Must not know any partner.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.extraction import record_fingerprint
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import PagingError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

log = logging.getLogger("airflow_provider_partners.api")

_MAX_FINGERPRINTS = 1000
"""Rows at the front of a list that are remembered, beyond any burst of arrivals that is likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOrder:
    """An order that a list may be walked in.

    :param sort: how it is asked for, such as ``-return_created_at_epoch``
    :param field: the field that falls from row to row: a number, or none
    :param stop_below: the walk ends behind a whole page that lies below it; ``None`` goes to the list's end
    :param fetch: gives the list's pages in this order
    """

    sort: str
    field: str
    stop_below: float | None
    fetch: Callable[[Cursor], Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestFirstPages:
    """A walk of one list.

    :param name: the list's name, for warnings
    :param sort_orders: to be tried in turn, the best first
    :param key: the fields that identify a row
    :param keeps: whether a row belongs to what is asked for
    :param refused_sorts: orders that the server is known not to take; kept up to date
    """

    name: str
    sort_orders: Sequence[SortOrder]
    key: tuple[str, ...]
    keeps: Callable[[Record], bool]
    refused_sorts: set[str]

    def fetch(self, cursor: Cursor) -> Page:
        """The wanted rows of a page.

        :param cursor: ``{}``, or one that a page gave
        :raises PagingError: when the server gives the same page again and again
        :raises RejectedError: when it takes none of the orders
        """
        if not cursor:
            return self._first_page()
        order = self.sort_orders[cursor["order"]]
        page = order.fetch(cursor["at"])
        if cursor.get("again"):
            return self._reread_front(cursor, order, page)
        return self._next_page(cursor, order, page)

    def _first_page(self) -> Page:
        rejected_sorts: dict[str, str] = {}
        for number, order in enumerate(self.sort_orders):
            last = number + 1 == len(self.sort_orders)
            if order.sort in self.refused_sorts and not last:
                continue
            try:
                page = order.fetch({})
            except RejectedError as error:
                if last or error.status != 400:
                    raise
                rejected_sorts[order.sort] = "is refused"
                continue
            if last or _is_descending(_sort_values(order, page.records)):
                self._record_rejected(rejected_sorts, order)
                return self._next_page({"order": number, "at": {}}, order, page)
            rejected_sorts[order.sort] = "is taken, but not kept"
        message = f"'{self.name}' has no order to be walked in"
        raise PagingError(message)

    def _record_rejected(self, rejected_sorts: Mapping[str, str], order: SortOrder) -> None:
        """Only now that another order is taken, the order is known to have been the reason."""
        self.refused_sorts.update(rejected_sorts)
        for sort, reason in rejected_sorts.items():
            log.warning("%s: the order %s %s, so it is walked in the order %s", self.name, sort, reason, order.sort)

    def _next_page(self, cursor: Cursor, order: SortOrder, page: Page) -> Page:
        every = [record_fingerprint(record, self.key) for record in page.records]
        if every and every == cursor.get("rows"):
            message = f"'{self.name}' gave the same page twice running"
            raise PagingError(message, remedy="The partner seems to ignore the paging parameters.")
        records = self._new(cursor, page.records)
        ranks = _sort_values(order, records)
        mixed = cursor.get("mixed") or not _is_descending(ranks) or _begins_above(ranks, cursor)
        if mixed and not cursor.get("mixed") and order.stop_below is not None:
            log.warning("%s: the order %s is not kept, so the list is read to its end", self.name, order.sort)
        known = {
            "order": cursor["order"],
            **_front_state(cursor, ranks, [record_fingerprint(record, self.key) for record in records]),
        }
        following: Cursor | None
        if page.next is None or (not mixed and _is_below(ranks, order.stop_below)):
            # What fits on one page was seen at one moment; and where no order is kept, nothing new comes first.
            again = cursor["at"] and not mixed
            following = {**known, "at": {}, "again": True} if again else None
        else:
            dated = [rank for rank in ranks if rank < math.inf]
            top = {"top": dated[0]} if dated else {}
            # Two pages, as one may have been gone back to.
            past = {"past": cursor["rows"]} if "rows" in cursor else {}
            mark = {"mixed": True} if mixed else {}
            following = {**known, **top, **past, **mark, "at": page.next, "rows": every}
        return self._filtered_page(records, following)

    def _new(self, cursor: Cursor, records: Sequence[Record]) -> list[Record]:
        """The rows of a page without those that arrivals have pushed onto it.

        They are dropped here and not by the guard of all walks, since of a page that is cut to a window nothing else
        may be left.
        """
        before = {mark for name in ("past", "rows", "head", "burst") for mark in cursor.get(name, ())} - {None}
        return [record for record in records if record_fingerprint(record, self.key) not in before]

    def _reread_front(self, cursor: Cursor, order: SortOrder, page: Page) -> Page:
        """The front of the list once more: its rows are new down to the first that was there at the beginning."""
        head, burst, low = set(cursor["head"]), set(cursor.get("burst", ())), _sort_value(cursor["low"])
        ranks = _sort_values(order, page.records)
        marks = [record_fingerprint(record, self.key) for record in page.records]
        new = [
            record
            for record, rank, mark in zip(page.records, ranks, marks, strict=True)
            if mark not in head and mark not in burst and rank >= low
        ]
        met = any(mark in head for mark in marks) or any(rank < low for rank in ranks)
        if met or page.next is None:
            return self._filtered_page(new, None)
        burst |= {mark for mark in marks if mark}
        return self._filtered_page(new, {**cursor, "at": page.next, "burst": sorted(burst)})

    def _filtered_page(self, records: Sequence[Record], following: Cursor | None) -> Page:
        return Page([record for record in records if self.keeps(record)], following)


def _front_state(cursor: Cursor, values: Sequence[float], fingerprints: Sequence[str | None]) -> dict[str, Any]:
    """What will be known when the front is read again.

    Its rows (``head``), with those behind it that share its oldest moment (``low``), and newer ones that were met
    further on because so many had arrived at once (``burst``).
    """
    if "head" not in cursor:
        dated = [rank for rank in values if rank < math.inf]
        moments = {"low": _to_json(min(values, default=math.inf)), **({"newest": max(dated)} if dated else {})}
        return {"head": [mark for mark in fingerprints if mark], **moments}
    low, ranked = _sort_value(cursor["low"]), list(zip(values, fingerprints, strict=True))
    head = [*cursor["head"], *(mark for rank, mark in ranked if mark and rank == low)]
    burst = [*cursor.get("burst", ()), *(mark for rank, mark in ranked if mark and low < rank < math.inf)]
    # Longer ones would mean that nothing is sorted at all.
    kept: dict[str, Any] = {name: cursor[name] for name in ("low", "newest") if name in cursor}
    return {**kept, "head": head[:_MAX_FINGERPRINTS], **({"burst": burst[:_MAX_FINGERPRINTS]} if burst else {})}


def _sort_values(order: SortOrder, records: Sequence[Record]) -> list[float]:
    """A row without a moment ranks above all: its place in the order is not known."""
    return [_sort_value(record.get(order.field)) for record in records]


def _sort_value(value: Any) -> float:
    try:
        return math.inf if value is None else float(value)
    except (TypeError, ValueError):
        return math.inf


def _to_json(value: float) -> float | None:
    """JSON has no infinity."""
    return None if value == math.inf else value


def _is_descending(values: Sequence[float]) -> bool:
    dated = [rank for rank in values if rank < math.inf]
    return all(first >= second for first, second in pairwise(dated))


def _begins_above(values: Sequence[float], cursor: Cursor) -> bool:
    """Whether the page begins above the beginning of the one before; arrivals, newer than any row then, don't count."""
    top, newest = cursor.get("top"), cursor.get("newest", math.inf)
    dated = [rank for rank in values if rank < math.inf and rank <= newest]
    return top is not None and bool(dated) and dated[0] > top


def _is_below(values: Sequence[float], limit: float | None) -> bool:
    dated = [rank for rank in values if rank < math.inf]
    return limit is not None and bool(dated) and max(dated) < limit
