"""Transactions of gift and loyalty cards, and the lists that contain each one.

A transaction is in the lists of its voucher and its campaign; one of a loyalty card also in the lists of its member.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import (
    ListKey,
    SeedRecords,
    digit_id,
    format_timestamp_ms,
)


def transaction_lists(voucher: Document) -> list[ListKey]:
    """Return the lists that contain the transactions of a card."""
    campaign, member = voucher["campaign_id"], voucher["id"]
    lists = [("voucher_transactions", voucher["code"]), ("campaign_transactions", campaign)]
    if voucher["loyalty_card"]:
        lists.append(("loyalty_campaign_transactions", campaign))
        lists.append(("loyalty_member_transactions", member))
        lists.append(("loyalty_campaign_member_transactions", f"{campaign}/{member}"))
    return lists


def new_transaction(
    rng: Random, voucher: Document, change: int, *, kind: str, at: datetime, about: Document, reason: str = ""
) -> Document:
    """Change a card's balance and return the transaction.

    :param change: minor units or points; negative if they leave the card
    :param kind: the type without its first word: ``REDEMPTION``, ``ADDITION``
    :param about: the records that it belongs to: ``order``, ``redemption``
    """
    card = voucher["loyalty_card"] or voucher["gift"]
    unit = "points" if voucher["loyalty_card"] else "amount"
    card["balance"] += change
    if change > 0 and "REFUND" not in kind:
        card[unit] += change
    elif unit == "amount" and kind == "REDEMPTION":
        card["subtracted_amount"] -= change
    balance = {
        "type": "loyalty_card" if voucher["loyalty_card"] else "gift_voucher",
        "total": card[unit],
        unit: change,
        "object": "balance",
        "balance": card["balance"],
        "related_object": {"id": voucher["id"], "type": "voucher"},
    }
    return {
        "id": digit_id(rng, "vtx", at),
        "source_id": None,
        "voucher_id": voucher["id"],
        "campaign_id": voucher["campaign_id"],
        "source": "API",
        "reason": reason or None,
        "type": f"{'POINTS' if voucher['loyalty_card'] else 'CREDITS'}_{kind}",
        "details": {"balance": balance, **about},
        "related_transaction_id": None,
        "created_at": format_timestamp_ms(at),
    }


def add_transaction(
    seed_records: SeedRecords,
    rng: Random,
    voucher: Document,
    change: int,
    *,
    kind: str,
    at: datetime,
    reason: str = "",
    about: Document,
) -> Document:
    """Change a card's balance and add the transaction to all its lists."""
    record = new_transaction(rng, voucher, change, kind=kind, at=at, reason=reason, about=about)
    for list_, scope in transaction_lists(voucher):
        seed_records.add(list_, record, scope=scope)
    return record
