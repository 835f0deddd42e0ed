"""Changes to a shop's orders while the sandbox runs: carriers deliver, merchants ship, refund and cancel.

All changes are visible to a review platform.
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
        """Return the line items that can be reviewed: existing products that are no gift cards and not returned."""
        return [
            line
            for line in self.order["lineItems"]
            if line["product"] and not line["isGiftCard"] and line["currentQuantity"] > 0
        ]


_OPEN_STATUSES = frozenset({"PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "AUTHORIZED"})
_NEW_STREETS = ("7 Rose Terrace", "98 Harbour Road", "1 Ship Street", "33 Cathedral Close")


def _deliver(change: OrderChange) -> bool:
    """Let the carrier deliver a parcel that is in transit."""
    names = {line["id"] for line in change.reviewable_lines}
    for fulfillment in change.order["fulfillments"]:
        holds = any(document["lineItem"]["id"] in names for document in fulfillment["fulfillmentLineItems"])
        if holds and fulfillment["status"] == "SUCCESS" and fulfillment["displayStatus"] not in _FINAL_STATUSES:
            lifecycle.add_tracking_event(fulfillment, change.merchant.ids, "DELIVERED", change.changed_at)
            return True
    return False


_FINAL_STATUSES = frozenset({"DELIVERED", "PICKED_UP", "FAILURE"})


def _fulfill(change: OrderChange) -> bool:
    """Ship the units that are not shipped yet."""
    unfulfilled = {
        line["id"]: line["unfulfilledQuantity"] for line in change.reviewable_lines if line["unfulfilledQuantity"] > 0
    }
    if not unfulfilled or change.order["displayFinancialStatus"] not in _OPEN_STATUSES:
        return False
    lifecycle.ship(
        change.order, change.merchant.ids, change.changed_at, unfulfilled, tracking=[tracking(change.merchant)]
    )
    return True


def _refund(change: OrderChange) -> bool:
    """Refund one unit of a paid order."""
    worth = [line for line in change.reviewable_lines if charged_amount(change.order, line, 1)]
    if not worth or change.order["displayFinancialStatus"] != "PAID":
        return False
    shipped = fulfilled_quantities(change.order)[worth[-1]["id"]]
    lifecycle.create_refund(
        change.order,
        change.merchant.ids,
        change.changed_at,
        {worth[-1]["id"]: 1},
        restock="RETURN" if shipped else "CANCEL",
        note="Refunded at the buyer's wish",
    )
    return True


def _change_address(change: OrderChange) -> bool:
    """Change the shipping address."""
    address = change.order["shippingAddress"]
    if not address or not address["address1"]:
        return False
    streets = [street for street in _NEW_STREETS if street != address["address1"]]
    address["address1"] = change.merchant.rng.choice(streets)
    change.order["billingAddressMatchesShippingAddress"] = False
    return True


def _cancel(change: OrderChange) -> bool:
    """Cancel an order that was not shipped."""
    if fulfilled_quantities(change.order).total():
        return False
    lifecycle.cancel(change.order, change.merchant.ids, change.changed_at, "CUSTOMER")
    return True


_ApplyChange = Callable[[OrderChange], bool]
#: The possible changes by name.
CHANGES: Mapping[str, _ApplyChange] = {
    "delivered": _deliver,
    "fulfilled": _fulfill,
    "partially refunded": _refund,
    "address changed": _change_address,
    "cancelled": _cancel,
}


def can_change(change: OrderChange) -> bool:
    """Return True if a review platform gets the order and the order can still change."""
    order = change.order
    status = order["displayFinancialStatus"]
    return not order["test"] and not order["cancelledAt"] and status in _OPEN_STATUSES and bool(change.reviewable_lines)


def next_change(orders: list[Document], merchant: Merchant, at: str, turn: int) -> tuple[Document, str] | None:
    """Apply one change and remove its order from the list; each turn starts with the next kind of change."""
    kinds = list(CHANGES)
    for shift in range(len(kinds)):
        what = kinds[(turn + shift) % len(kinds)]
        for place, order in enumerate(orders):
            if CHANGES[what](OrderChange(order, merchant, at)):
                del orders[place]
                return recalculate(order, at), what
    return None
