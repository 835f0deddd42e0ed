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

from airflow_provider_partners.api.extraction import mark_of
from airflow_provider_partners.api.pages import Cursor, Page
from airflow_provider_partners.exceptions import PagingError, RejectedError

if TYPE_CHECKING:
    from airflow_provider_partners.api.messages import Record

log = logging.getLogger("airflow_provider_partners.api")

_MOST_MARKS = 1000
"""Rows at the front of a list that are remembered, beyond any burst of arrivals that is likely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order that a list may be walked in.

    :param sort: how it is asked for, such as ``-return_created_at_epoch``
    :param field: the field that falls from row to row: a number, or none
    :param stop: the walk ends behind a whole page that lies below it; ``None`` goes to the list's end
    :param fetch: gives the list's pages in this order
    """

    sort: str
    field: str
    stop: float | None
    fetch: Callable[[Cursor], Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestFirst:
    """A walk of one list.

    :param name: the list's name, for warnings
    :param orders: to be tried in turn, the best first
    :param key: the fields that identify a row
    :param wanted: whether a row belongs to what is asked for
    :param refused: orders that the server is known not to take; kept up to date
    """

    name: str
    orders: Sequence[Order]
    key: tuple[str, ...]
    wanted: Callable[[Record], bool]
    refused: set[str]

    def page(self, cursor: Cursor) -> Page:
        """The wanted rows of a page.

        :param cursor: ``{}``, or one that a page gave
        :raises PagingError: when the server gives the same page again and again
        :raises RejectedError: when it takes none of the orders
        """
        if not cursor:
            return self._begin()
        order = self.orders[cursor["order"]]
        page = order.fetch(cursor["at"])
        if cursor.get("again"):
            return self._reread(cursor, order, page)
        return self._read(cursor, order, page)

    def _begin(self) -> Page:
        passed: dict[str, str] = {}
        for number, order in enumerate(self.orders):
            last = number + 1 == len(self.orders)
            if order.sort in self.refused and not last:
                continue
            try:
                page = order.fetch({})
            except RejectedError as error:
                if last or error.status != 400:
                    raise
                passed[order.sort] = "is refused"
                continue
            if last or _falls(_ranks(order, page.records)):
                self._pass_over(passed, order)
                return self._read({"order": number, "at": {}}, order, page)
            passed[order.sort] = "is taken, but not kept"
        message = f"'{self.name}' has no order to be walked in"
        raise PagingError(message)

    def _pass_over(self, passed: Mapping[str, str], order: Order) -> None:
        """Only now that another order is taken, the order is known to have been the reason."""
        self.refused.update(passed)
        for sort, reason in passed.items():
            log.warning("%s: the order %s %s, so it is walked in the order %s", self.name, sort, reason, order.sort)

    def _read(self, cursor: Cursor, order: Order, page: Page) -> Page:
        every = [mark_of(record, self.key) for record in page.records]
        if every and every == cursor.get("rows"):
            message = f"'{self.name}' gave the same page twice running"
            raise PagingError(message, remedy="The partner seems to ignore the paging parameters.")
        records = self._new(cursor, page.records)
        ranks = _ranks(order, records)
        mixed = cursor.get("mixed") or not _falls(ranks) or _above(ranks, cursor)
        if mixed and not cursor.get("mixed") and order.stop is not None:
            log.warning("%s: the order %s is not kept, so the list is read to its end", self.name, order.sort)
        known = {"order": cursor["order"], **_front(cursor, ranks, [mark_of(record, self.key) for record in records])}
        following: Cursor | None
        if page.next is None or (not mixed and _below(ranks, order.stop)):
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
        return self._cut(records, following)

    def _new(self, cursor: Cursor, records: Sequence[Record]) -> list[Record]:
        """The rows of a page without those that arrivals have pushed onto it.

        They are dropped here and not by the guard of all walks, since of a page that is cut to a window nothing else
        may be left.
        """
        before = {mark for name in ("past", "rows", "head", "burst") for mark in cursor.get(name, ())} - {None}
        return [record for record in records if mark_of(record, self.key) not in before]

    def _reread(self, cursor: Cursor, order: Order, page: Page) -> Page:
        """The front of the list once more: its rows are new down to the first that was there at the beginning."""
        head, burst, low = set(cursor["head"]), set(cursor.get("burst", ())), _number(cursor["low"])
        ranks = _ranks(order, page.records)
        marks = [mark_of(record, self.key) for record in page.records]
        new = [
            record
            for record, rank, mark in zip(page.records, ranks, marks, strict=True)
            if mark not in head and mark not in burst and rank >= low
        ]
        met = any(mark in head for mark in marks) or any(rank < low for rank in ranks)
        if met or page.next is None:
            return self._cut(new, None)
        burst |= {mark for mark in marks if mark}
        return self._cut(new, {**cursor, "at": page.next, "burst": sorted(burst)})

    def _cut(self, records: Sequence[Record], following: Cursor | None) -> Page:
        return Page([record for record in records if self.wanted(record)], following)


def _front(cursor: Cursor, ranks: Sequence[float], marks: Sequence[str | None]) -> dict[str, Any]:
    """What will be known when the front is read again.

    Its rows (``head``), with those behind it that share its oldest moment (``low``), and newer ones that were met
    further on because so many had arrived at once (``burst``).
    """
    if "head" not in cursor:
        dated = [rank for rank in ranks if rank < math.inf]
        moments = {"low": _text(min(ranks, default=math.inf)), **({"newest": max(dated)} if dated else {})}
        return {"head": [mark for mark in marks if mark], **moments}
    low, ranked = _number(cursor["low"]), list(zip(ranks, marks, strict=True))
    head = [*cursor["head"], *(mark for rank, mark in ranked if mark and rank == low)]
    burst = [*cursor.get("burst", ()), *(mark for rank, mark in ranked if mark and low < rank < math.inf)]
    # Longer ones would mean that nothing is sorted at all.
    kept: dict[str, Any] = {name: cursor[name] for name in ("low", "newest") if name in cursor}
    return {**kept, "head": head[:_MOST_MARKS], **({"burst": burst[:_MOST_MARKS]} if burst else {})}


def _ranks(order: Order, records: Sequence[Record]) -> list[float]:
    """A row without a moment ranks above all: its place in the order is not known."""
    return [_number(record.get(order.field)) for record in records]


def _number(value: Any) -> float:
    try:
        return math.inf if value is None else float(value)
    except (TypeError, ValueError):
        return math.inf


def _text(rank: float) -> float | None:
    """JSON has no infinity."""
    return None if rank == math.inf else rank


def _falls(ranks: Sequence[float]) -> bool:
    dated = [rank for rank in ranks if rank < math.inf]
    return all(first >= second for first, second in pairwise(dated))


def _above(ranks: Sequence[float], cursor: Cursor) -> bool:
    """Whether the page begins above the beginning of the one before; arrivals, newer than any row then, don't count."""
    top, newest = cursor.get("top"), cursor.get("newest", math.inf)
    dated = [rank for rank in ranks if rank < math.inf and rank <= newest]
    return top is not None and bool(dated) and dated[0] > top


def _below(ranks: Sequence[float], stop: float | None) -> bool:
    dated = [rank for rank in ranks if rank < math.inf]
    return stop is not None and bool(dated) and max(dated) < stop
