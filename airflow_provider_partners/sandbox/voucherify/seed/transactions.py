"""What goes on and off gift and loyalty cards in Voucherify, and in which lists each movement stands.

One movement is listed by its voucher, its campaign and, for a loyalty card, by its member. Knows nothing of what a
movement was for.
"""

from __future__ import annotations

from datetime import datetime
from random import Random

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.voucherify.seed.records import Place, SeedRecords, digit_id, format_timestamp_ms


def transaction_lists(voucher: Document) -> list[Place]:
    """The lists a movement of this card stands in."""
    campaign, member = voucher["campaign_id"], voucher["id"]
    found = [("voucher_transactions", voucher["code"]), ("campaign_transactions", campaign)]
    if voucher["loyalty_card"]:
        found.append(("loyalty_campaign_transactions", campaign))
        found.append(("loyalty_member_transactions", member))
        found.append(("loyalty_campaign_member_transactions", f"{campaign}/{member}"))
    return found


def new_transaction(
    chance: Random, voucher: Document, change: int, *, kind: str, at: datetime, about: Document, reason: str = ""
) -> Document:
    """A movement that is carried out on the card, too.

    :param change: hundredths or points; negative when they leave the card
    :param kind: without the first word: ``REDEMPTION``, ``ADDITION``
    :param about: the records it belongs to: ``order``, ``redemption``
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
        "id": digit_id(chance, "vtx", at),
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
    ledger: SeedRecords,
    chance: Random,
    voucher: Document,
    change: int,
    *,
    kind: str,
    at: datetime,
    reason: str = "",
    about: Document,
) -> Document:
    """Carry a movement out and list it wherever it belongs."""
    row = new_transaction(chance, voucher, change, kind=kind, at=at, reason=reason, about=about)
    for list_, scope in transaction_lists(voucher):
        ledger.add(list_, row, scope=scope)
    return row
