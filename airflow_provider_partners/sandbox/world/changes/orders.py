"""What happens to orders in a shop while the sandbox runs: parcels arrive, merchants ship, refund and cancel.

Only changes that a review platform can see are made. Knows nothing of HTTP, nor how orders are stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.orders import lifecycle
from airflow_provider_partners.sandbox.world.orders.build import tracking
from airflow_provider_partners.sandbox.world.orders.lines import Merchant
from airflow_provider_partners.sandbox.world.orders.totals import charged_amount, fulfilled_quantities, recalculate


@dataclass
class OrderChange:
    """One change to one order.

    :param changed_at: the time of the change
    """

    order: Document
    merchant: Merchant
    changed_at: str

    @property
    def reviewable_lines(self) -> list[Document]:
        """The lines a review can be asked for: products that still exist, not gift cards, not given back."""
        return [
            line
            for line in self.order["lineItems"]
            if line["product"] and not line["isGiftCard"] and line["currentQuantity"] > 0
        ]


_OPEN_STATUSES = frozenset({"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "AUTHORIZED"})
_NEW_STREETS = ("7 Rose Terrace", "98 Harbour Road", "1 Ship Street", "33 Cathedral Close")


def _deliver(errand: OrderChange) -> bool:
    """The carrier delivers a parcel that was under way."""
    names = {line["id"] for line in errand.reviewable_lines}
    for fulfillment in errand.order["fulfillments"]:
        holds = any(row["lineItem"]["id"] in names for row in fulfillment["fulfillmentLineItems"])
        if holds and fulfillment["status"] == "SUCCESS" and fulfillment["displayStatus"] not in _FINAL_STATUSES:
            lifecycle.add_tracking_event(fulfillment, errand.merchant.ids, "DELIVERED", errand.changed_at)
            return True
    return False


_FINAL_STATUSES = frozenset({"DELIVERED", "PICKED_UP", "FAILURE"})


def _fulfill(errand: OrderChange) -> bool:
    """The merchant ships what is left."""
    left = {
        line["id"]: line["unfulfilledQuantity"] for line in errand.reviewable_lines if line["unfulfilledQuantity"] > 0
    }
    if not left or errand.order["displayFinancialStatus"] not in _OPEN_STATUSES:
        return False
    lifecycle.ship(errand.order, errand.merchant.ids, errand.changed_at, left, tracking=[tracking(errand.merchant)])
    return True


def _refund(errand: OrderChange) -> bool:
    """The merchant refunds one unit of a paid order."""
    worth = [line for line in errand.reviewable_lines if charged_amount(errand.order, line)]
    if not worth or errand.order["displayFinancialStatus"] != "PAID":
        return False
    shipped = fulfilled_quantities(errand.order)[worth[-1]["id"]]
    lifecycle.create_refund(
        errand.order,
        errand.merchant.ids,
        errand.changed_at,
        {worth[-1]["id"]: 1},
        restock="RETURN" if shipped else "CANCEL",
        note="Refunded at the buyer's wish",
    )
    return True


def _change_address(errand: OrderChange) -> bool:
    """The buyer gives another shipping address."""
    address = errand.order["shippingAddress"]
    if not address or not address["address1"]:
        return False
    streets = [street for street in _NEW_STREETS if street != address["address1"]]
    address["address1"] = errand.merchant.rng.choice(streets)
    errand.order["billingAddressMatchesShippingAddress"] = False
    return True


def _cancel(errand: OrderChange) -> bool:
    """The merchant cancels an order that was not shipped."""
    if fulfilled_quantities(errand.order).total():
        return False
    lifecycle.cancel(errand.order, errand.merchant.ids, errand.changed_at, "CUSTOMER")
    return True


_ApplyChange = Callable[[OrderChange], bool]
#: What can happen to an order, and how it is called.
CHANGES: Mapping[str, _ApplyChange] = {
    "delivered": _deliver,
    "fulfilled": _fulfill,
    "partially refunded": _refund,
    "address changed": _change_address,
    "cancelled": _cancel,
}


def can_change(errand: OrderChange) -> bool:
    """Whether a review platform gets the order at all, and it can still change."""
    order = errand.order
    status = order["displayFinancialStatus"]
    return not order["test"] and not order["cancelledAt"] and status in _OPEN_STATUSES and bool(errand.reviewable_lines)


def next_change(orders: list[Document], merchant: Merchant, at: str, turn: int) -> tuple[Document, str] | None:
    """Make one change and take its order off the list; a turn begins with another kind than the one before."""
    kinds = list(CHANGES)
    for shift in range(len(kinds)):
        what = kinds[(turn + shift) % len(kinds)]
        for place, order in enumerate(orders):
            if CHANGES[what](OrderChange(order, merchant, at)):
                del orders[place]
                return recalculate(order, at), what
    return None
