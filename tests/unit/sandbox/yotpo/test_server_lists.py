"""The pages of Yotpo's lists: limits, cursors, filters, and the two forms of the last page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

OTHER = "store-bbbb"


@pytest.fixture
def yotpo_orders(yotpo: Any) -> Any:
    yotpo.create_products("p-1")
    for n in range(25):
        yotpo.create_order(external_id=f"o-{n:02}", order_date=f"2026-05-{n + 1:02}T00:00:00Z")
    return yotpo


def names(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["external_id"] for each in response.json()["orders"]]


def read_pages(yotpo_orders: Any, path: str = "orders", **params: Any) -> list[httpx.Response]:
    pages = [yotpo_orders.request("GET", path, params=params)]
    while cursor := pages[-1].json()["pagination"].get("next_page_info"):
        limit = {"limit": params["limit"]} if "limit" in params else {}
        pages.append(yotpo_orders.request("GET", path, params={**limit, "page_info": cursor}))
        assert len(pages) < 50
    return pages


EVERY = [f"o-{n:02}" for n in range(25)]


def test_the_pages_contain_every_order_once(yotpo_orders):
    pages = read_pages(yotpo_orders, limit=7)
    assert [name for page in pages for name in names(page)] == EVERY
    assert [len(names(page)) for page in pages] == [7, 7, 7, 4]


def test_the_default_limit_is_ten_or_a_switch(yotpo_orders):
    assert len(names(yotpo_orders.request("GET", "orders"))) == 10
    yotpo_orders.set_switch("default_limit", 20)
    assert len(names(yotpo_orders.request("GET", "orders"))) == 20


@pytest.mark.parametrize("limit", ["0", "101", "-1", "ten", "", "1.0", "²"])
def test_a_limit_out_of_range_is_400(yotpo_orders, limit):
    assert yotpo_orders.request("GET", "orders", params={"limit": limit}).status_code == 400


def test_the_maximum_limit_is_100(yotpo_orders):
    assert names(yotpo_orders.request("GET", "orders", params={"limit": "100"})) == EVERY


def test_the_end_of_orders_is_an_empty_object_and_of_products_a_null(yotpo_orders):
    order_id = yotpo_orders.request("GET", "orders").json()["orders"][0]["yotpo_id"]
    assert yotpo_orders.request("GET", "orders", params={"limit": 100}).json()["pagination"] == {}
    assert yotpo_orders.request("GET", f"orders/{order_id}/fulfillments").json()["pagination"] == {}
    assert yotpo_orders.request("GET", "products").json()["pagination"] == {"next_page_info": None}


def test_a_list_of_exactly_one_page_has_no_next_page(yotpo_orders):
    assert yotpo_orders.request("GET", "orders", params={"limit": 25}).json()["pagination"] == {}


def test_the_cursor_keeps_the_filters(yotpo_orders):
    pages = read_pages(yotpo_orders, limit=3, order_date_min="2026-05-20T00:00:00Z")
    assert [name for page in pages for name in names(page)] == EVERY[19:]


@pytest.mark.parametrize("other", ["order_date_min", "external_ids", "anything"])
def test_a_cursor_with_any_parameter_except_limit_is_400(yotpo_orders, other):
    cursor = yotpo_orders.request("GET", "orders").json()["pagination"]["next_page_info"]
    response = yotpo_orders.request("GET", "orders", params={"page_info": cursor, other: "x"})
    assert response.status_code == 400
    assert other in response.json()["errors"][0]["message"]
    assert len(names(yotpo_orders.request("GET", "orders", params={"page_info": cursor, "limit": 4}))) == 4


@pytest.mark.parametrize(
    "cursor",
    ["", "WyJzdG9yZS1hYWFhL29yZGVycyIsICJ4IiwgNV0=", "2", "bm90IGpzb24=", "e30=", "W10=", "WyJvcmRlcnMiXQ==", "\x00"],
)
def test_an_invalid_cursor_is_400(yotpo_orders, cursor):
    assert yotpo_orders.request("GET", "orders", params={"page_info": cursor}).status_code == 400


def test_a_cursor_is_valid_for_its_own_list_only(yotpo_orders):
    cursor = yotpo_orders.request("GET", "orders").json()["pagination"]["next_page_info"]
    assert yotpo_orders.request("GET", "products", params={"page_info": cursor}).status_code == 400
    assert yotpo_orders.request("GET", "orders", OTHER, params={"page_info": cursor}).status_code == 400


def test_a_record_added_between_pages_is_neither_skipped_nor_doubled(yotpo_orders):
    first = yotpo_orders.request("GET", "orders", params={"limit": 20})
    yotpo_orders.create_order(external_id="late")
    cursor = first.json()["pagination"]["next_page_info"]
    second = yotpo_orders.request("GET", "orders", params={"page_info": cursor})
    assert names(first) + names(second) == [*EVERY, "late"]


def test_a_url_encoded_cursor_must_be_decoded_once(yotpo_orders):
    yotpo_orders.set_switch("cursor", "encoded")
    cursor = yotpo_orders.request("GET", "orders").json()["pagination"]["next_page_info"]
    assert "%" in cursor
    assert yotpo_orders.request("GET", "orders", params={"page_info": cursor}).status_code == 400
    assert names(yotpo_orders.request("GET", f"orders?page_info={cursor}")) == EVERY[10:20]


def test_orders_are_filtered_by_date_at_both_ends(yotpo_orders):
    days = {"order_date_min": "2026-05-03T00:00:00Z", "order_date_max": "2026-05-05T02:00:00+02:00"}
    assert names(yotpo_orders.request("GET", "orders", params=days)) == EVERY[2:5]


def test_an_invalid_date_is_400(yotpo_orders):
    assert yotpo_orders.request("GET", "orders", params={"order_date_min": "may"}).status_code == 400


def test_external_ids_accept_a_list(yotpo_orders):
    assert names(yotpo_orders.request("GET", "orders", params={"external_ids": "o-07,o-03,nobody,o-07"})) == [
        "o-03",
        "o-07",
    ]
    assert names(yotpo_orders.request("GET", "orders", params={"external_ids": "nobody"})) == []


def test_a_filter_by_external_ids_has_pages_too(yotpo_orders):
    response = yotpo_orders.request("GET", "orders", params={"external_ids": ",".join(EVERY)})
    assert len(names(response)) == 10
    assert response.json()["pagination"]["next_page_info"]
    pages = read_pages(yotpo_orders, external_ids=",".join(EVERY))
    assert [name for page in pages for name in names(page)] == EVERY


def test_external_ids_accept_one_id_only_by_switch(yotpo_orders):
    yotpo_orders.set_switch("external_ids_list", "nothing")
    assert names(yotpo_orders.request("GET", "orders", params={"external_ids": "o-01,o-02"})) == []
    assert names(yotpo_orders.request("GET", "orders", params={"external_ids": "o-02"})) == ["o-02"]
    yotpo_orders.set_switch("external_ids_list", "first")
    assert names(yotpo_orders.request("GET", "orders", params={"external_ids": "o-02,o-01"})) == ["o-02"]


def test_unknown_parameters_are_ignored(yotpo_orders):
    assert len(names(yotpo_orders.request("GET", "orders", params={"external_id": "o-02", "sort": "x"}))) == 10


def test_the_fulfillments_of_an_order_have_pages(yotpo_orders):
    body = {
        "fulfillment_date": "2026-05-02T08:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": "p-1", "quantity": 1}],
    }
    order_id = yotpo_orders.create_order(
        external_id="big", fulfillments=[body | {"external_id": f"f-{n}"} for n in range(23)]
    )
    pages = read_pages(yotpo_orders, f"orders/{order_id}/fulfillments")
    external_ids = [each["external_id"] for page in pages for each in page.json()["fulfillments"]]
    assert external_ids == [f"f-{n}" for n in range(23)]
    assert len(pages) == 3
