"""The lists of a Yotpo store as a table: paths, keys and filters; and how Yotpo writes ids.

Source: the pages of the Core API v3 below https://core-api.yotpo.com/reference, one per list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.pagination.strategies import TokenPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

EXTERNAL_IDS_PARAM = "external_ids"
"""The query parameter that filters orders and products by the merchant's ids."""

MAX_LOOKUP_IDS = 100
"""Most ids of one lookup. Yotpo's pages hold at most 100 records, so one page holds the answer."""

_DOCS_URL = "https://core-api.yotpo.com/reference"
_EQUALITY = frozenset({"=="})


@dataclass(frozen=True, slots=True, kw_only=True)
class YotpoResource(Resource):
    """One list of a Yotpo store.

    :param envelope: the JSON key around one record, such as ``order``
    """

    envelope: str = ""


_RESOURCES = (
    YotpoResource(
        name="orders",
        path="/orders",
        records_path="orders",
        envelope="order",
        paginator=TokenPaginator(size=100),
        key=("yotpo_id",),
        time_field="order_date",
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
