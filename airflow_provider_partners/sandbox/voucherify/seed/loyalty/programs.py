"""Loyalty programs of Voucherify's second API: card definitions, earning rules, tiers, benefits, rewards and members.

Ids, types and fields are those of the vendor's OpenAPI file of Loyalty v2
(https://github.com/voucherifyio/voucherify-openapi). The first API's program is in
:mod:`~airflow_provider_partners.sandbox.voucherify.seed.loyalty.v1`.
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
)

_PROGRAMS = (("Aurora Points", 125), ("Circle of friends ♥", 15))
_PERIOD = {"type": "NO_EXPIRATION"}
_ONCE = {"type": "NO_LIMIT"}
_LIMITS = {"global": _ONCE, "transactions": _ONCE}
_CODE = {"pattern": "##########", "length": 10, "charset": "0123456789", "prefix": "AP-", "postfix": ""}
_TIERS = (("Bronze", 0), ("Silver", 1_000), ("Gold", 5_000))


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A kind of record that a program consists of.

    :param kind: its list
    :param activities: the list of its activities
    :param prefix: prefix of its ids
    :param activity_id: prefix of its activities' ids
    :param parent: the field by which an activity names its record
    :param names: names of the records
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
# The assignments of a program: kind of definition, list of assignments, their object.
_ASSIGNED: Sequence[tuple[str, str, str]] = (
    ("card", "loyalty_program_card_definitions", "program_card_definition"),
    ("rule", "loyalty_program_earning_rules", "program_earning_rule"),
    ("tiers", "loyalty_program_tier_structures", "program_tier_structure"),
    ("reward", "loyalty_program_rewards", "program_reward"),
)


def add_programs(seed_records: SeedRecords, customers: Sequence[Document]) -> None:
    """Add all programs, with the first customers as members."""
    defined = {name: _define(seed_records, definition) for name, definition in DEFINITIONS.items()}
    tiers = [_add_tiers(seed_records, structure) for structure in defined["tiers"]]
    for index, (name, members) in enumerate(_PROGRAMS):
        rng = seed_records.random_stream("program", index)
        at = seed_records.days_ago(140 - 30 * index)
        program = seed_records.add("loyalty_programs", _named(rng, "lprg", "program", name, at))
        program["validity_hours"] = {"type": "ANY_TIME"}
        _add_activity(seed_records, rng, program, "created", at)
        for kind, list_, object_ in _ASSIGNED:
            _assign(seed_records, rng, program, defined[kind][index], kind=kind, list_=list_, object_=object_)
        _add_activity(seed_records, rng, program, "activated", at + timedelta(hours=2))
        for step, tier in enumerate(tiers[index]):
            record = {
                "id": digit_id(rng, "ltsum", at),
                "tier_structure_id": defined["tiers"][index]["id"],
                "tier_id": tier["id"],
                "joins": members if not step else 0,
                "upgrades": 3 - step if step else 0,
                "downgrades": 0,
                "lefts": 0,
                "prolongs": step,
                "object": "program_tiers_summary_report",
            }
            seed_records.add("loyalty_program_tier_summary", record, scope=program["id"], at=format_timestamp_ms(at))
        membership = Membership(
            program=program,
            card_definition=defined["card"][index],
            rule=defined["rule"][index],
            structure=defined["tiers"][index],
            tiers=tiers[index],
            benefit=defined["benefit"][index],
            reward=defined["reward"][index],
            orders=seed_records.list_records("orders"),
        )
        enroll(seed_records, rng, membership, customers[:members])


def _named(rng: Random, prefix: str, object_: str, name: str, at: datetime) -> Document:
    return {
        "id": digit_id(rng, prefix, at),
        "name": name,
        "status": "ACTIVE",
        "metadata": {},
        "created_at": format_timestamp_ms(at),
        "updated_at": format_timestamp_ms(at + timedelta(hours=2)),
        "object": object_,
    }


def _define(seed_records: SeedRecords, definition: Definition) -> list[Document]:
    rng = seed_records.random_stream(definition.kind)
    records = []
    for index, name in enumerate(definition.names):
        at = seed_records.days_ago(145 - 20 * index)
        record = _named(rng, definition.prefix, definition.object, name, at) | definition.more
        records.append(seed_records.add(definition.kind, record))
        for event, hours in (("created", 0), ("activated", 2), ("assigned", 3)):
            activity = {
                "id": digit_id(rng, definition.activity_id, at + timedelta(hours=hours)),
                definition.parent: record["id"],
                "type": f"vl.{definition.object}.{event}",
                "data": {definition.object: dict(record)},
                "created_at": format_timestamp_ms(at + timedelta(hours=hours)),
                "group_id": f"v-{rng.getrandbits(72):018x}",
            }
            seed_records.add(definition.activities, activity, scope=record["id"])
    return records


def _add_tiers(seed_records: SeedRecords, structure: Document) -> list[Document]:
    rng = seed_records.random_stream("tiers of", structure["name"])
    at = datetime.fromisoformat(structure["created_at"])
    return [
        seed_records.add(
            "loyalty_tier_structure_tiers",
            _named(rng, "lt", "tier", name, at + timedelta(seconds=index))
            | {"tier_structure_id": structure["id"], "points": {"from": least}},
            scope=structure["id"],
        )
        for index, (name, least) in enumerate(_TIERS)
    ]


def _assign(
    seed_records: SeedRecords, rng: Random, program: Document, record: Document, *, kind: str, list_: str, object_: str
) -> None:
    """Assign a record to a program. The assignment has no id of its own."""
    at = datetime.fromisoformat(program["created_at"]) + timedelta(minutes=5)
    assignment: Document = {
        DEFINITIONS[kind].parent: record["id"],
        "created_at": format_timestamp_ms(at),
        "object": object_,
    }
    if kind == "card":
        assignment["card_type"] = "INDIVIDUAL"
    elif kind == "reward":
        assignment["stock"] = {"type": "UNLIMITED"}
    seed_records.add(list_, assignment, scope=program["id"], key=record["id"])
    _add_activity(seed_records, rng, program, f"{record['object']}.assigned", at, **{record["object"]: dict(record)})


def _add_activity(
    seed_records: SeedRecords, rng: Random, program: Document, event: str, at: datetime, **about: Document
) -> None:
    activity = {
        "id": digit_id(rng, "laprg", at),
        "program_id": program["id"],
        "type": f"vl.program.{event}",
        "data": {"program": dict(program), **about},
        "created_at": format_timestamp_ms(at),
        "group_id": f"v-{rng.getrandbits(72):018x}",
    }
    seed_records.add("loyalty_program_activities", activity, scope=program["id"])
