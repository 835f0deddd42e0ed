"""Validation rules of a Voucherify project, and their assignments."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import TIERS, WELCOME, Offers
from airflow_provider_partners.sandbox.voucherify.seed.records import SeedRecords, format_timestamp_ms, letter_id

# Name, context, subject, condition.
_RULES: Sequence[tuple[str, str, str, Document]] = (
    ("Order over 50", "campaign.discount_coupons", "order.amount", {"$more_than": [5_000]}),
    ("First order", "campaign.discount_coupons", "customer.orders.count", {"$is": [0]}),
    ("In the newsletter", "campaign.promotion", "customer.segment", {}),
    ("Nobody uses this", "global", "order.items.quantity", {"$more_than_equal": [3]}),
)


def add_rules(seed_records: SeedRecords, offers: Offers) -> None:
    """Add the rules: the first two for the welcome codes, the third for the promotion tiers, the last for nothing."""
    rng = seed_records.random_stream("validation rules")
    newsletter = seed_records.list_records("segments")[0]["id"]
    targets: Sequence[Sequence[Document]] = (
        [offers.campaigns[WELCOME], *offers.standalone.values()],
        [offers.campaigns[WELCOME]],
        [offers.campaigns[TIERS], *offers.tiers],
        [],
    )
    for index, ((name, context, subject, condition), assigned) in enumerate(zip(_RULES, targets, strict=True)):
        created = seed_records.days_ago(130 - index)
        condition = condition or {"$is": [newsletter]}
        body: Document = {
            "id": letter_id(rng, "val"),
            "name": name,
            "rules": {"1": {"name": subject, "property": None, "conditions": condition, "rules": {}}, "logic": "1"},
            "error": {"message": f"This code needs: {name.lower()}"},
            "applicable_to": {"excluded": [], "included": [], "included_all": False},
            "type": "advanced",
            "context_type": context,
            "created_at": format_timestamp_ms(created),
            "updated_at": None,
            "assignments_count": len(assigned),
            "object": "validation_rules",
        }
        seed_records.add("validation_rules", body)
        for target in assigned:
            assignment = {
                "id": letter_id(rng, "asgm"),
                "rule_id": body["id"],
                "related_object_id": target["id"],
                "related_object_type": target["object"],
                "created_at": format_timestamp_ms(created),
                "updated_at": None,
                "object": "validation_rules_assignment",
            }
            seed_records.add("validation_rules_assignments", assignment)
            seed_records.add("validation_rule_assignments", assignment, scope=body["id"])
            listed = target.get("validation_rule_assignments")
            if listed:
                listed["data"].append(assignment)
                listed["total"] += 1
