"""The loyalty program of Voucherify's first API: members, points, tiers, earning rules and rewards.

Voucherify deprecated this API in July 2026 and still serves it. A member is a loyalty card, which is a voucher.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import CLUB, GIFTS, WELCOME, Offers
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)
from airflow_provider_partners.sandbox.voucherify.seed.transactions import add_transaction

_TIERS = (("Bronze", 0, 2_999), ("Silver ★", 3_000, 5_999), ("Gold", 6_000, None))
# Earning rules: event and points.
_RULES: Sequence[tuple[str, Document]] = (
    (
        "order.paid",
        {
            "type": "PROPORTIONAL",
            "calculation_type": "ORDER_TOTAL_AMOUNT",
            "order": {"total_amount": {"every": 100, "points": 1}},
        },
    ),
    ("customer.segment.entered", {"type": "FIXED", "points": 150}),
    ("review_written", {"type": "FIXED", "points": 50}),
)
_REWARDS: Sequence[tuple[str, str, int]] = (("Tote bag", "MATERIAL", 1_500), ("Welcome code", "CAMPAIGN", 800))
#: How often each member earned points.
_EARNED = 8
#: How often the first gift card was topped up: more than one page, five times each with the same timestamp.
_TOPPED_UP = 125
_SAME_TIMESTAMP_COUNT = 5


def add_earned_points(seed_records: SeedRecords, offers: Offers) -> None:
    """Add the points that were put on the cards before the first redemption."""
    rng = seed_records.random_stream("earned")
    for card in offers.vouchers[CLUB]:
        start = datetime.fromisoformat(card["created_at"])
        for number in range(_EARNED):
            at = (
                start
                + (seed_records.now - start) * (number / (_EARNED * 2))
                + timedelta(milliseconds=rng.randrange(1000))
            )
            event = {"event": {"id": digit_id(rng, "evcus", at), "type": "customer.order.paid"}}
            points = rng.randint(1, 40) * 10
            record = add_transaction(
                seed_records, rng, card, points, kind="ACCRUAL", at=at, reason="Order paid", about=event
            )
            _add_member_activity(seed_records, card, record)
    card = offers.vouchers[GIFTS][0]
    for number in range(_TOPPED_UP):
        at = seed_records.days_ago(200 - number // _SAME_TIMESTAMP_COUNT)
        add_transaction(seed_records, rng, card, 100, kind="ADDITION", at=at, reason="Monthly allowance", about={})


def add_loyalty(seed_records: SeedRecords, offers: Offers) -> None:
    """Add the program with its members."""
    campaign = offers.campaigns[CLUB]
    cards = offers.vouchers[CLUB]
    seed_records.add("loyalties_v1", campaign)
    for card in cards:
        seed_records.add("loyalty_campaign_members", card, scope=campaign["id"])
    tiers = _tiers(seed_records, campaign)
    rewards = _rewards(seed_records, offers, campaign)
    _rules(seed_records, campaign, tiers)
    _add_pending_points(seed_records, campaign, cards, tiers)
    for card in cards:
        _member(seed_records, campaign, card, tiers, rewards)


def _add_member_activity(seed_records: SeedRecords, card: Document, transaction: Document) -> None:
    """Add a transaction to the activities of a member; the type is the vendor's."""
    body = {
        "id": f"evcus_{transaction['id'].partition('_')[2]}",
        "type": "customer.voucher.loyalty_card.points_added",
        "data": {
            "customer": {"id": card["holder_id"], "object": "customer"},
            "voucher": {"id": card["id"], "code": card["code"], "object": "voucher"},
            "campaign": {"id": card["campaign_id"], "name": card["campaign"], "object": "campaign"},
        },
        "created_at": transaction["created_at"],
        "group_id": f"v-{transaction['id'].partition('_')[2]}",
    }
    seed_records.add("loyalty_member_activity", body, scope=card["id"])
    seed_records.add("loyalty_campaign_member_activity", body, scope=f"{card['campaign_id']}/{card['id']}")


def _tiers(seed_records: SeedRecords, campaign: Document) -> list[Document]:
    rng = seed_records.random_stream("loyalty tiers")
    return [
        seed_records.add(
            "loyalty_campaign_tiers",
            {
                "name": name,
                "earning_rules": {},
                "rewards": {},
                "points": {"from": minimum, "to": maximum},
                "id": letter_id(rng, "ltr"),
                "campaign_id": campaign["id"],
                "metadata": {},
                "created_at": format_timestamp_ms(seed_records.days_ago(220 - index)),
                "updated_at": None,
                "config": {"points": {"from": minimum, "to": maximum}},
                "object": "loyalty_tier",
            },
            scope=campaign["id"],
        )
        for index, (name, minimum, maximum) in enumerate(_TIERS)
    ]


def _rules(seed_records: SeedRecords, campaign: Document, tiers: Sequence[Document]) -> None:
    rng = seed_records.random_stream("earning rules")
    (schema,) = seed_records.list_records("management_custom_event_schemas", seed_records.project_id)
    for index, (event, loyalty) in enumerate(_RULES):
        body: Document = {
            "id": letter_id(rng, "ern"),
            "created_at": format_timestamp_ms(seed_records.days_ago(219 - index)),
            "updated_at": None,
            "loyalty": loyalty,
            "event": event,
            "source": {"banner": event.replace(".", " ").capitalize(), "object_id": campaign["id"]}
            | {"object_type": "campaign"},
            "object": "earning_rule",
            "automation_id": letter_id(rng, "auto"),
            "start_date": None,
            "expiration_date": None,
            "metadata": {},
            "validation_rule_id": None,
            "active": index < 2,
        }
        if event == "customer.segment.entered":
            body["segment"] = {"id": seed_records.list_records("segments")[1]["id"]}
        elif "." not in event:
            body["custom_event"] = {"schema_id": schema["id"]}
        seed_records.add("loyalty_campaign_earning_rules", body, scope=campaign["id"])
        for tier in tiers[index:]:
            tier["earning_rules"][body["id"]] = {"type": "MULTIPLY", "multiplier": index + 1}
            seed_records.add("loyalty_tier_earning_rules", body, scope=f"{campaign['id']}/{tier['id']}")


def _rewards(seed_records: SeedRecords, offers: Offers, campaign: Document) -> list[tuple[Document, Document]]:
    """Add the rewards and their assignments. One reward is for the upper tiers only."""
    rng = seed_records.random_stream("rewards")
    tiers = seed_records.list_records("loyalty_campaign_tiers", campaign["id"])
    rewards = []
    for index, (name, kind, points) in enumerate(_REWARDS):
        created_at = format_timestamp_ms(seed_records.days_ago(218 - index))
        product = seed_records.list_records("products")[index]
        parameters: Document = {"product": {"id": product["id"], "sku_id": None}}
        if kind == "CAMPAIGN":
            welcome = offers.campaigns[WELCOME]
            parameters = {"campaign": {"id": welcome["id"], "balance": None, "type": welcome["campaign_type"]}}
        reward: Document = {
            "id": letter_id(rng, "rew"),
            "name": name,
            "stock": 40 if kind == "MATERIAL" else None,
            "redeemed": index,
            "attributes": {"image_url": None, "description": f"{name} for members"},
            "metadata": {},
            "type": kind,
            "parameters": parameters,
            "created_at": created_at,
            "updated_at": None,
            "object": "reward",
        }
        assignment: Document = {
            "id": letter_id(rng, "rewa"),
            "reward_id": reward["id"],
            "created_at": created_at,
            "updated_at": None,
            "object": "reward_assignment",
            "related_object_id": campaign["id"],
            "related_object_type": "campaign",
            "parameters": {"loyalty": {"points": points, "auto_redeem": False}},
        }
        seed_records.add("rewards", reward)
        seed_records.add("reward_assignments", assignment, scope=reward["id"])
        for kind_of_list in ("loyalty_campaign_reward_assignments", "loyalty_campaign_rewards"):
            seed_records.add(kind_of_list, assignment, scope=campaign["id"])
        for tier in tiers[index:]:
            record = {"reward": reward, "assignment": assignment, "object": "loyalty_tier_reward"}
            scope = f"{campaign['id']}/{tier['id']}"
            seed_records.add("loyalty_tier_rewards", record, scope=scope, key=assignment["id"], at=created_at)
        rewards.append((reward, assignment))
    return rewards


def _add_pending_points(
    seed_records: SeedRecords, campaign: Document, cards: Sequence[Document], tiers: Sequence[Document]
) -> None:
    """Add points of orders that can still be returned."""
    rng = seed_records.random_stream("pending points")
    rule = seed_records.list_records("loyalty_campaign_earning_rules", campaign["id"])[0]
    recent = sorted(seed_records.list_records("orders"), key=lambda record: str(record["created_at"]))[-len(cards) :]
    for card, order in zip(cards, recent, strict=False):
        at = datetime.fromisoformat(order["created_at"]) + timedelta(seconds=1)
        points = order["total_amount"] // 100
        body = {
            "id": digit_id(rng, "lopp", at),
            "voucher_id": card["id"],
            "campaign_id": campaign["id"],
            "customer_id": card["holder_id"],
            "order_id": order["id"],
            "points": points,
            "activates_at": f"{at + timedelta(days=30):%Y-%m-%d}",
            "details": {
                "holder_loyalty_tier": {"id": tiers[0]["id"], "name": tiers[0]["name"]},
                "event": {"id": digit_id(rng, "evcus", at), "type": "customer.order.paid"},
                "earning_rule": {"id": rule["id"], "source": {"banner": rule["source"]["banner"]}},
                "order": {"id": order["id"], "source_id": order["source_id"]},
            },
            "created_at": format_timestamp_ms(at),
            "updated_at": None,
        }
        card["loyalty_card"]["pending_points"] += points
        seed_records.add("loyalty_campaign_pending_points", body, scope=campaign["id"])
        seed_records.add("loyalty_member_pending_points", body, scope=card["id"])
        seed_records.add("loyalty_campaign_member_pending_points", body, scope=f"{campaign['id']}/{card['id']}")


def _member(
    seed_records: SeedRecords,
    campaign: Document,
    card: Document,
    tiers: Sequence[Document],
    rewards: Sequence[tuple[Document, Document]],
) -> None:
    """Add the lists of one member: tier, available rewards, points that will expire."""
    rng = seed_records.random_stream("member", card["code"])
    balance = card["loyalty_card"]["balance"]
    tier = max(
        (record for record in tiers if record["points"]["from"] <= balance),
        key=lambda record: int(record["points"]["from"]),
    )
    expiring = {
        "customer_id": card["holder_id"],
        "campaign_id": campaign["id"],
        "tier_id": tier["id"],
        "start_date": None,
        "expiration_date": None,
        "created_at": card["created_at"],
        "updated_at": None,
    }
    seed_records.add("loyalty_member_tiers", tier | {"expiration": expiring}, scope=card["id"])
    for reward, assignment in rewards:
        record = {"reward": reward, "assignment": assignment, "object": "loyalty_reward"}
        at = assignment["created_at"]
        seed_records.add("loyalty_member_rewards", record, scope=card["id"], key=assignment["id"], at=at)
    for part in range(2):
        bucket = {
            "id": letter_id(rng, "lopb"),
            "voucher_id": card["id"],
            "campaign_id": campaign["id"],
            "bucket": {"total_points": balance - balance // 2 if part else balance // 2},
            "status": "ACTIVE",
            "expires_at": f"{seed_records.days_ago(-30 * (part + 1)):%Y-%m-%d}",
            "created_at": card["created_at"],
            "updated_at": None,
            "object": "loyalty_points_bucket",
        }
        seed_records.add("loyalty_points_expiration", bucket, scope=f"{campaign['id']}/{card['id']}")
