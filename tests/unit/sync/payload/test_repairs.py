"""What is repaired without loss, and what is refused.

Types and limits: the property tables at https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_partners.sync.payload.codes import country_codes, currency_codes, language_codes
from airflow_provider_partners.sync.payload.models import Order, Product, StoreCustomer
from airflow_provider_partners.sync.plain_records import parse_order

ORDER: dict[str, Any] = {
    "external_id": "1001",
    "order_date": "2024-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 1}],
}


def sent(**change: Any) -> dict[str, Any]:
    return Order.validate_body({**ORDER, **change}).payload()


@pytest.mark.covers("yotpo.order.external_id.text")
@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (1001, "1001"),
        (1001.0, "1001"),
        (Decimal("1001"), "1001"),
        (10**25, str(10**25)),
        ("1\x00001", "1001"),
        ("a\ud83d", "a\ufffd"),
        (0, "0"),
    ],
)
def test_an_id_becomes_a_text(given_value: Any, expected: str) -> None:
    assert sent(external_id=given_value)["external_id"] == expected


@pytest.mark.covers("yotpo.order.datetime")
@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("2024-05-01T12:20:30+02:00", "2024-05-01T10:20:30Z"),
        ("2024-05-01T10:20:30", "2024-05-01T10:20:30Z"),
        ("2024-05-01T10:20:30.999Z", "2024-05-01T10:20:30Z"),
        ("2024-05-01 10:20:30", "2024-05-01T10:20:30Z"),
        ("2024-05-01", "2024-05-01T00:00:00Z"),
        (date(2024, 5, 1), "2024-05-01T00:00:00Z"),
        (datetime(2024, 5, 1, 12, 20, 30, tzinfo=timezone(timedelta(hours=2))), "2024-05-01T10:20:30Z"),
        (datetime(2024, 5, 1, 10, 20, 30, tzinfo=UTC), "2024-05-01T10:20:30Z"),
    ],
)
def test_a_time_becomes_utc(given_value: Any, expected: str) -> None:
    assert sent(order_date=given_value)["order_date"] == expected


@pytest.mark.covers("yotpo.order.price.double")
@pytest.mark.parametrize(
    ("given_value", "expected"),
    [("10.5", 10.5), (" 0.10 ", 0.1), (Decimal("19.99"), 19.99), (3, 3.0), (-1, -1.0), ("1e3", 1000.0)],
)
def test_an_amount_becomes_a_number_with_every_digit(given_value: Any, expected: float) -> None:
    assert sent(total_price=given_value)["total_price"] == expected


@pytest.mark.covers("yotpo.order.price.double")
@pytest.mark.parametrize(
    "value",
    [
        "1_000",
        "٣",
        "10,5",
        "€10",
        "",
        True,
        math.nan,
        math.inf,
        "NaN",
        "Infinity",
        Decimal("NaN"),
        Decimal("sNaN"),
        2**53 + 1,
        "0.1234567890123456789",
        Decimal("0.1234567890123456789"),
        [1],
    ],
)
def test_an_amount_that_is_no_exact_number_is_refused(value: Any) -> None:
    if value == "":  # not given
        assert "total_price" not in sent(total_price=value)
        return
    (violation,) = Order.violations({**ORDER, "total_price": value})
    assert violation.startswith("total_price: ")


@pytest.mark.parametrize(
    ("value", "expected"), [("true", True), ("FALSE", False), (1, True), (0, False), ("1", True), (True, True)]
)
def test_a_flag_may_be_written(value: Any, expected: bool) -> None:
    assert sent(custom_properties={"coupon_used": value})["custom_properties"] == {"coupon_used": expected}


@pytest.mark.covers("yotpo.order_properties.coupon_used.boolean")
@pytest.mark.parametrize("value", ["yes", "on", 2, -1, 1.0, "t"])
def test_what_may_mean_something_else_is_no_flag(value: Any) -> None:
    (violation,) = Order.violations({**ORDER, "custom_properties": {"coupon_used": value}})
    assert violation.startswith("custom_properties.coupon_used: ")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"payment_status": "PAID"}, {"payment_status": "paid"}),
        ({"currency": "eur"}, {"currency": "EUR"}),
        ({"shipping_address": {"country_code": "de "}}, {"shipping_address": {"country_code": "DE"}}),
        ({"shipping_address": {"country_code": "XK"}}, {"shipping_address": {"country_code": "XK"}}),
        ({"shipping_address": {"zip": 10115}}, {"shipping_address": {"zip": "10115"}}),
        ({"customer": {"phone_number": "+49 (0)30 901820"}}, {"customer": {"phone_number": "+4930901820"}}),
        ({"customer": {"email": None, "first_name": ""}, "currency": None}, {}),
        (
            {"line_items": [{"external_product_id": 7, "quantity": "2"}]},
            {"line_items": [{"external_product_id": "7", "quantity": 2}]},
        ),
        (
            {"custom_properties": {"own": Decimal("1.5"), "none": None, "day": date(2024, 5, 1)}},
            {"custom_properties": {"own": 1.5, "day": "2024-05-01T00:00:00Z"}},
        ),
        (
            {"custom_properties": {"customer_country": "us", "customer_phonenumber": "+1 212 555 0100"}},
            {"custom_properties": {"customer_country": "US", "customer_phonenumber": "+12125550100"}},
        ),
    ],
)
def test_other_repairs(change: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(**change) == {**ORDER, **expected}


def test_a_cancelled_fulfillment_in_the_spelling_of_yotpos_prose() -> None:
    """The enum has two l's, the prose one (https://core-api.yotpo.com/reference/order-fulfillments)."""
    shipment = {
        "external_id": "f",
        "fulfillment_date": "2024-05-01",
        "status": "Canceled",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
    }
    assert sent(fulfillments=[shipment])["fulfillments"][0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"currency": "EUX"}, "currency"),
        ({"shipping_address": {"country_code": "AN"}}, "shipping_address.country_code"),
        ({"shipping_address": {"country_code": "Germany"}}, "shipping_address.country_code"),
        ({"custom_properties": {"customer_state": "x" * 65}}, "custom_properties.customer_state"),
        ({"custom_properties": {"customer_country": "UK"}}, "custom_properties.customer_country"),
        ({"custom_properties": {"customer_phonenumber": "030 90182"}}, "custom_properties.customer_phonenumber"),
        ({"custom_properties": {"delivery_type": ["a"]}}, "custom_properties"),
        ({"custom_properties": {"own": {"a": 1}}}, "custom_properties"),
        ({"custom_properties": {"own": math.nan}}, "custom_properties"),
        ({"line_items": [{"external_product_id": "p", "quantity": "1.5"}]}, "line_items[0].quantity"),
        (
            {"line_items": [{"external_product_id": "p", "quantity": 1, "custom_properties": {"color": True}}]},
            "line_items[0].custom_properties.color",
        ),
    ],
)
def test_a_refusal_names_field_and_rule(change: dict[str, Any], place: str) -> None:
    (violation,) = Order.violations({**ORDER, **change})
    assert violation.startswith(f"{place}: ")


@pytest.mark.covers(
    "yotpo.order.currency.iso", "yotpo.address.country_code.iso", "yotpo.order_properties.customer_country.iso"
)
def test_the_lists_are_those_of_iso() -> None:
    """ISO 4217, 3166-1 and 639-1 have these and not those."""
    assert {"EUR", "USD", "JPY"} <= currency_codes()
    assert not {"DEM", "USDC", "EUX"} & currency_codes()
    assert {"DE", "US", "XK"} <= country_codes()
    assert not {"AN", "UK", "ZZ"} & country_codes()
    assert {"en", "de"} <= language_codes()
    assert not {"deu", "xx"} & language_codes()


def test_the_lists_are_loaded_with_the_first_code_and_not_before() -> None:
    code = (
        "import sys, airflow_provider_partners.operators.yotpo.upsert, airflow_provider_partners.sync.payload.models;"
        "sys.exit('pycountry' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_customer_needs_one_identity() -> None:
    """The id, or exactly one of e-mail and telephone (https://core-api.yotpo.com/reference/create-customer)."""
    assert StoreCustomer.violations({"external_id": 7, "email": "a@example.com", "phone_number": "+4930901820"}) == []
    assert StoreCustomer.violations({"email": "a@example.com"}) == []
    assert StoreCustomer.violations({"email": "a@example.com", "phone_number": "+4930901820"}) != []
    assert StoreCustomer.violations({"first_name": "Zoë"}) != []


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=80)
    | st.sampled_from(["2024-05-01", "10.5", "paid", "EUR", "DE", "+4930901820", "1001", "", "true", 1e308, 2**70]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=8,
)


def _objects(model: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return objects with the model's fields, some of which hold anything."""
    fields = {}
    for name in model.model_fields:
        member = model.member_model(name)
        nested = _objects(member) if member else _VALUES
        fields[name] = _VALUES | nested | st.lists(nested, max_size=2)
    return st.fixed_dictionaries({}, optional=fields)


@settings(max_examples=100, deadline=None)
@given(record=_objects(Order) | st.dictionaries(st.text(max_size=20), _VALUES, max_size=4))
@pytest.mark.parametrize("operation", ["create", "update", "partial"])
def test_any_record_gives_a_payload_within_the_rules_or_a_refusal(operation: Any, record: dict[str, Any]) -> None:
    check(Order, parse_order(record).payload, operation)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("model", [Product, StoreCustomer])
def test_any_product_or_customer_gives_a_payload_or_a_refusal(model: Any, data: Any) -> None:
    check(model, data.draw(_objects(model)), "create")


def check(model: Any, record: dict[str, Any], operation: Any) -> None:
    if violations := model.violations(record, operation):
        assert all(": " in violation for violation in violations)
        return
    payload = model.validate_body(record, operation).payload()
    # JSON holds it, without NaN and Infinity, and checking it again changes nothing.
    json.dumps(payload, allow_nan=False, ensure_ascii=False).encode()
    assert model.validate_body(payload, operation).payload() == payload
