"""Which rows of one of Voucherify's lists a query is after: its shortcuts, its windows of time, its filters.

It must not know in what order the rows come, nor how many are sent.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.fields import as_text, field_values
from airflow_provider_partners.sandbox.voucherify.filters import FilterReader, Predicate, active
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.query import Query
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, timestamp
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid

_TIMES = ("created_at", "updated_at")
_DATES = {"start_date": "after", "end_date": "before"}
# Not for choosing rows, or with a meaning of their own below.
_OTHERS = frozenset({
    *_TIMES,
    *_DATES,
    *("limit", "page", "order", "starting_after", "starting_after_id", "cursor"),
    *("filters", "expand", "include_total", "affordable_only"),
})
_FLAGS = frozenset({"true", "false"})


class Selection:
    """The tests that a row of a list must pass.

    :param sandbox: for the present, the switches, and what is not in the row itself
    """

    def __init__(self, *, listing: Listing, query: Query, sandbox: Sandbox) -> None:
        self._listing = listing
        self._query = query
        self._sandbox = sandbox
        self._inclusive = sandbox.switches["voucherify.time_bounds"] == "inclusive"
        self._now = sandbox.clock().replace(microsecond=0)
        self._timed = False
        self._joined: tuple[str, ...] = ()
        self.tests: list[Predicate] = [*self._time_tests(), *self._shortcuts(), *self._filters()]

    @property
    def depends(self) -> tuple[Any, ...]:
        """What the choice depends on besides the query."""
        long = self._sandbox.switches["voucherify.long_lists"]
        others = [self._sandbox.store.revision(PARTNER, "", kind) for kind in self._joined]
        return (self._inclusive, long, self._now if self._timed else None, *others)

    def matches(self, row: Document) -> bool:
        """Whether the row is chosen."""
        return all(test(row) for test in self.tests)

    def _time_tests(self) -> Iterator[Predicate]:
        for name in _TIMES:
            for side, edge in self._query.time_limits(name):
                yield self._within(name, side, edge)
        for name, side in _DATES.items():
            edge_of = self._query.time(name)
            if edge_of is not None:
                yield self._within("created_at", side, edge_of)

    def _within(self, name: str, side: str, edge: datetime) -> Predicate:
        at = edge.timestamp()
        compare: Callable[[float, float], bool] = {
            ("before", False): operator.lt,
            ("before", True): operator.le,
            ("after", False): operator.gt,
            ("after", True): operator.ge,
        }[side, self._inclusive]
        kind = self._listing.kind

        def test(row: Document) -> bool:
            for value in field_values(row, kind, name):
                moment = timestamp(value)
                if moment is not None:
                    return compare(moment, at)
            return False

        return test

    def _filters(self) -> Iterator[Predicate]:
        filters = self._query.parameters.get("filters")
        if filters is None or filters == "":
            return
        self._timed = True
        reader = FilterReader(
            kind=self._listing.kind,
            now=self._now,
            inclusive=self._inclusive,
            long_lists=self._sandbox.switches["voucherify.long_lists"] == "accept",
        )
        yield reader.predicate(filters)

    def _shortcuts(self) -> Iterator[Predicate]:
        for name in self._query.parameters:
            if name in _OTHERS:
                continue
            if special := _SPECIAL.get((self._listing.kind, name)) or _SPECIAL.get(("", name)):
                test = special(self, name)
                if test is not None:
                    yield test
            else:
                yield self._is(name)

    def _is(self, name: str) -> Predicate:
        wanted, kind = frozenset(self._query.texts(name)), self._listing.kind
        return lambda row: any(as_text(value) in wanted for value in field_values(row, kind, name))

    def by_customer(self, name: str) -> Predicate:
        """By id, or by the source id of the customer; nothing for one that isn't there."""
        self._joined = ("customers",)
        wanted = set(self._query.texts(name))
        for row in self._sandbox.store.cached(PARTNER, "", "customers"):
            if row.get("source_id") in wanted:
                wanted.add(row["id"])
        kind = self._listing.kind
        return lambda row: any(as_text(value) in wanted for value in field_values(row, kind, name))

    def by_ids(self, name: str) -> Predicate:
        """By several ids at once."""
        wanted = frozenset(self._query.texts(name))
        return lambda row: row.get("id") in wanted

    def by_segment(self, name: str) -> Predicate:
        """Who is in a segment is told by each customer's own list of segments."""
        self._timed = True
        wanted, store = self._query.text(name), self._sandbox.store
        return lambda row: any(
            each.get("id") == wanted for each in store.cached(PARTNER, row["id"], "customer_segments")
        )

    def by_availability(self, name: str) -> Predicate | None:
        """Those active now, when asked with ``true``."""
        if not self._flag(name):
            return None
        self._timed = True
        return lambda row: active(row, self._now)

    def by_referral(self, name: str) -> Predicate | None:
        """Referral codes, or all others."""
        wanted, kind = self._flag(name), self._listing.kind
        if kind == "publications" and not wanted:
            return None  # documented: works for true only
        return lambda row: any(value is wanted for value in field_values(row, kind, name))

    def _flag(self, name: str) -> bool:
        given = self._query.text(name)
        if given not in _FLAGS:
            raise invalid(INVALID_QUERY, f"Property .{name} must be boolean")
        return given == "true"

    def by_areas(self, name: str) -> Predicate:
        """Campaigns assigned to areas or stores: ``access_settings[filter][areas_ids][0]``."""
        given = self._query.parameters[name]
        inner = given.get("filter", given) if isinstance(given, dict) else {}
        wanted = {as_text(each) for ids in inner.values() for each in (ids if isinstance(ids, list) else [ids])}
        return lambda row: any(
            as_text(value) in wanted
            for field in ("area_id", "area_store_id")
            for value in field_values(row, "", f"access_settings_assignments.data.{field}")
        )


_SPECIAL: dict[tuple[str, str], Callable[[Selection, str], Predicate | None]] = {
    ("redemptions", "customer"): Selection.by_customer,
    ("publications", "customer"): Selection.by_customer,
    ("vouchers", "customer"): Selection.by_customer,
    ("loyalty_campaign_members", "customer"): Selection.by_customer,
    ("", "ids"): Selection.by_ids,
    ("", "segment_id"): Selection.by_segment,
    ("", "is_available"): Selection.by_availability,
    ("", "is_referral_code"): Selection.by_referral,
    ("", "access_settings"): Selection.by_areas,
}
