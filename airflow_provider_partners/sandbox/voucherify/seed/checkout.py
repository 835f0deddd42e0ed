"""Uses coupons on orders, and takes that back: one code, several at once, a promotion tier, a gift or loyalty card.

Writes redemptions, rollbacks and failures as the API's list mixes them. Which order gets what is decided elsewhere.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.customers import short_customer
from airflow_provider_partners.sandbox.voucherify.seed.orders import (
    apply_discount,
    discount_amount,
    remove_discounts,
    without_redemptions,
)
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    SeedRecords,
    digit_id,
    format_timestamp_ms,
    letter_id,
)
from airflow_provider_partners.sandbox.voucherify.seed.transactions import add_transaction

_OF_VOUCHER = (
    "id", "code", "campaign", "campaign_id", "category_id", "categories", "type", "discount", "gift", "loyalty_card",
    "expiration_date", "active", "metadata", "is_referral_code", "created_at", "object",
)  # fmt: skip
_OF_TIER = (
    "id",
    "name",
    "banner",
    "action",
    "metadata",
    "hierarchy",
    "promotion_id",
    "campaign",
    "campaign_id",
    "object",
)
#: What a failed redemption says: code and message.
FAILURES: Sequence[tuple[str, str]] = (
    ("voucher_expired", "voucher expired"),
    ("quantity_exceeded", "quantity exceeded"),
    ("order_rules_violated", "order does not match validation rules"),
    ("customer_rules_violated", "customer does not match validation rules"),
)
_ROLLBACK_FAILURE = ("already_rolled_back", "This redemption is already rolled back.")


@dataclass(kw_only=True)
class Checkout:
    """Where coupons are used.

    :param rng: the luck of this till's ids
    :param tracking: the hashed source ids of customers, by id
    """

    seed_records: SeedRecords
    rng: Random
    tracking: dict[str, str]

    def redeem(
        self, order: Document, customer: Document | None, redeemables: Sequence[Document], at: datetime
    ) -> Document:
        """Use vouchers and promotion tiers on an order; the redemption, the parent's for more than one."""
        # What the shop has of an order that was not rung up yet is the same before and after.
        children = [self._redeem_one(order, customer, each, at) for each in redeemables]
        if len(children) == 1:
            row, _ = children[0]
            order["redemptions"][row["id"]] = {"date": row["date"], **_related(redeemables[0])}
            row["order"] = copy.deepcopy(order)
            return self._add(row)
        parent = self._new_redemption("r", customer, at)
        parent |= {"related_object_type": "redemption", "related_object_id": parent["id"]}
        order["redemptions"][parent["id"]] = {
            "date": parent["date"],
            "related_object_type": "redemption",
            "related_object_id": parent["id"],
            "stacked": [row["id"] for row, _ in children],
        }
        parent["order"] = copy.deepcopy(order)
        parent["related_redemptions"] = {
            "redemptions": [{"id": row["id"], "date": row["date"]} for row, _ in children],
        }
        for row, seen in children:
            row |= {"redemption": parent["id"], "order": without_redemptions(seen)}
            self._add(row)
        return self._add(parent)

    def refuse(self, customer: Document | None, voucher: Document, at: datetime, failure: tuple[str, str]) -> Document:
        """A redemption that failed, of which no order is kept."""
        row = self._new_redemption("rf", customer, at) | {"voucher": _short(voucher), **_object(voucher)}
        return self._add(row | _failed(failure) | {"order": None})

    def roll_back(self, order: Document, redemption: Document, at: datetime, *, reason: str | None) -> Document:
        """Take a redemption back, a stack with all that is in it; the rollback, the parent's of a stack."""
        rows = {row["id"]: row for row in self.seed_records.list_records("redemptions")}
        entry = order["redemptions"][redemption["id"]]
        children = [rows[id_] for id_ in entry.get("stacked", ())]
        remove_discounts(order, at)
        rollback = self._roll_back_one(redemption, at, reason)
        backs = [self._roll_back_one(row, at, reason) | {"redemption": row["id"]} for row in children]
        entry |= {"rollback_id": rollback["id"], "rollback_date": rollback["date"]}
        if backs:
            entry["rollback_stacked"] = [row["id"] for row in backs]
        for row in (rollback, *backs):
            row["order"] = copy.deepcopy(order)
            self._add(row)
        return rollback

    def refuse_rollback(self, redemption: Document, at: datetime) -> Document:
        """An attempt to take back what cannot be."""
        row = self._new_redemption("rrf", None, at) | {
            "object": "redemption_rollback",
            "redemption": redemption["id"],
            "reason": "Customer called twice",
            **{name: redemption[name] for name in _COPIED_FIELDS if name in redemption},
        }
        return self._add(row | _failed(_ROLLBACK_FAILURE) | {"order": None})

    def _redeem_one(
        self, order: Document, customer: Document | None, given: Document, at: datetime
    ) -> tuple[Document, Document]:
        """Use one thing: its redemption without the order, and the order as it saw it."""
        row = self._new_redemption("r", customer, at) | _object(given)
        card = given.get("loyalty_card") or given.get("gift")
        if card:
            # A point is worth a hundredth.
            amount = min(card["balance"], order["total_amount"] // 2)
            about = {"redemption": {"id": row["id"]}, "order": {"id": order["id"], "source_id": order["source_id"]}}
            add_transaction(self.seed_records, self.rng, given, -amount, kind="REDEMPTION", at=at, about=about)
            row["amount"] = amount
            row |= {"loyalty_card": {"points": amount}} if given["loyalty_card"] else {"gift": {"amount": amount}}
            seen = apply_discount(order, amount)
        else:
            discount = given["discount"] if given["object"] == "voucher" else given["action"]["discount"]
            seen = apply_discount(order, discount_amount(order, discount), items=discount["effect"] == "APPLY_TO_ITEMS")
        if given["object"] == "voucher":
            given["redemption"]["redeemed_quantity"] += 1
            given["updated_at"] = format_timestamp_ms(at)
            row["voucher"] = _short(given)
        else:
            row["promotion_tier"] = {name: given[name] for name in _OF_TIER}
            given["summary"]["redemptions"]["total_redeemed"] += 1
        return row, seen

    def _roll_back_one(self, redemption: Document, at: datetime, reason: str | None) -> Document:
        """The rollback of one redemption, with negative amounts, and the card filled up again."""
        row = self._new_redemption("rr", None, at) | {
            "object": "redemption_rollback",
            "redemption": redemption["id"],
            "reason": reason,
            **copy.deepcopy({name: redemption[name] for name in _COPIED_FIELDS if name in redemption}),
        }
        redemption["status"] = "ROLLED_BACK"
        rolled = redemption.setdefault("related_redemptions", {})
        rolled["rollbacks"] = [{"id": row["id"], "date": row["date"]}]
        if "amount" in redemption:
            row["amount"] = -redemption["amount"]
            unit = "gift" if "gift" in redemption else "loyalty_card"
            row[unit] = {"amount" if unit == "gift" else "points": row["amount"]}
            voucher = next(
                each
                for each in self.seed_records.list_records("vouchers")
                if each["id"] == redemption["related_object_id"]
            )
            about = {"redemption": {"id": redemption["id"]}, "rollback": {"id": row["id"]}}
            add_transaction(
                self.seed_records, self.rng, voucher, redemption["amount"], kind="REFUND", at=at, about=about
            )
        return row

    def _new_redemption(self, prefix: str, customer: Document | None, at: datetime) -> Document:
        return {
            "id": digit_id(self.rng, prefix, at),
            "object": "redemption",
            "date": format_timestamp_ms(at),
            "customer_id": customer and customer["id"],
            "tracking_id": self._track(customer),
            "metadata": {},
            "result": "SUCCESS",
            "status": "SUCCEEDED",
            "order": None,
            "channel": {"channel_id": f"app_{self.seed_records.project_id}", "channel_type": "API"},
            "customer": short_customer(customer),
        }

    def _track(self, customer: Document | None) -> str | None:
        if customer is None:
            return None
        return self.tracking.setdefault(customer["id"], letter_id(self.rng, "track"))

    def _add(self, row: Document) -> Document:
        self.seed_records.add("redemptions", row)
        if row.get("related_object_type") == "voucher":
            voucher = row["voucher"]
            self.seed_records.add("voucher_redemptions", row, scope=voucher["code"])
        return row


_COPIED_FIELDS = (
    "customer_id", "tracking_id", "customer", "related_object_type", "related_object_id", "voucher", "promotion_tier",
)  # fmt: skip


def _object(given: Document) -> Document:
    return {"related_object_type": given["object"], "related_object_id": given["id"]}


def _related(given: Document) -> Document:
    """What an order notes of a redemption's object."""
    parent = given["campaign_id"]
    return _object(given) | ({"related_object_parent_id": parent} if parent else {})


def _short(voucher: Document) -> Document:
    """A voucher as a redemption shows it."""
    return copy.deepcopy({name: voucher[name] for name in _OF_VOUCHER if name in voucher})


def _failed(failure: tuple[str, str]) -> Document:
    return {"result": "FAILURE", "status": "FAILED", "failure_code": failure[0], "failure_message": failure[1]}
