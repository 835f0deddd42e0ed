"""The connections at the root of the Admin API: what each lists, how it is searched, sorted and counted.

One entry a list. The search fields follow the argument descriptions of the schema, the sort keys its enums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, Info, Resolver
from airflow_provider_partners.sandbox.shopify_admin import sorting
from airflow_provider_partners.sandbox.shopify_admin.documents import Entries
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest, Finder
from airflow_provider_partners.sandbox.shopify_admin.search import fields, more_fields
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filters
from airflow_provider_partners.sandbox.shopify_admin.sorting import SortValue

Keep = Callable[[Document, Arguments], bool]


def _keep_all(_document: Document, _arguments: Arguments) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class RootList:
    """One connection at the root.

    :param kind: the kind of its documents
    :param keep: whether an argument such as ``includeClosed`` lets a document in
    :param bulk: whether its nodes implement ``Node``, as those of a bulk operation must
    """

    kind: str
    filters: Filters
    sorts: Mapping[str, SortValue]
    count: str = ""
    keep: Keep = _keep_all
    bulk: bool = True

    def entries(self, request: AdminRequest, arguments: Arguments) -> Entries:
        """Return the documents that the arguments let in."""
        every = request.documents.every(self.kind)
        if self.keep is _keep_all:
            return every
        documents = [document for document in every.documents if self.keep(document, arguments)]
        choice = tuple(arguments.get(name) for name in ("includeClosed", "includeInactive", "includeLegacy"))
        return Entries(kind=self.kind, documents=documents, revision=(every.revision, choice))

    def resolve(self, request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Any:
        """Return a page of the list."""
        arguments = {"sortKey": "ID", **arguments}
        return request.list_connection(
            self.entries(request, arguments), info, arguments, filters=self.filters, sorts=self.sorts
        )

    def resolve_count(self, request: AdminRequest, _source: Any, info: Info, arguments: Arguments) -> Document:
        """Count a search. Some counts know fewer search fields than their list."""
        filters = more_fields.COUNTS.get(self.count, self.filters)
        return request.count_matches(self.entries(request, {"includeClosed": True}), info, arguments, filters)


def _is_current_order(document: Document, arguments: Arguments) -> bool:
    return bool(arguments.get("includeClosed")) or document["status"] not in {"CLOSED", "CANCELLED"}


def _is_current_location(document: Document, arguments: Arguments) -> bool:
    if document["isFulfillmentService"] and not arguments.get("includeLegacy"):
        return False
    return document["isActive"] or bool(arguments.get("includeInactive"))


LISTS: Mapping[str, RootList] = {
    "customers": RootList(
        kind="customer", filters=more_fields.CUSTOMERS, sorts=sorting.CUSTOMERS, count="customersCount"
    ),
    "draftOrders": RootList(
        kind="draft_order", filters=more_fields.DRAFT_ORDERS, sorts=sorting.DRAFT_ORDERS, count="draftOrdersCount"
    ),
    "abandonedCheckouts": RootList(
        kind="abandoned_checkout",
        filters=more_fields.ABANDONED_CHECKOUTS,
        sorts=sorting.ABANDONED_CHECKOUTS,
        count="abandonedCheckoutsCount",
    ),
    "fulfillmentOrders": RootList(
        kind="fulfillment_order",
        filters=more_fields.FULFILLMENT_ORDERS,
        sorts=sorting.FULFILLMENT_ORDERS,
        keep=_is_current_order,
    ),
    "collections": RootList(
        kind="collection", filters=more_fields.COLLECTIONS, sorts=sorting.COLLECTIONS, count="collectionsCount"
    ),
    "productVariants": RootList(kind="product_variant", filters=more_fields.VARIANTS, sorts=sorting.VARIANTS),
    "locations": RootList(
        kind="location", filters=more_fields.LOCATIONS, sorts=sorting.LOCATIONS, keep=_is_current_location
    ),
    "discountNodes": RootList(
        kind="discount", filters=more_fields.DISCOUNTS, sorts=sorting.DISCOUNTS, count="discountNodesCount"
    ),
    "events": RootList(kind="event", filters=more_fields.EVENTS, sorts=sorting.EVENTS, count="eventsCount", bulk=False),
}

NODE_KINDS: Mapping[str, str] = {
    "DraftOrder": "draft_order",
    "AbandonedCheckout": "abandoned_checkout",
    "FulfillmentOrder": "fulfillment_order",
    "Collection": "collection",
    "Location": "location",
    "InventoryLevel": "inventory_level",
    "DiscountNode": "discount",
    "BasicEvent": "event",
    "CommentEvent": "event",
}
"""The kind of the documents that have an id of a type."""

BULK_FIELDS = tuple(name for name, each in LISTS.items() if each.bulk)


def inventory_levels(request: AdminRequest, source: Document, info: Info, arguments: Arguments) -> list[Document]:
    """Return the inventory levels of a location, in the order of their ids."""
    search = request.search(info, arguments, fields.INVENTORY_LEVELS)
    return [
        level
        for level in request.documents.every("inventory_level").documents
        if level["location"]["id"] == source["id"]
        and (level["isActive"] or arguments.get("includeInactive"))
        and search.matches(level)
    ]


def _owned(request: AdminRequest, source: Document, _info: Info, arguments: Arguments) -> list[Document]:
    """Return the metafields of an object, each with its owner."""
    namespace, keys = arguments.get("namespace"), arguments.get("keys")
    return [
        owned_metafield(each, source)
        for each in source.get("metafields") or ()
        if (namespace is None or each["namespace"] == namespace)
        and (keys is None or f"{each['namespace']}.{each['key']}" in keys)
    ]


def find_metafield(request: AdminRequest, gid: str) -> Document | None:
    """Return a metafield by its id."""
    found = request.documents.metafield(gid)
    return owned_metafield(*found) if found else None


def find_stored(kind: str) -> Finder:
    """Return a function that finds a document of a kind by its id."""
    return lambda request, gid: request.documents.find(kind, gid)


FINDERS: Mapping[str, Finder] = {
    **{type_name: find_stored(kind) for type_name, kind in NODE_KINDS.items()},
    "Metafield": find_metafield,
}
"""How an object of a type is found by its id."""


def owned_metafield(metafield: Document, owner: Document) -> Document:
    """Return a metafield with its owner, and the kind of the owner."""
    kind = str(owner["id"]).split("/")[-2]
    return {**metafield, "owner": {"__typename": kind, **owner}, "ownerType": _OWNER_TYPES[kind]}


_OWNER_TYPES = {
    "Order": "ORDER",
    "DraftOrder": "DRAFTORDER",
    "Customer": "CUSTOMER",
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCTVARIANT",
    "Collection": "COLLECTION",
    "Location": "LOCATION",
    "Shop": "SHOP",
}


def _read(type_name: str) -> Resolver:
    return lambda request, _source, _info, arguments: request.read_object(arguments["id"], type_name)


def _referenced(name: str, type_name: str) -> Resolver:
    """Return a resolver for a reference to another document; ``None`` if there is none."""

    def resolve(request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document | None:
        reference = source.get(name)
        return request.read_object(reference["id"], type_name) if reference else None

    return resolve


def _parent_transaction(
    _request: AdminRequest, source: Document, _info: Info, _arguments: Arguments
) -> Document | None:
    reference = source.get("parentTransaction")
    return reference if isinstance(reference, dict) else None


def _quantities(_request: AdminRequest, source: Document, _info: Info, arguments: Arguments) -> list[Document]:
    by_name = {each["name"]: each for each in source["quantities"]}
    return [by_name[name] for name in arguments["names"] if name in by_name]


def _codes_count(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document:
    return {"count": len(source.get("codes") or ()), "precision": "EXACT"}


def _members(request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> list[Document]:
    found = (request.documents.product(each["id"]) for each in source.get("products") or ())
    return [product for product in found if product]


def _members_count(_request: AdminRequest, source: Document, _info: Info, _arguments: Arguments) -> Document:
    return {"count": len(source.get("products") or ()), "precision": "EXACT"}


_CODE_TYPES = ("DiscountCodeApp", "DiscountCodeBasic", "DiscountCodeBxgy", "DiscountCodeFreeShipping")

TABLE: dict[tuple[str, str], Resolver] = {
    **{("QueryRoot", name): each.resolve for name, each in LISTS.items()},
    **{("QueryRoot", each.count): each.resolve_count for each in LISTS.values() if each.count},
    ("QueryRoot", "draftOrder"): _read("DraftOrder"),
    ("QueryRoot", "collection"): _read("Collection"),
    ("QueryRoot", "location"): _read("Location"),
    ("QueryRoot", "inventoryLevel"): _read("InventoryLevel"),
    ("QueryRoot", "fulfillmentOrder"): _read("FulfillmentOrder"),
    ("QueryRoot", "discountNode"): _read("DiscountNode"),
    ("QueryRoot", "refund"): _read("Refund"),
    ("Location", "inventoryLevels"): inventory_levels,
    ("InventoryLevel", "location"): _referenced("location", "Location"),
    ("InventoryLevel", "quantities"): _quantities,
    ("DraftOrder", "order"): _referenced("order", "Order"),
    ("FulfillmentOrder", "order"): _referenced("order", "Order"),
    ("FulfillmentOrderAssignedLocation", "location"): _referenced("location", "Location"),
    ("OrderTransaction", "parentTransaction"): _parent_transaction,
    ("Collection", "products"): _members,
    ("Collection", "productsCount"): _members_count,
    **{(kind, "codesCount"): _codes_count for kind in _CODE_TYPES},
    **{(owner, "metafields"): _owned for owner in _OWNER_TYPES},
}
