"""What Yofi knows of a shop: returns and what its models think of them, customers, claims, notifications.

Returns are made of orders that were shipped; a few customers return nearly all they buy and are marked for it. Late
returns (an old order, sent back yesterday) do not touch the order's ``updatedAt``, as in Shopify. Writes Yofi's
resources as the sandbox stores them and, of an order, its ``returnStatus``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import hexadecimal, stream, uuid
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.world import customers as people
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.yofi.seed_claims import (
    ShopRecords,
    add_claims,
    add_notifications,
    customer_id,
    hours_after,
    parse_timestamp,
    returnable,
    to_epoch,
)
from airflow_provider_partners.sandbox.yofi.seed_predictions import (
    RETURN_REASONS,
    RETURN_STATES,
    customer_prediction,
    model_predictions,
    return_prediction,
)

PARTNER = "yofi"
ORGANIZATION_ID = "org-sandbox"
_RETURN_SHARE = 0.15
_LATE_RETURNS = 2
_LATE_AFTER = timedelta(days=45)


def build_records(seed: int, merchant: Merchant, orders: list[Document]) -> ShopRecords:
    """All that Yofi knows of a shop and its orders."""
    dossier = ShopRecords(merchant, orders, stream(seed, "yofi", merchant.shop.domain))
    app = dossier.add(
        "app",
        "EcommerceApp",
        f"yofi-app-{merchant.shop.number}",
        merchant.now,
        {"entity_id": f"yofi-app-{merchant.shop.number}", "app_id": dossier.shop, "name": merchant.shop.name},
    )
    abusers = {customer["legacyResourceId"] for customer in merchant.customers[: people.ABUSERS]}
    for place, customer in enumerate(merchant.customers):
        _add_customer(dossier, customer, abuser=place < people.ABUSERS)
    for order in orders:
        if not order["test"]:
            _add_order(dossier, order)
    for order in _returned(dossier, abusers):
        add_return(dossier, order, app, abuser=customer_id(order) in abusers)
    _add_late_returns(dossier, app)
    add_claims(dossier)
    add_notifications(dossier)
    return dossier


def store_records(store: Store, dossier: ShopRecords) -> None:
    """Write it down."""
    for kind, rows in dossier.documents_by_kind.items():
        store.put_many(PARTNER, dossier.shop, kind, rows)


def add_order(store: Store, shop: str, order: Document, chance: Random) -> None:
    """Let Yofi know of one more order."""
    body = {"type": "EcommerceOrder", "id": order["legacyResourceId"], **_order_facts(order, chance)}
    store.put(PARTNER, shop, "order", body["id"], body, at=order["createdAt"])


def _order_facts(order: Document, chance: Random) -> Document:
    return {
        "attributes": {
            "entity_id": order["legacyResourceId"],
            "name": order["name"],
            "model_predictions": model_predictions(chance, abuser=False),
        },
        "relationships": {},
    }


def _add_order(dossier: ShopRecords, order: Document) -> None:
    facts = _order_facts(order, dossier.rng)
    dossier.add(
        "order", "EcommerceOrder", order["legacyResourceId"], parse_timestamp(order["createdAt"]), facts["attributes"]
    )


def _add_customer(dossier: ShopRecords, customer: Document, *, abuser: bool) -> None:
    chance, number = dossier.rng, customer["legacyResourceId"]
    id_, at = uuid(chance), parse_timestamp(customer["createdAt"])
    dossier.customer_ids[number] = id_
    predictions = [
        dossier.add(
            "customer_prediction",
            "EcommerceCustomerPrediction",
            (key := hexadecimal(chance, 64)),
            at,
            {**customer_prediction(chance, place, abuser=abuser), "customer_id": number, "entity_id": key},
        )
        for place in range(2 if abuser else chance.choice((0, 0, 1)))
    ]
    attributes = {
        "entity_id": id_,
        "customer_id": number,
        "app_id": dossier.shop,
        "organization_id": ORGANIZATION_ID,
        "first_name": customer["firstName"],
        "last_name": customer["lastName"],
        "email": customer["email"],
        "model_predictions": model_predictions(chance, abuser=abuser),
    }
    dossier.add("customer", "EcommerceCustomer", id_, at, attributes, customer_predictions=predictions)


def _returned(dossier: ShopRecords, abusers: set[str]) -> list[Document]:
    """The orders of which something comes back: refunded ones, most of the abusers', then others."""
    chance = dossier.rng
    able = list(returnable(dossier.orders))
    wanted = round(len(dossier.orders) * _RETURN_SHARE)
    first = [order for order in able if order["refunds"]]
    first += [order for order in able if order not in first and customer_id(order) in abusers and chance.random() < 0.8]
    others = [order for order in able if order not in first]
    chance.shuffle(others)
    return first + others[: max(0, wanted - len(first))]


def add_return(
    dossier: ShopRecords, order: Document, app: list[str], *, abuser: bool, created: datetime | None = None
) -> None:
    """Keep a return of an order, with all that belongs to it.

    :param created: when it was asked for; by default some time after the order
    """
    chance = dossier.rng
    state = "refunded" if order["refunds"] else chance.choice(list(RETURN_STATES))
    if created is None:
        created = _return_time(dossier, order)
    elif not order["refunds"]:
        state = "requested"
    order["returnStatus"] = RETURN_STATES[state]
    id_, number = f"ret_{uuid(chance)}", customer_id(order)
    lines = [line for line in order["lineItems"] if line["product"] and line["quantity"]][:1]
    predictions = [
        dossier.add(
            "return_prediction",
            "EcommerceUnifiedReturnPrediction",
            (key := hexadecimal(chance, 64)),
            created,
            {**return_prediction(chance, place, abuser=abuser), "customer_id": number, "entity_id": key},
        )
        for place in range(chance.randint(1, 3))
    ]
    rate = round(chance.uniform(0.6, 0.95) if abuser else chance.uniform(0, 0.4), 4)
    analytics = dossier.add(
        "return_analytics",
        "EcommerceReturnAnalytics",
        f"analytics_{id_}",
        created,
        {"entity_id": f"analytics_{id_}", "return_rate": rate, "orders_returned": 9 if abuser else 1},
    )
    attributes = {
        "entity_id": id_,
        "app_id": dossier.shop,
        "order_id": order["legacyResourceId"],
        "customer_id": number,
        "state": state,
        "order_name": order["name"],
        "order_number": order["number"],
        "order_created_at_epoch": to_epoch(parse_timestamp(order["createdAt"])),
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
                    "reason": chance.choice(RETURN_REASONS),
                }
                for line in lines
            ],
        },
    }
    dossier.add(
        "return",
        "EcommerceUnifiedReturn",
        id_,
        created,
        attributes,
        customer=["customer", dossier.customer_ids[number]],
        order=["order", order["legacyResourceId"]],
        return_predictions=predictions,
        return_analytics=analytics,
        app=app,
    )


def _add_late_returns(dossier: ShopRecords, app: list[str]) -> None:
    """Old orders that came back these days."""
    now = dossier.merchant.now
    old = [
        order
        for order in returnable(dossier.orders)
        if order["returnStatus"] == "NO_RETURN" and now - parse_timestamp(order["createdAt"]) > _LATE_AFTER
    ]
    for order in old[:_LATE_RETURNS]:
        add_return(dossier, order, app, abuser=False, created=now - timedelta(hours=dossier.rng.uniform(1, 40)))


def _return_time(dossier: ShopRecords, order: Document) -> datetime:
    """When the buyer asked to send it back: a day before the refund, or some time after the order's last news."""
    if order["refunds"]:
        refund = parse_timestamp(order["refunds"][-1]["createdAt"])
        return max(parse_timestamp(order["createdAt"]), refund - timedelta(hours=18))
    return hours_after(dossier, order, dossier.rng.uniform(10, 500))
