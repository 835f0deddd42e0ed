"""The sources of custom properties: how they are written, what they read, and what is requested from Shopify."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.sync.property_sources import (
    DEFAULT_SOURCES,
    PROPERTY_TYPES,
    parse_properties,
    required_fields,
)

ORDER = {
    "sourceName": "web",
    "tags": ["vip", "gift"],
    "shippingLine": {"title": "Express"},
    "shippingAddress": None,
    "billingAddress": {"countryCodeV2": "DE", "provinceCode": None},
    "customAttributes": [{"key": "Gift", "value": "yes"}, {"key": "gift", "value": "no"}],
    "metafields": {"custom.gift": {"type": "boolean", "value": "true", "jsonValue": True}},
    "customer": {"metafields": {"loyalty.tier": {"type": "single_line_text_field", "value": "gold"}}},
    "lineItems": [{"vendor": "A"}, {"vendor": "B"}],
}
LINE = {
    "vendor": "Acme",
    "customAttributes": [{"key": "Engraving", "value": "For Zoë"}],
    "variant": {
        "selectedOptions": [{"name": "Colour", "value": "Teal"}, {"name": "GRÖSSE", "value": "M"}],
        "metafields": {"custom.gauge": {"type": "number_integer", "value": "7", "jsonValue": 7}},
    },
    "product": {
        "vendor": "Acme Inc.",
        "metafields": {"custom.model": {"type": "single_line_text_field", "value": "X-1", "jsonValue": "X-1"}},
        "options": [{"name": "Material", "values": ["Wool", "Silk"]}],
    },
}


def read(level: Any, source: Any, record: Any) -> Any:
    mapping = parse_properties(level, {"custom": source})
    return next((value for each in mapping.sources["custom"] if (value := each.read(record, ORDER)) is not None), None)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("shippingLine.title", "Express"),
        ("tags", ["vip", "gift"]),
        ("lineItems.vendor", ["A", "B"]),
        ("shippingAddress|billingAddress.countryCodeV2", "DE"),
        ("shippingAddress|billingAddress.provinceCode", None),
        (["shippingAddress.countryCodeV2", "billingAddress.countryCodeV2"], "DE"),
        ("attribute:Gift", "yes"),
        ("attribute:gift", "no"),
        ("attribute:GIFT", "yes"),
        ("metafield:custom.gift", True),
        ("customer.metafield:loyalty.tier", "gold"),
        ("constant:a:b.c", "a:b.c"),
        ({"value": "option:Color"}, "option:Color"),
        ({"value": False}, False),
        (True, True),
        (2.5, 2.5),
        ("nowhere.at.all", None),
    ],
)
def test_an_order_is_read(source: Any, value: Any) -> None:
    assert read("order", source, ORDER) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("vendor", "Acme"),
        ("product.vendor", "Acme Inc."),
        ("option:Color|Colour", "Teal"),
        ("option:größe", "M"),
        ("option:Size", None),
        ("product.option:material", ["Wool", "Silk"]),
        ("metafield:custom.model", "X-1"),
        ("variant.metafield:custom.gauge", 7),
        ("order.metafield:custom.gift", True),
        ("attribute:Engraving", "For Zoë"),
        ("order.attribute:Gift", "yes"),
        ("order.sourceName", "web"),
    ],
)
def test_a_line_is_read_with_its_product_variant_and_order(source: str, value: Any) -> None:
    assert read("line", source, LINE) == value


@pytest.mark.parametrize(
    ("metafield", "value"),
    [
        ({"type": "list.single_line_text_field", "value": '["a","b"]', "jsonValue": ["a", "b"]}, ["a", "b"]),
        ({"type": "weight", "value": "{}", "jsonValue": {"unit": "kg", "value": 2.5}}, "2.5 kg"),
        ({"type": "money", "value": "{}", "jsonValue": {"amount": "5.99", "currency_code": "CAD"}}, "5.99 CAD"),
        ({"type": "rating", "value": "{}", "jsonValue": {"value": "3.5", "scale_max": "5.0"}}, "3.5"),
        ({"type": "single_line_text_field", "value": "007"}, "007"),
        ({"type": "number_integer", "value": "7"}, 7),
        (None, None),
    ],
)
def test_a_metafields_value_has_the_type_of_its_definition(metafield: Any, value: Any) -> None:
    """The forms are those of https://shopify.dev/docs/apps/build/metafields/list-of-data-types."""
    assert read("product", "metafield:custom.x", {"metafields": {"custom.x": metafield}}) == value


def test_metafields_may_also_come_as_a_list() -> None:
    record = {"metafields": {"nodes": [{"namespace": "custom", "key": "x", "value": "1", "type": "url"}]}}
    assert read("product", "metafield:custom.x", record) == "1"


def test_every_documented_property_can_be_mapped() -> None:
    """The names are those of https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments."""
    order = "delivery_type customer_state customer_country customer_address customer_phonenumber custom coupon_used"
    line = "color size vendor material model custom coupon_used"
    assert set(PROPERTY_TYPES["order"]) == {*order.split(), "suppress_review_request"}
    assert set(PROPERTY_TYPES["line"]) == {*line.split(), "suppress_review_request"}
    for level, names in PROPERTY_TYPES.items():
        assert set(parse_properties(level, dict.fromkeys(names, "constant:x")).sources) == set(names)


def test_none_switches_a_default_off() -> None:
    mapping = parse_properties("order", {"delivery_type": None})
    assert set(DEFAULT_SOURCES["order"]) - set(mapping.sources) == {"delivery_type"}
    assert mapping.switched_off == {"delivery_type"}


@pytest.mark.parametrize(
    ("level", "mapping", "message"),
    [
        ("order", {"a": "optoin:x"}, "unknown kind of source 'optoin': did you mean 'option'"),
        ("order", {"a": "option:Color"}, "an order has no options"),
        ("product", {"a": "attribute:x"}, "a product has no attributes"),
        ("order", {"a": "x..y"}, "is no path"),
        ("order", {"a": "metafield:model"}, "namespace and the key"),
        ("line", {"a": "option:"}, "names no option"),
        ("line", {"a": {"path": "x"}}, "a dict is no source"),
        ("line", {"A b": "vendor"}, "lower-case letters"),
        ("line", {"x" * 33: "vendor"}, "at most 32"),
        ("line", ["vendor"], "a mapping of property to source"),
    ],
)
def test_a_wrong_source_is_an_error_that_says_what_to_write(level: Any, mapping: Any, message: str) -> None:
    """The rule of names is that of https://core-api.yotpo.com/reference/working-with-custom-properties."""
    with pytest.raises(ValueError, match=message):
        parse_properties(level, mapping)


def test_a_name_that_is_almost_a_documented_one_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    parse_properties("line", {"colour": "option:Colour", "engraving": "attribute:Engraving"})
    assert "'colour' of the line is none that Yotpo documents: did you mean 'color'?" in caplog.text
    assert "engraving" not in caplog.text


@pytest.mark.covers("yotpo.order.custom_properties.maximum")
def test_more_properties_than_yotpo_takes_are_an_error() -> None:
    """100 properties: https://core-api.yotpo.com/reference/orders."""
    own = {f"own_{number}": "constant:x" for number in range(98)}
    with pytest.raises(ValueError, match="101 properties are more than Yotpo takes"):
        parse_properties("order", own)
    parse_properties("order", {**own, "delivery_type": None})


def test_all_wrong_sources_are_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"one: .*two: "):
        parse_properties("order", {"one": "x..y", "two": "option:x"})


def test_what_a_mapping_names_is_requested_from_shopify() -> None:
    off = dict.fromkeys(DEFAULT_SOURCES["order"]), dict.fromkeys(DEFAULT_SOURCES["line"])
    fields = required_fields(
        {**off[0], "a": "shippingAddress|billingAddress.city", "b": "attribute:Gift", "c": "metafield:custom.gift"},
        {
            **off[1],
            "d": "option:Color",
            "e": "metafield:custom.model",
            "f": "variant.metafield:custom.gauge",
            "g": "order.sourceName",
            "h": ["vendor", "product.vendor"],
            "i": "constant:x",
        },
        {"review_form_tag": "productType", "j": "option:Material"},
    )
    assert fields == [
        "shippingAddress.city",
        "billingAddress.city",
        "customAttributes.key",
        "customAttributes.value",
        "metafield:custom.gift",
        "lineItems.variant.selectedOptions.name",
        "lineItems.variant.selectedOptions.value",
        "lineItems.product.metafield:custom.model",
        "lineItems.variant.metafield:custom.gauge",
        "sourceName",
        "lineItems.vendor",
        "lineItems.product.vendor",
        "lineItems.product.productType",
        "lineItems.product.options.name",
        "lineItems.product.options.values",
    ]
