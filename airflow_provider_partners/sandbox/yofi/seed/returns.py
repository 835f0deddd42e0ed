"""Returns of shipped orders, with the predictions and analytics that belong to them.

A return leaves the order's ``updatedAt`` as it is, as in Shopify.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow_provider_partners.sandbox.random_streams import hexadecimal, uuid
from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.yofi.seed.predictions import RETURN_REASONS, RETURN_STATES, return_prediction
from airflow_provider_partners.sandbox.yofi.seed.shop_records import (
    ShopRecords,
    customer_id,
    hours_after_update,
    returnable,
)
from airflow_provider_partners.timestamps import to_epoch

_RETURN_SHARE = 0.15
_LATE_RETURNS = 2
_LATE_AFTER = timedelta(days=45)


def select_orders_to_return(shop_records: ShopRecords, abusers: set[str]) -> list[Document]:
    """Return the orders that get a return: refunded ones first, then most orders of abusers, then others at random."""
    rng = shop_records.rng
    candidates = list(returnable(shop_records.orders))
    return_count = round(len(shop_records.orders) * _RETURN_SHARE)
    chosen = [order for order in candidates if order["refunds"]]
    chosen += [
        order for order in candidates if order not in chosen and customer_id(order) in abusers and rng.random() < 0.8
    ]
    others = [order for order in candidates if order not in chosen]
    rng.shuffle(others)
    return chosen + others[: max(0, return_count - len(chosen))]


def add_return(
    shop_records: ShopRecords, order: Document, app: list[str], *, abuser: bool, created: datetime | None = None
) -> None:
    """Add a return of an order, with its predictions and analytics, and set the order's ``returnStatus``.

    :param app: the reference of the shop's app
    :param created: when the buyer opened the return; by default some time after the order
    """
    rng = shop_records.rng
    state = "refunded" if order["refunds"] else rng.choice(list(RETURN_STATES))
    if created is None:
        created = _return_time(shop_records, order)
    elif not order["refunds"]:
        state = "requested"
    order["returnStatus"] = RETURN_STATES[state]
    id_, buyer_id = f"ret_{uuid(rng)}", customer_id(order)
    lines = [line for line in order["lineItems"] if line["product"] and line["quantity"]][:1]
    predictions = [
        shop_records.add(
            "return_prediction",
            "EcommerceUnifiedReturnPrediction",
            (key := hexadecimal(rng, 64)),
            created,
            {**return_prediction(rng, index, abuser=abuser), "customer_id": buyer_id, "entity_id": key},
        )
        for index in range(rng.randint(1, 3))
    ]
    rate = round(rng.uniform(0.6, 0.95) if abuser else rng.uniform(0, 0.4), 4)
    analytics = shop_records.add(
        "return_analytics",
        "EcommerceReturnAnalytics",
        f"analytics_{id_}",
        created,
        {"entity_id": f"analytics_{id_}", "return_rate": rate, "orders_returned": 9 if abuser else 1},
    )
    attributes = {
        "entity_id": id_,
        "app_id": shop_records.shop,
        "order_id": order["legacyResourceId"],
        "customer_id": buyer_id,
        "state": state,
        "order_name": order["name"],
        "order_number": order["number"],
        "order_created_at_epoch": to_epoch(datetime.fromisoformat(order["createdAt"])),
        "return_created_at_epoch": to_epoch(created),
        "return_total": float(lines[0]["discountedUnitPriceAfterAllDiscountsSet"]["shopMoney"]["amount"]),
        "customer_first_name": order["customer"]["firstName"],
        "customer_last_name": order["customer"]["lastName"],
        "meta_data": {
            "source": "returns-portal",
            "items": [
                {
                    "line_item_id": line["id"].rpartition("/")[2],
                    "product_id": line["product"]["id"].rpartition("/")[2],
                    "quantity": 1,
                    "reason": rng.choice(RETURN_REASONS),
                }
                for line in lines
            ],
        },
    }
    shop_records.add(
        "return",
        "EcommerceUnifiedReturn",
        id_,
        created,
        attributes,
        customer=["customer", shop_records.customer_ids[buyer_id]],
        order=["order", order["legacyResourceId"]],
        return_predictions=predictions,
        return_analytics=analytics,
        app=app,
    )


def add_late_returns(shop_records: ShopRecords, app: list[str]) -> None:
    """Add returns of the last two days for orders that are older than 45 days."""
    now = shop_records.merchant.now
    old = [
        order
        for order in returnable(shop_records.orders)
        if order["returnStatus"] == "NO_RETURN" and now - datetime.fromisoformat(order["createdAt"]) > _LATE_AFTER
    ]
    for order in old[:_LATE_RETURNS]:
        add_return(
            shop_records, order, app, abuser=False, created=now - timedelta(hours=shop_records.rng.uniform(1, 40))
        )


def _return_time(shop_records: ShopRecords, order: Document) -> datetime:
    """Return when the buyer opened the return: before the refund, or some time after the order's last update."""
    if order["refunds"]:
        refund = datetime.fromisoformat(order["refunds"][-1]["createdAt"])
        return max(datetime.fromisoformat(order["createdAt"]), refund - timedelta(hours=18))
    return hours_after_update(shop_records, order, shop_records.rng.uniform(10, 500))
