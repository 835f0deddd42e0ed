"""What else happens while the sandbox runs: buyers send goods back or complain, and shops install the app.

Yofi learns of the first two; of a return Shopify shows the order's ``returnStatus``, without a new ``updatedAt``. Knows
nothing of HTTP.
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
from airflow_provider_partners.sandbox.yofi import seed_claims
from airflow_provider_partners.sandbox.yofi.seed_claims import ShopRecords


def open_returns(store: Store, merchant: Merchant, count: int) -> list[Document]:
    """Let buyers ask to send so many orders back, now; the returns and their orders."""
    dossier = _shop_records(store, merchant)
    app = store.select(seed_yofi.PARTNER, dossier.shop, "app")[0]["id"]
    able = [order for order in seed_claims.returnable(dossier.orders) if order["returnStatus"] == "NO_RETURN"]
    chosen = _sample(able, count, merchant.rng)
    for order in chosen:
        seed_yofi.add_return(dossier, order, ["app", app], abuser=False, created=merchant.now)
    seed_yofi.store_records(store, dossier)
    store.put_many(SHOPIFY, dossier.shop, "order", [(order["id"], order["updatedAt"], order) for order in chosen])
    return [
        {"id": id_, "order": body["attributes"]["order_id"], "at": at}
        for id_, at, body in dossier.documents_by_kind.get("return", [])
    ]


def open_claims(store: Store, merchant: Merchant, count: int) -> list[Document]:
    """Let buyers complain about so many orders, now; the claims and their orders."""
    dossier = _shop_records(store, merchant)
    for order in _sample(list(seed_claims.returnable(dossier.orders)), count, merchant.rng):
        seed_claims.add_claim(dossier, [order], merchant.now)
    seed_yofi.store_records(store, dossier)
    return [
        {"id": id_, "order": body["attributes"]["claim_items"][0]["order_id"], "at": at}
        for id_, at, body in dossier.documents_by_kind.get("claim", [])
    ]


def install(store: Store, shop: Shop, now: datetime) -> Document | None:
    """Install the app at a shop that has uninstalled it; the event, ``None`` where it has the app."""
    facts = store.get(SHOPIFY, shop.domain, "shop", shop.domain)
    if facts is None or facts["installed"]:
        return None
    event = seed_partner.app_event(shop, "RELATIONSHIP_INSTALLED", now)
    seed_partner.add_events(store, [event])
    store.put(SHOPIFY, shop.domain, "shop", shop.domain, facts | {"installed": True}, at=format_timestamp(now))
    return event


def _shop_records(store: Store, merchant: Merchant) -> ShopRecords:
    """An empty one, that knows Yofi's ids of the customers it has already."""
    dossier = ShopRecords(merchant, store.select(SHOPIFY, merchant.shop.domain, "order"), merchant.rng)
    customers = store.select(seed_yofi.PARTNER, merchant.shop.domain, "customer")
    dossier.customer_ids.update({row["attributes"]["customer_id"]: row["id"] for row in customers})
    return dossier


def _sample(orders: list[Document], count: int, chance: Random) -> list[Document]:
    """So many of them, or all there are."""
    return chance.sample(orders, k=min(count, len(orders)))
