"""Yofi's lists as a table: paths, types, fields, relations and filters.

Source: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api. Of the paths only that of the
claims is published. The others follow its pattern, and ``paths`` of the connection overrides them. Only a part of the
fields is known. All known ones are requested, because servers differ in what they return by default; others may be
named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.rsql.expressions import OPERATORS
from airflow_provider_partners.api.yofi.jsonapi import TOTAL_PATHS, Relation
from airflow_provider_partners.arguments import check_mapping, suggest
from airflow_provider_partners.exceptions import ConfigurationError

_DOCS_URL = "https://docs.yofi.ai/yofi-on-shopify/partner-service-integration/partner-data-api"

_PREDICTION_FIELDS = (
    "severity",
    "predicted_value",
    "model_name",
    "prediction_category",
    "justification",
    "prediction_title",
    "is_result_prediction",
    "customer_id",
    "entity_id",
)

FIELDS: Mapping[str, tuple[str, ...]] = {
    "Claim": ("id", "customer_id", "claim_items", "created_at_epoch"),
    "EcommerceCustomer": (
        "entity_id",
        "customer_id",
        "app_id",
        "organization_id",
        "first_name",
        "last_name",
        "email",
        "model_predictions",
    ),
    "EcommerceCustomerPrediction": _PREDICTION_FIELDS,
    "EcommerceUnifiedReturn": (
        "entity_id",
        "app_id",
        "order_id",
        "order_number",
        "order_name",
        "customer_id",
        "state",
        "order_created_at_epoch",
        "return_created_at_epoch",
        "meta_data",
        "return_total",
        "customer_first_name",
        "customer_last_name",
    ),
    "EcommerceOrder": ("id", "name", "model_predictions"),
    "NotificationEvent": ("id", "notify_template_id", "created_at"),
}
"""The known fields, by type. Types that are missing here take no ``fields`` parameter as far as is known."""

_CUSTOMERS_FIELDS = {
    "EcommerceCustomer": frozenset({"entity_id", "customer_id", "app_id", "organization_id"}),
    "EcommerceCustomerPrediction": frozenset(_PREDICTION_FIELDS),
}

LISTED_FIELDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "claims": {"Claim": frozenset({"id", "customer_id", "claim_items"})},
    "customers": _CUSTOMERS_FIELDS,
    "customer": _CUSTOMERS_FIELDS,
    "returns": {
        # ``order_number`` is among the filters alone.
        "EcommerceUnifiedReturn": frozenset(FIELDS["EcommerceUnifiedReturn"]) - {"order_number"},
        "EcommerceOrder": frozenset(FIELDS["EcommerceOrder"]),
        "EcommerceCustomer": frozenset({"customer_id", "first_name", "last_name", "model_predictions", "email"}),
    },
    "notification_events": {"NotificationEvent": frozenset(FIELDS["NotificationEvent"])},
}
"""The fields that the page lists for each operation, by type. Its other fields come from other operations."""

PREDICTION_FILTERS: Mapping[str, frozenset[str]] = {"prediction_category": OPERATORS, "predicted_value": OPERATORS}
"""The filters of returns' predictions. Yofi's page lists no operators for them, so none is refused."""

CUSTOMER = "customer"
"""The name, in ``paths``, of the operation that reads one customer."""

CUSTOMER_PATH = "/ecommerce/customers/{customer_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class YofiResource(Resource):
    """One list of Yofi.

    :param relations: the relations that ``include`` may name
    :param time_format: how ``time_field`` is written: ``epoch`` (seconds) or ``iso``
    :param sort_fields: for lists without a time filter: sort fields in order of preference, each with the extra
        lookback to read before ``since``
    :param date_field: for the same lists, the field (epoch seconds) that a time range limits
    :param takes_prediction_filter: True if the list takes a filter of predictions
    :param prediction_filters: for lists of predictions, the fields and operators of their filter
    :param parent_list: for lists of predictions, the list whose relation they are
    :param relation: that relation
    :param parent_fields: for lists of predictions, fields that come from the parent, with the parent's field
    :param no_time_filter_hint: for lists without a time filter, what to use instead
    :param filter_hint: added to the error of a filter that is not allowed
    :param sample_filters: filters that the page shows in a sample, but doesn't list: sent with a warning
    """

    relations: Mapping[str, Relation] = field(default_factory=dict)
    time_format: str = ""
    sort_fields: Mapping[str, timedelta] = field(default_factory=dict)
    date_field: str = ""
    takes_prediction_filter: bool = False
    prediction_filters: Mapping[str, frozenset[str]] = field(default_factory=dict)
    parent_list: str = ""
    relation: str = ""
    parent_fields: Mapping[str, str] = field(default_factory=dict)
    no_time_filter_hint: str = ""
    filter_hint: str = ""
    sample_filters: Mapping[str, frozenset[str]] = field(default_factory=dict)


_PAGING = PageNumberPaginator(size=100, total_paths=TOTAL_PATHS, next_link_path="links.next")

_LIST_RESOURCES = (
    YofiResource(
        name="claims",
        path="/ecommerce/claims/",
        records_path="data",
        paginator=_PAGING,
        type="Claim",
        time_field="created_at_epoch",
        time_format="epoch",
        filters={"created_at_epoch": OPERATORS},
        sort="created_at_epoch",
        doc="Claims of customers, by creation time.",
        url=_DOCS_URL,
    ),
    YofiResource(
        name="customers",
        path="/ecommerce/customers/",
        records_path="data",
        paginator=_PAGING,
        type="EcommerceCustomer",
        filters={"customer_id": frozenset({"==", "!="})},
        filter_hint="Yofi's page also shows email=='…' in a sample, without listing it among the filters of customers.",
        sample_filters={"email": frozenset({"=="})},
        relations={
            "customer_predictions": Relation(
                type="EcommerceCustomerPrediction", many=True, key="customer_id", related_key="customer_id"
            )
        },
        no_time_filter_hint=(
            "Give match={'customer_id': ids} for the customers of known orders, or leave 'since' and 'until' out."
        ),
        doc="Customers and their predictions; no time filter, no sort order.",
        url=_DOCS_URL,
    ),
    YofiResource(
        name="returns",
        path="/ecommerce/unified-returns/",
        records_path="data",
        paginator=_PAGING,
        type="EcommerceUnifiedReturn",
        filters=dict.fromkeys(
            (
                "order_id",
                "customer_id",
                "order_number",
                "order_name",
                "state",
                "customer_first_name",
                "customer_last_name",
            ),
            OPERATORS,
        ),
        takes_prediction_filter=True,
        relations={
            "customer": Relation(type="EcommerceCustomer", key="customer_id", related_key="customer_id"),
            "order": Relation(type="EcommerceOrder", key="order_id", related_key="id"),
            "return_predictions": Relation(type="EcommerceUnifiedReturnPrediction", many=True),
            # Yofi's page names neither the types of these two, nor whether there may be several.
            "return_analytics": Relation(type=""),
            "app": Relation(type=""),
        },
        # Yofi's page lists no time filter. Its sample sorts by the order's date, which doesn't limit the return's date:
        # an old order may be returned today, as long as the merchant takes returns.
        sort_fields={"return_created_at_epoch": timedelta(days=1), "order_created_at_epoch": timedelta(days=180)},
        date_field="return_created_at_epoch",
        sort="order_created_at_epoch",
        doc="Returns with order, customer and predictions; a time range is read by a newest-first walk.",
        url=_DOCS_URL,
    ),
    YofiResource(
        name="notification_events",
        path="/ecommerce/notification-events/",
        records_path="data",
        paginator=_PAGING,
        type="NotificationEvent",
        time_field="created_at",
        time_format="iso",
        filters={"created_at": OPERATORS},
        sort="created_at",
        doc="Notifications that were sent, by creation time.",
        url=_DOCS_URL,
    ),
)

_LISTS_BY_NAME = {resource.name: resource for resource in _LIST_RESOURCES}

_PREDICTION_RESOURCES = (
    replace(
        _LISTS_BY_NAME["returns"],
        name="return_predictions",
        parent_list="returns",
        relation="return_predictions",
        relations={"return_predictions": _LISTS_BY_NAME["returns"].relations["return_predictions"]},
        key=("return_id", "id"),
        parent_fields={
            "return_id": "id",
            "return_state": "state",
            "customer_id": "customer_id",
            **{
                name: name
                for name in (
                    "order_id",
                    "order_name",
                    "order_number",
                    "app_id",
                    "order_created_at_epoch",
                    "return_created_at_epoch",
                )
            },
        },
        prediction_filters=PREDICTION_FILTERS,
        doc="The predictions of returns, one record each, with the ids of return, order and customer.",
    ),
    replace(
        _LISTS_BY_NAME["customers"],
        name="customer_predictions",
        parent_list="customers",
        relation="customer_predictions",
        key=("customer_entity_id", "id"),
        parent_fields={"customer_entity_id": "id", "customer_id": "customer_id", "app_id": "app_id"},
        prediction_filters=dict.fromkeys(_PREDICTION_FIELDS, OPERATORS),
        doc="The predictions of customers, one record each, with the customer's ids.",
    ),
)

RESOURCES: Mapping[str, YofiResource] = {
    resource.name: resource for resource in (*_LIST_RESOURCES, *_PREDICTION_RESOURCES)
}
"""The lists by name. Their sort order is ascending, so a new record doesn't shift others to another page."""


def resolve_paths(overrides: Mapping[str, str]) -> dict[str, str]:
    """Return the path of every operation.

    :param overrides: paths that differ from the built-in ones
    :raises ConfigurationError: for an unknown operation, or an invalid path
    """
    check_mapping("paths", overrides)
    paths = {**{resource.name: resource.path for resource in _LIST_RESOURCES}, CUSTOMER: CUSTOMER_PATH}
    for name, path in overrides.items():
        problem = ""
        if name not in paths:
            problem = f"'paths' names '{name}', which is no list{suggest(name, paths)}"
        elif not isinstance(path, str) or not path.startswith("/"):
            problem = f"the path of '{name}' doesn't start with a slash"
        elif name == CUSTOMER and "{customer_id}" not in path:
            problem = f"the path of '{CUSTOMER}' has no {{customer_id}} in it"
        if problem:
            remedy = f'Known: {", ".join(paths)}; such as {{"returns": "/ecommerce/returns/"}}.'
            raise ConfigurationError(problem, remedy=remedy, partner="Yofi")
        paths[name] = path
    return paths
