"""Validation of Yotpo's orders: kinds, lengths, enumerations, formats and sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

FULFILLMENT = {
    "external_id": "f-1",
    "fulfillment_date": "2026-05-02T08:00:00Z",
    "status": "success",
    "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
}


def message(response: httpx.Response) -> str:
    return response.json()["errors"][0]["message"]


LINE = {"external_product_id": "p-1", "quantity": 1}
FULL = {
    "order_name": "#1001",
    "checkout_token": "t",
    "payment_method": "m" * 64,
    "total_price": 10,
    "subtotal_price": 9.5,
    "currency": "EUR",
    "landing_site_url": "/",
    "payment_status": "partially_refunded",
    "cancellation": {"cancellation_date": "2026-05-02T00:00:00Z"},
    "customer": {
        "external_id": "c" * 255,
        "first_name": "李",
        "last_name": "x" * 255,
        "email": "not checked",
        "phone_number": "not checked",
        "accepts_sms_marketing": True,
        "accepts_email_marketing": False,
    },
    "billing_address": {"address1": "a" * 255, "zip": "z" * 64, "country_code": "DE", "phone_number": "+4930123456"},
    "shipping_address": {"state": "s" * 64, "province_code": "NSW", "country_code": "AU"},
    "custom_properties": {"suppress_review_request": True, "own_key": "kept", "customer_country": "US"},
    "line_items": [LINE | {"total_price": 1.5, "coupon_code": "X", "custom_properties": {"color": "red", "own": 1}}],
}


def test_an_order_with_every_property_is_returned_as_sent(yotpo_shop):
    order = yotpo_shop.read_order(yotpo_shop.create_order(**FULL))
    same = {name: order[name] for name in FULL if name not in {"cancellation", "line_items"}}
    assert same == {name: value for name, value in FULL.items() if name in same}
    assert order["line_items"][0].items() >= FULL["line_items"][0].items()


@pytest.mark.parametrize("name", ["external_id", "order_date", "line_items"])
@pytest.mark.parametrize("value", [None, ""])
def test_three_properties_are_required(yotpo_shop, name, value):
    response = yotpo_shop.post_order(**{name: value})
    assert response.status_code == 400
    assert message(response) == f"{name} can't be blank"


def test_an_order_without_line_items_is_refused(yotpo_shop):
    assert message(yotpo_shop.post_order(line_items=[])) == "line_items can't be empty"


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"external_id": 1001}, "external_id must be a string"),
        ({"order_date": "2026-05-01"}, "order_date must be an ISO 8601 date and time"),
        ({"order_date": "01/05/2026 10:00"}, "order_date must be an ISO 8601"),
        ({"order_date": "0001-01-01T00:00:00+14:00"}, "order_date must be an ISO 8601"),
        ({"order_date": 1777777777}, "order_date must be a string"),
        ({"payment_method": "m" * 65}, "payment_method is too long (maximum is 64 characters)"),
        ({"total_price": "10.00"}, "total_price must be a number"),
        ({"total_price": True}, "total_price must be a number"),
        ({"currency": "eur"}, "currency must be an ISO 4217 code"),
        ({"currency": "EURO"}, "currency must be"),
        ({"payment_status": "expired"}, "payment_status is not one of authorized"),
        ({"cancellation": {}}, "cancellation.cancellation_date can't be blank"),
        ({"cancellation": "2026-05-01T00:00:00Z"}, "cancellation must be an object"),
        ({"customer": {"first_name": "x" * 256}}, "customer.first_name is too long (maximum is 255"),
        ({"customer": {"external_id": 7}}, "customer.external_id must be a string"),
        ({"customer": {"accepts_sms_marketing": "true"}}, "customer.accepts_sms_marketing must be a boolean"),
        ({"billing_address": {"country_code": "USA"}}, "billing_address.country_code must be an ISO 3166 code"),
        ({"billing_address": {"country_code": "de"}}, "billing_address.country_code must be"),
        ({"shipping_address": {"zip": "z" * 65}}, "shipping_address.zip is too long"),
        ({"shipping_address": {"city": "c" * 256}}, "shipping_address.city is too long"),
        ({"shipping_address": {"phone_number": "0123"}}, "shipping_address.phone_number must be an E.164"),
        ({"custom_properties": {"coupon_used": 1}}, "custom_properties.coupon_used must be a boolean"),
        ({"custom_properties": {"customer_country": "Germany"}}, "custom_properties.customer_country must be"),
        ({"custom_properties": {f"k{n}": n for n in range(101)}}, "custom_properties has too many keys"),
        ({"line_items": {}}, "line_items must be an array"),
        ({"line_items": ["p-1"]}, "line_items[0] must be an object"),
        ({"line_items": [None]}, "line_items[0] must be an object"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0].external_product_id can't be blank"),
        ({"line_items": [{"external_product_id": "p-1"}]}, "line_items[0].quantity can't be blank"),
        ({"line_items": [LINE | {"quantity": 1.0}]}, "line_items[0].quantity must be an integer"),
        ({"line_items": [LINE | {"quantity": -1}]}, "line_items[0].quantity must not be negative"),
        ({"line_items": [LINE | {"external_product_id": 5}]}, "line_items[0].external_product_id must be a string"),
        ({"fulfillments": [FULFILLMENT | {"status": "canceled"}]}, "fulfillments[0].status is not one of cancelled"),
        (
            {"fulfillments": [FULFILLMENT | {"shipment_info": {"shipment_status": "lost"}}]},
            "fulfillments[0].shipment_info.shipment_status is not one of attempted_delivery",
        ),
        ({"fulfillments": [FULFILLMENT | {"shipment_info": []}]}, "fulfillments[0].shipment_info must be an object"),
    ],
)
def test_a_wrong_value_is_400_with_its_property(yotpo_shop, changes, start):
    response = yotpo_shop.post_order(**changes)
    assert response.status_code == 400
    assert message(response).startswith(start)
    assert yotpo_shop.create_order(), "nothing was stored"


@pytest.mark.parametrize("status", ["pending", "authorized", "partially_paid", "paid", "refunded", "voided"])
def test_every_payment_status_is_accepted(yotpo_shop, status):
    assert yotpo_shop.create_order(payment_status=status)


@pytest.mark.parametrize("status", ["pending", "open", "success", "cancelled", "error", "failure"])
def test_every_fulfillment_status_is_accepted(yotpo_shop, status):
    assert yotpo_shop.create_order(fulfillments=[FULFILLMENT | {"status": status}])


def test_an_order_has_at_most_500_line_items(yotpo_shop):
    names = [f"q-{n}" for n in range(501)]
    yotpo_shop.create_products(*names)
    lines = [{"external_product_id": each, "quantity": 1} for each in names]
    assert message(yotpo_shop.post_order(line_items=lines)) == "line_items has too many members (maximum is 500)"
    yotpo_id = yotpo_shop.create_order(line_items=lines[:500])
    assert yotpo_shop.patch_order(yotpo_id, line_items=lines[500:]).status_code == 400
    assert len(yotpo_shop.read_order(yotpo_id)["line_items"]) == 500


def test_an_order_is_created_with_at_most_100_fulfillments(yotpo_shop):
    many = [FULFILLMENT | {"external_id": f"f-{n}"} for n in range(101)]
    assert message(yotpo_shop.post_order(fulfillments=many)).startswith("fulfillments has too many members")
    assert yotpo_shop.create_order(fulfillments=many[:100])


def test_one_response_has_every_problem(yotpo_shop):
    response = yotpo_shop.post_order(currency="x", payment_status="x", external_id=None)
    assert len(response.json()["errors"]) == 3


def test_a_patch_has_the_same_rules(yotpo_shop):
    yotpo_id = yotpo_shop.create_order()
    assert yotpo_shop.patch_order(yotpo_id, currency="x").status_code == 400
    assert yotpo_shop.patch_order(yotpo_id, line_items=[{"external_product_id": "p-1"}]).status_code == 400
    assert yotpo_shop.patch_order(yotpo_id).status_code == 200


def test_read_only_and_unknown_properties_are_dropped(yotpo_shop):
    order = yotpo_shop.read_order(
        yotpo_shop.create_order(yotpo_id=5, created_at="2020-01-01T00:00:00Z", source="me", colour="red")
    )
    assert order["yotpo_id"] != 5
    assert (order["source"], order["created_at"]) == ("orders_api_v3", "2026-06-01T12:00:00")
    assert "colour" not in order


def test_unknown_properties_are_refused_by_switch(yotpo_shop):
    yotpo_shop.set_switch("refuse_unknown_properties", True)
    assert message(yotpo_shop.post_order(colour="red")) == "colour is unknown"
    assert message(yotpo_shop.post_order(customer={"mail": "x"})) == "customer.mail is unknown"
    assert yotpo_shop.post_order(custom_properties={"own_key": 1}).status_code == 201


def test_scalars_are_converted_by_switch(yotpo_shop):
    yotpo_shop.set_switch("lenient_types", True)
    lines = [{"external_product_id": "p-1", "quantity": "2", "total_price": "3.50"}]
    yotpo_id = yotpo_shop.create_order(
        external_id=1001, total_price="10.00", line_items=lines, customer={"accepts_sms_marketing": "true"}
    )
    order = yotpo_shop.read_order(yotpo_id)
    assert (order["external_id"], order["total_price"]) == ("1001", 10.0)
    assert (order["line_items"][0]["quantity"], order["line_items"][0]["total_price"]) == (2, 3.5)
    assert order["customer"] == {"accepts_sms_marketing": True}
    assert yotpo_shop.post_order(external_id="x", total_price="ten").status_code == 400
    assert yotpo_shop.post_order(external_id="z", customer={"accepts_sms_marketing": []}).status_code == 400
    assert yotpo_shop.post_order(external_id="y", line_items=[LINE | {"quantity": "1.5"}]).status_code == 400


def test_phone_numbers_of_any_form_are_accepted_by_switch(yotpo_shop):
    yotpo_shop.set_switch("refuse_invalid_phone", False)
    assert yotpo_shop.create_order(billing_address={"phone_number": "0123"})


def test_messages_never_contain_a_customers_data(yotpo_shop):
    response = yotpo_shop.post_order(
        customer={"email": 5, "first_name": "Secretly" * 40}, billing_address={"zip": "Hidden" * 20}
    )
    assert response.status_code == 400
    assert "Secretly" not in response.text
    assert "Hidden" not in response.text
