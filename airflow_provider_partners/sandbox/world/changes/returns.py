"""Other changes while the sandbox runs: buyers open returns or claims, and shops install the app.

Yofi gets returns and claims. Shopify shows a return only as the order's ``returnStatus``, without a new ``updatedAt``.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.shopify_partner import seed as seed_partner
from airflow_provider_partners.sandbox.store import Document, Store, format_timestamp
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.shop import PARTNER as SHOPIFY
from airflow_provider_partners.sandbox.world.shops import Shop
from airflow_provider_partners.sandbox.yofi import seed as seed_yofi


def open_returns(store: Store, merchant: Merchant, count: int) -> list[Document]:
    """Open returns for ``count`` orders, now; return their ids and orders."""
    records = _shop_records(store, merchant)
    app = store.select(seed_yofi.PARTNER, records.shop, "app")[0]["id"]
    able = [order for order in seed_yofi.returnable(records.orders) if order["returnStatus"] == "NO_RETURN"]
    chosen = _sample(able, count, merchant.rng)
    for order in chosen:
        seed_yofi.add_return(records, order, ["app", app], abuser=False, created=merchant.now)
    seed_yofi.store_records(store, records)
    store.put_many(SHOPIFY, records.shop, "order", [(order["id"], order["updatedAt"], order) for order in chosen])
    return [
        {"id": id_, "order": body["attributes"]["order_id"], "at": at}
        for id_, at, body in records.documents_by_kind.get("return", [])
    ]


def open_claims(store: Store, merchant: Merchant, count: int) -> list[Document]:
    """Open claims for ``count`` orders, now; return their ids and orders."""
    records = _shop_records(store, merchant)
    for order in _sample(list(seed_yofi.returnable(records.orders)), count, merchant.rng):
        seed_yofi.add_claim(records, [order], merchant.now)
    seed_yofi.store_records(store, records)
    return [
        {"id": id_, "order": body["attributes"]["claim_items"][0]["order_id"], "at": at}
        for id_, at, body in records.documents_by_kind.get("claim", [])
    ]


def install(store: Store, shop: Shop, now: datetime) -> Document | None:
    """Install the app at a shop that uninstalled it; return the event, or ``None`` if the shop has the app."""
    facts = store.get(SHOPIFY, shop.domain, "shop", shop.domain)
    if facts is None or facts["installed"]:
        return None
    event = seed_partner.app_event(shop, "RELATIONSHIP_INSTALLED", now)
    seed_partner.add_events(store, [event])
    store.put(SHOPIFY, shop.domain, "shop", shop.domain, facts | {"installed": True}, at=format_timestamp(now))
    return event


def _shop_records(store: Store, merchant: Merchant) -> seed_yofi.ShopRecords:
    """Return empty records that know Yofi's ids of the shop's existing customers."""
    records = seed_yofi.ShopRecords(merchant, store.select(SHOPIFY, merchant.shop.domain, "order"), merchant.rng)
    customers = store.select(seed_yofi.PARTNER, merchant.shop.domain, "customer")
    records.customer_ids.update({document["attributes"]["customer_id"]: document["id"] for document in customers})
    return records


def _sample(orders: list[Document], count: int, rng: Random) -> list[Document]:
    """Return up to ``count`` of the orders, chosen at random."""
    return rng.sample(orders, k=min(count, len(orders)))
