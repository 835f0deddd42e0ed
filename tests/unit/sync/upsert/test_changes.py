"""Tests of the values before and after a write."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.masking import MASK
from airflow_provider_partners.sync.upsert.changes import MAX_CHANGES, MAX_LENGTH, describe_changes
from airflow_provider_partners.sync.upsert.plan import plan_write

PERSONAL = {
    "customer": {"external_id": "c-canary", "first_name": "Jane", "last_name": "Canary", "email": "jane@canary.example",
                 "phone_number": "+15550100"},
    "billing_address": {"address1": "1 Canary Way", "city": "Canaryville", "zip": "C4N4RY"},
    "landing_site_url": "https://shop.example/?email=jane@canary.example",
    "checkout_token": "token-canary",
    "custom_properties": {"gift_note": "canary note", "suppress_review_request": True},
}  # fmt: skip
"""The personal properties of Yotpo's order, https://core-api.yotpo.com/reference/create-order."""


def order(**changes: Any) -> dict[str, Any]:
    return {
        "external_id": "1",
        "order_date": "2026-05-01T00:00:00Z",
        "total_price": 10.5,
        "payment_status": "paid",
        "line_items": [{"external_product_id": "81", "quantity": 1, "total_price": 10.5}],
        **PERSONAL,
        **changes,
    }


def changes(wanted: dict[str, Any], present: dict[str, Any] | None, **options: Any) -> dict[str, tuple[Any, Any]]:
    plan = plan_write(wanted, present)
    found = describe_changes(plan, present, kind=options.pop("kind", "order"), **options)
    return {each["name"]: (each["before"], each["after"]) for each in found}


def test_only_values_that_differ_are_named_each_by_its_path() -> None:
    present = order(payment_status="pending")
    wanted = order(line_items=[{"external_product_id": "81", "quantity": 2, "total_price": 10.5}])

    assert changes(wanted, present) == {"payment_status": ("pending", "paid"), "line_items[81].quantity": ("1", "2")}


def test_values_that_mean_the_same_are_no_change() -> None:
    """Yotpo returns times without a zone and numbers as text."""
    present = order(order_date="2026-05-01T00:00:00", total_price="10.50", payment_status="pending")

    assert list(changes(order(), present)) == ["payment_status"]


def test_personal_values_are_masked() -> None:
    other = {
        "customer": {"email": "old@canary.example", "first_name": "Old"},
        "billing_address": {"address1": "2 Canary Way"},
        "landing_site_url": "https://old.canary.example",
        "checkout_token": "old-canary",
        "custom_properties": {"gift_note": "old canary", "suppress_review_request": False},
    }
    found = changes(order(), order(**other))

    assert found["customer.email"] == (MASK, MASK)
    assert found["custom_properties.suppress_review_request"] == ("false", "true")
    assert found["custom_properties.gift_note"] == (MASK, MASK)
    text = str(found).lower()
    assert not [word for word in ("canary", "jane", "c4n4ry", "5550100", "'old'") if word in text]
    assert "canary" not in str(changes(order(), None)).lower()


def test_personal_values_are_shown_on_request_and_tokens_never() -> None:
    found = changes(order(), order(customer={"email": "old@canary.example"}, checkout_token="old-canary"),
                    personal_values=True)  # fmt: skip

    assert found["customer.email"] == ("old@canary.example", "jane@canary.example")
    assert found["checkout_token"] == (MASK, MASK)


def test_a_new_order_is_described_by_its_main_values() -> None:
    found = changes(order(), None)

    assert found["total_price"] == (None, "10.5")
    assert found["line_items[81].quantity"] == (None, "1")
    assert found["customer"] == (None, MASK)
    assert "checkout_token" not in found


def test_products_hold_nothing_personal() -> None:
    found = changes(
        {"external_id": "81", "name": "Shirt", "price": 5}, {"name": "Skirt", "price": "5.0"}, kind="product"
    )

    assert found == {"name": ("Skirt", "Shirt")}


def test_an_unknown_property_is_masked() -> None:
    assert changes({**order(), "future": "canary"}, order())["future"] == (None, MASK)


@pytest.mark.parametrize("quantity", [1, 3])
def test_the_description_is_short(quantity: int) -> None:
    many = [{"external_product_id": str(number), "quantity": quantity} for number in range(200)]
    found = changes({**order(), "line_items": many}, order())
    long = changes({"external_id": "1", "name": "x" * 500}, {"name": "y"}, kind="product")

    assert len(found) == MAX_CHANGES
    assert len(str(long["name"][1])) == MAX_LENGTH


def test_an_unchanged_order_has_no_values() -> None:
    assert changes(order(), order()) == {}
