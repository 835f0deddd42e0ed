"""Filters of Voucherify's lists and exports: conditions on fields, joined by ``and`` or ``or``.

The operators are those that the server's validator lists; its refusals are worded as it words them where that is
published. It must not know how a filter was written down: in a query string or in a body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.fields import FILTERS, as_text, field_values
from airflow_provider_partners.sandbox.voucherify.query import parse_timestamp
from airflow_provider_partners.sandbox.voucherify.relative_dates import CONDITIONS, COUNTED
from airflow_provider_partners.sandbox.voucherify.errors import INVALID_QUERY, invalid

Predicate = Callable[[Document], bool]
_FORMAT = (
    "should match either `filters[${field}][conditions][${condition}][${index}]` or "
    "`filters[${field}][conditions][${condition}]` format"
)


@dataclass(frozen=True, kw_only=True)
class FilterReader:
    """Reads filters.

    :param kind: of the rows
    :param now: by which days are counted
    :param inclusive: a row of exactly the time given is within ``$before`` and ``$after``
    :param long_lists: take what is left of an array with an index above 20: an object; else it is refused
    :param any_field: every field may be filtered by
    :param key: of refusals
    """

    kind: str
    now: datetime
    inclusive: bool = False
    long_lists: bool = False
    any_field: bool = False
    key: str = INVALID_QUERY

    def predicate(self, filters: Any) -> Predicate:
        """Whether a row passes.

        :param filters: ``{"junction": "and", "result": {"conditions": {"$is": "SUCCESS"}}}``
        :raises Refused: 400 for anything the validator turns down
        """
        if not isinstance(filters, dict):
            self._refuse(_FORMAT)
        given = dict(filters)
        junction = given.pop("junction", None) or "and"
        if str(junction).lower() not in {"and", "or"}:
            self._refuse("has wrong `junction` property. It must be one of: and, or")
        tests = [test for name, inner in given.items() for test in self._tests(name, inner)]
        if not tests:
            return lambda _: True
        together = all if str(junction).lower() == "and" else any
        return lambda row: together(test(row) for test in tests)

    def _tests(self, name: str, inner: Any) -> list[Predicate]:
        known = FILTERS.get(self.kind)
        if known is not None and not self.any_field and name not in known and not name.startswith("metadata."):
            self._refuse(f"should NOT have filter `{name}`. It must be one of: {', '.join(sorted(known))}")
        conditions = inner.get("conditions") if isinstance(inner, dict) else None
        if not isinstance(conditions, dict) or not conditions or len(inner) > 1:
            self._refuse(_FORMAT)
        return [self._test(name, operator, self._arguments(value)) for operator, value in conditions.items()]

    def _arguments(self, value: Any) -> list[str]:
        if isinstance(value, dict) and self.long_lists:
            value = list(value.values())
        found = value if isinstance(value, list) else [value]
        if any(isinstance(each, dict | list) for each in found):
            self._refuse(_FORMAT)
        return ["" if each is None else as_text(each) for each in found]

    def _test(self, name: str, operator: str, arguments: list[str]) -> Predicate:
        kind = self.kind
        if operator in _STATES:
            return _state(operator, arguments, self.now)
        if operator not in OPERATORS:
            allowed = ", ".join((*OPERATORS, *_STATES))
            self._refuse(f"has wrong condition `{operator}`. It must be one of: {allowed}")
        compare = self._compare(name, operator, arguments)
        return lambda row: compare(field_values(row, kind, name))

    def _compare(self, name: str, operator: str, arguments: list[str]) -> Callable[[list[Any]], bool]:
        if operator in {"$before", "$after"}:
            edge = self._time(name, operator, arguments[0] if arguments else "")
            return lambda found: any(_is_beyond(operator, each, edge, inclusive=self.inclusive) for each in found)
        if operator in CONDITIONS:
            value = arguments[0] if arguments else ""
            if operator in COUNTED and not value.lstrip("-").isdecimal():
                self._refuse(f".{name}.{operator} must be integer")
            return lambda found: any(
                CONDITIONS[operator](at, self.now, value)
                for each in found
                if (at := _parse_timestamp(each)) is not None
            )
        if operator in _NUMBERS and not all(_is_number(each) for each in arguments):
            self._refuse(f".{name}.{operator} must be number")
        compare = OPERATORS[operator]
        return lambda found: compare(found, arguments, self.now)

    def _time(self, name: str, operator: str, value: str) -> datetime:
        try:
            return parse_timestamp(value)
        except ValueError:
            detail = f"Property .filters.{name}.{operator} cannot be recognized as a ISO-8601 compliant date"
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


def _is_beyond(operator: str, value: Any, edge: datetime, *, inclusive: bool) -> bool:
    at = _parse_timestamp(value)
    if at is None:
        return False
    return (inclusive and at == edge) or (at < edge if operator == "$before" else at > edge)


def _numeric(compare: Callable[[float, float], bool]) -> Callable[[list[Any], Sequence[str], datetime], bool]:
    """A number is compared; of a time the days that it lies back are."""

    def meets(found: list[Any], arguments: Sequence[str], now: datetime) -> bool:
        for value in found:
            at = _parse_timestamp(value)
            number = (now - at) / timedelta(days=1) if at is not None else value
            if isinstance(number, bool) or (isinstance(number, str) and not _is_number(number)):
                continue
            if any(compare(float(number), float(argument)) for argument in arguments):
                return True
        return False

    return meets


def _any(test: Callable[[str, str], bool]) -> Callable[[list[Any], Sequence[str], datetime], bool]:
    return lambda found, arguments, _: any(test(as_text(value), argument) for value in found for argument in arguments)


def _in(found: list[Any], arguments: Sequence[str]) -> bool:
    return any(_equal(value, argument) for value in found for argument in arguments)


def _number_of(found: list[Any], arguments: Sequence[str], compare: Callable[[float, float], bool]) -> bool:
    return any(compare(len(found), float(argument)) for argument in arguments)


#: Operator to whether the values found in a row meet its arguments.
OPERATORS: Mapping[str, Callable[[list[Any], Sequence[str], datetime], bool]] = {
    "$in": lambda found, arguments, _: _in(found, arguments),
    "$not_in": lambda found, arguments, _: not _in(found, arguments),
    # By the id of a location that the row names: where it lies is not told by any list.
    "$in_location": lambda found, arguments, _: _in(found, arguments),
    "$not_in_location": lambda found, arguments, _: not _in(found, arguments),
    "$is": lambda found, arguments, _: _in(found, arguments),
    "$is_not": lambda found, arguments, _: not _in(found, arguments),
    "$has_value": lambda found, _, __: any(value != "" for value in found),
    "$is_unknown": lambda found, _, __: not any(value != "" for value in found),
    "$contains": _any(lambda value, argument: argument in value),
    "$not_contain": lambda found, arguments, _: (
        not any(argument in as_text(value) for value in found for argument in arguments)
    ),
    "$starts_with": _any(lambda value, argument: value.startswith(argument)),
    "$ends_with": _any(lambda value, argument: value.endswith(argument)),
    "$more_than": _numeric(lambda value, argument: value > argument),
    "$less_than": _numeric(lambda value, argument: value < argument),
    "$more_than_equal": _numeric(lambda value, argument: value >= argument),
    "$less_than_equal": _numeric(lambda value, argument: value <= argument),
    "$count": lambda found, arguments, _: _number_of(found, arguments, lambda here, wanted: here == wanted),
    "$count_less": lambda found, arguments, _: _number_of(found, arguments, lambda here, wanted: here < wanted),
    "$count_more": lambda found, arguments, _: _number_of(found, arguments, lambda here, wanted: here > wanted),
    # The two below and those of the calendar are made where the present is known.
    **dict.fromkeys(("$before", "$after", *CONDITIONS), lambda *_: False),
}
_NUMBERS = frozenset({
    *("$more_than", "$less_than", "$more_than_equal", "$less_than_equal"),
    *("$count", "$count_less", "$count_more"),
})


def _not_begun(row: Document, now: datetime) -> bool:
    start = _parse_timestamp(row.get("start_date"))
    return start is not None and start > now


def _expired(row: Document, now: datetime) -> bool:
    end = _parse_timestamp(row.get("expiration_date"))
    return end is not None and end <= now


def _enabled(row: Document, _: datetime) -> bool:
    return row.get("active") is not False


def active(row: Document, now: datetime) -> bool:
    """Enabled, begun and not expired."""
    return _enabled(row, now) and not _not_begun(row, now) and not _expired(row, now)


def _redeemed(row: Document, _: datetime) -> bool:
    return bool((row.get("redemption") or {}).get("redeemed_quantity"))


def _redeemable(row: Document, now: datetime) -> bool:
    redemption = row.get("redemption") or {}
    quantity = redemption.get("quantity")
    left = quantity is None or (redemption.get("redeemed_quantity") or 0) < quantity
    return active(row, now) and left


#: States of a voucher or a campaign, asked for with ``true``: ``filters[active][conditions][$expired]=true``.
_STATES: Mapping[str, Callable[[Document, datetime], bool]] = {
    "$active": active,
    "$failed": lambda row, _: row.get("creation_status") == "FAILED",
    "$in_progress": lambda row, _: row.get("creation_status") == "IN_PROGRESS",
    "$expired": _expired,
    "$before_start": _not_begun,
    "$enabled": _enabled,
    "$disabled": lambda row, now: not _enabled(row, now),
    "$redeemed": _redeemed,
    "$redeemable": _redeemable,
}


def _state(operator: str, arguments: Sequence[str], now: datetime) -> Predicate:
    wanted = "false" not in arguments
    return lambda row: _STATES[operator](row, now) is wanted
