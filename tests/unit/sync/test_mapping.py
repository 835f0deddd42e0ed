"""A Shopify order becomes a Yotpo order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.sync.mapping import MappedOrder, Rejected, map_order
from airflow_provider_partners.sync.mapping_tables import FULFILLMENT_STATUS, PAYMENT_STATUS, SHIPMENT_STATUS
from airflow_provider_partners.sync.models import Order, Product
from airflow_provider_partners.sync.options import MappingOptions

SHOP = "a.myshopify.com"


def mapped(order: dict[str, Any], **options: Any) -> MappedOrder:
    found = map_order(order, shop=SHOP, options=MappingOptions.of(options))
    assert isinstance(found, MappedOrder), found
    return found


def refused(order: dict[str, Any], **options: Any) -> Rejected:
    found = map_order(order, shop=SHOP, options=MappingOptions.of(options))
    assert isinstance(found, Rejected)
    return found


def test_an_ordinary_order_maps_field_by_field(make: Any) -> None:
    found = mapped(make.order())

    assert found.external_id == "1001"
    assert found.notes == []
    assert found.order == {
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
            {"external_product_id": "11", "quantity": 1, "total_price": 10.5, "subtotal_price": 10.5},
            {"external_product_id": "12", "quantity": 2, "total_price": 10.5, "subtotal_price": 10.5},
        ],
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
    assert found.products[0] == {
        "external_id": "11",
        "name": "Product 11",
        "url": "https://shop.example/products/product-11",
        "image_url": "https://cdn.example/11.jpg",
        "brand": "Maker",
        "handle": "product-11",
    }


def test_any_order_maps_to_what_yotpo_takes_or_says_why_not(make: Any) -> None:
    chance = random.Random(5)
    results = [map_order(make.random_order(chance, number), shop=SHOP) for number in range(1, 400)]

    sent = [row for row in results if isinstance(row, MappedOrder)]
    assert len(sent) > 200
    assert [Order.violations(row.order) for row in sent if Order.violations(row.order)] == []
    assert all(not Product.violations(product) for row in sent for product in row.products)
    assert all(row.reason and row.left_out for row in results if isinstance(row, Rejected))


def test_an_order_without_any_personal_field_is_fine(make: Any) -> None:
    bare = make.order(email=None, phone=None, customer=None, billingAddress=None, shippingAddress=None)

    assert not {"customer", "billing_address", "shipping_address"} & mapped(bare).order.keys()


def test_every_field_but_id_date_and_lines_may_be_missing(make: Any) -> None:
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
def test_each_status_maps_as_its_table_says(make: Any, table: Any, field: str, at: Any) -> None:
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


def test_a_status_of_the_future_is_left_out_with_a_note(make: Any) -> None:
    shipment = make.fulfillment(501, {1: 1}, displayStatus="BEAMED_UP")
    found = mapped(make.order(displayFinancialStatus="BARTERED", fulfillments=[shipment]))

    assert "payment_status" not in found.order
    assert "shipment_status" not in found.order["fulfillments"][0]["shipment_info"]
    assert [note.split(" was ")[0] for note in found.notes] == [
        "shipment status 'BEAMED_UP' is unknown and",
        "financial status 'BARTERED' is unknown and",
    ]


def test_a_fulfillment_with_an_unknown_status_waits_until_it_is_known(make: Any) -> None:
    found = mapped(make.order(fulfillments=[make.fulfillment(501, {1: 1}, status="TELEPORTED")]))

    assert "fulfillments" not in found.order
    assert "TELEPORTED" in found.notes[0]


def test_lines_of_one_product_are_added_up(make: Any) -> None:
    shirt = make.product(11)
    lines = [
        make.line(1, shirt, 2, discountedTotalSet=make.money("0.1")),
        make.line(2, make.product(12)),
        make.line(3, shirt, 3, discountedTotalSet=make.money("0.2")),
    ]
    shipment = make.fulfillment(501, {1: 2, 3: 1})

    found = mapped(make.order(lineItems=lines, fulfillments=[shipment])).order

    assert found["line_items"][0] == {
        "external_product_id": "11",
        "quantity": 5,
        "total_price": 0.3,
        "subtotal_price": 0.3,
    }
    assert [row["external_product_id"] for row in found["line_items"]] == ["11", "12"]
    assert found["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "11", "quantity": 3}]


def test_four_hundred_lines_of_fewer_products_pass(make: Any) -> None:
    lines = [make.line(number, make.product(number % 30 + 1)) for number in range(400)]

    assert len(mapped(make.order(lineItems=lines, fulfillments=[])).order["line_items"]) == 30


def test_more_products_than_yotpo_takes_are_a_clear_reject(make: Any) -> None:
    lines = [make.line(number, make.product(number + 1)) for number in range(501)]

    found = refused(make.order(lineItems=lines, fulfillments=[]))

    assert "501 different products" in found.reason
    assert not found.left_out


@pytest.mark.parametrize("count", [100, 101])
def test_more_fulfillments_than_yotpo_takes_are_a_clear_reject(make: Any, count: int) -> None:
    lines = [make.line(1, make.product(11), 200)]
    shipments = [make.fulfillment(number + 1, {1: 1}) for number in range(count)]
    order = make.order(lineItems=lines, fulfillments=shipments)

    if count == 100:
        assert len(mapped(order).order["fulfillments"]) == 100
    else:
        assert "101 fulfillments" in refused(order).reason


def test_what_has_no_product_no_units_or_is_a_gift_card_is_left_out_with_a_note(make: Any) -> None:
    lines = [
        make.line(1, make.product(11)),
        make.line(2, None),
        make.line(3, make.product(12), 0),
        make.line(4, make.product(13), isGiftCard=True),
    ]
    shipments = [make.fulfillment(501, {1: 1, 2: 1}), make.fulfillment(502, {4: 1})]

    found = mapped(make.order(lineItems=lines, fulfillments=shipments))

    assert [row["external_product_id"] for row in found.order["line_items"]] == ["11"]
    assert [row["external_id"] for row in found.order["fulfillments"]] == ["501"]
    assert found.order["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "11", "quantity": 1}]
    assert len(found.notes) == 4
    assert [row["external_id"] for row in found.products] == ["11"]


def test_gift_cards_can_be_included(make: Any) -> None:
    order = make.order(lineItems=[make.line(1, make.product(13), isGiftCard=True)], fulfillments=[])

    assert mapped(order, gift_cards="include").order["line_items"][0]["external_product_id"] == "13"


def test_missing_products_can_be_booked_on_a_placeholder(make: Any) -> None:
    lines = [make.line(1, None, 1), make.line(2, None, 2), make.line(3, make.product(11))]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    found = mapped(order, missing_products="placeholder")

    assert found.order["line_items"][0]["external_product_id"] == "unlisted-item"
    assert found.order["line_items"][0]["quantity"] == 3
    assert found.order["fulfillments"][0]["fulfilled_items"][0]["external_product_id"] == "unlisted-item"
    assert found.products[0] == {"external_id": "unlisted-item", "name": "Unlisted item", "url": f"https://{SHOP}/"}


def test_an_order_of_deleted_products_alone_is_left_out(make: Any) -> None:
    found = refused(make.order(lineItems=[make.line(1, None)], fulfillments=[]))

    assert found.left_out
    assert "no line is left" in found.reason
    assert found.to_dict() == {"external_id": "1001", "reason": found.reason, "left_out": True}


def test_test_orders_are_left_out_by_choice(make: Any) -> None:
    assert refused(make.order(test=True)).left_out
    assert mapped(make.order(test=True), test_orders="include").external_id == "1001"


@pytest.mark.parametrize("change", [{"id": None, "legacyResourceId": None}, {"createdAt": None, "processedAt": "soon"}])
def test_an_order_without_id_or_date_is_rejected(make: Any, change: dict[str, Any]) -> None:
    found = refused(make.order(**change))

    assert not found.left_out


def test_units_taken_off_become_a_cancelled_fulfillment_and_the_line_stays(make: Any) -> None:
    lines = [
        make.line(1, make.product(11), 3, currentQuantity=1, unfulfilledQuantity=0),
        make.line(2, make.product(12), 1, currentQuantity=0, unfulfilledQuantity=0),
    ]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    found = mapped(order).order

    assert [(row["external_product_id"], row["quantity"]) for row in found["line_items"]] == [("11", 3), ("12", 1)]
    assert found["fulfillments"][1] == {
        "external_id": "1001-removed",
        "fulfillment_date": "2026-03-01T10:20:30Z",
        "status": "cancelled",
        "fulfilled_items": [
            {"external_product_id": "11", "quantity": 2},
            {"external_product_id": "12", "quantity": 1},
        ],
    }
    assert len(mapped(order, removed_items="ignore").order["fulfillments"]) == 1


def test_units_shipped_and_sent_back_are_not_called_cancelled(make: Any) -> None:
    lines = [make.line(1, make.product(11), 2, currentQuantity=1, unfulfilledQuantity=1)]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    assert [row["external_id"] for row in mapped(order).order["fulfillments"]] == ["501"]


def test_a_cancelled_order_has_its_cancellation_and_no_cancelled_fulfillment_of_ours(make: Any) -> None:
    lines = [make.line(1, make.product(11), 1, currentQuantity=0, unfulfilledQuantity=0)]
    order = make.order(lineItems=lines, fulfillments=[], cancelledAt="2026-03-03T00:00:00+01:00")

    found = mapped(order).order

    assert found["cancellation"] == {"cancellation_date": "2026-03-02T23:00:00Z"}
    assert "fulfillments" not in found


def test_a_guest_has_an_email_and_a_name_but_no_external_id(make: Any) -> None:
    order = make.order(customer=None)

    assert mapped(order).order["customer"] == {
        "first_name": "Zoë",
        "last_name": "Müller",
        "email": "zoe@example.com",
    }
    assert mapped(order, guest_external_id="email").order["customer"]["external_id"] == "zoe@example.com"


@pytest.mark.parametrize(
    "phone", ["12-ab", "0000000", "call me", "+1 555", "n/a", "+999999999999999999", "030 1234567"]
)
def test_a_phone_number_that_is_none_is_left_out(make: Any, phone: str) -> None:
    order = make.order(phone=phone, customer=None, shippingAddress=make.address(phone=phone))

    found = mapped(order).order

    assert "phone_number" not in found["customer"]
    assert "phone_number" not in found["shipping_address"]


@pytest.mark.parametrize(
    ("phone", "expected"), [("0049 (30) 230-1234", "+49302301234"), ("+1.613.555.0100", "+16135550100")]
)
def test_a_phone_number_is_brought_into_form(make: Any, phone: str, expected: str) -> None:
    order = make.order(shippingAddress=make.address(phone=phone))

    assert mapped(order).order["shipping_address"]["phone_number"] == expected


def test_a_province_code_of_another_form_is_left_out_and_the_name_stays(make: Any) -> None:
    order = make.order(shippingAddress=make.address(province="England", provinceCode="ENG", countryCodeV2="GB"))

    found = mapped(order).order["shipping_address"]

    assert "province_code" not in found
    assert (found["state"], found["country_code"]) == ("England", "GB")


def test_what_is_shown_is_cut_and_what_identifies_is_not(make: Any) -> None:
    long_url = "https://x.example/" + "y" * 2048
    lines = [make.line(1, make.product(11, title="T" * 300, onlineStoreUrl=long_url))]
    order = make.order(
        lineItems=lines,
        fulfillments=[],
        paymentGatewayNames=["g" * 90],
        email="e" * 300,
        customer={"legacyResourceId": "77", "firstName": "F" * 300},
        shippingAddress=make.address(zip="9" * 70, company="C" * 300),
    )

    found = mapped(order)

    assert len(found.order["payment_method"]) == 64
    assert len(found.order["customer"]["first_name"]) == 255
    assert "email" not in found.order["customer"]
    assert len(found.order["shipping_address"]["zip"]) == 64
    assert len(found.products[0]["name"]) == 255
    assert found.products[0]["url"] == f"https://{SHOP}/products/product-11"


def test_a_product_id_too_long_to_be_one_is_rejected_rather_than_cut(make: Any) -> None:
    found = refused(make.order(lineItems=[make.line(1, make.product(11, legacyResourceId="9" * 256))], fulfillments=[]))

    assert "external_id" in found.reason
    assert not found.left_out


@pytest.mark.parametrize(
    ("option", "expected"), [("created", "2026-03-02T08:00:00Z"), ("delivered", "2026-03-04T15:00:00Z")]
)
def test_the_date_of_a_fulfillment_is_a_choice(make: Any, option: str, expected: str) -> None:
    shipment = make.fulfillment(501, {1: 1}, deliveredAt="2026-03-04T15:00:00Z")

    found = mapped(make.order(fulfillments=[shipment]), fulfillment_date=option).order

    assert found["fulfillments"][0]["fulfillment_date"] == expected


def test_the_date_of_an_order_is_a_choice(make: Any) -> None:
    assert mapped(make.order(), order_date="processed").order["order_date"] == "2026-02-28T09:00:00Z"


def test_the_first_parcel_that_says_something_is_taken(make: Any) -> None:
    parcels = [{"company": None, "number": None, "url": None}, {"company": "UPS", "number": "1Z", "url": None}]
    shipment = make.fulfillment(501, {1: 1}, trackingInfo=parcels, displayStatus=None)

    found = mapped(make.order(fulfillments=[shipment])).order["fulfillments"][0]

    assert found["shipment_info"] == {"tracking_company": "UPS", "tracking_number": "1Z"}


def test_coupons_are_told_only_when_they_are_known(make: Any) -> None:
    lines = [make.line(1, make.product(11)), make.line(2, make.product(12))]
    order = make.order(lineItems=lines)
    used = [{"code": "TEN", "products": ["gid://shopify/Product/12"]}, {"code": "ALL"}]

    unknown = map_order(order, shop=SHOP)
    none = map_order(order, shop=SHOP, coupons=[])
    some = map_order(order, shop=SHOP, coupons=used)

    assert isinstance(unknown, MappedOrder)
    assert isinstance(none, MappedOrder)
    assert isinstance(some, MappedOrder)
    assert "custom_properties" not in unknown.order
    assert none.order["custom_properties"] == {"coupon_used": False}
    assert some.order["custom_properties"] == {"coupon_used": True}
    assert [row["coupon_code"] for row in some.order["line_items"]] == ["ALL", "TEN"]
    assert all("coupon_code" not in row for row in none.order["line_items"])


def test_lists_may_still_have_the_shape_of_connections(make: Any) -> None:
    order = make.order()
    order["lineItems"] = {"nodes": order["lineItems"]}
    order["fulfillments"][0]["fulfillmentLineItems"] = {
        "edges": [{"node": row} for row in order["fulfillments"][0]["fulfillmentLineItems"]]
    }

    assert mapped(order) == mapped(make.order())


def test_mapping_changes_nothing_in_the_order_it_reads(make: Any) -> None:
    order = make.order()

    mapped(order)

    assert order == make.order()


def test_a_wrong_option_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match="gift_card: unknown field") as caught:
        MappingOptions.of({"gift_card": "include"})

    assert "gift_cards" in str(caught.value)
