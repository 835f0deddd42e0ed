"""Loyalty programs of Voucherify's second API: definitions of cards, earning rules, tiers, benefits and rewards, and
the members with all that happened on their cards.

Ids, types and fields are those of the vendor's OpenAPI file of Loyalty v2. The first API's loyalty campaign is another
one and is made elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.members import Membership, enroll
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    parse_timestamp,
)

_PROGRAMS = (("Aurora Points", 125), ("Circle of friends ♥", 15))
_PERIOD = {"type": "NO_EXPIRATION"}
_ONCE = {"type": "NO_LIMIT"}
_LIMITS = {"global": _ONCE, "transactions": _ONCE}
_CODE = {"pattern": "##########", "length": 10, "charset": "0123456789", "prefix": "AP-", "postfix": ""}
_TIERS = (("Bronze", 0), ("Silver", 1_000), ("Gold", 5_000))


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A kind of record that programs are put together from.

    :param kind: of its list; its activities are in a list of their own
    :param activities: that list
    :param activity_id: the prefix of activities' ids
    :param parent: the field by which an activity names its record
    :param names: of the records there are
    """

    kind: str
    activities: str
    prefix: str
    activity_id: str
    object: str
    parent: str
    names: Sequence[str]
    more: Document = field(default_factory=dict)


DEFINITIONS: Mapping[str, Definition] = {
    "card": Definition(
        kind="loyalty_card_definitions",
        activities="loyalty_card_definition_activities",
        prefix="lcdef",
        activity_id="lacdef",
        object="card_definition",
        parent="card_definition_id",
        names=("Points card", "Circle card"),
        more={
            "type": "INDIVIDUAL",
            "code_config": _CODE,
            "points_expiration": _PERIOD,
            "pending_points": {"type": "IMMEDIATE"},
            "earning_limits": _LIMITS,
            "spending_limits": _LIMITS,
            "refunds": {"spent_points": {"type": "NONE"}, "earned_points": {"type": "NONE"}},
            "balance_settings": {"allow_negative": False},
            "pay_with_points": {"type": "EXCHANGE_RATIO", "exchange_ratio": {"points": 100, "amount": 100}},
        },
    ),
    "rule": Definition(
        kind="loyalty_earning_rules",
        activities="loyalty_earning_rule_activities",
        prefix="lern",
        activity_id="laer",
        object="earning_rule",
        parent="earning_rule_id",
        names=("A point per dollar", "Birthday points", "First review"),
        more={"trigger": {"type": "ORDER_PAID"}},
    ),
    "tiers": Definition(
        kind="loyalty_tier_structures",
        activities="loyalty_tier_structure_activities",
        prefix="lts",
        activity_id="lats",
        object="tier_structure",
        parent="tier_structure_id",
        names=("Metals", "Circle levels"),
        more={"expiration": {"type": "NO_RETENTION"}, "downgrade": {"type": "NO_DOWNGRADE"}},
    ),
    "benefit": Definition(
        kind="loyalty_benefits",
        activities="loyalty_benefit_activities",
        prefix="lben",
        activity_id="laben",
        object="benefit",
        parent="benefit_id",
        names=("Free shipping", "Double points"),
        more={"type": "MATERIAL"},
    ),
    "reward": Definition(
        kind="loyalty_rewards",
        activities="loyalty_reward_activities",
        prefix="lrew",
        activity_id="larew",
        object="reward",
        parent="reward_id",
        names=("Mug « Aurore »", "Five off"),
        more={"type": "MATERIAL", "refundable": True},
    ),
}
# What is put into a program: kind of definition, the list of assignments, their object.
_ASSIGNED: Sequence[tuple[str, str, str]] = (
    ("card", "loyalty_program_card_definitions", "program_card_definition"),
    ("rule", "loyalty_program_earning_rules", "program_earning_rule"),
    ("tiers", "loyalty_program_tier_structures", "program_tier_structure"),
    ("reward", "loyalty_program_rewards", "program_reward"),
)


def add_programs(ledger: SeedRecords, customers: Sequence[Document]) -> None:
    """All programs with their members, the first customers first."""
    defined = {name: _define(ledger, definition) for name, definition in DEFINITIONS.items()}
    tiers = [_add_tiers(ledger, structure) for structure in defined["tiers"]]
    for place, (name, members) in enumerate(_PROGRAMS):
        chance = ledger.random_stream("program", place)
        at = ledger.days_ago(140 - 30 * place)
        program = ledger.add("loyalty_programs", _named(chance, "lprg", "program", name, at))
        program["validity_hours"] = {"type": "ANY_TIME"}
        _add_activity(ledger, chance, program, "created", at)
        for kind, list_, object_ in _ASSIGNED:
            _assign(ledger, chance, program, defined[kind][place], kind=kind, list_=list_, object_=object_)
        _add_activity(ledger, chance, program, "activated", at + timedelta(hours=2))
        for step, tier in enumerate(tiers[place]):
            row = {
                "id": digit_id(chance, "ltsum", at),
                "tier_structure_id": defined["tiers"][place]["id"],
                "tier_id": tier["id"],
                "joins": members if not step else 0,
                "upgrades": 3 - step if step else 0,
                "downgrades": 0,
                "lefts": 0,
                "prolongs": step,
                "object": "program_tiers_summary_report",
            }
            ledger.add("loyalty_program_tier_summary", row, scope=program["id"], at=format_timestamp_ms(at))
        membership = Membership(
            program=program,
            card_definition=defined["card"][place],
            rule=defined["rule"][place],
            structure=defined["tiers"][place],
            tiers=tiers[place],
            benefit=defined["benefit"][place],
            reward=defined["reward"][place],
            orders=ledger.list_records("orders"),
        )
        enroll(ledger, chance, membership, customers[:members])


def _named(chance: Random, prefix: str, object_: str, name: str, at: datetime) -> Document:
    return {
        "id": digit_id(chance, prefix, at),
        "name": name,
        "status": "ACTIVE",
        "metadata": {},
        "created_at": format_timestamp_ms(at),
        "updated_at": format_timestamp_ms(at + timedelta(hours=2)),
        "object": object_,
    }


def _define(ledger: SeedRecords, definition: Definition) -> list[Document]:
    chance = ledger.random_stream(definition.kind)
    rows = []
    for place, name in enumerate(definition.names):
        at = ledger.days_ago(145 - 20 * place)
        row = _named(chance, definition.prefix, definition.object, name, at) | definition.more
        rows.append(ledger.add(definition.kind, row))
        for what, later in (("created", 0), ("activated", 2), ("assigned", 3)):
            activity = {
                "id": digit_id(chance, definition.activity_id, at + timedelta(hours=later)),
                definition.parent: row["id"],
                "type": f"vl.{definition.object}.{what}",
                "data": {definition.object: dict(row)},
                "created_at": format_timestamp_ms(at + timedelta(hours=later)),
                "group_id": f"v-{chance.getrandbits(72):018x}",
            }
            ledger.add(definition.activities, activity, scope=row["id"])
    return rows


def _add_tiers(ledger: SeedRecords, structure: Document) -> list[Document]:
    chance = ledger.random_stream("tiers of", structure["name"])
    at = parse_timestamp(structure["created_at"])
    return [
        ledger.add(
            "loyalty_tier_structure_tiers",
            _named(chance, "lt", "tier", name, at + timedelta(seconds=place))
            | {"tier_structure_id": structure["id"], "points": {"from": least}},
            scope=structure["id"],
        )
        for place, (name, least) in enumerate(_TIERS)
    ]


def _assign(
    ledger: SeedRecords, chance: Random, program: Document, row: Document, *, kind: str, list_: str, object_: str
) -> None:
    """Put a record into a program. An assignment has no id but that of what is assigned."""
    at = parse_timestamp(program["created_at"]) + timedelta(minutes=5)
    assignment: Document = {
        DEFINITIONS[kind].parent: row["id"],
        "created_at": format_timestamp_ms(at),
        "object": object_,
    }
    if kind == "card":
        assignment["card_type"] = "INDIVIDUAL"
    elif kind == "reward":
        assignment["stock"] = {"type": "UNLIMITED"}
    ledger.add(list_, assignment, scope=program["id"], key=row["id"])
    _add_activity(ledger, chance, program, f"{row['object']}.assigned", at, **{row["object"]: dict(row)})


def _add_activity(
    ledger: SeedRecords, chance: Random, program: Document, what: str, at: datetime, **about: Document
) -> None:
    activity = {
        "id": digit_id(chance, "laprg", at),
        "program_id": program["id"],
        "type": f"vl.program.{what}",
        "data": {"program": dict(program), **about},
        "created_at": format_timestamp_ms(at),
        "group_id": f"v-{chance.getrandbits(72):018x}",
    }
    ledger.add("loyalty_program_activities", activity, scope=program["id"])
