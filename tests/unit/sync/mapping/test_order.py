"""A Shopify order becomes a Yotpo order."""

from __future__ import annotations

import random
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.mapping.order import MappedOrder, UnmappableOrder, map_order
from airflow_provider_partners.sync.mapping.tables import FULFILLMENT_STATUS, PAYMENT_STATUS, SHIPMENT_STATUS
from airflow_provider_partners.sync.options import MappingOptions
from airflow_provider_partners.sync.payload.models import Order, Product

SHOP = "a.myshopify.com"


def mapped(order: dict[str, Any], **options: Any) -> MappedOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, MappedOrder), result
    return result


def refused(order: dict[str, Any], **options: Any) -> UnmappableOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, UnmappableOrder)
    return result


@pytest.mark.covers(
    "yotpo.order.customer",
    "yotpo.order.billing_address",
    "yotpo.order.shipping_address",
    "yotpo.order.line_items",
    "yotpo.order.fulfillments",
    "yotpo.fulfillment.shipment_info",
    "yotpo.fulfillment.fulfilled_items",
)
def test_an_ordinary_order_maps_field_by_field() -> None:
    result = mapped(make.order())

    assert result.external_id == "1001"
    assert result.notes == []
    assert result.order == {
        "external_id": "1001",
        "order_name": "#1001",
        "order_date": "2026-03-01T10:20:30Z",
        "payment_method": "shopify_payments",
        "payment_status": "paid",
        "total_price": 25.9,
        "subtotal_price": 21.0,
        "currency": "EUR",
        "customer": {
            "external_id": "77",
            "first_name": "Zoë",
            "last_name": "Müller",
            "email": "zoe@example.com",
            "phone_number": "+4930230000000",
            "accepts_email_marketing": True,
            "accepts_sms_marketing": False,
        },
        "billing_address": (
            address := {
                "address1": "Hauptstraße 1",
                "city": "Köln",
                "state": "Nordrhein-Westfalen",
                "zip": "50667",
                "province_code": "NW",
                "country_code": "DE",
                "phone_number": "+493023000000",
            }
        ),
        "shipping_address": address,
        "line_items": [
            {
                "external_product_id": "11",
                "quantity": 1,
                **(made := {"total_price": 10.5, "subtotal_price": 10.5, "custom_properties": {"vendor": "Maker"}}),
            },
            {"external_product_id": "12", "quantity": 2, **made},
        ],
        "custom_properties": {"customer_country": "DE", "customer_state": "NW"},
        "fulfillments": [
            {
                "external_id": "501",
                "fulfillment_date": "2026-03-02T08:00:00Z",
                "status": "success",
                "shipment_info": {
                    "shipment_status": "in_transit",
                    "tracking_company": "DHL",
                    "tracking_number": "JD1",
                    "tracking_url": "https://track.example/JD1",
                },
                "fulfilled_items": [
                    {"external_product_id": "11", "quantity": 1},
                    {"external_product_id": "12", "quantity": 1},
                ],
            }
        ],
    }
    assert result.products[0] == {
        "external_id": "11",
        "name": "Product 11",
        "url": "https://shop.example/products/product-11",
        "image_url": "https://cdn.example/11.jpg",
        "brand": "Maker",
        "handle": "product-11",
    }


def test_any_order_maps_to_a_valid_payload_or_a_reason() -> None:
    rng = random.Random(5)
    results = [map_order(make.random_order(rng, number), shop=SHOP) for number in range(1, 400)]

    sent = [record for record in results if isinstance(record, MappedOrder)]
    assert len(sent) > 200
    assert [Order.violations(record.order) for record in sent if Order.violations(record.order)] == []
    assert all(not Product.violations(product) for record in sent for product in record.products)
    assert all(record.reason and record.is_excluded for record in results if isinstance(record, UnmappableOrder))


def test_an_order_without_any_personal_field_is_mapped() -> None:
    bare = make.order(email=None, phone=None, customer=None, billingAddress=None, shippingAddress=None)

    assert not {"customer", "billing_address", "shipping_address"} & mapped(bare).order.keys()


def test_every_field_but_id_date_and_lines_may_be_missing() -> None:
    order = make.order()
    bare = {name: order[name] for name in ("id", "createdAt", "lineItems")}

    assert mapped(bare).order.keys() == {"external_id", "order_date", "line_items"}


@pytest.mark.parametrize(
    ("table", "field", "at"),
    [
        (PAYMENT_STATUS, "displayFinancialStatus", lambda body: body.get("payment_status")),
        (FULFILLMENT_STATUS, "status", lambda body: body["fulfillments"][0]["status"]),
        (
            SHIPMENT_STATUS,
            "displayStatus",
            lambda body: body["fulfillments"][0]["shipment_info"].get("shipment_status"),
        ),
    ],
)
def test_each_status_maps_by_its_table(table: Any, field: str, at: Any) -> None:
    for value, expected in table.items():
        if field == "displayFinancialStatus":
            order = make.order(**{field: value})
        else:
            order = make.order(fulfillments=[make.fulfillment(501, {1: 1}, **{field: value})])

        assert at(mapped(order).order) == expected, value


SHOPIFY_FINANCIAL = """AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED"""
SHOPIFY_FULFILLMENT = """CANCELLED ERROR FAILURE SUCCESS OPEN PENDING"""
SHOPIFY_DISPLAY = """
    ATTEMPTED_DELIVERY CANCELED CARRIER_PICKED_UP CONFIRMED DELAYED DELIVERED FAILURE FULFILLED IN_TRANSIT LABEL_PRINTED
    LABEL_PURCHASED LABEL_VOIDED MARKED_AS_FULFILLED NOT_DELIVERED OUT_FOR_DELIVERY PICKED_UP READY_FOR_PICKUP SUBMITTED
"""


def test_the_tables_hold_every_value_that_shopify_documents() -> None:
    documented = ((SHOPIFY_FINANCIAL, PAYMENT_STATUS), (SHOPIFY_FULFILLMENT, FULFILLMENT_STATUS))

    assert [set(values.split()) - set(table) for values, table in documented] == [set(), set()]
    assert set(SHOPIFY_DISPLAY.split()) == set(SHIPMENT_STATUS)


def test_an_unknown_status_is_left_out_with_a_note() -> None:
    shipment = make.fulfillment(501, {1: 1}, displayStatus="BEAMED_UP")
    result = mapped(make.order(displayFinancialStatus="BARTERED", fulfillments=[shipment]))

    assert "payment_status" not in result.order
    assert "shipment_status" not in result.order["fulfillments"][0]["shipment_info"]
    assert [note.split(" was ")[0] for note in result.notes] == [
        "shipment status 'BEAMED_UP' is unknown and",
        "financial status 'BARTERED' is unknown and",
    ]


def test_a_fulfillment_with_an_unknown_status_is_left_out() -> None:
    result = mapped(make.order(fulfillments=[make.fulfillment(501, {1: 1}, status="TELEPORTED")]))

    assert "fulfillments" not in result.order
    assert "TELEPORTED" in result.notes[0]


def test_coupon_fields_are_set_only_if_coupons_are_known() -> None:
    lines = [make.line(1, make.product(11)), make.line(2, make.product(12))]
    order = make.order(lineItems=lines)
    used = [{"code": "TEN", "products": ["gid://shopify/Product/12"]}, {"code": "ALL"}]

    unknown = map_order(order, shop=SHOP)
    none = map_order(order, shop=SHOP, coupons=[])
    some = map_order(order, shop=SHOP, coupons=used)

    assert isinstance(unknown, MappedOrder)
    assert isinstance(none, MappedOrder)
    assert isinstance(some, MappedOrder)
    assert "coupon_used" not in unknown.order["custom_properties"]
    assert none.order["custom_properties"]["coupon_used"] is False
    assert some.order["custom_properties"]["coupon_used"] is True
    assert [record["coupon_code"] for record in some.order["line_items"]] == ["ALL", "TEN"]
    assert [record["custom_properties"]["coupon_used"] for record in some.order["line_items"]] == [True] * 2
    assert all("coupon_code" not in record for record in none.order["line_items"])
    assert [record["custom_properties"]["coupon_used"] for record in none.order["line_items"]] == [False] * 2
    assert all("coupon_used" not in record["custom_properties"] for record in unknown.order["line_items"])


def test_a_coupon_of_one_product_leaves_the_other_lines_without() -> None:
    order = make.order(lineItems=[make.line(1, make.product(11)), make.line(2, make.product(12))])

    result = map_order(order, shop=SHOP, coupons=[{"code": None, "products": ["12"]}])

    assert isinstance(result, MappedOrder)
    assert result.order["custom_properties"]["coupon_used"] is True
    assert [record["custom_properties"]["coupon_used"] for record in result.order["line_items"]] == [False, True]
    assert all("coupon_code" not in record for record in result.order["line_items"])


def test_characters_that_databases_refuse_are_removed_or_marked_in_texts() -> None:
    order = make.order(name="#1\x00001 \ud83d", shippingAddress=make.address(city=" Köln\u00a0🏠 "))

    result = mapped(order).order

    assert result["order_name"] == "#1001 \ufffd"
    assert result["shipping_address"]["city"] == "Köln\u00a0🏠"


def test_lists_may_have_the_shape_of_connections() -> None:
    order = make.order()
    order["lineItems"] = {"nodes": order["lineItems"]}
    order["fulfillments"][0]["fulfillmentLineItems"] = {
        "edges": [{"node": record} for record in order["fulfillments"][0]["fulfillmentLineItems"]]
    }

    assert mapped(order) == mapped(make.order())


def test_mapping_changes_nothing_in_the_order_it_reads() -> None:
    order = make.order()

    mapped(order)

    assert order == make.order()


def test_a_wrong_option_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match="gift_card: unknown field") as caught:
        MappingOptions.parse({"gift_card": "include"})

    assert "gift_cards" in str(caught.value)
