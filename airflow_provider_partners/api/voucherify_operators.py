"""The operators of Voucherify's filters, and how their values are written in a query and in JSON.

The names are those that the server's validator lists when it refuses one, and the table of conditions in the vendor's
listing guide. Must not know which list takes which of them.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping


class OperandKind(StrEnum):
    """What an operator is compared with."""

    LIST = "a list of values"
    VALUE = "a value"
    NUMBER = "a number"
    TIME = "a time"
    PERIOD = "true"
    STATE = "nothing, or true"
    NOTHING = "nothing"


_OPERATOR_NAMES: Mapping[OperandKind, str] = {
    OperandKind.LIST: "in not_in in_location not_in_location includes intersects",
    OperandKind.VALUE: "is is_not contains not_contain starts_with ends_with",
    # Compared with a time, more_than and less_than count days.
    OperandKind.NUMBER: """
        more_than less_than more_than_equal less_than_equal count count_less count_more
        more_than_ago less_than_ago more_than_future less_than_future
        is_days_ago is_days_in_future is_years_ago is_day_of_month is_day is_month is_year
        is_days_ago_md is_days_in_future_md is_less_days_ago_md is_less_days_in_future_md
        is_more_days_ago_md is_more_days_in_future_md
        """,
    OperandKind.TIME: "after before after_equal before_equal",
    # Relative to today; those with _md go by month and day alone, whatever the year.
    OperandKind.PERIOD: """
        today tomorrow yesterday this_week last_week next_week this_month last_month next_month
        this_year last_year next_year
        today_md tomorrow_md yesterday_md this_week_md last_week_md next_week_md this_month_md last_month_md
        next_month_md
        """,
    OperandKind.STATE: "active failed in_progress expired before_start enabled disabled redeemed redeemable",
    OperandKind.NOTHING: "has_value is_unknown",
}

OPERATORS: Mapping[str, OperandKind] = {
    f"${name}": takes for takes, names in _OPERATOR_NAMES.items() for name in names.split()
}
"""Every operator, and what it is compared with."""

Value = str | int | float | bool
"""A value as JSON has it."""


def filter_error(message: str, remedy: str) -> ConfigurationError:
    """What is raised for a filter that can't be.

    :param message: what is wrong with it
    :param remedy: what to write instead
    """
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")


def resolve_operator(name: str) -> str:
    """An operator by its name, with the ``$`` that the description itself forgets once (``before_start``).

    :param name: with or without ``$``
    :raises ConfigurationError: when there is none of this name
    """
    full = name if name.startswith("$") else f"${name}"
    if full not in OPERATORS:
        message = f"'{name}' is no operator of Voucherify's filters"
        raise filter_error(message, f"Use one of: {' '.join(sorted(OPERATORS))}.")
    return full


def operand_values(field: str, operator: str, raw_values: tuple[Any, ...]) -> tuple[Value, ...]:
    """An operator's values as JSON has them.

    :param field: what is compared, for the error
    :param operator: the operator
    :param raw_values: any of Python's values
    :returns: none for an operator that needs none
    :raises ConfigurationError: when the operator takes no such values
    """
    kind = OPERATORS[operator]
    if kind in {OperandKind.NOTHING, OperandKind.PERIOD, OperandKind.STATE}:
        # Tuples are compared, since what was given may not be hashable; an empty object stands for nothing too.
        bare = raw_values in ((), ("",), ({},))
        if not bare and raw_values not in ((True,), ("true",)):
            raise _condition_error(field, operator, f"it takes {kind}", "Leave the value out.")
        return (True,) if kind is OperandKind.PERIOD or (kind is OperandKind.STATE and not bare) else ()
    if not raw_values:
        raise _condition_error(field, operator, "it has no values, so it says nothing", f"Give {kind}.")
    return tuple(_convert_value(field, operator, kind, value) for value in raw_values)


def format_value(value: Value) -> str:
    """A value as text of a query: truth values as ``true`` and ``false``, numbers without an exponent.

    :param value: as JSON has it
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def _convert_value(field: str, operator: str, kind: OperandKind, raw_value: Any) -> Value:
    value = _to_json_value(field, operator, raw_value)
    if kind is OperandKind.NUMBER and not _is_number(value):
        raise _condition_error(field, operator, "its value is no number", "Give a number.")
    if kind is OperandKind.TIME:
        if not isinstance(value, str):
            raise _condition_error(field, operator, "its value is no time", "Give a datetime, or text in ISO 8601.")
        try:
            parse_timestamp(value, field)
        except ConfigurationError:
            raise _condition_error(
                field, operator, "its value is no time", "Give a datetime, or text in ISO 8601."
            ) from None
    return value


def _to_json_value(field: str, operator: str, raw_value: Any) -> Value:
    match raw_value:
        case str() | bool() | int():
            return raw_value
        case Decimal() if raw_value.is_finite():
            return int(raw_value) if raw_value == raw_value.to_integral_value() else float(raw_value)
        case float() if math.isfinite(raw_value):
            return raw_value
        case datetime():
            aware = (raw_value if raw_value.tzinfo else raw_value.replace(tzinfo=UTC)).astimezone(UTC)
            return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return raw_value.isoformat()
    raise _condition_error(
        field,
        operator,
        f"it is compared with {type(raw_value).__name__}",
        "Use text, a finite number, true, false or a time.",
    )


def _is_number(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _condition_error(field: str, operator: str, reason: str, remedy: str) -> ConfigurationError:
    # The value itself may be a customer's, so it is not repeated.
    return filter_error(f"the filter '{field} {operator}' can't be: {reason}", remedy)
