"""Yofi's lists: paths, pages, drift and the two filters."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

SHOP = "a.myshopify.com"
CLAIMS = "/ecommerce/claims/"
CUSTOMERS = "/ecommerce/customers/"
RETURNS = "/ecommerce/unified-returns/"
EVENTS = "/ecommerce/notification-events/"
PREDICTION_FILTER = "filter[EcommerceUnifiedReturnPrediction]"


# Paths


@pytest.mark.parametrize("path", [CLAIMS, CUSTOMERS, RETURNS, EVENTS, "/ecommerce/customers/7001"])
def test_the_trailing_slash_is_optional(yofi, path):
    assert yofi.request(path.rstrip("/")).status_code == 200
    assert yofi.request(path.rstrip("/") + "/").status_code == 200


def test_a_wrong_trailing_slash_is_redirected_by_switch(yofi):
    yofi.sandbox.switches["yofi.trailing_slash"] = "redirect"
    response = yofi.request(CLAIMS.rstrip("/"), {"page[size]": "2"})
    assert response.status_code == 307
    assert urlsplit(response.headers["location"]).path == "/yofi/ecommerce/claims/"
    assert parse_qs(urlsplit(response.headers["location"]).query) == {"page[size]": ["2"]}
    assert yofi.request(CLAIMS).status_code == 200
    removed = yofi.request("/ecommerce/customers/7001/")
    assert (removed.status_code, urlsplit(removed.headers["location"]).path) == (
        307,
        "/yofi/ecommerce/customers/7001",
    )


def test_paths_are_switches(yofi):
    yofi.sandbox.switches["yofi.path.returns.list"] = "/ecommerce/returns/"
    assert len(yofi.ids("/ecommerce/returns/")) == 4
    assert yofi.request(RETURNS).status_code == 404


def test_an_unknown_path_is_404_and_a_write_is_405(yofi):
    assert yofi.request("/ecommerce/nothing/").status_code == 404
    assert yofi.request(CLAIMS, method="POST").status_code == 405


def test_each_operation_is_counted_by_its_name(yofi):
    for path in (CLAIMS, CUSTOMERS, "/ecommerce/customers/7001", RETURNS, EVENTS):
        yofi.request(path)
    names = ["claims.list", "customers.list", "customers.get", "returns.list", "notification_events.list"]
    assert yofi.sandbox.calls == {f"yofi/{SHOP}/{name}": 1 for name in names}


# Pages


def test_a_page_has_ten_records_by_default(yofi):
    assert len(yofi.ids(CLAIMS)) == 10
    assert yofi.ids(CLAIMS, {"page[number]": "2"}) == ["c10", "c11"]
    assert yofi.ids(CLAIMS, {"page[number]": "9"}) == []


def test_pages_cover_every_record_once(yofi):
    ids = [id_ for n in (1, 2, 3) for id_ in yofi.ids(CLAIMS, {"page[size]": "5", "page[number]": str(n)})]
    assert ids == [f"c{n:02}" for n in range(12)]


@pytest.mark.parametrize("value", ["0", "-1", "ten", "", "1.5", "101", "٣"])
def test_a_page_size_out_of_range_is_400(yofi, value):
    assert "page[size]" in yofi.error_detail(CLAIMS, {"page[size]": value})


def test_the_largest_page_size_is_a_switch(yofi):
    assert yofi.request(CLAIMS, {"page[size]": "100"}).status_code == 200
    yofi.sandbox.switches["yofi.page_size_max"] = 20
    assert yofi.request(CLAIMS, {"page[size]": "21"}).status_code == 400


def test_a_page_number_below_one_is_400(yofi):
    assert "page[number]" in yofi.error_detail(CLAIMS, {"page[number]": "0"})


def test_links_lead_to_the_next_page_and_keep_the_query(yofi):
    query = {"page[size]": "5", "filter": "created_at_epoch>=102", "sort": "-created_at_epoch"}
    response = yofi.request(CLAIMS, query).json()
    ids = [each["id"] for each in response["data"]]
    while following := response["links"].get("next"):
        response = yofi.request(following).json()
        ids += [each["id"] for each in response["data"]]
    assert ids == [f"c{n:02}" for n in range(11, 1, -1)]
    assert response["meta"]["page"] == {"number": 2, "size": 5, "totalRecords": 10, "totalPages": 2}


def test_meta_and_links_can_be_switched_off(yofi):
    yofi.sandbox.switches |= {"yofi.meta": False, "yofi.links": False}
    assert set(yofi.request(CLAIMS).json()) == {"data"}


def test_drift_adds_a_newer_record_before_the_second_page(yofi):
    yofi.sandbox.switches["yofi.drift"] = True
    query = {"page[size]": "5", "sort": "-created_at_epoch"}
    first = yofi.ids(CLAIMS, query)
    second = yofi.ids(CLAIMS, query | {"page[number]": "2"})
    assert first[-1] == second[0], "the newest record moved the last one of page 1 to page 2"
    third = yofi.ids(CLAIMS, query | {"page[number]": "3"})
    assert second[-1] == third[0]
    assert len(yofi.ids(CLAIMS, {"page[size]": "50"})) == 14


@pytest.mark.parametrize("path", [CUSTOMERS, RETURNS, EVENTS])
def test_drift_works_in_every_list(yofi, path):
    yofi.sandbox.switches["yofi.drift"] = True
    before = len(yofi.ids(path))
    yofi.ids(path, {"page[number]": "2"})
    assert len(yofi.ids(path)) == before + 1


@pytest.mark.parametrize("path", [CUSTOMERS, RETURNS, EVENTS])
def test_removal_deletes_the_first_record_before_the_second_page(yofi, path):
    yofi.sandbox.switches["yofi.removal"] = True
    before = yofi.ids(path, {"page[size]": "2"})
    second = yofi.ids(path, {"page[size]": "2", "page[number]": "2"})
    assert yofi.ids(path, {"page[size]": "2"})[0] == before[1]
    assert before[1] not in second


def test_the_sort_order_is_ignored_by_switch(yofi):
    query = {"page[size]": "50", "sort": "-created_at_epoch"}
    sorted_ids = yofi.ids(CLAIMS, query)
    yofi.sandbox.switches["yofi.sort"] = "ignore"
    assert yofi.ids(CLAIMS, query) == sorted_ids[::-1]


@pytest.mark.parametrize(("switch", "expected"), [("accept", ["cust-2", "cust-3"]), ("first", ["cust-2"])])
def test_a_filter_by_several_customers_may_use_the_first_only(yofi, switch, expected):
    yofi.sandbox.switches["yofi.customers_or"] = switch
    assert yofi.ids(CUSTOMERS, {"filter": "customer_id==7002,customer_id==7003"}) == expected


def test_a_filter_by_several_customers_may_be_refused(yofi):
    yofi.sandbox.switches["yofi.customers_or"] = "refuse"
    assert "alternatives" in yofi.error_detail(CUSTOMERS, {"filter": "customer_id==7002,customer_id==7003"})
    assert yofi.ids(CUSTOMERS, {"filter": "customer_id==7002"}) == ["cust-2"]


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
def test_lists_are_filtered_by_rsql(yofi, path, expression, expected):
    assert yofi.ids(path, {"filter": expression}) == expected


@pytest.mark.parametrize(
    ("path", "expression", "detail"),
    [
        (CLAIMS, "customer_id==1", "not supported"),
        (CLAIMS, "created_at_epoch>=soon", "whole number"),
        (CLAIMS, "created_at_epoch>=", "Encountered"),
        (CUSTOMERS, "email=='1@example.com'", "not supported"),  # the sample of Yofi's documentation
        (CUSTOMERS, "customer_id=in=(7001,7002)", "not supported"),
        (CUSTOMERS, "customer_id=gt=7001", "not supported"),
        (RETURNS, "order_created_at_epoch>5", "not supported"),  # returns have no time filter
        (RETURNS, "return_created_at_epoch>5", "not supported"),
        (EVENTS, "created_at>=1746757960x", "ISO 8601"),
    ],
)
def test_an_unsupported_filter_is_400(yofi, path, expression, detail):
    assert detail in yofi.error_detail(path, {"filter": expression})


def test_an_unencoded_plus_sign_is_read_as_a_space_and_refused(yofi):
    response = yofi.request(f"{EVENTS}?filter=created_at>=2025-06-02T00:00:00+00:00")
    assert response.status_code == 400
    assert yofi.ids(EVENTS, {"filter": "created_at>=2025-06-02T02:00:00+02:00"}) == ["n2", "n3"]


def test_the_prediction_filter_drops_included_predictions_and_keeps_the_returns(yofi):
    query = {
        "include": "return_predictions",
        PREDICTION_FILTER: "(prediction_category==drop_off_fraud;predicted_value>0.9)",
    }
    body = yofi.request(RETURNS, query).json()
    assert [each["id"] for each in body["data"]] == ["r1", "r2", "r3", "r4"]
    assert sorted(each["id"] for each in body["included"]) == ["p1", "p4"]
    linked = [each["relationships"]["return_predictions"]["data"] for each in body["data"]]
    assert [[one["id"] for one in each] for each in linked] == [["p1"], [], [], ["p4"]]


def test_the_prediction_filter_drops_returns_by_switch(yofi):
    yofi.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    assert yofi.ids(RETURNS, {PREDICTION_FILTER: "prediction_category==drop_off_fraud;predicted_value>0.9"}) == [
        "r1",
        "r4",
    ]


def test_a_return_stays_only_if_one_prediction_satisfies_the_expression(yofi):
    yofi.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    assert yofi.ids(RETURNS, {PREDICTION_FILTER: "prediction_category==return_abuse;predicted_value<0.5"}) == []


def test_both_filters_work_together(yofi):
    yofi.sandbox.switches["yofi.prediction_filter_semantics"] = "returns"
    query = {"filter": "state==requested", PREDICTION_FILTER: "predicted_value>0.9"}
    assert yofi.ids(RETURNS, query) == ["r1"]


def test_the_name_of_the_prediction_filter_is_a_switch(yofi):
    yofi.sandbox.switches["yofi.prediction_filter"] = "filter[return_predictions]"
    assert yofi.request(RETURNS, {"filter[return_predictions]": "predicted_value>0"}).status_code == 200
    assert "Unknown parameter" in yofi.error_detail(RETURNS, {PREDICTION_FILTER: "predicted_value>0"})


def test_the_prediction_filter_has_its_own_selectors(yofi):
    assert "not supported" in yofi.error_detail(RETURNS, {PREDICTION_FILTER: "severity==high"})
    assert "Unknown parameter" in yofi.error_detail(CUSTOMERS, {PREDICTION_FILTER: "predicted_value>0"})
