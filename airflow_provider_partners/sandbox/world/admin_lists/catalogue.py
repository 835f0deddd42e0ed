"""The collections of a shop's products."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.products import metafield

_TITLES = ("Bestsellers", "Nouveautés", "Sale", "Frühling & Sommer", "Gifts", "Home page", "新着", "Staff picks")


def collections(rng: Random, ids: Ids, merchant: Merchant) -> list[Document]:
    """Return a shop's collections."""
    return [_collection(rng, ids, merchant, index, title) for index, title in enumerate(_TITLES)]


def _collection(rng: Random, ids: Ids, merchant: Merchant, index: int, title: str) -> Document:
    number = ids.take()
    changed = format_timestamp(merchant.now - timedelta(days=rng.uniform(0, 120)))
    handle = f"collection-{index + 1}"
    members = rng.sample(merchant.products.stored, k=min(len(merchant.products.stored), rng.randint(0, 9)))
    image = {
        "id": gid("CollectionImage", number + 2),
        "url": f"https://cdn.example.com/s/files/{merchant.shop.number}/{handle}.jpg",
        "altText": title,
    }
    return {
        "id": gid("Collection", number),
        "legacyResourceId": str(number),
        "title": title,
        "handle": handle,
        "description": f"{title}, chosen with care.",
        "descriptionHtml": f"<p>{title}, chosen with care.</p>",
        "updatedAt": changed,
        "publishedAt": changed,
        "sortOrder": "BEST_SELLING" if index % 2 else "MANUAL",
        "templateSuffix": None,
        "image": image if index % 3 else None,
        "seo": {"title": None, "description": None},
        "products": [{"id": product["id"]} for product in members],
        "metafields": [metafield(number, 1, "custom.banner", "single_line_text_field", title, changed)],
    }
