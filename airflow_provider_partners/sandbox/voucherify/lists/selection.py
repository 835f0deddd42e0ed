"""Selects the records of a Voucherify list that a query wants: by parameters, time ranges and filters."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from airflow_provider_partners.sandbox.store import Document, Sandbox
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid
from airflow_provider_partners.sandbox.voucherify.fields import as_text, field_values
from airflow_provider_partners.sandbox.voucherify.filters import FilterReader, Predicate, active
from airflow_provider_partners.sandbox.voucherify.lists.paths import Listing
from airflow_provider_partners.sandbox.voucherify.query import Query
from airflow_provider_partners.sandbox.voucherify.records import PARTNER, timestamp

_TIMES = ("created_at", "updated_at")
_DATES = {"start_date": "after", "end_date": "before"}
# Parameters that select no records, or that have a method of their own below.
_NO_SHORTCUTS = frozenset({
    *_TIMES,
    *_DATES,
    *("limit", "page", "order", "starting_after", "starting_after_id", "cursor"),
    *("filters", "expand", "include_total", "affordable_only"),
})
_FLAGS = frozenset({"true", "false"})


class Selection:
    """The tests that a record of a list must pass.

    :param sandbox: has the clock, the switches, and records of other kinds
    """

    def __init__(self, *, listing: Listing, query: Query, sandbox: Sandbox) -> None:
        self._listing = listing
        self._query = query
        self._sandbox = sandbox
        self._inclusive = sandbox.switches["voucherify.time_bounds"] == "inclusive"
        self._now = sandbox.clock().replace(microsecond=0)
        self._uses_clock = False
        self._joined_kinds: tuple[str, ...] = ()
        self.tests: list[Predicate] = [*self._time_tests(), *self._shortcuts(), *self._filters()]

    @property
    def cache_key(self) -> tuple[Any, ...]:
        """Everything besides the query that the selection depends on."""
        long_lists = self._sandbox.switches["voucherify.long_lists"]
        revisions = [self._sandbox.store.revision(PARTNER, "", kind) for kind in self._joined_kinds]
        return (self._inclusive, long_lists, self._now if self._uses_clock else None, *revisions)

    def matches(self, record: Document) -> bool:
        """Return True if the record passes every test."""
        return all(test(record) for test in self.tests)

    def _time_tests(self) -> Iterator[Predicate]:
        for name in _TIMES:
            for side, limit in self._query.time_limits(name):
                yield self._within(name, side, limit)
        for name, side in _DATES.items():
            date_limit = self._query.timestamp(name)
            if date_limit is not None:
                yield self._within("created_at", side, date_limit)

    def _within(self, name: str, side: str, limit: datetime) -> Predicate:
        at = limit.timestamp()
        compare: Callable[[float, float], bool] = {
            ("before", False): operator.lt,
            ("before", True): operator.le,
            ("after", False): operator.gt,
            ("after", True): operator.ge,
        }[side, self._inclusive]
        kind = self._listing.kind

        def test(record: Document) -> bool:
            for value in field_values(record, kind, name):
                seconds = timestamp(value)
                if seconds is not None:
                    return compare(seconds, at)
            return False

        return test

    def _filters(self) -> Iterator[Predicate]:
        filters = self._query.parameters.get("filters")
        if filters is None or filters == "":
            return
        self._uses_clock = True
        reader = FilterReader(
            kind=self._listing.kind,
            now=self._now,
            inclusive=self._inclusive,
            long_lists=self._sandbox.switches["voucherify.long_lists"] == "accept",
        )
        yield reader.predicate(filters)

    def _shortcuts(self) -> Iterator[Predicate]:
        for name in self._query.parameters:
            if name in _NO_SHORTCUTS:
                continue
            if special := _SPECIAL.get((self._listing.kind, name)) or _SPECIAL.get(("", name)):
                test = special(self, name)
                if test is not None:
                    yield test
            else:
                yield self._is(name)

    def _is(self, name: str) -> Predicate:
        accepted, kind = frozenset(self._query.texts(name)), self._listing.kind
        return lambda record: any(as_text(value) in accepted for value in field_values(record, kind, name))

    def by_customer(self, name: str) -> Predicate:
        """Select by the customer's id or source id. An unknown customer has no records."""
        self._joined_kinds = ("customers",)
        identifiers = set(self._query.texts(name))
        for record in self._sandbox.store.cached(PARTNER, "", "customers"):
            if record.get("source_id") in identifiers:
                identifiers.add(record["id"])
        kind = self._listing.kind
        return lambda record: any(as_text(value) in identifiers for value in field_values(record, kind, name))

    def by_ids(self, name: str) -> Predicate:
        """Select by several ids."""
        ids = frozenset(self._query.texts(name))
        return lambda record: record.get("id") in ids

    def by_segment(self, name: str) -> Predicate:
        """Select the customers of a segment. Each customer has a list of segments."""
        self._uses_clock = True
        segment_id, store = self._query.text(name), self._sandbox.store
        return lambda record: any(
            each.get("id") == segment_id for each in store.cached(PARTNER, record["id"], "customer_segments")
        )

    def by_availability(self, name: str) -> Predicate | None:
        """Select the tiers that are active now, if the value is ``true``."""
        if not self._flag(name):
            return None
        self._uses_clock = True
        return lambda record: active(record, self._now)

    def by_referral(self, name: str) -> Predicate | None:
        """Select referral codes, or all others."""
        expected, kind = self._flag(name), self._listing.kind
        # For publications, only "true" is documented to work: https://docs.voucherify.io/api-reference/listing
        if kind == "publications" and not expected:
            return None
        return lambda record: any(value is expected for value in field_values(record, kind, name))

    def _flag(self, name: str) -> bool:
        text = self._query.text(name)
        if text not in _FLAGS:
            raise invalid(INVALID_QUERY, f"Property .{name} must be boolean")
        return text == "true"

    def by_areas(self, name: str) -> Predicate:
        """Select campaigns assigned to areas or stores: ``access_settings[filter][areas_ids][0]``."""
        value = self._query.parameters[name]
        filters = value.get("filter", value) if isinstance(value, dict) else {}
        areas = {as_text(each) for ids in filters.values() for each in (ids if isinstance(ids, list) else [ids])}
        return lambda record: any(
            as_text(value) in areas
            for field in ("area_id", "area_store_id")
            for value in field_values(record, "", f"access_settings_assignments.data.{field}")
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
