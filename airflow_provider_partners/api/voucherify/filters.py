"""Filters of Voucherify's lists and exports: build them in Python, check them, and encode them.

::

    paid = field("result").is_("SUCCESS") & field("metadata.lang").in_(["en", "de"])
    filter_queries(RESOURCES["redemptions"], paid)
    # filters[result][conditions][$is]=SUCCESS
    # filters[metadata.lang][conditions][$in][0]=en
    # filters[metadata.lang][conditions][$in][1]=de
    # filters[junction]=and
    to_json(paid)  # the same filter, as a body of exports and qualifications holds it

A filter has one junction for all conditions, because the API has only one
(https://docs.voucherify.io/api-reference/listing). Which operators a list accepts is part of its resource.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import product
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.ids import id_batches
from airflow_provider_partners.api.voucherify.known_values import check_field, check_values
from airflow_provider_partners.api.voucherify.resources.model import MAX_VALUES_PER_CONDITION
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

__all__ = [
    "OPERATORS",
    "QUALIFICATION_FILTERS",
    "AllowedOperators",
    "Condition",
    "Field",
    "Filter",
    "OperandKind",
    "field",
    "filter_queries",
    "parse_filter",
    "to_json",
    "validate_filter",
]

Value = str | int | float | bool
"""An operand as JSON represents it."""

AllowedOperators = Mapping[str, frozenset[str] | None]
"""Field to its operators; ``None`` allows any. The key ``metadata.*`` covers all fields with that prefix."""


# Operators. The names are those that the server's validator lists when it rejects one, and those of
# https://docs.voucherify.io/api-reference/listing.


class OperandKind(StrEnum):
    """What an operator compares a field with."""

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
    # On a field that holds a time, more_than and less_than count days.
    OperandKind.NUMBER: """
        more_than less_than more_than_equal less_than_equal count count_less count_more
        more_than_ago less_than_ago more_than_future less_than_future
        is_days_ago is_days_in_future is_years_ago is_day_of_month is_day is_month is_year
        is_days_ago_md is_days_in_future_md is_less_days_ago_md is_less_days_in_future_md
        is_more_days_ago_md is_more_days_in_future_md
        """,
    OperandKind.TIME: "after before after_equal before_equal",
    # Relative to today. The ones with _md compare month and day only, in any year.
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
    f"${name}": kind for kind, names in _OPERATOR_NAMES.items() for name in names.split()
}
"""Every operator and the kind of its operand."""


def resolve_operator(name: str) -> str:
    """Return an operator's full name, with its ``$``.

    The OpenAPI description itself omits the ``$`` of ``before_start`` once.

    :raises ConfigurationError: for an unknown operator
    """
    full_name = name if name.startswith("$") else f"${name}"
    if full_name not in OPERATORS:
        message = f"'{name}' is not an operator of Voucherify's filters{suggest(full_name, OPERATORS)}"
        raise filter_error(message, f"Use one of: {' '.join(sorted(OPERATORS))}.")
    return full_name


def operand_values(field: str, operator: str, raw_values: tuple[Any, ...]) -> tuple[Value, ...]:
    """Convert the operands of an operator to JSON values.

    :param field: the compared field, for the error
    :param raw_values: Python values: text, numbers, ``Decimal``, ``date``, ``datetime``, ``bool``
    :returns: an empty tuple for an operator without operand
    :raises ConfigurationError: when the operator does not take such values
    """
    kind = OPERATORS[operator]
    if kind in {OperandKind.NOTHING, OperandKind.PERIOD, OperandKind.STATE}:
        # Compare tuples: a raw value may not be hashable. An empty object also means "no operand".
        is_empty = raw_values in ((), ("",), ({},))
        if not is_empty and raw_values not in ((True,), ("true",)):
            raise _condition_error(field, operator, f"it takes {kind}", "Leave the value out.")
        return (True,) if kind is OperandKind.PERIOD or (kind is OperandKind.STATE and not is_empty) else ()
    if not raw_values:
        raise _condition_error(field, operator, "it has no values, so it has no effect", f"Give {kind}.")
    return tuple(_convert_value(field, operator, kind, value) for value in raw_values)


def format_value(value: Value) -> str:
    """Return a JSON value as query text: ``true``/``false``, and numbers without an exponent."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(str(value)), "f") if isinstance(value, float) else str(value)


def filter_error(message: str, remedy: str) -> ConfigurationError:
    """Return the error for a filter that Voucherify cannot evaluate."""
    return ConfigurationError(message, remedy=remedy, partner="Voucherify")


def _convert_value(field: str, operator: str, kind: OperandKind, raw_value: Any) -> Value:
    value = _to_json_value(field, operator, raw_value)
    if kind is OperandKind.NUMBER and not _is_number(value):
        raise _condition_error(field, operator, "its value is not a number", "Give a number.")
    if kind is OperandKind.TIME and not _is_time(value, field):
        raise _condition_error(field, operator, "its value is not a time", "Give a datetime, or text in ISO 8601.")
    if kind is OperandKind.TIME and " " in str(value):
        # A template renders a timestamp with a space: 2026-05-01 00:00:00+00:00.
        return timestamps.isoformat(timestamps.parse(value, field), "milliseconds")
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
            return timestamps.isoformat(raw_value, "milliseconds")
        case date():
            return raw_value.isoformat()
    reason = f"it is compared with {type(raw_value).__name__}"
    raise _condition_error(field, operator, reason, "Use text, a finite number, true, false or a time.")


def _is_number(value: Value) -> bool:
    if isinstance(value, bool):
        return False
    try:
        return Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _is_time(value: Value, field: str) -> bool:
    if not isinstance(value, str):
        return False
    try:
        timestamps.parse(value, field)
    except ConfigurationError:
        return False
    return True


def _condition_error(field: str, operator: str, reason: str, remedy: str) -> ConfigurationError:
    # The message does not repeat the value: it may be a customer's data.
    return filter_error(f"the filter '{field} {operator}' is not possible: {reason}", remedy)


# Conditions and filters, as Python objects


@dataclass(frozen=True, slots=True)
class Condition:
    """One field, compared by one operator.

    :param operator: with its ``$``
    :param values: JSON values; empty for an operator without operand
    :param in_list: a single value was written as a list
    """

    field: str
    operator: str
    values: tuple[Value, ...] = ()
    in_list: bool = dataclass_field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions joined by one junction; combine two filters with ``&`` or ``|``.

    :param conditions: at least one
    :param junction: ``and``, ``or``, or empty for a single condition
    """

    conditions: tuple[Condition, ...]
    junction: str = ""

    def __post_init__(self) -> None:
        """Reject combinations that the API cannot express."""
        operators_by_field: dict[str, list[str]] = {}
        for condition in self.conditions:
            operators = operators_by_field.setdefault(condition.field, [])
            if condition.operator in operators:
                message = f"the filter compares '{condition.field}' with {condition.operator} twice"
                raise filter_error(message, "Put the values into one list with in_ or not_in, or use two tasks.")
            if operators and self.junction == "or":
                message = f"the filter joins two conditions of '{condition.field}' by 'or'"
                raise filter_error(message, "How Voucherify joins them isn't documented: use in_, or two tasks.")
            operators.append(condition.operator)

    def __and__(self, other: Filter) -> Filter:
        """Return a filter that requires both."""
        return self._joined(other, "and")

    def __or__(self, other: Filter) -> Filter:
        """Return a filter that requires either."""
        return self._joined(other, "or")

    def _joined(self, other: Filter, junction: str) -> Filter:
        for part in (self, other):
            if len(part.conditions) > 1 and part.junction != junction:
                message = f"the filter nests conditions joined by '{part.junction}' in others joined by '{junction}'"
                remedy = (
                    "Voucherify has one junction for all conditions: use in_ for values of one field, or two tasks."
                )
                raise filter_error(message, remedy)
        return Filter((*self.conditions, *other.conditions), junction)


class Field:
    """A field to compare: ``field("result").is_("SUCCESS")``.

    :param name: such as ``campaign_name``, ``metadata.lang`` or ``redemption.redeemed_quantity``
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        # Spaces are allowed: metadata keys and campaign names contain them. A bracket would end the name in the query.
        if not name.strip() or name == "junction" or "[" in name or "]" in name:
            message = f"{name!r} is not a field name that a filter can use"
            raise filter_error(message, "Write a field's name, without brackets.")
        self.name = name

    def where(self, operator_name: str, *values: Any) -> Filter:
        """Compare by an operator's own name, such as ``$next_month``, ``$is_days_ago`` or ``$active``.

        :param operator_name: with or without ``$``
        :param values: none for operators such as ``$has_value``, ``$today`` or ``$enabled``
        """
        operator = resolve_operator(operator_name)
        if len(values) > 1 and OPERATORS[operator] not in {OperandKind.LIST, OperandKind.VALUE}:
            message = f"the filter compares '{self.name}' by {operator} with {len(values)} values"
            raise filter_error(message, "Give it one.")
        return Filter((Condition(self.name, operator, operand_values(self.name, operator, values)),))

    def is_(self, *values: Any) -> Filter:
        """Is the value. The API documents several values for days of the week only."""
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
        """Lies in one of the locations."""
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
        """Contains the text."""
        return self.where("$contains", text)

    def not_contain(self, text: str) -> Filter:
        """Does not contain the text."""
        return self.where("$not_contain", text)

    def starts_with(self, text: str) -> Filter:
        """Starts with the text."""
        return self.where("$starts_with", text)

    def ends_with(self, text: str) -> Filter:
        """Ends with the text."""
        return self.where("$ends_with", text)

    def after(self, timestamp: Any) -> Filter:
        """Is later than the time."""
        return self.where("$after", timestamp)

    def before(self, timestamp: Any) -> Filter:
        """Is earlier than the time."""
        return self.where("$before", timestamp)

    def more_than(self, value: Any) -> Filter:
        """Is a larger number; for a time, more than that many days ago."""
        return self.where("$more_than", value)

    def less_than(self, value: Any) -> Filter:
        """Is a smaller number; for a time, less than that many days ago."""
        return self.where("$less_than", value)

    def more_than_equal(self, value: Any) -> Filter:
        """Is the number or a larger one."""
        return self.where("$more_than_equal", value)

    def less_than_equal(self, value: Any) -> Filter:
        """Is the number or a smaller one."""
        return self.where("$less_than_equal", value)

    def count(self, count: int) -> Filter:
        """Holds that many values."""
        return self.where("$count", count)


def field(name: str) -> Field:
    """Return a field to compare; see :class:`Field`."""
    return Field(name)


def _as_list(name: str, values: Iterable[Any]) -> Iterable[Any]:
    if isinstance(values, str):
        message = f"the filter compares '{name}' with text in place of a list"
        raise filter_error(message, "Give a list, even of one value.")
    # Sort sets: the same filter must produce the same request every time.
    return sorted(values, key=repr) if isinstance(values, set | frozenset) else values


# Checks against what a list or an export accepts

_ID_OPERATORS = frozenset({"$is", "$is_not", "$in", "$not_in"})
_ID_OR_EMPTY_OPERATORS = _ID_OPERATORS | {"$has_value", "$is_unknown"}

QUALIFICATION_FILTERS: AllowedOperators = {
    **dict.fromkeys(("category_id", "campaign_id", "resource_id", "voucher_type", "code"), _ID_OR_EMPTY_OPERATORS),
    **dict.fromkeys(("campaign_type", "resource_type", "holder_role"), _ID_OPERATORS),
}
"""Fields and operators that ``options.filters`` of ``POST /v1/qualifications`` accepts; for :func:`validate_filter`."""

_SHAPE_REMEDY = (
    "Write it as {'result': {'conditions': {'$is': 'SUCCESS'}}, 'junction': 'and'}, or with field('result').is_()."
)


def parse_filter(value: Filter | Mapping[str, Any] | None) -> Filter | None:
    """Return a :class:`Filter` from an argument: a filter already, or the API's nested mapping.

    :param value: a filter, or ``{"result": {"conditions": {"$is": "SUCCESS"}}, "junction": "and"}``
    :returns: ``None`` for an empty mapping
    :raises ConfigurationError: for any other shape
    """
    if value is None or isinstance(value, Filter):
        return value
    if not isinstance(value, Mapping):
        message = f"the filter is {type(value).__name__}"
        raise filter_error(message, _SHAPE_REMEDY)
    junction = value.get("junction")
    if junction is not None and str(junction).lower() not in {"and", "or"}:
        message = "the filter's 'junction' is neither 'and' nor 'or'"
        raise filter_error(message, _SHAPE_REMEDY)
    conditions: list[Condition] = []
    for name, inner in value.items():
        if name == "junction":
            continue
        by_operator = inner.get("conditions") if isinstance(inner, Mapping) and set(inner) == {"conditions"} else None
        if not isinstance(by_operator, Mapping) or not by_operator:
            message = f"the filter's '{name}' must hold 'conditions' and nothing else"
            raise filter_error(message, _SHAPE_REMEDY)
        for operator, operand in by_operator.items():
            is_list = isinstance(operand, list | tuple)
            (condition,) = field(name).where(operator, *(operand if is_list else (operand,))).conditions
            conditions.append(replace(condition, in_list=is_list))
    if not conditions:
        return None
    return Filter(tuple(conditions), str(junction or ("and" if len(conditions) > 1 else "")).lower())


def validate_filter(
    value: Filter | Mapping[str, Any] | None,
    *,
    target: str,
    allowed: AllowedOperators,
    allow_any_field: bool = False,
    list_name: str = "",
) -> Filter | None:
    """Parse a filter and check its fields and operators, and the values of fields with an enumeration.

    :param value: see :func:`parse_filter`
    :param target: the name of the filtered list, for the error
    :param allow_any_field: accept fields that ``allowed`` does not name, if the list's records have them
    :param list_name: the list whose fields and values are known, see
        :mod:`~airflow_provider_partners.api.voucherify.known_values`
    :raises ConfigurationError: with the rejected field or operator, and the allowed ones
    """
    parsed = parse_filter(value)
    for condition in parsed.conditions if parsed else ():
        operators = _allowed_operators(condition.field, allowed, allow_any_field=allow_any_field)
        if operators is not None and condition.operator not in operators:
            message = f"'{target}' can't be filtered by '{condition.field}'"
            if operators:
                message = f"'{target}' can't be filtered by '{condition.field}' with {condition.operator}"
            raise filter_error(message, _describe_allowed(allowed))
        if operators is None:
            check_field(list_name, condition.field)
        if condition.operator in _EQUALITY_OPERATORS:
            check_values(list_name, condition.field, condition.values)
    return parsed


_EQUALITY_OPERATORS = frozenset({"$is", "$is_not", "$in", "$not_in"})


def _allowed_operators(name: str, allowed: AllowedOperators, *, allow_any_field: bool) -> frozenset[str] | None:
    """Return the operators of a field: ``None`` for any, an empty set for a field that is not filterable."""
    prefix_key = next((key for key in allowed if key.endswith("*") and name.startswith(key[:-1])), name)
    key = name if name in allowed else prefix_key
    if key not in allowed:
        return None if allow_any_field else frozenset()
    operators = allowed[key]
    return None if operators is None else frozenset(resolve_operator(operator) for operator in operators)


def _describe_allowed(allowed: AllowedOperators) -> str:
    fields = "; ".join(f"{name} ({' '.join(sorted(ops)) if ops else 'any'})" for name, ops in allowed.items())
    return f"Allowed: {fields or 'no filter at all'}."


# Encodings: query parameters and JSON

_MULTI_VALUE_FIELDS = frozenset({"categories", "category_ids", "validity_day_of_week"})
"""Fields that hold several values per record. Split queries would return such a record more than once."""


def filter_queries(
    resource: VoucherifyResource, filters: Filter | Mapping[str, Any] | None
) -> list[list[tuple[str, str]]]:
    """Encode a list's filter as query parameters; several queries when an ``$in`` exceeds one query's capacity.

    The queries partition the result: each record matches exactly one of them. The exception is a ``metadata`` field
    with several values, where a record can match more than one.

    :param filters: see :func:`parse_filter`
    :raises ConfigurationError: for what the list does not accept, or what no set of queries can express
    """
    parsed = validate_filter(
        filters,
        target=resource.name,
        allowed=resource.filters,
        allow_any_field=resource.allows_any_filter,
        list_name=resource.name,
    )
    if parsed is None:
        return [[]]
    junction = [("filters[junction]", parsed.junction)] if len(parsed.conditions) > 1 else []
    alternatives = [_condition_params(parsed, condition) for condition in parsed.conditions]
    return [[pair for part in chosen for pair in part] + junction for chosen in product(*alternatives)]


def to_json(filters: Filter | Mapping[str, Any] | None) -> dict[str, Any]:
    """Encode a filter as JSON, as bodies of exports and qualifications hold it; operands are always lists.

    :param filters: see :func:`parse_filter`
    """
    parsed = parse_filter(filters)
    body: dict[str, Any] = {}
    for condition in parsed.conditions if parsed else ():
        no_operand = {} if OPERATORS[condition.operator] is OperandKind.STATE else ""
        inner = body.setdefault(condition.field, {"conditions": {}})
        inner["conditions"][condition.operator] = list(condition.values) or no_operand
    return {**({"junction": parsed.junction} if parsed and len(parsed.conditions) > 1 else {}), **body}


def _condition_params(parsed: Filter, condition: Condition) -> list[list[tuple[str, str]]]:
    """Return the parameters of one condition; several lists when one query cannot carry all of its values."""
    name = f"filters[{condition.field}][conditions][{condition.operator}]"
    is_list = OPERATORS[condition.operator] is OperandKind.LIST
    texts = list(dict.fromkeys(format_value(value) for value in condition.values)) if is_list else condition.values
    # The page documents both forms for times, and for other values the one without an index: the server's validation
    # treats a list of one as another type.
    has_index = condition.in_list and OPERATORS[condition.operator] is OperandKind.TIME
    if not is_list and not has_index and len(texts) <= 1:
        return [[(name, format_value(texts[0]) if texts else "")]]
    batches = list(
        id_batches(map(str, texts), size=MAX_VALUES_PER_CONDITION, encode=lambda text: f"{name}[00]={text}&")
    )
    if len(batches) > 1 and (reason := _reason_not_splittable(parsed, condition)):
        message = f"'{condition.field} {condition.operator}' has {len(texts)} values, more than one query can carry"
        raise filter_error(message, f"Give at most {MAX_VALUES_PER_CONDITION}: {reason}.")
    return [[(f"{name}[{index}]", value) for index, value in enumerate(batch)] for batch in batches]


def _reason_not_splittable(parsed: Filter, condition: Condition) -> str:
    """Return why a condition cannot be split over several queries; empty when it can."""
    if condition.operator != "$in":
        return "only $in can be split over several queries"
    if parsed.junction == "or" and len(parsed.conditions) > 1:
        return "with 'or', queries that share the other conditions would return their records more than once"
    if condition.field in _MULTI_VALUE_FIELDS:
        return "a record holds several values of this field, and would be returned more than once"
    return ""
