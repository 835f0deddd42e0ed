"""The shop's loyalty program in Voucherify's first API, deprecated since July 2026 and still served: members, points,
tiers, earning rules and rewards.

A member is a loyalty card, that is a voucher. The second API's programs are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import CLUB, GIFTS, WELCOME, Offers
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
    parse_timestamp,
)
from airflow_provider_partners.sandbox.voucherify.seed.transactions import add_transaction

_TIERS = (("Bronze", 0, 2_999), ("Silver ★", 3_000, 5_999), ("Gold", 6_000, None))
# What earns points: event and how many.
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
# So often each member earned points; the first gift card was topped up so often, five times within an instant each.
_EARNED = 8
_TOPPED_UP = 125
_TOGETHER = 5


def add_earned_points(ledger: SeedRecords, offers: Offers) -> None:
    """What was put on cards before the first of them was used."""
    chance = ledger.random_stream("earned")
    for card in offers.vouchers[CLUB]:
        start = parse_timestamp(card["created_at"])
        for time in range(_EARNED):
            at = start + (ledger.now - start) * (time / (_EARNED * 2)) + timedelta(milliseconds=chance.randrange(1000))
            event = {"event": {"id": digit_id(chance, "evcus", at), "type": "customer.order.paid"}}
            points = chance.randint(1, 40) * 10
            row = add_transaction(ledger, chance, card, points, kind="ACCRUAL", at=at, reason="Order paid", about=event)
            _add_member_activity(ledger, card, row)
    card = offers.vouchers[GIFTS][0]
    for time in range(_TOPPED_UP):
        at = ledger.days_ago(200 - time // _TOGETHER)
        add_transaction(ledger, chance, card, 100, kind="ADDITION", at=at, reason="Monthly allowance", about={})


def add_loyalty(ledger: SeedRecords, offers: Offers) -> None:
    """The program with its members."""
    campaign = offers.campaigns[CLUB]
    cards = offers.vouchers[CLUB]
    ledger.add("loyalties_v1", campaign)
    for card in cards:
        ledger.add("loyalty_campaign_members", card, scope=campaign["id"])
    tiers = _tiers(ledger, campaign)
    rewards = _rewards(ledger, offers, campaign)
    _rules(ledger, campaign, tiers)
    _add_pending_points(ledger, campaign, cards, tiers)
    for card in cards:
        _member(ledger, campaign, card, tiers, rewards)


def _add_member_activity(ledger: SeedRecords, card: Document, transaction: Document) -> None:
    """The same event in the diary of a member; the words are the vendor's."""
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
    ledger.add("loyalty_member_activity", body, scope=card["id"])
    ledger.add("loyalty_campaign_member_activity", body, scope=f"{card['campaign_id']}/{card['id']}")


def _tiers(ledger: SeedRecords, campaign: Document) -> list[Document]:
    chance = ledger.random_stream("loyalty tiers")
    return [
        ledger.add(
            "loyalty_campaign_tiers",
            {
                "name": name,
                "earning_rules": {},
                "rewards": {},
                "points": {"from": least, "to": most},
                "id": letter_id(chance, "ltr"),
                "campaign_id": campaign["id"],
                "metadata": {},
                "created_at": format_timestamp_ms(ledger.days_ago(220 - place)),
                "updated_at": None,
                "config": {"points": {"from": least, "to": most}},
                "object": "loyalty_tier",
            },
            scope=campaign["id"],
        )
        for place, (name, least, most) in enumerate(_TIERS)
    ]


def _rules(ledger: SeedRecords, campaign: Document, tiers: Sequence[Document]) -> None:
    chance = ledger.random_stream("earning rules")
    (schema,) = ledger.list_records("management_custom_event_schemas", ledger.project_id)
    for place, (event, loyalty) in enumerate(_RULES):
        body: Document = {
            "id": letter_id(chance, "ern"),
            "created_at": format_timestamp_ms(ledger.days_ago(219 - place)),
            "updated_at": None,
            "loyalty": loyalty,
            "event": event,
            "source": {"banner": event.replace(".", " ").capitalize(), "object_id": campaign["id"]}
            | {"object_type": "campaign"},
            "object": "earning_rule",
            "automation_id": letter_id(chance, "auto"),
            "start_date": None,
            "expiration_date": None,
            "metadata": {},
            "validation_rule_id": None,
            "active": place < 2,
        }
        if event == "customer.segment.entered":
            body["segment"] = {"id": ledger.list_records("segments")[1]["id"]}
        elif "." not in event:
            body["custom_event"] = {"schema_id": schema["id"]}
        ledger.add("loyalty_campaign_earning_rules", body, scope=campaign["id"])
        for tier in tiers[place:]:
            tier["earning_rules"][body["id"]] = {"type": "MULTIPLY", "multiplier": place + 1}
            ledger.add("loyalty_tier_earning_rules", body, scope=f"{campaign['id']}/{tier['id']}")


def _rewards(ledger: SeedRecords, offers: Offers, campaign: Document) -> list[tuple[Document, Document]]:
    """Rewards with their assignments to the program; one is for the upper tiers alone."""
    chance = ledger.random_stream("rewards")
    tiers = ledger.list_records("loyalty_campaign_tiers", campaign["id"])
    found = []
    for place, (name, kind, points) in enumerate(_REWARDS):
        made = format_timestamp_ms(ledger.days_ago(218 - place))
        product = ledger.list_records("products")[place]
        parameters: Document = {"product": {"id": product["id"], "sku_id": None}}
        if kind == "CAMPAIGN":
            given = offers.campaigns[WELCOME]
            parameters = {"campaign": {"id": given["id"], "balance": None, "type": given["campaign_type"]}}
        reward: Document = {
            "id": letter_id(chance, "rew"),
            "name": name,
            "stock": 40 if kind == "MATERIAL" else None,
            "redeemed": place,
            "attributes": {"image_url": None, "description": f"{name} for members"},
            "metadata": {},
            "type": kind,
            "parameters": parameters,
            "created_at": made,
            "updated_at": None,
            "object": "reward",
        }
        assignment: Document = {
            "id": letter_id(chance, "rewa"),
            "reward_id": reward["id"],
            "created_at": made,
            "updated_at": None,
            "object": "reward_assignment",
            "related_object_id": campaign["id"],
            "related_object_type": "campaign",
            "parameters": {"loyalty": {"points": points, "auto_redeem": False}},
        }
        ledger.add("rewards", reward)
        ledger.add("reward_assignments", assignment, scope=reward["id"])
        for kind_of_list in ("loyalty_campaign_reward_assignments", "loyalty_campaign_rewards"):
            ledger.add(kind_of_list, assignment, scope=campaign["id"])
        for tier in tiers[place:]:
            row = {"reward": reward, "assignment": assignment, "object": "loyalty_tier_reward"}
            scope = f"{campaign['id']}/{tier['id']}"
            ledger.add("loyalty_tier_rewards", row, scope=scope, key=assignment["id"], at=made)
        found.append((reward, assignment))
    return found


def _add_pending_points(
    ledger: SeedRecords, campaign: Document, cards: Sequence[Document], tiers: Sequence[Document]
) -> None:
    """Points of orders that may still be sent back."""
    chance = ledger.random_stream("pending points")
    rule = ledger.list_records("loyalty_campaign_earning_rules", campaign["id"])[0]
    recent = sorted(ledger.list_records("orders"), key=lambda row: str(row["created_at"]))[-len(cards) :]
    for card, order in zip(cards, recent, strict=False):
        at = parse_timestamp(order["created_at"]) + timedelta(seconds=1)
        points = order["total_amount"] // 100
        body = {
            "id": digit_id(chance, "lopp", at),
            "voucher_id": card["id"],
            "campaign_id": campaign["id"],
            "customer_id": card["holder_id"],
            "order_id": order["id"],
            "points": points,
            "activates_at": f"{at + timedelta(days=30):%Y-%m-%d}",
            "details": {
                "holder_loyalty_tier": {"id": tiers[0]["id"], "name": tiers[0]["name"]},
                "event": {"id": digit_id(chance, "evcus", at), "type": "customer.order.paid"},
                "earning_rule": {"id": rule["id"], "source": {"banner": rule["source"]["banner"]}},
                "order": {"id": order["id"], "source_id": order["source_id"]},
            },
            "created_at": format_timestamp_ms(at),
            "updated_at": None,
        }
        card["loyalty_card"]["pending_points"] += points
        ledger.add("loyalty_campaign_pending_points", body, scope=campaign["id"])
        ledger.add("loyalty_member_pending_points", body, scope=card["id"])
        ledger.add("loyalty_campaign_member_pending_points", body, scope=f"{campaign['id']}/{card['id']}")


def _member(
    ledger: SeedRecords,
    campaign: Document,
    card: Document,
    tiers: Sequence[Document],
    rewards: Sequence[tuple[Document, Document]],
) -> None:
    """What only one member's lists hold: the tier reached, the rewards in reach, the points that will expire."""
    chance = ledger.random_stream("member", card["code"])
    balance = card["loyalty_card"]["balance"]
    tier = max((row for row in tiers if row["points"]["from"] <= balance), key=lambda row: int(row["points"]["from"]))
    expiring = {
        "customer_id": card["holder_id"],
        "campaign_id": campaign["id"],
        "tier_id": tier["id"],
        "start_date": None,
        "expiration_date": None,
        "created_at": card["created_at"],
        "updated_at": None,
    }
    ledger.add("loyalty_member_tiers", tier | {"expiration": expiring}, scope=card["id"])
    for reward, assignment in rewards:
        row = {"reward": reward, "assignment": assignment, "object": "loyalty_reward"}
        at = assignment["created_at"]
        ledger.add("loyalty_member_rewards", row, scope=card["id"], key=assignment["id"], at=at)
    for part in range(2):
        bucket = {
            "id": letter_id(chance, "lopb"),
            "voucher_id": card["id"],
            "campaign_id": campaign["id"],
            "bucket": {"total_points": balance - balance // 2 if part else balance // 2},
            "status": "ACTIVE",
            "expires_at": f"{ledger.days_ago(-30 * (part + 1)):%Y-%m-%d}",
            "created_at": card["created_at"],
            "updated_at": None,
            "object": "loyalty_points_bucket",
        }
        ledger.add("loyalty_points_expiration", bucket, scope=f"{campaign['id']}/{card['id']}")
