"""Yotpo's fulfillments, inside an order and on their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

STORE = "store-aaaa"
FULFILLMENT = {
    "external_id": "f-1",
    "fulfillment_date": "2026-05-02T08:00:00Z",
    "status": "success",
    "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
}


def messages(response: httpx.Response) -> str:
    return " | ".join(each["message"] for each in response.json()["errors"])


def line(product: str, quantity: int = 1, **properties: Any) -> dict[str, Any]:
    return {"external_product_id": product, "quantity": quantity, **properties}


def fulfillment(external_id: str, *items: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return FULFILLMENT | {"external_id": external_id, "fulfilled_items": list(items or [line("p-1")])} | properties


def test_create_returns_yotpo_id_and_read_returns_id(yotpo_shop):
    order_id = yotpo_shop.create_order()
    created = yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", json={"fulfillment": FULFILLMENT})
    assert created.status_code == 201
    assert list(created.json()["fulfillment"]) == ["yotpo_id"]
    id_ = created.json()["fulfillment"]["yotpo_id"]
    expected = {
        "fulfillment_date": "2026-05-02T08:00:00",
        "status": "success",
        "shipment_info": {},
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
        "external_id": "f-1",
        "id": id_,
        "created_at": "2026-06-01T12:00:00",
        "updated_at": "2026-06-01T12:00:00",
        "store_id": STORE,
        "order_id": order_id,
    }
    assert yotpo_shop.request("GET", f"orders/{order_id}/fulfillments/{id_}").json() == {"fulfillment": expected}
    body = yotpo_shop.request("GET", f"orders/{order_id}/fulfillments").json()
    assert body == {"fulfillments": [expected], "pagination": {}}


def test_inside_an_order_a_fulfillment_has_no_yotpo_id(yotpo_shop):
    order_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    assert yotpo_shop.read_order(order_id)["fulfillments"] == [
        FULFILLMENT | {"fulfillment_date": "2026-05-02T08:00:00", "shipment_info": {}}
    ]
    body = yotpo_shop.request("GET", f"orders/{order_id}/fulfillments").json()["fulfillments"]
    assert body[0]["id"] > 2**32


@pytest.mark.parametrize("missing", ["external_id", "fulfillment_date", "status", "fulfilled_items"])
def test_a_fulfillment_requires_four_properties(yotpo_shop, missing):
    order_id = yotpo_shop.create_order()
    body = {name: value for name, value in FULFILLMENT.items() if name != missing}
    response = yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", json={"fulfillment": body})
    assert response.status_code == 400
    assert messages(response) == f"{missing} can't be blank"


def test_a_fulfillment_inside_an_order_requires_items_only(yotpo_shop):
    body = {name: value for name, value in FULFILLMENT.items() if name != "fulfilled_items"}
    response = yotpo_shop.post_order(fulfillments=[body])
    assert response.status_code == 400
    assert messages(response) == "fulfillments[0].fulfilled_items can't be blank"
    assert yotpo_shop.post_order(fulfillments=[{"fulfilled_items": [line("p-1")]}]).status_code == 201


def test_empty_fulfilled_items_are_refused_everywhere(yotpo_shop):
    order_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    id_ = yotpo_shop.request("GET", f"orders/{order_id}/fulfillments").json()["fulfillments"][0]["id"]
    empty = FULFILLMENT | {"fulfilled_items": []}
    responses = [
        yotpo_shop.post_order(external_id="1002", fulfillments=[empty]),
        yotpo_shop.patch_order(order_id, fulfillments=[empty]),
        yotpo_shop.request(
            "POST", f"orders/{order_id}/fulfillments", json={"fulfillment": empty | {"external_id": "f-2"}}
        ),
        yotpo_shop.request(
            "PATCH", f"orders/{order_id}/fulfillments/{id_}", json={"fulfillment": {"fulfilled_items": []}}
        ),
    ]
    assert [each.status_code for each in responses] == [400] * 4


def test_fulfilled_products_must_be_in_the_order(yotpo_shop):
    foreign = FULFILLMENT | {"fulfilled_items": [line("p-2")]}
    assert yotpo_shop.post_order(fulfillments=[foreign]).status_code == 400
    order_id = yotpo_shop.create_order()
    response = yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", json={"fulfillment": foreign})
    assert response.status_code == 400
    assert "p-2" in messages(response)
    assert yotpo_shop.request("GET", f"orders/{order_id}/fulfillments").json()["fulfillments"] == []


def test_more_may_be_fulfilled_than_was_ordered(yotpo_shop):
    assert yotpo_shop.post_order(fulfillments=[fulfillment("f-1", line("p-1", 9))]).status_code == 201


def test_a_duplicate_fulfillment_is_409_or_accepted_by_switch(yotpo_shop):
    order_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    post = {"json": {"fulfillment": FULFILLMENT}}
    assert yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", **post).status_code == 409
    yotpo_shop.set_switch("duplicate_fulfillment", "accept")
    assert yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", **post).status_code == 201
    assert len(yotpo_shop.read_order(order_id)["fulfillments"]) == 2


def test_two_orders_may_have_fulfillments_of_the_same_external_id(yotpo_shop):
    first, second = (
        yotpo_shop.create_order(fulfillments=[FULFILLMENT]),
        yotpo_shop.create_order(external_id="1002"),
    )
    response = yotpo_shop.request("POST", f"orders/{second}/fulfillments", json={"fulfillment": FULFILLMENT})
    assert response.status_code == 201
    id_ = response.json()["fulfillment"]["yotpo_id"]
    assert yotpo_shop.request("GET", f"orders/{first}/fulfillments/{id_}").status_code == 404


def test_a_patch_of_a_fulfillment_is_merged(yotpo_shop):
    order_id = yotpo_shop.create_order(fulfillments=[fulfillment("f-1", shipment_info={"tracking_number": "T1"})])
    id_ = yotpo_shop.request("GET", f"orders/{order_id}/fulfillments").json()["fulfillments"][0]["id"]
    changes = {"shipment_info": {"shipment_status": "delivered"}, "status": None}
    response = yotpo_shop.request("PATCH", f"orders/{order_id}/fulfillments/{id_}", json={"fulfillment": changes})
    assert (response.status_code, response.content) == (200, b"")
    fulfillments = yotpo_shop.request("GET", f"orders/{order_id}/fulfillments/{id_}").json()["fulfillment"]
    assert fulfillments["shipment_info"] == {"tracking_number": "T1", "shipment_status": "delivered"}
    assert fulfillments["status"] == "success"


def test_one_external_id_twice_in_a_body_is_one_fulfillment(yotpo_shop):
    order_id = yotpo_shop.create_order(
        fulfillments=[fulfillment("f-1", status="open"), fulfillment("f-1", status="success")]
    )
    fulfillments = yotpo_shop.read_order(order_id)["fulfillments"]
    assert [(each["external_id"], each["status"]) for each in fulfillments] == [("f-1", "success")]


def test_an_order_has_at_most_a_hundred_fulfillments(yotpo_shop):
    order_id = yotpo_shop.create_order(fulfillments=[fulfillment(f"f-{n}") for n in range(60)])
    properties = [fulfillment(f"g-{n}") for n in range(41)]
    assert yotpo_shop.patch_order(order_id, fulfillments=properties).status_code == 400
    assert yotpo_shop.patch_order(order_id, fulfillments=properties[:40]).status_code == 200
    one = {"fulfillment": fulfillment("h-1")}
    assert yotpo_shop.request("POST", f"orders/{order_id}/fulfillments", json=one).status_code == 400
    assert yotpo_shop.patch_order(order_id, fulfillments=properties[:40]).status_code == 200
