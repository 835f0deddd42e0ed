"""The discounts of a shop: two of each type."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document, format_timestamp
from airflow_provider_partners.sandbox.world.identifiers import Ids, gid
from airflow_provider_partners.sandbox.world.orders.lines import Merchant

_TYPES = (
    "DiscountCodeBasic",
    "DiscountCodeBxgy",
    "DiscountCodeFreeShipping",
    "DiscountCodeApp",
    "DiscountAutomaticBasic",
    "DiscountAutomaticBxgy",
    "DiscountAutomaticFreeShipping",
    "DiscountAutomaticApp",
)
_SUMMARIES = {"Basic": "10% off entire order", "Bxgy": "Buy 2 items, get 1 item free", "Free": "Free shipping"}


def discounts(rng: Random, ids: Ids, merchant: Merchant) -> list[Document]:
    """Return a shop's discounts, running ones and expired ones."""
    return [_discount(rng, ids, merchant, kind, expired=bool(turn)) for turn in range(2) for kind in _TYPES]


def _discount(rng: Random, ids: Ids, merchant: Merchant, kind: str, *, expired: bool) -> Document:
    number = ids.take()
    by_code, created = kind.startswith("DiscountCode"), merchant.now - timedelta(days=rng.uniform(60, 300))
    changed = merchant.now - timedelta(days=rng.uniform(0, 50))
    shape = next((name for name in _SUMMARIES if name in kind), "")
    code = f"WELCOME{number % 997}"
    discount: Document = {
        "__typename": kind,
        "title": code if by_code else f"Automatic {number % 997}",
        "status": "EXPIRED" if expired else "ACTIVE",
        "startsAt": format_timestamp(created),
        "endsAt": format_timestamp(changed) if expired else None,
        "createdAt": format_timestamp(created),
        "updatedAt": format_timestamp(changed),
        "discountClasses": ["SHIPPING"] if shape == "Free" else ["PRODUCT"] if shape == "Bxgy" else ["ORDER"],
        "asyncUsageCount": rng.randint(0, 80),
        "combinesWith": {"orderDiscounts": False, "productDiscounts": expired, "shippingDiscounts": True},
        "recurringCycleLimit": 1,
    }
    if shape:
        discount |= {"summary": _SUMMARIES[shape], "shortSummary": _SUMMARIES[shape]}
    else:
        discount["discountId"] = gid(kind, number)
    if by_code:
        codes = [{"id": gid("DiscountRedeemCode", number + 1), "code": code, "asyncUsageCount": 3, "createdBy": None}]
        discount |= {
            "codes": codes,
            "usageLimit": 100 if expired else None,
            "appliesOncePerCustomer": True,
            "hasTimelineComment": False,
            "totalSales": {"amount": "120.0", "currencyCode": merchant.shop.currency},
        }
    return {"id": gid("DiscountNode", number), "discount": discount}
