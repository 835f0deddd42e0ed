"""The next write of a record follows from Yotpo's record."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.payload.models import Order
from airflow_provider_partners.sync.upsert.plan import plan_write

WANTED: dict[str, Any] = {
    "external_id": "1",
    "order_date": "2024-05-01T10:20:30Z",
    "total_price": 12.0,
    "payment_status": "paid",
    "cancellation": {"cancellation_date": "2024-05-02T00:00:00Z"},
    "customer": {"external_id": "77", "email": "zoe@example.com"},
    "custom_properties": {"suppress_review_request": True},
    "line_items": [{"external_product_id": "11", "quantity": 2, "total_price": 12.0}],
    "fulfillments": [
        {
            "external_id": "501",
            "fulfillment_date": "2024-05-02T10:20:30Z",
            "status": "success",
            "fulfilled_items": [{"external_product_id": "11", "quantity": 2}],
        }
    ],
}
PRESENT: dict[str, Any] = {
    "yotpo_id": 4_300_000_001,
    "store_id": "s",
    "source": "orders_api_v3",
    "external_id": "1",
    "created_at": "2024-05-01T10:21:00",
    "order_date": "2024-05-01T10:20:30",
    "total_price": 12,
    "payment_status": "paid",
    "cancellation": {"cancellation_date": "2024-05-02T00:00:00"},
    "customer": {"external_id": "77", "email": "Zoe@example.com", "custom_properties": {"vip": True}},
    "custom_properties": {"suppress_review_request": True, "gift": "yes"},
    "line_items": [
        {"yotpo_id": 1, "product_id": 2, "external_product_id": "11", "quantity": 2, "total_price": "12.00"},
        {"yotpo_id": 3, "product_id": 4, "external_product_id": "deleted", "quantity": 1},
    ],
    "fulfillments": [
        {
            "external_id": "501",
            "fulfillment_date": "2024-05-02T10:20:30",
            "status": "success",
            "shipment_info": {},
            "fulfilled_items": [
                {"external_product_id": "11", "quantity": 2, "yotpo_product_id": 2},
                {"external_product_id": "deleted", "quantity": 1},
            ],
        },
        {"external_id": "obsolete", "fulfillment_date": "2024-05-02T10:20:30", "status": "cancelled"},
    ],
}


def changed(**fields: Any) -> Any:
    return plan_write({**WANTED, **fields}, PRESENT)


def test_a_missing_order_is_created_with_the_whole_payload() -> None:
    plan = plan_write(WANTED, None)

    assert (plan.action, plan.payload, plan.changed) == ("create", WANTED, ())


def test_the_same_order_in_yotpos_format_is_unchanged() -> None:
    plan = plan_write(WANTED, PRESENT)

    assert (plan.action, plan.payload) == ("unchanged", {})


def test_values_that_an_update_cannot_remove_are_no_difference() -> None:
    wanted = {name: value for name, value in WANTED.items() if name not in {"cancellation", "fulfillments", "customer"}}

    assert plan_write(wanted, PRESENT).action == "unchanged"


def test_only_differing_properties_are_sent() -> None:
    plan = changed(payment_status="refunded", total_price=13.0)

    assert plan.action == "update"
    assert plan.payload == {"total_price": 13.0, "payment_status": "refunded"}
    assert plan.changed == ("total_price", "payment_status")


def test_a_changed_customer_is_sent_complete() -> None:
    customer = {"external_id": "77", "email": "other@example.com"}

    assert changed(customer=customer).payload == {"customer": customer}


def test_a_lifted_suppression_is_sent_with_the_properties_of_others() -> None:
    plan = changed(custom_properties={"suppress_review_request": False})

    assert plan.payload == {"custom_properties": {"suppress_review_request": False, "gift": "yes"}}


def test_more_properties_than_yotpo_takes_are_refused_rather_than_dropped() -> None:
    """Yotpo takes 100 (https://core-api.yotpo.com/reference/orders)."""
    crowded = {**PRESENT, "custom_properties": {f"k{number}": 1 for number in range(100)}}

    sent = plan_write(WANTED, crowded).payload

    assert len(sent["custom_properties"]) > 100
    with pytest.raises(PayloadError, match="custom_properties: with those that Yotpo has there would be more than 100"):
        Order.check_update(sent, crowded)


@pytest.mark.covers("yotpo.line_item.added")
def test_a_changed_line_sends_all_lines_with_the_properties_of_others() -> None:
    present = copy.deepcopy(PRESENT)
    present["line_items"][0]["custom_properties"] = {"color": "red", "suppress_review_request": False}
    lines = [
        {"external_product_id": "11", "quantity": 2, "custom_properties": {"suppress_review_request": True}},
        {"external_product_id": "12", "quantity": 1},
    ]

    sent = plan_write({**WANTED, "line_items": lines}, present).payload

    assert sent == {
        "line_items": [
            {
                "external_product_id": "11",
                "quantity": 2,
                "custom_properties": {"color": "red", "suppress_review_request": True},
            },
            {"external_product_id": "12", "quantity": 1},
        ]
    }


def test_a_new_fulfillment_sends_all_of_them() -> None:
    records = [*WANTED["fulfillments"], {**WANTED["fulfillments"][0], "external_id": "502"}]

    assert changed(fulfillments=records).payload == {"fulfillments": records}


@pytest.mark.parametrize("amount", [12.004, 11.996, 12])
def test_a_rounded_amount_is_no_difference(amount: float) -> None:
    assert changed(total_price=amount).action == "unchanged"


@pytest.mark.parametrize("amount", [1e30, 1.1e31, 0.1])
def test_an_amount_is_the_same_in_every_form_of_its_double(amount: float) -> None:
    """Yotpo's documents call amounts a double. A server may write it with all of its digits."""
    for name in ("total_price", "custom_properties"):
        wanted = {"own": amount} if name == "custom_properties" else amount
        for kept in (amount, str(amount), int(amount) if amount > 1 else amount):
            present = {"own": kept} if name == "custom_properties" else kept
            assert plan_write({name: wanted}, {name: present}).action == "unchanged"


@pytest.mark.parametrize("amount", [12.01, 11.99, -12.0])
def test_a_cent_is_a_difference(amount: float) -> None:
    assert changed(total_price=amount).action == "update"


@pytest.mark.parametrize("date", ["2024-05-01T10:20:30Z", "2024-05-01T12:20:30+02:00", "2024-05-01T10:20:30.250000"])
def test_equal_timestamps_in_different_formats_are_the_same(date: str) -> None:
    assert plan_write(WANTED, {**PRESENT, "order_date": date}).action == "unchanged"


def test_a_property_with_the_name_of_a_time_may_have_any_text() -> None:
    properties = {"gift_date": "Christmas", "opened_at": "the shop"}
    wanted = {**WANTED, "custom_properties": properties}
    assert plan_write(wanted, {**copy.deepcopy(wanted), "yotpo_id": 1}).action == "unchanged"
    other = {**wanted, "custom_properties": {**properties, "gift_date": "Easter"}}
    assert plan_write(wanted, other).changed == ("custom_properties",)


def test_custom_properties_of_orders_and_lines_are_unchanged_as_yotpo_returns_them() -> None:
    """Yotpo may return scalars as text, and keeps properties of others."""
    line = {"external_product_id": "11", "quantity": 2, "custom_properties": {"color": "Teal", "weight": 2.5}}
    wanted = {**WANTED, "custom_properties": {"customer_country": "DE", "coupon_used": False}, "line_items": [line]}
    kept_line = {**line, "custom_properties": {"color": "Teal", "weight": "2.5", "size": "M"}, "product_id": 5}
    kept = {**wanted, "custom_properties": {"customer_country": "DE", "coupon_used": "false", "own": "x"}}
    assert plan_write(wanted, {**kept, "line_items": [kept_line]}).action == "unchanged"
    red = {**line, "custom_properties": {"color": "Red", "weight": 2.5}}
    plan = plan_write({**wanted, "line_items": [red]}, {**kept, "line_items": [kept_line]})
    assert plan.changed == ("line_items",)
    assert plan.payload["line_items"][0]["custom_properties"] == {"color": "Red", "weight": 2.5, "size": "M"}


@pytest.mark.parametrize("kept", [True, "true", "True"])
def test_a_boolean_stored_as_text_is_the_same(kept: Any) -> None:
    assert plan_write(WANTED, {**PRESENT, "custom_properties": {"suppress_review_request": kept}}).action == "unchanged"


@pytest.mark.parametrize("kept", [False, "false", None, 1])
def test_another_boolean_is_a_difference(kept: Any) -> None:
    assert plan_write(WANTED, {**PRESENT, "custom_properties": {"suppress_review_request": kept}}).action == "update"


def test_a_product_is_compared_with_its_nulls() -> None:
    present = {"external_id": "p", "name": "Cup", "url": None, "brand": "Maker", "price": None}

    assert plan_write({"external_id": "p", "name": "Cup", "brand": "Maker"}, present).action == "unchanged"
    assert plan_write({"external_id": "p", "url": "https://x.example"}, present).payload == {"url": "https://x.example"}


def test_a_fulfillment_sends_what_differs() -> None:
    wanted = {**WANTED["fulfillments"][0], "shipment_info": {"shipment_status": "delivered"}}

    plan = plan_write(wanted, {**PRESENT["fulfillments"][0], "id": 5})

    assert plan.payload == {"shipment_info": {"shipment_status": "delivered"}}


def with_code(code: str | None, *, used: bool = True) -> dict[str, Any]:
    line = {"external_product_id": "p-1", "quantity": 1, "custom_properties": {"coupon_used": used}}
    return {"external_id": "1", "line_items": [line | ({"coupon_code": code} if code else {})]}


# Yotpo: "line items can be added, not removed" (https://develop.yotpo.com/reference/introduction-to-orders-and-
# fulfillments), and its pages list no call that deletes a fulfillment or clears a value.
@pytest.mark.covers("yotpo.line_item.not_removed")
@pytest.mark.parametrize(
    ("present", "wanted", "note"),
    [
        (
            {"line_items": [{"external_product_id": "p-1"}, {"external_product_id": "p-2"}]},
            {"line_items": [{"external_product_id": "p-1"}]},
            "Yotpo keeps line items that the order no longer has: p-2",
        ),
        (
            {"fulfillments": [{"external_id": "10"}, {"external_id": "11"}]},
            {"line_items": [], "fulfillments": [{"external_id": "11"}]},
            "Yotpo keeps fulfillments that the order no longer has: 10",
        ),
        (
            with_code("TEN"),
            with_code(None, used=False),
            "Yotpo keeps the coupon code of line items that have none: p-1",
        ),
        (
            {"cancellation": {"cancellation_date": "2026-05-01T10:00:00"}},
            {"line_items": []},
            "Yotpo keeps the cancellation of an order that is no longer cancelled",
        ),
        (
            {"line_items": [{"external_product_id": "p-1", "custom_properties": {"suppress_review_request": True}}]},
            {"line_items": [{"external_product_id": "p-1"}], "custom_properties": {"suppress_review_request": False}},
            "Yotpo keeps line items suppressed that the policy decides for the whole order: p-1",
        ),
    ],
    ids=["line", "fulfillment", "coupon code", "cancellation", "suppressed line"],
)
def test_what_no_call_takes_back_is_noted(present: dict[str, Any], wanted: dict[str, Any], note: str) -> None:
    assert plan_write({"external_id": "1", **wanted}, {"external_id": "1", **present}).notes == (note,)


def test_fulfillments_that_another_write_takes_care_of_are_not_noted() -> None:
    present = {"fulfillments": [{"external_id": "10"}]}

    assert plan_write({"line_items": []}, present).notes == (
        "Yotpo keeps fulfillments that the order no longer has: 10",
    )
    assert plan_write({"line_items": []}, present, unmanaged={"fulfillments"}).notes == ()


@pytest.mark.parametrize(
    "wanted",
    [with_code("TEN"), with_code("OTHER"), {"line_items": [{"external_product_id": "p-1"}]}, {"order_name": "#1"}],
    ids=["same code", "other code", "unknown coupons", "no lines"],
)
def test_what_is_unknown_or_replaced_is_not_noted(wanted: dict[str, Any]) -> None:
    assert plan_write(wanted, with_code("TEN")).notes == ()
