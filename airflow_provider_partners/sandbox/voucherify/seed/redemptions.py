"""Which orders of the shop used coupons, and how: about three in ten, each in one of the ways the API can show.

Besides come orders that other channels took, which Shopify does not know, and orders that were only synchronized. Reads
the shop's orders, writes Voucherify's; changes none of the shop's.
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
from airflow_provider_partners.sandbox.voucherify.seed.records import SeedRecords, digit_id, parse_timestamp

_SHARE = 0.3
_SYNCHRONIZED = 0.3
#: At least so many redemptions and orders, which is more than one page holds.
_AT_LEAST = 125
# An order of more lines than this is left alone: each redemption carries the whole order.
_MOST_LINES = 30


@dataclass
class RedemptionContext:
    """The shop's counter: its till, its coupons and how far they were handed over."""

    checkout: Checkout
    offers: Offers
    goods: Goods
    _next: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def voucher(self, campaign: int) -> Document:
        """The next voucher of a campaign, round and round; a standalone code when single-use ones are gone."""
        rows = self.offers.vouchers[campaign]
        place = self._next[campaign]
        self._next[campaign] += 1
        if rows[0]["redemption"]["quantity"] and place >= len(rows):
            return self.offers.standalone["FIVE OFF"]
        return rows[place % len(rows)]

    def tier(self) -> Document:
        """A promotion that applies by itself."""
        return self.checkout.rng.choice(self.offers.tiers[:3])


_UseCoupons = Callable[[RedemptionContext, Document, Document | None, datetime], object]


def _redeem_named(*names: int | str) -> _UseCoupons:
    """Use vouchers of campaigns by place, a tier, or a standalone code."""

    def way(counter: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
        return counter.checkout.redeem(order, customer, [_find(counter, name) for name in names], at)

    return way


def _find(counter: RedemptionContext, name: int | str) -> Document:
    if name == "tier":
        return counter.tier()
    return counter.offers.standalone[name] if isinstance(name, str) else counter.voucher(name)


def _then_back(*names: int | str) -> _UseCoupons:
    """Use them, and take it back the day after."""

    def way(counter: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
        row = counter.checkout.redeem(order, customer, [_find(counter, name) for name in names], at)
        return counter.checkout.roll_back(order, row, _later(counter, at), reason="Order cancelled in the shop")

    return way


def _second_try(counter: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
    """A code that is refused, then one that is not."""
    failure = counter.checkout.rng.choice(FAILURES)
    counter.checkout.refuse(customer, counter.offers.vouchers[6][0], at - timedelta(seconds=40), failure)
    return counter.checkout.redeem(order, customer, [counter.voucher(WELCOME)], at)


def _back_twice(counter: RedemptionContext, order: Document, customer: Document | None, at: datetime) -> Document:
    """Taken back, and once more, which fails."""
    row = counter.checkout.redeem(order, customer, [counter.voucher(WELCOME)], at)
    later = _later(counter, at)
    counter.checkout.roll_back(order, row, later, reason=None)
    return counter.checkout.refuse_rollback(
        row, min(later + timedelta(minutes=2), counter.checkout.seed_records.days_ago(0.005))
    )


def _later(counter: RedemptionContext, at: datetime) -> datetime:
    return min(at + timedelta(hours=counter.checkout.rng.uniform(2, 40)), counter.checkout.seed_records.days_ago(0.01))


#: How coupons are used; orders take these in turn.
COUPON_USES: Mapping[str, _UseCoupons] = {
    "one code": _redeem_named(WELCOME),
    "off the items": _redeem_named(SEASON),
    "two codes": _redeem_named(WELCOME, SEASON),
    "rolled back": _then_back(WELCOME),
    "gift card": _redeem_named(GIFTS),
    "three at once": _redeem_named("FIVE OFF", GIFTS, "tier"),
    "loyalty card": _redeem_named(CLUB),
    "promotion": _redeem_named("tier"),
    "second try": _second_try,
    "stack rolled back": _then_back(SEASON, GIFTS),
    "rolled back twice": _back_twice,
    "of a friend": _redeem_named(FRIENDS),
    "points rolled back": _then_back(CLUB),
}


def use_coupons(
    ledger: SeedRecords, orders: Sequence[Document], goods: Goods, offers: Offers, customers: Sequence[Document]
) -> None:
    """All orders and redemptions of the project."""
    chance = ledger.random_stream("redemptions")
    known = {customer["source_id"]: customer for customer in customers if customer["source_id"]}
    counter = RedemptionContext(Checkout(seed_records=ledger, rng=chance, tracking={}), offers, goods)
    able = [order for order in orders if _may_use(order)]
    wanted = min(len(able), round(len(orders) * _SHARE))
    chosen = {order["id"] for order in chance.sample(able, k=wanted)} | {
        row["id"] for row in able if row["discountCodes"]
    }
    using = [order for order in able if order["id"] in chosen]
    for place, shopify in enumerate(using):
        source_id = SOURCE_IDS[place % len(SOURCE_IDS)](shopify)
        order, customer, at = _shop_order(chance, goods, shopify, known, source_id)
        list(COUPON_USES.values())[place % len(COUPON_USES)](counter, order, customer, at)
        ledger.add("orders", order)
    for shopify in chance.sample(
        rest := [row for row in able if row["id"] not in chosen], k=round(len(rest) * _SYNCHRONIZED)
    ):
        order, _, _ = _shop_order(chance, goods, shopify, known, shopify["legacyResourceId"])
        ledger.add("orders", order)
    _add_external_orders(counter, list(customers))
    _add_summaries(ledger, customers)


def _may_use(order: Document) -> bool:
    return (
        not order["test"]
        and len(order["lineItems"]) <= _MOST_LINES
        and any(
            line["quantity"] and float(line["originalUnitPriceSet"]["shopMoney"]["amount"])
            for line in order["lineItems"]
        )
    )


def _shop_order(
    chance: Random, goods: Goods, shopify: Document, known: Mapping[str, Document], source_id: str | None
) -> tuple[Document, Document | None, datetime]:
    """A shop's order as Voucherify got it: seconds after it was placed."""
    at = parse_timestamp(shopify["createdAt"]) + timedelta(milliseconds=chance.randint(900, 9000))
    customer = known.get((shopify["customer"] or {}).get("legacyResourceId", ""))
    return shop_order(chance, goods, shopify, source_id=source_id, customer=customer, at=at), customer, at


def _add_external_orders(counter: RedemptionContext, customers: Sequence[Document]) -> None:
    """Orders of the branches. On market days a whole basket of receipts is handed in within one instant."""
    ledger, chance = counter.checkout.seed_records, counter.checkout.seed_records.random_stream("elsewhere")
    instants = _timestamps(ledger, chance)
    number = 20_000
    while min(len(ledger.list_records("redemptions")), len(ledger.list_records("orders"))) < _AT_LEAST:
        number += 1
        at = next(instants)
        customer = chance.choice(customers) if chance.random() < 0.7 else None
        source_id = f"POS-{number}" if number % 5 else None
        order = external_order(chance, counter.goods, source_id=source_id, customer=customer, at=at)
        code = chance.choice(("WELCOME10", "FIVE OFF", "ÉTÉ20"))
        counter.checkout.redeem(order, customer, [counter.offers.standalone[code]], at)
        if not number % 7:
            failure = FAILURES[number % len(FAILURES)]
            counter.checkout.refuse(customer, counter.offers.standalone[code], at, failure)
        ledger.add("orders", order)


def _timestamps(ledger: SeedRecords, chance: Random) -> Iterator[datetime]:
    """Times of the branches' orders: one in three stands alone, the others come twelve at a time."""
    while True:
        yield ledger.days_ago(chance.uniform(1, 120))
        at = ledger.days_ago(chance.uniform(1, 120))
        yield from [at] * 12


def _add_summaries(ledger: SeedRecords, customers: Sequence[Document]) -> None:
    """What each customer redeemed and ordered, and what they did, as their records tell it."""
    summaries = {customer["id"]: customer["summary"] for customer in customers}
    for row in ledger.list_records("redemptions"):
        counts = summaries.get(row["customer_id"], {}).get("redemptions")
        # A stack is counted by what is in it.
        if counts is None or row["related_object_type"] == "redemption":
            continue
        back = "rollback_" if row["object"] == "redemption_rollback" else ""
        counts[f"total_{back}{'succeeded' if row['result'] == 'SUCCESS' else 'failed'}"] += 1
        counts["total_redeemed"] += not back and row["status"] != "FAILED"
        counts["total_rolled_back"] += row["status"] == "ROLLED_BACK"
        counts["gift"]["redeemed_amount"] += row.get("gift", {}).get("amount", 0)
        counts["loyalty_card"]["redeemed_points"] += row.get("loyalty_card", {}).get("points", 0)
    for order in sorted(ledger.list_records("orders"), key=lambda row: row["created_at"]):
        sums = summaries.get(order["customer_id"], {}).get("orders")
        if sums is None or order["status"] == "CANCELED":
            continue
        sums["total_amount"] += order["total_amount"]
        sums["total_count"] += 1
        sums["average_amount"] = sums["total_amount"] // sums["total_count"]
        sums |= {"last_order_amount": order["total_amount"], "last_order_date": order["created_at"]}
    _add_activities(ledger, customers)


def _add_activities(ledger: SeedRecords, customers: Sequence[Document]) -> None:
    """The diary of each customer, in the list of today and in the one it took the place of."""
    chance = ledger.random_stream("activity")
    names = {customer["id"]: customer["name"] for customer in customers}
    happened: list[tuple[str, str | None, str, Document]] = [
        (row["created_at"], row["id"], "customer.created", {}) for row in customers
    ]
    for row in ledger.list_records("redemptions"):
        what = _ACTIVITY_TYPES[row["id"].partition("_")[0]]
        about = {"redemption": {"id": row["id"]}}
        happened.append((row["date"], row["customer_id"], f"customer.redemption.{what}", about))
    happened += [
        (row["created_at"], row["customer_id"], "customer.order.created", {"order": {"id": row["id"]}})
        for row in ledger.list_records("orders")
    ]
    for at, customer, type_, about in sorted(happened, key=lambda each: each[0]):
        if customer is None or customer not in names:
            continue
        body = {
            "id": digit_id(chance, "evcus", parse_timestamp(at)),
            "type": type_,
            "data": {"customer": {"id": customer, "name": names[customer], "object": "customer"}, **about},
            "created_at": at,
            "group_id": f"v-{chance.getrandbits(72):018x}",
        }
        for kind in ("customer_activity", "customer_activities"):
            ledger.add(kind, body, scope=customer)


_ACTIVITY_TYPES = {"r": "succeeded", "rf": "failed", "rr": "rollback.succeeded", "rrf": "rollback.failed"}
