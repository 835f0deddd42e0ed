"""Orders add up: amounts, quantities and statuses follow from lines, shipments, refunds and payments."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SIDES = ("shopMoney", "presentmentMoney")


@pytest.fixture(scope="module")
def orders() -> list[dict[str, Any]]:
    store = build(now=NOW).store
    return [row for shop in store.shops("shopify_admin") for row in store.select("shopify_admin", shop, "order")]


def amount(money: dict[str, Any], side: str) -> Decimal:
    return Decimal(money[side]["amount"])


def every_money(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if set(value) == {"amount", "currencyCode"} else []
        return own + [money for part in value.values() for money in every_money(part)]
    return [money for part in value for money in every_money(part)] if isinstance(value, list) else []


def test_amounts_are_written_without_padding(orders):
    for order in orders:
        for money in every_money(order):
            whole, _, digits = money["amount"].partition(".")
            assert digits
            assert whole.lstrip("-").isdecimal()
            assert digits == "0" or not digits.endswith("0")
            assert len(digits) <= 2


def test_yen_have_no_fractions(orders):
    yen = [money for order in orders for money in every_money(order) if money["currencyCode"] == "JPY"]

    assert yen
    assert all(money["amount"].endswith(".0") for money in yen)


def allocated(line: dict[str, Any], side: str, *levels: str) -> Decimal:
    return sum(
        (
            amount(row["allocatedAmountSet"], side)
            for row in line["discountAllocations"]
            if not levels or level(row["discountApplication"]) in levels
        ),
        Decimal(0),
    )


def level(application: dict[str, Any]) -> str:
    if (application["allocationMethod"], application["targetSelection"]) == ("ACROSS", "ALL"):
        return "order"
    return "product code" if "code" in application else "product"


@pytest.mark.parametrize("side", SIDES)
def test_the_total_is_the_sum_of_its_parts(orders, side):
    """``subtotalPriceSet``: "the sum of the prices for all line items after discounts and before returns".

    ``totalDiscountsSet`` holds discounts of lines and of the order, ``cartDiscountAmountSet`` those of the order
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/Order).
    """
    for order in orders:
        lines = order["lineItems"]
        discounts = sum(allocated(line, side) for line in lines)
        subtotal = sum(amount(line["originalTotalSet"], side) for line in lines) - discounts
        assert amount(order["subtotalPriceSet"], side) == subtotal
        tax = sum(amount(row["priceSet"], side) for line in lines for row in line["taxLines"])
        assert amount(order["totalTaxSet"], side) == tax
        on_top = 0 if order["taxesIncluded"] else tax
        parts = [order["subtotalPriceSet"], order["totalShippingPriceSet"], order["totalTipReceivedSet"]]
        assert amount(order["totalPriceSet"], side) == sum(amount(part, side) for part in parts) + on_top
        assert amount(order["totalDiscountsSet"], side) == discounts
        assert amount(order["cartDiscountAmountSet"], side) == sum(allocated(line, side, "order") for line in lines)


@pytest.mark.parametrize("side", SIDES)
def test_the_fields_of_a_line_leave_out_the_discounts_that_shopify_leaves_out(orders, side):
    """``discountedTotalSet`` "doesn't include order-level discounts. Code-based discounts aren't included by default".

    ``discountAllocations`` hold every discount, ``totalDiscountSet`` all but those of the order
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem).
    """
    for line in (line for order in orders for line in order["lineItems"]):
        original = amount(line["originalUnitPriceSet"], side) * line["quantity"]
        assert amount(line["originalTotalSet"], side) == original
        assert amount(line["discountedTotalSet"], side) == original - allocated(line, side, "product")
        assert amount(line["totalDiscountSet"], side) == allocated(line, side, "product", "product code")
        assert 0 <= allocated(line, side) <= original


def test_the_world_has_every_kind_of_discount_and_shares_that_units_do_not_divide(orders):
    lines = [line for order in orders for line in order["lineItems"]]
    kinds = {
        (row["discountApplication"]["__typename"], level(row["discountApplication"]))
        for line in lines
        for row in line["discountAllocations"]
    }
    uneven = [line for line in lines if line["quantity"] and allocated(line, "shopMoney") * 100 % line["quantity"]]

    assert kinds == {
        ("AutomaticDiscountApplication", "product"),
        ("DiscountCodeApplication", "product code"),
        ("DiscountCodeApplication", "order"),
        ("ManualDiscountApplication", "order"),
    }
    assert uneven


@pytest.mark.parametrize("side", SIDES)
def test_the_refunded_amount_is_the_sum_of_the_refunds(orders, side):
    for order in orders:
        for refund in order["refunds"]:
            moved = sum(amount(row["amountSet"], side) for row in refund["transactions"])
            assert amount(refund["totalRefundedSet"], side) == moved
            if moved:
                rows = refund["refundLineItems"]
                value = sum(amount(row["subtotalSet"], side) for row in rows)
                value += 0 if order["taxesIncluded"] else sum(amount(row["totalTaxSet"], side) for row in rows)
                value += sum(amount(row["subtotalAmountSet"], side) for row in refund["refundShippingLines"])
                assert moved == value
        whole = sum(amount(refund["totalRefundedSet"], side) for refund in order["refunds"])
        assert amount(order["totalRefundedSet"], side) == whole


@pytest.mark.parametrize("side", SIDES)
def test_the_open_and_the_paid_amount_add_up_to_the_current_total(orders, side):
    for order in orders:
        net = amount(order["totalReceivedSet"], side) - amount(order["totalRefundedSet"], side)
        assert amount(order["netPaymentSet"], side) == net
        if order["displayFinancialStatus"] in {"PAID", "PARTIALLY_REFUNDED", "PENDING", "PARTIALLY_PAID"}:
            assert amount(order["currentTotalPriceSet"], side) == net + amount(order["totalOutstandingSet"], side)
        if order["displayFinancialStatus"] == "REFUNDED":
            assert net == 0


def test_the_financial_status_follows_from_the_payments(orders):
    for order in orders:
        kinds = Counter((row["kind"], row["status"]) for row in order["transactions"])
        expected = {
            "PAID": lambda k: k["SALE", "SUCCESS"] == 1 or not k,
            "PENDING": lambda k: list(k) == [("SALE", "PENDING")],
            "AUTHORIZED": lambda k: list(k) == [("AUTHORIZATION", "SUCCESS")],
            "EXPIRED": lambda k: list(k) == [("AUTHORIZATION", "SUCCESS")],
            "PARTIALLY_PAID": lambda k: list(k) == [("SALE", "SUCCESS")],
            "VOIDED": lambda k: k["VOID", "SUCCESS"] == 1,
            "REFUNDED": lambda k: k["REFUND", "SUCCESS"] >= 1,
            "PARTIALLY_REFUNDED": lambda k: k["REFUND", "SUCCESS"] >= 1,
            None: lambda k: not k,
        }
        assert expected[order["displayFinancialStatus"]](kinds)


def test_quantities_follow_from_shipments_and_refunds(orders):
    for order in orders:
        shipped: Counter[str] = Counter()
        for fulfillment in order["fulfillments"]:
            rows = fulfillment["fulfillmentLineItems"]
            assert fulfillment["totalQuantity"] == sum(row["quantity"] for row in rows) > 0
            if fulfillment["status"] not in {"CANCELLED", "ERROR", "FAILURE"}:
                shipped.update({row["lineItem"]["id"]: row["quantity"] for row in rows})
        back = Counter({line["id"]: 0 for line in order["lineItems"]})
        for refund in order["refunds"]:
            back.update({row["lineItem"]["id"]: row["quantity"] for row in refund["refundLineItems"]})
        for line in order["lineItems"]:
            assert line["currentQuantity"] == line["quantity"] - back[line["id"]] >= 0
            assert 0 <= shipped[line["id"]] <= line["quantity"]
            assert 0 <= line["unfulfilledQuantity"] <= line["quantity"] - shipped[line["id"]]
        assert shipped.keys() <= back.keys()


def test_the_fulfillment_status_follows_from_the_quantities(orders):
    for order in orders:
        shipped = any(row["status"] in {"SUCCESS", "PENDING"} for row in order["fulfillments"])
        left = any(line["unfulfilledQuantity"] for line in order["lineItems"])
        status = order["displayFulfillmentStatus"]
        assert (status == "FULFILLED") == (shipped and not left)
        assert (status == "PARTIALLY_FULFILLED") == (shipped and left)


def test_a_fulfillment_has_the_carriers_last_status(orders):
    for fulfillment in (row for order in orders for row in order["fulfillments"]):
        times = [event["happenedAt"] for event in fulfillment["events"]]
        assert times == sorted(times)
        if times:
            assert fulfillment["displayStatus"] == fulfillment["events"][-1]["status"]
            assert fulfillment["updatedAt"] == times[-1]
        assert (fulfillment["deliveredAt"] is not None) == (fulfillment["displayStatus"] == "DELIVERED")


def test_cancelled_orders_are_unshipped_and_have_no_units(orders):
    cancelled = [order for order in orders if order["cancelledAt"]]

    assert cancelled
    for order in cancelled:
        assert not order["fulfillments"]
        assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "0.0"
        assert order["displayFinancialStatus"] in {"REFUNDED", "VOIDED"}
        assert order["closed"]


def test_the_order_count_of_a_customer_is_right(orders):
    counts = Counter(order["customer"]["id"] for order in orders if order["customer"])

    assert all(order["customer"]["numberOfOrders"] == str(counts[order["customer"]["id"]])
               for order in orders if order["customer"])  # fmt: skip
