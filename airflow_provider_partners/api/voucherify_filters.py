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
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.identifiers import id_batches
from airflow_provider_partners.api.voucherify_conditions import Condition, Field, Filter, any_of, field
from airflow_provider_partners.api.voucherify_operators import (
    OPERATORS,
    OperandKind,
    filter_error,
    format_value,
    resolve_operator,
)
from airflow_provider_partners.api.voucherify_resources import MAX_VALUES_PER_CONDITION

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify_resources import VoucherifyResource

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
