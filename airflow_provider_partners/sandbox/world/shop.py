"""Fills one shop as the Admin API knows it: the shop, its catalogue, its customers and their orders.

Decides how old which kind of order is and in which order they were placed; the orders themselves are made by
:mod:`~airflow_provider_partners.sandbox.world.orders.build`.
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
from airflow_provider_partners.sandbox.world.shops import Shop

PARTNER = "shopify_admin"
SCOPES = ["read_all_orders", "read_customers", "read_fulfillments", "read_orders", "read_products"]
#: An uninstalled shop had the app until so many days ago.
UNINSTALLED_DAYS = 21
_BULK_EDIT = 5
_BULK_EDIT_TAG = "spring-sale"


def build_merchant(seed: int, shop: Shop, orders: int, now: datetime) -> Merchant:
    """A shop with its catalogue and customers, and no order yet."""
    chance = stream(seed, "shop", shop.domain)
    ids = Ids.of(shop)
    goods = catalogue.build(chance, ids, shop, now)
    buyers = people.customers(chance, ids, shop, max(people.ABUSERS + 2, orders * 3 // 5), now)
    return Merchant(shop=shop, rng=chance, ids=ids, products=goods, customers=buyers, now=now)


def build_orders(merchant: Merchant, orders: int, *, place: int) -> list[Document]:
    """All orders of the last five months, oldest first, so that ids and numbers grow with time.

    :param place: the shop's place in the world
    """
    chance, shop = merchant.rng, merchant.shop
    until = merchant.now
    if shop.installed and shop.routed:
        kinds = scenarios.assign(chance, orders, place=place)
    else:
        kinds = scenarios.ordinary(chance, max(3, orders // 4))
        until -= timedelta(days=0 if shop.installed else UNINSTALLED_DAYS)
    dated = sorted(
        ((_placed_at(chance, kind, until), index, kind) for index, kind in enumerate(kinds)),
        key=lambda row: row[:2],
    )
    rows = [order_of(merchant, kind, created) for created, _, kind in dated]
    _edit_together(rows, until)
    _count_orders(merchant, rows)
    return rows


def store_shop(store: Store, merchant: Merchant, orders: list[Document]) -> None:
    """Write the shop down."""
    shop = merchant.shop
    facts: Document = {
        "id": gid("Shop", shop.number),
        "name": shop.name,
        "myshopifyDomain": shop.domain,
        "plan": shop.plan,
        "scopes": SCOPES,
        "currencyCode": shop.currency,
        "installed": shop.installed,
        "routed": shop.routed,
    }
    at = format_timestamp(merchant.now)
    store.put(PARTNER, shop.domain, "shop", shop.domain, facts, at=at)
    for kind, rows in (
        ("product", merchant.products.stored),
        ("customer", merchant.customers),
        ("order", orders),
    ):
        store.put_many(PARTNER, shop.domain, kind, [(row["id"], row["updatedAt"], row) for row in rows])


def _placed_at(chance: Random, kind: Scenario, until: datetime) -> datetime:
    youngest, oldest = kind.days
    # Squared, so that the recent weeks have more orders than the first.
    age = youngest + (oldest - youngest) * chance.random() ** 2
    return (until - timedelta(days=age)).replace(microsecond=0)


def _edit_together(orders: list[Document], until: datetime) -> None:
    """Some orders were tagged in one go and share ``updatedAt`` to the second, which is hard on cursors."""
    at = format_timestamp(until, plus=timedelta(hours=-30))
    settled = [row for row in orders if row["updatedAt"] < at and not row["tags"]]
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
