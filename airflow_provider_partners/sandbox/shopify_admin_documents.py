"""One shop's orders and products, as one request sees them: joined, and cut to what the app may see.

Orders carry their line items, fulfillments and refunds inside; products stand apart and are joined by id. This module
must not know search, pages or GraphQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_partners.sandbox.state import Store, iso

Document = dict[str, Any]
PARTNER = "shopify_admin"
#: ``read_orders`` alone gives the orders of the last 60 days; older ones are absent, without an error.
RECENT = timedelta(days=60)


class ShopDocuments:
    """What one request reads of one shop.

    :param created_since: orders created before are invisible
    """

    def __init__(self, store: Store, shop: str, *, created_since: datetime | None = None) -> None:
        self._store = store
        self._shop = shop
        self._since = iso(created_since) if created_since else ""
        self._products: dict[str, Document | None] = {}

    def shop(self) -> Document:
        """The shop's own document."""
        return self._store.get(PARTNER, self._shop, "shop", self._shop) or {}

    def orders(self) -> list[Document]:
        """Every order the app may see."""
        return [order for order in self._store.select(PARTNER, self._shop, "order") if self._visible(order)]

    def order(self, gid: str) -> Document | None:
        """One order."""
        order = self._store.get(PARTNER, self._shop, "order", gid)
        return order if order and self._visible(order) else None

    def products(self) -> list[Document]:
        """Every product."""
        return self._store.select(PARTNER, self._shop, "product")

    def product(self, gid: str) -> Document | None:
        """One product, ``None`` when it was deleted; read once a request."""
        if gid not in self._products:
            self._products[gid] = self._store.get(PARTNER, self._shop, "product", gid)
        return self._products[gid]

    def variant(self, gid: str, product_gid: str | None = None) -> Document | None:
        """One variant, with its product in it; ``product_gid`` spares the look through all products."""
        products = self.products() if product_gid is None else [self.product(product_gid)]
        for product in products:
            for variant in variants(product) if product else ():
                if variant["id"] == gid:
                    return variant
        return None

    def inside_orders(self, name: str, gid: str) -> Document | None:
        """A line item, fulfillment or refund by id, wherever it is."""
        return next((item for item in self._all_inside(name) if item.get("id") == gid), None)

    def customer(self, gid: str) -> Document | None:
        """A customer: their own document, else as the newest order that mentions them has them."""
        if stored := self._store.get(PARTNER, self._shop, "customer", gid):
            return stored
        found = [order["customer"] for order in self.orders() if (order.get("customer") or {}).get("id") == gid]
        return found[-1] if found else None

    def _all_inside(self, name: str) -> Iterator[Document]:
        for order in self.orders():
            yield from inside(order, name)

    def _visible(self, order: Document) -> bool:
        return str(order.get("createdAt", "")) >= self._since


def inside(order: Document, name: str) -> list[Document]:
    """The documents of one list of an order, each knowing the order it belongs to."""
    return [{**item, "order": order} for item in order.get(name) or ()]


def variants(product: Document) -> list[Document]:
    """The variants of a product, each knowing the product it belongs to."""
    return [{**variant, "product": product} for variant in product.get("variants") or ()]
