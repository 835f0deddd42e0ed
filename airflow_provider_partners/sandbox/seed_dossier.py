"""Yofi's file on one shop while it is compiled, with its claims and notifications.

:mod:`~airflow_provider_partners.sandbox.seed_yofi` adds customers and returns to it. Knows nothing of how records are
stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.chance import uuid
from airflow_provider_partners.sandbox.order_lines import Merchant
from airflow_provider_partners.sandbox.order_totals import fulfilled
from airflow_provider_partners.sandbox.seed_predictions import CLAIM_REASONS, TEMPLATES
from airflow_provider_partners.sandbox.state import Document, iso

_CLAIM_SHARE = 0.05


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


def returnable(orders: Iterable[Document]) -> Iterable[Document]:
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


def add_claims(dossier: Dossier) -> None:
    """Some buyers say that something is missing or broken; every other time a second order is in it."""
    chance = dossier.chance
    able = list(returnable(dossier.orders))
    claimed = chance.sample(able, k=min(len(able), max(2, round(len(dossier.orders) * _CLAIM_SHARE))))
    for order in claimed:
        same = [row for row in able if customer_id(row) == customer_id(order) and row is not order]
        created = after(dossier, order, chance.uniform(1, 200))
        claim = f"clm_{uuid(chance)}"
        add_claim(dossier, [order, *same[: chance.randint(0, 1)]], created, id_=claim)


def add_claim(dossier: Dossier, orders: list[Document], created: datetime, *, id_: str | None = None) -> None:
    """Keep a claim of the buyer of some orders."""
    claim = id_ or f"clm_{uuid(dossier.chance)}"
    attributes = {
        "entity_id": claim,
        "customer_id": customer_id(orders[0]),
        "claim_items": [_claim_item(order, dossier.chance) for order in orders],
        "created_at_epoch": epoch(created),
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


def add_notifications(dossier: Dossier) -> None:
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


def after(dossier: Dossier, order: Document, hours: float) -> datetime:
    """So many hours after the order's last news, but not in the time to come."""
    latest = dossier.merchant.now - timedelta(minutes=30)
    return max(moment(order["createdAt"]), min(latest, moment(order["updatedAt"]) + timedelta(hours=hours)))


def customer_id(order: Document) -> str:
    """The Shopify id of who bought it, nothing for a guest."""
    return str(order["customer"]["legacyResourceId"]) if order["customer"] else ""


def moment(text: str) -> datetime:
    """A time as Shopify writes it."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def epoch(at: datetime) -> int:
    """A time as Yofi counts it: in whole seconds."""
    return int(at.timestamp())
