"""Computes what follows from an order's lines, fulfillments, refunds and payments: quantities, totals and statuses.

Code that changes an order document (the seed, or a change over the control API) writes the facts and calls
:func:`recalculate`. No other code writes a derived field, so fields cannot contradict each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from airflow_provider_partners.sandbox.store import Document
from airflow_provider_partners.sandbox.world.money import ZERO, Currencies, MoneyBag, parse_money_bag, total
from airflow_provider_partners.sandbox.world.orders.discounts import (
    allocated_amount,
    is_whole_order,
    price_after_discounts,
)

#: Statuses of failed fulfillments; their units still have to be shipped.
FAILED = frozenset({"CANCELLED", "ERROR", "FAILURE"})
# Statuses of an unshipped order other than UNFULFILLED. They do not follow from other fields, so they are kept.
_WAITING = frozenset({
    "IN_PROGRESS",
    "ON_HOLD",
    "OPEN",
    "PENDING_FULFILLMENT",
    "REQUEST_DECLINED",
    "RESTOCKED",
    "SCHEDULED",
})


def recalculate(order: Document, at: str | None = None) -> Document:
    """Compute all derived fields of an order.

    :param order: changed in place
    :param at: time of the change; it never moves ``updatedAt`` back
    """
    _quantities(order)
    _amounts(order)
    order["displayFinancialStatus"] = _financial_status(order)
    order["displayFulfillmentStatus"] = _fulfillment_status(order)
    _set_flags(order)
    order["updatedAt"] = max(order["updatedAt"], at or "")
    return order


def line_tax(line: Document) -> MoneyBag:
    """Return the tax of a line's ordered units, included in its price or not."""
    return total(parse_money_bag(item["priceSet"]) for item in line["taxLines"])


def share_of_units(order: Document, line: Document, amount: MoneyBag, units: int) -> MoneyBag:
    """Return the share of a line's amount that falls on the next units to be removed.

    An amount that doesn't divide by the units is split so that all shares add up to it.
    """
    removed = line["quantity"] - line["currentQuantity"]
    return _share_of_first(order, line, amount, removed + units) - _share_of_first(order, line, amount, removed)


def charged_amount(order: Document, line: Document, units: int) -> MoneyBag:
    """Return what the buyer paid for the next units to be removed."""
    price = share_of_units(order, line, price_after_discounts(line), units)
    return price if order["taxesIncluded"] else price + share_of_units(order, line, line_tax(line), units)


def paid_amount(order: Document) -> MoneyBag:
    """Return what the buyer has paid."""
    return total(_paid(order, "SALE", "CAPTURE"))


def refunded_amount(order: Document) -> MoneyBag:
    """Return what the buyer got back."""
    return total(_paid(order, "REFUND"))


def has_transaction(order: Document, kind: str) -> bool:
    """Return True if a transaction of this kind succeeded."""
    return any(item["kind"] == kind and item["status"] == "SUCCESS" for item in order["transactions"])


def fulfilled_quantities(order: Document) -> Counter[str]:
    """Return the number of shipped units by line item."""
    units: Counter[str] = Counter()
    for fulfillment in order["fulfillments"]:
        if fulfillment["status"] not in FAILED:
            for item in fulfillment["fulfillmentLineItems"]:
                units[item["lineItem"]["id"]] += item["quantity"]
    return units


def _share_of_first(order: Document, line: Document, amount: MoneyBag, units: int) -> MoneyBag:
    return Currencies.of(order).share(amount, Decimal(units) / line["quantity"]) if line["quantity"] else ZERO


def _remaining(order: Document, line: Document, amount: MoneyBag) -> MoneyBag:
    """Return a line's amount without the share of its removed units."""
    return share_of_units(order, line, amount, line["currentQuantity"])


def _paid(order: Document, *kinds: str) -> Iterator[MoneyBag]:
    for item in order["transactions"]:
        if item["kind"] in kinds and item["status"] == "SUCCESS":
            yield parse_money_bag(item["amountSet"])


def _quantities(order: Document) -> None:
    removed: Counter[str] = Counter()
    never_shipped: Counter[str] = Counter()
    for refund in order["refunds"]:
        for item in refund["refundLineItems"]:
            removed[item["lineItem"]["id"]] += item["quantity"]
            if item["restockType"] == "CANCEL":
                never_shipped[item["lineItem"]["id"]] += item["quantity"]
    shipped = fulfilled_quantities(order)
    money = Currencies.of(order)
    for line in order["lineItems"]:
        name = line["id"]
        line["currentQuantity"] = line["refundableQuantity"] = line["quantity"] - removed[name]
        line["unfulfilledQuantity"] = line["quantity"] - shipped[name] - never_shipped[name]
        line["restockable"] = line["currentQuantity"] > 0 and line["product"] is not None
        unfulfilled, reduction = line["unfulfilledQuantity"], parse_money_bag(line["discountedUnitPriceSet"])
        line["unfulfilledOriginalTotalSet"] = money.render(parse_money_bag(line["originalUnitPriceSet"]) * unfulfilled)
        line["unfulfilledDiscountedTotalSet"] = money.render(reduction * unfulfilled)
        before_tax = price_after_discounts(line) - (line_tax(line) if order["taxesIncluded"] else ZERO)
        line["priceAfterAllDiscountsBeforeTaxesSet"] = money.render(_remaining(order, line, before_tax))
    order["subtotalLineItemsQuantity"] = sum(line["quantity"] for line in order["lineItems"])
    order["currentSubtotalLineItemsQuantity"] = sum(line["currentQuantity"] for line in order["lineItems"])


def _amounts(order: Document) -> None:
    money = Currencies.of(order)
    lines = order["lineItems"]
    back_shipping = total(
        parse_money_bag(item["subtotalAmountSet"])
        for refund in order["refunds"]
        for item in refund["refundShippingLines"]
    )
    shipping = total(parse_money_bag(item["discountedPriceSet"]) for item in order["shippingLines"])
    tip = parse_money_bag(order["totalTipReceivedSet"])
    subtotal = total(price_after_discounts(line) for line in lines)
    tax = total(line_tax(line) for line in lines)
    on_top = ZERO if order["taxesIncluded"] else tax
    now_subtotal = total(_remaining(order, line, price_after_discounts(line)) for line in lines)
    now_tax = total(_remaining(order, line, line_tax(line)) for line in lines)
    now_shipping = ZERO if order["cancelledAt"] else shipping - back_shipping
    now_total = now_subtotal + now_shipping + (ZERO if order["taxesIncluded"] else now_tax)
    if not order["cancelledAt"]:
        now_total += tip
    original_total = subtotal + shipping + on_top + tip
    paid, back = paid_amount(order), refunded_amount(order)
    open_amount = now_total - (paid - back)
    settled = has_transaction(order, "VOID") or order["cancelledAt"] or open_amount.shop <= 0
    amounts = {
        "subtotalPriceSet": subtotal,
        "totalDiscountsSet": total(allocated_amount(line) for line in lines),
        "cartDiscountAmountSet": total(allocated_amount(line, is_whole_order) for line in lines),
        "totalShippingPriceSet": shipping,
        "totalTaxSet": tax,
        "totalPriceSet": original_total,
        "originalTotalPriceSet": original_total,
        "currentSubtotalPriceSet": now_subtotal,
        "currentShippingPriceSet": now_shipping,
        "currentTotalTaxSet": now_tax,
        "currentTotalDiscountsSet": total(_remaining(order, line, allocated_amount(line)) for line in lines),
        "currentCartDiscountAmountSet": total(
            _remaining(order, line, allocated_amount(line, is_whole_order)) for line in lines
        ),
        "refundDiscrepancySet": ZERO,
        "currentTotalPriceSet": now_total,
        "totalReceivedSet": paid,
        "totalRefundedSet": back,
        "totalRefundedShippingSet": back_shipping,
        "netPaymentSet": paid - back,
        "totalOutstandingSet": ZERO if settled else open_amount,
    }
    order.update({field: money.render(amount) for field, amount in amounts.items()})
    order["fullyPaid"] = paid.shop >= original_total.shop
    order["unpaid"] = not paid and bool(original_total)


def _set_flags(order: Document) -> None:
    """Set the flags of what the merchant can still do."""
    status = order["displayFinancialStatus"]
    order["closed"] = order["closedAt"] is not None
    order["capturable"] = status == "AUTHORIZED"
    order["canMarkAsPaid"] = status == "PENDING"
    order["canNotifyCustomer"] = order["email"] is not None
    order["fulfillable"] = any(line["unfulfilledQuantity"] for line in order["lineItems"])
    order["refundable"] = bool(order["currentSubtotalLineItemsQuantity"])
    order["restockable"] = any(line["restockable"] for line in order["lineItems"])
    due = parse_money_bag(order["totalPriceSet"]) if order["capturable"] else ZERO
    order["totalCapturableSet"] = Currencies.of(order).render(due)


def _financial_status(order: Document) -> str | None:
    paid, back = paid_amount(order), refunded_amount(order)
    if back:
        return "REFUNDED" if back.shop >= paid.shop else "PARTIALLY_REFUNDED"
    if has_transaction(order, "VOID"):
        return "VOIDED"
    if not order["transactions"]:
        # An order without anything to pay counts as paid. The status is nullable in Shopify's schema.
        return None if parse_money_bag(order["totalPriceSet"]) else "PAID"
    if paid:
        return "PAID" if not parse_money_bag(order["totalOutstandingSet"]) else "PARTIALLY_PAID"
    if not has_transaction(order, "AUTHORIZATION"):
        return "PENDING"
    ends = [item["authorizationExpiresAt"] for item in order["transactions"] if item["authorizationExpiresAt"]]
    return "EXPIRED" if ends and max(ends) <= order["updatedAt"] else "AUTHORIZED"


def _fulfillment_status(order: Document) -> str:
    if not fulfilled_quantities(order).total():
        present = order["displayFulfillmentStatus"]
        return str(present) if present in _WAITING else "UNFULFILLED"
    unfulfilled = sum(line["unfulfilledQuantity"] for line in order["lineItems"])
    return "PARTIALLY_FULFILLED" if unfulfilled else "FULFILLED"
