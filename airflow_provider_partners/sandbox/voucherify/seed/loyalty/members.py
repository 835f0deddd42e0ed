"""Members of loyalty programs in Voucherify's second API: their cards, and the points that came and went.

Each maker writes one row; rows of one member name the same card. Used for the world as it begins and for making a list
long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    parse_timestamp,
)

# So many members did something; the first of all did so much that it takes more than a page.
_ACTIVE = 12
_TRANSACTIONS = 5
_BUSY_TRANSACTIONS = 125
_TOGETHER = 5


@dataclass(frozen=True, kw_only=True)
class Membership:
    """What a member of a program deals with.

    :param orders: some that may be paid with points
    """

    program: Document
    card_definition: Document
    rule: Document
    structure: Document
    tiers: Sequence[Document]
    benefit: Document
    reward: Document
    orders: Sequence[Document]


def member(chance: Random, program_id: str, customer_id: str, at: datetime) -> Document:
    """A customer in a program."""
    return {
        "id": digit_id(chance, "lmbr", at),
        "customer_id": customer_id,
        "program_id": program_id,
        "status": "INACTIVE" if chance.random() < 0.05 else "ACTIVE",
        "metadata": {},
        "created_at": format_timestamp_ms(at),
        "updated_at": format_timestamp_ms(at),
        "object": "member",
    }


def on_card(card: Document, id_: str, at: datetime, **more: object) -> Document:
    """What all rows about a card begin with.

    :param card: the ids of the card and of whom it belongs to
    """
    return {"id": id_, **card, **more, "created_at": format_timestamp_ms(at), "updated_at": None}


def card_transaction(chance: Random, card: Document, at: datetime, kind: str = "POINTS_EARNED") -> Document:
    """Points that came or went."""
    points: Document = {"total": chance.randint(1, 500)}
    if kind in {"POINTS_EARNED", "ADMIN_CREDIT"}:
        points["expiration_date"] = None
    details = {"reason": _REASONS[kind], "rejection": None, "metadata": {}, "points": points}
    return on_card(
        card,
        digit_id(chance, "lctx", at),
        at,
        card_type="INDIVIDUAL",
        type=kind,
        details=details,
        status="APPROVED",
        object="card_transaction",
    )


_REASONS: Mapping[str, str] = {
    "POINTS_EARNED": "Points earned",
    "ADMIN_CREDIT": "With apologies",
    "ADMIN_DEBIT": "Corrected",
    "POINTS_SPENT_ON_REWARD": "Points spent on reward",
    "POINTS_SPENT_ON_ORDER": "Points spent on order payment",
}


def activity(
    chance: Random, prefix: str, type_: str, at: datetime, *, owner: Mapping[str, str], data: Document
) -> Document:
    """Something that happened to a member or a card.

    :param owner: the field that names it, with its id
    """
    return {
        "id": digit_id(chance, prefix, at),
        **owner,
        "type": type_,
        "data": data,
        "created_at": format_timestamp_ms(at),
        "group_id": f"v-{chance.getrandbits(72):018x}",
    }


def enroll(ledger: SeedRecords, chance: Random, membership: Membership, customers: Sequence[Document]) -> None:
    """Make customers members; the first of them are busy."""
    program = membership.program
    opened = parse_timestamp(program["created_at"]) + timedelta(days=1)
    for place, customer in enumerate(customers):
        # A campaign brings several members within one instant.
        at = opened + timedelta(minutes=7 * (place // _TOGETHER))
        row = ledger.add(
            "loyalty_program_members", member(chance, program["id"], customer["id"], at), scope=program["id"]
        )
        if place < _ACTIVE:
            _add_activities(ledger, chance, membership, row, busy=not place)


def _add_activities(ledger: SeedRecords, chance: Random, membership: Membership, row: Document, *, busy: bool) -> None:
    """A member's card and all that happened with it."""
    at = parse_timestamp(row["created_at"])
    card_id = digit_id(chance, "lcrd", at)
    card: Document = {
        "card_id": card_id,
        "program_id": row["program_id"],
        "member_id": row["id"],
        "card_definition_id": membership.card_definition["id"],
    }
    scope = f"{row['program_id']}/{row['id']}"
    on_card_scope = f"{scope}/{card_id}"
    shown = {"id": card_id, "code": f"AP-{chance.randrange(10**10):010d}", "status": "ACTIVE", "object": "card"}
    for what, data in (("created", {}), ("card.assigned", {"card": shown})):
        told = {"member": dict(row), **data}
        body = activity(chance, "lambr", f"vl.member.{what}", at, owner={"member_id": row["id"]}, data=told)
        ledger.add("loyalty_program_member_activities", body, scope=scope)
    for what in ("created", "code_generation.succeeded", "assigned"):
        body = activity(chance, "lacrd", f"vl.card.{what}", at, owner={"card_id": card_id}, data={"card": shown})
        ledger.add("loyalty_program_card_activities", body, scope=on_card_scope)
    kinds = list(_REASONS)
    for time in range(_BUSY_TRANSACTIONS if busy else _TRANSACTIONS):
        then = at + timedelta(days=1, hours=5 * (time // _TOGETHER))
        body = card_transaction(chance, card, then, kinds[0] if time % 4 else kinds[time // 4 % len(kinds)])
        ledger.add("loyalty_program_card_transactions", body, scope=on_card_scope)
    for kind, make in _TRANSACTION_MAKERS.items():
        where = on_card_scope if kind in _OF_CARDS else scope
        for time in range(3):
            then = at + timedelta(days=2 + time)
            paid = card_transaction(chance, card, then, _SPENT.get(kind, kinds[0]))
            if kind in _SPENT:
                ledger.add("loyalty_program_card_transactions", paid, scope=on_card_scope)
            ledger.add(kind, make(chance, CardChange(membership, row, card, paid["id"], then)), scope=where)


@dataclass(frozen=True)
class CardChange:
    """One thing a member deals in.

    :param member: who
    :param card: the ids of the card
    :param paid: the id of the card transaction, where points were spent
    """

    membership: Membership
    member: Document
    card: Document
    paid: str
    at: datetime


_OF_CARDS = ("loyalty_program_card_pending_points", "loyalty_program_card_expiring_points")
_SPENT = {
    "loyalty_program_member_reward_purchases": "POINTS_SPENT_ON_REWARD",
    "loyalty_program_member_order_payments": "POINTS_SPENT_ON_ORDER",
}
_Make = Callable[[Random, CardChange], Document]


def _pending(chance: Random, deal: CardChange) -> Document:
    return on_card(
        deal.card,
        digit_id(chance, "lcppb", deal.at),
        deal.at,
        card_type="INDIVIDUAL",
        points={"total": chance.randint(1, 90)},
        date=f"{deal.at + timedelta(days=14):%Y-%m-%d}",
        type="PERIOD_BASED",
        status="PENDING",
        object="card_pending_points_bucket",
    )


def _expiring(chance: Random, deal: CardChange) -> Document:
    return on_card(
        deal.card,
        digit_id(chance, "lcpeb", deal.at),
        deal.at,
        customer_id=deal.member["customer_id"],
        card_type="INDIVIDUAL",
        points={"total": chance.randint(1, 900)},
        expiration_date=f"{deal.at + timedelta(days=365):%Y-%m-%d}",
        expiration_type="ROLLING_EXPIRATION",
        status="ACTIVE",
        object="card_points_bucket",
    )


def _purchase(chance: Random, deal: CardChange) -> Document:
    points = {"total": 100 * chance.randint(1, 9)}
    details = {"reason": "Points spent on reward", "rejection": None, "metadata": {}, "points": points, "result": None}
    return on_card(
        deal.card,
        digit_id(chance, "lrtx", deal.at),
        deal.at,
        card_transaction_id=deal.paid,
        reward_id=deal.membership.reward["id"],
        status="APPROVED",
        type="PURCHASE",
        details=details,
        object="reward_transaction",
    )


def _payment(chance: Random, deal: CardChange) -> Document:
    points = 100 * chance.randint(1, 9)
    details = {
        "reason": "Points spent on order payment",
        "rejection": None,
        "metadata": {"points_limit": 1000},
        "payment": {"points": points, "amount": points},
        "spending_cap": {"type": "REQUEST_PAYMENT_LIMIT", "unit": "POINTS", "value": 1000},
    }
    return on_card(
        deal.card,
        digit_id(chance, "lotx", deal.at),
        deal.at,
        card_transaction_id=deal.paid,
        order_id=chance.choice(deal.membership.orders)["id"],
        status="APPROVED",
        type="PAY_WITH_POINTS",
        details=details,
        object="order_transaction",
    )


def _benefit(chance: Random, deal: CardChange) -> Document:
    owner = {"program_id": deal.member["program_id"], "member_id": deal.member["id"]}
    return on_card(
        owner,
        digit_id(chance, "lbtx", deal.at),
        deal.at,
        benefit_id=deal.membership.benefit["id"],
        earning_rule_id=deal.membership.rule["id"],
        type="FULFILLMENT",
        details={"reason": "Benefit fulfilled", "rejection": None, "metadata": {}},
        status="APPROVED",
        object="benefit_transaction",
    )


def _tier(chance: Random, deal: CardChange) -> Document:
    return on_card(
        deal.card,
        digit_id(chance, "lttx", deal.at),
        deal.at,
        tier_structure_id=deal.membership.structure["id"],
        tier_id=deal.membership.tiers[0]["id"],
        type=chance.choice(("JOINED", "EVALUATION_REFRESHED")),
        details={"reason": "Tier evaluated", "rejection": None, "metadata": {}},
        status="APPROVED",
        object="tier_transaction",
    )


#: What a member deals in besides plain points, by list.
_TRANSACTION_MAKERS: Mapping[str, _Make] = {
    "loyalty_program_card_pending_points": _pending,
    "loyalty_program_card_expiring_points": _expiring,
    "loyalty_program_member_reward_purchases": _purchase,
    "loyalty_program_member_order_payments": _payment,
    "loyalty_program_member_benefit_transactions": _benefit,
    "loyalty_program_member_tier_transactions": _tier,
}
