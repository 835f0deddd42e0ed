"""Which products of an order a return is about, as far as its ``meta_data`` names them.

Yofi doesn't document the content of ``meta_data``: the tables list the names returns portals use. A return of which one
item can't be recognised names nothing, so that the whole order is taken rather than too little of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.values import decode_json, id_tail, items, shopify_id, text

ITEM_LISTS = ("line_items", "return_line_items", "returned_items", "return_items", "items", "products")
"""Keys of ``meta_data`` that may hold the items."""

ITEM_IDS = ("line_item_id", "order_line_item_id", "product_id", "variant_id", "id")
"""Keys of an item that may identify it, the surest first; ``sku`` comes last."""


def returned_products(record: Record, order: Record) -> frozenset[str]:
    """The products (external ids) that a return names; empty where it names none, or one that isn't in the order."""
    known = _products_by_any_id(order)
    found = set()
    for identities in _item_ids(decode_json(record.get("meta_data"))):
        product = next((known[identity] for identity in identities if identity in known), None)
        if product is None:
            return frozenset()
        found.add(product)
    return frozenset(found)


def _item_ids(meta: Any) -> Iterator[list[str]]:
    """The identities each item gives of itself."""
    rows: Any = next((meta[name] for name in ITEM_LISTS if meta.get(name)), []) if isinstance(meta, Mapping) else []
    for row in rows if isinstance(rows, list) else []:
        ids = [row.get(name) for name in ITEM_IDS] if isinstance(row, Mapping) else [row]
        # A SKU may hold any character, so nothing of it is cut off.
        sku = text(row.get("sku")) if isinstance(row, Mapping) else None
        yield [identity for identity in [*map(id_tail, ids), sku] if identity]


def _products_by_any_id(order: Record) -> dict[str, str]:
    """The parent product of each line by the ids of line, product and variant, and by SKU where it is one product's."""
    known: dict[str, str] = {}
    ambiguous: set[str] = set()
    for line in items(order.get("lineItems")):
        product = shopify_id(line.get("product"))
        if not product:
            continue
        own = (
            id_tail(line.get("id")),
            product,
            shopify_id(line.get("variant")),
            text(line.get("sku")) or text(get_path(line, "variant.sku")),
        )
        for identity in filter(None, own):
            if known.setdefault(identity, product) != product:
                ambiguous.add(identity)
    return {identity: product for identity, product in known.items() if identity not in ambiguous}
