"""Yotpo's client: tokens, writes, look-ups, and what its refusals mean. Bodies as in recorded exchanges."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.yotpo.client import UnknownProductsError, YotpoClient, parse_yotpo_time
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnexpectedResponseError,
)

ROOT = "/core/v3/stores/STORE"
BIG = 4_294_967_296_123


class Store:
    """Gives a token, and answers everything else by a function; remembers the requests besides those for tokens."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | httpx.Response) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.exchanges: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/access_tokens", "/oauth/token")):
            self.exchanges.append(request)
            return httpx.Response(200, json={"access_token": f"token-{len(self.exchanges)}"})
        self.requests.append(request)
        return self.answer(request) if callable(self.answer) else self.answer

    @property
    def sent(self) -> tuple[str, str, Any]:
        """Method, path and body of the last request."""
        last = self.requests[-1]
        return last.method, last.url.path, json.loads(last.content) if last.content else None


def client(store: Callable[[httpx.Request], httpx.Response], **options: Any) -> YotpoClient:
    given = {"store_id": "STORE", "secret": "the-api-secret", "clock": TurningClock(), "requests_per_second": 1000.0}
    return YotpoClient(handler=httpx.MockTransport(store), **{**given, **options})


def refusal(status: int, *messages: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"errors": [{"message": text} for text in messages]}, headers=named)


# --- tokens


def test_the_secret_is_exchanged_for_a_token_once_and_the_token_sent_with_every_call() -> None:
    told: list[str] = []
    store = Store(httpx.Response(200, json={"order": {"yotpo_id": 5}}))
    yotpo = client(store, on_secret=told.append)

    yotpo.order(5)
    yotpo.order(5)

    [exchange] = store.exchanges
    assert (exchange.method, exchange.url.path) == ("POST", f"{ROOT}/access_tokens")
    assert json.loads(exchange.content) == {"secret": "the-api-secret"}
    assert "x-yotpo-token" not in exchange.headers
    assert [request.headers["x-yotpo-token"] for request in store.requests] == ["token-1", "token-1"]
    assert told[:2] == ["the-api-secret", "token-1"]


def test_the_token_may_come_from_the_oauth_endpoint() -> None:
    store = Store(httpx.Response(200, json={"order": {"yotpo_id": 5}}))

    client(store, auth="oauth").order(5)

    [exchange] = store.exchanges
    assert exchange.url.path == "/oauth/token"
    assert json.loads(exchange.content) == {
        "client_id": "STORE",
        "client_secret": "the-api-secret",
        "grant_type": "client_credentials",
    }
    assert store.requests[0].headers["x-yotpo-token"] == "token-1"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["x-yotpo-token"] == "token-1":
            return refusal(status, "The access token is invalid")
        return httpx.Response(200, json={"order": {"yotpo_id": 5}})

    store = Store(answer)

    assert client(store).order(5) == {"yotpo_id": 5}
    assert len(store.exchanges) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_again_ends_the_call(status: int) -> None:
    store = Store(refusal(status, "no"))

    with pytest.raises(AuthenticationError, match=r"Check .*store id \(login\) and API secret \(password\)"):
        client(store).order(5)
    assert len(store.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_exchange_is_a_matter_of_credentials(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return refusal(status, "bad secret the-api-secret")

    with pytest.raises(AuthenticationError, match=r"API secret \(password\) of the connection") as caught:
        client(answer).order(5)
    assert "the-api-secret" not in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, ["x"]])
def test_an_exchange_without_a_token_is_told(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="an answer without one"):
        client(lambda request: httpx.Response(200, json=body)).order(5)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"auth": "magic"}, "auth='magic' is unknown"),
        ({"secret": ""}, "both needed"),
        ({"store_id": ""}, "both needed"),
    ],
)
def test_a_wrong_connection_is_refused(options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        client(Store(httpx.Response(200)), **options)


def test_the_secret_and_the_token_show_up_nowhere() -> None:
    store = Store(lambda request: refusal(400, f"what is {request.headers['x-yotpo-token']}, the-api-secret?"))
    yotpo = client(store)

    with pytest.raises(RejectedError) as caught:
        yotpo.create_order({})
    assert "token-1" not in str(caught.value)
    assert "the-api-secret" not in f"{caught.value}{yotpo!r}{vars(yotpo)!r}"


# --- writing


def test_creating_wraps_the_payload_and_gives_the_id_which_may_be_long() -> None:
    order, line = {"external_id": "1001"}, {"external_id": "f-1"}
    store = Store(httpx.Response(201, json={"order": {"yotpo_id": BIG}}))
    assert client(store).create_order(order) == BIG
    assert store.sent == ("POST", f"{ROOT}/orders", {"order": order})

    store = Store(httpx.Response(201, json={"product": {"yotpo_id": BIG}}))
    assert client(store).create_product(order) == BIG
    assert store.sent == ("POST", f"{ROOT}/products", {"product": order})

    store = Store(httpx.Response(201, json={"fulfillment": {"yotpo_id": BIG}}))
    assert client(store).create_fulfillment(7, line) == BIG
    assert store.sent == ("POST", f"{ROOT}/orders/7/fulfillments", {"fulfillment": line})


@pytest.mark.parametrize("status", [200, 204])
def test_updating_expects_no_body(status: int) -> None:
    store = Store(httpx.Response(status))
    yotpo = client(store)

    yotpo.update_order(BIG, {"order_name": "x"})
    assert store.sent == ("PATCH", f"{ROOT}/orders/{BIG}", {"order": {"order_name": "x"}})
    yotpo.update_product(7, {"name": "x"})
    assert store.sent == ("PATCH", f"{ROOT}/products/7", {"product": {"name": "x"}})
    yotpo.update_fulfillment(7, 8, {"status": "success"})
    assert store.sent == ("PATCH", f"{ROOT}/orders/7/fulfillments/8", {"fulfillment": {"status": "success"}})


@pytest.mark.parametrize("body", [{}, {"order": {}}, {"order": {"yotpo_id": "x"}}, {"product": {"yotpo_id": 1}}])
def test_a_creation_that_gives_no_id_is_not_taken_for_one(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError):
        client(Store(httpx.Response(201, json=body))).create_order({})


def test_what_exists_already_is_a_conflict() -> None:
    store = Store(refusal(409, "Order with external_id 1001 already exists"))

    with pytest.raises(ConflictError, match="already exists"):
        client(store).create_order({})


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("verb", ["create", "update"])
def test_unknown_products_are_named_whatever_the_status(status: int, verb: str) -> None:
    yotpo = client(Store(refusal(status, "bad order", "products not found: p-1, p-2,p-1")))

    with pytest.raises(UnknownProductsError, match="products not found") as caught:
        yotpo.create_order({}) if verb == "create" else yotpo.update_order(1, {})
    assert caught.value.products == ["p-1", "p-2"]
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(404, "Order not found"), NotFoundError),
        (refusal(400, "line_items is missing"), RejectedError),
        (httpx.Response(400, text="<html><title>Bad gateway</title></html>"), RejectedError),
        (httpx.Response(404), NotFoundError),
        (httpx.Response(400, json=["?"]), RejectedError),
        (httpx.Response(400, json={"errors": "products are late"}), RejectedError),
    ],
)
def test_other_refusals_are_told_apart_by_their_status(answer: httpx.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        client(Store(answer)).update_order(1, {})
    assert not isinstance(caught.value, UnknownProductsError)


def test_the_correlation_id_is_quoted() -> None:
    with pytest.raises(RejectedError, match="request id 0f-11"):
        client(Store(refusal(400, "no", Correlation_Id="0f-11"))).create_order({})


def test_a_call_that_has_to_wait_waits_as_long_as_the_headers_say() -> None:
    clock = TurningClock()
    answers = [
        httpx.Response(429, json={"message": "API rate limit exceeded"}),
        httpx.Response(429, json={"message": "API rate limit exceeded"}, headers={"RateLimit-Reset": "2"}),
        httpx.Response(429, json={"message": "API rate limit exceeded"}, headers={"Retry-After": "3"}),
        httpx.Response(200, json={"order": {"yotpo_id": 5}}),
    ]
    begun = clock.now

    client(Store(lambda request: answers.pop(0)), clock=clock).order(5)

    assert 6 <= clock.now - begun <= 7


def test_a_wait_too_long_to_sit_out_is_handed_on() -> None:
    store = Store(httpx.Response(429, headers={"Retry-After": "3600"}))

    with pytest.raises(ThrottledError) as caught:
        client(store).order(5)
    assert caught.value.retry_after == 3600


def test_calls_keep_to_the_stores_limit() -> None:
    clock = TurningClock()
    yotpo = client(Store(httpx.Response(200, json={"order": {"yotpo_id": 5}})), clock=clock, requests_per_second=4.5)
    begun = clock.now

    for _ in range(9):
        yotpo.order(5)

    # Nine calls and the token's.
    assert clock.now - begun == pytest.approx(9 / 4.5, abs=0.01)


def test_a_second_that_others_used_up_slows_this_client_down() -> None:
    clock = TurningClock()
    used_up = httpx.Response(200, json={"order": {"yotpo_id": 5}}, headers={"RateLimit-Remaining": "0"})
    yotpo = client(Store(used_up), clock=clock, requests_per_second=5)
    yotpo.order(5)
    begun, clock.now = clock.now, clock.now + 10

    yotpo.order(5)
    yotpo.order(5)

    assert clock.now - begun - 10 == pytest.approx(0.2, abs=0.01)


# --- reading


def test_a_record_is_read_by_yotpos_id_and_none_when_unknown() -> None:
    store = Store(httpx.Response(200, json={"product": {"yotpo_id": 5, "name": None}}))
    assert client(store).product(5) == {"yotpo_id": 5, "name": None}
    assert client(Store(refusal(404, "not found"))).order(5) is None
    with pytest.raises(UnexpectedResponseError, match="no 'order'"):
        client(store).order(5)


def test_the_fulfillments_of_an_order_are_read_to_their_end_with_their_ids() -> None:
    rows = [{"id": 1, "external_id": "a"}, {"id": 2, "external_id": "b"}, {"yotpo_id": 3, "external_id": "c"}]

    def answer(request: httpx.Request) -> httpx.Response:
        if "page_info" in request.url.params:
            return httpx.Response(200, json={"fulfillments": rows[2:], "pagination": {}})
        return httpx.Response(200, json={"fulfillments": rows[:2], "pagination": {"next_page_info": "abc"}})

    store = Store(answer)

    found = client(store).fulfillments(BIG)

    assert [row["yotpo_id"] for row in found] == [1, 2, 3]
    assert store.sent[1] == f"{ROOT}/orders/{BIG}/fulfillments"


@pytest.mark.parametrize(
    ("text", "hour"),
    [("2024-05-01T10:20:30", 10), ("2024-05-01T10:20:30Z", 10), ("2024-05-01T12:20:30+02:00", 10)],
)
def test_times_without_a_zone_are_utc(text: str, hour: int) -> None:
    assert parse_yotpo_time(text) == datetime(2024, 5, 1, hour, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", None])
def test_what_is_no_time_is_refused(text: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="where a time belongs"):
        parse_yotpo_time(text)


# --- look-ups


class Shelf:
    """A store whose products are looked up; the filter may work or not."""

    def __init__(self, *external_ids: Any, takes: str = "list") -> None:
        self.rows = [{"yotpo_id": number, "external_id": id_} for number, id_ in enumerate(external_ids, 1)]
        self.takes = takes
        self.queries: list[httpx.QueryParams] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/access_tokens"):
            return httpx.Response(200, json={"access_token": "token"})
        self.queries.append(request.url.params)
        asked = request.url.params["external_ids"]
        found = self.rows
        if self.takes == "list":
            found = [row for row in self.rows if str(row["external_id"]) in asked.split(",")]
        elif self.takes == "one" and "," not in asked:
            found = [row for row in self.rows if str(row["external_id"]) == asked]
        limit = int(request.url.params["limit"])
        return httpx.Response(200, json={"products": found[:limit], "pagination": {"next_page_info": None}})


def test_a_hundred_ids_are_looked_up_in_one_call() -> None:
    ids = [str(number) for number in range(150)]
    shelf = Shelf(*ids[:120])

    found = client(shelf).products([*ids, "3"])

    assert list(found) == ids[:120]
    assert found["7"] == {"yotpo_id": 8, "external_id": "7"}
    assert [len(query["external_ids"].split(",")) for query in shelf.queries] == [100, 50]
    assert {query["limit"] for query in shelf.queries} == {"100"}


def test_no_ids_need_no_call() -> None:
    shelf = Shelf("a")

    assert client(shelf).products([]) == {}
    assert shelf.queries == []


def test_ids_are_compared_as_text() -> None:
    assert list(client(Shelf(7)).products(["7"])) == ["7"]


def test_a_list_filter_that_gives_others_is_distrusted_for_good_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf("a", "b", "x", takes="one")
    yotpo = client(shelf)
    assert yotpo.batch_lookups

    with caplog.at_level(logging.WARNING):
        assert list(yotpo.products(["a", "b", "c"])) == ["a", "b"]
        assert list(yotpo.products(["a", "b"])) == ["a", "b"]

    assert not yotpo.batch_lookups
    assert [query["external_ids"] for query in shelf.queries] == ["a,b,c", "a", "b", "c", "a", "b"]
    assert len([record for record in caplog.records if "takes no list" in record.getMessage()]) == 1


def test_a_filter_that_is_ignored_is_not_taken_for_an_absence() -> None:
    yotpo = client(Shelf("a", "b", takes="nothing"))

    assert list(yotpo.products(["b"])) == ["b"]
    with pytest.raises(UnexpectedResponseError, match="asked for by one external id, and 2 others came back"):
        yotpo.products(["c"])


def test_an_id_with_a_comma_goes_alone_and_only_its_own_record_counts() -> None:
    shelf = Shelf("a", "b", "a,b", takes="list")

    assert client(shelf).products(["a,b", "a"]) == {"a": {"yotpo_id": 1, "external_id": "a"}}
    assert [query["external_ids"] for query in shelf.queries] == ["a,b", "a"]


def test_long_ids_are_split_over_more_calls() -> None:
    ids = [f"{'x' * 250}{number}" for number in range(20)]
    shelf = Shelf(*ids)

    assert list(client(shelf).products(ids)) == ids
    assert len(shelf.queries) > 1


def test_a_ping_reads_one_product() -> None:
    store = Store(httpx.Response(200, json={"products": [], "pagination": {"next_page_info": None}}))

    assert client(store).ping() == "Yotpo answers for the store STORE…."
    assert store.requests[0].url.params["limit"] == "1"
