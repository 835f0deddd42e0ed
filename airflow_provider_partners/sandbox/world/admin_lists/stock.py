"""The locations of a shop, one deactivated and one of a fulfillment service, and their stock of each variant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.products import metafield

_NAMES = ("Main warehouse", "Flagship store", "Förster Logistik (3PL)", "Old outlet")
_STATES = ("available", "committed", "incoming", "reserved", "damaged", "safety_stock", "quality_control")


def locations(rng: Random, ids: Ids, merchant: Merchant) -> list[Document]:
    """Return a shop's locations."""
    return [_location(rng, ids, merchant, index) for index in range(len(_NAMES))]


def _location(rng: Random, ids: Ids, merchant: Merchant, index: int) -> Document:
    number, is_service, is_active = ids.take(), index == 2, index != 3
    created = merchant.now - timedelta(days=rng.uniform(500, 900))
    changed = format_timestamp(created + timedelta(days=rng.uniform(1, 480)))
    return {
        "id": gid("Location", number),
        "legacyResourceId": str(number),
        "name": _NAMES[index],
        "isActive": is_active,
        "isFulfillmentService": is_service,
        "activatable": not is_active,
        "deactivatable": index != 0,
        "deletable": not is_active,
        "addressVerified": False,
        "createdAt": format_timestamp(created),
        "updatedAt": changed,
        "deactivatedAt": None if is_active else changed,
        "fulfillsOnlineOrders": is_active,
        "hasActiveInventory": is_active,
        "hasUnfulfilledOrders": index == 0,
        "shipsInventory": is_active,
        "address": {
            "address1": f"{rng.randint(1, 90)} Harbour Road",
            "address2": None,
            "city": "Bristol",
            "zip": "BS1 4DJ",
            "province": None,
            "provinceCode": None,
            "country": merchant.shop.country,
            "countryCode": merchant.shop.country,
            "latitude": 51.45,
            "longitude": -2.59,
            "phone": None,
            "formatted": [],
        },
        "metafields": [metafield(number, 1, "custom.floor_area", "number_integer", rng.randint(80, 900), changed)],
    }


def inventory_levels(rng: Random, ids: Ids, merchant: Merchant, places: Sequence[Document]) -> list[Document]:
    """Return how much of each variant each location has. The fulfillment service stocks few of them."""
    variants = [variant for product in merchant.products.stored for variant in product["variants"]]
    return [
        _level(rng, ids, merchant, place, variant)
        for index, place in enumerate(places)
        for variant in (variants[::4] if index > 1 else variants)
    ]


def _level(rng: Random, ids: Ids, merchant: Merchant, place: Document, variant: Document) -> Document:
    number = ids.take()
    # The item's number is near the variant's; ids of objects are further apart.
    item = int(variant["legacyResourceId"]) + 5
    changed = format_timestamp(merchant.now - timedelta(days=rng.uniform(0, 90)))
    counts = {state: rng.randint(0, 40) if state in {"available", "committed"} else 0 for state in _STATES}
    counts["on_hand"] = sum(counts.values()) - counts["incoming"]
    return {
        "id": f"{gid('InventoryLevel', number)}?inventory_item_id={item}",
        "createdAt": variant["createdAt"],
        "updatedAt": changed,
        "isActive": place["isActive"],
        "canDeactivate": True,
        "deactivationAlert": None,
        "location": {"id": place["id"]},
        "item": {
            "id": gid("InventoryItem", item),
            "legacyResourceId": str(item),
            "sku": variant["sku"],
            "tracked": True,
            "requiresShipping": True,
            "duplicateSkuCount": 0,
            "createdAt": variant["createdAt"],
            "updatedAt": variant["updatedAt"],
        },
        "quantities": [
            {
                "id": f"{gid('InventoryQuantity', number)}?name={state}",
                "name": state,
                "quantity": quantity,
                "updatedAt": changed if quantity else None,
            }
            for state, quantity in counts.items()
        ],
    }
