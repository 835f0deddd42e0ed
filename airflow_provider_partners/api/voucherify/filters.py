"""Filters of Voucherify's lists and exports, from Python values or plain mappings, checked before they are sent.

::

    paid = field("result").is_("SUCCESS") & field("metadata.lang").in_(["en", "de"])
    queries(RESOURCES["redemptions"], paid)
    # filters[result][conditions][$is]=SUCCESS
    # filters[metadata.lang][conditions][$in][0]=en
    # filters[metadata.lang][conditions][$in][1]=de
    # filters[junction]=and
    to_json(paid)  # the same, as exports and qualifications have it in their body

A filter has one junction for all of its conditions, since the API has one. What a field means, and which operators a
list takes for it, is the list's business. Must not know URLs: the transport encodes the text.

The language of Voucherify's filters: fields compared by operators, joined by one junction.

Knows the API's shape alone: one junction for all conditions, and each operator once for a field. Must not know which
list takes what (``voucherify_filters``), nor how a filter is sent.

The operators of Voucherify's filters, and how their values are written in a query and in JSON.

The names are those that the server's validator lists when it refuses one, and the table of conditions in the vendor's
listing guide. Must not know which list takes which of them.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from airflow_provider_partners.api.ids import id_batches
from airflow_provider_partners.api.voucherify.resources.model import MAX_VALUES_PER_CONDITION

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource


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
            timestamps.parse(value, field)
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


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared by one operator.

    :param field: what is compared
    :param operator: with its ``$``
    :param values: as JSON has them; none where the operator needs none
    """

    field: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions, of which all or any must hold; ``&`` and ``|`` put two filters together.

    :param conditions: at least one
    :param junction: ``and``, ``or``, or nothing for a single condition
    """

    conditions: tuple[Condition, ...]
    junction: str = ""

    def __post_init__(self) -> None:
        """Refuse what the API has no form for."""
        seen: dict[str, list[str]] = {}
        for condition in self.conditions:
            operators = seen.setdefault(condition.field, [])
            if condition.operator in operators:
                message = f"the filter compares '{condition.field}' with {condition.operator} twice"
                raise filter_error(message, "Put the values into one list with in_ or not_in, or ask in two tasks.")
            if operators and self.junction == "or":
                message = f"the filter joins two conditions of '{condition.field}' by 'or'"
                raise filter_error(message, "How Voucherify joins them isn't documented: use in_, or ask in two tasks.")
            operators.append(condition.operator)

    def __and__(self, other: Filter) -> Filter:
        """Both must hold."""
        return self._joined(other, "and")

    def __or__(self, other: Filter) -> Filter:
        """Either must hold."""
        return self._joined(other, "or")

    def _joined(self, other: Filter, junction: str) -> Filter:
        for part in (self, other):
            if len(part.conditions) > 1 and part.junction != junction:
                message = f"the filter joins conditions by '{part.junction}' within others by '{junction}'"
                remedy = (
                    "Voucherify has one junction for all conditions: use in_ for values of one field, or ask twice."
                )
                raise filter_error(message, remedy)
        return Filter((*self.conditions, *other.conditions), junction)


class Field:
    """A field to be compared: ``field("result").is_("SUCCESS")``.

    :param name: such as ``campaign_name``, ``metadata.lang`` or ``redemption.redeemed_quantity``
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        # Keys of metadata and names of campaigns, which may be part of it, hold spaces; brackets would end it.
        if not name.strip() or name == "junction" or "[" in name or "]" in name:
            message = f"{name!r} can't be the field of a filter"
            raise filter_error(message, "Write a field's name, without brackets.")
        self.name = name

    def where(self, operator_name: str, *values: Any) -> Filter:
        """Compare by an operator's own name, such as ``$next_month``, ``$is_days_ago`` or ``$active``.

        :param operator_name: with or without ``$``
        :param values: its values; none for operators such as ``$has_value``, ``$today`` or ``$enabled``
        """
        full = resolve_operator(operator_name)
        if len(values) > 1 and OPERATORS[full] not in {OperandKind.LIST, OperandKind.VALUE}:
            message = f"the filter compares '{self.name}' by {full} with {len(values)} values"
            raise filter_error(message, "Give it one.")
        return Filter((Condition(self.name, full, operand_values(self.name, full, values)),))

    def is_(self, *values: Any) -> Filter:
        """Is the value; days of the week are documented with several."""
        return self.where("$is", *values)

    def is_not(self, *values: Any) -> Filter:
        """Is not the value."""
        return self.where("$is_not", *values)

    def in_(self, values: Iterable[Any]) -> Filter:
        """Is one of the values."""
        return self.where("$in", *_as_list(self.name, values))

    def not_in(self, values: Iterable[Any]) -> Filter:
        """Is none of the values."""
        return self.where("$not_in", *_as_list(self.name, values))

    def in_location(self, location_ids: Iterable[Any]) -> Filter:
        """Lies in one of the locations, by their ids."""
        return self.where("$in_location", *_as_list(self.name, location_ids))

    def not_in_location(self, location_ids: Iterable[Any]) -> Filter:
        """Lies in none of the locations."""
        return self.where("$not_in_location", *_as_list(self.name, location_ids))

    def has_value(self) -> Filter:
        """Is set."""
        return self.where("$has_value")

    def is_unknown(self) -> Filter:
        """Is not set."""
        return self.where("$is_unknown")

    def contains(self, text: str) -> Filter:
        """Holds the text."""
        return self.where("$contains", text)

    def not_contain(self, text: str) -> Filter:
        """Doesn't hold the text."""
        return self.where("$not_contain", text)

    def starts_with(self, text: str) -> Filter:
        """Begins with the text."""
        return self.where("$starts_with", text)

    def ends_with(self, text: str) -> Filter:
        """Ends with the text."""
        return self.where("$ends_with", text)

    def after(self, timestamp: Any) -> Filter:
        """Lies after the time."""
        return self.where("$after", timestamp)

    def before(self, timestamp: Any) -> Filter:
        """Lies before the time."""
        return self.where("$before", timestamp)

    def more_than(self, value: Any) -> Filter:
        """Is a larger number; for a time, lies more than so many days back."""
        return self.where("$more_than", value)

    def less_than(self, value: Any) -> Filter:
        """Is a smaller number; for a time, lies less than so many days back."""
        return self.where("$less_than", value)

    def more_than_equal(self, value: Any) -> Filter:
        """Is the number, or a larger one."""
        return self.where("$more_than_equal", value)

    def less_than_equal(self, value: Any) -> Filter:
        """Is the number, or a smaller one."""
        return self.where("$less_than_equal", value)

    def count(self, count: int) -> Filter:
        """Holds so many values."""
        return self.where("$count", count)


def field(name: str) -> Field:
    """A field to be compared.

    :param name: see :class:`Field`
    """
    return Field(name)


def any_of(first: Filter, *others: Filter) -> Filter:
    """Any of the conditions must hold.

    :param first: a filter
    :param others: further ones
    """
    for other in others:
        first = first | other
    return first


def _as_list(name: str, values: Iterable[Any]) -> Iterable[Any]:
    if isinstance(values, str):
        message = f"the filter compares '{name}' with text in place of a list"
        raise filter_error(message, "Give a list, even of one value.")
    # A set has no order of its own, and the same filter must read the same each time.
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


__all__ = [
    "QUALIFICATION_FILTERS",
    "Condition",
    "Field",
    "Filter",
    "any_of",
    "field",
    "filter_queries",
    "parse_filter",
    "to_json",
    "validate_filter",
]

AllowedOperators = Mapping[str, frozenset[str] | None]
"""Field to its operators, ``None`` for any; a field such as ``metadata.*`` stands for all that begin like it."""

_MULTI_VALUE_FIELDS = frozenset({"categories", "category_ids", "validity_day_of_week"})
"""Fields of a row that hold several values: split over queries, such a row would come more than once."""

_ID_OPERATORS = frozenset({"$is", "$is_not", "$in", "$not_in"})
_ID_OR_EMPTY_OPERATORS = _ID_OPERATORS | {"$has_value", "$is_unknown"}

QUALIFICATION_FILTERS: AllowedOperators = {
    **dict.fromkeys(("category_id", "campaign_id", "resource_id", "voucher_type", "code"), _ID_OR_EMPTY_OPERATORS),
    **dict.fromkeys(("campaign_type", "resource_type", "holder_role"), _ID_OPERATORS),
}
"""What ``options.filters`` of ``POST /v1/qualifications`` takes."""


def parse_filter(filter_value: Filter | Mapping[str, Any] | None) -> Filter | None:
    """A filter as arguments give it: built already, or nested as the API has it.

    :param filter_value: a filter, or ``{"result": {"conditions": {"$is": "SUCCESS"}}, "junction": "and"}``
    :returns: nothing for an empty one
    :raises ConfigurationError: when it has another shape
    """
    if filter_value is None or isinstance(filter_value, Filter):
        return filter_value
    if not isinstance(filter_value, Mapping):
        message = f"the filter is {type(filter_value).__name__}"
        raise filter_error(message, _SHAPE_REMEDY)
    junction = filter_value.get("junction")
    if junction is not None and str(junction).lower() not in {"and", "or"}:
        message = "the filter's 'junction' is neither 'and' nor 'or'"
        raise filter_error(message, _SHAPE_REMEDY)
    conditions: list[Condition] = []
    for name, inner in filter_value.items():
        if name == "junction":
            continue
        field_conditions = (
            inner.get("conditions") if isinstance(inner, Mapping) and set(inner) == {"conditions"} else None
        )
        if not isinstance(field_conditions, Mapping) or not field_conditions:
            message = f"the filter's '{name}' has no 'conditions', or more than them"
            raise filter_error(message, _SHAPE_REMEDY)
        for key, value in field_conditions.items():
            listed = tuple(value) if isinstance(value, list | tuple) else (value,)
            conditions += field(name).where(key, *listed).conditions
    if not conditions:
        return None
    return Filter(tuple(conditions), str(junction or ("and" if len(conditions) > 1 else "")).lower())


_SHAPE_REMEDY = (
    "Write it as {'result': {'conditions': {'$is': 'SUCCESS'}}, 'junction': 'and'}, or with field('result').is_()."
)


def validate_filter(
    filter_value: Filter | Mapping[str, Any] | None,
    *,
    target: str,
    allowed: AllowedOperators,
    allow_any_field: bool = False,
) -> Filter | None:
    """A filter that something can be filtered by.

    :param filter_value: see :func:`parse_filter`
    :param target: its name, for the error
    :param allowed: field to operators
    :param allow_any_field: whether it takes other fields too
    :raises ConfigurationError: naming the field or operator, and listing those that are allowed
    """
    parsed = parse_filter(filter_value)
    for condition in parsed.conditions if parsed else ():
        operators = _allowed_operators(condition.field, allowed, allow_any_field=allow_any_field)
        if operators is not None and condition.operator not in operators:
            message = f"'{target}' can't be filtered by '{condition.field}'"
            if operators:
                message = f"'{target}' can't be filtered by '{condition.field}' with {condition.operator}"
            raise filter_error(message, _describe_allowed(allowed))
    return parsed


def filter_queries(
    resource: VoucherifyResource, filters: Filter | Mapping[str, Any] | None
) -> list[list[tuple[str, str]]]:
    """A list's filter as query parameters; several queries where an ``$in`` has more values than one can carry.

    Each row that the filter lets through comes with exactly one of them, as long as the field that is split holds
    one value per row; of all fields only ``metadata`` may hold several, and then a row may come more than once.

    :param resource: the list
    :param filters: see :func:`parse_filter`
    :raises ConfigurationError: for what the list can't be filtered by, or what no queries can say
    """
    parsed = validate_filter(
        filters, target=resource.name, allowed=resource.filters, allow_any_field=resource.allows_any_filter
    )
    if parsed is None:
        return [[]]
    junction = [("filters[junction]", parsed.junction)] if len(parsed.conditions) > 1 else []
    parts = [_condition_params(parsed, condition) for condition in parsed.conditions]
    return [[pair for part in chosen for pair in part] + junction for chosen in product(*parts)]


def to_json(filters: Filter | Mapping[str, Any] | None) -> dict[str, Any]:
    """A filter as JSON: what exports and qualifications have in their body, values always in lists.

    :param filters: see :func:`parse_filter`
    """
    parsed = parse_filter(filters)
    body: dict[str, Any] = {}
    for condition in parsed.conditions if parsed else ():
        empty = {} if OPERATORS[condition.operator] is OperandKind.STATE else ""
        inner = body.setdefault(condition.field, {"conditions": {}})
        inner["conditions"][condition.operator] = list(condition.values) or empty
    return {**({"junction": parsed.junction} if parsed and len(parsed.conditions) > 1 else {}), **body}


def _condition_params(parsed: Filter, condition: Condition) -> list[list[tuple[str, str]]]:
    """One condition's parameters, in several parts when one query can't carry its values."""
    name = f"filters[{condition.field}][conditions][{condition.operator}]"
    listed = OPERATORS[condition.operator] is OperandKind.LIST
    texts = list(dict.fromkeys(format_value(value) for value in condition.values)) if listed else condition.values
    if not listed and len(texts) <= 1:
        # Never with an index: a single value in a list is another type to the server's checks.
        return [[(name, format_value(texts[0]) if texts else "")]]
    batches = list(
        id_batches(map(str, texts), size=MAX_VALUES_PER_CONDITION, encode=lambda text: f"{name}[00]={text}&")
    )
    if len(batches) > 1 and (why := _reason_not_splittable(parsed, condition)):
        message = f"'{condition.field} {condition.operator}' has {len(texts)} values, more than one query can carry"
        raise filter_error(message, f"Give at most {MAX_VALUES_PER_CONDITION}: {why}.")
    return [[(f"{name}[{index}]", value) for index, value in enumerate(batch)] for batch in batches]


def _reason_not_splittable(parsed: Filter, condition: Condition) -> str:
    """Why a condition can't be spread over queries; empty when it can."""
    if condition.operator != "$in":
        return "only $in can be spread over several queries"
    if parsed.junction == "or" and len(parsed.conditions) > 1:
        return "with 'or', queries that share the other conditions would give their rows more than once"
    if condition.field in _MULTI_VALUE_FIELDS:
        return "a row has several values of this field, and would come more than once"
    return ""


def _allowed_operators(name: str, allowed: AllowedOperators, *, allow_any_field: bool) -> frozenset[str] | None:
    """The operators that a field takes; ``None`` for any, empty when it can't be filtered by."""
    starred = next((key for key in allowed if key.endswith("*") and name.startswith(key[:-1])), name)
    key = name if name in allowed else starred
    if key not in allowed:
        return None if allow_any_field else frozenset()
    operators = allowed[key]
    return None if operators is None else frozenset(resolve_operator(one) for one in operators)


def _describe_allowed(allowed: AllowedOperators) -> str:
    listed = "; ".join(f"{name} ({' '.join(sorted(ops)) if ops else 'any'})" for name, ops in allowed.items())
    return f"Allowed: {listed or 'no filter at all'}."
