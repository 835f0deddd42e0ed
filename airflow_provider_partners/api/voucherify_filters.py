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
from airflow_provider_partners.api.voucherify_operators import OPERATORS, Takes, operator, refused, written
from airflow_provider_partners.api.voucherify_resources import MOST_VALUES

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify_resources import VoucherifyResource

__all__ = [
    "QUALIFICATION_FILTERS",
    "Condition",
    "Field",
    "Filter",
    "any_of",
    "as_filter",
    "checked",
    "field",
    "queries",
    "to_json",
]

Allowed = Mapping[str, frozenset[str] | None]
"""Field to its operators, ``None`` for any; a field such as ``metadata.*`` stands for all that begin like it."""

_MANY_PER_ROW = frozenset({"categories", "category_ids", "validity_day_of_week"})
"""Fields of a row that hold several values: split over queries, such a row would come more than once."""

_IDS = frozenset({"$is", "$is_not", "$in", "$not_in"})
_ANY = _IDS | {"$has_value", "$is_unknown"}

QUALIFICATION_FILTERS: Allowed = {
    **dict.fromkeys(("category_id", "campaign_id", "resource_id", "voucher_type", "code"), _ANY),
    **dict.fromkeys(("campaign_type", "resource_type", "holder_role"), _IDS),
}
"""What ``options.filters`` of ``POST /v1/qualifications`` takes."""


def as_filter(given: Filter | Mapping[str, Any] | None) -> Filter | None:
    """A filter as arguments give it: built already, or nested as the API has it.

    :param given: a filter, or ``{"result": {"conditions": {"$is": "SUCCESS"}}, "junction": "and"}``
    :returns: nothing for an empty one
    :raises ConfigurationError: when it has another shape
    """
    if given is None or isinstance(given, Filter):
        return given
    if not isinstance(given, Mapping):
        message = f"the filter is {type(given).__name__}"
        raise refused(message, _SHAPE)
    junction = given.get("junction")
    if junction is not None and str(junction).lower() not in {"and", "or"}:
        message = "the filter's 'junction' is neither 'and' nor 'or'"
        raise refused(message, _SHAPE)
    found: list[Condition] = []
    for name, inner in given.items():
        if name == "junction":
            continue
        asked = inner.get("conditions") if isinstance(inner, Mapping) and set(inner) == {"conditions"} else None
        if not isinstance(asked, Mapping) or not asked:
            message = f"the filter's '{name}' has no 'conditions', or more than them"
            raise refused(message, _SHAPE)
        for key, value in asked.items():
            listed = tuple(value) if isinstance(value, list | tuple) else (value,)
            found += field(name).where(key, *listed).conditions
    if not found:
        return None
    return Filter(tuple(found), str(junction or ("and" if len(found) > 1 else "")).lower())


_SHAPE = "Write it as {'result': {'conditions': {'$is': 'SUCCESS'}}, 'junction': 'and'}, or with field('result').is_()."


def checked(
    given: Filter | Mapping[str, Any] | None, *, what: str, allowed: Allowed, free: bool = False
) -> Filter | None:
    """A filter that something can be filtered by.

    :param given: see :func:`as_filter`
    :param what: its name, for the error
    :param allowed: field to operators
    :param free: whether it takes other fields too
    :raises ConfigurationError: naming the field or operator, and listing those that are allowed
    """
    asked = as_filter(given)
    for condition in asked.conditions if asked else ():
        operators = _operators(condition.field, allowed, free=free)
        if operators is not None and condition.operator not in operators:
            message = f"'{what}' can't be filtered by '{condition.field}'"
            if operators:
                message = f"'{what}' can't be filtered by '{condition.field}' with {condition.operator}"
            raise refused(message, _listing(allowed))
    return asked


def queries(resource: VoucherifyResource, filters: Filter | Mapping[str, Any] | None) -> list[list[tuple[str, str]]]:
    """A list's filter as query parameters; several queries where an ``$in`` has more values than one can carry.

    Each row that the filter lets through comes with exactly one of them, as long as the field that is split holds
    one value per row; of all fields only ``metadata`` may hold several, and then a row may come more than once.

    :param resource: the list
    :param filters: see :func:`as_filter`
    :raises ConfigurationError: for what the list can't be filtered by, or what no queries can say
    """
    asked = checked(filters, what=resource.name, allowed=resource.filters, free=resource.free_filters)
    if asked is None:
        return [[]]
    junction = [("filters[junction]", asked.junction)] if len(asked.conditions) > 1 else []
    parts = [_batches(asked, condition) for condition in asked.conditions]
    return [[pair for part in chosen for pair in part] + junction for chosen in product(*parts)]


def to_json(filters: Filter | Mapping[str, Any] | None) -> dict[str, Any]:
    """A filter as JSON: what exports and qualifications have in their body, values always in lists.

    :param filters: see :func:`as_filter`
    """
    asked = as_filter(filters)
    body: dict[str, Any] = {}
    for condition in asked.conditions if asked else ():
        empty = {} if OPERATORS[condition.operator] is Takes.STATE else ""
        inner = body.setdefault(condition.field, {"conditions": {}})
        inner["conditions"][condition.operator] = list(condition.values) or empty
    return {**({"junction": asked.junction} if asked and len(asked.conditions) > 1 else {}), **body}


def _batches(asked: Filter, condition: Condition) -> list[list[tuple[str, str]]]:
    """One condition's parameters, in several parts when one query can't carry its values."""
    name = f"filters[{condition.field}][conditions][{condition.operator}]"
    listed = OPERATORS[condition.operator] is Takes.LIST
    texts = list(dict.fromkeys(written(value) for value in condition.values)) if listed else condition.values
    if not listed and len(texts) <= 1:
        # Never with an index: a single value in a list is another type to the server's checks.
        return [[(name, written(texts[0]) if texts else "")]]
    batches = list(id_batches(map(str, texts), size=MOST_VALUES, written=lambda text: f"{name}[00]={text}&"))
    if len(batches) > 1 and (why := _whole(asked, condition)):
        message = f"'{condition.field} {condition.operator}' has {len(texts)} values, more than one query can carry"
        raise refused(message, f"Give at most {MOST_VALUES}: {why}.")
    return [[(f"{name}[{index}]", value) for index, value in enumerate(batch)] for batch in batches]


def _whole(asked: Filter, condition: Condition) -> str:
    """Why a condition can't be spread over queries; empty when it can."""
    if condition.operator != "$in":
        return "only $in can be spread over several queries"
    if asked.junction == "or" and len(asked.conditions) > 1:
        return "with 'or', queries that share the other conditions would give their rows more than once"
    if condition.field in _MANY_PER_ROW:
        return "a row has several values of this field, and would come more than once"
    return ""


def _operators(name: str, allowed: Allowed, *, free: bool) -> frozenset[str] | None:
    """The operators that a field takes; ``None`` for any, empty when it can't be filtered by."""
    starred = next((key for key in allowed if key.endswith("*") and name.startswith(key[:-1])), name)
    key = name if name in allowed else starred
    if key not in allowed:
        return None if free else frozenset()
    operators = allowed[key]
    return None if operators is None else frozenset(operator(one) for one in operators)


def _listing(allowed: Allowed) -> str:
    listed = "; ".join(f"{name} ({' '.join(sorted(ops)) if ops else 'any'})" for name, ops in allowed.items())
    return f"Allowed: {listed or 'no filter at all'}."
