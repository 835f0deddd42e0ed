"""One shop's documents as one request sees them: joined, and limited to what the app may see.

Orders contain their line items, fulfillments and refunds; products are separate documents, joined by id.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_partners.sandbox.store import Store, format_timestamp

Document = dict[str, Any]
PARTNER = "shopify_admin"
#: ``read_orders`` alone gives access to the orders of the last 60 days; older ones are absent, without an error.
RECENT = timedelta(days=60)


#: The members of an order that searches and sorts need.
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
    """Return SQL that builds a JSON object from some members of another."""
    return f"json_object({', '.join(_member(name, source, f'{place}.{name}') for name in names)})"


def _member(name: str, source: str, place: str) -> str:
    return f"'{name}', json_extract({source}, '{place}')"


def _objects(name: str, names: Iterable[str]) -> str:
    """Return SQL that builds a JSON array from some members of the objects in an array."""
    made = _object(names, "each.value")
    return f"(SELECT json_group_array({made}) FROM json_each(body, '$.{name}') AS each)"  # noqa: S608


#: SQL, because SQLite extracts these members much faster than Python parses the orders.
_ENTRY = f"""
    {", ".join(_member(name, "body", f"$.{name}") for name in _ORDER_KEYS)},
    'customer', {_object(_CUSTOMER_KEYS, place="$.customer")},
    'shippingAddress', {_object(("city",), place="$.shippingAddress")}"""
#: The contents of an order take as long again, and few searches need them.
_CONTENTS = f"""
    'lineItems', {_objects("lineItems", ("id", "sku", "quantity"))},
    'fulfillments', {_objects("fulfillments", ("id",))},
    'refunds', {_objects("refunds", ("id",))}"""
ORDER_ENTRY = f"json_object({_ENTRY})"
ORDER_WITH_CONTENTS = f"json_object({_ENTRY},{_CONTENTS})"


@dataclass(frozen=True, kw_only=True)
class Entries:
    """All documents of one kind, with the fields that searches and sorts need. Read only.

    :param documents: the search fields of each document; :meth:`ShopDocuments.load` reads the whole documents
    :param revision: changes with any of the documents
    """

    kind: str
    documents: Sequence[Document]
    revision: Hashable

    def of_customer(self, gid: str) -> Entries:
        """Return the orders of one customer."""
        documents = [document for document in self.documents if document["customer"]["id"] == gid]
        return replace(self, documents=documents, revision=(self.revision, gid))


class ShopDocuments:
    """What one request can read of one shop.

    :param created_since: earlier orders are invisible
    """

    def __init__(self, store: Store, shop: str, *, created_since: datetime | None = None) -> None:
        self._store = store
        self._shop = shop
        self._since = format_timestamp(created_since) if created_since else ""
        self._products: dict[str, Document | None] = {}
        self._variants: dict[str, dict[str, Document]] = {}

    def shop(self) -> Document:
        """Return the shop's own document."""
        return self._store.get(PARTNER, self._shop, "shop", self._shop) or {}

    def orders(self, *, contents: bool = False) -> Entries:
        """Return every order that the app may see.

        :param contents: include the ids of line items, fulfillments and refunds, and the lines' SKUs and quantities
        """
        revision = (self._store.revision(PARTNER, self._shop, "order"), self._since)
        documents = self._store.cached(
            PARTNER, self._shop, "order", shape=ORDER_WITH_CONTENTS if contents else ORDER_ENTRY
        )
        return Entries(
            kind="order",
            documents=[document for document in documents if self._visible(document)] if self._since else documents,
            revision=revision,
        )

    def products(self) -> Entries:
        """Return every product."""
        revision = self._store.revision(PARTNER, self._shop, "product")
        return Entries(kind="product", documents=self._store.cached(PARTNER, self._shop, "product"), revision=revision)

    def every(self, kind: str) -> Entries:
        """Return every document of a kind; a variant is part of its product."""
        if kind == "product_variant":
            products = self.products()
            variants = [variant for product in products.documents for variant in variants_with_product(product)]
            return Entries(kind=kind, documents=variants, revision=products.revision)
        revision = self._store.revision(PARTNER, self._shop, kind)
        return Entries(kind=kind, documents=self._store.cached(PARTNER, self._shop, kind), revision=revision)

    def find(self, kind: str, gid: str) -> Document | None:
        """Return one document of a kind."""
        return self._store.get(PARTNER, self._shop, kind, gid)

    def load(self, kind: str, documents: Iterable[Document]) -> Iterator[Document]:
        """Yield the whole documents of entries, in their order, read in chunks."""
        if kind == "product_variant":
            return iter(list(documents))
        return self._store.iterate(PARTNER, self._shop, kind, (document["id"] for document in documents))

    def order(self, gid: str) -> Document | None:
        """Return one order."""
        order = self._store.get(PARTNER, self._shop, "order", gid)
        return order if order and self._visible(order) else None

    def product(self, gid: str) -> Document | None:
        """Return one product, or ``None`` if it was deleted; each request reads it once."""
        if gid not in self._products:
            self._products[gid] = self._store.get(PARTNER, self._shop, "product", gid)
        return self._products[gid]

    def variant(self, gid: str, product_gid: str | None = None) -> Document | None:
        """Return one variant, with its product; ``product_gid`` saves the search in all products."""
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
        """Return a line item, fulfillment, refund or transaction by id, from the order that contains it."""
        holder = self._store.parent_ids(PARTNER, self._shop, "order", name).get(gid)
        order = self.order(holder) if holder else None
        return (
            next((item for item in contents_with_order(order, name) if item.get("id") == gid), None) if order else None
        )

    def metafield(self, gid: str) -> tuple[Document, Document] | None:
        """Return a metafield and the object that has it."""
        for kind in _OWNER_KINDS:
            holder = self._store.parent_ids(PARTNER, self._shop, kind, "metafields").get(gid)
            if holder:
                return _metafield_of(self.order(holder) if kind == "order" else self.find(kind, holder), gid)
        variants = self.every("product_variant").documents
        return next((found for variant in variants if (found := _metafield_of(variant, gid))), None)

    def customer(self, gid: str) -> Document | None:
        """Return a customer: their own document, or the customer data of their newest order."""
        if stored := self._store.get(PARTNER, self._shop, "customer", gid):
            return stored
        order_ids = [entry["id"] for entry in self.orders().documents if entry["customer"]["id"] == gid]
        order = self.order(order_ids[-1]) if order_ids else None
        return order["customer"] if order else None

    def _visible(self, order: Document) -> bool:
        return str(order.get("createdAt", "")) >= self._since


_OWNER_KINDS = ("product", "order", "customer", "draft_order", "collection", "location", "shop")
"""The kinds of documents that have metafields."""


def _metafield_of(owner: Document | None, gid: str) -> tuple[Document, Document] | None:
    metafields = (owner or {}).get("metafields") or ()
    return next(((each, owner) for each in metafields if owner and each["id"] == gid), None)


def contents_with_order(order: Document, name: str) -> list[Document]:
    """Return the objects in one of an order's lists, each with a reference to the order."""
    return [{**item, "order": order} for item in order.get(name) or ()]


def variants_with_product(product: Document) -> list[Document]:
    """Return the variants of a product, each with a reference to the product."""
    return [{**variant, "product": product} for variant in product.get("variants") or ()]
