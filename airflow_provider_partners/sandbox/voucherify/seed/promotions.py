"""Promotions of a Voucherify project that need no code: tiers of a campaign, and stacks of tiers."""

from __future__ import annotations

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import SeedRecords, format_timestamp_ms, letter_id

PERCENT: Document = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER", "is_dynamic": False}
_TIERS = (("10 % over 50", 10), ("15 % over 100", 15), ("20 % over 200", 20), ("Last year's tier", 5))
_OF_CAMPAIGN = ("id", "start_date", "expiration_date", "active", "category_id", "object")


def add_promotions(ledger: SeedRecords, campaign: Document) -> list[Document]:
    """The tiers and stacks of a campaign; the tiers, of which the last is not active."""
    chance = ledger.random_stream("tiers")
    scope = campaign["id"]
    rows = []
    for place, (name, percent) in enumerate(_TIERS):
        body: Document = {
            "id": letter_id(chance, "promo"),
            "created_at": format_timestamp_ms(ledger.days_ago(155 - place)),
            "updated_at": None,
            "name": name,
            "banner": f"Save {percent} %",
            "action": {"discount": PERCENT | {"percent_off": percent}},
            "metadata": {},
            "hierarchy": place + 1,
            "promotion_id": campaign["id"],
            "campaign": {field: campaign[field] for field in _OF_CAMPAIGN},
            "campaign_id": campaign["id"],
            "active": place < len(_TIERS) - 1,
            "start_date": None,
            "expiration_date": None,
            "summary": {
                "redemptions": {"total_redeemed": 0},
                "orders": {"total_amount": 0, "total_discount_amount": 0},
            },
            "object": "promotion_tier",
            "validation_rule_assignments": {"object": "list", "data_ref": "data", "data": [], "total": 0},
            "category_id": campaign["category_id"],
            "categories": campaign["categories"],
        }
        rows.append(ledger.add("promotion_tiers", body))
        ledger.add("campaign_promotion_tiers", body, scope=scope)
        if body["active"]:
            # The client's side lists what a visitor of the shop may get.
            ledger.add("client_promotion_tiers", body)
    for place, chosen in enumerate((rows[:2], rows[1:3])):
        stack = {
            "name": f"Stack {place + 1}",
            "tiers": {"ids": [row["id"] for row in chosen], "hierarchy_mode": "MANUAL"},
            "id": letter_id(chance, "stack"),
            "created_at": format_timestamp_ms(ledger.days_ago(120 - place)),
            "updated_at": None,
            "campaign_id": campaign["id"],
            "object": "promotion_stack",
            "category_id": campaign["category_id"],
            "categories": campaign["categories"],
        }
        ledger.add("promotion_stacks", stack)
        ledger.add("campaign_promotion_stacks", stack, scope=scope)
    return rows
