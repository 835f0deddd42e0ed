"""Redeems vouchers and promotions on orders, and rolls redemptions back.

Covers one code, several codes at once, promotion tiers, gift cards and loyalty cards. Writes redemptions, rollbacks and
failures into one list, as the API does.
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

_VOUCHER_FIELDS = (
    "id", "code", "campaign", "campaign_id", "category_id", "categories", "type", "discount", "gift", "loyalty_card",
    "expiration_date", "active", "metadata", "is_referral_code", "created_at", "object",
)  # fmt: skip
_TIER_FIELDS = (
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
#: Code and message of failed redemptions.
FAILURES: Sequence[tuple[str, str]] = (
    ("voucher_expired", "voucher expired"),
    ("quantity_exceeded", "quantity exceeded"),
    ("order_rules_violated", "order does not match validation rules"),
    ("customer_rules_violated", "customer does not match validation rules"),
)
_ROLLBACK_FAILURE = ("already_rolled_back", "This redemption is already rolled back.")


@dataclass(kw_only=True)
class Checkout:
    """Redeems coupons on orders.

    :param rng: random numbers of the ids
    :param tracking: tracking ids by customer id
    """

    seed_records: SeedRecords
    rng: Random
    tracking: dict[str, str]

    def redeem(
        self, order: Document, customer: Document | None, redeemables: Sequence[Document], at: datetime
    ) -> Document:
        """Redeem vouchers and promotion tiers on an order; return the redemption, or the parent of several."""
        children = [self._redeem_one(order, customer, each, at) for each in redeemables]
        if len(children) == 1:
            record, _ = children[0]
            order["redemptions"][record["id"]] = {"date": record["date"], **_order_entry(redeemables[0])}
            record["order"] = copy.deepcopy(order)
            return self._add(record)
        parent = self._new_redemption("r", customer, at)
        parent |= {"related_object_type": "redemption", "related_object_id": parent["id"]}
        order["redemptions"][parent["id"]] = {
            "date": parent["date"],
            "related_object_type": "redemption",
            "related_object_id": parent["id"],
            "stacked": [record["id"] for record, _ in children],
        }
        parent["order"] = copy.deepcopy(order)
        parent["related_redemptions"] = {
            "redemptions": [{"id": record["id"], "date": record["date"]} for record, _ in children],
        }
        for record, snapshot in children:
            record |= {"redemption": parent["id"], "order": without_redemptions(snapshot)}
            self._add(record)
        return self._add(parent)

    def refuse(self, customer: Document | None, voucher: Document, at: datetime, failure: tuple[str, str]) -> Document:
        """Add and return a failed redemption, which has no order."""
        record = self._new_redemption("rf", customer, at) | {
            "voucher": _short_voucher(voucher),
            **_related_object(voucher),
        }
        return self._add(record | _failure_fields(failure) | {"order": None})

    def roll_back(self, order: Document, redemption: Document, at: datetime, *, reason: str | None) -> Document:
        """Roll back a redemption, with all redemptions of its stack, and return the rollback."""
        by_id = {record["id"]: record for record in self.seed_records.list_records("redemptions")}
        entry = order["redemptions"][redemption["id"]]
        children = [by_id[id_] for id_ in entry.get("stacked", ())]
        remove_discounts(order, at)
        rollback = self._roll_back_one(redemption, at, reason)
        stacked = [self._roll_back_one(record, at, reason) | {"redemption": record["id"]} for record in children]
        entry |= {"rollback_id": rollback["id"], "rollback_date": rollback["date"]}
        if stacked:
            entry["rollback_stacked"] = [record["id"] for record in stacked]
        for record in (rollback, *stacked):
            record["order"] = copy.deepcopy(order)
            self._add(record)
        return rollback

    def refuse_rollback(self, redemption: Document, at: datetime) -> Document:
        """Add and return a failed rollback."""
        record = self._new_redemption("rrf", None, at) | {
            "object": "redemption_rollback",
            "redemption": redemption["id"],
            "reason": "Customer called twice",
            **{name: redemption[name] for name in _COPIED_FIELDS if name in redemption},
        }
        return self._add(record | _failure_fields(_ROLLBACK_FAILURE) | {"order": None})

    def _redeem_one(
        self, order: Document, customer: Document | None, redeemable: Document, at: datetime
    ) -> tuple[Document, Document]:
        """Redeem one redeemable; return the redemption without its order, and the order as it leaves it."""
        record = self._new_redemption("r", customer, at) | _related_object(redeemable)
        card = redeemable.get("loyalty_card") or redeemable.get("gift")
        if card:
            # One point is worth 0.01 of the currency.
            amount = min(card["balance"], order["total_amount"] // 2)
            about = {"redemption": {"id": record["id"]}, "order": {"id": order["id"], "source_id": order["source_id"]}}
            add_transaction(self.seed_records, self.rng, redeemable, -amount, kind="REDEMPTION", at=at, about=about)
            record["amount"] = amount
            record |= (
                {"loyalty_card": {"points": amount}} if redeemable["loyalty_card"] else {"gift": {"amount": amount}}
            )
            snapshot = apply_discount(order, amount)
        else:
            discount = redeemable["discount"] if redeemable["object"] == "voucher" else redeemable["action"]["discount"]
            on_items = discount["effect"] == "APPLY_TO_ITEMS"
            snapshot = apply_discount(order, discount_amount(order, discount), items=on_items)
        if redeemable["object"] == "voucher":
            redeemable["redemption"]["redeemed_quantity"] += 1
            redeemable["updated_at"] = format_timestamp_ms(at)
            record["voucher"] = _short_voucher(redeemable)
        else:
            record["promotion_tier"] = {name: redeemable[name] for name in _TIER_FIELDS}
            redeemable["summary"]["redemptions"]["total_redeemed"] += 1
        return record, snapshot

    def _roll_back_one(self, redemption: Document, at: datetime, reason: str | None) -> Document:
        """Return the rollback of one redemption, with negative amounts, and refund the card."""
        record = self._new_redemption("rr", None, at) | {
            "object": "redemption_rollback",
            "redemption": redemption["id"],
            "reason": reason,
            **copy.deepcopy({name: redemption[name] for name in _COPIED_FIELDS if name in redemption}),
        }
        redemption["status"] = "ROLLED_BACK"
        related = redemption.setdefault("related_redemptions", {})
        related["rollbacks"] = [{"id": record["id"], "date": record["date"]}]
        if "amount" in redemption:
            record["amount"] = -redemption["amount"]
            unit = "gift" if "gift" in redemption else "loyalty_card"
            record[unit] = {"amount" if unit == "gift" else "points": record["amount"]}
            voucher = next(
                each
                for each in self.seed_records.list_records("vouchers")
                if each["id"] == redemption["related_object_id"]
            )
            about = {"redemption": {"id": redemption["id"]}, "rollback": {"id": record["id"]}}
            add_transaction(
                self.seed_records, self.rng, voucher, redemption["amount"], kind="REFUND", at=at, about=about
            )
        return record

    def _new_redemption(self, prefix: str, customer: Document | None, at: datetime) -> Document:
        return {
            "id": digit_id(self.rng, prefix, at),
            "object": "redemption",
            "date": format_timestamp_ms(at),
            "customer_id": customer and customer["id"],
            "tracking_id": self._tracking_id(customer),
            "metadata": {},
            "result": "SUCCESS",
            "status": "SUCCEEDED",
            "order": None,
            "channel": {"channel_id": f"app_{self.seed_records.project_id}", "channel_type": "API"},
            "customer": short_customer(customer),
        }

    def _tracking_id(self, customer: Document | None) -> str | None:
        if customer is None:
            return None
        return self.tracking.setdefault(customer["id"], letter_id(self.rng, "track"))

    def _add(self, record: Document) -> Document:
        self.seed_records.add("redemptions", record)
        if record.get("related_object_type") == "voucher":
            voucher = record["voucher"]
            self.seed_records.add("voucher_redemptions", record, scope=voucher["code"])
        return record


_COPIED_FIELDS = (
    "customer_id", "tracking_id", "customer", "related_object_type", "related_object_id", "voucher", "promotion_tier",
)  # fmt: skip


def _related_object(redeemable: Document) -> Document:
    return {"related_object_type": redeemable["object"], "related_object_id": redeemable["id"]}


def _order_entry(redeemable: Document) -> Document:
    """Return the entry of an order about one of its redemptions."""
    parent = redeemable["campaign_id"]
    return _related_object(redeemable) | ({"related_object_parent_id": parent} if parent else {})


def _short_voucher(voucher: Document) -> Document:
    """Return a voucher as a redemption shows it."""
    return copy.deepcopy({name: voucher[name] for name in _VOUCHER_FIELDS if name in voucher})


def _failure_fields(failure: tuple[str, str]) -> Document:
    return {"result": "FAILURE", "status": "FAILED", "failure_code": failure[0], "failure_message": failure[1]}
