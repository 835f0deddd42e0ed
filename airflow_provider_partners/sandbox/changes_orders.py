"""What happens to orders in a shop while the sandbox runs: parcels arrive, merchants ship, refund and cancel.

Only changes that a review platform can see are made. Knows nothing of HTTP, nor how orders are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox import order_actions
from airflow_provider_partners.sandbox.order_lines import Merchant
from airflow_provider_partners.sandbox.order_totals import charged, fulfilled, restate
from airflow_provider_partners.sandbox.seed_orders import tracking
from airflow_provider_partners.sandbox.state import Document


@dataclass
class Errand:
    """One change to one order.

    :param at: the time of the change
    """

    order: Document
    merchant: Merchant
    at: str

    @property
    def goods(self) -> list[Document]:
        """The lines a review can be asked for: products that still exist, not gift cards, not given back."""
        return [
            line
            for line in self.order["lineItems"]
            if line["product"] and not line["isGiftCard"] and line["currentQuantity"] > 0
        ]


_LIVE = frozenset({"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "AUTHORIZED"})
_NEW_STREETS = ("7 Rose Terrace", "98 Harbour Road", "1 Ship Street", "33 Cathedral Close")


def _deliver(errand: Errand) -> bool:
    """The carrier delivers a parcel that was under way."""
    names = {line["id"] for line in errand.goods}
    for fulfillment in errand.order["fulfillments"]:
        holds = any(row["lineItem"]["id"] in names for row in fulfillment["fulfillmentLineItems"])
        if holds and fulfillment["status"] == "SUCCESS" and fulfillment["displayStatus"] not in _ARRIVED:
            order_actions.report(fulfillment, errand.merchant.ids, "DELIVERED", errand.at)
            return True
    return False


_ARRIVED = frozenset({"DELIVERED", "PICKED_UP", "FAILURE"})


def _fulfill(errand: Errand) -> bool:
    """The merchant ships what is left."""
    left = {line["id"]: line["unfulfilledQuantity"] for line in errand.goods if line["unfulfilledQuantity"] > 0}
    if not left or errand.order["displayFinancialStatus"] not in _LIVE:
        return False
    order_actions.ship(errand.order, errand.merchant.ids, errand.at, left, tracking=[tracking(errand.merchant)])
    return True


def _refund(errand: Errand) -> bool:
    """The merchant refunds one unit of a paid order."""
    worth = [line for line in errand.goods if charged(errand.order, line)]
    if not worth or errand.order["displayFinancialStatus"] != "PAID":
        return False
    shipped = fulfilled(errand.order)[worth[-1]["id"]]
    order_actions.give_back(
        errand.order,
        errand.merchant.ids,
        errand.at,
        {worth[-1]["id"]: 1},
        restock="RETURN" if shipped else "CANCEL",
        note="Refunded at the buyer's wish",
    )
    return True


def _move(errand: Errand) -> bool:
    """The buyer gives another shipping address."""
    address = errand.order["shippingAddress"]
    if not address or not address["address1"]:
        return False
    streets = [street for street in _NEW_STREETS if street != address["address1"]]
    address["address1"] = errand.merchant.chance.choice(streets)
    errand.order["billingAddressMatchesShippingAddress"] = False
    return True


def _cancel(errand: Errand) -> bool:
    """The merchant cancels an order that was not shipped."""
    if fulfilled(errand.order).total():
        return False
    order_actions.cancel(errand.order, errand.merchant.ids, errand.at, "CUSTOMER")
    return True


_Change = Callable[[Errand], bool]
#: What can happen to an order, and how it is called.
CHANGES: Mapping[str, _Change] = {
    "delivered": _deliver,
    "fulfilled": _fulfill,
    "partially refunded": _refund,
    "address changed": _move,
    "cancelled": _cancel,
}


def may_change(errand: Errand) -> bool:
    """Whether a review platform gets the order at all, and it can still change."""
    order = errand.order
    status = order["displayFinancialStatus"]
    return not order["test"] and not order["cancelledAt"] and status in _LIVE and bool(errand.goods)


def next_change(orders: list[Document], merchant: Merchant, at: str, turn: int) -> tuple[Document, str] | None:
    """Make one change and take its order off the list; a turn begins with another kind than the one before."""
    kinds = list(CHANGES)
    for shift in range(len(kinds)):
        what = kinds[(turn + shift) % len(kinds)]
        for place, order in enumerate(orders):
            if CHANGES[what](Errand(order, merchant, at)):
                del orders[place]
                return restate(order, at), what
    return None
