"""Members of Voucherify's second loyalty API: their cards, and the points that they earn and spend.

Each function makes one record. The records of a member name the same card.
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
)

#: Number of members with activities.
_ACTIVE = 12
#: Transactions of a member; the first member has more than one page.
_TRANSACTIONS = 5
_BUSY_TRANSACTIONS = 125
#: Number of records with the same timestamp.
_SAME_TIMESTAMP_COUNT = 5


@dataclass(frozen=True, kw_only=True)
class Membership:
    """A program and what its members use.

    :param orders: orders that points can pay
    """

    program: Document
    card_definition: Document
    rule: Document
    structure: Document
    tiers: Sequence[Document]
    benefit: Document
    reward: Document
    orders: Sequence[Document]


def member(rng: Random, program_id: str, customer_id: str, at: datetime) -> Document:
    """Return a customer's membership in a program."""
    return {
        "id": digit_id(rng, "lmbr", at),
        "customer_id": customer_id,
        "program_id": program_id,
        "status": "INACTIVE" if rng.random() < 0.05 else "ACTIVE",
        "metadata": {},
        "created_at": format_timestamp_ms(at),
        "updated_at": format_timestamp_ms(at),
        "object": "member",
    }


def card_record(card: Document, id_: str, at: datetime, **fields: object) -> Document:
    """Return a record about a card.

    :param card: ids of the card and of its program, member and definition
    """
    return {"id": id_, **card, **fields, "created_at": format_timestamp_ms(at), "updated_at": None}


def card_transaction(rng: Random, card: Document, at: datetime, kind: str = "POINTS_EARNED") -> Document:
    """Return a transaction of points."""
    points: Document = {"total": rng.randint(1, 500)}
    if kind in {"POINTS_EARNED", "ADMIN_CREDIT"}:
        points["expiration_date"] = None
    details = {"reason": _REASONS[kind], "rejection": None, "metadata": {}, "points": points}
    return card_record(
        card,
        digit_id(rng, "lctx", at),
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
    rng: Random, prefix: str, type_: str, at: datetime, *, owner: Mapping[str, str], data: Document
) -> Document:
    """Return an activity of a member or a card.

    :param owner: the field that names the member or the card, with its id
    """
    return {
        "id": digit_id(rng, prefix, at),
        **owner,
        "type": type_,
        "data": data,
        "created_at": format_timestamp_ms(at),
        "group_id": f"v-{rng.getrandbits(72):018x}",
    }


def enroll(seed_records: SeedRecords, rng: Random, membership: Membership, customers: Sequence[Document]) -> None:
    """Make customers members of a program. The first ones have activities."""
    program = membership.program
    opened = datetime.fromisoformat(program["created_at"]) + timedelta(days=1)
    for index, customer in enumerate(customers):
        # Five members join at the same time.
        at = opened + timedelta(minutes=7 * (index // _SAME_TIMESTAMP_COUNT))
        record = seed_records.add(
            "loyalty_program_members", member(rng, program["id"], customer["id"], at), scope=program["id"]
        )
        if index < _ACTIVE:
            _add_activities(seed_records, rng, membership, record, busy=not index)


def _add_activities(
    seed_records: SeedRecords, rng: Random, membership: Membership, record: Document, *, busy: bool
) -> None:
    """Add a member's card and everything that happens to it."""
    at = datetime.fromisoformat(record["created_at"])
    card_id = digit_id(rng, "lcrd", at)
    card: Document = {
        "card_id": card_id,
        "program_id": record["program_id"],
        "member_id": record["id"],
        "card_definition_id": membership.card_definition["id"],
    }
    scope = f"{record['program_id']}/{record['id']}"
    card_scope = f"{scope}/{card_id}"
    card_body = {"id": card_id, "code": f"AP-{rng.randrange(10**10):010d}", "status": "ACTIVE", "object": "card"}
    for event, data in (("created", {}), ("card.assigned", {"card": card_body})):
        owner, body_data = {"member_id": record["id"]}, {"member": dict(record), **data}
        body = activity(rng, "lambr", f"vl.member.{event}", at, owner=owner, data=body_data)
        seed_records.add("loyalty_program_member_activities", body, scope=scope)
    for event in ("created", "code_generation.succeeded", "assigned"):
        body = activity(rng, "lacrd", f"vl.card.{event}", at, owner={"card_id": card_id}, data={"card": card_body})
        seed_records.add("loyalty_program_card_activities", body, scope=card_scope)
    kinds = list(_REASONS)
    for number in range(_BUSY_TRANSACTIONS if busy else _TRANSACTIONS):
        later = at + timedelta(days=1, hours=5 * (number // _SAME_TIMESTAMP_COUNT))
        body = card_transaction(rng, card, later, kinds[0] if number % 4 else kinds[number // 4 % len(kinds)])
        seed_records.add("loyalty_program_card_transactions", body, scope=card_scope)
    for kind, make in _TRANSACTION_MAKERS.items():
        list_scope = card_scope if kind in _CARD_LISTS else scope
        for number in range(3):
            later = at + timedelta(days=2 + number)
            payment = card_transaction(rng, card, later, _SPENT.get(kind, kinds[0]))
            if kind in _SPENT:
                seed_records.add("loyalty_program_card_transactions", payment, scope=card_scope)
            seed_records.add(
                kind, make(rng, CardChange(membership, record, card, payment["id"], later)), scope=list_scope
            )


@dataclass(frozen=True)
class CardChange:
    """One change of a member's card.

    :param card: ids of the card and of its program, member and definition
    :param payment_id: id of the card transaction that spent the points
    """

    membership: Membership
    member: Document
    card: Document
    payment_id: str
    at: datetime


_CARD_LISTS = ("loyalty_program_card_pending_points", "loyalty_program_card_expiring_points")
_SPENT = {
    "loyalty_program_member_reward_purchases": "POINTS_SPENT_ON_REWARD",
    "loyalty_program_member_order_payments": "POINTS_SPENT_ON_ORDER",
}
_Make = Callable[[Random, CardChange], Document]


def _pending(rng: Random, change: CardChange) -> Document:
    return card_record(
        change.card,
        digit_id(rng, "lcppb", change.at),
        change.at,
        card_type="INDIVIDUAL",
        points={"total": rng.randint(1, 90)},
        date=f"{change.at + timedelta(days=14):%Y-%m-%d}",
        type="PERIOD_BASED",
        status="PENDING",
        object="card_pending_points_bucket",
    )


def _expiring(rng: Random, change: CardChange) -> Document:
    return card_record(
        change.card,
        digit_id(rng, "lcpeb", change.at),
        change.at,
        customer_id=change.member["customer_id"],
        card_type="INDIVIDUAL",
        points={"total": rng.randint(1, 900)},
        expiration_date=f"{change.at + timedelta(days=365):%Y-%m-%d}",
        expiration_type="ROLLING_EXPIRATION",
        status="ACTIVE",
        object="card_points_bucket",
    )


def _purchase(rng: Random, change: CardChange) -> Document:
    points = {"total": 100 * rng.randint(1, 9)}
    details = {"reason": "Points spent on reward", "rejection": None, "metadata": {}, "points": points, "result": None}
    return card_record(
        change.card,
        digit_id(rng, "lrtx", change.at),
        change.at,
        card_transaction_id=change.payment_id,
        reward_id=change.membership.reward["id"],
        status="APPROVED",
        type="PURCHASE",
        details=details,
        object="reward_transaction",
    )


def _payment(rng: Random, change: CardChange) -> Document:
    points = 100 * rng.randint(1, 9)
    details = {
        "reason": "Points spent on order payment",
        "rejection": None,
        "metadata": {"points_limit": 1000},
        "payment": {"points": points, "amount": points},
        "spending_cap": {"type": "REQUEST_PAYMENT_LIMIT", "unit": "POINTS", "value": 1000},
    }
    return card_record(
        change.card,
        digit_id(rng, "lotx", change.at),
        change.at,
        card_transaction_id=change.payment_id,
        order_id=rng.choice(change.membership.orders)["id"],
        status="APPROVED",
        type="PAY_WITH_POINTS",
        details=details,
        object="order_transaction",
    )


def _benefit(rng: Random, change: CardChange) -> Document:
    owner = {"program_id": change.member["program_id"], "member_id": change.member["id"]}
    return card_record(
        owner,
        digit_id(rng, "lbtx", change.at),
        change.at,
        benefit_id=change.membership.benefit["id"],
        earning_rule_id=change.membership.rule["id"],
        type="FULFILLMENT",
        details={"reason": "Benefit fulfilled", "rejection": None, "metadata": {}},
        status="APPROVED",
        object="benefit_transaction",
    )


def _tier(rng: Random, change: CardChange) -> Document:
    return card_record(
        change.card,
        digit_id(rng, "lttx", change.at),
        change.at,
        tier_structure_id=change.membership.structure["id"],
        tier_id=change.membership.tiers[0]["id"],
        type=rng.choice(("JOINED", "EVALUATION_REFRESHED")),
        details={"reason": "Tier evaluated", "rejection": None, "metadata": {}},
        status="APPROVED",
        object="tier_transaction",
    )


#: Makers of the records that change a card in another way than by plain points, by list.
_TRANSACTION_MAKERS: Mapping[str, _Make] = {
    "loyalty_program_card_pending_points": _pending,
    "loyalty_program_card_expiring_points": _expiring,
    "loyalty_program_member_reward_purchases": _purchase,
    "loyalty_program_member_order_payments": _payment,
    "loyalty_program_member_benefit_transactions": _benefit,
    "loyalty_program_member_tier_transactions": _tier,
}
