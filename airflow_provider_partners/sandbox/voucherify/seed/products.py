"""The products of a Voucherify project: products and SKUs from Shopify, collections, and the shop's locations.

``source_id`` is the numeric Shopify id, as in the vendor's own integrations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import Random

from airflow_provider_partners.sandbox.random_streams import uuid
from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)

_COLLECTIONS = (("Everything", "AUTO_UPDATE"), ("Spring picks", "STATIC"), ("Gifts under 50", "STATIC"))
_LOCATIONS = (
    ("Portland flagship", "45.5152,-122.6784"),
    ("Austin pop-up", "30.2672,-97.7431"),
    ("Cañon City", "38.4494,-105.2253"),
)


@dataclass(kw_only=True)
class Goods:
    """Voucherify's products and SKUs, by the global ids of their Shopify records."""

    products: dict[str, Document] = field(default_factory=dict)
    skus: dict[str, Document] = field(default_factory=dict)


def minor_units(amount: str) -> int:
    """Return an amount in hundredths, as Voucherify counts money of any currency.

    >>> minor_units("7.25")
    725
    """
    return int((Decimal(amount) * 100).to_integral_value())


def add_goods(seed_records: SeedRecords, products: Iterable[Document], currency: str) -> Goods:
    """Add the products and SKUs that the shop still has, then collections and locations."""
    rng, goods = seed_records.random_stream("products"), Goods()
    for shopify in products:
        product = _product(rng, shopify)
        goods.products[shopify["id"]] = product
        variants = [_sku(rng, product, variant, currency) for variant in shopify["variants"]]
        for variant, sku in zip(shopify["variants"], variants, strict=True):
            goods.skus[variant["id"]] = seed_records.add("product_skus", sku, scope=product["id"])
        skus = {"object": "list", "data_ref": "data", "data": variants, "total": len(variants)}
        seed_records.add("products", product | {"skus": skus})
    _add_collections(seed_records, goods)
    _add_locations(seed_records)
    return goods


def _product(rng: Random, shopify: Document) -> Document:
    created = datetime.fromisoformat(shopify["createdAt"])
    media = shopify["featuredMedia"]
    return {
        "id": digit_id(rng, "prod", created),
        "source_id": shopify["legacyResourceId"],
        "name": shopify["title"],
        "price": minor_units(shopify["variants"][0]["price"]),
        "attributes": [shopify["variants"][0]["selectedOptions"][0]["name"]],
        "metadata": {"vendor": shopify["vendor"]} if shopify["vendor"] else {},
        "image_url": media and media["preview"]["image"]["url"],
        "created_at": format_timestamp_ms(created),
        "updated_at": format_timestamp_ms(datetime.fromisoformat(shopify["updatedAt"])),
        "object": "product",
    }


def _sku(rng: Random, product: Document, variant: Document, currency: str) -> Document:
    created = datetime.fromisoformat(variant["createdAt"])
    option = variant["selectedOptions"][0]
    return {
        "id": digit_id(rng, "sku", created),
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


def _add_collections(seed_records: SeedRecords, goods: Goods) -> None:
    rng = seed_records.random_stream("collections")
    products = list(goods.products.values())
    skus = list(goods.skus.values())
    owners = {record["id"]: record for record in products}
    for index, (name, kind) in enumerate(_COLLECTIONS):
        chosen = products if kind == "AUTO_UPDATE" else [*rng.sample(products, k=5), *rng.sample(skus, k=3)]
        collection: Document = {
            "id": letter_id(rng, "pc"),
            "name": name,
            "type": kind,
            "filter": {"junction": "and", "name": {"conditions": {"$has_value": [True]}}} if not index else None,
            "products": [
                {"id": record["id"], "product_id": record.get("product_id", record["id"]), "object": record["object"]}
                for record in chosen
            ],
            "created_at": format_timestamp_ms(seed_records.days_ago(200 - 7 * index)),
            "object": "products_collection",
        }
        if collection["filter"]:
            # A collection with a filter does not list its products.
            del collection["products"]
        seed_records.add("product_collections", collection)
        for record in chosen:
            # The vendor's SDK (PyPI voucherify 6.1.1) accepts a list of attributes only, also for an SKU: send null.
            of_sku = {"attributes": None, "product": owners[record["product_id"]]} if record["object"] == "sku" else {}
            seed_records.add("product_collection_products", record | of_sku, scope=collection["id"])


def _add_locations(seed_records: SeedRecords) -> None:
    rng = seed_records.random_stream("locations")
    for index, (name, center) in enumerate(_LOCATIONS):
        body = {
            "id": letter_id(rng, "loc"),
            "object": "location",
            "name": name,
            "shape": {"type": "circle", "format": "distance", "distance": {"center": center, "radius": "3 km"}},
            "created_at": format_timestamp_ms(seed_records.days_ago(170 - index)),
            "updated_at": format_timestamp_ms(seed_records.days_ago(20 - index)) if index else None,
        }
        seed_records.add("locations", body)


def assets(rng: Random, code: str) -> Document:
    """Return the images of a code."""
    return {
        name: {"id": (id_ := f"U2FsdGVk{uuid(rng)}"), "url": f"https://dl.example.com/{name}/{id_}/{len(code)}"}
        for name in ("qr", "barcode")
    }
