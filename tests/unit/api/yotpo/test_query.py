"""Yotpo's lists: their cursors, their ends, their windows, and the lists below orders and products."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from airflow_provider_partners.api.yotpo.client import RESOURCES, YotpoClient
from airflow_provider_partners.exceptions import ConfigurationError, NotFoundError, UnexpectedResponseError

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)


class Lists:
    """Answers lists page by page; remembers path and query of each."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        self.asked.append((request.url.path.removeprefix("/core/v3/stores/STORE"), dict(request.url.params)))
        return httpx.Response(200, json=self.pages.pop(0))


def client(handler: Callable[[httpx.Request], httpx.Response]) -> YotpoClient:
    return YotpoClient(
        store_id="STORE", secret="the-secret", requests_per_second=1000, handler=httpx.MockTransport(handler)
    )


def order(number: int, date: str | None = "2026-05-01T10:00:00") -> dict[str, Any]:
    return {"yotpo_id": number, "external_id": str(number), **({"order_date": date} if date else {})}


@pytest.mark.parametrize("end", [{}, {"next_page_info": None}, {"next_page_info": ""}])
def test_a_list_is_read_to_its_end_in_either_style(end: dict[str, Any]) -> None:
    lists = Lists(
        {"products": [{"yotpo_id": 1}], "pagination": {"next_page_info": "abc"}},
        {"products": [{"yotpo_id": 2}], "pagination": end},
    )

    assert [row["yotpo_id"] for row in client(lists).extract("products", page_size=50).records()] == [1, 2]
    assert lists.asked == [("/products", {"limit": "50"}), ("/products", {"page_info": "abc", "limit": "50"})]


def test_a_list_without_pagination_ends() -> None:
    assert list(client(Lists({"customers": []})).extract("customers").records()) == []


def test_an_encoded_cursor_is_decoded_once() -> None:
    lists = Lists(
        {"customers": [{"external_id": "1"}], "pagination": {"next_page_info": "a%3D%3D%2Fb"}},
        {"customers": [{"external_id": "2"}], "pagination": {}},
    )

    list(client(lists).extract("customers").records())

    assert lists.asked[1][1]["page_info"] == "a==/b"


def test_the_filters_of_a_window_are_sent_with_the_first_page_alone() -> None:
    lists = Lists(
        {"orders": [order(1)], "pagination": {"next_page_info": "abc"}}, {"orders": [order(2)], "pagination": {}}
    )

    extraction = client(lists).extract("orders", since=SINCE, until=UNTIL)
    list(extraction.records())

    assert lists.asked[0][1] == {
        "order_date_min": "2026-05-01T00:00:00Z",
        "order_date_max": "2026-05-02T00:00:00Z",
        "limit": "100",
    }
    assert lists.asked[1][1] == {"page_info": "abc", "limit": "100"}
    assert extraction.window is not None


def test_orders_outside_of_the_window_are_left_out_whatever_the_server_makes_of_its_filters() -> None:
    rows = [
        order(1, "2026-04-30T23:59:59"),
        order(2, "2026-05-01T00:00:00"),
        order(3, "2026-05-01T23:59:59"),
        order(4, "2026-05-02T00:00:00"),
        order(5, None),
    ]
    found = client(Lists({"orders": rows})).extract("orders", since=SINCE, until=UNTIL).records()

    assert [row["yotpo_id"] for row in found] == [2, 3, 5]


def test_bounds_within_a_second_are_asked_wider_and_met_exactly() -> None:
    lists = Lists({"orders": [order(1, "2026-05-01T10:00:00"), order(2, "2026-05-01T10:00:01")]})
    since = datetime(2026, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)
    until = datetime(2026, 5, 1, 10, 0, 1, 500_000, tzinfo=UTC)

    found = client(lists).extract("orders", since=since, until=until).records()

    assert [row["yotpo_id"] for row in found] == [2]
    assert lists.asked[0][1]["order_date_min"] == "2026-05-01T10:00:00Z"
    assert lists.asked[0][1]["order_date_max"] == "2026-05-01T10:00:02Z"


def test_orders_are_matched_by_external_ids_in_batches() -> None:
    ids = [str(number) for number in range(1, 151)]
    lists = Lists(
        {"orders": [order(number) for number in range(1, 100)], "pagination": {}},
        {"orders": [order(150)], "pagination": {}},
    )

    extraction = client(lists).extract("orders", match={"external_id": ids})

    assert [row["external_id"] for row in extraction.records()] == [*ids[:99], "150"]
    assert [len(query["external_ids"].split(",")) for _, query in lists.asked] == [100, 50]


def test_fulfillments_and_variants_are_read_below_known_ids() -> None:
    lists = Lists(
        {"fulfillments": [{"id": 1, "order_id": 7}], "pagination": {}},
        {"fulfillments": [{"id": 2, "order_id": 8}], "pagination": {}},
    )
    found = list(client(lists).extract("fulfillments", match={"order_id": [7, 8, 7]}).records())
    assert [row["yotpo_id"] for row in found] == [1, 2]
    assert [path for path, _ in lists.asked] == ["/orders/7/fulfillments", "/orders/8/fulfillments"]

    lists = Lists({"variants": [{"yotpo_id": 3}], "pagination": {"next_page_info": None}})
    assert list(client(lists).extract("variants", match={"product_id": ["9"]}).records()) == [{"yotpo_id": 3}]
    assert lists.asked == [("/products/9/variants", {"limit": "100"})]


def test_no_ids_give_no_rows_and_no_request() -> None:
    lists = Lists()

    assert list(client(lists).extract("fulfillments", match={"order_id": []}).records()) == []
    assert list(client(lists).extract("orders", match={"external_id": []}).records()) == []
    assert lists.asked == []


def test_a_parent_that_is_gone_stops_the_walk() -> None:
    def gone(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        return httpx.Response(404, json={"errors": [{"message": "order not found"}]})

    with pytest.raises(NotFoundError):
        list(client(gone).extract("fulfillments", match={"order_id": [7]}).records())


@pytest.mark.parametrize(
    ("resource", "options", "named"),
    [
        ("reviews", {}, "no resource 'reviews'.*orders, products"),
        ("fulfillments", {}, r"read below known ids.*match=\{'order_id': ids\}"),
        ("variants", {"match": {"order_id": [1]}}, "can't be matched on order_id.*product_id"),
        ("customers", {"match": {"external_id": ["1"]}}, "can't be matched on external_id.*nothing"),
        ("orders", {"match": {"external_id": "1"}}, "text instead of a list"),
        ("orders", {"match": {"external_id": ["1"], "order_id": [1]}}, "can't be matched on external_id and order_id"),
        ("orders", {"match": {"external_id": ["1"]}, "since": SINCE}, "by time and ids at once"),
        ("products", {"since": SINCE}, "can't be asked for by time"),
        ("orders", {"page_size": 101}, "page_size=101.*1 to 100"),
    ],
)
def test_what_yotpo_does_not_take_is_refused_before_it_is_sent(
    resource: str, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        client(Lists()).extract(resource, **options)


def test_the_fingerprint_tells_stores_windows_and_ids_apart() -> None:
    yotpo = client(Lists())
    questions = [
        yotpo.extract("orders"),
        yotpo.extract("orders", since=SINCE),
        yotpo.extract("orders", match={"external_id": ["1"]}),
        yotpo.extract("orders", match={"external_id": ["2"]}),
        yotpo.extract("products"),
        YotpoClient(store_id="OTHER", secret="the-secret").extract("orders"),
    ]

    assert len({one.fingerprint for one in questions}) == len(questions)
    assert yotpo.extract("orders").fingerprint == questions[0].fingerprint


def test_an_answer_without_its_list_is_told() -> None:
    with pytest.raises(UnexpectedResponseError, match="'orders'"):
        list(client(Lists({"order": {}})).extract("orders").records())


def test_only_orders_can_be_asked_by_time() -> None:
    assert [name for name, row in RESOURCES.items() if row.time_field] == ["orders"]
