"""The sort keys of the lists, and the form of each sort value in a cursor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify.cursors import (
    Scalar,
    Sort,
    database_time,
    epoch_ms,
    from_database_time,
    gid_number,
)

Document = Mapping[str, Any]
SortValue = Callable[[Document], Scalar]


def _plain(name: str) -> SortValue:
    def value(document: Document) -> Scalar:
        sort_value: Scalar = document.get(name)
        return sort_value

    return value


def _timestamp(name: str) -> SortValue:
    return lambda document: epoch_ms(document[name]) if document.get(name) else None


def _amount(name: str) -> SortValue:
    return lambda document: float(document[name]["shopMoney"]["amount"]) if document.get(name) else None


def _customer_name(order: Document) -> Scalar:
    customer = order.get("customer") or {}
    return f"{customer.get('lastName') or ''}, {customer.get('firstName') or ''}".casefold()


def _destination(order: Document) -> Scalar:
    return str((order.get("shippingAddress") or {}).get("city") or "").casefold()


def _items(order: Document) -> int:
    return sum(item.get("quantity", 0) for item in order.get("lineItems", []))


#: Keys with a time in their cursor: epoch milliseconds in the search index, a timestamp in the database (recorded).
TIMES = {"COMPLETED_AT", "CREATED_AT", "UPDATED_AT", "PROCESSED_AT", "PUBLISHED_AT", "STARTS_AT", "ENDS_AT"}
ORDERS: dict[str, SortValue] = {
    "CREATED_AT": _timestamp("createdAt"),
    "UPDATED_AT": _timestamp("updatedAt"),
    "PROCESSED_AT": _timestamp("processedAt"),
    "ID": gid_number,
    "RELEVANCE": gid_number,
    "ORDER_NUMBER": _plain("number"),
    "PO_NUMBER": _plain("poNumber"),
    "FINANCIAL_STATUS": _plain("displayFinancialStatus"),
    "FULFILLMENT_STATUS": _plain("displayFulfillmentStatus"),
    "TOTAL_PRICE": _amount("totalPriceSet"),
    "CURRENT_TOTAL_PRICE": _amount("currentTotalPriceSet"),
    "CUSTOMER_NAME": _customer_name,
    "DESTINATION": _destination,
    "TOTAL_ITEMS_QUANTITY": _items,
}
PRODUCTS: dict[str, SortValue] = {
    "CREATED_AT": _timestamp("createdAt"),
    "UPDATED_AT": _timestamp("updatedAt"),
    "PUBLISHED_AT": _timestamp("publishedAt"),
    "ID": gid_number,
    "RELEVANCE": gid_number,
    "TITLE": _plain("title"),
    "VENDOR": _plain("vendor"),
    "PRODUCT_TYPE": _plain("productType"),
    "INVENTORY_TOTAL": _plain("totalInventory"),
}


def _inside(name: str, value: SortValue) -> SortValue:
    """Return the sort value of an object inside of the document."""
    return lambda document: value(document.get(name) or {})


def _full_name(document: Document) -> Scalar:
    return f"{document.get('lastName') or ''}, {document.get('firstName') or ''}".casefold()


_BY_ID: dict[str, SortValue] = {"ID": gid_number, "RELEVANCE": gid_number}
_CHANGED: dict[str, SortValue] = {"UPDATED_AT": _timestamp("updatedAt")}
_CREATED: dict[str, SortValue] = {"CREATED_AT": _timestamp("createdAt")}

CUSTOMERS = {**_BY_ID, **_CHANGED, **_CREATED, "NAME": _full_name}
DRAFT_ORDERS = {
    **_BY_ID,
    **_CHANGED,
    "NUMBER": gid_number,
    "STATUS": _plain("status"),
    "TOTAL_PRICE": _amount("totalPriceSet"),
    "CUSTOMER_NAME": _customer_name,
}
ABANDONED_CHECKOUTS = {
    **_BY_ID,
    **_CREATED,
    "CHECKOUT_ID": gid_number,
    "TOTAL_PRICE": _amount("totalPriceSet"),
    "CUSTOMER_NAME": _customer_name,
}
FULFILLMENT_ORDERS = {**_BY_ID, **_CHANGED}
COLLECTIONS = {**_BY_ID, **_CHANGED, "TITLE": _plain("title")}
VARIANTS = {
    **_BY_ID,
    "TITLE": _plain("title"),
    "NAME": _plain("title"),
    "FULL_TITLE": _plain("title"),
    "SKU": _plain("sku"),
    "POSITION": _plain("position"),
    "INVENTORY_QUANTITY": _plain("inventoryQuantity"),
}
LOCATIONS = {**_BY_ID, "NAME": _plain("name")}
DISCOUNTS = {
    **_BY_ID,
    **{
        key: _inside("discount", value)
        for key, value in {
            **_CHANGED,
            **_CREATED,
            "STARTS_AT": _timestamp("startsAt"),
            "ENDS_AT": _timestamp("endsAt"),
            "TITLE": _plain("title"),
        }.items()
    },
}
EVENTS = {**_BY_ID, **_CREATED}

BULK_OPERATIONS: dict[str, SortValue] = {
    "CREATED_AT": _timestamp("createdAt"),
    "COMPLETED_AT": _timestamp("completedAt"),
}


def sort_by(key: str, values: Mapping[str, SortValue], *, reverse: bool, from_database: bool) -> Sort:
    """Return the sort order of a list.

    :param from_database: True for a query by ``id:``, which Shopify answers from the database, not the search index
    """
    if key not in values:
        message = f"The sandbox cannot sort by {key}; sort the response instead."
        raise GraphQLError(message, extensions={"code": "SANDBOX_CANNOT_SORT"})
    if key not in TIMES:
        return Sort(value=values[key], tie_breaker=gid_number, reverse=reverse)
    write: Callable[[Any], Scalar] = database_time if from_database else int
    return Sort(value=values[key], tie_breaker=gid_number, reverse=reverse, write=write, read=from_database_time)
