"""The Admin API's other lists of a shop: stock, collections, discounts, draft orders, checkouts, events and the like.

They have random numbers and ids of their own, so that the orders of a world do not depend on them. What follows an
order, such as its fulfillment order and its events, is made of the order's document alone. So it follows every change.
"""

from __future__ import annotations

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.world.admin_lists import catalogue, checkouts, discounts, events, stock
from airflow_provider_partners.sandbox.world.admin_lists.customers import with_totals
from airflow_provider_partners.sandbox.world.admin_lists.fulfillment_orders import fulfillment_order
from airflow_provider_partners.sandbox.world.identifiers import Ids
from airflow_provider_partners.sandbox.world.orders.lines import Merchant

__all__ = ["PARTNER", "fill", "follow_orders"]

PARTNER = "shopify_admin"


def fill(store: Store, merchant: Merchant, orders: list[Document], *, seed: int) -> None:
    """Store the lists of one shop.

    :param orders: the shop's orders, oldest first
    """
    rng, ids, domain = stream(seed, "admin lists", merchant.shop.domain), Ids.apart(merchant.shop), merchant.shop.domain
    locations = stock.locations(rng, ids, merchant)
    levels = stock.inventory_levels(rng, ids, merchant, locations)
    drafts = checkouts.draft_orders(rng, ids, merchant, orders)
    lists = {
        "customer": with_totals(merchant.customers, orders),
        "location": locations,
        "inventory_level": levels,
        "collection": catalogue.collections(rng, ids, merchant),
        "discount": discounts.discounts(rng, ids, merchant),
        "draft_order": drafts,
        "abandoned_checkout": checkouts.abandoned_checkouts(rng, ids, merchant),
        "event": events.shop_events(ids, merchant, drafts),
    }
    for kind, documents in lists.items():
        store.put_many(PARTNER, domain, kind, [(each["id"], _changed_at(each), each) for each in documents])
    follow_orders(store, domain, orders)


def follow_orders(store: Store, shop: str, orders: list[Document]) -> None:
    """Store what follows some orders: their fulfillment orders and events.

    :param orders: new or changed orders
    """
    locations = store.select(PARTNER, shop, "location")
    location = next((each for each in locations if each["hasUnfulfilledOrders"]), None)
    made = [each for order in orders if location and (each := fulfillment_order(order, location))]
    happened = [event for order in orders for event in events.order_events(order)]
    for kind, documents in (("fulfillment_order", made), ("event", happened)):
        store.put_many(PARTNER, shop, kind, [(each["id"], _changed_at(each), each) for each in documents])


def _changed_at(document: Document) -> str:
    inner = document.get("discount") or document
    return str(inner.get("updatedAt") or inner["createdAt"])
