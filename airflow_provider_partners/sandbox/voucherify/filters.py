"""Filters of Voucherify's lists and exports: conditions on fields, joined by ``and`` or ``or``.

The operators are those of the server's validator, which names them all in an error
(https://github.com/voucherifyio/voucherify-openapi). Error details use the validator's words where these are published.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid
from airflow_provider_partners.sandbox.voucherify.fields import FILTERS, as_text, field_values
from airflow_provider_partners.sandbox.voucherify.query import parse_timestamp
from airflow_provider_partners.sandbox.voucherify.relative_dates import CONDITIONS, NEED_INTEGER

Predicate = Callable[[Document], bool]
_FORMAT = (
    "should match either `filters[${field}][conditions][${condition}][${index}]` or "
    "`filters[${field}][conditions][${condition}]` format"
)


@dataclass(frozen=True, kw_only=True)
class FilterReader:
    """Reads filters.

    :param kind: kind of the records
    :param now: the current time; conditions count days from it
    :param inclusive: ``$before`` and ``$after`` accept a record with exactly that timestamp
    :param long_lists: accept an object with indexes above 20 instead of an array
    :param any_field: accept every field
    :param key: key of the errors
    """

    kind: str
    now: datetime
    inclusive: bool = False
    long_lists: bool = False
    any_field: bool = False
    key: str = INVALID_QUERY

    def predicate(self, filters: Any) -> Predicate:
        """Return a test of records.

        :param filters: ``{"junction": "and", "result": {"conditions": {"$is": "SUCCESS"}}}``
        :raises ApiError: 400 for anything that the validator refuses
        """
        if not isinstance(filters, dict):
            self._refuse(_FORMAT)
        fields = dict(filters)
        junction = fields.pop("junction", None) or "and"
        if str(junction).lower() not in {"and", "or"}:
            self._refuse("has wrong `junction` property. It must be one of: and, or")
        tests = [test for name, inner in fields.items() for test in self._tests(name, inner)]
        if not tests:
            return lambda _: True
        combine = all if str(junction).lower() == "and" else any
        return lambda record: combine(test(record) for test in tests)

    def _tests(self, name: str, inner: Any) -> list[Predicate]:
        known = FILTERS.get(self.kind)
        if known is not None and not self.any_field and name not in known and not name.startswith("metadata."):
            self._refuse(f"should NOT have filter `{name}`. It must be one of: {', '.join(sorted(known))}")
        conditions = inner.get("conditions") if isinstance(inner, dict) else None
        if not isinstance(conditions, dict) or not conditions or len(inner) > 1:
            self._refuse(_FORMAT)
        return [self._test(name, condition, self._arguments(value)) for condition, value in conditions.items()]

    def _arguments(self, value: Any) -> list[str]:
        if isinstance(value, dict) and self.long_lists:
            value = list(value.values())
        arguments = value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in arguments):
            self._refuse(_FORMAT)
        return ["" if each is None else as_text(each) for each in arguments]

    def _test(self, name: str, condition: str, arguments: list[str]) -> Predicate:
        kind = self.kind
        if condition in _STATES:
            return _state(condition, arguments, self.now)
        if condition not in OPERATORS:
            allowed = ", ".join((*OPERATORS, *_STATES))
            self._refuse(f"has wrong condition `{condition}`. It must be one of: {allowed}")
        compare = self._compare(name, condition, arguments)
        return lambda record: compare(field_values(record, kind, name))

    def _compare(self, name: str, condition: str, arguments: list[str]) -> Callable[[list[Any]], bool]:
        if condition in {"$before", "$after"}:
            limit = self._timestamp(name, condition, arguments[0] if arguments else "")
            return lambda values: any(_is_beyond(condition, each, limit, inclusive=self.inclusive) for each in values)
        if condition in CONDITIONS:
            value = arguments[0] if arguments else ""
            if condition in NEED_INTEGER and not value.lstrip("-").isdecimal():
                self._refuse(f".{name}.{condition} must be integer")
            return lambda values: any(
                CONDITIONS[condition](at, self.now, value)
                for each in values
                if (at := _parse_timestamp(each)) is not None
            )
        if condition in _NUMBERS and not all(_is_number(each) for each in arguments):
            self._refuse(f".{name}.{condition} must be number")
        compare = OPERATORS[condition]
        return lambda values: compare(values, arguments, self.now)

    def _timestamp(self, name: str, condition: str, value: str) -> datetime:
        try:
            return parse_timestamp(value)
        except ValueError:
            detail = f"Property .filters.{name}.{condition} cannot be recognized as a ISO-8601 compliant date"
            raise invalid(self.key, detail) from None

    def _refuse(self, details: str) -> NoReturn:
        raise invalid(self.key, f"Property .filters {details}")


def _equal(value: Any, argument: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool) and _is_number(argument):
        return float(value) == float(argument)
    return as_text(value) == argument


def _is_number(argument: str) -> bool:
    try:
        float(argument)
    except ValueError:
        return False
    return True


def _parse_timestamp(value: Any) -> datetime | None:
    try:
        return parse_timestamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_beyond(condition: str, value: Any, limit: datetime, *, inclusive: bool) -> bool:
    at = _parse_timestamp(value)
    if at is None:
        return False
    return (inclusive and at == limit) or (at < limit if condition == "$before" else at > limit)


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[list[Any], Sequence[str], datetime], bool]:
    """Compare a number; of a timestamp, compare its age in days."""

    def test(values: list[Any], arguments: Sequence[str], now: datetime) -> bool:
        for value in values:
            at = _parse_timestamp(value)
            number = (now - at) / timedelta(days=1) if at is not None else value
            if isinstance(number, bool) or (isinstance(number, str) and not _is_number(number)):
                continue
            if any(compare(float(number), float(argument)) for argument in arguments):
                return True
        return False

    return test


def _any(test: Callable[[str, str], bool]) -> Callable[[list[Any], Sequence[str], datetime], bool]:
    return lambda values, arguments, _: any(
        test(as_text(value), argument) for value in values for argument in arguments
    )


def _in(values: list[Any], arguments: Sequence[str]) -> bool:
    return any(_equal(value, argument) for value in values for argument in arguments)


def _compare_count(values: list[Any], arguments: Sequence[str], compare: Callable[[float, float], bool]) -> bool:
    return any(compare(len(values), float(argument)) for argument in arguments)


#: Test of a record's values against the arguments, by operator.
OPERATORS: Mapping[str, Callable[[list[Any], Sequence[str], datetime], bool]] = {
    "$in": lambda values, arguments, _: _in(values, arguments),
    "$not_in": lambda values, arguments, _: not _in(values, arguments),
    # Compares the id of the location: no list shows whether a place is inside a location.
    "$in_location": lambda values, arguments, _: _in(values, arguments),
    "$not_in_location": lambda values, arguments, _: not _in(values, arguments),
    "$is": lambda values, arguments, _: _in(values, arguments),
    "$is_not": lambda values, arguments, _: not _in(values, arguments),
    "$has_value": lambda values, _, __: any(value != "" for value in values),
    "$is_unknown": lambda values, _, __: not any(value != "" for value in values),
    "$contains": _any(lambda value, argument: argument in value),
    "$not_contain": lambda values, arguments, _: (
        not any(argument in as_text(value) for value in values for argument in arguments)
    ),
    "$starts_with": _any(lambda value, argument: value.startswith(argument)),
    "$ends_with": _any(lambda value, argument: value.endswith(argument)),
    "$more_than": _numeric(operator.gt),
    "$less_than": _numeric(operator.lt),
    "$more_than_equal": _numeric(operator.ge),
    "$less_than_equal": _numeric(operator.le),
    "$count": lambda values, arguments, _: _compare_count(values, arguments, operator.eq),
    "$count_less": lambda values, arguments, _: _compare_count(values, arguments, operator.lt),
    "$count_more": lambda values, arguments, _: _compare_count(values, arguments, operator.gt),
    # FilterReader._compare implements these: they need the current time.
    **dict.fromkeys(("$before", "$after", *CONDITIONS), lambda *_: False),
}
_NUMBERS = frozenset({
    *("$more_than", "$less_than", "$more_than_equal", "$less_than_equal"),
    *("$count", "$count_less", "$count_more"),
})


def _before_start(record: Document, now: datetime) -> bool:
    start = _parse_timestamp(record.get("start_date"))
    return start is not None and start > now


def _expired(record: Document, now: datetime) -> bool:
    end = _parse_timestamp(record.get("expiration_date"))
    return end is not None and end <= now


def _enabled(record: Document, _: datetime) -> bool:
    return record.get("active") is not False


def active(record: Document, now: datetime) -> bool:
    """Return True if the record is enabled, has started and is not expired."""
    return _enabled(record, now) and not _before_start(record, now) and not _expired(record, now)


def _redeemed(record: Document, _: datetime) -> bool:
    return bool((record.get("redemption") or {}).get("redeemed_quantity"))


def _redeemable(record: Document, now: datetime) -> bool:
    redemption = record.get("redemption") or {}
    quantity = redemption.get("quantity")
    has_quantity = quantity is None or (redemption.get("redeemed_quantity") or 0) < quantity
    return active(record, now) and has_quantity


#: States of a voucher or a campaign: ``filters[active][conditions][$expired]=true``.
_STATES: Mapping[str, Callable[[Document, datetime], bool]] = {
    "$active": active,
    "$failed": lambda record, _: record.get("creation_status") == "FAILED",
    "$in_progress": lambda record, _: record.get("creation_status") == "IN_PROGRESS",
    "$expired": _expired,
    "$before_start": _before_start,
    "$enabled": _enabled,
    "$disabled": lambda record, now: not _enabled(record, now),
    "$redeemed": _redeemed,
    "$redeemable": _redeemable,
}


def _state(state: str, arguments: Sequence[str], now: datetime) -> Predicate:
    expected = "false" not in arguments
    return lambda record: _STATES[state](record, now) is expected
