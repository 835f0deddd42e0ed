"""The products of a shop: twenty to forty products with variants, some archived, drafts or unpublished, a gift card,
and products that are deleted later but still referenced by orders.

Writes Shopify's ``Product`` and its variants.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

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
        "hasOnlyDefaultVariant": len(variants) == 1,
        "hasOutOfStockVariants": any(not product["inventoryQuantity"] for product in variants),
        "hasVariantsThatRequiresComponents": False,
        "requiresSellingPlan": False,
        "defaultCursor": str(number),
        "variants": variants,
    }


def _variants(rng: Random, ids: Ids, shop: Shop, product: int, created: datetime, *, gift_card: bool) -> list[Document]:
    *_, option, values = _RANGES[shop.vertical]
    if gift_card:
        option, values = "Denominations", ("25", "50", "100")
    elif rng.random() < 0.3:
        option, values = "Title", ("Default Title",)
    dollars = Decimal(rng.randint(8, 160))
    products: list[Document] = []
    for position, value in enumerate(values, start=1):
        number = ids.take()
        dollars = Decimal(value) if gift_card else dollars + position - 1
        products.append({
            "id": gid("ProductVariant", number),
            "legacyResourceId": str(number),
            "title": value,
            "displayName": value,
            "sku": "" if gift_card else f"{shop.vertical[:3].upper()}-{product % 10**6:06d}-{position}",
            "barcode": None,
            "price": format_amount(priced(dollars, shop.currency)),
            "compareAtPrice": None,
            "position": position,
            "selectedOptions": [{"name": option, "value": value}],
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
