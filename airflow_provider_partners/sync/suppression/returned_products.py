"""Which products of an order a return is about, if its ``meta_data`` names them.

Yofi doesn't document the content of ``meta_data``. The tables list the names that returns portals use. If one item of a
return is not recognised, the return counts for the whole order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_partners.records import Record, get_path
from airflow_provider_partners.sync.values import decode_json, id_tail, items, shopify_id, text

ITEM_LISTS = ("line_items", "return_line_items", "returned_items", "return_items", "items", "products")
"""Keys of ``meta_data`` that may hold the items."""

ITEM_IDS = ("line_item_id", "order_line_item_id", "product_id", "variant_id", "id")
"""Keys of an item that may identify it, the most reliable first. ``sku`` comes last."""


def returned_products(record: Record, order: Record) -> frozenset[str]:
    """Return the products (external ids) that a return names; empty if one of them is not in the order."""
    by_id = _products_by_any_id(order)
    products = set()
    for ids in _item_ids(decode_json(record.get("meta_data"))):
        product = next((by_id[id_] for id_ in ids if id_ in by_id), None)
        if product is None:
            return frozenset()
        products.add(product)
    return frozenset(products)


def _item_ids(meta: Any) -> Iterator[list[str]]:
    """Yield the ids that each item has."""
    items: Any = next((meta[name] for name in ITEM_LISTS if meta.get(name)), []) if isinstance(meta, Mapping) else []
    for item in items if isinstance(items, list) else []:
        ids = [item.get(name) for name in ITEM_IDS] if isinstance(item, Mapping) else [item]
        # A SKU may hold any character, a slash included, so it is used as it is.
        sku = text(item.get("sku")) if isinstance(item, Mapping) else None
        yield [id_ for id_ in [*map(id_tail, ids), sku] if id_]


def _products_by_any_id(order: Record) -> dict[str, str]:
    """Return the parent product of each line by the ids of line, product and variant, and by SKU.

    An id that stands for two products is left out.
    """
    by_id: dict[str, str] = {}
    ambiguous: set[str] = set()
    for line in items(order.get("lineItems")):
        product = shopify_id(line.get("product"))
        if not product:
            continue
        ids = (
            id_tail(line.get("id")),
            product,
            shopify_id(line.get("variant")),
            text(line.get("sku")) or text(get_path(line, "variant.sku")),
        )
        for id_ in filter(None, ids):
            if by_id.setdefault(id_, product) != product:
                ambiguous.add(id_)
    return {id_: product for id_, product in by_id.items() if id_ not in ambiguous}
