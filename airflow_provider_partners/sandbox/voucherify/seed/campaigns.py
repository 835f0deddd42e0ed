"""The offers of a Voucherify project: categories, campaigns with their vouchers, and vouchers without a campaign.

Tables define the offers. Other modules publish and redeem the vouchers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.products import assets
from airflow_provider_partners.sandbox.voucherify.seed.promotions import PERCENT, add_promotions
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)

ITEMS: Document = {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ITEMS", "is_dynamic": False}
AMOUNT: Document = {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER", "is_dynamic": False}
_CATEGORIES = ("Welcome", "Seasonal", "Loyalty", "Gift cards", "Réduction fidélité")


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One campaign of the table.

    :param type: type of the campaign
    :param category: index of its category
    :param worth: the value of its vouchers: a discount, a gift or a loyalty card
    :param vouchers: number of vouchers
    :param code: prefix of the vouchers' codes
    :param days: age of the campaign in days
    :param ends: days until it ends; ``None``: it does not end
    """

    name: str
    type: str
    category: int
    worth: Document = field(default_factory=dict)
    vouchers: int = 0
    code: str = ""
    days: int = 240
    ends: int | None = None
    active: bool = True


WELCOME, SEASON, GIFTS, CLUB, TIERS, FRIENDS = range(6)
OFFERS: Sequence[Offer] = (
    Offer(name="Welcome", type="DISCOUNT_COUPONS", category=0, worth={"discount": PERCENT}, vouchers=90, code="HELLO-"),
    Offer(
        name="Spring picks 20 %",
        type="DISCOUNT_COUPONS",
        category=1,
        worth={"discount": ITEMS},
        vouchers=30,
        code="SPRING-",
        days=150,
        ends=40,
    ),
    Offer(
        name="Gift cards",
        type="GIFT_VOUCHERS",
        category=3,
        worth={"gift": {"amount": 10_000, "subtracted_amount": 0, "balance": 10_000, "effect": "APPLY_TO_ORDER"}},
        vouchers=15,
        code="GIFT-",
    ),
    Offer(
        name="Aurora Club",
        type="LOYALTY_PROGRAM",
        category=2,
        worth={"loyalty_card": {"points": 2_000, "balance": 2_000}},
        vouchers=20,
        code="CLUB-",
    ),
    Offer(name="Sitewide", type="PROMOTION", category=1, days=160),
    Offer(
        name="Bring a friend",
        type="REFERRAL_PROGRAM",
        category=0,
        worth={"discount": AMOUNT},
        vouchers=12,
        code="FRIEND-",
        days=180,
    ),
    Offer(
        name="Winter clearance ❄",
        type="DISCOUNT_COUPONS",
        category=1,
        worth={"discount": AMOUNT},
        vouchers=8,
        code="WINTER-",
        ends=-60,
    ),
    Offer(name="Draft for autumn", type="DISCOUNT_COUPONS", category=1, active=False, days=3),
)
#: Discounts of the codes without a campaign, which every buyer may use.
STANDALONE: Mapping[str, Document] = {
    "WELCOME10": PERCENT,
    "WELCOME100": {"type": "PERCENT", "percent_off": 100, "effect": "APPLY_TO_ORDER", "is_dynamic": False},
    "FIVE OFF": AMOUNT,
    "ÉTÉ20": ITEMS,
}
_VOUCHER_TYPES = {"gift": "GIFT_VOUCHER", "loyalty_card": "LOYALTY_CARD", "discount": "DISCOUNT_VOUCHER"}


@dataclass(frozen=True, kw_only=True)
class Offers:
    """All offers of a project.

    :param vouchers: vouchers of each campaign, in the order of ``OFFERS``
    :param standalone: vouchers without a campaign, by code
    """

    categories: list[Document]
    campaigns: list[Document]
    vouchers: list[list[Document]]
    standalone: dict[str, Document]
    tiers: list[Document]


def add_offers(seed_records: SeedRecords) -> Offers:
    """Add all offers and return them."""
    categories = _categories(seed_records)
    campaigns = [_campaign(seed_records, offer, categories) for offer in OFFERS]
    tiers = add_promotions(seed_records, campaigns[TIERS])
    vouchers = [_vouchers(seed_records, *pair) for pair in zip(OFFERS, campaigns, strict=True)]
    rng = seed_records.random_stream("standalone")
    standalone = {
        code: seed_records.add(
            "vouchers", voucher(rng, code, {"discount": discount}, format_timestamp_ms(seed_records.days_ago(230)))
        )
        for code, discount in STANDALONE.items()
    }
    return Offers(categories=categories, campaigns=campaigns, vouchers=vouchers, standalone=standalone, tiers=tiers)


def voucher(rng: Random, code: str, worth: Document, created_at: str, *, campaign: Document | None = None) -> Document:
    """Return a new voucher that nobody holds.

    :param worth: its discount, gift or loyalty card
    """
    campaign = campaign or {}
    (kind, value), *_ = worth.items()
    no_points = {"points": 0, "expired_points": 0, "subtracted_points": 0, "pending_points": 0}
    no_expiration = {"next_expiration_date": None, "next_expiration_points": None}
    body: Document = {
        "id": letter_id(rng, "v"),
        "code": code,
        "campaign": campaign.get("name"),
        "campaign_id": campaign.get("id"),
        "category": None,
        "category_id": campaign.get("category_id"),
        "categories": campaign.get("categories", []),
        "type": _VOUCHER_TYPES[kind],
        "gift": None,
        "loyalty_card": None,
        kind: {**no_points, **value, **no_expiration} if kind == "loyalty_card" else dict(value),
        "start_date": None,
        "expiration_date": campaign.get("expiration_date"),
        "active": True,
        "additional_info": None,
        "metadata": {},
        "assets": assets(rng, code),
        "is_referral_code": campaign.get("campaign_type") == "REFERRAL_PROGRAM",
        "created_at": created_at,
        "updated_at": None,
        "holder_id": None,
        "referrer_id": None,
        "object": "voucher",
        "publish": {"object": "list", "count": 0, "url": f"/v1/vouchers/{code}/publications?page=1&limit=10"},
        "redemption": {
            "quantity": 1 if kind == "discount" and campaign else None,
            "redeemed_quantity": 0,
            "object": "list",
            "url": f"/v1/vouchers/{code}/redemptions?page=1&limit=10",
        },
    }
    if kind == "loyalty_card":
        body["redemption"]["redeemed_points"] = 0
    return body


def _categories(seed_records: SeedRecords) -> list[Document]:
    rng = seed_records.random_stream("categories")
    return [
        seed_records.add(
            "categories",
            {
                "id": digit_id(rng, "cat", seed_records.days_ago(400 - index)),
                "name": name,
                "hierarchy": index + 1,
                "object": "category",
                "created_at": format_timestamp_ms(seed_records.days_ago(400 - index)),
                "updated_at": None,
            },
        )
        for index, name in enumerate(_CATEGORIES)
    ]


def _campaign(seed_records: SeedRecords, offer: Offer, categories: list[Document]) -> Document:
    rng = seed_records.random_stream("campaign", offer.name)
    body: Document = {
        "id": letter_id(rng, "camp"),
        "name": offer.name,
        "description": None,
        "campaign_type": offer.type,
        "type": "AUTO_UPDATE" if offer.type == "LOYALTY_PROGRAM" else "STATIC",
        "auto_join": False,
        "join_once": True,
        "use_voucher_metadata_schema": False,
        "vouchers_count": offer.vouchers,
        "start_date": None,
        "expiration_date": None if offer.ends is None else format_timestamp_ms(seed_records.days_ago(-offer.ends)),
        "active": offer.active,
        "metadata": {"channel": "shopify"},
        "created_at": format_timestamp_ms(seed_records.days_ago(offer.days)),
        "updated_at": format_timestamp_ms(seed_records.days_ago(offer.days / 3)),
        "category": None,
        "creation_status": "DONE" if offer.active else "DRAFT",
        "vouchers_generation_status": "DONE" if offer.active else "DRAFT",
        "readonly": False,
        "protected": False,
        "category_id": categories[offer.category]["id"],
        "categories": [categories[offer.category]],
        "object": "campaign",
    }
    if offer.worth:
        (kind, value), *_ = offer.worth.items()
        body["voucher"] = {
            "type": _VOUCHER_TYPES[kind],
            kind: {"points": 0} if kind == "loyalty_card" else value,
            "redemption": {"quantity": 1 if kind == "discount" else None},
            "code_config": {"length": 8, "charset": "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", "prefix": offer.code}
            | {"pattern": f"{offer.code}########"},
            "is_referral_code": offer.type == "REFERRAL_PROGRAM",
        }
    if offer.type == "REFERRAL_PROGRAM":
        body["referral_program"] = {"conversion_event_type": "redemption", "custom_event": None, "referee_reward": None}
    return seed_records.add("campaigns", body)


def _vouchers(seed_records: SeedRecords, offer: Offer, campaign: Document) -> list[Document]:
    """Add the vouchers of a campaign. Except for loyalty cards, they all have the same timestamp."""
    rng = seed_records.random_stream("vouchers", offer.name)
    created = datetime.fromisoformat(campaign["created_at"])
    records = []
    for index in range(offer.vouchers):
        code = offer.code + "".join(rng.choices("23456789ABCDEFGHJKLMNPQRSTUVWXYZ", k=8))
        joined = index * (offer.days - 5) / offer.vouchers if offer.type == "LOYALTY_PROGRAM" else 0
        at = format_timestamp_ms(created + timedelta(seconds=2, days=joined))
        records.append(seed_records.add("vouchers", voucher(rng, code, offer.worth, at, campaign=campaign)))
    return records
