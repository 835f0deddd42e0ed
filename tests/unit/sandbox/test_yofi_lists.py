"""Yofi's five operations: paths, filters, fields, includes, pages, and each of their switches."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox import yofi
from airflow_provider_partners.sandbox.state import Sandbox, Store

SECRET = "not-a-real-secret-but-long-enough-for-hs256"
SHOP = "a.myshopify.com"
NOW = 1_790_000_000.0
CLAIMS = "/ecommerce/claims/"
CUSTOMERS = "/ecommerce/customers/"
RETURNS = "/ecommerce/unified-returns/"
EVENTS = "/ecommerce/notification-events/"
PREDICTION_FILTER = "filter[EcommerceUnifiedReturnPrediction]"


class World:
    """A small shop: 12 claims, 3 customers, 4 returns, 3 events; asked over ASGI."""

    def __init__(self) -> None:
        credentials = {
            "secret": SECRET,
            "issuer": "partner-sandbox",
            "subject": "svc-sandbox",
            "client_id": "backend-service",
            "organization_id": "org-sandbox",
            "platform": "shopify",
            "shops": [SHOP],
        }
        self.sandbox = Sandbox(store=Store(), credentials={"yofi": credentials}, switches=dict(yofi.SWITCHES))
        self.app = Starlette(routes=[Mount("/yofi", routes=yofi.routes(self.sandbox, clock=lambda: NOW))])
        self._records()

    def put(self, kind: str, type_: str, id_: str, relationships: dict[str, Any] | None = None, **attributes) -> None:
        record = {"type": type_, "id": id_, "attributes": attributes, "relationships": relationships or {}}
        self.sandbox.store.put("yofi", SHOP, kind, id_, record, at=f"2026-01-01T00:00:{id_[-2:]:>02}Z")

    def _records(self) -> None:
        for n in range(12):
            self.put("claim", "Claim", f"c{n:02}", customer_id=str(n % 3), claim_items=[], created_at_epoch=100 + n)
        for n, prediction in ((1, "cp1"), (2, None), (3, "cp1")):
            linked = [["customer_prediction", prediction]] if prediction else []
            self.put(
                "customer",
                "EcommerceCustomer",
                f"cust-{n}",
                {"customer_predictions": linked},
                entity_id=f"cust-{n}",
                customer_id=str(7000 + n),
                first_name=["Žofie", "Ann", "李"][n - 1],
                email=f"{n}@example.com",
            )
        self.put("customer_prediction", "EcommerceCustomerPrediction", "cp1", predicted_value=0.7, severity="high")
        for n, (order, returned, predictions) in enumerate(
            [(10, 900, ["p1", "p2"]), (40, 500, ["p3"]), (20, 700, []), (30, 600, ["p4"])], start=1
        ):
            relationships = {
                "customer": ["customer", f"cust-{1 + n % 2}"],
                "order": ["order", f"o{n}"] if n != 3 else None,
                "return_predictions": [["return_prediction", each] for each in predictions],
                "app": ["app", "app-1"],
            }
            self.put(
                "return",
                "EcommerceUnifiedReturn",
                f"r{n}",
                relationships,
                order_id=str(5000 + n),
                order_number=1000 + n,
                order_name=f"#{1000 + n}",
                state="requested" if n < 3 else "refunded",
                customer_first_name="Žofie",
                order_created_at_epoch=order,
                return_created_at_epoch=returned,
            )
            self.put("order", "EcommerceOrder", f"o{n}", name=f"#{1000 + n}", model_predictions={})
        self.put("app", "EcommerceApp", "app-1", name="Returns")
        for id_, category, value in [
            ("p1", "drop_off_fraud", 0.95),
            ("p2", "return_abuse", 0.95),
            ("p3", "drop_off_fraud", 0.4),
            ("p4", "drop_off_fraud", 0.99),
        ]:
            self.put(
                "return_prediction",
                "EcommerceUnifiedReturnPrediction",
                id_,
                prediction_category=category,
                predicted_value=value,
            )
        for n in (1, 2, 3):
            at = f"2025-06-0{n}T00:00:00Z"
            self.put("notification_event", "NotificationEvent", f"n{n}", notify_template_id="t", created_at=at)

    def ask(self, path: str, params: Any = None, method: str = "GET") -> httpx.Response:
        token = jwt.encode(
            {
                "iss": "partner-sandbox",
                "sub": "svc-sandbox",
                "aud": ["yofi-public-api"],
                "iat": int(NOW) - 5,
                "exp": int(NOW) + 300,
                "jti": str(uuid.uuid4()),
                "client_id": "backend-service",
            },
            SECRET,
        )
        headers = {"Authorization": f"Bearer {token}", "app_id": SHOP, "partner_id": "shopify"}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/yofi") as client:
                return await client.request(method, path, params=params, headers=headers)

        return asyncio.run(send())

    def ids(self, path: str, params: Any = None) -> list[str]:
        response = self.ask(path, params)
        assert response.status_code == 200, response.text
        return [each["id"] for each in response.json()["data"]]

    def refused(self, path: str, params: Any) -> str:
        response = self.ask(path, params)
        assert response.status_code == 400, response.text
        return response.json()["errors"][0]["detail"]


@pytest.fixture
def world() -> World:
    return World()


# Paths


@pytest.mark.parametrize("path", [CLAIMS, CUSTOMERS, RETURNS, EVENTS, "/ecommerce/customers/7001"])
def test_the_last_slash_may_be_there_or_not(world, path):
    assert world.ask(path.rstrip("/")).status_code == 200
    assert world.ask(path.rstrip("/") + "/").status_code == 200


def test_another_spelling_of_the_last_slash_is_redirected_when_switched(world):
    world.sandbox.switches["yofi.trailing_slash"] = "redirect"
    response = world.ask(CLAIMS.rstrip("/"), {"page[size]": "2"})
    assert response.status_code == 307
    assert urlsplit(response.headers["location"]).path == "/yofi/ecommerce/claims/"
    assert parse_qs(urlsplit(response.headers["location"]).query) == {"page[size]": ["2"]}
    assert world.ask(CLAIMS).status_code == 200
    removed = world.ask("/ecommerce/customers/7001/")
    assert (removed.status_code, urlsplit(removed.headers["location"]).path) == (
        307,
        "/yofi/ecommerce/customers/7001",
    )


def test_paths_are_switches(world):
    world.sandbox.switches["yofi.path.returns.list"] = "/ecommerce/returns/"
    assert len(world.ids("/ecommerce/returns/")) == 4
    assert world.ask(RETURNS).status_code == 404


def test_an_unknown_path_is_404_and_writing_405(world):
    assert world.ask("/ecommerce/nothing/").status_code == 404
    assert world.ask(CLAIMS, method="POST").status_code == 405


def test_each_operation_is_counted_by_its_name(world):
    for path in (CLAIMS, CUSTOMERS, "/ecommerce/customers/7001", RETURNS, EVENTS):
        world.ask(path)
    names = ["claims.list", "customers.list", "customers.get", "returns.list", "notification_events.list"]
    assert world.sandbox.calls == {f"yofi/{SHOP}/{name}": 1 for name in names}


# Pages


def test_a_page_holds_ten_records_unless_asked(world):
    assert len(world.ids(CLAIMS)) == 10
    assert world.ids(CLAIMS, {"page[number]": "2"}) == ["c10", "c11"]
    assert world.ids(CLAIMS, {"page[number]": "9"}) == []


def test_pages_cover_every_record_once(world):
    found = [id_ for n in (1, 2, 3) for id_ in world.ids(CLAIMS, {"page[size]": "5", "page[number]": str(n)})]
    assert found == [f"c{n:02}" for n in range(12)]


@pytest.mark.parametrize("value", ["0", "-1", "ten", "", "1.5", "101", "٣"])
def test_a_page_size_out_of_bounds_is_400(world, value):
    assert "page[size]" in world.refused(CLAIMS, {"page[size]": value})


def test_the_largest_page_size_is_a_switch(world):
    assert world.ask(CLAIMS, {"page[size]": "100"}).status_code == 200
    world.sandbox.switches["yofi.page_size_max"] = 20
    assert world.ask(CLAIMS, {"page[size]": "21"}).status_code == 400


def test_a_page_number_below_one_is_400(world):
    assert "page[number]" in world.refused(CLAIMS, {"page[number]": "0"})


def test_links_lead_from_page_to_page_and_keep_the_query(world):
    query = {"page[size]": "5", "filter": "created_at_epoch>=102", "sort": "-created_at_epoch"}
    response = world.ask(CLAIMS, query).json()
    seen = [each["id"] for each in response["data"]]
    while following := response["links"].get("next"):
        response = world.ask(following).json()
        seen += [each["id"] for each in response["data"]]
    assert seen == [f"c{n:02}" for n in range(11, 1, -1)]
    assert response["meta"]["page"] == {"number": 2, "size": 5, "totalRecords": 10, "totalPages": 2}


def test_meta_and_links_can_be_switched_off(world):
    world.sandbox.switches |= {"yofi.meta": False, "yofi.links": False}
    assert set(world.ask(CLAIMS).json()) == {"data"}


def test_drift_puts_a_newer_row_before_the_second_page(world):
    world.sandbox.switches["yofi.drift"] = True
    query = {"page[size]": "5", "sort": "-created_at_epoch"}
    first = world.ids(CLAIMS, query)
    second = world.ids(CLAIMS, query | {"page[number]": "2"})
    assert first[-1] == second[0], "the newest row pushed the last of page 1 onto page 2"
    third = world.ids(CLAIMS, query | {"page[number]": "3"})
    assert second[-1] == third[0]
    assert len(world.ids(CLAIMS, {"page[size]": "50"})) == 14


@pytest.mark.parametrize("path", [CUSTOMERS, RETURNS, EVENTS])
def test_drift_happens_in_every_list(world, path):
    world.sandbox.switches["yofi.drift"] = True
    before = len(world.ids(path))
    world.ids(path, {"page[number]": "2"})
    assert len(world.ids(path)) == before + 1


# Filters


@pytest.mark.parametrize(
    ("path", "expression", "expected"),
    [
        (CLAIMS, "created_at_epoch>=105;created_at_epoch<107", ["c05", "c06"]),
        (CLAIMS, "created_at_epoch=in=(100,111)", ["c00", "c11"]),
        (CUSTOMERS, "customer_id==7002", ["cust-2"]),
        (CUSTOMERS, "customer_id==7002,customer_id==7003", ["cust-2", "cust-3"]),
        (RETURNS, "order_id=in=(5001,'5004')", ["r1", "r4"]),
        (RETURNS, "order_name=='#1002'", ["r2"]),
        (RETURNS, "order_number>1002;state!=requested", ["r3", "r4"]),
        (RETURNS, "customer_first_name=='Žofie';order_id==5003", ["r3"]),
        (EVENTS, "created_at>=2025-06-02T00:00:00Z", ["n2", "n3"]),
    ],
)
def test_lists_are_filtered_by_rsql(world, path, expression, expected):
    assert world.ids(path, {"filter": expression}) == expected


@pytest.mark.parametrize(
    ("path", "expression", "told"),
    [
        (CLAIMS, "customer_id==1", "not supported"),
        (CLAIMS, "created_at_epoch>=soon", "whole number"),
        (CLAIMS, "created_at_epoch>=", "Encountered"),
        (CUSTOMERS, "email=='1@example.com'", "not supported"),  # the page's own sample
        (CUSTOMERS, "customer_id=in=(7001,7002)", "not supported"),
        (CUSTOMERS, "customer_id=gt=7001", "not supported"),
        (RETURNS, "order_created_at_epoch>5", "not supported"),  # returns have no time filter
        (RETURNS, "return_created_at_epoch>5", "not supported"),
        (EVENTS, "created_at>=1746757960x", "ISO 8601"),
    ],
)
def test_what_an_endpoint_does_not_filter_by_is_400(world, path, expression, told):
    assert told in world.refused(path, {"filter": expression})


def test_a_plus_sign_that_is_not_encoded_arrives_as_a_space_and_is_refused(world):
    response = world.ask(f"{EVENTS}?filter=created_at>=2025-06-02T00:00:00+00:00")
    assert response.status_code == 400
    assert world.ids(EVENTS, {"filter": "created_at>=2025-06-02T02:00:00+02:00"}) == ["n2", "n3"]


def test_the_prediction_filter_drops_included_predictions_and_keeps_the_returns(world):
    query = {
        "include": "return_predictions",
        PREDICTION_FILTER: "(prediction_category==drop_off_fraud;predicted_value>0.9)",
    }
    body = world.ask(RETURNS, query).json()
    assert [each["id"] for each in body["data"]] == ["r1", "r2", "r3", "r4"]
    assert sorted(each["id"] for each in body["included"]) == ["p1", "p4"]
    linked = [each["relationships"]["return_predictions"]["data"] for each in body["data"]]
    assert [[one["id"] for one in each] for each in linked] == [["p1"], [], [], ["p4"]]


def test_the_prediction_filter_can_be_switched_to_drop_returns(world):
    world.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    assert world.ids(RETURNS, {PREDICTION_FILTER: "prediction_category==drop_off_fraud;predicted_value>0.9"}) == [
        "r1",
        "r4",
    ]


def test_a_return_is_kept_only_if_one_prediction_satisfies_the_whole_expression(world):
    world.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    assert world.ids(RETURNS, {PREDICTION_FILTER: "prediction_category==return_abuse;predicted_value<0.5"}) == []


def test_both_filters_work_together(world):
    world.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    query = {"filter": "state==requested", PREDICTION_FILTER: "predicted_value>0.9"}
    assert world.ids(RETURNS, query) == ["r1"]


def test_the_prediction_filter_goes_by_the_name_switched(world):
    world.sandbox.switches["yofi.prediction_filter"] = "filter[return_predictions]"
    assert world.ask(RETURNS, {"filter[return_predictions]": "predicted_value>0"}).status_code == 200
    assert "Unknown parameter" in world.refused(RETURNS, {PREDICTION_FILTER: "predicted_value>0"})


def test_the_prediction_filter_has_its_own_selectors(world):
    assert "not supported" in world.refused(RETURNS, {PREDICTION_FILTER: "severity==high"})
    assert "Unknown parameter" in world.refused(CUSTOMERS, {PREDICTION_FILTER: "predicted_value>0"})


# Sort, fields, include


def test_lists_are_sorted_by_the_documented_field(world):
    assert world.ids(RETURNS, {"sort": "-order_created_at_epoch"}) == ["r2", "r4", "r3", "r1"]
    assert world.ids(RETURNS, {"sort": "order_created_at_epoch"}) == ["r1", "r3", "r4", "r2"]
    assert world.ids(EVENTS, {"sort": "-created_at"}) == ["n3", "n2", "n1"]


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
def test_sorting_by_anything_else_is_400(world, path, value):
    world.refused(path, {"sort": value})


def test_more_sortable_fields_can_be_switched_on(world):
    world.sandbox.switches["yofi.sortable"] = {"returns.list": ["return_created_at_epoch", "state"]}
    assert world.ids(RETURNS, {"sort": "-return_created_at_epoch"}) == ["r1", "r3", "r4", "r2"]
    assert world.ids(RETURNS, {"sort": "state,-order_created_at_epoch"}) == ["r4", "r3", "r2", "r1"]


def test_fields_select_what_comes_back_and_type_and_id_always_do(world):
    body = world.ask(CLAIMS, {"fields[Claim]": "customer_id", "page[size]": "1"}).json()
    assert body["data"] == [{"type": "Claim", "id": "c00", "attributes": {"customer_id": "0"}}]


def test_id_may_be_asked_for_as_a_field(world):
    body = world.ask(EVENTS, {"fields[NotificationEvent]": "id,notify_template_id,created_at"}).json()
    assert body["data"][0]["attributes"] == {
        "id": "n1",
        "notify_template_id": "t",
        "created_at": "2025-06-01T00:00:00Z",
    }


def test_a_field_may_be_named_twice_as_the_pages_sample_does(world):
    query = {"fields[EcommerceUnifiedReturn]": "order_created_at_epoch,state,order_created_at_epoch"}
    assert set(world.ask(RETURNS, query).json()["data"][0]["attributes"]) == {
        "order_created_at_epoch",
        "state",
    }


def test_fields_of_an_included_type_are_selected_too(world):
    query = {"include": "customer", "fields[EcommerceCustomer]": "customer_id"}
    included = world.ask(RETURNS, query).json()["included"]
    assert [set(each["attributes"]) for each in included] == [{"customer_id"}, {"customer_id"}]


def test_additional_fields_are_added_to_the_usual_when_switched(world):
    world.sandbox.switches["yofi.fields"] = "additional"
    plain = world.ask(CLAIMS).json()["data"][0]["attributes"]
    more = world.ask(CLAIMS, {"fields[Claim]": "claim_items"}).json()["data"][0]["attributes"]
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
def test_unknown_parameters_fields_and_relations_are_400(world, path, params):
    world.refused(path, params)


def test_unknown_parameters_can_be_ignored_by_switch(world):
    world.sandbox.switches["yofi.unknown_parameter"] = "ignore"
    assert len(world.ids(CLAIMS, {"since": "2026"})) == 10


def test_included_resources_appear_once_each_and_are_linked(world):
    body = world.ask(RETURNS, {"include": "customer,order,return_predictions,return_analytics,app"}).json()
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


def test_without_include_nothing_is_included_or_linked(world):
    body = world.ask(RETURNS).json()
    assert "included" not in body
    assert all("relationships" not in each for each in body["data"])


# One customer, bodies, errors


@pytest.mark.parametrize("id_", ["7001", "cust-1"])
def test_a_customer_is_found_by_the_stores_id_or_its_own(world, id_):
    body = world.ask(f"/ecommerce/customers/{id_}", {"include": "customer_predictions"}).json()
    assert body["data"]["attributes"]["first_name"] == "Žofie"
    assert [each["id"] for each in body["included"]] == ["cp1"]


@pytest.mark.parametrize("status", [404, 400])
def test_an_unknown_customer_is_404_or_400_by_switch(world, status):
    world.sandbox.switches["yofi.unknown_customer"] = status
    assert world.ask("/ecommerce/customers/1").status_code == status


def test_the_other_house_style_has_a_trace_id_and_always_a_list(world):
    world.sandbox.switches["yofi.body"] = "trace"
    body = world.ask("/ecommerce/customers/7001").json()
    assert set(body) == {"trace_id", "data"}
    assert [each["id"] for each in body["data"]] == ["cust-1"]
    assert isinstance(world.ask(CLAIMS).json()["trace_id"], str)


def test_the_media_type_is_a_switch(world):
    assert world.ask(CLAIMS).headers["content-type"] == "application/json"
    world.sandbox.switches["yofi.media_type"] = "application/vnd.api+json"
    assert world.ask(CLAIMS).headers["content-type"] == "application/vnd.api+json"


def test_errors_have_the_shape_switched(world):
    def body(shape: str) -> httpx.Response:
        world.sandbox.switches["yofi.errors"] = shape
        return world.ask(CLAIMS, {"page[size]": "0"})

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
