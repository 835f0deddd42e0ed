"""Promotions of a Voucherify project, which need no code: tiers of a campaign, and stacks of tiers."""

from __future__ import annotations

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import SeedRecords, format_timestamp_ms, letter_id

PERCENT: Document = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER", "is_dynamic": False}
_TIERS = (("10 % over 50", 10), ("15 % over 100", 15), ("20 % over 200", 20), ("Last year's tier", 5))
_CAMPAIGN_FIELDS = ("id", "start_date", "expiration_date", "active", "category_id", "object")


def add_promotions(seed_records: SeedRecords, campaign: Document) -> list[Document]:
    """Add the tiers and stacks of a campaign and return the tiers. The last tier is not active."""
    rng = seed_records.random_stream("tiers")
    scope = campaign["id"]
    records = []
    for index, (name, percent) in enumerate(_TIERS):
        body: Document = {
            "id": letter_id(rng, "promo"),
            "created_at": format_timestamp_ms(seed_records.days_ago(155 - index)),
            "updated_at": None,
            "name": name,
            "banner": f"Save {percent} %",
            "action": {"discount": PERCENT | {"percent_off": percent}},
            "metadata": {},
            "hierarchy": index + 1,
            "promotion_id": campaign["id"],
            "campaign": {field: campaign[field] for field in _CAMPAIGN_FIELDS},
            "campaign_id": campaign["id"],
            "active": index < len(_TIERS) - 1,
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
        records.append(seed_records.add("promotion_tiers", body))
        seed_records.add("campaign_promotion_tiers", body, scope=scope)
        if body["active"]:
            # The client API lists the tiers that a visitor of the shop can get.
            seed_records.add("client_promotion_tiers", body)
    for index, chosen in enumerate((records[:2], records[1:3])):
        stack = {
            "name": f"Stack {index + 1}",
            "tiers": {"ids": [record["id"] for record in chosen], "hierarchy_mode": "MANUAL"},
            "id": letter_id(rng, "stack"),
            "created_at": format_timestamp_ms(seed_records.days_ago(120 - index)),
            "updated_at": None,
            "campaign_id": campaign["id"],
            "object": "promotion_stack",
            "category_id": campaign["category_id"],
            "categories": campaign["categories"],
        }
        seed_records.add("promotion_stacks", stack)
        seed_records.add("campaign_promotion_stacks", stack, scope=scope)
    return records
