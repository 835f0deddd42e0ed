"""What a Voucherify project knows of a shop's goods: products and SKUs as synchronized from Shopify, collections, and
the locations the shop sells at.

``source_id`` is the Shopify id in digits, as in the vendor's own integrations. Knows nothing of orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from airflow_provider_partners.sandbox.random_streams import uuid
from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
    parse_timestamp,
)

_COLLECTIONS = (("Everything", "AUTO_UPDATE"), ("Spring picks", "STATIC"), ("Gifts under 50", "STATIC"))
_LOCATIONS = (
    ("Portland flagship", "45.5152,-122.6784"),
    ("Austin pop-up", "30.2672,-97.7431"),
    ("Cañon City", "38.4494,-105.2253"),
)


@dataclass(kw_only=True)
class Goods:
    """Voucherify's products and SKUs by the global ids of the Shopify records they were made of."""

    products: dict[str, Document] = field(default_factory=dict)
    skus: dict[str, Document] = field(default_factory=dict)


def minor_units(amount: str) -> int:
    """An amount in hundredths, as Voucherify counts money in any currency.

    >>> minor("7.25")
    725
    """
    return int((Decimal(amount) * 100).to_integral_value())


def add_goods(ledger: SeedRecords, products: Iterable[Document], currency: str) -> Goods:
    """Products and SKUs of what the shop still has, then collections and locations."""
    chance, goods = ledger.random_stream("products"), Goods()
    for shopify in products:
        product = _product(chance, shopify)
        goods.products[shopify["id"]] = product
        variants = [_sku(chance, product, variant, currency) for variant in shopify["variants"]]
        for variant, sku in zip(shopify["variants"], variants, strict=True):
            goods.skus[variant["id"]] = ledger.add("product_skus", sku, scope=product["id"])
        listed = {"object": "list", "data_ref": "data", "data": variants, "total": len(variants)}
        ledger.add("products", product | {"skus": listed})
    _add_collections(ledger, goods)
    _add_locations(ledger)
    return goods


def _product(chance: Random, shopify: Document) -> Document:
    created = parse_timestamp(shopify["createdAt"])
    media = shopify["featuredMedia"]
    return {
        "id": digit_id(chance, "prod", created),
        "source_id": shopify["legacyResourceId"],
        "name": shopify["title"],
        "price": minor_units(shopify["variants"][0]["price"]),
        "attributes": [shopify["variants"][0]["selectedOptions"][0]["name"]],
        "metadata": {"vendor": shopify["vendor"]} if shopify["vendor"] else {},
        "image_url": media and media["preview"]["image"]["url"],
        "created_at": format_timestamp_ms(created),
        "updated_at": format_timestamp_ms(parse_timestamp(shopify["updatedAt"])),
        "object": "product",
    }


def _sku(chance: Random, product: Document, variant: Document, currency: str) -> Document:
    created = parse_timestamp(variant["createdAt"])
    option = variant["selectedOptions"][0]
    return {
        "id": digit_id(chance, "sku", created),
        "source_id": variant["legacyResourceId"],
        "product_id": product["id"],
        "sku": variant["sku"] or variant["title"],
        "price": minor_units(variant["price"]),
        "currency": currency,
        "attributes": {option["name"]: option["value"]},
        "image_url": None,
        "metadata": {},
        "created_at": format_timestamp_ms(created),
        "updated_at": None,
        "object": "sku",
    }


def _add_collections(ledger: SeedRecords, goods: Goods) -> None:
    chance = ledger.random_stream("collections")
    products = list(goods.products.values())
    skus = list(goods.skus.values())
    owners = {row["id"]: row for row in products}
    for place, (name, kind) in enumerate(_COLLECTIONS):
        chosen = products if kind == "AUTO_UPDATE" else [*chance.sample(products, k=5), *chance.sample(skus, k=3)]
        collection: Document = {
            "id": letter_id(chance, "pc"),
            "name": name,
            "type": kind,
            "filter": {"junction": "and", "name": {"conditions": {"$has_value": [True]}}} if not place else None,
            "products": [
                {"id": row["id"], "product_id": row.get("product_id", row["id"]), "object": row["object"]}
                for row in chosen
            ],
            "created_at": format_timestamp_ms(ledger.days_ago(200 - 7 * place)),
            "object": "products_collection",
        }
        if collection["filter"]:
            # What a filter finds is not listed in the collection itself.
            del collection["products"]
        ledger.add("product_collections", collection)
        for row in chosen:
            # The vendor's own SDK takes a list of attributes here for an SKU, too, so there are none to be told.
            own = {"attributes": None, "product": owners[row["product_id"]]} if row["object"] == "sku" else {}
            ledger.add("product_collection_products", row | own, scope=collection["id"])


def _add_locations(ledger: SeedRecords) -> None:
    chance = ledger.random_stream("locations")
    for place, (name, center) in enumerate(_LOCATIONS):
        body = {
            "id": letter_id(chance, "loc"),
            "object": "location",
            "name": name,
            "shape": {"type": "circle", "format": "distance", "distance": {"center": center, "radius": "3 km"}},
            "created_at": format_timestamp_ms(ledger.days_ago(170 - place)),
            "updated_at": format_timestamp_ms(ledger.days_ago(20 - place)) if place else None,
        }
        ledger.add("locations", body)


def assets(chance: Random, code: str) -> Document:
    """The pictures of a code."""
    return {
        name: {"id": (id_ := f"U2FsdGVk{uuid(chance)}"), "url": f"https://dl.example.com/{name}/{id_}/{len(code)}"}
        for name in ("qr", "barcode")
    }
