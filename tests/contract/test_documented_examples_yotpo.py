"""The requests that Yotpo's "Introduction to orders and fulfillments" documents, by property, as they are sent.

Source: the tables of https://develop.yotpo.com/reference/introduction-to-orders-and-fulfillments, the endpoints that it
links (https://core-api.yotpo.com/reference/orders, https://core-api.yotpo.com/reference/order-fulfillments), and the
objects that it links (https://core-api.yotpo.com/reference/customer-checkout-info,
https://core-api.yotpo.com/reference/address). Every property is sent from a plain record, to create an order and as the
only change of one, and from a Shopify order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import order_builders as make
import pytest
from fakes.yotpo_api import ROOT, FakeYotpoApi, yotpo_client
from run_operator import OperatorRunner

from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners.sync.build import BuiltOrder, build_orders
from airflow_provider_partners.sync.upsert import upsert_fulfillments, upsert_orders

covers = pytest.mark.covers

Record = dict[str, Any]

ORDER: Record = {
    "external_id": "1001",
    "order_date": "2024-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 2}],
}
FULFILLMENT: Record = {
    "external_id": "f-1",
    "fulfillment_date": "2024-05-02T10:20:30Z",
    "status": "success",
    "fulfilled_items": [{"external_product_id": "p-1", "quantity": 2}],
}
YOTPO_ID = 4_294_967_296_123


class Store(FakeYotpoApi):
    """A store that has two products and these orders, or none; it takes every write."""

    products: tuple[Record, ...] = ({"external_id": "p-1", "yotpo_id": 1}, {"external_id": "p-2", "yotpo_id": 2})

    def __init__(self, *orders: Record, fulfillments: tuple[Record, ...] = ()) -> None:
        super().__init__(self.answer)
        self.orders = list(orders)
        self.fulfillments = list(fulfillments)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, _, name = request.url.path.rpartition("/")
        if request.method == "GET" and path.endswith("/products"):
            return httpx.Response(200, json={"product": self.products[int(name) - 1]})
        if request.method == "GET":
            return httpx.Response(200, json={name: getattr(self, name), "pagination": {}})
        if request.method == "POST":
            return httpx.Response(201, json={name.removesuffix("s"): {"yotpo_id": YOTPO_ID}})
        return httpx.Response(200)

    @property
    def writes(self) -> list[tuple[str, str, Any]]:
        """Method, path below the store, and body."""
        return [
            (each.method, each.url.path.removeprefix(ROOT), json.loads(each.content))
            for each in self.requests
            if each.method != "GET"
        ]


def write(store: Store, record: Record) -> Any:
    (outcome,) = upsert_orders(yotpo_client(store), [record], sleep=lambda seconds: None)
    return outcome


def created(record: Record) -> Any:
    """Return the body that creates an order."""
    store = Store()
    outcome = write(store, record)
    assert outcome.action == "created", outcome
    ((method, path, body),) = store.writes
    assert (method, path) == ("POST", "/orders")
    return body


def changed(change: Record) -> Any:
    """Return the body that changes an order of the store."""
    store = Store({**ORDER, "order_date": "2024-05-01T10:20:30", "yotpo_id": YOTPO_ID, "fulfillments": []})
    outcome = write(store, {"external_id": "1001", **change})
    assert outcome.action == "updated", outcome
    ((method, path, body),) = store.writes
    assert (method, path) == ("PATCH", f"/orders/{YOTPO_ID}")
    return body


def refused(change: Record) -> str:
    store = Store()
    outcome = write(store, {**ORDER, **change})
    assert outcome.action == "rejected", outcome
    assert store.writes == []
    return str(outcome.reason)


# --- endpoints ---


@covers(
    "yotpo.endpoint.create_order",
    "yotpo.order.external_id",
    "yotpo.order.order_date",
    "yotpo.order.line_items",
    "yotpo.order.order_name.omitted",
    "yotpo.line_item.external_product_id",
    "yotpo.line_item.quantity",
)
def test_the_smallest_order_is_created() -> None:
    assert created(ORDER) == {"order": ORDER}


@covers("yotpo.endpoint.retrieve_orders")
def test_orders_are_retrieved_as_a_list() -> None:
    store = Store({**ORDER, "yotpo_id": YOTPO_ID})

    records = list(yotpo_client(store).extract("orders", match={"external_id": ["1001"]}).records())

    (request,) = store.requests
    assert (request.method, request.url.path) == ("GET", f"{ROOT}/orders")
    assert dict(request.url.params) == {"external_ids": "1001", "limit": "100"}
    assert [record["yotpo_id"] for record in records] == [YOTPO_ID]


@covers("yotpo.endpoint.retrieve_order", "yotpo.order.yotpo_id")
def test_one_order_is_retrieved_by_its_id() -> None:
    api = FakeYotpoApi(httpx.Response(200, json={"order": {**ORDER, "yotpo_id": YOTPO_ID}}))

    assert yotpo_client(api).order(YOTPO_ID) == {**ORDER, "yotpo_id": YOTPO_ID}

    assert api.sent == ("GET", f"{ROOT}/orders/{YOTPO_ID}", None)


@covers("yotpo.endpoint.create_fulfillment", "yotpo.fulfillment.external_id", "yotpo.fulfillment.fulfillment_date")
def test_a_fulfillment_is_created_below_its_order() -> None:
    store = Store({**ORDER, "yotpo_id": 7})

    (outcome,) = upsert_fulfillments(yotpo_client(store), [{"order_external_id": "1001", **FULFILLMENT}])

    assert outcome.action == "created"
    assert store.writes == [("POST", "/orders/7/fulfillments", {"fulfillment": FULFILLMENT})]


@covers("yotpo.endpoint.update_fulfillment", "yotpo.endpoint.retrieve_fulfillments")
def test_a_fulfillment_is_updated_by_its_id() -> None:
    store = Store({**ORDER, "yotpo_id": 7}, fulfillments=({**FULFILLMENT, "status": "open", "id": 9},))

    (outcome,) = upsert_fulfillments(yotpo_client(store), [{"order_external_id": "1001", **FULFILLMENT}])

    assert outcome.action == "updated"
    assert ("GET", f"{ROOT}/orders/7/fulfillments") in [(each.method, each.url.path) for each in store.requests]
    assert store.writes == [("PATCH", "/orders/7/fulfillments/9", {"fulfillment": {"status": "success"}})]


@covers("yotpo.endpoint.retrieve_fulfillment")
def test_one_fulfillment_is_retrieved_by_its_id() -> None:
    api = FakeYotpoApi(httpx.Response(200, json={"fulfillment": {**FULFILLMENT, "id": 9}}))

    yotpo_client(api).request("GET", f"{ROOT}/orders/7/fulfillments/9")

    assert api.sent == ("GET", f"{ROOT}/orders/7/fulfillments/9", None)


# --- properties, from a plain record ---

CUSTOMER = {
    "external_id": "77",
    "first_name": "Zoë",
    "last_name": "Müller",
    "email": "zoe@example.com",
    "phone_number": "+4930230000000",
    "accepts_sms_marketing": False,
    "accepts_email_marketing": True,
}
ADDRESS = {
    "address1": "Hauptstraße 1",
    "address2": "3. Stock",
    "city": "Köln",
    "company": "Müller GmbH",
    "state": "Nordrhein-Westfalen",
    "zip": "50667",
    "province_code": "NW",
    "country_code": "DE",
    "phone_number": "+4930230000000",
}
SHIPMENT_INFO = {
    "shipment_status": "in_transit",
    "tracking_company": "DHL",
    "tracking_url": "https://track.example/JD1",
    "tracking_number": "JD1",
}
ORDER_PROPERTIES = {
    "suppress_review_request": True,
    "delivery_type": "express",
    "customer_state": "NW",
    "customer_country": "DE",
    "customer_address": "Hauptstraße 1, Köln",
    "customer_phonenumber": "+4930230000000",
    "coupon_used": False,
    "custom": "a gift",
}
LINE_PROPERTIES = {
    "suppress_review_request": True,
    "color": "teal",
    "size": "M",
    "vendor": "Maker",
    "material": "wool",
    "model": "X-1",
    "coupon_used": False,
    "custom": "engraved",
}
PAYMENT_STATUSES = ("pending", "authorized", "partially_paid", "paid", "partially_refunded", "refunded", "voided")
FULFILLMENT_STATUSES = ("pending", "open", "success", "cancelled", "error", "failure")
SHIPMENT_STATUSES = (
    "label_printed",
    "label_purchased",
    "attempted_delivery",
    "ready_for_pickup",
    "confirmed",
    "in_transit",
    "out_for_delivery",
    "delivered",
    "failure",
)
OF_AN_ORDER = {
    "order_name": "#1001",
    "checkout_token": "5f1d2c",
    "payment_method": "Visa",
    "total_price": 25.9,
    "subtotal_price": 21.0,
    "currency": "EUR",
    "landing_site_url": "https://shop.example/?utm_source=x",
    "payment_status": "paid",
    "cancellation": {"cancellation_date": "2024-05-03T00:00:00Z"},
    "customer": CUSTOMER,
    "billing_address": ADDRESS,
    "shipping_address": ADDRESS,
    "custom_properties": {**ORDER_PROPERTIES, "own": 2.5},
    "fulfillments": [{**FULFILLMENT, "shipment_info": SHIPMENT_INFO}],
}


def case(requirement: str, change: Record, *further: str) -> Any:
    return pytest.param(change, marks=covers(requirement, *further), id=requirement.partition(".")[2])


def line(**fields: Any) -> Record:
    return {"line_items": [{**ORDER["line_items"][0], **fields}]}


def shipment(**fields: Any) -> Record:
    return {"fulfillments": [{**FULFILLMENT, **fields}]}


PLAIN = [
    *(case(f"yotpo.order.{name}", {name: value}) for name, value in OF_AN_ORDER.items()),
    *(case(f"yotpo.payment_status.{value}", {"payment_status": value}) for value in PAYMENT_STATUSES),
    case("yotpo.cancellation.cancellation_date", {"cancellation": {"cancellation_date": "2024-05-03T10:00:00Z"}}),
    *(case(f"yotpo.customer.{name}", {"customer": {name: value}}) for name, value in CUSTOMER.items()),
    *(
        case(f"yotpo.address.{name}", {kind: {name: value}})
        for kind in ("billing_address", "shipping_address")
        for name, value in ADDRESS.items()
    ),
    *(
        case(f"yotpo.order_properties.{name}", {"custom_properties": {name: value}})
        for name, value in ORDER_PROPERTIES.items()
    ),
    *(case("yotpo.order_properties.own", {"custom_properties": {"own": value}}) for value in ("text", 2.5, 7, True)),
    *(
        case(f"yotpo.line_item.{name}", line(**{name: value}))
        for name, value in {
            "total_price": 20.0,
            "subtotal_price": 18.5,
            "coupon_code": "TEN",
            "custom_properties": LINE_PROPERTIES,
        }.items()
    ),
    *(
        case(f"yotpo.line_properties.{name}", line(custom_properties={name: value}))
        for name, value in LINE_PROPERTIES.items()
    ),
    *(case(f"yotpo.fulfillment_status.{value}", shipment(status=value)) for value in FULFILLMENT_STATUSES),
    case("yotpo.fulfillment.status", shipment(status="success")),
    case("yotpo.fulfillment.shipment_info", shipment(shipment_info=SHIPMENT_INFO)),
    case(
        "yotpo.fulfillment.fulfilled_items",
        shipment(fulfilled_items=[{"external_product_id": "p-1", "quantity": 1}]),
        "yotpo.fulfilled_item.external_product_id",
        "yotpo.fulfilled_item.quantity",
    ),
    *(
        case(f"yotpo.shipment_info.{name}", shipment(shipment_info={name: value}))
        for name, value in SHIPMENT_INFO.items()
    ),
    *(
        case(f"yotpo.shipment_status.{value}", shipment(shipment_info={"shipment_status": value}))
        for value in SHIPMENT_STATUSES
    ),
]


@pytest.mark.parametrize("change", PLAIN)
def test_every_property_of_a_new_order_is_sent(change: Record) -> None:
    assert created({**ORDER, **change}) == {"order": {**ORDER, **change}}


@pytest.mark.parametrize("change", PLAIN)
@covers("yotpo.endpoint.update_order")
def test_every_property_is_sent_as_the_only_change_of_an_order(change: Record) -> None:
    assert changed(change) == {"order": change}


@pytest.mark.parametrize(
    ("make_change", "name"),
    [
        *(
            pytest.param(lambda value: {"custom_properties": value}, name, marks=covers("yotpo.order_properties.text"))
            for name in ("delivery_type", "customer_address", "custom")
        ),
        *(
            pytest.param(lambda value: line(custom_properties=value), name, marks=covers("yotpo.line_properties.text"))
            for name in ("color", "size", "vendor", "material", "model", "custom")
        ),
    ],
)
def test_a_documented_text_is_sent_as_a_text(make_change: Any, name: str) -> None:
    assert created({**ORDER, **make_change({name: 5})}) == {"order": {**ORDER, **make_change({name: "5"})}}


@covers("yotpo.fulfillment.partial")
def test_an_order_is_fulfilled_in_parts() -> None:
    parts = [
        {**FULFILLMENT, "external_id": name, "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}]}
        for name in ("f-1", "f-2")
    ]

    assert changed({"fulfillments": parts}) == {"order": {"fulfillments": parts}}


@covers("yotpo.line_item.added", "yotpo.line_item.not_removed")
def test_an_update_adds_lines_and_removes_none() -> None:
    """All lines go with the new one: Yotpo doesn't document whether it keeps those that an update leaves out."""
    new = {"external_product_id": "p-2", "quantity": 1}

    assert changed({"line_items": [new]}) == {"order": {"line_items": [ORDER["line_items"][0], new]}}


READ_ONLY = {"yotpo_id": YOTPO_ID, "created_at": "2024-05-01T10:20:31", "updated_at": "2024-05-01T10:20:31"}


@covers(
    "yotpo.order.yotpo_id",
    "yotpo.order.created_at",
    "yotpo.order.updated_at",
    "yotpo.fulfillment.yotpo_id",
    "yotpo.fulfillment.created_at",
    "yotpo.fulfillment.updated_at",
)
def test_what_is_read_only_is_not_sent() -> None:
    record = {**ORDER, **READ_ONLY, "fulfillments": [{**FULFILLMENT, **READ_ONLY}]}

    assert created(record) == {"order": {**ORDER, "fulfillments": [FULFILLMENT]}}


# --- what is refused ---

LONG = "x" * 256


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param(change, field, marks=covers(requirement), id=f"{field} {requirement}")
        for requirement, change, field in [
            ("yotpo.order.payment_method.length", {"payment_method": "x" * 65}, "payment_method"),
            ("yotpo.order.currency.iso", {"currency": "EURO"}, "currency"),
            ("yotpo.order.currency.iso", {"currency": "XYZ"}, "currency"),
            ("yotpo.payment_status.others", {"payment_status": "expired"}, "payment_status"),
            (
                "yotpo.order.custom_properties.maximum",
                {"custom_properties": {f"p{number}": 1 for number in range(101)}},
                "custom_properties",
            ),
            (
                "yotpo.order.fulfillments.maximum",
                {"fulfillments": [{**FULFILLMENT, "external_id": str(number)} for number in range(101)]},
                "fulfillments",
            ),
            (
                "yotpo.order.line_items.maximum",
                {"line_items": [{"external_product_id": str(number), "quantity": 1} for number in range(501)]},
                "line_items",
            ),
            ("yotpo.order.external_id.required", {"external_id": None}, "external_id"),
            ("yotpo.order.order_date.required", {"order_date": None}, "order_date"),
            ("yotpo.order.line_items.required", {"line_items": None}, "line_items"),
            ("yotpo.order.unknown", {"fulfillment_status": "fulfilled"}, "fulfillment_status"),
            ("yotpo.cancellation.cancellation_date.required", {"cancellation": {}}, "cancellation.cancellation_date"),
            ("yotpo.customer.phone_number.e164", {"customer": {"phone_number": "030 123"}}, "customer.phone_number"),
            *(
                ("yotpo.customer.length", {"customer": {name: LONG}}, f"customer.{name}")
                for name in ("external_id", "first_name", "last_name", "email")
            ),
            *(
                ("yotpo.address.length", {"billing_address": {name: LONG}}, f"billing_address.{name}")
                for name in ("address1", "address2", "city", "company")
            ),
            *(
                ("yotpo.address.length", {"shipping_address": {name: "x" * 65}}, f"shipping_address.{name}")
                for name in ("state", "zip")
            ),
            (
                "yotpo.address.country_code.iso",
                {"shipping_address": {"country_code": "ZZ"}},
                "shipping_address.country_code",
            ),
            (
                "yotpo.address.province_code.letters",
                {"shipping_address": {"province_code": "ENG"}},
                "shipping_address.province_code",
            ),
            *(
                (f"yotpo.order_properties.{rule}", {"custom_properties": {name: value}}, f"custom_properties.{name}")
                for rule, name, value in [
                    ("suppress_review_request.boolean", "suppress_review_request", "maybe"),
                    ("coupon_used.boolean", "coupon_used", "maybe"),
                    ("customer_state.length", "customer_state", "x" * 65),
                    ("customer_country.iso", "customer_country", "ZZ"),
                    ("customer_phonenumber.e164", "customer_phonenumber", "030 123"),
                ]
            ),
            ("yotpo.order_properties.own", {"custom_properties": {"own": ["a"]}}, "custom_properties"),
            ("yotpo.line_item.quantity.required", line(quantity=None), "line_items[0].quantity"),
            *(
                (
                    "yotpo.line_properties.boolean",
                    line(custom_properties={name: "maybe"}),
                    f"line_items[0].custom_properties.{name}",
                )
                for name in ("suppress_review_request", "coupon_used")
            ),
            *(
                (f"yotpo.fulfillment.{name}.required", shipment(**{name: None}), f"fulfillments[0].{name}")
                for name in ("external_id", "fulfillment_date", "status", "fulfilled_items")
            ),
            (
                "yotpo.fulfillment.fulfilled_items.required",
                shipment(fulfilled_items=[]),
                "fulfillments[0].fulfilled_items",
            ),
            ("yotpo.fulfillment_status.others", shipment(status="shipped"), "fulfillments[0].status"),
            (
                "yotpo.shipment_status.others",
                shipment(shipment_info={"shipment_status": "beamed"}),
                "fulfillments[0].shipment_info.shipment_status",
            ),
            (
                "yotpo.fulfillment.fulfilled_items.of_the_order",
                shipment(fulfilled_items=[{"external_product_id": "p-9", "quantity": 1}]),
                "fulfillments name products that are not in line_items: p-9",
            ),
        ]
    ],
)
def test_what_breaks_a_documented_rule_is_refused_with_its_field(change: Record, field: str) -> None:
    assert field in refused(change)


# --- properties, from a Shopify order ---


def built(order: Record, **options: Any) -> Record:
    (one,) = build_orders([order], shop="a.myshopify.com", options=options)
    assert isinstance(one, BuiltOrder), one
    return one.order


FULL_ADDRESS = make.address(address2="3. Stock", company="Müller GmbH")
OPTIONS = {"order_properties": {"customer_address": "shippingAddress", "custom": "note"}}
DISCOUNT = {"allocatedAmountSet": make.money("0.50"), "discountApplication": {"code": "TEN"}}
DETAILS = make.order(
    lineItems=[make.line(1, make.product(11), discountAllocations=[DISCOUNT]), make.line(2, make.product(12), 2)],
    checkoutToken="5f1d2c",
    customerJourneySummary={"firstVisit": {"landingPage": "https://shop.example/?utm_source=x"}},
    cancelledAt="2026-03-05T00:00:00Z",
    billingAddress=FULL_ADDRESS,
    shippingAddress=FULL_ADDRESS,
    shippingLine={"title": "Express"},
    discountCodes=["TEN"],
    note="a gift",
)


def at(record: Any, path: str) -> Any:
    for step in path.split("."):
        record = record[int(step)] if step.isdigit() else record[step]
    return record


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(path, value, marks=covers(requirement), id=path)
        for requirement, path, value in [
            ("yotpo.order.external_id", "external_id", "1001"),
            ("yotpo.order.order_name", "order_name", "#1001"),
            ("yotpo.order.order_date", "order_date", "2026-03-01T10:20:30Z"),
            ("yotpo.order.checkout_token", "checkout_token", "5f1d2c"),
            ("yotpo.order.payment_method", "payment_method", "shopify_payments"),
            ("yotpo.order.total_price", "total_price", 25.9),
            ("yotpo.order.subtotal_price", "subtotal_price", 21.0),
            ("yotpo.order.currency", "currency", "EUR"),
            ("yotpo.order.landing_site_url", "landing_site_url", "https://shop.example/?utm_source=x"),
            ("yotpo.order.payment_status", "payment_status", "paid"),
            (
                "yotpo.cancellation.cancellation_date",
                "cancellation",
                {"cancellation_date": "2026-03-05T00:00:00Z"},
            ),
            *((f"yotpo.customer.{name}", f"customer.{name}", value) for name, value in CUSTOMER.items()),
            *(
                (f"yotpo.address.{name}", f"{kind}.{name}", value if name != "phone_number" else "+493023000000")
                for kind in ("billing_address", "shipping_address")
                for name, value in ADDRESS.items()
            ),
            ("yotpo.order_properties.delivery_type", "custom_properties.delivery_type", "Express"),
            ("yotpo.order_properties.customer_state", "custom_properties.customer_state", "NW"),
            ("yotpo.order_properties.customer_country", "custom_properties.customer_country", "DE"),
            ("yotpo.order_properties.coupon_used", "custom_properties.coupon_used", True),
            ("yotpo.order_properties.custom", "custom_properties.custom", "a gift"),
            (
                "yotpo.order_properties.suppress_review_request",
                "custom_properties.suppress_review_request",
                False,
            ),
            ("yotpo.line_item.external_product_id", "line_items.1.external_product_id", "12"),
            ("yotpo.line_item.quantity", "line_items.1.quantity", 2),
            ("yotpo.line_item.total_price", "line_items.0.total_price", 10.0),
            ("yotpo.line_item.subtotal_price", "line_items.0.subtotal_price", 10.0),
            ("yotpo.line_item.coupon_code", "line_items.0.coupon_code", "TEN"),
            ("yotpo.fulfillment.external_id", "fulfillments.0.external_id", "501"),
            ("yotpo.fulfillment.fulfillment_date", "fulfillments.0.fulfillment_date", "2026-03-02T08:00:00Z"),
            ("yotpo.fulfillment.status", "fulfillments.0.status", "success"),
            ("yotpo.fulfillment.status.for_reviews", "fulfillments.0.status", "success"),
            ("yotpo.shipment_info.shipment_status", "fulfillments.0.shipment_info.shipment_status", "in_transit"),
            ("yotpo.shipment_info.tracking_company", "fulfillments.0.shipment_info.tracking_company", "DHL"),
            (
                "yotpo.shipment_info.tracking_url",
                "fulfillments.0.shipment_info.tracking_url",
                SHIPMENT_INFO["tracking_url"],
            ),
            ("yotpo.shipment_info.tracking_number", "fulfillments.0.shipment_info.tracking_number", "JD1"),
            (
                "yotpo.fulfilled_item.external_product_id",
                "fulfillments.0.fulfilled_items.0",
                {"external_product_id": "11", "quantity": 1},
            ),
        ]
    ],
)
def test_every_property_comes_from_a_shopify_order(path: str, value: Any) -> None:
    assert at(built(DETAILS, **OPTIONS), path) == value


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=covers(f"yotpo.order_properties.{name}")) for name in ORDER_PROPERTIES]
)
def test_every_property_of_an_order_is_mapped_from_a_source(name: str) -> None:
    order = make.order(customAttributes=[{"key": "mine", "value": str(ORDER_PROPERTIES[name])}])

    properties = built(order, order_properties={name: "attribute:mine"})["custom_properties"]

    assert properties[name] == ORDER_PROPERTIES[name]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=covers(f"yotpo.line_properties.{name}")) for name in LINE_PROPERTIES]
)
def test_every_property_of_a_line_is_mapped_from_a_source(name: str) -> None:
    attributes = [{"key": "mine", "value": str(LINE_PROPERTIES[name])}]
    order = make.order(lineItems=[make.line(1, make.product(11), customAttributes=attributes)], fulfillments=[])

    (one,) = built(order, line_properties={name: "attribute:mine"})["line_items"]

    assert one["custom_properties"][name] == LINE_PROPERTIES[name]


# --- the same requests, by operators ---


@covers(*(f"yotpo.order.{name}" for name in OF_AN_ORDER), "yotpo.endpoint.create_order")
def test_an_operator_sends_a_plain_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store()
    run = OperatorRunner(monkeypatch, tmp_path, YotpoHook, lambda hook: yotpo_client(store))

    run(YotpoUpsertOrdersOperator(task_id="upsert", orders=[{**ORDER, **OF_AN_ORDER}]))

    assert store.writes == [("POST", "/orders", {"order": {**ORDER, **OF_AN_ORDER}})]


@covers(*(f"yotpo.order_properties.{name}" for name in ORDER_PROPERTIES if name != "suppress_review_request"))
@covers(*(f"yotpo.line_properties.{name}" for name in LINE_PROPERTIES))
def test_operators_build_and_send_the_mapped_properties(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store()
    run = OperatorRunner(monkeypatch, tmp_path, YotpoHook, lambda hook: yotpo_client(store))
    order = make.order(lineItems=[make.line(1, make.product("p-1", legacyResourceId="p-1"))], fulfillments=[])
    of_order, of_line = (
        {name: value if isinstance(value, bool) else f"constant:{value}" for name, value in properties.items()}
        for properties in (ORDER_PROPERTIES, LINE_PROPERTIES)
    )

    built_orders = run(
        YotpoBuildOrdersOperator(
            task_id="build",
            orders=[order],
            shop="a.myshopify.com",
            order_properties=of_order,
            line_properties=of_line,
        )
    )
    run(YotpoUpsertOrdersOperator(task_id="upsert", orders=built_orders))

    (body,) = [body["order"] for method, path, body in store.writes if path == "/orders"]
    assert body["custom_properties"] == ORDER_PROPERTIES
    assert body["line_items"][0]["custom_properties"] == LINE_PROPERTIES


@covers("yotpo.endpoint.create_fulfillment")
def test_an_operator_sends_a_fulfillment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = Store({**ORDER, "yotpo_id": 7})
    run = OperatorRunner(monkeypatch, tmp_path, YotpoHook, lambda hook: yotpo_client(store))

    run(
        YotpoUpsertFulfillmentsOperator(
            task_id="upsert",
            fulfillments=[{"order_external_id": "1001", **FULFILLMENT, "shipment_info": SHIPMENT_INFO}],
        )
    )

    assert store.writes == [
        ("POST", "/orders/7/fulfillments", {"fulfillment": {**FULFILLMENT, "shipment_info": SHIPMENT_INFO}})
    ]
