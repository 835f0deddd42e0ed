"""Makes one list of a Voucherify project long, for those who walk it to its end.

The rows name records that exist. Many share their time with others, so that the edge of a page falls between equals.
What is counted on vouchers and customers stays as it was: the counts are those of the world as it began.
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
    Place,
    digit_id,
    format_timestamp_ms,
    letter_id,
    store_lists,
)
from airflow_provider_partners.sandbox.voucherify.seed.transactions import new_transaction, transaction_lists

#: Rows are spread over so many days before the day of the world.
DAYS = 90
#: So many rows in turn share one time: some alone, some few, and at times more than a page holds.
SAME_TIMESTAMP_COUNT = (1, 1, 3, 7, 1, 12, 2, 150)


@dataclass
class Growth:
    """A list that is made longer.

    :param scope: the list's own
    :param count: how many rows come
    """

    store: Store
    rng: Random
    kind: str
    scope: str
    count: int
    now: datetime
    records: dict[Place, list[tuple[str, str, Document]]] = field(default_factory=lambda: defaultdict(list))

    def list_records(self, kind: str, scope: str = "") -> list[Document]:
        """The rows of a list as it is."""
        return self.store.select(PARTNER, scope, kind)

    def add(self, kind: str, body: Document, *, scope: str = "") -> None:
        """One more row of a list."""
        self.records[kind, scope].append((body["id"], body.get("created_at") or body["date"], body))

    def times(self) -> Iterator[datetime]:
        """The rows' times, oldest first."""
        step = timedelta(days=DAYS) / (self.count + 1)
        number = 0
        while number < self.count:
            for together in SAME_TIMESTAMP_COUNT:
                at = self.now - timedelta(days=DAYS) + step * number
                at = at.replace(microsecond=at.microsecond // 1000 * 1000)
                for _ in range(min(together, self.count - number)):
                    number += 1
                    yield at


def grow(store: Store, *, seed: int, kind: str, count: int, now: datetime, scope: str | None = None) -> str:
    """Add so many rows to a list; the scope of the list.

    A redemption brings its order, a movement stands in all lists of its card.

    :param seed: of the world
    :param kind: the list's name; one of :data:`RECORD_MAKERS`
    :param now: the day of the world; all rows are from before
    :param scope: which of the lists of that name; the one with most rows when not given
    :raises ValueError: the list cannot be made longer, or there is none
    """
    if kind not in RECORD_MAKERS:
        msg = f"{kind} cannot be made longer, only {', '.join(sorted(RECORD_MAKERS))}"
        raise ValueError(msg)
    if scope is None:
        scope = max(store.shops(PARTNER), key=lambda each: store.count(PARTNER, each, kind), default="")
    before = store.count(PARTNER, scope, kind)
    if not before:
        msg = f"there is no list {kind} of {scope or 'this world'} that could be made longer"
        raise ValueError(msg)
    growth = Growth(store, stream(seed, PARTNER, "growth", kind, scope, before), kind, scope, count, now)
    RECORD_MAKERS[kind](growth)
    store_lists(store, growth.records)
    return scope


def _customers(growth: Growth) -> None:
    for number, at in enumerate(growth.times()):
        name = f"Reader {number}"
        email = f"reader.{number}.{growth.rng.getrandbits(40):x}@example.net"
        row = person(growth.rng, source_id=email if number % 3 else None, name=name, email=email, created=at)
        growth.add("customers", row)


def _vouchers(growth: Growth) -> None:
    campaign = next(row for row in growth.list_records("campaigns") if "discount" in row.get("voucher", {}))
    for at in growth.times():
        code = f"BULK-{growth.rng.getrandbits(60):015X}"
        row = voucher(
            growth.rng, code, {"discount": campaign["voucher"]["discount"]}, format_timestamp_ms(at), campaign=campaign
        )
        growth.add("vouchers", row)


def _orders(growth: Growth) -> None:
    taken = _OrderMaker.of(growth)
    for number, at in enumerate(growth.times()):
        growth.add("orders", taken.order(number, at))


def _redemptions(growth: Growth) -> None:
    """One in five is refused; the others take their discount off an order of their own."""
    taken = _OrderMaker.of(growth)
    codes = [
        row for row in growth.list_records("vouchers") if row["type"] == "DISCOUNT_VOUCHER" and not row["campaign_id"]
    ]
    for number, at in enumerate(growth.times()):
        code, customer = codes[number % len(codes)], taken.customers[number % len(taken.customers)]
        failure = FAILURES[number % len(FAILURES)] if number % 5 == 4 else None
        row: Document = {
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
            row |= {"failure_code": failure[0], "failure_message": failure[1]}
        else:
            order = taken.order(number, at)
            apply_discount(
                order, discount_amount(order, code["discount"]), items=code["discount"]["effect"] == "APPLY_TO_ITEMS"
            )
            noted = {name: row[name] for name in ("date", "related_object_type", "related_object_id")}
            order["redemptions"] = {row["id"]: noted}
            row["order"] = copy.deepcopy(order)
            growth.add("orders", order)
        growth.add("redemptions", row)
        growth.add("voucher_redemptions", row, scope=code["code"])


@dataclass
class _OrderMaker:
    """Takes orders that no shop knows.

    :param goods: products with one of their SKUs
    """

    growth: Growth
    customers: Sequence[Document]
    goods: Sequence[tuple[Document, Document]]

    @classmethod
    def of(cls, growth: Growth) -> _OrderMaker:
        products = growth.list_records("products")
        goods = [(row, sku) for row in products for sku in row["skus"]["data"][:1] if sku["price"]]
        return cls(growth, growth.list_records("customers"), goods)

    def order(self, number: int, at: datetime) -> Document:
        """An order of one item."""
        customer = self.customers[number % len(self.customers)]
        source_id = f"BULK-{number:06d}-{self.growth.rng.getrandbits(24):06x}"
        body = empty_order(self.growth.rng, source_id=source_id, customer=customer, at=at)
        product, sku = self.goods[number % len(self.goods)]
        body["items"] = [item_from_sku(product, sku, 1 + number % 3)]
        return update_totals(body)


def _publications(growth: Growth) -> None:
    customers = growth.list_records("customers")
    codes = [row for row in growth.list_records("vouchers") if row["type"] == "DISCOUNT_VOUCHER"]
    for number, at in enumerate(growth.times()):
        customer, code = customers[number % len(customers)], codes[number % len(codes)]
        growth.add("publications", publication(growth.rng, customer, [code], at=at))


def _transactions(growth: Growth) -> None:
    """Movements of the first card whose list it is."""
    cards = [row for row in growth.list_records("vouchers") if row["type"] != "DISCOUNT_VOUCHER"]
    card = next(row for row in cards if (growth.kind, growth.scope) in transaction_lists(row))
    kind = "ACCRUAL" if card["loyalty_card"] else "ADDITION"
    for at in growth.times():
        row = new_transaction(growth.rng, card, 1, kind=kind, at=at, about={})
        for list_, scope in transaction_lists(card):
            growth.add(list_, row, scope=scope)
    growth.add("vouchers", card)


def _members(growth: Growth) -> None:
    customers = growth.list_records("customers")
    for number, at in enumerate(growth.times()):
        customer = customers[number % len(customers)]
        growth.add(growth.kind, member(growth.rng, growth.scope, customer["id"], at), scope=growth.scope)


def _card_transactions(growth: Growth) -> None:
    first = growth.list_records(growth.kind, growth.scope)[0]
    card = {name: first[name] for name in ("card_id", "program_id", "member_id", "card_definition_id")}
    for at in growth.times():
        growth.add(growth.kind, card_transaction(growth.rng, card, at), scope=growth.scope)


def _alike(growth: Growth) -> None:
    """Rows like those that are there, with names, ids and times of their own."""
    kept = [(row["id"], json.dumps(row, ensure_ascii=False)) for row in growth.list_records(growth.kind, growth.scope)]
    for number, at in enumerate(growth.times()):
        old, body = kept[number % len(kept)]
        prefix, _, tail = old.rpartition("_")
        new = digit_id(growth.rng, prefix, at) if _DIGITS.fullmatch(tail) else letter_id(growth.rng, prefix)
        row: Document = json.loads(body.replace(old, new))
        row["created_at"] = format_timestamp_ms(at)
        if row.get("updated_at"):
            row["updated_at"] = row["created_at"]
        if row.get("name"):
            row["name"] += f" ({number + 1})"
        if row.get("source_id"):
            row["source_id"] += f"{number:06d}"
        if "skus" in row:
            row["skus"] |= {"data": [], "total": 0}
        growth.add(growth.kind, row, scope=growth.scope)
        for list_, scope in _twins(growth, row):
            growth.add(list_, row, scope=scope)


_DIGITS = re.compile("[0-9a-f]{18}")


def _twins(growth: Growth, row: Document) -> list[Place]:
    """The other lists that a row stands in."""
    campaign, member = row.get("campaign_id"), row.get("voucher_id")
    return {
        "customer_activity": [("customer_activities", growth.scope)],
        "customer_activities": [("customer_activity", growth.scope)],
        "promotion_tiers": [("campaign_promotion_tiers", f"{campaign}")],
        "promotion_stacks": [("campaign_promotion_stacks", f"{campaign}")],
        "validation_rules_assignments": [("validation_rule_assignments", f"{row.get('rule_id')}")],
        "loyalty_campaign_pending_points": [
            ("loyalty_member_pending_points", f"{member}"),
            ("loyalty_campaign_member_pending_points", f"{campaign}/{member}"),
        ],
    }.get(growth.kind, [])


#: The lists that can be made longer.
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
        _alike,
    ),
}
