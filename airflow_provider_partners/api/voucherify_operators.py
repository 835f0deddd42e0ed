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
from airflow_provider_partners.windows import moment

if TYPE_CHECKING:
    from collections.abc import Mapping


class Takes(StrEnum):
    """What an operator is compared with."""

    LIST = "a list of values"
    VALUE = "a value"
    NUMBER = "a number"
    TIME = "a time"
    PERIOD = "true"
    STATE = "nothing, or true"
    NOTHING = "nothing"


_NAMES: Mapping[Takes, str] = {
    Takes.LIST: "in not_in in_location not_in_location includes intersects",
    Takes.VALUE: "is is_not contains not_contain starts_with ends_with",
    # Compared with a time, more_than and less_than count days.
    Takes.NUMBER: """
        more_than less_than more_than_equal less_than_equal count count_less count_more
        more_than_ago less_than_ago more_than_future less_than_future
        is_days_ago is_days_in_future is_years_ago is_day_of_month is_day is_month is_year
        is_days_ago_md is_days_in_future_md is_less_days_ago_md is_less_days_in_future_md
        is_more_days_ago_md is_more_days_in_future_md
        """,
    Takes.TIME: "after before after_equal before_equal",
    # Relative to today; those with _md go by month and day alone, whatever the year.
    Takes.PERIOD: """
        today tomorrow yesterday this_week last_week next_week this_month last_month next_month
        this_year last_year next_year
        today_md tomorrow_md yesterday_md this_week_md last_week_md next_week_md this_month_md last_month_md
        next_month_md
        """,
    Takes.STATE: "active failed in_progress expired before_start enabled disabled redeemed redeemable",
    Takes.NOTHING: "has_value is_unknown",
}

OPERATORS: Mapping[str, Takes] = {f"${name}": takes for takes, names in _NAMES.items() for name in names.split()}
"""Every operator, and what it is compared with."""

Value = str | int | float | bool
"""A value as JSON has it."""


def refused(message: str, remedy: str) -> ConfigurationError:
    """What is raised for a filter that can't be.

    :param message: what is wrong with it
    :param remedy: what to write instead
    """
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")


def operator(name: str) -> str:
    """An operator by its name, with the ``$`` that the description itself forgets once (``before_start``).

    :param name: with or without ``$``
    :raises ConfigurationError: when there is none of this name
    """
    full = name if name.startswith("$") else f"${name}"
    if full not in OPERATORS:
        message = f"'{name}' is no operator of Voucherify's filters"
        raise refused(message, f"Use one of: {' '.join(sorted(OPERATORS))}.")
    return full


def values(field: str, name: str, given: tuple[Any, ...]) -> tuple[Value, ...]:
    """An operator's values as JSON has them.

    :param field: what is compared, for the error
    :param name: the operator
    :param given: any of Python's values
    :returns: none for an operator that needs none
    :raises ConfigurationError: when the operator takes no such values
    """
    takes = OPERATORS[name]
    if takes in {Takes.NOTHING, Takes.PERIOD, Takes.STATE}:
        # Tuples are compared, since what was given may not be hashable; an empty object stands for nothing too.
        bare = given in ((), ("",), ({},))
        if not bare and given not in ((True,), ("true",)):
            raise _wrong(field, name, f"it takes {takes}", "Leave the value out.")
        return (True,) if takes is Takes.PERIOD or (takes is Takes.STATE and not bare) else ()
    if not given:
        raise _wrong(field, name, "it has no values, so it says nothing", f"Give {takes}.")
    return tuple(_value(field, name, takes, value) for value in given)


def written(value: Value) -> str:
    """A value as text of a query: truth values as ``true`` and ``false``, numbers without an exponent.

    :param value: as JSON has it
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def _value(field: str, name: str, takes: Takes, given: Any) -> Value:
    value = _plain(field, name, given)
    if takes is Takes.NUMBER and not _is_number(value):
        raise _wrong(field, name, "its value is no number", "Give a number.")
    if takes is Takes.TIME:
        if not isinstance(value, str):
            raise _wrong(field, name, "its value is no time", "Give a datetime, or text in ISO 8601.")
        try:
            moment(value, field)
        except ConfigurationError:
            raise _wrong(field, name, "its value is no time", "Give a datetime, or text in ISO 8601.") from None
    return value


def _plain(field: str, name: str, given: Any) -> Value:
    match given:
        case str() | bool() | int():
            return given
        case Decimal() if given.is_finite():
            return int(given) if given == given.to_integral_value() else float(given)
        case float() if math.isfinite(given):
            return given
        case datetime():
            aware = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
            return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return given.isoformat()
    raise _wrong(
        field, name, f"it is compared with {type(given).__name__}", "Use text, a finite number, true, false or a time."
    )


def _is_number(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _wrong(field: str, name: str, why: str, remedy: str) -> ConfigurationError:
    # The value itself may be a customer's, so it is not repeated.
    return refused(f"the filter '{field} {name}' can't be: {why}", remedy)
