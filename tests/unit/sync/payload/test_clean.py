"""What is sent without a model is what the model sends.

The models hold the types and limits of https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments, and
pydantic checks them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from airflow_provider_partners.sync.mapping import map_order
from airflow_provider_partners.sync.payload.base import Payload
from airflow_provider_partners.sync.payload.clean import clean_body
from airflow_provider_partners.sync.payload.models import (
    MAX_FULFILLMENTS,
    MAX_LINE_ITEMS,
    Address,
    Cancellation,
    Customer,
    FulfilledItem,
    Fulfillment,
    Gtin,
    LineItem,
    Order,
    OrderFulfillment,
    Product,
    ShipmentInfo,
    StoreCustomer,
)

Body = dict[str, Any]

TEXTS = (
    *("", " ", "1001", " 1001", "1,2", "a" * 64, "a" * 65, "a" * 255, "a" * 256, "ß" * 255, "Zoë", "a\x00b", "\ud83d"),
    *(
        "success",
        "SUCCESS",
        "canceled",
        "delivered",
        "paid",
        "active",
        "EAN",
        "DE",
        "de",
        "ZZ",
        "XK",
        "Ba",
        "BY1",
        "B1",
    ),
    *("EUR", "eur", "XXX", "USDC", "true", "2024-05-01T10:20:30Z", "2024-05-01T10:20:30+00:00", "2024-05-01", "B\n"),
    *("+4922112345", "+49 221 12345", "+1", "https://a.example/x", "HTTP://a", "javascript:1", "https://" + "a" * 2041),
)
VALUES = st.one_of(
    st.sampled_from(TEXTS),
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63, -(2**63), 10**45]),
    st.floats(),
    st.text(),
    st.just([]),
    st.just({}),
)
NAMES = st.one_of(
    st.sampled_from(["coupon_used", "suppress_review_request", "customer_country", "custom", "color", "gift", "", "ü"]),
    st.text(max_size=3),
)
PROPERTIES = st.dictionaries(NAMES, VALUES, max_size=6)


def bodies(model: type[Payload], nested: dict[str, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Body]:
    """Return a strategy of fields: the objects inside are what their own model has sent."""
    of_field = dict.fromkeys(model.model_fields, VALUES) | {"unknown": st.just(1)} | (nested or {})
    if "custom_properties" in of_field:
        of_field["custom_properties"] = st.one_of(VALUES, PROPERTIES)
    return st.sets(st.sampled_from(sorted(of_field)), max_size=8).flatmap(
        lambda names: st.fixed_dictionaries({name: of_field[name] for name in sorted(names)})
    )


def sent(model: type[Payload], nested: dict[str, st.SearchStrategy[Any]] | None = None) -> st.SearchStrategy[Body]:
    """Return a strategy of objects as they have been sent, the empty one included."""

    def payload_of(fields: Body) -> Body:
        try:
            return model.payload_of(fields)
        except ValidationError:
            return {}

    return bodies(model, nested).map(payload_of)


ITEM = st.builds(
    lambda product, quantity: {"external_product_id": product, "quantity": quantity},
    st.sampled_from("ab"),
    st.integers(1, 3),
)
FULFILLMENT = {"shipment_info": sent(ShipmentInfo), "fulfilled_items": st.lists(ITEM, max_size=3)}
NESTED: dict[type[Payload], dict[str, st.SearchStrategy[Any]]] = {
    Fulfillment: FULFILLMENT,
    OrderFulfillment: FULFILLMENT,
    Product: {"gtins": st.lists(sent(Gtin), max_size=2)},
    Order: {
        "cancellation": sent(Cancellation),
        "customer": sent(Customer),
        "billing_address": sent(Address),
        "line_items": st.lists(ITEM, max_size=3),
        "fulfillments": st.lists(sent(OrderFulfillment, FULFILLMENT), max_size=3),
    },
}
MODELS = [
    *(Address, Cancellation, Customer, FulfilledItem, Fulfillment, Gtin, LineItem),
    *(Order, OrderFulfillment, Product, ShipmentInfo),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_clean_is_accepted_and_sent_unchanged(model: type[Payload], data: st.DataObject) -> None:
    fields = data.draw(bodies(model, NESTED.get(model)))
    body = clean_body(model, fields)
    if body is not None:
        # As text, since the keys have an order, and since True is 1 and 1 is 1.0 in Python.
        assert json.dumps(body) == json.dumps(model.model_validate(fields).payload())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("value", [*TEXTS, True, 1, 0, -1, 2**31, 2**53 + 1, 1.5, float("nan"), float("inf"), 1e300])
def test_each_value_in_each_field(model: type[Payload], value: Any) -> None:
    valid: dict[type[Payload], Body] = {
        Cancellation: {"cancellation_date": "2024-05-01T10:20:30Z"},
        FulfilledItem: {"external_product_id": "p", "quantity": 1},
        Gtin: {"declared_type": "EAN", "value": "1"},
    }
    for name in model.model_fields:
        fields = {**valid.get(model, {}), name: value}
        body = clean_body(model, fields)
        assert body is None or json.dumps(body) == json.dumps(model.model_validate(fields).payload())


@pytest.mark.parametrize(
    ("name", "count", "is_clean"),
    [
        ("line_items", MAX_LINE_ITEMS, True),
        ("line_items", MAX_LINE_ITEMS + 1, False),
        ("fulfillments", MAX_FULFILLMENTS, True),
        ("fulfillments", MAX_FULFILLMENTS + 1, False),
    ],
)
def test_a_list_is_clean_up_to_the_models_limit(name: str, count: int, is_clean: bool) -> None:
    key = "external_product_id" if name == "line_items" else "external_id"
    fields = {name: [{key: str(number)} for number in range(count)]}
    assert (clean_body(Order, fields) is not None) is is_clean
    assert (not Order.violations({"external_id": "1", **fields}, "partial")) is is_clean


def test_properties_are_clean_up_to_a_hundred() -> None:
    properties = {f"p{number}": 1 for number in range(100)}
    assert clean_body(LineItem, {"custom_properties": properties}) == {"custom_properties": properties}
    assert clean_body(LineItem, {"custom_properties": {**properties, "p100": 1}}) is None


def test_a_rule_of_several_fields_is_the_models() -> None:
    """Without an external id, Yotpo takes one of both: https://core-api.yotpo.com/reference/create-customer."""
    assert StoreCustomer.payload_of({"email": "a@example.com"}) == {"email": "a@example.com"}
    with pytest.raises(ValidationError):
        StoreCustomer.payload_of({"email": "a@example.com", "phone_number": "+4922112345678"})


def test_a_usual_order_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order has fields and values of Shopify's documentation of ``Order``."""

    def refuse(*_: Any, **__: Any) -> None:
        pytest.fail("a model was used")

    for model in MODELS:
        monkeypatch.setattr(model, "model_validate", refuse)
    order = {
        "id": "gid://shopify/Order/148977776",
        "name": "#1001",
        "createdAt": "2024-05-01T10:20:30Z",
        "displayFinancialStatus": "PAID",
        "totalPriceSet": {"shopMoney": {"amount": "19.9", "currencyCode": "EUR"}},
        "customer": {"id": "gid://shopify/Customer/544365967", "firstName": "Zoë", "lastName": "Müller"},
        "shippingAddress": {"city": "Köln", "zip": "50667", "countryCodeV2": "DE", "phone": "+4922112345678"},
        "shippingLine": {"title": "Express"},
        "lineItems": [
            {
                "id": "gid://shopify/LineItem/1",
                "quantity": 1,
                "vendor": "Acme",
                "product": {"id": "gid://shopify/Product/108828309", "title": "Tasse", "handle": "tasse"},
            }
        ],
        "fulfillments": [
            {
                "id": "gid://shopify/Fulfillment/237894043",
                "status": "SUCCESS",
                "createdAt": "2024-05-02T10:20:30Z",
                "trackingInfo": [{"company": "DHL", "number": "JD1", "url": "https://dhl.example/JD1"}],
                "fulfillmentLineItems": [{"quantity": 1, "lineItem": {"id": "gid://shopify/LineItem/1"}}],
            }
        ],
    }
    payload = map_order(order, shop="a.myshopify.com", coupons=[{"code": "TEN", "products": None}]).order
    assert payload["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "108828309", "quantity": 1}]
