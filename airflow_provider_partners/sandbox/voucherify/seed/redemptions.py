"""Redemptions and orders of a Voucherify project: about three in ten of the shop's orders use coupons.

The uses take turns, so that every case of the API occurs. There are also orders of other channels, which Shopify does
not have, and orders that were only synchronized. The shop's orders do not change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.campaigns import CLUB, FRIENDS, GIFTS, SEASON, WELCOME, Offers
from airflow_provider_partners.sandbox.voucherify.seed.checkout import FAILURES, Checkout
from airflow_provider_partners.sandbox.voucherify.seed.orders import SOURCE_IDS, external_order, shop_order
from airflow_provider_partners.sandbox.voucherify.seed.products import Goods
from airflow_provider_partners.sandbox.voucherify.seed.records import SeedRecords, digit_id

_SHARE = 0.3
_SYNCHRONIZED = 0.3
#: Minimum number of redemptions and of orders: more than one page.
_MIN_RECORDS = 125
# Orders with more line items use no coupons, because each redemption contains the whole order.
_MAX_LINES = 30


@dataclass
class RedemptionContext:
    """The checkout, and the coupons that are still unused."""

    checkout: Checkout
    offers: Offers
    goods: Goods
    _next: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def voucher(self, campaign: int) -> Document:
        """Return the next voucher of a campaign. After the last single-use one, return a standalone code."""
        records = self.offers.vouchers[campaign]
        index = self._next[campaign]
        self._next[campaign] += 1
        if records[0]["redemption"]["quantity"] and index >= len(records):
            return self.offers.standalone["FIVE OFF"]
        return records[index % len(records)]

    def tier(self) -> Document:
        """Return a random promotion tier that is active."""
        return self.checkout.rng.choice(self.offers.tiers[:3])


_CouponUse = Callable[[RedemptionContext, Document, Document | None, datetime], object]


def _redeem_named(*names: int | str) -> _CouponUse:
    """Redeem vouchers of campaigns (by index), standalone codes, or a ``tier``."""

    def use(context: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
        return context.checkout.redeem(order, customer, [_find(context, name) for name in names], at)

    return use


def _find(context: RedemptionContext, name: int | str) -> Document:
    if name == "tier":
        return context.tier()
    return context.offers.standalone[name] if isinstance(name, str) else context.voucher(name)


def _redeem_and_roll_back(*names: int | str) -> _CouponUse:
    """Redeem, and roll back some hours later."""

    def use(context: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
        record = context.checkout.redeem(order, customer, [_find(context, name) for name in names], at)
        return context.checkout.roll_back(
            order, record, _rollback_time(context, at), reason="Order cancelled in the shop"
        )

    return use


def _second_try(context: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
    """Redeem a code that is refused, then one that works."""
    failure = context.checkout.rng.choice(FAILURES)
    context.checkout.refuse(customer, context.offers.vouchers[6][0], at - timedelta(seconds=40), failure)
    return context.checkout.redeem(order, customer, [context.voucher(WELCOME)], at)


def _roll_back_twice(context: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
    """Redeem and roll back twice; the second rollback fails."""
    record = context.checkout.redeem(order, customer, [context.voucher(WELCOME)], at)
    later = _rollback_time(context, at)
    context.checkout.roll_back(order, record, later, reason=None)
    return context.checkout.refuse_rollback(
        record, min(later + timedelta(minutes=2), context.checkout.seed_records.days_ago(0.005))
    )


def _rollback_time(context: RedemptionContext, at: datetime) -> datetime:
    return min(at + timedelta(hours=context.checkout.rng.uniform(2, 40)), context.checkout.seed_records.days_ago(0.01))


#: The uses of coupons, which the orders take in turn.
COUPON_USES: Mapping[str, _CouponUse] = {
    "one code": _redeem_named(WELCOME),
    "off the items": _redeem_named(SEASON),
    "two codes": _redeem_named(WELCOME, SEASON),
    "rolled back": _redeem_and_roll_back(WELCOME),
    "gift card": _redeem_named(GIFTS),
    "three at once": _redeem_named("FIVE OFF", GIFTS, "tier"),
    "loyalty card": _redeem_named(CLUB),
    "promotion": _redeem_named("tier"),
    "second try": _second_try,
    "stack rolled back": _redeem_and_roll_back(SEASON, GIFTS),
    "rolled back twice": _roll_back_twice,
    "of a friend": _redeem_named(FRIENDS),
    "points rolled back": _redeem_and_roll_back(CLUB),
}


def use_coupons(
    seed_records: SeedRecords, orders: Sequence[Document], goods: Goods, offers: Offers, customers: Sequence[Document]
) -> None:
    """Add all orders and redemptions of the project."""
    rng = seed_records.random_stream("redemptions")
    customers_by_source_id = {customer["source_id"]: customer for customer in customers if customer["source_id"]}
    context = RedemptionContext(Checkout(seed_records=seed_records, rng=rng, tracking={}), offers, goods)
    candidates = [order for order in orders if _can_use_coupons(order)]
    count = min(len(candidates), round(len(orders) * _SHARE))
    sample = rng.sample(candidates, k=count)
    chosen = {order["id"] for order in sample} | {order["id"] for order in candidates if order["discountCodes"]}
    for index, shopify in enumerate(order for order in candidates if order["id"] in chosen):
        source_id = SOURCE_IDS[index % len(SOURCE_IDS)](shopify)
        order, customer, at = _shop_order(rng, goods, shopify, customers_by_source_id, source_id)
        list(COUPON_USES.values())[index % len(COUPON_USES)](context, order, customer, at)
        seed_records.add("orders", order)
    others = [order for order in candidates if order["id"] not in chosen]
    for shopify in rng.sample(others, k=round(len(others) * _SYNCHRONIZED)):
        order, _, _ = _shop_order(rng, goods, shopify, customers_by_source_id, shopify["legacyResourceId"])
        seed_records.add("orders", order)
    _add_external_orders(context, list(customers))
    _add_summaries(seed_records, customers)


def _can_use_coupons(order: Document) -> bool:
    return (
        not order["test"]
        and len(order["lineItems"]) <= _MAX_LINES
        and any(
            line["quantity"] and float(line["originalUnitPriceSet"]["shopMoney"]["amount"])
            for line in order["lineItems"]
        )
    )


def _shop_order(
    rng: Random, goods: Goods, shopify: Document, customers_by_source_id: Mapping[str, Document], source_id: str | None
) -> tuple[Document, Document | None, datetime]:
    """Return an order of the shop, its customer, and when Voucherify got it: seconds after it was placed."""
    at = datetime.fromisoformat(shopify["createdAt"]) + timedelta(milliseconds=rng.randint(900, 9000))
    customer = customers_by_source_id.get((shopify["customer"] or {}).get("legacyResourceId", ""))
    return shop_order(rng, goods, shopify, source_id=source_id, customer=customer, at=at), customer, at


def _add_external_orders(context: RedemptionContext, customers: Sequence[Document]) -> None:
    """Add orders of other channels, until orders and redemptions need more than one page."""
    seed_records, rng = context.checkout.seed_records, context.checkout.seed_records.random_stream("elsewhere")
    timestamps = _timestamps(seed_records, rng)
    number = 20_000
    while min(len(seed_records.list_records("redemptions")), len(seed_records.list_records("orders"))) < _MIN_RECORDS:
        number += 1
        at = next(timestamps)
        customer = rng.choice(customers) if rng.random() < 0.7 else None
        source_id = f"POS-{number}" if number % 5 else None
        order = external_order(rng, context.goods, source_id=source_id, customer=customer, at=at)
        code = rng.choice(("WELCOME10", "FIVE OFF", "ÉTÉ20"))
        context.checkout.redeem(order, customer, [context.offers.standalone[code]], at)
        if not number % 7:
            failure = FAILURES[number % len(FAILURES)]
            context.checkout.refuse(customer, context.offers.standalone[code], at, failure)
        seed_records.add("orders", order)


def _timestamps(seed_records: SeedRecords, rng: Random) -> Iterator[datetime]:
    """Yield timestamps: one alone, then twelve equal ones, and so on."""
    while True:
        yield seed_records.days_ago(rng.uniform(1, 120))
        at = seed_records.days_ago(rng.uniform(1, 120))
        yield from [at] * 12


def _add_summaries(seed_records: SeedRecords, customers: Sequence[Document]) -> None:
    """Add up each customer's redemptions and orders, and add their activities."""
    summaries = {customer["id"]: customer["summary"] for customer in customers}
    for record in seed_records.list_records("redemptions"):
        counts = summaries.get(record["customer_id"], {}).get("redemptions")
        # The redemptions of a stack count; the stack itself does not.
        if counts is None or record["related_object_type"] == "redemption":
            continue
        back = "rollback_" if record["object"] == "redemption_rollback" else ""
        counts[f"total_{back}{'succeeded' if record['result'] == 'SUCCESS' else 'failed'}"] += 1
        counts["total_redeemed"] += not back and record["status"] != "FAILED"
        counts["total_rolled_back"] += record["status"] == "ROLLED_BACK"
        counts["gift"]["redeemed_amount"] += record.get("gift", {}).get("amount", 0)
        counts["loyalty_card"]["redeemed_points"] += record.get("loyalty_card", {}).get("points", 0)
    for order in sorted(seed_records.list_records("orders"), key=lambda record: record["created_at"]):
        sums = summaries.get(order["customer_id"], {}).get("orders")
        if sums is None or order["status"] == "CANCELED":
            continue
        sums["total_amount"] += order["total_amount"]
        sums["total_count"] += 1
        sums["average_amount"] = sums["total_amount"] // sums["total_count"]
        sums |= {"last_order_amount": order["total_amount"], "last_order_date": order["created_at"]}
    _add_activities(seed_records, customers)


def _add_activities(seed_records: SeedRecords, customers: Sequence[Document]) -> None:
    """Add the activities of each customer, to the current list and to the deprecated one."""
    rng = seed_records.random_stream("activity")
    names = {customer["id"]: customer["name"] for customer in customers}
    events: list[tuple[str, str | None, str, Document]] = [
        (record["created_at"], record["id"], "customer.created", {}) for record in customers
    ]
    for record in seed_records.list_records("redemptions"):
        outcome = _ACTIVITY_TYPES[record["id"].partition("_")[0]]
        about = {"redemption": {"id": record["id"]}}
        events.append((record["date"], record["customer_id"], f"customer.redemption.{outcome}", about))
    events += [
        (record["created_at"], record["customer_id"], "customer.order.created", {"order": {"id": record["id"]}})
        for record in seed_records.list_records("orders")
    ]
    for at, customer, type_, about in sorted(events, key=lambda each: each[0]):
        if customer is None or customer not in names:
            continue
        body = {
            "id": digit_id(rng, "evcus", datetime.fromisoformat(at)),
            "type": type_,
            "data": {"customer": {"id": customer, "name": names[customer], "object": "customer"}, **about},
            "created_at": at,
            "group_id": f"v-{rng.getrandbits(72):018x}",
        }
        for kind in ("customer_activity", "customer_activities"):
            seed_records.add(kind, body, scope=customer)


_ACTIVITY_TYPES = {"r": "succeeded", "rf": "failed", "rr": "rollback.succeeded", "rrf": "rollback.failed"}
