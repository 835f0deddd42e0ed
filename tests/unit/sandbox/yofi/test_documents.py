"""Yofi's responses: sort, fields, included resources, one customer, styles, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import httpx

SHOP = "a.myshopify.com"
CLAIMS = "/ecommerce/claims/"
CUSTOMERS = "/ecommerce/customers/"
RETURNS = "/ecommerce/unified-returns/"
EVENTS = "/ecommerce/notification-events/"


# Sort, fields, include


def test_lists_are_sorted_by_the_documented_field(yofi):
    assert yofi.ids(RETURNS, {"sort": "-order_created_at_epoch"}) == ["r2", "r4", "r3", "r1"]
    assert yofi.ids(RETURNS, {"sort": "order_created_at_epoch"}) == ["r1", "r3", "r4", "r2"]
    assert yofi.ids(EVENTS, {"sort": "-created_at"}) == ["n3", "n2", "n1"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (CUSTOMERS, "customer_id"),
        (CLAIMS, "-customer_id"),
        (RETURNS, "-return_created_at_epoch"),
        (CLAIMS, ""),
        (CLAIMS, "--created_at_epoch"),
    ],
)
def test_sorting_by_anything_else_is_400(yofi, path, value):
    yofi.error_detail(path, {"sort": value})


def test_more_sortable_fields_can_be_switched_on(yofi):
    yofi.sandbox.switches["yofi.sortable"] = {"returns.list": ["return_created_at_epoch", "state"]}
    assert yofi.ids(RETURNS, {"sort": "-return_created_at_epoch"}) == ["r1", "r3", "r4", "r2"]
    assert yofi.ids(RETURNS, {"sort": "state,-order_created_at_epoch"}) == ["r4", "r3", "r2", "r1"]


def test_fields_select_the_attributes_but_type_and_id_always_come(yofi):
    body = yofi.request(CLAIMS, {"fields[Claim]": "customer_id", "page[size]": "1"}).json()
    assert body["data"] == [{"type": "Claim", "id": "c00", "attributes": {"customer_id": "0"}}]


def test_id_may_be_one_of_the_fields(yofi):
    body = yofi.request(EVENTS, {"fields[NotificationEvent]": "id,notify_template_id,created_at"}).json()
    assert body["data"][0]["attributes"] == {
        "id": "n1",
        "notify_template_id": "t",
        "created_at": "2025-06-01T00:00:00Z",
    }


def test_a_field_may_be_named_twice_as_the_pages_sample_does(yofi):
    query = {"fields[EcommerceUnifiedReturn]": "order_created_at_epoch,state,order_created_at_epoch"}
    assert set(yofi.request(RETURNS, query).json()["data"][0]["attributes"]) == {
        "order_created_at_epoch",
        "state",
    }


def test_fields_of_an_included_type_are_selected_too(yofi):
    query = {"include": "customer", "fields[EcommerceCustomer]": "customer_id"}
    included = yofi.request(RETURNS, query).json()["included"]
    assert [set(each["attributes"]) for each in included] == [{"customer_id"}, {"customer_id"}]


def test_fields_come_besides_the_default_ones_by_switch(yofi):
    yofi.sandbox.switches["yofi.fields"] = "additional"
    plain = yofi.request(CLAIMS).json()["data"][0]["attributes"]
    more = yofi.request(CLAIMS, {"fields[Claim]": "claim_items"}).json()["data"][0]["attributes"]
    assert set(more) - set(plain) == {"claim_items"}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        (CLAIMS, {"fields[Claim]": "colour"}),
        (CLAIMS, {"fields[Claim]": ""}),
        (CLAIMS, {"fields[EcommerceCustomer]": "email"}),
        (CLAIMS, {"include": "customer"}),
        (RETURNS, {"include": "customer,orders"}),
        (CUSTOMERS, {"include": "return_predictions"}),
        (CLAIMS, {"page[offset]": "3"}),
        (CLAIMS, {"since": "2026"}),
        (CLAIMS, [("page[size]", "3"), ("page[size]", "4")]),
        ("/ecommerce/customers/7001", {"page[size]": "3"}),
        ("/ecommerce/customers/7001", {"filter": "customer_id==7001"}),
    ],
)
def test_unknown_parameters_fields_and_relations_are_400(yofi, path, params):
    yofi.error_detail(path, params)


def test_unknown_parameters_are_ignored_by_switch(yofi):
    yofi.sandbox.switches["yofi.unknown_parameter"] = "ignore"
    assert len(yofi.ids(CLAIMS, {"since": "2026"})) == 10


def test_included_resources_appear_once_each_and_are_linked(yofi):
    body = yofi.request(RETURNS, {"include": "customer,order,return_predictions,return_analytics,app"}).json()
    keys = [(each["type"], each["id"]) for each in body["included"]]
    assert len(keys) == len(set(keys)) == 2 + 3 + 4 + 1
    links = {
        (one["type"], one["id"])
        for record in body["data"]
        for relation in record["relationships"].values()
        for one in (relation["data"] if isinstance(relation["data"], list) else [relation["data"]])
        if one
    }
    assert links == set(keys)
    assert body["data"][2]["relationships"]["order"] == {"data": None}
    assert body["data"][2]["relationships"]["return_predictions"] == {"data": []}


def test_without_include_nothing_is_included_or_linked(yofi):
    body = yofi.request(RETURNS).json()
    assert "included" not in body
    assert all("relationships" not in each for each in body["data"])


# One customer, bodies, errors


@pytest.mark.parametrize("id_", ["7001", "cust-1"])
def test_a_customer_is_found_by_shopifys_id_or_yofis(yofi, id_):
    body = yofi.request(f"/ecommerce/customers/{id_}", {"include": "customer_predictions"}).json()
    assert body["data"]["attributes"]["first_name"] == "Žofie"
    assert [each["id"] for each in body["included"]] == ["cp1"]


@pytest.mark.parametrize("status", [404, 400])
def test_an_unknown_customer_is_404_or_400_by_switch(yofi, status):
    yofi.sandbox.switches["yofi.unknown_customer"] = status
    assert yofi.request("/ecommerce/customers/1").status_code == status


def test_the_telemetry_style_has_a_trace_id_and_always_a_list(yofi):
    yofi.sandbox.switches["yofi.body"] = "trace"
    body = yofi.request("/ecommerce/customers/7001").json()
    assert set(body) == {"trace_id", "data"}
    assert [each["id"] for each in body["data"]] == ["cust-1"]
    assert isinstance(yofi.request(CLAIMS).json()["trace_id"], str)


def test_the_media_type_is_a_switch(yofi):
    assert yofi.request(CLAIMS).headers["content-type"] == "application/json"
    yofi.sandbox.switches["yofi.media_type"] = "application/vnd.api+json"
    assert yofi.request(CLAIMS).headers["content-type"] == "application/vnd.api+json"


def test_the_shape_of_errors_is_a_switch(yofi):
    def body(shape: str) -> httpx.Response:
        yofi.sandbox.switches["yofi.errors"] = shape
        return yofi.request(CLAIMS, {"page[size]": "0"})

    error = body("jsonapi").json()["errors"][0]
    assert (error["status"], error["title"], error["source"]) == (
        "400",
        "Bad Request",
        {"parameter": "page[size]"},
    )
    assert body("detail").json() == {"detail": error["detail"]}
    assert body("message").json() == {"message": "Bad Request"}
    assert error["detail"] in body("text").text
    assert body("text").headers["content-type"].startswith("text/plain")
