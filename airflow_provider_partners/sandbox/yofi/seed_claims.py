"""Yofi's file on one shop while it is compiled, with its claims and notifications.

:mod:`~airflow_provider_partners.sandbox.yofi.seed` adds customers and returns to it. Knows nothing of how records are
stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import uuid
from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.orders.totals import fulfilled_quantities
from airflow_provider_partners.sandbox.yofi.seed_predictions import CLAIM_REASONS, TEMPLATES

_CLAIM_SHARE = 0.05


@dataclass
class ShopRecords:
    """Yofi's documents of one shop, as ``(id, at, document)`` per kind.

    :param merchant: whose
    :param orders: its orders, some of which get a ``returnStatus``
    """

    merchant: Merchant
    orders: list[Document]
    rng: Random
    documents_by_kind: dict[str, list[tuple[str, str, Document]]] = field(default_factory=dict)
    customer_ids: dict[str, str] = field(default_factory=dict)

    def add(
        self, kind: str, type_: str, id_: str, at: datetime, attributes: Document, **relationships: object
    ) -> list[str]:
        """Keep a document; its reference."""
        body = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships}
        self.documents_by_kind.setdefault(kind, []).append((id_, format_timestamp(at), body))
        return [kind, id_]

    @property
    def shop(self) -> str:
        """The shop's domain, which is Yofi's ``app_id``."""
        return self.merchant.shop.domain


def returnable(orders: Iterable[Document]) -> Iterable[Document]:
    """Orders with a known customer of which something was delivered."""
    for order in orders:
        if (
            order["customer"]
            and not order["test"]
            and not order["cancelledAt"]
            and fulfilled_quantities(order).total()
            and any(line["product"] for line in order["lineItems"])
        ):
            yield order


def add_claims(dossier: ShopRecords) -> None:
    """Some buyers say that something is missing or broken; every other time a second order is in it."""
    chance = dossier.rng
    able = list(returnable(dossier.orders))
    claimed = chance.sample(able, k=min(len(able), max(2, round(len(dossier.orders) * _CLAIM_SHARE))))
    for order in claimed:
        same = [row for row in able if customer_id(row) == customer_id(order) and row is not order]
        created = hours_after(dossier, order, chance.uniform(1, 200))
        claim = f"clm_{uuid(chance)}"
        add_claim(dossier, [order, *same[: chance.randint(0, 1)]], created, id_=claim)


def add_claim(dossier: ShopRecords, orders: list[Document], created: datetime, *, id_: str | None = None) -> None:
    """Keep a claim of the buyer of some orders."""
    claim = id_ or f"clm_{uuid(dossier.rng)}"
    attributes = {
        "entity_id": claim,
        "customer_id": customer_id(orders[0]),
        "claim_items": [_claim_item(order, dossier.rng) for order in orders],
        "created_at_epoch": to_epoch(created),
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


def add_notifications(dossier: ShopRecords) -> None:
    chance, now = dossier.rng, dossier.merchant.now
    for _ in range(max(5, len(dossier.orders) // 3)):
        created = now - timedelta(hours=chance.uniform(0.5, 24 * 120))
        id_ = f"ntf_{uuid(chance)}"
        dossier.add(
            "notification_event",
            "NotificationEvent",
            id_,
            created,
            {"entity_id": id_, "notify_template_id": chance.choice(TEMPLATES), "created_at": format_timestamp(created)},
        )


def hours_after(dossier: ShopRecords, order: Document, hours: float) -> datetime:
    """So many hours after the order's last news, but not in the time to come."""
    latest = dossier.merchant.now - timedelta(minutes=30)
    return max(
        parse_timestamp(order["createdAt"]), min(latest, parse_timestamp(order["updatedAt"]) + timedelta(hours=hours))
    )


def customer_id(order: Document) -> str:
    """The Shopify id of who bought it, nothing for a guest."""
    return str(order["customer"]["legacyResourceId"]) if order["customer"] else ""


def parse_timestamp(text: str) -> datetime:
    """A time as Shopify writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def to_epoch(at: datetime) -> int:
    """A time as Yofi counts it: in whole seconds."""
    return int(at.timestamp())
