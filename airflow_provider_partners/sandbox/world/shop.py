"""Builds one shop as the Admin API knows it: the shop, its products, its customers and their orders.

It decides the scenario, age and sequence of the orders; :mod:`~airflow_provider_partners.sandbox.world.orders.build`
builds the order documents.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.store import Document, Store, format_timestamp
from airflow_provider_partners.sandbox.world import customers as people
from airflow_provider_partners.sandbox.world import products as catalogue
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.orders import scenarios
from airflow_provider_partners.sandbox.world.orders.build import order_of
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.orders.scenarios import Scenario
from airflow_provider_partners.sandbox.world.products import metafield
from airflow_provider_partners.sandbox.world.shops import Shop

PARTNER = "shopify_admin"
SCOPES = [
    "read_all_orders",
    "read_customers",
    "read_discounts",
    "read_draft_orders",
    "read_fulfillments",
    "read_inventory",
    "read_locations",
    "read_merchant_managed_fulfillment_orders",
    "read_orders",
    "read_products",
    "read_third_party_fulfillment_orders",
]
#: Number of days since an uninstalled shop uninstalled the app.
UNINSTALLED_DAYS = 21
_BULK_EDIT = 5
_BULK_EDIT_TAG = "spring-sale"


def build_merchant(seed: int, shop: Shop, orders: int, now: datetime) -> Merchant:
    """Build a shop with its products and customers, without orders."""
    rng = stream(seed, "shop", shop.domain)
    ids = Ids.of(shop)
    products = catalogue.build(rng, ids, shop, now)
    buyers = people.customers(rng, ids, shop, max(people.ABUSERS + 2, orders * 3 // 5), now)
    return Merchant(shop=shop, rng=rng, ids=ids, products=products, customers=buyers, now=now)


def build_orders(merchant: Merchant, orders: int, *, shop_index: int) -> list[Document]:
    """Build all orders of the last five months, oldest first, so that ids and numbers increase with time.

    :param shop_index: index of the shop in the world
    """
    rng, shop = merchant.rng, merchant.shop
    until = merchant.now
    if shop.installed and shop.routed:
        kinds = scenarios.assign(rng, orders, shop_index=shop_index)
    else:
        kinds = scenarios.ordinary(rng, max(3, orders // 4))
        until -= timedelta(days=0 if shop.installed else UNINSTALLED_DAYS)
    dated = sorted(
        ((_placed_at(rng, kind, until), index, kind) for index, kind in enumerate(kinds)),
        key=lambda document: document[:2],
    )
    documents = [order_of(merchant, kind, created) for created, _, kind in dated]
    _edit_together(documents, until)
    _count_orders(merchant, documents)
    return documents


def store_shop(store: Store, merchant: Merchant, orders: list[Document]) -> None:
    """Store the shop, its products, customers and orders."""
    shop = merchant.shop
    at = format_timestamp(merchant.now)
    facts: Document = {
        "id": gid("Shop", shop.number),
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "plan": shop.plan,
        "scopes": SCOPES,
        "currencyCode": shop.currency,
        "installed": shop.installed,
        "routed": shop.routed,
        "createdAt": format_timestamp(merchant.now - timedelta(days=900)),
        "updatedAt": format_timestamp(merchant.now - timedelta(days=30)),
        "metafields": [
            metafield(shop.number, 1, "custom.tagline", "single_line_text_field", f"{shop.name} & friends", at),
            metafield(shop.number, 2, "custom.founded", "number_integer", 1990 + shop.number % 30, at),
        ],
    }
    store.put(PARTNER, shop.domain, "shop", shop.domain, facts, at=at)
    for kind, documents in (
        ("product", merchant.products.stored),
        ("customer", merchant.customers),
        ("order", orders),
    ):
        store.put_many(
            PARTNER, shop.domain, kind, [(document["id"], document["updatedAt"], document) for document in documents]
        )


def _placed_at(rng: Random, kind: Scenario, until: datetime) -> datetime:
    youngest, oldest = kind.days
    # Squared, so that the recent weeks have more orders than the first.
    age = youngest + (oldest - youngest) * rng.random() ** 2
    return (until - timedelta(days=age)).replace(microsecond=0)


def _edit_together(orders: list[Document], until: datetime) -> None:
    """Give some orders the same ``updatedAt``, as a bulk edit of tags does; this tests cursors on equal sort values."""
    at = format_timestamp(until, plus=timedelta(hours=-30))
    settled = [document for document in orders if document["updatedAt"] < at and not document["tags"]]
    for order in settled[-_BULK_EDIT:] if len(orders) > _BULK_EDIT * 2 else []:
        order["tags"] = [_BULK_EDIT_TAG]
        order["updatedAt"] = at


def _count_orders(merchant: Merchant, orders: list[Document]) -> None:
    counts = Counter(order["customer"]["id"] for order in orders if order["customer"])
    for customer in merchant.customers:
        customer["numberOfOrders"] = str(counts[customer["id"]])
    for order in orders:
        if order["customer"]:
            order["customer"]["numberOfOrders"] = str(counts[order["customer"]["id"]])
