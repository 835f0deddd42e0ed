"""Line items and fulfillments of a Shopify order as Yotpo takes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import order_builders as make
import pytest

from airflow_provider_partners.sync.mapping.lines import map_product
from airflow_provider_partners.sync.mapping.order import MappedOrder, UnmappableOrder, map_order
from airflow_provider_partners.sync.options import MappingOptions

SHOP = "a.myshopify.com"


def mapped(order: dict[str, Any], **options: Any) -> MappedOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, MappedOrder), result
    return result


def refused(order: dict[str, Any], **options: Any) -> UnmappableOrder:
    result = map_order(order, shop=SHOP, options=MappingOptions.parse(options))
    assert isinstance(result, UnmappableOrder)
    return result


@pytest.mark.covers("yotpo.line_item.external_product_id.different")
def test_lines_of_one_product_are_added_up() -> None:
    shirt = make.product(11)
    lines = [
        make.line(1, shirt, 2, originalTotalSet=make.money("0.1")),
        make.line(2, make.product(12)),
        make.line(3, shirt, 3, originalTotalSet=make.money("0.2")),
    ]
    shipment = make.fulfillment(501, {1: 2, 3: 1})

    result = mapped(make.order(lineItems=lines, fulfillments=[shipment])).order

    assert result["line_items"][0] == {
        "external_product_id": "11",
        "quantity": 5,
        "total_price": 0.3,
        "subtotal_price": 0.3,
        "custom_properties": {"vendor": "Maker"},
    }
    assert [record["external_product_id"] for record in result["line_items"]] == ["11", "12"]
    assert result["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "11", "quantity": 3}]


@pytest.mark.parametrize(
    ("lines", "subtotal"),
    [
        ([("20.0", ("10.0",))], 10.0),  # two units at 10.00 with a code of 50 %
        ([("10.0", ("3.34",)), ("10.0", ("3.33",)), ("10.0", ("3.33",))], 20.0),  # 10.00 off the order
        ([("19.99", ("2.0", "1.8", "0.54")), ("7.25", ("0.73", "0.2"))], 21.97),  # automatic, code and order-wide
        ([("1000.0", ("333.0",)), ("500.0", ("167.0",))], 1000.0),  # yen
        ([("1.005", ("0.335",)), ("2.25", ("0.75",))], 2.17),  # dinars have three decimals
    ],
)
def test_the_price_of_a_line_is_after_every_discount_and_lines_add_up_to_the_subtotal(
    lines: list[tuple[str, tuple[str, ...]]], subtotal: float
) -> None:
    """What was paid for a line is ``originalTotalSet`` less all ``discountAllocations``.

    ``discountedTotalSet`` "doesn't include order-level discounts. Code-based discounts aren't included by default"
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/LineItem, and Shopify's changelog of 2024-02-23,
    https://shopify.dev/changelog/lineitem-discountedtotalset-can-optionally-include-code-based-discounts).
    ``subtotalPriceSet`` is "the sum of the prices for all line items after discounts and before returns"
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/Order).
    """
    line_items = [
        make.line(
            number,
            make.product(number),
            2,
            originalTotalSet=make.money(original),
            # The trap: what Shopify gives here holds neither codes nor order-wide discounts.
            discountedTotalSet=make.money(original),
            discountAllocations=make.discounts(*allocated),
        )
        for number, (original, allocated) in enumerate(lines, 1)
    ]
    order = make.order(lineItems=line_items, fulfillments=[], subtotalPriceSet=make.money(subtotal))

    result = mapped(order).order

    for price in ("total_price", "subtotal_price"):
        assert sum(Decimal(str(line[price])) for line in result["line_items"]) == Decimal(str(subtotal))
    assert result["subtotal_price"] == subtotal


@pytest.mark.parametrize("unknown", ["originalTotalSet", "discountAllocations"])
def test_a_line_whose_price_after_discounts_is_unknown_has_no_price(unknown: str) -> None:
    order = make.order(lineItems=[make.line(1, make.product(11), **{unknown: None})], fulfillments=[])

    (line,) = mapped(order).order["line_items"]
    assert line == {"external_product_id": "11", "quantity": 1, "custom_properties": {"vendor": "Maker"}}


def test_four_hundred_lines_of_fewer_products_pass() -> None:
    lines = [make.line(number, make.product(number % 30 + 1)) for number in range(400)]

    assert len(mapped(make.order(lineItems=lines, fulfillments=[])).order["line_items"]) == 30


@pytest.mark.covers("yotpo.order.line_items.maximum")
def test_more_products_than_yotpo_takes_are_a_clear_reject() -> None:
    lines = [make.line(number, make.product(number + 1)) for number in range(501)]

    result = refused(make.order(lineItems=lines, fulfillments=[]))

    assert "501 different products" in result.reason
    assert not result.is_excluded


@pytest.mark.covers("yotpo.order.fulfillments.maximum")
@pytest.mark.parametrize("count", [100, 101])
def test_more_fulfillments_than_yotpo_takes_are_a_clear_reject(count: int) -> None:
    lines = [make.line(1, make.product(11), 200)]
    shipments = [make.fulfillment(number + 1, {1: 1}) for number in range(count)]
    order = make.order(lineItems=lines, fulfillments=shipments)

    if count == 100:
        assert len(mapped(order).order["fulfillments"]) == 100
    else:
        assert "101 fulfillments" in refused(order).reason


def test_lines_without_product_or_units_and_gift_cards_are_left_out_with_a_note() -> None:
    lines = [
        make.line(1, make.product(11)),
        make.line(2, None),
        make.line(3, make.product(12), 0),
        make.line(4, make.product(13), isGiftCard=True),
    ]
    shipments = [make.fulfillment(501, {1: 1, 2: 1}), make.fulfillment(502, {4: 1})]

    result = mapped(make.order(lineItems=lines, fulfillments=shipments))

    assert [record["external_product_id"] for record in result.order["line_items"]] == ["11"]
    assert [record["external_id"] for record in result.order["fulfillments"]] == ["501"]
    assert result.order["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "11", "quantity": 1}]
    assert len(result.notes) == 4
    assert [record["external_id"] for record in result.products] == ["11"]


def test_gift_cards_can_be_included() -> None:
    order = make.order(lineItems=[make.line(1, make.product(13), isGiftCard=True)], fulfillments=[])

    assert mapped(order, gift_cards="include").order["line_items"][0]["external_product_id"] == "13"


def test_missing_products_can_be_booked_on_a_placeholder() -> None:
    lines = [make.line(1, None, 1), make.line(2, None, 2), make.line(3, make.product(11))]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    result = mapped(order, missing_products="placeholder")

    assert result.order["line_items"][0]["external_product_id"] == "unlisted-item"
    assert result.order["line_items"][0]["quantity"] == 3
    assert result.order["fulfillments"][0]["fulfilled_items"][0]["external_product_id"] == "unlisted-item"
    assert result.products[0] == {"external_id": "unlisted-item", "name": "Unlisted item", "url": f"https://{SHOP}/"}


def test_an_order_of_deleted_products_alone_is_left_out() -> None:
    result = refused(make.order(lineItems=[make.line(1, None)], fulfillments=[]))

    assert result.is_excluded
    assert "no line can be reviewed" in result.reason
    assert result.to_dict() == {"external_id": "1001", "reason": result.reason, "left_out": True}


def test_orders_are_counted_by_the_rule_that_leaves_them_out_or_rejects_them() -> None:
    many = [make.line(number, make.product(number + 1)) for number in range(503)]
    shipments = [make.fulfillment(number + 1, {0: 1}) for number in range(107)]
    reasons = [
        refused(make.order(lineItems=[make.line(1, None), make.line(2, None)], fulfillments=[])),
        refused(make.order(lineItems=many, fulfillments=[])),
        refused(make.order(lineItems=many[:1], fulfillments=shipments)),
        refused(make.order(lineItems=[make.line(1, make.product(11, legacyResourceId="9" * 256))], fulfillments=[])),
    ]

    assert [(result.reason, result.rule) for result in reasons] == [
        (
            "no line can be reviewed: 2 lines of deleted products or custom items were left out",
            "no line can be reviewed: lines of deleted products or custom items were left out",
        ),
        ("it has 503 different products, and Yotpo takes at most 500 line items", "more than 500 different products"),
        ("it has 107 fulfillments, and Yotpo takes at most 100", "more than 100 fulfillments"),
        (
            "The product breaks Yotpo's rules: external_id: String should have at most 255 characters",
            "The product breaks Yotpo's rules: external_id: String should have at most 255 characters",
        ),
    ]


def test_an_option_leaves_test_orders_out() -> None:
    assert refused(make.order(test=True)).is_excluded
    assert mapped(make.order(test=True), test_orders="include").external_id == "1001"


@pytest.mark.parametrize("change", [{"id": None, "legacyResourceId": None}, {"createdAt": None, "processedAt": "soon"}])
def test_an_order_without_id_or_date_is_rejected(change: dict[str, Any]) -> None:
    result = refused(make.order(**change))

    assert not result.is_excluded


@pytest.mark.covers("yotpo.fulfillment.cancelled_items")
def test_removed_units_become_a_cancelled_fulfillment_and_the_line_stays() -> None:
    lines = [
        make.line(1, make.product(11), 3, currentQuantity=1, unfulfilledQuantity=0),
        make.line(2, make.product(12), 1, currentQuantity=0, unfulfilledQuantity=0),
    ]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    result = mapped(order).order

    assert [(record["external_product_id"], record["quantity"]) for record in result["line_items"]] == [
        ("11", 3),
        ("12", 1),
    ]
    assert result["fulfillments"][1] == {
        "external_id": "1001-removed",
        "fulfillment_date": "2026-03-01T10:20:30Z",
        "status": "cancelled",
        "fulfilled_items": [
            {"external_product_id": "11", "quantity": 2},
            {"external_product_id": "12", "quantity": 1},
        ],
    }
    assert len(mapped(order, removed_items="ignore").order["fulfillments"]) == 1


def test_shipped_and_returned_units_are_not_cancelled() -> None:
    lines = [make.line(1, make.product(11), 2, currentQuantity=1, unfulfilledQuantity=1)]
    order = make.order(lineItems=lines, fulfillments=[make.fulfillment(501, {1: 1})])

    assert [record["external_id"] for record in mapped(order).order["fulfillments"]] == ["501"]


def test_a_cancelled_order_has_a_cancellation_and_no_cancelled_fulfillment() -> None:
    lines = [make.line(1, make.product(11), 1, currentQuantity=0, unfulfilledQuantity=0)]
    order = make.order(lineItems=lines, fulfillments=[], cancelledAt="2026-03-03T00:00:00+01:00")

    result = mapped(order).order

    assert result["cancellation"] == {"cancellation_date": "2026-03-02T23:00:00Z"}
    assert "fulfillments" not in result


@pytest.mark.parametrize(
    ("option", "expected"), [("created", "2026-03-02T08:00:00Z"), ("delivered", "2026-03-04T15:00:00Z")]
)
def test_an_option_chooses_the_date_of_a_fulfillment(option: str, expected: str) -> None:
    shipment = make.fulfillment(501, {1: 1}, deliveredAt="2026-03-04T15:00:00Z")

    result = mapped(make.order(fulfillments=[shipment]), fulfillment_date=option).order

    assert result["fulfillments"][0]["fulfillment_date"] == expected


def test_an_option_chooses_the_date_of_an_order() -> None:
    assert mapped(make.order(), order_date="processed").order["order_date"] == "2026-02-28T09:00:00Z"


@pytest.mark.parametrize(
    ("parcels", "expected"),
    [
        (
            [("UPS", None, None), (None, " ", ""), ("DHL", "1Z", None), ("GLS", "2", None)],
            {"tracking_company": "DHL", "tracking_number": "1Z"},
        ),
        ([("UPS", None, None), (None, None, "https://t.example/1")], {"tracking_url": "https://t.example/1"}),
        ([("UPS", "9" * 256, None), ("DHL", "1Z", None)], {"tracking_company": "DHL", "tracking_number": "1Z"}),
        ([(None, None, None), ("UPS", None, None), ("DHL", None, None)], {"tracking_company": "UPS"}),
    ],
    ids=["number", "address", "number too long", "carriers alone"],
)
def test_the_first_parcel_that_can_be_tracked_is_sent(parcels: list[Any], expected: dict[str, str]) -> None:
    """Yotpo's ``shipment_info`` holds one parcel (https://core-api.yotpo.com/reference/order-fulfillments).

    Shopify's ``FulfillmentTrackingInfo`` may have a company alone
    (https://shopify.dev/docs/api/admin-graphql/latest/objects/FulfillmentTrackingInfo).
    """
    tracking = [dict(zip(("company", "number", "url"), parcel, strict=True)) for parcel in parcels]
    shipment = make.fulfillment(501, {1: 1}, trackingInfo=tracking, displayStatus=None)

    result = mapped(make.order(fulfillments=[shipment])).order["fulfillments"][0]

    assert result["shipment_info"] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"onlineStoreUrl": None, "handle": "crème-brûlée"}, "/products/cr%C3%A8me-br%C3%BBl%C3%A9e"),
        ({"onlineStoreUrl": None, "handle": "和紙"}, "/products/%E5%92%8C%E7%B4%99"),
        ({"onlineStoreUrl": None, "handle": "a/b?c#d%20 e"}, "/products/a%2Fb%3Fc%23d%2520%20e"),
        ({"onlineStoreUrl": None, "handle": "plain-one_2.~"}, "/products/plain-one_2.~"),
        ({"onlineStoreUrl": f"https://{SHOP}/products/和?a=b&c=é#x"}, "/products/%E5%92%8C?a=b&c=%C3%A9#x"),
        ({"onlineStoreUrl": f"https://{SHOP}/products/cr%C3%A8me%2Fb"}, "/products/cr%C3%A8me%2Fb"),
        ({"onlineStoreUrl": f"https://{SHOP}/products/100% wool|%zz"}, "/products/100%25%20wool%7C%25zz"),
    ],
)
def test_the_address_of_a_product_is_percent_encoded(fields: dict[str, Any], expected: str) -> None:
    """RFC 3986: a segment keeps its unreserved characters; others are the octets of UTF-8, percent-encoded (2.1, 2.5).

    An address that is encoded already stays as it is (2.4).
    """
    order = make.order(lineItems=[make.line(1, make.product(11, **fields))], fulfillments=[])

    assert mapped(order).products[0]["url"] == f"https://{SHOP}{expected}"


def test_addresses_of_pictures_and_parcels_are_percent_encoded() -> None:
    picture = {"preview": {"image": {"url": "https://cdn.example/Déshabillé 1.jpg?v=2"}}}
    parcel = {"company": None, "number": None, "url": "https://t.example/suivi?code=é 1"}
    order = make.order(
        lineItems=[make.line(1, make.product(11, featuredMedia=picture))],
        fulfillments=[make.fulfillment(501, {1: 1}, trackingInfo=[parcel])],
        customerJourneySummary={"firstVisit": {"landingPage": "https://shop.example/é"}},
    )

    result = mapped(order)

    assert result.products[0]["image_url"] == "https://cdn.example/D%C3%A9shabill%C3%A9%201.jpg?v=2"
    assert result.order["fulfillments"][0]["shipment_info"]["tracking_url"] == "https://t.example/suivi?code=%C3%A9%201"
    assert result.order["landing_site_url"] == "https://shop.example/%C3%A9"


def test_products_whose_values_are_equal_in_python_alone_are_different() -> None:
    """``1``, ``1.0`` and ``true`` are three values in JSON (RFC 8259), and equal keys of a dict in Python."""
    titles: list[Any] = [1, 1.0, True, "1", ["Cup"], {"en": "Cup"}, None]
    products = [map_product({"id": "gid://shopify/Product/1", "title": title}, shop="a.example") for title in titles]
    assert [product.get("name") for product in products] == ["1", "1.0", None, "1", None, None, None]


def test_a_product_that_comes_again_is_a_record_of_its_own() -> None:
    record = {"id": "gid://shopify/Product/1", "title": " Cup ", "handle": "cup"}
    first = map_product(record, shop="a.example")
    first["name"] = "changed"
    assert map_product(record, shop="a.example")["name"] == "Cup"
