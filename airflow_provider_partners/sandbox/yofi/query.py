"""The operations of Yofi's API, and the query parameters that each one accepts.

The tables copy the Partner Data page: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.sandbox.yofi.errors import ApiError
from airflow_provider_partners.sandbox.yofi.rsql import Predicate, RsqlError, Selector, predicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_PREDICTION_FIELDS = frozenset({
    "severity",
    "predicted_value",
    "model_name",
    "prediction_category",
    "justification",
    "prediction_title",
    "is_result_prediction",
    "customer_id",
    "entity_id",
})
#: Every field that the page names, by type. Every type also has "id".
FIELDS: dict[str, frozenset[str]] = {
    "Claim": frozenset({"customer_id", "claim_items", "created_at_epoch"}),
    "EcommerceCustomer": frozenset({
        "entity_id",
        "customer_id",
        "app_id",
        "organization_id",
        "first_name",
        "last_name",
        "email",
        "model_predictions",
    }),
    "EcommerceCustomerPrediction": _PREDICTION_FIELDS,
    "EcommerceUnifiedReturn": frozenset({
        "entity_id",
        "app_id",
        "order_id",
        "order_number",
        "customer_id",
        "state",
        "order_name",
        "order_created_at_epoch",
        "return_created_at_epoch",
        "meta_data",
        "return_total",
        "customer_first_name",
        "customer_last_name",
    }),
    "EcommerceOrder": frozenset({"name", "model_predictions"}),
    "NotificationEvent": frozenset({"notify_template_id", "created_at"}),
}
#: Fields that come without `fields`, if `fields` means "additional fields". Yofi does not publish which ones these are.
DEFAULT_FIELDS: dict[str, frozenset[str]] = {
    "Claim": frozenset({"id", "customer_id", "created_at_epoch"}),
    "EcommerceCustomer": frozenset({"entity_id", "customer_id"}),
    "EcommerceCustomerPrediction": frozenset({"entity_id", "customer_id", "prediction_category"}),
    "EcommerceUnifiedReturn": frozenset({"entity_id", "order_id", "customer_id", "state"}),
    "EcommerceOrder": frozenset({"id", "name"}),
    "NotificationEvent": frozenset({"id", "created_at"}),
}
#: The fields that the page lists at each operation, by kind of its documents and by type.
OPERATION_FIELDS: dict[str, dict[str, frozenset[str]]] = {
    "claim": {"Claim": frozenset({"id", "customer_id", "claim_items"})},
    "customer": {
        "EcommerceCustomer": frozenset({"entity_id", "customer_id", "app_id", "organization_id"}),
        "EcommerceCustomerPrediction": _PREDICTION_FIELDS,
    },
    "return": {
        "EcommerceUnifiedReturn": FIELDS["EcommerceUnifiedReturn"] - {"order_number"},
        "EcommerceOrder": frozenset({"id", "name", "model_predictions"}),
        "EcommerceCustomer": frozenset({"customer_id", "first_name", "last_name", "model_predictions", "email"}),
    },
    "notification_event": {"NotificationEvent": frozenset({"id", "notify_template_id", "created_at"})},
}
_TEXT = Selector("text")
PREDICTION_SELECTORS = {"prediction_category": _TEXT, "predicted_value": Selector("number")}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the API.

    :param name: the name in switches and in call counts
    :param kind: kind of the documents in the store
    :param types: types with selectable ``fields``
    :param relations: relations that ``include`` may name
    :param selectors: selectors of ``filter``; ``None`` without that parameter
    :param prediction_filter: has a second filter, on the included return predictions
    :param sortable: fields that ``sort`` may name
    :param listed: returns pages; otherwise one record by its id
    """

    name: str
    kind: str
    types: Sequence[str]
    relations: frozenset[str] = frozenset()
    selectors: Mapping[str, Selector] | None = None
    prediction_filter: bool = False
    sortable: frozenset[str] = frozenset()
    listed: bool = True


_CUSTOMER_TYPES = ("EcommerceCustomer", "EcommerceCustomerPrediction")
OPERATIONS = (
    Operation(
        name="claims.list",
        kind="claim",
        types=("Claim",),
        selectors={"created_at_epoch": Selector("whole number")},
        sortable=frozenset({"created_at_epoch"}),
    ),
    Operation(
        name="customers.list",
        kind="customer",
        types=_CUSTOMER_TYPES,
        relations=frozenset({"customer_predictions"}),
        # The page's example filters by email, but its list of selectors has no email.
        selectors={"customer_id": Selector("text", frozenset({"==", "!="}))},
    ),
    Operation(
        name="customers.get",
        kind="customer",
        types=_CUSTOMER_TYPES,
        relations=frozenset({"customer_predictions"}),
        listed=False,
    ),
    Operation(
        name="returns.list",
        kind="return",
        types=("EcommerceUnifiedReturn", "EcommerceOrder", "EcommerceCustomer"),
        relations=frozenset({"customer", "order", "return_predictions", "return_analytics", "app"}),
        selectors={
            "order_id": _TEXT,
            "customer_id": _TEXT,
            "order_number": Selector("whole number"),
            "order_name": _TEXT,
            "state": _TEXT,
            "customer_first_name": _TEXT,
            "customer_last_name": _TEXT,
        },
        prediction_filter=True,
        sortable=frozenset({"order_created_at_epoch"}),
    ),
    Operation(
        name="notification_events.list",
        kind="notification_event",
        types=("NotificationEvent",),
        selectors={"created_at": Selector("ISO 8601 time")},
        sortable=frozenset({"created_at"}),
    ),
)


@dataclass(kw_only=True)
class Query:
    """The checked query parameters of one request.

    :param sort: pairs of field and "is descending"
    :param matches: test of ``filter``
    :param matches_prediction: test of the second filter
    """

    fields: dict[str, frozenset[str]] = field(default_factory=dict)
    include: tuple[str, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    matches: Predicate | None = None
    matches_prediction: Predicate | None = None
    size: int = 10
    number: int = 1


def read_query(operation: Operation, params: Iterable[tuple[str, str]], switches: Mapping[str, Any]) -> Query:
    """Read and check query parameters.

    :param params: decoded names and values
    :raises ApiError: 400 for a parameter or a value that the operation does not accept
    """
    query = Query()
    names: set[str] = set()
    for name, value in params:
        if name in names:
            raise ApiError(400, f"{name} is given twice", parameter=name)
        names.add(name)
        if (
            not _read_parameter(operation, query, name, value, switches)
            and switches["yofi.unknown_parameter"] != "ignore"
        ):
            raise ApiError(400, f"Unknown parameter {name}", parameter=name)
    return query


def _read_parameter(operation: Operation, query: Query, name: str, value: str, switches: Mapping[str, Any]) -> bool:
    """Read one parameter into the query; return ``False`` if the operation has no such parameter."""
    if (typed := re.fullmatch(r"fields\[(\w+)\]", name)) and typed[1] in operation.types:
        listed = OPERATION_FIELDS[operation.kind].get(typed[1]) if switches["yofi.fields_of"] == "operation" else None
        query.fields[typed[1]] = _names(name, value, FIELDS[typed[1]] | {"id"} if listed is None else listed)
    elif name == "include" and operation.relations:
        query.include = tuple(sorted(_names(name, value, operation.relations)))
    elif name == "sort" and operation.sortable:
        query.sort = _sort(value, operation.sortable | set(switches["yofi.sortable"].get(operation.name, ())))
    elif name == "filter" and operation.selectors is not None:
        value = _limit_alternatives(
            name, value, switches["yofi.customers_or"] if operation.kind == "customer" else "accept"
        )
        query.matches = _predicate(name, value, operation.selectors)
    elif name == switches["yofi.prediction_filter"] and operation.prediction_filter:
        query.matches_prediction = _predicate(name, value, PREDICTION_SELECTORS)
    elif name == "page[size]" and operation.listed:
        query.size = _count(name, value, switches["yofi.page_size_max"])
    elif name == "page[number]" and operation.listed:
        query.number = _count(name, value, None)
    else:
        return False
    return True


def _names(parameter: str, value: str, allowed: frozenset[str]) -> frozenset[str]:
    names = [each.strip() for each in value.split(",")]
    for name in names:
        if name not in allowed:
            detail = f"{parameter}: {name!r} is unknown; known: {', '.join(sorted(allowed))}"
            raise ApiError(400, detail, parameter=parameter)
    return frozenset(names)


def _sort(value: str, sortable: frozenset[str]) -> tuple[tuple[str, bool], ...]:
    keys = [(each.strip().removeprefix("-"), each.strip().startswith("-")) for each in value.split(",")]
    _names("sort", ",".join(name for name, _ in keys), sortable)
    return tuple(keys)


def _limit_alternatives(parameter: str, value: str, alternatives: str) -> str:
    """Return the filter as a server reads it that may not support *or*.

    :param alternatives: ``accept``, ``refuse`` or ``first``
    """
    first, *others = value.split(",")
    if others and alternatives == "refuse":
        raise ApiError(400, f"{parameter}: alternatives are not supported", parameter=parameter)
    return first if alternatives == "first" else value


def _predicate(parameter: str, value: str, selectors: Mapping[str, Selector]) -> Predicate:
    try:
        return predicate(value, selectors)
    except RsqlError as error:
        raise ApiError(400, f"{parameter}: {error}", parameter=parameter) from None


def _count(parameter: str, value: str, maximum: int | None) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise ApiError(400, f"{parameter} must be a whole number from 1", parameter=parameter)
    if maximum is not None and int(value) > maximum:
        raise ApiError(400, f"{parameter} must be at most {maximum}", parameter=parameter)
    return int(value)
