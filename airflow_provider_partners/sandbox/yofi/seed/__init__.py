"""Yofi's records of a shop: customers, orders, returns, claims, notifications and the predictions of its models.

Records are made from the shop's Shopify orders. A few customers return nearly all they buy; Yofi marks them.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.random_streams import hexadecimal, stream, uuid
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.world import customers as people
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.yofi.seed.claims import add_claim, add_claims, add_notifications
from airflow_provider_partners.sandbox.yofi.seed.predictions import customer_prediction, model_predictions
from airflow_provider_partners.sandbox.yofi.seed.returns import add_late_returns, add_return, select_orders_to_return
from airflow_provider_partners.sandbox.yofi.seed.shop_records import ShopRecords, customer_id, returnable

__all__ = [
    "PARTNER",
    "ShopRecords",
    "add_claim",
    "add_order",
    "add_return",
    "build_records",
    "returnable",
    "store_records",
]

PARTNER = "yofi"
ORGANIZATION_ID = "org-sandbox"


def build_records(seed: int, merchant: Merchant, orders: list[Document]) -> ShopRecords:
    """Return all records that Yofi has of a shop, its customers and its orders.

    :param seed: the world's seed
    :param orders: the shop's orders; some get a ``returnStatus``
    """
    shop_records = ShopRecords(merchant, orders, stream(seed, "yofi", merchant.shop.domain))
    app = shop_records.add(
        "app",
        "EcommerceApp",
        f"yofi-app-{merchant.shop.number}",
        merchant.now,
        {"entity_id": f"yofi-app-{merchant.shop.number}", "app_id": shop_records.shop, "name": merchant.shop.name},
    )
    abusers = {customer["legacyResourceId"] for customer in merchant.customers[: people.ABUSERS]}
    for index, customer in enumerate(merchant.customers):
        _add_customer(shop_records, customer, abuser=index < people.ABUSERS)
    for order in orders:
        if not order["test"]:
            _add_order(shop_records, order)
    for order in select_orders_to_return(shop_records, abusers):
        add_return(shop_records, order, app, abuser=customer_id(order) in abusers)
    add_late_returns(shop_records, app)
    add_claims(shop_records)
    add_notifications(shop_records)
    return shop_records


def store_records(store: Store, shop_records: ShopRecords) -> None:
    """Write a shop's records to the store."""
    for kind, documents in shop_records.documents_by_kind.items():
        store.put_many(PARTNER, shop_records.shop, kind, documents)


def add_order(store: Store, shop: str, order: Document, rng: Random) -> None:
    """Store Yofi's record of a new order.

    :param shop: the shop's domain
    :param order: the order as Shopify has it
    """
    body = {"type": "EcommerceOrder", "id": order["legacyResourceId"], **_order_document(order, rng)}
    store.put(PARTNER, shop, "order", body["id"], body, at=order["createdAt"])


def _order_document(order: Document, rng: Random) -> Document:
    return {
        "attributes": {
            "entity_id": order["legacyResourceId"],
            "name": order["name"],
            "model_predictions": model_predictions(rng, abuser=False),
        },
        "relationships": {},
    }


def _add_order(shop_records: ShopRecords, order: Document) -> None:
    document = _order_document(order, shop_records.rng)
    shop_records.add(
        "order",
        "EcommerceOrder",
        order["legacyResourceId"],
        datetime.fromisoformat(order["createdAt"]),
        document["attributes"],
    )


def _add_customer(shop_records: ShopRecords, customer: Document, *, abuser: bool) -> None:
    rng, number = shop_records.rng, customer["legacyResourceId"]
    id_, created = uuid(rng), datetime.fromisoformat(customer["createdAt"])
    shop_records.customer_ids[number] = id_
    predictions = [
        shop_records.add(
            "customer_prediction",
            "EcommerceCustomerPrediction",
            (key := hexadecimal(rng, 64)),
            created,
            {**customer_prediction(rng, index, abuser=abuser), "customer_id": number, "entity_id": key},
        )
        for index in range(2 if abuser else rng.choice((0, 0, 1)))
    ]
    attributes = {
        "entity_id": id_,
        "customer_id": number,
        "app_id": shop_records.shop,
        "organization_id": ORGANIZATION_ID,
        "first_name": customer["firstName"],
        "last_name": customer["lastName"],
        "email": customer["email"],
        "model_predictions": model_predictions(rng, abuser=abuser),
    }
    shop_records.add("customer", "EcommerceCustomer", id_, created, attributes, customer_predictions=predictions)
