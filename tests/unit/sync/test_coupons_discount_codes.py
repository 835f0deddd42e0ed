"""Shopify's discount codes become the coupons of an order, alone or beside Voucherify's redemptions."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners import timestamps
from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.coupons import CouponPolicy, discount_code_coupons

SHOP = "a.myshopify.com"
Record = dict[str, Any]


def allocation(code: str | None, amount: str = "1.0") -> Record:
    """Return a line's share of a discount: one with a code, or an automatic one.

    The shape is that of https://shopify.dev/docs/api/admin-graphql/latest/objects/DiscountAllocation: only a
    ``DiscountCodeApplication`` has a code.
    """
    return {"allocatedAmountSet": make.money(amount), "discountApplication": {"code": code} if code else {}}


def line(number: int, product: int, *codes: str | None) -> Record:
    return make.line(number, make.product(product), discountAllocations=[allocation(code) for code in codes])


def order(*lines: Record, codes: tuple[str, ...] = ("TEN",)) -> Record:
    return make.order(lineItems=list(lines), fulfillments=[], discountCodes=list(codes))


def redemption(code: str = "VOUCHER") -> Record:
    return {
        "id": "r_1",
        "object": "redemption",
        "result": "SUCCESS",
        "voucher": {"code": code, "type": "DISCOUNT_VOUCHER"},
        "order": {"source_id": "1001"},
    }


def built(record: Record, *, redemptions: list[Record] | None = None, **policy: Any) -> Record:
    (result,) = build_orders([record], shop=SHOP, redemptions=redemptions, coupon_policy=policy)
    assert isinstance(result, BuiltOrder)
    return result.order


def codes_of(payload: Record) -> list[str | None]:
    return [each.get("coupon_code") for each in payload["line_items"]]


@pytest.mark.covers(
    "yotpo.order_properties.coupon_used", "yotpo.line_properties.coupon_used", "yotpo.line_item.coupon_code"
)
def test_a_code_counts_for_the_order_and_for_the_lines_that_it_lowered() -> None:
    payload = built(order(line(1, 11, "TEN"), line(2, 12, None)))
    assert payload["custom_properties"]["coupon_used"] is True
    assert codes_of(payload) == ["TEN", None]
    assert [each["custom_properties"]["coupon_used"] for each in payload["line_items"]] == [True, False]


def test_an_order_without_a_code_has_no_coupon_even_with_an_automatic_discount() -> None:
    payload = built(order(line(1, 11, None), codes=()))
    assert payload["custom_properties"]["coupon_used"] is False
    assert payload["line_items"][0]["custom_properties"]["coupon_used"] is False
    assert codes_of(payload) == [None]


def test_a_code_for_free_shipping_counts_for_the_order_alone() -> None:
    payload = built(order(line(1, 11), codes=("FREESHIP",)))
    assert payload["custom_properties"]["coupon_used"] is True
    assert payload["line_items"][0]["custom_properties"]["coupon_used"] is False


def test_each_line_has_the_first_code_that_lowered_it() -> None:
    payload = built(order(line(1, 11, "A", "B"), line(2, 12, "B"), line(3, 13, "A"), codes=("A", "B")))
    assert codes_of(payload) == ["A", "B", "A"]


def test_the_case_of_a_code_is_that_of_the_order() -> None:
    (coupon,) = discount_code_coupons(order(line(1, 11, "ten"), line(2, 12), codes=("TEN",)))
    assert coupon == {"code": "TEN", "products": ["11"]}


def test_orders_that_were_read_without_applications_have_the_codes_on_every_line() -> None:
    plain = make.line(1, make.product(11), discountAllocations=make.discounts("1.0"))
    assert codes_of(built(order(plain))) == ["TEN"]


def test_orders_that_were_read_without_codes_have_no_coupon_fields() -> None:
    payload = built(make.order())
    assert "coupon_used" not in payload["custom_properties"]


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("voucherify_first", ["VOUCHER"]),
        ("shopify_first", ["TEN"]),
        ("voucherify", ["VOUCHER"]),
        ("shopify", ["TEN"]),
    ],
)
def test_where_both_have_a_coupon_the_policy_says_whose_counts(source: str, codes: list[str]) -> None:
    payload = built(order(line(1, 11, "TEN")), redemptions=[redemption()], source=source)
    assert codes_of(payload) == codes


def test_both_are_the_coupons_of_both_each_code_once() -> None:
    policy = CouponPolicy(source="both")
    record = order(line(1, 11, "TEN"), line(2, 12))
    coupons = policy.coupons_of(record, policy.relevant([redemption("ten")]), None)
    assert coupons == [{"code": "ten", "products": None}]
    coupons = policy.coupons_of(record, policy.relevant([redemption("OTHER")]), None)
    assert [coupon["code"] for coupon in coupons or ()] == ["OTHER", "TEN"]


@pytest.mark.parametrize("source", ["voucherify_first", "shopify_first", "both"])
def test_an_order_of_which_one_has_a_coupon_has_that_one(source: str) -> None:
    with_code = built(order(line(1, 11, "TEN")), redemptions=[], source=source)
    with_redemption = built(order(line(1, 11), codes=()), redemptions=[redemption()], source=source)
    assert codes_of(with_code) == ["TEN"]
    assert codes_of(with_redemption) == ["VOUCHER"]


@pytest.mark.parametrize(("source", "used"), [("voucherify", False), ("shopify", True)])
def test_one_source_alone_does_not_look_at_the_other(source: str, used: bool) -> None:
    payload = built(order(line(1, 11, "TEN")), redemptions=[], source=source)
    assert payload["custom_properties"]["coupon_used"] is used


def test_no_coupon_is_claimed_while_voucherify_may_still_have_one() -> None:
    """A redemption outside of the window that was read is unknown, and Shopify knows nothing of it."""
    policy = CouponPolicy()
    later = make.order()["createdAt"].replace("2026", "2027")
    record = order(line(1, 11), codes=())
    assert policy.coupons_of(record, [], timestamps.parse(later, "later")) is None
    assert policy.coupons_of(record, [], None) == []
    assert policy.coupons_of(record, None, None) == []
