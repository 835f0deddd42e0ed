"""Line items and fulfillments of a Shopify order as Yotpo takes them."""

from __future__ import annotations

from typing import Any

import order_builders as make
import pytest

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


def test_lines_of_one_product_are_added_up() -> None:
    shirt = make.product(11)
    lines = [
        make.line(1, shirt, 2, discountedTotalSet=make.money("0.1")),
        make.line(2, make.product(12)),
        make.line(3, shirt, 3, discountedTotalSet=make.money("0.2")),
    ]
    shipment = make.fulfillment(501, {1: 2, 3: 1})

    result = mapped(make.order(lineItems=lines, fulfillments=[shipment])).order

    assert result["line_items"][0] == {
        "external_product_id": "11",
        "quantity": 5,
        "total_price": 0.3,
        "subtotal_price": 0.3,
    }
    assert [record["external_product_id"] for record in result["line_items"]] == ["11", "12"]
    assert result["fulfillments"][0]["fulfilled_items"] == [{"external_product_id": "11", "quantity": 3}]


def test_four_hundred_lines_of_fewer_products_pass() -> None:
    lines = [make.line(number, make.product(number % 30 + 1)) for number in range(400)]

    assert len(mapped(make.order(lineItems=lines, fulfillments=[])).order["line_items"]) == 30


def test_more_products_than_yotpo_takes_are_a_clear_reject() -> None:
    lines = [make.line(number, make.product(number + 1)) for number in range(501)]

    result = refused(make.order(lineItems=lines, fulfillments=[]))

    assert "501 different products" in result.reason
    assert not result.is_excluded


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


def test_an_option_leaves_test_orders_out() -> None:
    assert refused(make.order(test=True)).is_excluded
    assert mapped(make.order(test=True), test_orders="include").external_id == "1001"


@pytest.mark.parametrize("change", [{"id": None, "legacyResourceId": None}, {"createdAt": None, "processedAt": "soon"}])
def test_an_order_without_id_or_date_is_rejected(change: dict[str, Any]) -> None:
    result = refused(make.order(**change))

    assert not result.is_excluded


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


def test_the_first_parcel_with_content_is_sent() -> None:
    parcels = [{"company": None, "number": None, "url": None}, {"company": "UPS", "number": "1Z", "url": None}]
    shipment = make.fulfillment(501, {1: 1}, trackingInfo=parcels, displayStatus=None)

    result = mapped(make.order(fulfillments=[shipment])).order["fulfillments"][0]

    assert result["shipment_info"] == {"tracking_company": "UPS", "tracking_number": "1Z"}
