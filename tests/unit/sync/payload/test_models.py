"""Yotpo's documented rules, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.payload.models import Customer, Fulfillment, LineItem, Order, Product

ORDER: dict[str, Any] = {
    "external_id": "1001",
    "order_date": "2024-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 1}],
}
FULFILLMENT: dict[str, Any] = {
    "external_id": "f-1",
    "fulfillment_date": "2024-05-02T10:20:30Z",
    "status": "success",
    "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
}


def test_the_smallest_documented_order_is_accepted_and_sent_as_it_is() -> None:
    assert Order.validate_body(ORDER).payload() == ORDER


@pytest.mark.covers(
    "yotpo.order.external_id.required", "yotpo.order.order_date.required", "yotpo.order.line_items.required"
)
@pytest.mark.parametrize("field", ["external_id", "order_date", "line_items"])
def test_required_fields_of_a_new_order(field: str) -> None:
    body = {name: value for name, value in ORDER.items() if name != field}

    assert Order.violations(body) == [f"{field}: required"]
    assert Order.violations(body, "update") == []


@pytest.mark.covers(
    "yotpo.fulfillment.external_id.required",
    "yotpo.fulfillment.fulfillment_date.required",
    "yotpo.fulfillment.status.required",
    "yotpo.fulfillment.fulfilled_items.required",
)
@pytest.mark.parametrize("field", list(FULFILLMENT))
def test_a_new_fulfillment_requires_four_fields_and_an_update_none(field: str) -> None:
    body = {name: value for name, value in FULFILLMENT.items() if name != field}

    assert Fulfillment.violations(body) == [f"{field}: required"]
    assert Fulfillment.violations(body, "update") == []
    assert Order.violations({**ORDER, "fulfillments": [body]}) == [f"fulfillments[0].{field}: required"]


def test_a_product_needs_nothing_but_its_id() -> None:
    assert Product.violations({"external_id": "p-1"}) == []
    assert Product.violations({"name": "x"}) == ["external_id: required"]


@pytest.mark.parametrize(("model", "body"), [(Order, ORDER), (Product, {"name": "x"})])
def test_an_id_with_a_comma_is_refused_since_no_lookup_finds_it(model: type[Order | Product], body: Any) -> None:
    """Records are found by the filter ``external_ids``, a list: https://core-api.yotpo.com/reference/orders."""
    (violation,) = model.violations({**body, "external_id": "A,1"})
    assert violation == "external_id: must have no comma, because Yotpo looks records up by lists of ids"
    assert LineItem.violations({"external_product_id": "A,1", "quantity": 1}) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"payment_status": "expired"}, "payment_status"),
        ({"payment_method": "x" * 65}, "payment_method"),
        ({"external_id": "x" * 256}, "external_id"),
        ({"external_id": True}, "external_id"),
        ({"order_date": "01.05.2024"}, "order_date"),
        ({"order_date": 1714558830}, "order_date"),
        ({"order_date": "2024-02-31T10:20:30Z"}, "order_date"),
        ({"currency": "EURO"}, "currency"),
        ({"currency": "EUX"}, "currency"),
        ({"total_price": "12,50"}, "total_price"),
        ({"total_price": "0.1234567890123456789"}, "total_price"),
        ({"total_price": 9007199254740993}, "total_price"),
        ({"total_price": float("nan")}, "total_price"),
        ({"cancellation": {}}, "cancellation.cancellation_date"),
        ({"shipping_address": {"country_code": "DEU"}}, "shipping_address.country_code"),
        ({"shipping_address": {"province_code": "ENG"}}, "shipping_address.province_code"),
        ({"shipping_address": {"zip": "9" * 65}}, "shipping_address.zip"),
        ({"shipping_address": {"address1": "x" * 256}}, "shipping_address.address1"),
        ({"customer": {"phone_number": "030 123"}}, "customer.phone_number"),
        ({"customer": {"phone_number": "+123456"}}, "customer.phone_number"),
        ({"customer": {"phone_number": "+1234567890123456"}}, "customer.phone_number"),
        ({"customer": {"accepts_email_marketing": "yes"}}, "customer.accepts_email_marketing"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [{"external_product_id": "p-1"}]}, "line_items[0].quantity"),
        ({"line_items": [{"external_product_id": "p-1", "quantity": 0}]}, "line_items[0].quantity"),
        ({"line_items": [{"external_product_id": "p-1", "quantity": 1.5}]}, "line_items[0].quantity"),
        ({"line_items": [{"external_product_id": "p-1", "quantity": True}]}, "line_items[0].quantity"),
        ({"custom_properties": {"suppress_review_request": "yes"}}, "custom_properties.suppress_review_request"),
        ({"custom_properties": {f"k{n}": 1 for n in range(101)}}, "custom_properties"),
        ({"fulfillments": [{**FULFILLMENT, "fulfilled_items": []}]}, "fulfillments[0].fulfilled_items"),
        ({"fulfillments": [{**FULFILLMENT, "status": "shipped"}]}, "fulfillments[0].status"),
        (
            {"fulfillments": [{**FULFILLMENT, "shipment_info": {"shipment_status": "beamed"}}]},
            "fulfillments[0].shipment_info.shipment_status",
        ),
        ({"fulfillment_status": "fulfilled"}, "fulfillment_status"),
    ],
)
def test_a_violation_names_its_field(change: dict[str, Any], place: str) -> None:
    (violation,) = Order.violations({**ORDER, **change})

    assert violation.startswith(f"{place}: ")


@pytest.mark.covers("yotpo.order.fulfillments.maximum")
@pytest.mark.parametrize("count", [100, 101])
def test_an_order_takes_a_hundred_fulfillments(count: int) -> None:
    records = [{**FULFILLMENT, "external_id": f"f-{number}"} for number in range(count)]

    assert bool(Order.violations({**ORDER, "fulfillments": records})) is (count > 100)


@pytest.mark.covers("yotpo.order.line_items.maximum")
@pytest.mark.parametrize("count", [500, 501])
def test_an_order_takes_five_hundred_line_items(count: int) -> None:
    records = [{"external_product_id": f"p-{number}", "quantity": 1} for number in range(count)]

    assert bool(Order.violations({**ORDER, "line_items": records})) is (count > 500)


@pytest.mark.covers("yotpo.line_item.external_product_id.different")
def test_a_product_may_be_on_one_line_only() -> None:
    (violation,) = Order.violations({**ORDER, "line_items": ORDER["line_items"] * 2})

    assert "each product once" in violation
    assert "p-1" in violation


@pytest.mark.covers("yotpo.fulfillment.fulfilled_items.of_the_order")
def test_a_fulfillment_may_only_name_products_of_the_order() -> None:
    stranger = {**FULFILLMENT, "fulfilled_items": [{"external_product_id": "p-9", "quantity": 1}]}

    (violation,) = Order.violations({**ORDER, "fulfillments": [stranger]})

    assert "p-9" in violation


def test_an_update_may_have_a_fulfillment_without_lines() -> None:
    assert Order.violations({"fulfillments": [FULFILLMENT]}, "update") == []


def test_fulfillments_of_one_order_have_different_ids() -> None:
    (violation,) = Order.violations({**ORDER, "fulfillments": [FULFILLMENT, FULFILLMENT]})

    assert "f-1" in violation


def test_none_is_not_sent() -> None:
    assert Customer(first_name="Zoë").payload() == {"first_name": "Zoë"}


def test_violations_hold_no_customers_data() -> None:
    body = {**ORDER, "customer": {"phone_number": "call Zoë", "email": "zoe@example.com" * 30, "age": "Zoë"}}

    with pytest.raises(PayloadError) as caught:
        Order.validate_body(body)

    assert "Zoë" not in str(caught.value)
    assert "zoe@" not in str(caught.value)
    assert {text.partition(":")[0] for text in caught.value.violations} == {
        "customer.phone_number",
        "customer.email",
        "customer.age",
    }


@pytest.mark.parametrize("url", ["ftp://x", "shop.example/p", "https://" + "x" * 2048])
def test_a_product_page_is_a_web_url(url: str) -> None:
    assert Product.violations({"external_id": "p", "url": url})
