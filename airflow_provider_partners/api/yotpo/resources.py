"""The lists of a Yotpo store as a table: paths, keys and filters; and how Yotpo writes ids.

Source: the pages of the Core API v3 below https://core-api.yotpo.com/reference, one per list. Reviews and unsubscribers
are lists of the older API at https://apidocs.yotpo.com/reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator, TokenPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

EXTERNAL_IDS_PARAM = "external_ids"
"""The query parameter that filters orders and products by the merchant's ids."""

UTOKEN = "utoken"
"""The query parameter of the token in Yotpo's older API, which doesn't take the header of the newer one."""

MAX_LOOKUP_IDS = 100
"""Most ids of one lookup. Yotpo's pages hold at most 100 records, so one page holds the answer."""

_DOCS_URL = "https://core-api.yotpo.com/reference"
_UGC_DOCS_URL = "https://apidocs.yotpo.com/reference"
_EQUALITY = frozenset({"=="})


@dataclass(frozen=True, slots=True, kw_only=True)
class YotpoResource(Resource):
    """One list of a Yotpo store.

    :param envelope: the JSON key around one record, such as ``order``; empty for lists that are only read
    :param time_params: the query parameters of a time range's ends, by the field that they filter. An end without a
        parameter is kept by this client alone
    :param token_param: the query parameter of the token, for lists of Yotpo's older API. Their path begins at the host
        and has the store's id as ``{app_key}``
    """

    envelope: str = ""
    time_params: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    token_param: str = ""


_RESOURCES = (
    YotpoResource(
        name="orders",
        path="/orders",
        records_path="orders",
        envelope="order",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        time_field="order_date",
        time_params={"order_date": ("order_date_min", "order_date_max")},
        filters={"external_id": _EQUALITY},
        max_page_size=100,
        doc="Orders by order date, with line items and fulfillments; by external ids.",
        url=f"{_DOCS_URL}/orders",
    ),
    YotpoResource(
        name="products",
        path="/products",
        records_path="products",
        envelope="product",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        filters={"external_id": _EQUALITY},
        max_page_size=100,
        doc="Products; by external ids.",
        url=f"{_DOCS_URL}/products",
    ),
    YotpoResource(
        name="customers",
        path="/customers",
        records_path="customers",
        envelope="customer",
        paginator=TokenPaginator(size=100),
        # Yotpo documents no id of a customer without an external id (a guest). Such records are all kept.
        key=("external_id",),
        max_page_size=100,
        doc="Customers; a new one appears within about a minute.",
        url=f"{_DOCS_URL}/customers",
    ),
    YotpoResource(
        name="fulfillments",
        path="/orders/{order_id}/fulfillments",
        records_path="fulfillments",
        envelope="fulfillment",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        parents=("order_id",),
        max_page_size=100,
        doc="Fulfillments of orders, by Yotpo's order ids.",
        url=f"{_DOCS_URL}/order-fulfillments",
    ),
    YotpoResource(
        name="variants",
        path="/products/{product_id}/variants",
        records_path="variants",
        envelope="variant",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        parents=("product_id",),
        max_page_size=100,
        doc="Variants of products, by Yotpo's product ids.",
        url=f"{_DOCS_URL}/products",
    ),
    # Paths, parameters and shapes: https://apidocs.yotpo.com/reference (retrieve all reviews, retrieve a list of
    # unsubscribers), and singer-io/tap-yotpo, which reads both until a page is empty.
    YotpoResource(
        name="reviews",
        path="/v1/apps/{app_key}/reviews",
        records_path="reviews",
        paginator=PageNumberPaginator(size=100, number_param="page", size_param="count", short_page_is_last=False),
        token_param=UTOKEN,
        time_field="updated_at",
        time_params={"updated_at": ("since_updated_at", ""), "created_at": ("since_date", "")},
        max_page_size=100,
        doc="Reviews of products and of the site, by their last change or by their creation; deleted ones as such.",
        url=f"{_UGC_DOCS_URL}/retrieve-all-reviews",
    ),
    YotpoResource(
        name="unsubscribers",
        path="/apps/{app_key}/unsubscribers",
        records_path="response.unsubscribers",
        paginator=PageNumberPaginator(size=1000, number_param="page", size_param="count", short_page_is_last=False),
        token_param=UTOKEN,
        page_size=1000,
        max_page_size=5000,
        doc="E-mail addresses that Yotpo sends nothing to.",
        url=f"{_UGC_DOCS_URL}/retrieve-a-list-of-unsubscribers",
    ),
)

RESOURCES: Mapping[str, YotpoResource] = {resource.name: resource for resource in _RESOURCES}
"""The lists by name."""


def with_yotpo_id(record: Record) -> Record:
    """Return the record with Yotpo's id under ``yotpo_id``.

    Yotpo returns the id of a fulfillment as ``id``, and that of any other record as ``yotpo_id``
    (https://core-api.yotpo.com/reference/order-fulfillments).
    """
    if record.get("yotpo_id") is None and record.get("id") is not None:
        return {**record, "yotpo_id": record["id"]}
    return record


def yotpo_id_of(record: Record) -> int:
    """Return Yotpo's id of a record.

    :raises UnexpectedResponseError: when the record has none
    """
    return parse_yotpo_id(with_yotpo_id(record).get("yotpo_id"))


def parse_yotpo_id(value: Any) -> int:
    """Return an id of Yotpo's as a whole number. It may need more than 32 bits.

    :raises UnexpectedResponseError: when it is anything else
    """
    try:
        return int(value)
    except (TypeError, ValueError):
        message = "Yotpo's id of a record is no whole number"
        raise UnexpectedResponseError(message, partner="Yotpo") from None
