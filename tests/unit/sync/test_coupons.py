"""Redemptions become the coupons of an order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.coupons import CouponPolicy, join_keys_of_order

SHOP = "a.myshopify.com"
Record = dict[str, Any]


def redemption(number: int = 1, code: str | None = "TEN", **fields: Any) -> Record:
    return {
        "id": f"r_{number}",
        "object": "redemption",
        "result": "SUCCESS",
        "status": "SUCCEEDED",
        "related_object_type": "voucher",
        "voucher": {"code": code, "type": "DISCOUNT_VOUCHER"},
        "order": {"source_id": "1001"},
        **fields,
    }


def rollback(of: str = "r_1", **fields: Any) -> Record:
    return redemption(id=f"rr_{of}", object="redemption_rollback", redemption=of, amount=-1000, **fields)


def decided(
    order: Record, *records: Record, read_from: datetime | None = None, **policy: Any
) -> list[tuple[Any, Any]] | None:
    chosen = CouponPolicy.parse(policy)
    coupons = chosen.coupons_of(order, chosen.relevant(records), read_from)
    return None if coupons is None else [(coupon["code"], coupon["products"]) for coupon in coupons]


@pytest.mark.parametrize(
    "source_id", ["1001", 1001, "gid://shopify/Order/1001", "gid://shopify/Order/1001?key=x", "#A7", "A7"]
)
def test_an_order_joins_by_each_form_of_its_id(source_id: Any) -> None:
    order = make.order(name="#A7")

    (built,) = build_orders([order], shop=SHOP, redemptions=[redemption(order={"source_id": source_id})])

    assert isinstance(built, BuiltOrder)
    assert built.order["custom_properties"]["coupon_used"] is True
    assert {line["coupon_code"] for line in built.order["line_items"]} == {"TEN"}


@pytest.mark.parametrize("source_id", ["1002", "gid://shopify/Order/1002", "#1002", None, "", "gid://shopify/Order/"])
def test_another_orders_redemption_is_not_its_own(source_id: Any) -> None:
    (built,) = build_orders([make.order()], shop=SHOP, redemptions=[redemption(order={"source_id": source_id})])

    assert isinstance(built, BuiltOrder)
    assert built.order["custom_properties"]["coupon_used"] is False


def test_without_redemptions_the_coupon_fields_are_left_out() -> None:
    (built,) = build_orders([make.order()], shop=SHOP)

    assert isinstance(built, BuiltOrder)
    assert "coupon_used" not in built.order["custom_properties"]


def test_a_chosen_key_of_the_metadata_comes_first() -> None:
    order = {"source_id": "checkout-7", "metadata": {"shopify_id": "1001"}}

    assert join_keys_of_order(order, "shopify_id") == ["order:1001", "name:#1001", "name:1001"]
    assert join_keys_of_order(order) == ["name:#checkout-7", "name:checkout-7"]


def test_a_failed_redemption_is_no_coupon() -> None:
    failed = redemption(result="FAILURE", status="FAILED", order=None)
    with_order = redemption(2, result="FAILURE", status="FAILED")

    assert decided(make.order(), failed, with_order) == []


def test_a_rollback_removes_the_coupon() -> None:
    assert decided(make.order(), redemption(), rollback()) == []
    assert decided(make.order(), redemption(status="ROLLED_BACK")) == []


def test_a_failed_rollback_leaves_the_coupon() -> None:
    assert decided(make.order(), redemption(), rollback(result="FAILURE", status="FAILED")) == [("TEN", None)]


def test_each_child_of_a_stack_counts_once() -> None:
    parent = redemption(1, None, related_object_type="redemption", voucher=None)
    children = [redemption(number, code, redemption="r_1") for number, code in ((2, "A"), (3, "B"))]

    assert decided(make.order(), parent, *children) == [("A", None), ("B", None)]


def test_the_rollback_of_a_stack_removes_all_its_children() -> None:
    parent = redemption(1, None, related_object_type="redemption", voucher=None)
    children = [redemption(number, code, redemption="r_1") for number, code in ((2, "A"), (3, "B"))]

    assert decided(make.order(), parent, *children, rollback("r_1")) == []


def test_one_child_of_a_stack_can_be_rolled_back() -> None:
    children = [redemption(number, code, redemption="r_1") for number, code in ((2, "A"), (3, "B"))]

    assert decided(make.order(), *children, rollback("r_2")) == [("B", None)]


def test_a_later_redemption_shows_a_rollback_that_was_not_read() -> None:
    later = {"source_id": "1001", "redemptions": {"r_1": {"related_object_type": "voucher", "rollback_id": "rr_1"}}}

    assert decided(make.order(), redemption(), redemption(2, "B", order=later)) == [("B", None)]


@pytest.mark.parametrize("listed", [7, ["r_1"], "r_1", {"r_9": {"rollback_id": "rr_9", "stacked": 5}}])
def test_a_list_of_redemptions_in_another_form_ends_no_build(listed: Any) -> None:
    order = {"source_id": "1001", "redemptions": listed}

    assert decided(make.order(), redemption(order=order)) == [("TEN", None)]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("gift", {"voucher": {"code": "GIFT", "type": "GIFT_VOUCHER"}}),
        ("loyalty", {"voucher": {"code": "LOYAL", "type": "LOYALTY_CARD"}}),
        ("promotion", {"voucher": None, "related_object_type": "promotion_tier"}),
    ],
)
def test_other_kinds_of_redemption_count_on_request(kind: str, fields: Record) -> None:
    record = redemption(**fields)

    assert decided(make.order(), record) == []
    assert decided(make.order(), record, kinds=[kind]) == [((fields["voucher"] or {}).get("code"), None)]


def test_discounts_of_single_items_name_their_products() -> None:
    lines = [make.line(1, make.product(11)), make.line(2, make.product(12)), make.line(3, make.product(13))]
    items = [
        {"product": {"source_id": "gid://shopify/Product/11"}, "discount_amount": 500},
        {"sku": {"source_id": "SKU-2"}, "applied_discount_amount": 500},
        {"source_id": "gid://shopify/Product/13", "discount_amount": 0},
    ]

    coupons = decided(make.order(lineItems=lines), redemption(order={"source_id": "1001", "items": items}))

    assert coupons == [("TEN", ["11", "12"])]


def test_of_two_codes_the_one_that_works_on_items_has_their_products() -> None:
    order = {
        "source_id": "1001",
        "discount_amount": 300,
        "items": [{"product": {"source_id": "11"}, "discount_amount": 500}],
    }
    shop_order = make.order(lineItems=[make.line(1, make.product(11)), make.line(2, make.product(12))])
    on_items, on_order = (
        redemption(number, code, order=order, voucher={"code": code, "discount": {"effect": effect}})
        for number, code, effect in ((1, "LINE", "APPLY_TO_ITEMS"), (2, "ALL", "APPLY_TO_ORDER"))
    )

    assert decided(shop_order, on_items, on_order) == [("LINE", ["11"]), ("ALL", None)]
    assert decided(shop_order, redemption(order=order)) == [("TEN", None)]


def test_discounted_items_that_the_shop_does_not_know_mean_the_whole_order() -> None:
    items = [{"product_id": "prod_1", "discount_amount": 500}]

    assert decided(make.order(), redemption(order={"source_id": "1001", "items": items})) == [("TEN", None)]


def test_coupons_of_an_order_before_the_first_redemption_read_are_unknown() -> None:
    order = make.order(createdAt="2026-03-01T10:00:00Z")

    assert decided(order, read_from=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) is None
    assert decided(order, read_from=datetime(2026, 3, 1, 8, 59, tzinfo=UTC)) == []
    assert decided(order, redemption(), read_from=datetime(2026, 4, 1, tzinfo=UTC)) == [("TEN", None)]


def test_coupons_of_an_order_of_the_first_day_of_the_calendar_are_unknown() -> None:
    """Shopify's DateTime is any ISO 8601 date and time: an import may have left 0001-01-01."""
    order = make.order(createdAt="0001-01-01T00:00:00Z")

    assert decided(order, read_from=datetime(2026, 2, 1, tzinfo=UTC)) is None


def test_an_old_order_has_no_coupon_if_all_listed_redemptions_are_rolled_back() -> None:
    alone = {"source_id": "1001", "redemptions": {"r_1": {"related_object_type": "voucher", "rollback_id": "rr_1"}}}
    beside = {**alone, "redemptions": {**alone["redemptions"], "r_2": {"related_object_type": "voucher"}}}
    recent = datetime(2026, 9, 1, tzinfo=UTC)

    assert decided(make.order(), rollback(order=alone), read_from=recent) == []
    assert decided(make.order(), rollback(order=beside), read_from=recent) is None
    assert decided(make.order(), rollback(), read_from=recent) is None
