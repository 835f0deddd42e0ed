"""The searchable fields of orders, products, fulfillments and inventory levels.

They follow the argument descriptions in the Admin API's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import gid_number
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filter, Filters, Predicate

Document = Mapping[str, Any]


def time(name: str) -> Filter:
    """Return a filter by a time."""
    return Filter(kind="time", values=lambda document: document.get(name))


def text(name: str) -> Filter:
    """Return a filter by a text."""
    return Filter(kind="text", values=lambda document: document.get(name))


def texts(values: Callable[[Document], list[Any]]) -> Filter:
    """Return a filter by several texts."""
    return Filter(kind="text", values=values)


def number(values: Callable[[Document], Any]) -> Filter:
    """Return a filter by a number."""
    return Filter(kind="number", values=values)


def choice(choices: Mapping[str, Predicate]) -> Filter:
    """Return a filter by a word.

    :param choices: the test of each word
    """
    return Filter(kind="choice", values=lambda _document: None, choices=choices)


def same(name: str, value: Any) -> Predicate:
    """Return the test whether a field has a value."""
    return lambda document: document.get(name) == value


def _money(name: str) -> Callable[[Document], Any]:
    return lambda document: ((document.get(name) or {}).get("shopMoney") or {}).get("amount")


def _any_order(_document: Document) -> bool:
    return True


_STATUS: dict[str, Predicate] = {
    "open": lambda order: not order.get("closedAt") and not order.get("cancelledAt"),
    "closed": lambda order: bool(order.get("closedAt")),
    "cancelled": lambda order: bool(order.get("cancelledAt")),
    "not_closed": lambda order: not order.get("closedAt"),
    "any": _any_order,
}
_FINANCIAL = (
    "paid", "pending", "authorized", "partially_paid", "partially_refunded", "refunded", "voided", "expired",
)  # fmt: skip
_FULFILLMENT = {
    "unshipped": "UNFULFILLED",
    "unfulfilled": "UNFULFILLED",
    "shipped": "FULFILLED",
    "fulfilled": "FULFILLED",
    "partial": "PARTIALLY_FULFILLED",
    "scheduled": "SCHEDULED",
    "on_hold": "ON_HOLD",
    "request_declined": "REQUEST_DECLINED",
}
_RETURNS = ("inspection_complete", "in_progress", "no_return", "returned", "return_failed", "return_requested")
_YES_NO = {"true": True, "false": False}


def customer_id(order: Document) -> Any:
    """Return the number of a document's customer."""
    number = gid_number(order.get("customer") or {})
    return number if isinstance(number, int) else None


def _order_words(order: Document) -> list[str | None]:
    customer = order.get("customer") or {}
    names = [customer.get(name) for name in ("firstName", "lastName", "displayName")]
    return [order.get("name"), order.get("email"), order.get("note"), *names, *(order.get("tags") or [])]


ORDERS = Filters(
    resource="orders",
    fields={
        "created_at": time("createdAt"),
        "updated_at": time("updatedAt"),
        "processed_at": time("processedAt"),
        "id": number(gid_number),
        "customer_id": number(customer_id),
        "current_total_price": number(_money("currentTotalPriceSet")),
        "name": text("name"),
        "email": text("email"),
        "po_number": text("poNumber"),
        "source_name": text("sourceName"),
        "source_identifier": text("sourceIdentifier"),
        "confirmation_number": text("confirmationNumber"),
        "tag": texts(lambda order: order.get("tags", [])),
        "gateway": texts(lambda order: order.get("paymentGatewayNames", [])),
        "discount_code": texts(lambda order: order.get("discountCodes", [])),
        "sku": texts(lambda order: [item.get("sku") for item in order.get("lineItems", [])]),
        "status": choice(_STATUS),
        "test": choice({word: same("test", value) for word, value in _YES_NO.items()}),
        "financial_status": choice(
            {"any": _any_order, **{word: same("displayFinancialStatus", word.upper()) for word in _FINANCIAL}}
        ),
        "fulfillment_status": choice({
            "any": _any_order,
            **{word: same("displayFulfillmentStatus", value) for word, value in _FULFILLMENT.items()},
        }),
        "return_status": choice({word: same("returnStatus", word.upper()) for word in _RETURNS}),
    },
    words=_order_words,
    unsupported=frozenset((
        "cart_token", "channel", "channel_id", "chargeback_status", "checkout_token", "credit_card_last4",
        "delivery_method", "earliest_fulfill_by", "fraud_protection_level", "fulfillment_location_id", "location_id",
        "payment_id", "payment_provider_id", "reference_location_id", "risk_level", "sales_channel",
        "subtotal_line_items_quantity", "tag_not", "total_weight",
    )),
)  # fmt: skip

PRODUCTS = Filters(
    resource="products",
    fields={
        "created_at": time("createdAt"),
        "updated_at": time("updatedAt"),
        "published_at": time("publishedAt"),
        "id": number(gid_number),
        "title": text("title"),
        "handle": text("handle"),
        "vendor": text("vendor"),
        "product_type": text("productType"),
        "tag": texts(lambda product: product.get("tags", [])),
        "sku": texts(lambda product: [variant.get("sku") for variant in product.get("variants", [])]),
        "status": choice({word: same("status", word.upper()) for word in ("active", "archived", "draft", "unlisted")}),
    },
    words=lambda product: [*(product.get(name) for name in ("title", "handle", "vendor")), *product.get("tags", [])],
    unsupported=frozenset((
        "barcode", "bundles", "category_id", "collection_id", "combined_listing_role", "delivery_profile_id",
        "error_feedback", "gift_card", "inventory_total", "is_price_reduced", "out_of_stock_somewhere", "price",
        "publishable_status", "published_status", "sku_not", "tag_not", "variant_id", "variant_title",
    )),
)  # fmt: skip

INVENTORY_LEVELS = Filters(
    resource="inventoryLevels",
    fields={
        "created_at": time("createdAt"),
        "updated_at": time("updatedAt"),
        "id": number(gid_number),
        "inventory_item_id": number(lambda level: gid_number(level["item"])),
    },
    words=lambda level: [level["item"]["sku"]],
    unsupported=frozenset(("inventory_group_id",)),
)

#: ``Order.fulfillments(query:)`` supports only these two.
FULFILLMENTS = Filters(
    resource="fulfillments",
    fields={"created_at": time("createdAt"), "updated_at": time("updatedAt")},
    words=lambda fulfillment: [fulfillment.get("name")],
)

_BULK_STATUSES = ("created", "running", "completed", "canceling", "canceled", "failed", "expired")
BULK_OPERATIONS = Filters(
    resource="bulkOperations",
    fields={
        "created_at": time("createdAt"),
        "completed_at": time("completedAt"),
        "id": number(gid_number),
        "status": choice({word: same("status", word.upper()) for word in _BULK_STATUSES}),
        "operation_type": choice({word: same("type", word.upper()) for word in ("query", "mutation")}),
    },
    words=lambda operation: [operation.get("query")],
)
