"""The searchable fields of orders, products and fulfillments.

They follow the argument descriptions in the Admin API's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import gid_number
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filter, Filters, Predicate

Document = Mapping[str, Any]


def _time(name: str) -> Filter:
    return Filter(kind="time", values=lambda document: document.get(name))


def _text(name: str) -> Filter:
    return Filter(kind="text", values=lambda document: document.get(name))


def _texts(values: Callable[[Document], list[Any]]) -> Filter:
    return Filter(kind="text", values=values)


def _number(values: Callable[[Document], Any]) -> Filter:
    return Filter(kind="number", values=values)


def _choice(choices: Mapping[str, Predicate]) -> Filter:
    return Filter(kind="choice", values=lambda _document: None, choices=choices)


def _is(name: str, value: Any) -> Predicate:
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


def _customer_id(order: Document) -> Any:
    number = gid_number(order.get("customer") or {})
    return number if isinstance(number, int) else None


def _order_words(order: Document) -> list[str | None]:
    customer = order.get("customer") or {}
    names = [customer.get(name) for name in ("firstName", "lastName", "displayName")]
    return [order.get("name"), order.get("email"), order.get("note"), *names, *(order.get("tags") or [])]


ORDERS = Filters(
    resource="orders",
    fields={
        "created_at": _time("createdAt"),
        "updated_at": _time("updatedAt"),
        "processed_at": _time("processedAt"),
        "id": _number(gid_number),
        "customer_id": _number(_customer_id),
        "current_total_price": _number(_money("currentTotalPriceSet")),
        "name": _text("name"),
        "email": _text("email"),
        "po_number": _text("poNumber"),
        "source_name": _text("sourceName"),
        "source_identifier": _text("sourceIdentifier"),
        "confirmation_number": _text("confirmationNumber"),
        "tag": _texts(lambda order: order.get("tags", [])),
        "gateway": _texts(lambda order: order.get("paymentGatewayNames", [])),
        "discount_code": _texts(lambda order: order.get("discountCodes", [])),
        "sku": _texts(lambda order: [item.get("sku") for item in order.get("lineItems", [])]),
        "status": _choice(_STATUS),
        "test": _choice({word: _is("test", value) for word, value in _YES_NO.items()}),
        "financial_status": _choice(
            {"any": _any_order, **{word: _is("displayFinancialStatus", word.upper()) for word in _FINANCIAL}}
        ),
        "fulfillment_status": _choice({
            "any": _any_order,
            **{word: _is("displayFulfillmentStatus", value) for word, value in _FULFILLMENT.items()},
        }),
        "return_status": _choice({word: _is("returnStatus", word.upper()) for word in _RETURNS}),
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
        "created_at": _time("createdAt"),
        "updated_at": _time("updatedAt"),
        "published_at": _time("publishedAt"),
        "id": _number(gid_number),
        "title": _text("title"),
        "handle": _text("handle"),
        "vendor": _text("vendor"),
        "product_type": _text("productType"),
        "tag": _texts(lambda product: product.get("tags", [])),
        "sku": _texts(lambda product: [variant.get("sku") for variant in product.get("variants", [])]),
        "status": _choice({word: _is("status", word.upper()) for word in ("active", "archived", "draft", "unlisted")}),
    },
    words=lambda product: [*(product.get(name) for name in ("title", "handle", "vendor")), *product.get("tags", [])],
    unsupported=frozenset((
        "barcode", "bundles", "category_id", "collection_id", "combined_listing_role", "delivery_profile_id",
        "error_feedback", "gift_card", "inventory_total", "is_price_reduced", "out_of_stock_somewhere", "price",
        "publishable_status", "published_status", "sku_not", "tag_not", "variant_id", "variant_title",
    )),
)  # fmt: skip

#: ``Order.fulfillments(query:)`` supports only these two.
FULFILLMENTS = Filters(
    resource="fulfillments",
    fields={"created_at": _time("createdAt"), "updated_at": _time("updatedAt")},
    words=lambda fulfillment: [fulfillment.get("name")],
)

_BULK_STATUSES = ("created", "running", "completed", "canceling", "canceled", "failed", "expired")
BULK_OPERATIONS = Filters(
    resource="bulkOperations",
    fields={
        "created_at": _time("createdAt"),
        "completed_at": _time("completedAt"),
        "id": _number(gid_number),
        "status": _choice({word: _is("status", word.upper()) for word in _BULK_STATUSES}),
        "operation_type": _choice({word: _is("type", word.upper()) for word in ("query", "mutation")}),
    },
    words=lambda operation: [operation.get("query")],
)
