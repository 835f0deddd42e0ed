"""What Yofi knows of a shop: returns and what its models think of them, customers, claims, notifications.

Returns are made of orders that were shipped; a few customers return nearly all they buy and are marked for it. Late
returns (an old order, sent back yesterday) do not touch the order's ``updatedAt``, as in Shopify. Writes Yofi's
resources as the sandbox stores them and, of an order, its ``returnStatus``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox import people
from airflow_provider_partners.sandbox.chance import hexadecimal, stream, uuid
from airflow_provider_partners.sandbox.order_lines import Merchant
from airflow_provider_partners.sandbox.order_totals import fulfilled
from airflow_provider_partners.sandbox.seed_predictions import (
    CLAIM_REASONS,
    RETURN_REASONS,
    RETURN_STATES,
    TEMPLATES,
    customer_prediction,
    model_predictions,
    return_prediction,
)
from airflow_provider_partners.sandbox.state import Document, Store, iso

PARTNER = "yofi"
ORGANIZATION_ID = "org-sandbox"
_RETURN_SHARE = 0.15
_CLAIM_SHARE = 0.05
_LATE_RETURNS = 2
_LATE_AFTER = timedelta(days=45)


@dataclass
class Dossier:
    """Yofi's documents of one shop, as ``(id, at, document)`` per kind.

    :param merchant: whose
    :param orders: its orders, some of which get a ``returnStatus``
    """

    merchant: Merchant
    orders: list[Document]
    chance: Random
    kinds: dict[str, list[tuple[str, str, Document]]] = field(default_factory=dict)
    customer_ids: dict[str, str] = field(default_factory=dict)

    def add(
        self, kind: str, type_: str, id_: str, at: datetime, attributes: Document, **relationships: object
    ) -> list[str]:
        """Keep a document; its reference."""
        body = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships}
        self.kinds.setdefault(kind, []).append((id_, iso(at), body))
        return [kind, id_]

    @property
    def shop(self) -> str:
        """The shop's domain, which is Yofi's ``app_id``."""
        return self.merchant.shop.domain


def compile_dossier(seed: int, merchant: Merchant, orders: list[Document]) -> Dossier:
    """All that Yofi knows of a shop and its orders."""
    dossier = Dossier(merchant, orders, stream(seed, "yofi", merchant.shop.domain))
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
        _add_return(dossier, order, app, abuser=_customer_id(order) in abusers)
    _add_late_returns(dossier, app)
    _add_claims(dossier)
    _add_notifications(dossier)
    return dossier


def store(store: Store, dossier: Dossier) -> None:
    """Write it down."""
    for kind, rows in dossier.kinds.items():
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


def _add_order(dossier: Dossier, order: Document) -> None:
    facts = _order_facts(order, dossier.chance)
    dossier.add("order", "EcommerceOrder", order["legacyResourceId"], _moment(order["createdAt"]), facts["attributes"])


def _add_customer(dossier: Dossier, customer: Document, *, abuser: bool) -> None:
    chance, number = dossier.chance, customer["legacyResourceId"]
    id_, at = uuid(chance), _moment(customer["createdAt"])
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


def _returned(dossier: Dossier, abusers: set[str]) -> list[Document]:
    """The orders of which something comes back: refunded ones, most of the abusers', then others."""
    chance = dossier.chance
    able = list(_returnable(dossier.orders))
    wanted = round(len(dossier.orders) * _RETURN_SHARE)
    first = [order for order in able if order["refunds"]]
    first += [
        order for order in able if order not in first and _customer_id(order) in abusers and chance.random() < 0.8
    ]
    others = [order for order in able if order not in first]
    chance.shuffle(others)
    return first + others[: max(0, wanted - len(first))]


def _returnable(orders: Iterable[Document]) -> Iterable[Document]:
    """Orders with a known customer of which something was delivered."""
    for order in orders:
        if (
            order["customer"]
            and not order["test"]
            and not order["cancelledAt"]
            and fulfilled(order).total()
            and any(line["product"] for line in order["lineItems"])
        ):
            yield order


def _add_return(
    dossier: Dossier, order: Document, app: list[str], *, abuser: bool, created: datetime | None = None
) -> None:
    chance = dossier.chance
    state = "refunded" if order["refunds"] else chance.choice(list(RETURN_STATES))
    if created is None:
        created = _return_time(dossier, order)
    elif not order["refunds"]:
        state = "requested"
    order["returnStatus"] = RETURN_STATES[state]
    id_, number = f"ret_{uuid(chance)}", _customer_id(order)
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
        "order_created_at_epoch": _epoch(_moment(order["createdAt"])),
        "return_created_at_epoch": _epoch(created),
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


def _add_late_returns(dossier: Dossier, app: list[str]) -> None:
    """Old orders that came back these days."""
    now = dossier.merchant.now
    old = [
        order
        for order in _returnable(dossier.orders)
        if order["returnStatus"] == "NO_RETURN" and now - _moment(order["createdAt"]) > _LATE_AFTER
    ]
    for order in old[:_LATE_RETURNS]:
        _add_return(dossier, order, app, abuser=False, created=now - timedelta(hours=dossier.chance.uniform(1, 40)))


def _add_claims(dossier: Dossier) -> None:
    """Some buyers say that something is missing or broken; every other time a second order is in it."""
    chance = dossier.chance
    able = list(_returnable(dossier.orders))
    claimed = chance.sample(able, k=min(len(able), max(2, round(len(dossier.orders) * _CLAIM_SHARE))))
    for order in claimed:
        same = [row for row in able if _customer_id(row) == _customer_id(order) and row is not order]
        created = _after(dossier, order, chance.uniform(1, 200))
        claim = f"clm_{uuid(chance)}"
        items = [_claim_item(row, chance) for row in (order, *same[: chance.randint(0, 1)])]
        attributes = {
            "entity_id": claim,
            "customer_id": _customer_id(order),
            "claim_items": items,
            "created_at_epoch": _epoch(created),
        }
        dossier.add("claim", "Claim", claim, created, attributes)


def _claim_item(order: Document, chance: Random) -> Document:
    line = next(line for line in order["lineItems"] if line["product"])
    return {
        "order_id": order["legacyResourceId"],
        "order_name": order["name"],
        "line_item_id": line["id"].rpartition("/")[2],
        "product_id": line["product"]["id"].rpartition("/")[2],
        "quantity": 1,
        "reason": chance.choice(CLAIM_REASONS),
    }


def _add_notifications(dossier: Dossier) -> None:
    chance, now = dossier.chance, dossier.merchant.now
    for _ in range(max(5, len(dossier.orders) // 3)):
        created = now - timedelta(hours=chance.uniform(0.5, 24 * 120))
        id_ = f"ntf_{uuid(chance)}"
        dossier.add(
            "notification_event",
            "NotificationEvent",
            id_,
            created,
            {"entity_id": id_, "notify_template_id": chance.choice(TEMPLATES), "created_at": iso(created)},
        )


def _return_time(dossier: Dossier, order: Document) -> datetime:
    """When the buyer asked to send it back: a day before the refund, or some time after the order's last news."""
    if order["refunds"]:
        refund = _moment(order["refunds"][-1]["createdAt"])
        return max(_moment(order["createdAt"]), refund - timedelta(hours=18))
    return _after(dossier, order, dossier.chance.uniform(10, 500))


def _after(dossier: Dossier, order: Document, hours: float) -> datetime:
    """So many hours after the order's last news, but not in the time to come."""
    latest = dossier.merchant.now - timedelta(minutes=30)
    return max(_moment(order["createdAt"]), min(latest, _moment(order["updatedAt"]) + timedelta(hours=hours)))


def _customer_id(order: Document) -> str:
    return str(order["customer"]["legacyResourceId"]) if order["customer"] else ""


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _epoch(moment: datetime) -> int:
    return int(moment.timestamp())
