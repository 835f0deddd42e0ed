"""Read a list without a time filter from its newest record back to a point in time: a newest-first walk.

Records that arrive during the walk come first in such an order, which has two effects. They push other records onto
pages that are still to be read; the walk drops what it has seen. And they appear behind the walk's back; so at the end
the first pages are read again, until a page holds records that were known from the start.

The server may refuse a sort order, or accept and ignore it. Then the next sort order is used.

All state is in the cursor::

    order          index of the sort order
    at             the cursor of the page, as the sort order's own pages know it
    page           fingerprints of the last page; previous_page: of the page before it
    top            the first sort value of the last page
    head           fingerprints of the first page, which end the final re-read
    low, newest    the lowest and the highest sort value of the first page
    burst          fingerprints of records above ``low`` that arrived during the walk
    unsorted       True once a page showed that the order is not kept
    reread         True during the final re-read
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
"""Most fingerprints of ``head`` and of ``burst``: more than any likely number of arrivals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SortOrder:
    """A descending order of a list.

    :param sort: the query parameter, such as ``-return_created_at_epoch``
    :param field: the field that falls from record to record: a number, or ``None``
    :param stop_below: the walk ends after a page whose values are all below it; ``None`` reads to the list's end
    :param fetch: returns the list's pages in this order
    """

    sort: str
    field: str
    stop_below: float | None
    fetch: Callable[[Cursor], Page]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestFirstPages:
    """The pages of one newest-first walk.

    :param name: the list's name, for warnings
    :param sort_orders: in order of preference
    :param key: the fields that identify a record
    :param keeps: returns True for a record of the requested time range
    :param refused_sorts: sort orders that the server is known to refuse or ignore; the walk adds to it
    """

    name: str
    sort_orders: Sequence[SortOrder]
    key: tuple[str, ...]
    keeps: Callable[[Record], bool]
    refused_sorts: set[str]

    def fetch(self, cursor: Cursor) -> Page:
        """Return the requested records of the page at a cursor.

        :raises PagingError: when the server returns the same page twice in a row
        :raises RejectedError: when it refuses all sort orders
        """
        if not cursor:
            return self._first_page()
        order = self.sort_orders[cursor["order"]]
        page = order.fetch(cursor["at"])
        if cursor.get("reread"):
            return self._reread_front(cursor, order, page)
        return self._next_page(cursor, order, page)

    def _first_page(self) -> Page:
        problems: dict[str, str] = {}
        for index, order in enumerate(self.sort_orders):
            is_last = index + 1 == len(self.sort_orders)
            if order.sort in self.refused_sorts and not is_last:
                continue
            try:
                page = order.fetch({})
            except RejectedError as error:
                if is_last or error.status != 400:
                    raise
                problems[order.sort] = "is refused"
                continue
            if is_last or _is_descending(_sort_values(order, page.records)):
                # Another order works, so the sort orders before it were the reason of their errors.
                self._record_problems(problems, order)
                return self._next_page({"order": index, "at": {}}, order, page)
            problems[order.sort] = "is accepted, but not kept"
        message = f"'{self.name}' has no sort order for a newest-first walk"
        raise PagingError(message)

    def _record_problems(self, problems: Mapping[str, str], order: SortOrder) -> None:
        self.refused_sorts.update(problems)
        for sort, problem in problems.items():
            log.warning(
                "%s: the order %s %s, so the list is read in the order %s", self.name, sort, problem, order.sort
            )

    def _next_page(self, cursor: Cursor, order: SortOrder, page: Page) -> Page:
        page_fingerprints = self._fingerprints(page.records)
        if page_fingerprints and page_fingerprints == cursor.get("page"):
            message = f"'{self.name}' returned the same page twice in a row"
            raise PagingError(message, remedy="The partner seems to ignore the paging parameters.")
        records = self._unseen(cursor, page.records)
        values = _sort_values(order, records)
        unsorted = cursor.get("unsorted") or not _is_descending(values) or _begins_above(values, cursor)
        if unsorted and not cursor.get("unsorted") and order.stop_below is not None:
            log.warning("%s: the order %s is not kept, so the list is read to its end", self.name, order.sort)
        known = {"order": cursor["order"], **_front_state(cursor, values, self._fingerprints(records))}
        following: Cursor | None
        if page.next is None or (not unsorted and _is_below(values, order.stop_below)):
            # A list of one page can't have changed during the walk. In an unsorted list new records don't come first.
            needs_reread = cursor["at"] and not unsorted
            following = {**known, "at": {}, "reread": True} if needs_reread else None
        else:
            known_values = [value for value in values if value < math.inf]
            following = {
                **known,
                **({"top": known_values[0]} if known_values else {}),
                # The two last pages, because one of them may be read again.
                **({"previous_page": cursor["page"]} if "page" in cursor else {}),
                **({"unsorted": True} if unsorted else {}),
                "at": page.next,
                "page": page_fingerprints,
            }
        return self._filtered_page(records, following)

    def _unseen(self, cursor: Cursor, records: Sequence[Record]) -> list[Record]:
        """Return the records of a page without those that arrivals pushed onto it.

        The extraction's own guard against repeated pages can't do this: after the selection by time range, a page may
        have no other record.
        """
        seen = {
            fingerprint for name in ("previous_page", "page", "head", "burst") for fingerprint in cursor.get(name, ())
        } - {None}
        return [record for record in records if record_fingerprint(record, self.key) not in seen]

    def _reread_front(self, cursor: Cursor, order: SortOrder, page: Page) -> Page:
        """Return the new records at the front of the list, down to the first that was there at the start."""
        head, burst, low = set(cursor["head"]), set(cursor.get("burst", ())), _sort_value(cursor["low"])
        values = _sort_values(order, page.records)
        fingerprints = self._fingerprints(page.records)
        new = [
            record
            for record, value, fingerprint in zip(page.records, values, fingerprints, strict=True)
            if fingerprint not in head and fingerprint not in burst and value >= low
        ]
        reached_head = any(fingerprint in head for fingerprint in fingerprints) or any(value < low for value in values)
        if reached_head or page.next is None:
            return self._filtered_page(new, None)
        burst |= {fingerprint for fingerprint in fingerprints if fingerprint}
        return self._filtered_page(new, {**cursor, "at": page.next, "burst": sorted(burst)})

    def _fingerprints(self, records: Sequence[Record]) -> list[str | None]:
        return [record_fingerprint(record, self.key) for record in records]

    def _filtered_page(self, records: Sequence[Record], following: Cursor | None) -> Page:
        return Page([record for record in records if self.keeps(record)], following)


def _front_state(cursor: Cursor, values: Sequence[float], fingerprints: Sequence[str | None]) -> dict[str, Any]:
    """Return what the final re-read needs: ``head``, ``low``, ``newest`` and ``burst``.

    ``head`` grows by later records with the value of ``low``, and ``burst`` by later records above it.
    """
    if "head" not in cursor:
        known_values = [value for value in values if value < math.inf]
        limits = {
            "low": _to_json(min(values, default=math.inf)),
            **({"newest": max(known_values)} if known_values else {}),
        }
        return {"head": [fingerprint for fingerprint in fingerprints if fingerprint], **limits}
    low, pairs = _sort_value(cursor["low"]), list(zip(values, fingerprints, strict=True))
    head = [*cursor["head"], *(fingerprint for value, fingerprint in pairs if fingerprint and value == low)]
    burst = [
        *cursor.get("burst", ()),
        *(fingerprint for value, fingerprint in pairs if fingerprint and low < value < math.inf),
    ]
    # More than the limit would mean that nothing is sorted at all.
    limits = {name: cursor[name] for name in ("low", "newest") if name in cursor}
    return {**limits, "head": head[:_MAX_FINGERPRINTS], **({"burst": burst[:_MAX_FINGERPRINTS]} if burst else {})}


def _sort_values(order: SortOrder, records: Sequence[Record]) -> list[float]:
    """Return the records' sort values; infinity for a record without one, because its place is unknown."""
    return [_sort_value(record.get(order.field)) for record in records]


def _sort_value(value: Any) -> float:
    try:
        return math.inf if value is None else float(value)
    except (TypeError, ValueError):
        return math.inf


def _to_json(value: float) -> float | None:
    # JSON has no infinity.
    return None if value == math.inf else value


def _is_descending(values: Sequence[float]) -> bool:
    known_values = [value for value in values if value < math.inf]
    return all(first >= second for first, second in pairwise(known_values))


def _begins_above(values: Sequence[float], cursor: Cursor) -> bool:
    """Return True if the page begins above the start of the page before.

    Records that arrived during the walk don't count: they are newer than every record of the first page.
    """
    top, newest = cursor.get("top"), cursor.get("newest", math.inf)
    known_values = [value for value in values if value < math.inf and value <= newest]
    return top is not None and bool(known_values) and known_values[0] > top


def _is_below(values: Sequence[float], limit: float | None) -> bool:
    known_values = [value for value in values if value < math.inf]
    return limit is not None and bool(known_values) and max(known_values) < limit
