"""Extractions of Yotpo's lists: pages, time ranges, ids, and the lists of one order or product."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.yotpo import RESOURCES, YotpoClient
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    NotFoundError,
    RejectedError,
    UnexpectedResponseError,
)

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)


class FakeLists:
    """Returns lists page by page, and remembers path and query of each request."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.requests: list[tuple[str, dict[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        self.requests.append((request.url.path.removeprefix("/core/v3/stores/STORE"), dict(request.url.params)))
        return httpx.Response(200, json=self.pages.pop(0))


def client(handler: Callable[[httpx.Request], httpx.Response]) -> YotpoClient:
    return YotpoClient(
        store_id="STORE",
        secret="the-secret",
        requests_per_second=1000,
        options=ClientOptions(handler=httpx.MockTransport(handler)),
    )


def order(number: int, date: str | None = "2026-05-01T10:00:00") -> dict[str, Any]:
    return {"yotpo_id": number, "external_id": str(number), **({"order_date": date} if date else {})}


@pytest.mark.parametrize("end", [{}, {"next_page_info": None}, {"next_page_info": ""}])
def test_a_list_is_read_to_its_end_in_either_style(end: dict[str, Any]) -> None:
    lists = FakeLists(
        {"products": [{"yotpo_id": 1}], "pagination": {"next_page_info": "abc"}},
        {"products": [{"yotpo_id": 2}], "pagination": end},
    )

    assert [row["yotpo_id"] for row in client(lists).extract("products", page_size=50).records()] == [1, 2]
    assert lists.requests == [("/products", {"limit": "50"}), ("/products", {"page_info": "abc", "limit": "50"})]


def test_a_list_without_pagination_ends() -> None:
    assert list(client(FakeLists({"customers": []})).extract("customers").records()) == []


def test_an_encoded_cursor_is_decoded_once() -> None:
    lists = FakeLists(
        {"customers": [{"external_id": "1"}], "pagination": {"next_page_info": "a%3D%3D%2Fb"}},
        {"customers": [{"external_id": "2"}], "pagination": {}},
    )

    list(client(lists).extract("customers").records())

    assert lists.requests[1][1]["page_info"] == "a==/b"


def test_only_the_first_page_sends_the_filters_of_a_time_range() -> None:
    lists = FakeLists(
        {"orders": [order(1)], "pagination": {"next_page_info": "abc"}}, {"orders": [order(2)], "pagination": {}}
    )

    extraction = client(lists).extract("orders", since=SINCE, until=UNTIL)
    list(extraction.records())

    assert lists.requests[0][1] == {
        "order_date_min": "2026-05-01T00:00:00Z",
        "order_date_max": "2026-05-02T00:00:00Z",
        "limit": "100",
    }
    assert lists.requests[1][1] == {"page_info": "abc", "limit": "100"}
    assert extraction.window is not None


def test_orders_outside_the_time_range_are_left_out_if_the_server_ignores_its_filters() -> None:
    rows = [
        order(1, "2026-04-30T23:59:59"),
        order(2, "2026-05-01T00:00:00"),
        order(3, "2026-05-01T23:59:59"),
        order(4, "2026-05-02T00:00:00"),
        order(5, None),
    ]
    found = client(FakeLists({"orders": rows})).extract("orders", since=SINCE, until=UNTIL).records()

    assert [row["yotpo_id"] for row in found] == [2, 3, 5]


def test_fractions_of_a_second_widen_the_filters_and_the_result_is_exact() -> None:
    lists = FakeLists({"orders": [order(1, "2026-05-01T10:00:00"), order(2, "2026-05-01T10:00:01")]})
    since = datetime(2026, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    until = datetime(2026, 5, 1, 10, 0, 1, 500_000, tzinfo=UTC)

    found = client(lists).extract("orders", since=since, until=until).records()

    assert [row["yotpo_id"] for row in found] == [2]
    assert lists.requests[0][1]["order_date_min"] == "2026-05-01T10:00:00Z"
    assert lists.requests[0][1]["order_date_max"] == "2026-05-01T10:00:02Z"


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"),
        ("2026-05-01", "2026-05-02"),
        ("2026-05-01T02:00:00+02:00", UNTIL),
    ],
)
def test_a_time_range_may_be_text_or_datetimes(since: str, until: str | datetime) -> None:
    extraction = client(FakeLists()).extract("orders", since=since, until=until)

    assert extraction.fingerprint == client(FakeLists()).extract("orders", since=SINCE, until=UNTIL).fingerprint


@pytest.mark.parametrize("text", ["2026-05-01T10:20:30", "2026-05-01T10:20:30Z", "2026-05-01T12:20:30+02:00"])
def test_an_order_date_without_a_zone_is_utc(text: str) -> None:
    at = datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC)
    lists = FakeLists({"orders": [order(1, text)]}, {"orders": [order(1, text)]})
    yotpo = client(lists)

    assert list(yotpo.extract("orders", since=at, until=UNTIL).records())
    assert not list(yotpo.extract("orders", since=SINCE, until=at).records())


def test_an_order_date_that_is_no_timestamp_is_an_error() -> None:
    with pytest.raises(UnexpectedResponseError, match="order_date is no timestamp"):
        list(client(FakeLists({"orders": [order(1, "yesterday")]})).extract("orders", since=SINCE).records())


def test_orders_are_matched_by_external_ids_in_batches() -> None:
    ids = [str(number) for number in range(1, 151)]
    lists = FakeLists(
        {"orders": [order(number) for number in range(1, 100)], "pagination": {}},
        {"orders": [order(150)], "pagination": {}},
    )

    extraction = client(lists).extract("orders", match={"external_id": ids})

    assert [row["external_id"] for row in extraction.records()] == [*ids[:99], "150"]
    assert [len(query["external_ids"].split(",")) for _, query in lists.requests] == [100, 50]


def test_fulfillments_and_variants_are_read_by_the_ids_of_their_parents() -> None:
    lists = FakeLists(
        {"fulfillments": [{"id": 1, "order_id": 7}], "pagination": {}},
        {"fulfillments": [{"id": 2, "order_id": 8}], "pagination": {}},
    )
    found = list(client(lists).extract("fulfillments", match={"order_id": [7, 8, 7]}).records())
    assert [row["yotpo_id"] for row in found] == [1, 2]
    assert [path for path, _ in lists.requests] == ["/orders/7/fulfillments", "/orders/8/fulfillments"]

    lists = FakeLists({"variants": [{"yotpo_id": 3}], "pagination": {"next_page_info": None}})
    assert list(client(lists).extract("variants", match={"product_id": ["9"]}).records()) == [{"yotpo_id": 3}]
    assert lists.requests == [("/products/9/variants", {"limit": "100"})]


def test_no_ids_give_no_records_and_no_request() -> None:
    lists = FakeLists()

    assert list(client(lists).extract("fulfillments", match={"order_id": []}).records()) == []
    assert list(client(lists).extract("orders", match={"external_id": []}).records()) == []
    assert lists.requests == []


def test_an_unknown_parent_stops_the_extraction() -> None:
    def not_found(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        return httpx.Response(404, json={"errors": [{"message": "order not found"}]})

    with pytest.raises(NotFoundError):
        list(client(not_found).extract("fulfillments", match={"order_id": [7]}).records())


@pytest.mark.parametrize(
    ("resource", "options", "problem"),
    [
        ("returns", {}, "no resource 'returns'.*orders, products"),
        ("fulfillments", {}, r"can only be read by 'order_id'.*match=\{'order_id': ids\}"),
        ("variants", {"match": {"order_id": [1]}}, "can't be matched on order_id.*product_id"),
        ("customers", {"match": {"external_id": ["1"]}}, "can't be matched on external_id.*nothing"),
        ("orders", {"match": {"external_id": "1"}}, "text instead of a list"),
        ("orders", {"match": {"external_id": ["1"], "order_id": [1]}}, "can't be matched on external_id and order_id"),
        ("orders", {"match": {"external_id": ["1"]}, "since": SINCE}, "filtered by time and ids at once"),
        ("products", {"since": SINCE}, "'products' can't be filtered by time"),
        ("orders", {"page_size": 101}, "page_size=101.*1 to 100"),
    ],
)
def test_arguments_that_a_list_does_not_take_are_refused_before_a_request(
    resource: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        client(FakeLists()).extract(resource, **options)


def test_the_fingerprint_differs_by_store_time_range_and_ids() -> None:
    yotpo = client(FakeLists())
    extractions = [
        yotpo.extract("orders"),
        yotpo.extract("orders", since=SINCE),
        yotpo.extract("orders", match={"external_id": ["1"]}),
        yotpo.extract("orders", match={"external_id": ["2"]}),
        yotpo.extract("products"),
        YotpoClient(store_id="OTHER", secret="the-secret").extract("orders"),
    ]

    assert len({extraction.fingerprint for extraction in extractions}) == len(extractions)
    assert yotpo.extract("orders").fingerprint == extractions[0].fingerprint


def test_a_response_without_its_list_is_an_error() -> None:
    with pytest.raises(UnexpectedResponseError, match="'orders'"):
        list(client(FakeLists({"order": {}}, {"order": {}}, {"order": {}})).extract("orders").records())


def test_orders_and_reviews_have_a_time_field() -> None:
    assert {name: resource.time_field for name, resource in RESOURCES.items() if resource.time_field} == {
        "orders": "order_date",
        "reviews": "updated_at",
    }


def test_reviews_are_read_from_the_older_api_until_a_page_is_empty() -> None:
    """Path, parameters and shape: https://apidocs.yotpo.com/reference (retrieve all reviews)."""
    api = FakeLists(
        {"reviews": [{"id": 2, "updated_at": "2026-05-01T09:00:00.000Z"}, {"id": 1, "updated_at": None}]},
        {"reviews": [{"id": 3, "updated_at": "2026-05-02T00:00:00.000Z"}]},
        {"reviews": []},
    )

    records = list(client(api).extract("reviews", since=SINCE, until=UNTIL, page_size=2).records())

    assert [record["id"] for record in records] == [2, 1]
    assert "yotpo_id" not in records[0]
    assert [path for path, _ in api.requests] == ["/v1/apps/STORE/reviews"] * 3
    query = {"utoken": "token", "since_updated_at": "2026-05-01T00:00:00Z", "count": "2"}
    assert [params for _, params in api.requests] == [{**query, "page": str(page)} for page in (1, 2, 3)]


def test_a_gateways_json_is_no_page_of_reviews() -> None:
    api = FakeLists({"message": "OK"}, {"reviews": [{"id": 1, "updated_at": None}]}, {"reviews": []})

    assert [record["id"] for record in client(api).extract("reviews").records()] == [1]


def test_reviews_may_be_read_by_their_creation() -> None:
    api = FakeLists({"reviews": []})

    list(client(api).extract("reviews", since="2026-05-01T22:00:00+09:00", time_field="created_at").records())

    ((_, params),) = api.requests
    assert params["since_date"] == "2026-05-01"
    assert "since_updated_at" not in params


def test_unsubscribers_are_read_by_pages_of_a_thousand() -> None:
    """Path and shape: https://apidocs.yotpo.com/reference (retrieve a list of unsubscribers)."""
    api = FakeLists({"response": {"unsubscribers": [{"id": 1}]}}, {"response": {"unsubscribers": []}})

    assert list(client(api).extract("unsubscribers").records()) == [{"id": 1}]
    assert api.requests[0] == ("/apps/STORE/unsubscribers", {"utoken": "token", "page": "1", "count": "1000"})


@pytest.mark.parametrize(
    ("resource", "name", "problem"),
    [
        ("reviews", "update_at", "'reviews' can't be filtered by 'update_at': did you mean 'updated_at'"),
        ("unsubscribers", "updated_at", "Leave 'time_field' out"),
    ],
)
def test_another_time_field_is_refused(resource: str, name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client(FakeLists()).extract(resource, time_field=name)
    assert problem in str(caught.value)


def test_a_token_in_a_url_is_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "a-very-secret-token"})
        assert "x-yotpo-token" not in request.headers
        assert request.url.params["utoken"] == "a-very-secret-token"
        return httpx.Response(400, text=f"no such page: {request.url}")

    caplog.set_level("DEBUG")
    with pytest.raises(RejectedError) as caught:
        list(client(respond).extract("reviews").records())

    assert "a-very-secret-token" not in f"{caught.value} {caught.value.__dict__} {caplog.text}"
    assert "utoken" in str(caught.value)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_in_a_url_is_renewed(status: int) -> None:
    tokens = iter(["old", "new"])

    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": next(tokens)})
        if request.url.params["utoken"] == "old":
            return httpx.Response(status)
        return httpx.Response(200, json={"reviews": []})

    assert list(client(respond).extract("reviews").records()) == []
