"""One shop's orders and products, as one request sees them: joined, and cut to what the app may see.

Orders carry their line items, fulfillments and refunds inside; products stand apart and are joined by id. This module
must not know search, pages or GraphQL.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_partners.sandbox.store import Store, format_timestamp

Document = dict[str, Any]
PARTNER = "shopify_admin"
#: ``read_orders`` alone gives the orders of the last 60 days; older ones are absent, without an error.
RECENT = timedelta(days=60)


#: What an order is searched and sorted by: enough to find it without reading it.
_ORDER_KEYS = (
    "id",
    "name",
    "number",
    "createdAt",
    "updatedAt",
    "processedAt",
    "cancelledAt",
    "closedAt",
    "test",
    "displayFinancialStatus",
    "displayFulfillmentStatus",
    "returnStatus",
    "email",
    "note",
    "poNumber",
    "sourceName",
    "sourceIdentifier",
    "confirmationNumber",
    "tags",
    "paymentGatewayNames",
    "discountCodes",
    "totalPriceSet",
    "currentTotalPriceSet",
)
_CUSTOMER_KEYS = ("id", "firstName", "lastName", "displayName")


def _object(names: Iterable[str], source: str = "body", place: str = "$") -> str:
    """SQL that makes a JSON object of some members of another."""
    return f"json_object({', '.join(_member(name, source, f'{place}.{name}') for name in names)})"


def _member(name: str, source: str, place: str) -> str:
    return f"'{name}', json_extract({source}, '{place}')"


def _objects(name: str, names: Iterable[str]) -> str:
    """SQL that makes a JSON array of some members of the objects in an array."""
    made = _object(names, "each.value")
    return f"(SELECT json_group_array({made}) FROM json_each(body, '$.{name}') AS each)"  # noqa: S608


#: SQL, because SQLite picks these out of a shop's orders many times as fast as the orders can be parsed.
_ENTRY = f"""
    {", ".join(_member(name, "body", f"$.{name}") for name in _ORDER_KEYS)},
    'customer', {_object(_CUSTOMER_KEYS, place="$.customer")},
    'shippingAddress', {_object(("city",), place="$.shippingAddress")}"""
#: What is inside an order takes as long again, and is seldom asked for.
_CONTENTS = f"""
    'lineItems', {_objects("lineItems", ("id", "sku", "quantity"))},
    'fulfillments', {_objects("fulfillments", ("id",))},
    'refunds', {_objects("refunds", ("id",))}"""
ORDER_ENTRY = f"json_object({_ENTRY})"
ORDER_WITH_CONTENTS = f"json_object({_ENTRY},{_CONTENTS})"


@dataclass(frozen=True, kw_only=True)
class Entries:
    """All there is of one kind, as far as it is needed to search and sort it. Read only.

    :param documents: of each document the fields by which it is found; :meth:`ShopDocuments.load` has the documents
    :param revision: another one once any of it has changed
    """

    kind: str
    documents: Sequence[Document]
    revision: Hashable

    def of_customer(self, gid: str) -> Entries:
        """The orders of one customer."""
        rows = [row for row in self.documents if row["customer"]["id"] == gid]
        return replace(self, documents=rows, revision=(self.revision, gid))


class ShopDocuments:
    """What one request reads of one shop.

    :param created_since: orders created before are invisible
    """

    def __init__(self, store: Store, shop: str, *, created_since: datetime | None = None) -> None:
        self._store = store
        self._shop = shop
        self._since = format_timestamp(created_since) if created_since else ""
        self._products: dict[str, Document | None] = {}
        self._variants: dict[str, dict[str, Document]] = {}

    def shop(self) -> Document:
        """The shop's own document."""
        return self._store.get(PARTNER, self._shop, "shop", self._shop) or {}

    def orders(self, *, contents: bool = False) -> Entries:
        """Every order the app may see.

        :param contents: with the ids of its line items, fulfillments and refunds, and the lines' SKUs and quantities
        """
        revision = (self._store.revision(PARTNER, self._shop, "order"), self._since)
        rows = self._store.cached(PARTNER, self._shop, "order", shape=ORDER_WITH_CONTENTS if contents else ORDER_ENTRY)
        return Entries(
            kind="order",
            documents=[row for row in rows if self._visible(row)] if self._since else rows,
            revision=revision,
        )

    def products(self) -> Entries:
        """Every product."""
        revision = self._store.revision(PARTNER, self._shop, "product")
        return Entries(kind="product", documents=self._store.cached(PARTNER, self._shop, "product"), revision=revision)

    def load(self, kind: str, rows: Iterable[Document]) -> Iterator[Document]:
        """The documents that entries stand for, in their order, read a few at a time."""
        return self._store.iterate(PARTNER, self._shop, kind, (row["id"] for row in rows))

    def order(self, gid: str) -> Document | None:
        """One order."""
        order = self._store.get(PARTNER, self._shop, "order", gid)
        return order if order and self._visible(order) else None

    def product(self, gid: str) -> Document | None:
        """One product, ``None`` when it was deleted; read once a request."""
        if gid not in self._products:
            self._products[gid] = self._store.get(PARTNER, self._shop, "product", gid)
        return self._products[gid]

    def variant(self, gid: str, product_gid: str | None = None) -> Document | None:
        """One variant, with its product in it; ``product_gid`` spares the look through all products."""
        if product_gid is None:
            every = (variant for product in self.products().documents for variant in variants_with_product(product))
            return next((variant for variant in every if variant["id"] == gid), None)
        if product_gid not in self._variants:
            product = self.product(product_gid)
            self._variants[product_gid] = (
                {each["id"]: each for each in variants_with_product(product)} if product else {}
            )
        return self._variants[product_gid].get(gid)

    def inside_orders(self, name: str, gid: str) -> Document | None:
        """A line item, fulfillment or refund by id, wherever it is."""
        holder = self._store.parent_ids(PARTNER, self._shop, "order", name).get(gid)
        order = self.order(holder) if holder else None
        return (
            next((item for item in contents_with_order(order, name) if item.get("id") == gid), None) if order else None
        )

    def customer(self, gid: str) -> Document | None:
        """A customer: their own document, else as the newest order that mentions them has them."""
        if stored := self._store.get(PARTNER, self._shop, "customer", gid):
            return stored
        found = [entry["id"] for entry in self.orders().documents if entry["customer"]["id"] == gid]
        order = self.order(found[-1]) if found else None
        return order["customer"] if order else None

    def _visible(self, order: Document) -> bool:
        return str(order.get("createdAt", "")) >= self._since


def contents_with_order(order: Document, name: str) -> list[Document]:
    """The documents of one list of an order, each knowing the order it belongs to."""
    return [{**item, "order": order} for item in order.get(name) or ()]


def variants_with_product(product: Document) -> list[Document]:
    """The variants of a product, each knowing the product it belongs to."""
    return [{**variant, "product": product} for variant in product.get("variants") or ()]
