"""Yofi's records of one shop while they are made, and which orders a return or claim may name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.orders.totals import fulfilled_quantities


@dataclass
class ShopRecords:
    """Yofi's documents of one shop, as ``(id, timestamp, document)`` by kind.

    :param merchant: the shop with its customers
    :param orders: the shop's orders; some get a ``returnStatus``
    :param customer_ids: Yofi's customer id by Shopify's customer id
    """

    merchant: Merchant
    orders: list[Document]
    rng: Random
    documents_by_kind: dict[str, list[tuple[str, str, Document]]] = field(default_factory=dict)
    customer_ids: dict[str, str] = field(default_factory=dict)

    def add(
        self, kind: str, type_: str, id_: str, created: datetime, attributes: Document, **relationships: object
    ) -> list[str]:
        """Add a document and return its reference, ``[kind, id]``."""
        document = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships}
        self.documents_by_kind.setdefault(kind, []).append((id_, format_timestamp(created), document))
        return [kind, id_]

    @property
    def shop(self) -> str:
        """The shop's domain, which Yofi calls ``app_id``."""
        return self.merchant.shop.domain


def returnable(orders: Iterable[Document]) -> Iterable[Document]:
    """Yield the orders of known customers from which something was shipped."""
    for order in orders:
        if (
            order["customer"]
            and not order["test"]
            and not order["cancelledAt"]
            and fulfilled_quantities(order).total()
            and any(line["product"] for line in order["lineItems"])
        ):
            yield order


def hours_after_update(shop_records: ShopRecords, order: Document, hours: float) -> datetime:
    """Return a time some hours after the order's last update, at the latest half an hour ago."""
    latest = shop_records.merchant.now - timedelta(minutes=30)
    return max(
        datetime.fromisoformat(order["createdAt"]),
        min(latest, datetime.fromisoformat(order["updatedAt"]) + timedelta(hours=hours)),
    )


def customer_id(order: Document) -> str:
    """Return the Shopify id of the buyer, or ``""`` for a guest."""
    return str(order["customer"]["legacyResourceId"]) if order["customer"] else ""
