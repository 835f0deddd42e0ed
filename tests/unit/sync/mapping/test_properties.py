"""Custom properties of orders, lines and products, with the types that Yotpo documents."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.mapping.order import MappedOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions

SHOP = "a.myshopify.com"


def mapped(order: dict, **options: Any) -> MappedOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, MappedOrder), result
    return result


def of_order(order: dict, **properties: Any) -> dict:
    return mapped(order, order_properties=properties).order["custom_properties"]


def of_line(*lines: dict, **options: Any) -> dict:
    (line,) = mapped(make.order(lineItems=list(lines), fulfillments=[]), **options).order["line_items"]
    return line.get("custom_properties", {})


def line(number: int, **options: str) -> dict:
    selected = [{"name": name, "value": value} for name, value in options.items()]
    return make.line(number, make.product(11), variant={"id": "v", "selectedOptions": selected})


# --- defaults ---


@pytest.mark.covers("yotpo.order_properties.customer_country.default")
def test_country_state_delivery_type_and_vendor_are_sent_by_default() -> None:
    order = make.order(shippingLine={"title": "Express"}, lineItems=[make.line(1, make.product(11), vendor="Atelier")])
    assert mapped(order).order["custom_properties"] == {
        "customer_country": "DE",
        "customer_state": "NW",
        "delivery_type": "Express",
    }
    assert mapped(order).order["line_items"][0]["custom_properties"] == {"vendor": "Atelier"}


@pytest.mark.covers("yotpo.order_properties.customer_country.default")
def test_an_order_without_a_shipping_address_has_country_and_state_of_the_billing_address() -> None:
    billing = make.address(countryCodeV2="FR", provinceCode=None)
    properties = of_order(make.order(shippingAddress=None, billingAddress=billing))
    assert properties == {"customer_country": "FR"}


def test_the_state_never_comes_from_another_address_than_the_country() -> None:
    shipping, billing = make.address(countryCodeV2="FR", provinceCode=None), make.address(provinceCode="CA")
    assert of_order(make.order(shippingAddress=shipping, billingAddress=billing)) == {"customer_country": "FR"}


def test_an_order_without_personal_data_has_no_property_from_them() -> None:
    order = make.order(shippingAddress=None, billingAddress=None, customer=None, email=None)
    assert "custom_properties" not in mapped(order).order


@pytest.mark.covers("yotpo.line_properties.color", "yotpo.line_properties.size", "yotpo.line_properties.vendor")
@pytest.mark.parametrize("name", ["Color", "colour", "COULEUR", "Farbe"])
def test_options_with_the_name_of_a_property_are_sent_by_default(name: str) -> None:
    assert of_line(line(1, **{name: "Teal", "Größe": "M", "Volume": "30 ml"})) == {
        "vendor": "Maker",
        "color": "Teal",
        "size": "M",
    }


def test_none_switches_a_default_off() -> None:
    order = make.order(shippingLine={"title": "Express"})
    assert of_order(order, delivery_type=None, customer_state=None) == {"customer_country": "DE"}


# --- types ---


@pytest.mark.parametrize(
    ("name", "value", "sent"),
    [
        ("custom", "x" * 300, "x" * 255),
        ("custom", ["a", "b", "a"], "a, b"),
        ("custom", 5, "5"),
        ("customer_state", "S" * 80, "S" * 64),
        ("customer_country", "de", "DE"),
        ("customer_country", "DEU", "DE"),
        ("customer_country", "Germany", "DE"),
        ("customer_phonenumber", "0044 20 7946 0018", "+442079460018"),
        ("suppress_review_request", "true", True),
        ("coupon_used", "no", False),
        ("coupon_used", True, True),
        ("own", True, True),
        ("own", 2.5, 2.5),
        ("own", "text", "text"),
    ],
)
def test_values_have_the_type_that_yotpo_documents(name: str, value: Any, sent: Any) -> None:
    """Types: https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments; 255 characters at most:
    https://core-api.yotpo.com/reference/working-with-custom-properties."""
    assert of_order(make.order(note=value), **{name: "note"})[name] == sent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("customer_country", "Atlantis"),
        # Ascension has a code of Shopify's CountryCode, and none of ISO 3166-1.
        ("customer_country", "AC"),
        ("customer_phonenumber", "call me"),
        ("coupon_used", "perhaps"),
        ("own", {"a": 1}),
    ],
)
def test_a_value_that_yotpo_cannot_take_costs_the_property_and_not_the_order(name: str, value: Any) -> None:
    result = mapped(make.order(note=value), order_properties={name: "note"})
    assert name not in result.order["custom_properties"]
    (note,) = [each for each in result.notes if name in each]
    assert "was left out" in note
    assert str(value) not in note


@pytest.mark.covers("yotpo.order_properties.customer_address")
def test_an_address_becomes_one_line() -> None:
    properties = of_order(make.order(), customer_address="shippingAddress")
    assert properties["customer_address"] == "Hauptstraße 1, 50667, Köln, Nordrhein-Westfalen"


def test_products_have_custom_properties_too() -> None:
    """``is_blocklisted`` and ``review_form_tag`` are those of https://core-api.yotpo.com/reference/products."""
    product = make.product(
        11, productType="Shirts", metafields={"reviews.hidden": {"type": "boolean", "value": "true"}}
    )
    options = {"product_properties": {"review_form_tag": "productType", "is_blocklisted": "metafield:reviews.hidden"}}
    result = mapped(make.order(lineItems=[make.line(1, product)], fulfillments=[]), **options)
    assert result.products[0]["custom_properties"] == {"review_form_tag": "Shirts", "is_blocklisted": True}


# --- lines of one product ---


@pytest.mark.parametrize(("differing", "sent"), [("join", "Teal, Red"), ("first", "Teal"), ("omit", None)])
def test_texts_that_differ_between_lines_of_one_product_follow_the_option(differing: str, sent: str | None) -> None:
    lines = [line(1, Color="Teal", Size="M"), line(2, Color="Red", Size="M"), line(3, Color="Teal")]
    result = mapped(make.order(lineItems=lines, fulfillments=[]), differing_lines=differing)
    properties = result.order["line_items"][0]["custom_properties"]
    assert properties.get("color") == sent
    assert properties["size"] == "M"
    assert [note for note in result.notes if "color" in note]
    assert not [note for note in result.notes if "size" in note]


def test_a_flag_is_true_if_that_of_any_line_is() -> None:
    lines = [
        make.line(number, make.product(11), customAttributes=[{"key": "x", "value": flag}])
        for number, flag in enumerate(("false", "true"))
    ]
    properties = of_line(*lines, line_properties={"suppress_review_request": "attribute:x"})
    assert properties["suppress_review_request"] is True


def test_joined_texts_are_never_cut_in_the_middle_of_a_value() -> None:
    lines = [line(number, Color=f"{number}" * 100) for number in range(1, 5)]
    assert of_line(*lines, differing_lines="join")["color"] == f"{'1' * 100}, {'2' * 100}"
    assert of_line(*lines)["color"] == "1" * 100


# --- coupons and suppression ---


def test_a_mapped_coupon_flag_goes_before_the_coupons_and_none_leaves_it_out() -> None:
    order = make.order(discountCodes=["TEN"])

    def built(**properties: Any) -> dict:
        (result,) = build_orders([order], shop=SHOP, options={"order_properties": properties})
        assert isinstance(result, BuiltOrder)
        return result.order["custom_properties"]

    assert built()["coupon_used"] is True
    assert built(coupon_used=False)["coupon_used"] is False
    assert "coupon_used" not in built(coupon_used=None)


@pytest.mark.parametrize("level", ["order", "line"])
def test_mapping_and_policy_both_suppress_and_neither_lifts_the_other(level: str) -> None:
    def built(order: dict, **options: Any) -> BuiltOrder:
        policy = {"level": level, "financial_statuses": ["REFUNDED"]}
        (result,) = build_orders([order], shop=SHOP, options=options, policy=policy)
        assert isinstance(result, BuiltOrder)
        return result

    name = "suppress_review_request"
    by_mapping = built(make.order(), order_properties={name: True})
    assert by_mapping.order["custom_properties"][name] is True
    assert by_mapping.suppressed == ["suppress_review_request of the order's properties is true"]
    by_policy = built(make.order(displayFinancialStatus="REFUNDED"), order_properties={name: False})
    assert by_policy.order["custom_properties"][name] is True
    assert by_policy.suppressed == ["order is refunded"]
    neither = built(make.order(), order_properties={name: False})
    assert neither.order["custom_properties"][name] is False
    assert neither.suppressed == []


@pytest.mark.parametrize("level", ["order", "line"])
def test_a_mapped_line_is_suppressed_alone(level: str) -> None:
    lines = [
        make.line(1, make.product(11), customAttributes=[{"key": "no review", "value": "yes"}]),
        make.line(2, make.product(12)),
    ]
    (result,) = build_orders(
        [make.order(lineItems=lines, fulfillments=[])],
        shop=SHOP,
        options={"line_properties": {"suppress_review_request": "attribute:no review"}},
        policy={"level": level},
    )
    assert isinstance(result, BuiltOrder)
    first, second = (each["custom_properties"] for each in result.order["line_items"])
    assert first["suppress_review_request"] is True
    assert second.get("suppress_review_request", False) is False
    assert result.order["custom_properties"]["suppress_review_request"] is False
    assert result.suppressed == ["suppress_review_request of the line's properties is true"]


# --- options ---


def test_a_wrong_mapping_is_one_error_that_names_property_and_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"order_properties: x: 'optoin:a' .*did you mean 'option'"):
        MappingOptions.parse({"order_properties": {"x": "optoin:a"}})


def test_options_with_mappings_travel_as_json() -> None:
    options = MappingOptions.parse({
        "order_properties": {"custom": ["note", "constant:none"]},
        "differing_lines": "omit",
    })
    assert MappingOptions.parse(options.to_dict()) == options
