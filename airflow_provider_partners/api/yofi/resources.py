"""Yofi's lists as a table: paths, types, fields, relations, and what each can be filtered by.

From Yofi's Partner Data page. Of the paths that of the claims alone is published; the others follow its pattern and
can be overridden. Fields are known in part: all known ones are asked for (servers differ in what they give unasked),
others may be named. Must not know HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.rsql.expressions import OPERATORS
from airflow_provider_partners.api.yofi.jsonapi import TOTAL_PATHS, Relation
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
"""The fields that are known, by type. Types that are missing here take no ``fields`` parameter as far as is known."""

PREDICTION_FILTERS: Mapping[str, frozenset[str]] = {"prediction_category": OPERATORS, "predicted_value": OPERATORS}
"""What returns' predictions are filtered by; the page lists no operators for them, so none is refused."""

CUSTOMER = "customer"
"""The name, in ``paths``, of the operation that reads one customer."""

CUSTOMER_PATH = "/ecommerce/customers/{customer_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class YofiResource(Resource):
    """A list of Yofi.

    :param relations: what ``include`` may name
    :param time_format: how ``time_field`` is written: ``epoch`` (seconds) or ``iso``
    :param sort_fields: without a time filter, the fields it may be sorted by, newest first, the best first; each with how far
        behind the beginning of a window the walk goes on
    :param date_field: the field (epoch seconds) that such a window bounds
    :param takes_prediction_filter: whether it takes the second filter
    :param prediction_filters: what predictions can be filtered by here, where a row is a prediction
    :param parent_list: the list whose relation it is made of
    :param relation: that relation
    :param parent_fields: a row's further fields, each with the field of the other list it comes from
    :param no_time_filter_hint: how to come by its rows of a stretch of time, where it can't be asked by time
    :param filter_hint: added to the error of a filter that is not allowed
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
        doc="Claims that customers made, by the time they were made.",
        url=_DOCS_URL,
    ),
    YofiResource(
        name="customers",
        path="/ecommerce/customers/",
        records_path="data",
        paginator=_PAGING,
        type="EcommerceCustomer",
        filters={"customer_id": frozenset({"==", "!="})},
        filter_hint="Yofi's page shows a filter by email, but doesn't list it among those that customers take.",
        relations={
            "customer_predictions": Relation(
                type="EcommerceCustomerPrediction", many=True, key="customer_id", related_key="customer_id"
            )
        },
        no_time_filter_hint="Give match={'customer_id': ids} for those of known orders, or leave the window out for all of them.",
        doc="Customers and what is predicted of them; no time filter, no order.",
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
            # The page doesn't name the types of these two, nor whether there may be several.
            "return_analytics": Relation(type=""),
            "app": Relation(type=""),
        },
        # The page lists no filter by time. Its sample sorts by the order's date, which doesn't bound the return's: an
        # old order is returned today, as long as the merchant takes returns.
        sort_fields={"return_created_at_epoch": timedelta(days=1), "order_created_at_epoch": timedelta(days=180)},
        date_field="return_created_at_epoch",
        sort="order_created_at_epoch",
        doc="Returns with order, customer and predictions; a window is cut out of a walk, newest first.",
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
        doc="Notifications that were sent, by the time they were made.",
        url=_DOCS_URL,
    ),
)

_LISTS_BY_NAME = {row.name: row for row in _LIST_RESOURCES}

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
        doc="The predictions of returns, one row each, with the ids of return, order and customer.",
    ),
    replace(
        _LISTS_BY_NAME["customers"],
        name="customer_predictions",
        parent_list="customers",
        relation="customer_predictions",
        key=("customer_entity_id", "id"),
        parent_fields={"customer_entity_id": "id", "customer_id": "customer_id", "app_id": "app_id"},
        prediction_filters=dict.fromkeys(_PREDICTION_FIELDS, OPERATORS),
        doc="The predictions of customers, one row each, with the customer's ids.",
    ),
)

RESOURCES: Mapping[str, YofiResource] = {row.name: row for row in (*_LIST_RESOURCES, *_PREDICTION_RESOURCES)}
"""By name. The order is ascending, so that rows which arrive during a walk don't push others over a page's edge."""


def resolve_paths(overrides: Mapping[str, str]) -> dict[str, str]:
    """The path of every operation.

    :param overrides: those that differ from the built-in ones
    :raises ConfigurationError: for the name of no operation, or what is no path
    """
    paths = {**{row.name: row.path for row in _LIST_RESOURCES}, CUSTOMER: CUSTOMER_PATH}
    for name, path in overrides.items():
        problem = None
        if name not in paths:
            problem = f"'paths' names '{name}', which is no list"
        elif not isinstance(path, str) or not path.startswith("/"):
            problem = f"the path of '{name}' doesn't begin with a slash"
        elif name == CUSTOMER and "{customer_id}" not in path:
            problem = f"the path of '{CUSTOMER}' has no {{customer_id}} in it"
        if problem:
            remedy = f'Known: {", ".join(paths)}; such as {{"returns": "/ecommerce/returns/"}}.'
            raise ConfigurationError(problem, remedy=remedy, partner="Yofi")
        paths[name] = path
    return paths
