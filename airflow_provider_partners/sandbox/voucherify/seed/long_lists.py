"""Makes one list of a Voucherify project long, to test how a client reads it to the end.

The new records name records that exist. Many have the same timestamp, so that a page ends between equal timestamps.
Counters on vouchers and customers do not change.
"""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.random_streams import stream
from airflow_provider_partners.sandbox.store import Document, Store
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import voucher
from airflow_provider_partners.sandbox.voucherify.seed.checkout import FAILURES
from airflow_provider_partners.sandbox.voucherify.seed.customers import person, publication, short_customer
from airflow_provider_partners.sandbox.voucherify.seed.loyalty.members import card_transaction, member
from airflow_provider_partners.sandbox.voucherify.seed.orders import (
    apply_discount,
    discount_amount,
    empty_order,
    item_from_sku,
    update_totals,
)
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    PARTNER,
    ListKey,
    digit_id,
    format_timestamp_ms,
    letter_id,
    store_lists,
)
from airflow_provider_partners.sandbox.voucherify.seed.transactions import new_transaction, transaction_lists

#: The new records are spread over this number of days before the world's current time.
DAYS = 90
#: Number of records with the same timestamp, in turn. The last one is more than one page.
SAME_TIMESTAMP_COUNT = (1, 1, 3, 7, 1, 12, 2, 150)


@dataclass
class Growth:
    """A list that gets more records.

    :param scope: scope of the list
    :param count: number of new records
    """

    store: Store
    rng: Random
    kind: str
    scope: str
    count: int
    now: datetime
    records: dict[ListKey, list[tuple[str, str, Document]]] = field(default_factory=lambda: defaultdict(list))

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """Return the records that a list has already."""
        return self.store.select(PARTNER, scope, kind)

    def add(self, kind: str, body: Document, *, scope: str = "") -> None:
        """Add a new record to a list."""
        self.records[kind, scope].append((body["id"], body.get("created_at") or body["date"], body))

    def timestamps(self) -> Iterator[datetime]:
        """Yield the timestamps of the new records, oldest first."""
        step = timedelta(days=DAYS) / (self.count + 1)
        number = 0
        while number < self.count:
            for group_size in SAME_TIMESTAMP_COUNT:
                at = self.now - timedelta(days=DAYS) + step * number
                at = at.replace(microsecond=at.microsecond // 1000 * 1000)
                for _ in range(min(group_size, self.count - number)):
                    number += 1
                    yield at


def grow(store: Store, *, seed: int, kind: str, count: int, now: datetime, scope: str | None = None) -> str:
    """Add records to a list and return the list's scope.

    A new redemption also adds its order. A new transaction is added to every list of its card.

    :param seed: the world's seed
    :param kind: name of the list; one of :data:`RECORD_MAKERS`
    :param count: number of new records
    :param now: the world's current time; all records are older
    :param scope: scope of the list; by default the longest list of that name
    :raises ValueError: the list cannot be made longer, or does not exist
    """
    if kind not in RECORD_MAKERS:
        msg = f"{kind} cannot be made longer, only {', '.join(sorted(RECORD_MAKERS))}"
        raise ValueError(msg)
    if scope is None:
        scope = max(store.shops(PARTNER), key=lambda each: store.count(PARTNER, each, kind), default="")
    old_count = store.count(PARTNER, scope, kind)
    if not old_count:
        msg = f"there is no list {kind} of {scope or 'this world'} that could be made longer"
        raise ValueError(msg)
    growth = Growth(store, stream(seed, PARTNER, "growth", kind, scope, old_count), kind, scope, count, now)
    RECORD_MAKERS[kind](growth)
    store_lists(store, growth.records)
    return scope


def _customers(growth: Growth) -> None:
    for number, at in enumerate(growth.timestamps()):
        name = f"Reader {number}"
        email = f"reader.{number}.{growth.rng.getrandbits(40):x}@example.net"
        record = person(growth.rng, source_id=email if number % 3 else None, name=name, email=email, created=at)
        growth.add("customers", record)


def _vouchers(growth: Growth) -> None:
    campaign = next(record for record in growth.list_records("campaigns") if "discount" in record.get("voucher", {}))
    for at in growth.timestamps():
        code = f"BULK-{growth.rng.getrandbits(60):015X}"
        record = voucher(
            growth.rng, code, {"discount": campaign["voucher"]["discount"]}, format_timestamp_ms(at), campaign=campaign
        )
        growth.add("vouchers", record)


def _orders(growth: Growth) -> None:
    orders = _OrderMaker.of(growth)
    for number, at in enumerate(growth.timestamps()):
        growth.add("orders", orders.order(number, at))


def _redemptions(growth: Growth) -> None:
    """Add redemptions. Every fifth fails; the others discount an order of their own."""
    orders = _OrderMaker.of(growth)
    codes = [
        record
        for record in growth.list_records("vouchers")
        if record["type"] == "DISCOUNT_VOUCHER" and not record["campaign_id"]
    ]
    for number, at in enumerate(growth.timestamps()):
        code, customer = codes[number % len(codes)], orders.customers[number % len(orders.customers)]
        failure = FAILURES[number % len(FAILURES)] if number % 5 == 4 else None
        record: Document = {
            "id": digit_id(growth.rng, "rf" if failure else "r", at),
            "object": "redemption",
            "date": format_timestamp_ms(at),
            "customer_id": customer["id"],
            "tracking_id": None,
            "metadata": {},
            "result": "FAILURE" if failure else "SUCCESS",
            "status": "FAILED" if failure else "SUCCEEDED",
            "order": None,
            "channel": {"channel_id": "bulk", "channel_type": "API"},
            "customer": short_customer(customer),
            "related_object_type": "voucher",
            "related_object_id": code["id"],
            "voucher": {name: code[name] for name in ("id", "code", "type", "discount", "is_referral_code", "object")},
        }
        if failure:
            record |= {"failure_code": failure[0], "failure_message": failure[1]}
        else:
            order = orders.order(number, at)
            apply_discount(
                order, discount_amount(order, code["discount"]), items=code["discount"]["effect"] == "APPLY_TO_ITEMS"
            )
            entry = {name: record[name] for name in ("date", "related_object_type", "related_object_id")}
            order["redemptions"] = {record["id"]: entry}
            record["order"] = copy.deepcopy(order)
            growth.add("orders", order)
        growth.add("redemptions", record)
        growth.add("voucher_redemptions", record, scope=code["code"])


@dataclass
class _OrderMaker:
    """Makes orders that the shop does not have.

    :param goods: pairs of a product and one of its SKUs
    """

    growth: Growth
    customers: Sequence[Document]
    goods: Sequence[tuple[Document, Document]]

    @classmethod
    def of(cls, growth: Growth) -> _OrderMaker:
        products = growth.list_records("products")
        goods = [(record, sku) for record in products for sku in record["skus"]["data"][:1] if sku["price"]]
        return cls(growth, growth.list_records("customers"), goods)

    def order(self, number: int, at: datetime) -> Document:
        """Return an order of one item."""
        customer = self.customers[number % len(self.customers)]
        source_id = f"BULK-{number:06d}-{self.growth.rng.getrandbits(24):06x}"
        body = empty_order(self.growth.rng, source_id=source_id, customer=customer, at=at)
        product, sku = self.goods[number % len(self.goods)]
        body["items"] = [item_from_sku(product, sku, 1 + number % 3)]
        return update_totals(body)


def _publications(growth: Growth) -> None:
    customers = growth.list_records("customers")
    codes = [record for record in growth.list_records("vouchers") if record["type"] == "DISCOUNT_VOUCHER"]
    for number, at in enumerate(growth.timestamps()):
        customer, code = customers[number % len(customers)], codes[number % len(codes)]
        growth.add("publications", publication(growth.rng, customer, [code], at=at))


def _transactions(growth: Growth) -> None:
    """Add transactions of the first card that this list belongs to."""
    cards = [record for record in growth.list_records("vouchers") if record["type"] != "DISCOUNT_VOUCHER"]
    card = next(record for record in cards if (growth.kind, growth.scope) in transaction_lists(record))
    kind = "ACCRUAL" if card["loyalty_card"] else "ADDITION"
    for at in growth.timestamps():
        record = new_transaction(growth.rng, card, 1, kind=kind, at=at, about={})
        for list_, scope in transaction_lists(card):
            growth.add(list_, record, scope=scope)
    growth.add("vouchers", card)


def _members(growth: Growth) -> None:
    customers = growth.list_records("customers")
    for number, at in enumerate(growth.timestamps()):
        customer = customers[number % len(customers)]
        growth.add(growth.kind, member(growth.rng, growth.scope, customer["id"], at), scope=growth.scope)


def _card_transactions(growth: Growth) -> None:
    first = growth.list_records(growth.kind, growth.scope)[0]
    card = {name: first[name] for name in ("card_id", "program_id", "member_id", "card_definition_id")}
    for at in growth.timestamps():
        growth.add(growth.kind, card_transaction(growth.rng, card, at), scope=growth.scope)


def _copies(growth: Growth) -> None:
    """Add copies of the existing records, with names, ids and timestamps of their own."""
    originals = [
        (record["id"], json.dumps(record, ensure_ascii=False))
        for record in growth.list_records(growth.kind, growth.scope)
    ]
    for number, at in enumerate(growth.timestamps()):
        old, body = originals[number % len(originals)]
        prefix, _, tail = old.rpartition("_")
        new = digit_id(growth.rng, prefix, at) if _DIGITS.fullmatch(tail) else letter_id(growth.rng, prefix)
        record: Document = json.loads(body.replace(old, new))
        record["created_at"] = format_timestamp_ms(at)
        if record.get("updated_at"):
            record["updated_at"] = record["created_at"]
        if record.get("name"):
            record["name"] += f" ({number + 1})"
        if record.get("source_id"):
            record["source_id"] += f"{number:06d}"
        if "skus" in record:
            record["skus"] |= {"data": [], "total": 0}
        growth.add(growth.kind, record, scope=growth.scope)
        for list_, scope in _other_lists(growth, record):
            growth.add(list_, record, scope=scope)


_DIGITS = re.compile("[0-9a-f]{18}")


def _other_lists(growth: Growth, record: Document) -> list[ListKey]:
    """Return the other lists that contain the same record."""
    campaign, member = record.get("campaign_id"), record.get("voucher_id")
    return {
        "customer_activity": [("customer_activities", growth.scope)],
        "customer_activities": [("customer_activity", growth.scope)],
        "promotion_tiers": [("campaign_promotion_tiers", f"{campaign}")],
        "promotion_stacks": [("campaign_promotion_stacks", f"{campaign}")],
        "validation_rules_assignments": [("validation_rule_assignments", f"{record.get('rule_id')}")],
        "loyalty_campaign_pending_points": [
            ("loyalty_member_pending_points", f"{member}"),
            ("loyalty_campaign_member_pending_points", f"{campaign}/{member}"),
        ],
    }.get(growth.kind, [])


#: The lists that can be made longer, with the function that does it.
RECORD_MAKERS: Mapping[str, Callable[[Growth], None]] = {
    "customers": _customers,
    "vouchers": _vouchers,
    "orders": _orders,
    "redemptions": _redemptions,
    "publications": _publications,
    "voucher_transactions": _transactions,
    "campaign_transactions": _transactions,
    "loyalty_campaign_transactions": _transactions,
    "loyalty_campaign_member_transactions": _transactions,
    "loyalty_member_transactions": _transactions,
    "loyalty_program_members": _members,
    "loyalty_program_card_transactions": _card_transactions,
    **dict.fromkeys(
        (
            "async_actions",
            "campaigns",
            "customer_activities",
            "customer_activity",
            "exports",
            "locations",
            "loyalty_benefits",
            "loyalty_campaign_pending_points",
            "loyalty_card_definitions",
            "loyalty_earning_rules",
            "loyalty_program_activities",
            "loyalty_program_card_activities",
            "loyalty_program_card_expiring_points",
            "loyalty_program_card_pending_points",
            "loyalty_program_member_activities",
            "loyalty_program_member_benefit_transactions",
            "loyalty_program_member_order_payments",
            "loyalty_program_member_reward_purchases",
            "loyalty_program_member_tier_transactions",
            "loyalty_programs",
            "loyalty_rewards",
            "loyalty_tier_structures",
            "product_collections",
            "products",
            "promotion_stacks",
            "promotion_tiers",
            "rewards",
            "segments",
            "trash_bin",
            "validation_rules",
            "validation_rules_assignments",
        ),
        _copies,
    ),
}
