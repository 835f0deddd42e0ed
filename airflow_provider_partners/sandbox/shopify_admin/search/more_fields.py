"""The searchable fields of customers, draft orders, collections, locations, discounts, events and the like.

They follow the argument descriptions in the Admin API's schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_partners.sandbox.shopify.cursors import gid_number
from airflow_provider_partners.sandbox.shopify_admin.search.fields import (
    choice,
    customer_id,
    number,
    same,
    text,
    texts,
    time,
)
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filter, Filters, Predicate

Document = Mapping[str, Any]

_ID = {"id": number(gid_number)}
_CREATED = {"created_at": time("createdAt")}
_CHANGED = {"updated_at": time("updatedAt")}
_TAG = {"tag": texts(lambda document: document.get("tags", []))}


def _words(*names: str) -> Callable[[Document], list[str | None]]:
    return lambda document: [document.get(name) for name in names]


def _states(name: str, words: tuple[str, ...]) -> Filter:
    return choice({word: same(name, word.upper()) for word in words})


def _amount(name: str) -> Callable[[Document], Any]:
    return lambda document: (document.get(name) or {}).get("amount")


CUSTOMERS = Filters(
    resource="customers",
    fields={
        **_ID,
        **_CHANGED,
        **_TAG,
        "customer_date": time("createdAt"),
        "email": text("email"),
        "phone": text("phone"),
        "first_name": text("firstName"),
        "last_name": text("lastName"),
        "orders_count": number(lambda customer: customer.get("numberOfOrders")),
        "total_spent": number(_amount("amountSpent")),
        "state": _states("state", ("enabled", "disabled", "invited", "declined")),
        "country": texts(lambda customer: [(customer.get("defaultAddress") or {}).get("country")]),
    },
    words=_words("firstName", "lastName", "email"),
    unsupported=frozenset(("accepts_marketing", "last_abandoned_order_date", "order_date", "tag_not")),
)

DRAFT_ORDERS = Filters(
    resource="draftOrders",
    fields={
        **_ID,
        **_CREATED,
        **_CHANGED,
        **_TAG,
        "customer_id": number(customer_id),
        "status": _states("status", ("open", "invoice_sent", "completed")),
    },
    words=_words("name", "email", "note2"),
    unsupported=frozenset(("source",)),
)

ABANDONED_CHECKOUTS = Filters(
    resource="abandonedCheckouts",
    fields={
        **_ID,
        **_CREATED,
        **_CHANGED,
        "status": choice({"open": same("completedAt", None), "closed": lambda each: bool(each.get("completedAt"))}),
        "recovery_state": choice({
            "recovered": lambda each: bool(each.get("completedAt")),
            "not_recovered": same("completedAt", None),
        }),
    },
    words=_words("name"),
    unsupported=frozenset(("email_state",)),
)

FULFILLMENT_ORDERS = Filters(
    resource="fulfillmentOrders",
    fields={
        **_ID,
        **_CHANGED,
        "status": _states(
            "status", ("open", "in_progress", "closed", "cancelled", "incomplete", "on_hold", "scheduled")
        ),
        "assigned_location_id": number(lambda each: gid_number(each["assignedLocation"]["location"])),
    },
    words=_words("orderName"),
)

COLLECTIONS = Filters(
    resource="collections",
    fields={
        **_ID,
        **_CHANGED,
        "published_at": time("publishedAt"),
        "title": text("title"),
        "handle": text("handle"),
        "product_id": texts(lambda each: [str(gid_number(member)) for member in each.get("products", [])]),
        "collection_type": choice({"custom": lambda _each: True, "smart": lambda _each: False}),
    },
    words=_words("title", "handle"),
    unsupported=frozenset(("product_publication_status", "publishable_status", "published_status")),
)

VARIANTS = Filters(
    resource="productVariants",
    fields={
        **_ID,
        **_CHANGED,
        "sku": text("sku"),
        "barcode": text("barcode"),
        "title": text("title"),
        "inventory_quantity": number(lambda variant: variant.get("inventoryQuantity")),
        "product_id": number(lambda variant: gid_number(variant["product"])),
        "product_type": texts(lambda variant: [variant["product"].get("productType")]),
        "product_status": texts(lambda variant: [variant["product"].get("status")]),
        "vendor": texts(lambda variant: [variant["product"].get("vendor")]),
        "tag": texts(lambda variant: variant["product"].get("tags", [])),
    },
    words=_words("title", "sku"),
    unsupported=frozenset((
        "collection", "delivery_profile_id", "exclude_composite", "exclude_variants_with_components", "gift_card",
        "location_id", "managed", "managed_by", "option1", "option2", "option3", "product_ids",
        "product_publication_status", "publishable_status", "published_status", "requires_components", "tag_not",
        "taxable",
    )),
)  # fmt: skip


def _address(name: str) -> Filter:
    return texts(lambda location: [(location.get("address") or {}).get(name)])


LOCATIONS = Filters(
    resource="locations",
    fields={
        **_ID,
        **_CREATED,
        "location_id": number(gid_number),
        "name": text("name"),
        "active": choice({"true": same("isActive", True), "false": same("isActive", False)}),
        "legacy": choice({
            "true": same("isFulfillmentService", True),
            "false": same("isFulfillmentService", False),
        }),
        **{name: _address(name) for name in ("address1", "address2", "city", "country", "province", "zip")},
    },
    words=_words("name"),
    unsupported=frozenset(("geolocated", "pickup_in_store")),
)


def _of_discount(name: str, kind: str = "time") -> Filter:
    return Filter(kind=kind, values=lambda node: node["discount"].get(name))


def _has_status(status: str) -> Predicate:
    return lambda node: bool(node["discount"]["status"] == status)


DISCOUNTS = Filters(
    resource="discountNodes",
    fields={
        **_ID,
        "created_at": _of_discount("createdAt"),
        "updated_at": _of_discount("updatedAt"),
        "starts_at": _of_discount("startsAt"),
        "ends_at": _of_discount("endsAt"),
        "title": _of_discount("title", "text"),
        "times_used": _of_discount("asyncUsageCount", "number"),
        "code": texts(lambda node: [each["code"] for each in node["discount"].get("codes", [])]),
        "status": choice({word: _has_status(word.upper()) for word in ("active", "expired", "scheduled")}),
        "method": choice({
            "code": lambda node: "codes" in node["discount"],
            "automatic": lambda node: "codes" not in node["discount"],
        }),
    },
    words=lambda node: [node["discount"]["title"]],
    unsupported=frozenset((
        "combines_with", "context", "customer_ids", "discount_class", "discount_type", "market_ids", "segment_ids",
        "tag", "type",
    )),
)  # fmt: skip

EVENTS = Filters(
    resource="events",
    fields={
        **_ID,
        **_CREATED,
        "action": text("action"),
        "subject_type": text("subjectType"),
        "comments": choice({"false": lambda event: event["__typename"] != "CommentEvent", "true": lambda _event: True}),
    },
    words=_words("message"),
)

COUNTS: Mapping[str, Filters] = {
    "customersCount": replace(CUSTOMERS, fields={**_ID, **_CREATED, **_CHANGED}, unsupported=frozenset()),
}
"""The counts that know other search fields than their list."""
