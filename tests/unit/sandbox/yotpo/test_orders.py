"""Yotpo's orders: created, merged, refused, read."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_partners.sandbox.store import Store

if TYPE_CHECKING:
    import httpx

STORE, OTHER = "store-aaaa", "store-bbbb"
ORDER = {
    "external_id": "1001",
    "order_date": "2026-05-01T10:20:30Z",
    "line_items": [{"external_product_id": "p-1", "quantity": 1}],
}
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


# Orders


def test_the_smallest_order_is_created_and_only_its_id_returned(yotpo_shop):
    response = yotpo_shop.post_order()
    assert response.status_code == 201
    yotpo_id = response.json()["order"].pop("yotpo_id")
    assert response.json() == {"order": {"yotpo_id": yotpo_id}}
    assert yotpo_id > 2**32


def test_an_order_omits_properties_that_were_never_set(yotpo_shop):
    yotpo_id = yotpo_shop.create_order(
        customer={"external_id": "c-1", "email": None}, total_price=9.5, billing_address=None
    )
    product = yotpo_shop.request("GET", "products", params={"external_ids": "p-1"}).json()["products"][0]["yotpo_id"]
    order = yotpo_shop.read_order(yotpo_id)
    item = order.pop("line_items")[0]
    assert order == {
        "external_id": "1001",
        "order_name": "1001",
        "order_date": "2026-05-01T10:20:30",
        "total_price": 9.5,
        "customer": {"external_id": "c-1"},
        "fulfillments": [],
        "source": "orders_api_v3",
        "yotpo_id": yotpo_id,
        "store_id": STORE,
        "created_at": "2026-06-01T12:00:00",
        "updated_at": "2026-06-01T12:00:00",
    }
    assert item.pop("yotpo_id") > 2**32
    assert item == {
        "external_product_id": "p-1",
        "quantity": 1,
        "product_id": product,
        "created_at": "2026-06-01T12:00:00",
        "updated_at": "2026-06-01T12:00:00",
    }


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-05-01T10:20:30Z", "2026-05-01T10:20:30"),
        ("2026-05-01T10:20:30.987Z", "2026-05-01T10:20:30"),
        ("2026-05-01T12:20:30+02:00", "2026-05-01T10:20:30"),
        ("2026-05-01T10:20:30", "2026-05-01T10:20:30"),
    ],
)
def test_timestamps_are_returned_in_utc_without_a_zone(yotpo_shop, sent, read):
    assert yotpo_shop.read_order(yotpo_shop.create_order(order_date=sent))["order_date"] == read


def test_a_second_order_with_the_same_external_id_is_409(yotpo_shop):
    yotpo_shop.create_order()
    response = yotpo_shop.post_order()
    assert response.status_code == 409
    assert messages(response) == "Order with external_id 1001 already exists"


def test_another_store_may_use_the_same_external_id(yotpo_shop):
    yotpo_shop.create_order()
    yotpo_shop.create_products("p-1", store=OTHER)
    assert yotpo_shop.request("POST", "orders", OTHER, json={"order": ORDER}).status_code == 201


def test_stores_do_not_see_each_others_orders(yotpo_shop):
    yotpo_id = yotpo_shop.create_order()
    assert yotpo_shop.request("GET", f"orders/{yotpo_id}", OTHER).status_code == 404
    assert yotpo_shop.request("GET", "orders", OTHER).json()["orders"] == []
    assert yotpo_shop.request("PATCH", f"orders/{yotpo_id}", OTHER, json={"order": {}}).status_code == 404


@pytest.mark.parametrize("status", [404, 400])
def test_unknown_products_are_refused_with_the_words_that_clients_look_for(yotpo_shop, status):
    yotpo_shop.set_switch("unknown_product_status", status)
    response = yotpo_shop.post_order(line_items=[line("p-1"), line("x-1"), line("x-2")])
    assert response.status_code == status
    assert messages(response) == "products not found: x-1, x-2"
    assert response.text.endswith('products not found: x-1, x-2"}]}')
    assert yotpo_shop.request("GET", "orders").json()["orders"] == []


def test_a_product_of_another_store_is_unknown(yotpo_shop):
    yotpo_shop.create_products("elsewhere", store=OTHER)
    assert yotpo_shop.post_order(line_items=[line("elsewhere")]).status_code == 404


def test_a_line_item_may_name_a_variant_by_switch(yotpo_shop):
    parent = yotpo_shop.request("GET", "products", params={"external_ids": "p-1"}).json()["products"][0]["yotpo_id"]
    yotpo_shop.request("POST", f"products/{parent}/variants", json={"variant": {"external_id": "v-1"}})
    assert yotpo_shop.post_order(line_items=[line("v-1")]).status_code == 404
    yotpo_shop.set_switch("variants_in_line_items", True)
    assert (
        yotpo_shop.read_order(yotpo_shop.create_order(line_items=[line("v-1")]))["line_items"][0]["product_id"]
        == parent
    )


def test_a_new_product_can_be_ordered_after_the_lag(yotpo_shop):
    yotpo_shop.set_switch("product_lag", 5)
    yotpo_shop.create_products("fresh")
    assert yotpo_shop.post_order(line_items=[line("fresh")]).status_code == 404
    yotpo_shop.time += 5
    assert yotpo_shop.post_order(line_items=[line("fresh")]).status_code == 201


def test_two_line_items_of_one_product_are_refused(yotpo_shop):
    response = yotpo_shop.post_order(line_items=[line("p-1"), line("p-2"), line("p-1", 3)])
    assert response.status_code == 400
    assert "p-1" in messages(response)


def test_new_orders_are_visible_after_the_lag(yotpo_shop):
    yotpo_shop.set_switch("visibility_lag", 2)
    yotpo_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    assert yotpo_shop.request("GET", f"orders/{yotpo_id}").status_code == 404
    assert yotpo_shop.request("GET", "orders", params={"external_ids": "1001"}).json()["orders"] == []
    assert yotpo_shop.post_order().status_code == 409
    assert yotpo_shop.patch_order(yotpo_id, total_price=1).status_code == 200
    yotpo_shop.time += 2
    assert yotpo_shop.read_order(yotpo_id)["total_price"] == 1


def test_orders_beyond_six_months_are_refused_by_switch(yotpo_shop):
    old, future = "2025-11-01T00:00:00Z", "2027-01-01T00:00:00Z"
    yotpo_shop.create_order(external_id="accepted", order_date=old)
    yotpo_shop.set_switch("refuse_beyond_six_months", True)
    assert yotpo_shop.post_order(order_date=old).status_code == 400
    assert yotpo_shop.post_order(order_date=future).status_code == 400
    assert yotpo_shop.post_order(order_date="2025-12-15T00:00:00Z").status_code == 201


# PATCH


def test_a_patch_changes_its_properties_and_returns_no_body(yotpo_shop):
    yotpo_id = yotpo_shop.create_order(total_price=9.5, customer={"external_id": "c-1", "first_name": "Ann"})
    response = yotpo_shop.patch_order(
        yotpo_id, payment_status="refunded", customer={"first_name": "Zoë"}, total_price=None
    )
    assert (response.status_code, response.content) == (200, b"")
    order = yotpo_shop.read_order(yotpo_id)
    assert (order["payment_status"], order["total_price"]) == ("refunded", 9.5)
    assert order["customer"] == {"external_id": "c-1", "first_name": "Zoë"}


def test_line_items_are_added_or_merged_never_removed(yotpo_shop):
    yotpo_id = yotpo_shop.create_order(line_items=[line("p-1", 2, total_price=4.0), line("p-2", 1)])
    before = {each["external_product_id"]: each["yotpo_id"] for each in yotpo_shop.read_order(yotpo_id)["line_items"]}
    assert yotpo_shop.patch_order(yotpo_id, line_items=[line("p-1", 5), line("p-3", 1)]).status_code == 200
    items = {each["external_product_id"]: each for each in yotpo_shop.read_order(yotpo_id)["line_items"]}
    assert {name: each["quantity"] for name, each in items.items()} == {"p-1": 5, "p-2": 1, "p-3": 1}
    assert items["p-1"]["total_price"] == 4.0
    assert items["p-1"]["yotpo_id"] == before["p-1"]
    assert len({each["yotpo_id"] for each in items.values()}) == 3


def test_a_patch_with_an_unknown_product_changes_nothing(yotpo_shop):
    yotpo_id = yotpo_shop.create_order()
    assert yotpo_shop.patch_order(yotpo_id, total_price=3, line_items=[line("x")]).status_code == 404
    assert "total_price" not in yotpo_shop.read_order(yotpo_id)


def test_fulfillments_in_a_patch_are_merged_by_external_id(yotpo_shop):
    yotpo_id = yotpo_shop.create_order(fulfillments=[fulfillment("f-1", status="pending"), fulfillment("f-2")])
    sent = [fulfillment("f-1", status="success"), fulfillment("f-3")]
    for _ in range(2):  # sending them again doubles nothing
        assert yotpo_shop.patch_order(yotpo_id, fulfillments=sent).status_code == 200
    orders = yotpo_shop.read_order(yotpo_id)["fulfillments"]
    assert [(each["external_id"], each["status"]) for each in orders] == [
        ("f-1", "success"),
        ("f-2", "success"),
        ("f-3", "success"),
    ]


def test_sending_fulfillments_again_doubles_them_by_switch(yotpo_shop):
    yotpo_shop.set_switch("embedded_fulfillments", "append")
    yotpo_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    yotpo_shop.patch_order(yotpo_id, fulfillments=[FULFILLMENT])
    assert [each["external_id"] for each in yotpo_shop.read_order(yotpo_id)["fulfillments"]] == ["f-1", "f-1"]


def test_null_fulfillments_mean_not_given(yotpo_shop):
    yotpo_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    cancelled = {"cancellation_date": "2026-05-03T00:00:00Z"}
    assert yotpo_shop.patch_order(yotpo_id, cancellation=cancelled, fulfillments=None).status_code == 200
    order = yotpo_shop.read_order(yotpo_id)
    assert order["cancellation"] == {"cancellation_date": "2026-05-03T00:00:00"}
    assert len(order["fulfillments"]) == 1


def test_a_fulfillment_may_name_a_product_that_the_same_patch_adds(yotpo_shop):
    yotpo_id = yotpo_shop.create_order()
    added = {"line_items": [line("p-2")], "fulfillments": [fulfillment("f-1", line("p-2"))]}
    assert yotpo_shop.patch_order(yotpo_id, **added).status_code == 200


def test_the_external_id_can_change_but_stays_unique(yotpo_shop):
    yotpo_id = yotpo_shop.create_order()
    yotpo_shop.create_order(external_id="1002")
    assert yotpo_shop.patch_order(yotpo_id, external_id="1002").status_code == 409
    assert yotpo_shop.patch_order(yotpo_id, external_id="1001").status_code == 200
    assert yotpo_shop.patch_order(yotpo_id, external_id="1003").status_code == 200
    orders = yotpo_shop.request("GET", "orders", params={"external_ids": "1001,1003"}).json()["orders"]
    assert [each["external_id"] for each in orders] == ["1003"]


@pytest.mark.parametrize("yotpo_id", ["1", "abc"])
def test_an_unknown_order_is_404(yotpo_shop, yotpo_id):
    assert yotpo_shop.request("GET", f"orders/{yotpo_id}").status_code == 404
    assert yotpo_shop.request("PATCH", f"orders/{yotpo_id}", json={"order": {}}).status_code == 404
    path = f"orders/{yotpo_id}/fulfillments"
    assert yotpo_shop.request("GET", path).status_code == 404
    assert yotpo_shop.request("POST", path, json={"fulfillment": FULFILLMENT}).status_code == 404


# The store


def test_orders_survive_a_restart(make_yotpo, tmp_path):
    first = make_yotpo(Store(tmp_path / "sandbox.db"))
    first.create_products("p-1")
    yotpo_id = first.create_order(fulfillments=[FULFILLMENT])
    restarted = make_yotpo(Store(tmp_path / "sandbox.db"))
    assert restarted.read_order(yotpo_id)["fulfillments"][0]["external_id"] == "f-1"
    assert restarted.post_order().status_code == 409
    assert restarted.create_order(external_id="1002") > yotpo_id


def test_of_two_writers_of_one_order_one_gets_409(yotpo_shop):
    statuses: list[int] = []

    def write() -> None:
        statuses.extend(yotpo_shop.post_order(external_id=str(n)).status_code for n in range(5))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [201] * 5 + [409] * 15
    assert len(yotpo_shop.request("GET", "orders").json()["orders"]) == 5


def test_calls_are_counted_by_operation(yotpo_shop):
    yotpo_shop.sandbox.calls.clear()
    yotpo_id = yotpo_shop.create_order(fulfillments=[FULFILLMENT])
    id_ = yotpo_shop.request("GET", f"orders/{yotpo_id}/fulfillments").json()["fulfillments"][0]["id"]
    yotpo_shop.request("GET", f"orders/{yotpo_id}/fulfillments/{id_}")
    yotpo_shop.request("PATCH", f"orders/{yotpo_id}/fulfillments/{id_}", json={"fulfillment": {"status": "open"}})
    yotpo_shop.patch_order(yotpo_id, total_price=2)
    yotpo_shop.post_order()
    names = {"orders.create": 2, "orders.update": 1}
    names |= {"fulfillments.list": 1, "fulfillments.get": 1, "fulfillments.update": 1}
    assert yotpo_shop.sandbox.calls == {f"yotpo/{STORE}/{name}": times for name, times in names.items()}
