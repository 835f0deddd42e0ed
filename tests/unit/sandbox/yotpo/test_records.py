"""Yotpo's fulfillments, inside an order and by themselves."""

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


@pytest.fixture
def world(yotpo_world: Any) -> Any:
    world = yotpo_world()
    world.products("p-1", "p-2", "p-3")
    return world


def messages(response: httpx.Response) -> str:
    return " | ".join(each["message"] for each in response.json()["errors"])


def line(product: str, quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"external_product_id": product, "quantity": quantity, **more}


def fulfillment(external_id: str, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return FULFILLMENT | {"external_id": external_id, "fulfilled_items": list(items or [line("p-1")])} | more


def test_a_fulfillment_is_made_with_yotpo_id_and_read_with_id(world):
    number = world.made()
    made = world.ask("POST", f"orders/{number}/fulfillments", json={"fulfillment": FULFILLMENT})
    assert made.status_code == 201
    assert list(made.json()["fulfillment"]) == ["yotpo_id"]
    id_ = made.json()["fulfillment"]["yotpo_id"]
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
        "order_id": number,
    }
    assert world.ask("GET", f"orders/{number}/fulfillments/{id_}").json() == {"fulfillment": expected}
    listed = world.ask("GET", f"orders/{number}/fulfillments").json()
    assert listed == {"fulfillments": [expected], "pagination": {}}


def test_inside_an_order_a_fulfillment_has_no_yotpo_id(world):
    number = world.made(fulfillments=[FULFILLMENT])
    assert world.order(number)["fulfillments"] == [
        FULFILLMENT | {"fulfillment_date": "2026-05-02T08:00:00", "shipment_info": {}}
    ]
    listed = world.ask("GET", f"orders/{number}/fulfillments").json()["fulfillments"]
    assert listed[0]["id"] > 2**32


@pytest.mark.parametrize("missing", ["external_id", "fulfillment_date", "status", "fulfilled_items"])
def test_a_fulfillment_of_its_own_requires_four_properties(world, missing):
    number = world.made()
    body = {name: value for name, value in FULFILLMENT.items() if name != missing}
    response = world.ask("POST", f"orders/{number}/fulfillments", json={"fulfillment": body})
    assert response.status_code == 400
    assert messages(response) == f"{missing} can't be blank"


def test_a_fulfillment_inside_an_order_requires_its_items(world):
    body = {name: value for name, value in FULFILLMENT.items() if name != "fulfilled_items"}
    response = world.create(fulfillments=[body])
    assert response.status_code == 400
    assert messages(response) == "fulfillments[0].fulfilled_items can't be blank"
    assert world.create(fulfillments=[{"fulfilled_items": [line("p-1")]}]).status_code == 201


def test_empty_fulfilled_items_are_refused_everywhere(world):
    number = world.made(fulfillments=[FULFILLMENT])
    id_ = world.ask("GET", f"orders/{number}/fulfillments").json()["fulfillments"][0]["id"]
    empty = FULFILLMENT | {"fulfilled_items": []}
    refused = [
        world.create(external_id="1002", fulfillments=[empty]),
        world.patch(number, fulfillments=[empty]),
        world.ask("POST", f"orders/{number}/fulfillments", json={"fulfillment": empty | {"external_id": "f-2"}}),
        world.ask("PATCH", f"orders/{number}/fulfillments/{id_}", json={"fulfillment": {"fulfilled_items": []}}),
    ]
    assert [each.status_code for each in refused] == [400] * 4


def test_fulfilled_products_must_be_in_the_order(world):
    foreign = FULFILLMENT | {"fulfilled_items": [line("p-2")]}
    assert world.create(fulfillments=[foreign]).status_code == 400
    number = world.made()
    response = world.ask("POST", f"orders/{number}/fulfillments", json={"fulfillment": foreign})
    assert response.status_code == 400
    assert "p-2" in messages(response)
    assert world.ask("GET", f"orders/{number}/fulfillments").json()["fulfillments"] == []


def test_more_may_be_fulfilled_than_was_ordered(world):
    assert world.create(fulfillments=[fulfillment("f-1", line("p-1", 9))]).status_code == 201


def test_a_duplicate_fulfillment_is_409_or_accepted_by_switch(world):
    number = world.made(fulfillments=[FULFILLMENT])
    post = {"json": {"fulfillment": FULFILLMENT}}
    assert world.ask("POST", f"orders/{number}/fulfillments", **post).status_code == 409
    world.switch("duplicate_fulfillment", "accept")
    assert world.ask("POST", f"orders/{number}/fulfillments", **post).status_code == 201
    assert len(world.order(number)["fulfillments"]) == 2


def test_two_orders_may_have_fulfillments_of_the_same_external_id(world):
    first, second = world.made(fulfillments=[FULFILLMENT]), world.made(external_id="1002")
    response = world.ask("POST", f"orders/{second}/fulfillments", json={"fulfillment": FULFILLMENT})
    assert response.status_code == 201
    id_ = response.json()["fulfillment"]["yotpo_id"]
    assert world.ask("GET", f"orders/{first}/fulfillments/{id_}").status_code == 404


def test_a_fulfillment_is_patched_in_part(world):
    number = world.made(fulfillments=[fulfillment("f-1", shipment_info={"tracking_number": "T1"})])
    id_ = world.ask("GET", f"orders/{number}/fulfillments").json()["fulfillments"][0]["id"]
    given = {"shipment_info": {"shipment_status": "delivered"}, "status": None}
    response = world.ask("PATCH", f"orders/{number}/fulfillments/{id_}", json={"fulfillment": given})
    assert (response.status_code, response.content) == (200, b"")
    found = world.ask("GET", f"orders/{number}/fulfillments/{id_}").json()["fulfillment"]
    assert found["shipment_info"] == {"tracking_number": "T1", "shipment_status": "delivered"}
    assert found["status"] == "success"


def test_one_external_id_twice_in_a_body_is_one_fulfillment(world):
    number = world.made(fulfillments=[fulfillment("f-1", status="open"), fulfillment("f-1", status="success")])
    found = world.order(number)["fulfillments"]
    assert [(each["external_id"], each["status"]) for each in found] == [("f-1", "success")]


def test_an_order_has_at_most_a_hundred_fulfillments(world):
    number = world.made(fulfillments=[fulfillment(f"f-{n}") for n in range(60)])
    more = [fulfillment(f"g-{n}") for n in range(41)]
    assert world.patch(number, fulfillments=more).status_code == 400
    assert world.patch(number, fulfillments=more[:40]).status_code == 200
    one = {"fulfillment": fulfillment("h-1")}
    assert world.ask("POST", f"orders/{number}/fulfillments", json=one).status_code == 400
    assert world.patch(number, fulfillments=more[:40]).status_code == 200
