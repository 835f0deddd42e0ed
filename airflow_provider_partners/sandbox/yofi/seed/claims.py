"""Claims that buyers opened about their orders, and the notifications that Yofi sent to the merchant."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import uuid
from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.yofi.seed.predictions import CLAIM_REASONS, TEMPLATES
from airflow_provider_partners.sandbox.yofi.seed.shop_records import (
    ShopRecords,
    customer_id,
    hours_after_update,
    returnable,
)
from airflow_provider_partners.timestamps import to_epoch

_CLAIM_SHARE = 0.05


def add_claims(shop_records: ShopRecords) -> None:
    """Add claims about a share of the orders. Some claims name two orders of the same buyer."""
    rng = shop_records.rng
    candidates = list(returnable(shop_records.orders))
    orders = rng.sample(candidates, k=min(len(candidates), max(2, round(len(shop_records.orders) * _CLAIM_SHARE))))
    for order in orders:
        same_buyer = [other for other in candidates if customer_id(other) == customer_id(order) and other is not order]
        created = hours_after_update(shop_records, order, rng.uniform(1, 200))
        id_ = f"clm_{uuid(rng)}"
        add_claim(shop_records, [order, *same_buyer[: rng.randint(0, 1)]], created, id_=id_)


def add_claim(shop_records: ShopRecords, orders: list[Document], created: datetime, *, id_: str | None = None) -> None:
    """Add a claim that names some orders of one buyer.

    :param orders: the first one names the buyer
    """
    claim_id = id_ or f"clm_{uuid(shop_records.rng)}"
    attributes = {
        "entity_id": claim_id,
        "customer_id": customer_id(orders[0]),
        "claim_items": [_claim_item(order, shop_records.rng) for order in orders],
        "created_at_epoch": to_epoch(created),
    }
    shop_records.add("claim", "Claim", claim_id, created, attributes)


def _claim_item(order: Document, rng: Random) -> Document:
    line = next(line for line in order["lineItems"] if line["product"])
    return {
        "order_id": order["legacyResourceId"],
        "order_name": order["name"],
        "line_item_id": line["id"].rpartition("/")[2],
        "product_id": line["product"]["id"].rpartition("/")[2],
        "quantity": 1,
        "reason": rng.choice(CLAIM_REASONS),
    }


def add_notifications(shop_records: ShopRecords) -> None:
    """Add notifications of the last 120 days."""
    rng, now = shop_records.rng, shop_records.merchant.now
    for _ in range(max(5, len(shop_records.orders) // 3)):
        created = now - timedelta(hours=rng.uniform(0.5, 24 * 120))
        id_ = f"ntf_{uuid(rng)}"
        shop_records.add(
            "notification_event",
            "NotificationEvent",
            id_,
            created,
            {"entity_id": id_, "notify_template_id": rng.choice(TEMPLATES), "created_at": format_timestamp(created)},
        )
