"""The products of a shop: twenty to forty products with variants, some archived, drafts or unpublished, a gift card,
and products that are deleted later but still referenced by orders.

Writes Shopify's ``Product`` and its variants.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.money import format_amount, priced
from airflow_provider_partners.sandbox.world.shops import Shop

# Per vertical: adjectives, nouns, the option name of the variants, and its values.
_RANGES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]] = {
    "apparel": (
        ("Merino", "Linen", "Organic Cotton", "Recycled", "Corduroy", "Cashmere"),
        ("Crew Neck", "Overshirt", "Chinos", "Beanie", "Raincoat", "Socks", "Déshabillé"),
        "Size",
        ("XS", "S", "M", "L", "XL"),
    ),
    "beauty": (
        ("Rose", "Néroli", "Verveine", "Charcoal", "Crème de Nuit", "Argan"),
        ("Serum", "Cleanser", "Body Oil", "Soap", "Eau de Toilette", "Masque"),
        "Volume",
        ("30 ml", "50 ml", "100 ml"),
    ),
    "kitchen": (
        ("Cast Iron", "Copper", "Stoneware", "Oak", "Enamel", "Crème Brûlée"),
        ("Kettle", "Skillet", "Teapot", "Bread Bin", "Mixing Bowl", "Ramekin Set"),
        "Colour",
        ("Slate", "Cream", "Teal", "Mustard"),
    ),
    "home": (
        ("和紙", "Indigo", "Hinoki", "Ceramic", "Brass", "Washi"),
        ("ランプ", "Vase", "Cushion", "Incense", "Tray", "Blanket"),
        "Style",
        ("Natural", "Sumi", "Akane"),
    ),
    "outdoor": (
        ("Alpin", "Fjell", "Gletscher", "Wald", "Nordwand", "Heide"),
        ("Rucksack", "Zelt", "Schlafsack", "Daunenjacke", "Kocher", "Mütze"),
        "Größe",
        ("S", "M", "L"),
    ),
    "pets": (
        ("Salmon", "Hemp", "Rubber", "Maple", "Felt", "Bison"),
        ("Treats", "Collar", "Chew Toy", "Bed", "Bowl", "Jigsaw"),
        "Pack",
        ("1", "3", "12"),
    ),
}
LONG_TITLE = "The Extraordinarily Long Winded Commemorative Limited Edition Collectors " * 4
# Fields that differ from an ordinary product's.
_NOT_FOR_SALE: tuple[Document, ...] = (
    {"status": "ARCHIVED", "onlineStoreUrl": None},
    {"status": "DRAFT", "onlineStoreUrl": None},
    {"onlineStoreUrl": None},
    {"featuredMedia": None},
    {"vendor": "", "productType": ""},
)


@dataclass(frozen=True, kw_only=True)
class ShopProducts:
    """The products of one shop.

    :param products: products that can be bought
    :param not_for_sale: products that are archived, drafts, or without an online store URL, picture or vendor
    :param long_title: a product with a title longer than 255 characters
    :param deleted: products that orders still reference but that no longer exist
    """

    products: list[Document]
    gift_card: Document
    not_for_sale: list[Document]
    long_title: Document
    deleted: list[Document]

    @property
    def stored(self) -> list[Document]:
        """Return all products that the shop still has."""
        return [*self.products, self.gift_card, *self.not_for_sale, self.long_title]


def build(rng: Random, ids: Ids, shop: Shop, now: datetime) -> ShopProducts:
    """Build the products of one shop."""
    adjectives, nouns, *_ = _RANGES[shop.vertical]
    titles = [f"{adjective} {noun}" for adjective in adjectives for noun in nouns]
    rng.shuffle(titles)
    count = rng.randint(16, 32)
    products = [_product(rng, ids, shop, title, now) for title in titles[:count]]
    not_for_sale = products[: len(_NOT_FOR_SALE)]
    for product, differences in zip(not_for_sale, _NOT_FOR_SALE, strict=True):
        product.update(differences)
    gift_card = _product(rng, ids, shop, f"{shop.name} Gift Card", now, gift_card=True)
    long_title = _product(rng, ids, shop, LONG_TITLE.strip(), now)
    deleted = [_product(rng, ids, shop, f"Discontinued {title}", now) for title in titles[-2:]]
    return ShopProducts(
        products=products[len(_NOT_FOR_SALE) :],
        gift_card=gift_card,
        not_for_sale=not_for_sale,
        long_title=long_title,
        deleted=deleted,
    )


def _product(rng: Random, ids: Ids, shop: Shop, title: str, now: datetime, *, gift_card: bool = False) -> Document:
    number = ids.take()
    handle = _handle(title, number)
    created = now - timedelta(days=rng.uniform(200, 800))
    variants = _variants(rng, ids, shop, number, created, gift_card=gift_card)
    return {
        "id": gid("Product", number),
        "legacyResourceId": str(number),
        "title": title,
        "handle": handle,
        "vendor": rng.choice((shop.name, "Atelier Nº5", "Brightside Co.")),
        "productType": "Gift Card" if gift_card else shop.vertical.title(),
        "status": "ACTIVE",
        "isGiftCard": gift_card,
        "description": f"{title}, made with care.",
        "descriptionHtml": f"<p>{title}, made with care.</p>",
        "onlineStoreUrl": f"https://{shop.domain}/products/{handle}",
        "publishedAt": format_timestamp(created),
        "createdAt": format_timestamp(created),
        "updatedAt": format_timestamp(created + timedelta(days=rng.uniform(1, 190))),
        "tags": rng.sample(["new", "bestseller", "sale", "bio & fair"], k=rng.randint(0, 2)),
        "featuredMedia": {
            "__typename": "MediaImage",
            "id": gid("MediaImage", ids.take()),
            "alt": title[:100],
            "mediaContentType": "IMAGE",
            "status": "READY",
            "preview": {
                "image": {"url": f"https://cdn.example.com/s/files/{shop.number}/{handle}.jpg"},
                "status": "READY",
            },
        },
        "totalInventory": rng.randint(0, 400),
        "tracksInventory": not gift_card,
        "options": _options(variants, number),
        "metafields": [] if gift_card else _metafields(title, number, created),
        "hasOnlyDefaultVariant": len(variants) == 1,
        "hasOutOfStockVariants": any(not product["inventoryQuantity"] for product in variants),
        "hasVariantsThatRequiresComponents": False,
        "requiresSellingPlan": False,
        "defaultCursor": str(number),
        "variants": variants,
    }


def metafield(owner: int, offset: int, name: str, type_name: str, value: Any, at: str) -> Document:
    """Build a metafield: its value as text, and as JSON of its type.

    See https://shopify.dev/docs/apps/build/metafields/list-of-data-types.

    :param owner: number of the object that has it
    :param offset: of its id from the owner's; ids of objects are further apart
    :param name: namespace and key
    """
    namespace, _, key = name.rpartition(".")
    return {
        "id": gid("Metafield", owner + offset),
        "namespace": namespace,
        "key": key,
        "type": type_name,
        "value": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False),
        "jsonValue": value,
        "createdAt": at,
        "updatedAt": at,
    }


def _metafields(title: str, number: int, created: datetime) -> list[Document]:
    """Build a product's metafields: every third product has no model."""
    at = format_timestamp(created)
    care = metafield(number, 2, "custom.care", "list.single_line_text_field", ["Wipe clean", "Keep dry"], at)
    model = metafield(number, 1, "custom.model", "single_line_text_field", f"{title[:20]} {number % 97}", at)
    weight = metafield(number, 3, "custom.weight", "weight", {"value": 0.5, "unit": "kg"}, at)
    return [care, weight] if number // 7 % 3 == 0 else [model, care, weight]


def _options(variants: list[Document], number: int) -> list[Document]:
    """Build a product's options from those that its variants have."""
    values: dict[str, list[str]] = {}
    for variant in variants:
        for option in variant["selectedOptions"]:
            if option["value"] not in values.setdefault(option["name"], []):
                values[option["name"]].append(option["value"])
    return [
        {"id": gid("ProductOption", number + index), "name": name, "position": index, "values": known}
        for index, (name, known) in enumerate(values.items(), start=1)
    ]


def _variants(rng: Random, ids: Ids, shop: Shop, product: int, created: datetime, *, gift_card: bool) -> list[Document]:
    *_, option, values = _RANGES[shop.vertical]
    if gift_card:
        option, values = "Denominations", ("25", "50", "100")
    elif rng.random() < 0.3:
        option, values = "Title", ("Default Title",)
    # Clothes are made of something: a second option, with one value, and no part of the variant's random numbers.
    material = ("Wool", "Linen", "Cotton")[product // 5 % 3] if option == "Size" else None
    dollars = Decimal(rng.randint(8, 160))
    products: list[Document] = []
    for position, value in enumerate(values, start=1):
        number = ids.take()
        dollars = Decimal(value) if gift_card else dollars + position - 1
        products.append({
            "id": gid("ProductVariant", number),
            "legacyResourceId": str(number),
            "title": f"{value} / {material}" if material else value,
            "displayName": f"{value} / {material}" if material else value,
            "sku": "" if gift_card else f"{shop.vertical[:3].upper()}-{product % 10**6:06d}-{position}",
            "barcode": None,
            "price": format_amount(priced(dollars, shop.currency)),
            "compareAtPrice": None,
            "position": position,
            "selectedOptions": [
                {"name": option, "value": value},
                *([{"name": "Material", "value": material}] if material else []),
            ],
            "metafields": [metafield(number, 1, "custom.gauge", "number_integer", position, format_timestamp(created))],
            "taxable": not gift_card,
            "availableForSale": True,
            "inventoryQuantity": (stock := rng.randint(0, 90)),
            "sellableOnlineQuantity": stock,
            "inventoryPolicy": "DENY",
            "requiresComponents": False,
            "showUnitPrice": False,
            "defaultCursor": str(number),
            "createdAt": format_timestamp(created),
            "updatedAt": format_timestamp(created),
        })
    return products


def _handle(title: str, number: int) -> str:
    """Return the title in the form of a URL path segment."""
    folded = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")[:60] or f"product-{number}"
