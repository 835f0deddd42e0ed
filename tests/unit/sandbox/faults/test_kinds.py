"""Each named kind does on the wire what its text says, as httpx and the system's sockets see it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from sandbox import run_sandbox, yofi_client

from airflow_provider_partners.sandbox.faults import KINDS, FaultRule, FaultRules
from airflow_provider_partners.sandbox.server import RunningSandbox

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=12, now=NOW) as running:
        running.sandbox.switches.update({"yotpo.rate_limit": 0, "voucherify.rate_limit": 0})
        yield running
        running.faults.clear()


@pytest.fixture
def client(running: RunningSandbox) -> Iterator[httpx.Client]:
    running.faults.clear()
    running.sandbox.calls.clear()
    with httpx.Client(base_url=running.url, timeout=20.0) as client:
        yield client
    running.faults.clear()


def store_path(running: RunningSandbox) -> str:
    return f"/yotpo/core/v3/stores/{next(iter(running.sandbox.credentials['yotpo']))}"


def token(running: RunningSandbox, client: httpx.Client) -> httpx.Response:
    secret = next(iter(running.sandbox.credentials["yotpo"].values()))["secret"]
    return client.post(f"{store_path(running)}/access_tokens", json={"secret": secret})


def headers(running: RunningSandbox, client: httpx.Client) -> dict[str, str]:
    return {"X-Yotpo-Token": token(running, client).json()["access_token"]}


def product(number: str) -> dict[str, Any]:
    return {"product": {"external_id": number, "name": "Mug"}}


def graphql(running: RunningSandbox, client: httpx.Client, query: str, **variables: Any) -> Any:
    shop, access = next(iter(running.sandbox.credentials["shopify_admin"].items()))
    return client.post(
        f"/shopify-admin/{shop}/admin/api/2026-07/graphql.json",
        json={"query": query, "variables": variables},
        headers={"X-Shopify-Access-Token": access["token"]},
    ).json()


ORDERS = "query($after: String) { orders(first: 5, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refused", httpx.NetworkError),
        ("reset", httpx.ReadError),
        ("reset_after", httpx.ReadError),
        ("reset_in_body", httpx.ReadError),
        ("closed", httpx.RemoteProtocolError),
        ("closed_after", httpx.RemoteProtocolError),
        ("closed_in_body", httpx.RemoteProtocolError),
        ("no_answer", httpx.ReadTimeout),
        ("no_answer_after", httpx.ReadTimeout),
    ],
)
def test_a_connection_breaks(running: RunningSandbox, client: httpx.Client, kind: str, error: Any) -> None:
    client.timeout = 2.0 if error is httpx.ReadTimeout else 20.0
    running.faults.add(kind=kind)

    with pytest.raises(error):
        token(running, client)

    done = running.sandbox.calls.get(f"yotpo/{store_path(running).rsplit('/')[-1]}/token", 0)
    assert done == (kind.endswith(("_after", "_in_body")))


def test_new_connections_are_refused_until_the_faults_are_cleared(
    running: RunningSandbox, client: httpx.Client
) -> None:
    running.faults.add(kind="refused", refuse=3_600)
    with pytest.raises(httpx.NetworkError):
        token(running, client)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=1).close()

    running.faults.clear()
    assert token(running, client).status_code == 200


def test_nobody_answers_new_connections_until_the_faults_are_cleared(
    running: RunningSandbox, client: httpx.Client
) -> None:
    running.faults.add(kind="connect_timeout", refuse=3_600)
    with pytest.raises(httpx.NetworkError):
        token(running, client)

    with pytest.raises(httpx.ConnectTimeout):
        httpx.get(f"{running.url}/_sandbox/health", timeout=0.3)

    running.faults.clear()
    assert token(running, client).status_code == 200


@pytest.mark.parametrize("kind", ["refused", "connect_timeout"])
def test_new_connections_are_let_in_again_after_a_while(
    running: RunningSandbox, client: httpx.Client, kind: str
) -> None:
    running.faults.add(kind=kind, refuse=0.1)
    with pytest.raises(httpx.NetworkError):
        token(running, client)

    deadline, answer = time.monotonic() + 60, None
    while answer is None and time.monotonic() < deadline:
        with suppress(httpx.ConnectError, httpx.ConnectTimeout):
            answer = httpx.get(f"{running.url}/_sandbox/health", timeout=1)
    assert answer is not None
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.rule.get("status")])
def test_an_answer_has_the_kinds_status_and_body(running: RunningSandbox, client: httpx.Client, kind: str) -> None:
    rule = FaultRule(kind=kind)
    path = next(
        each
        for each in (
            f"{store_path(running)}/access_tokens",
            f"{store_path(running)}/orders",
            "/shopify-admin/a/graphql.json",
            "/shopify-partner/1/graphql.json",
            "/voucherify/v1/vouchers",
        )
        if rule.claim("POST", each)
    )
    running.faults.add(kind=kind, times=None)

    answer = client.post(path, json={})

    assert answer.status_code == rule.status
    if isinstance(rule.body, str):
        assert answer.text == rule.body
    else:
        assert answer.json() == rule.body
    assert answer.headers["content-type"].startswith(
        "text/html" if "<html>" in str(rule.body) else "text/plain" if rule.body == "" else "application/json"
    )


def test_waits_are_sent_in_every_form(running: RunningSandbox, client: httpx.Client) -> None:
    def answer(kind: str, path: str = "/yotpo/core/v3/x") -> httpx.Headers:
        running.faults.clear()
        running.faults.add(kind=kind)
        return client.get(path).headers

    assert "retry-after" not in answer("throttled")
    assert answer("throttled_seconds")["retry-after"] == "1"
    assert answer("throttled_fraction")["retry-after"] == "0.5"
    dated = answer("throttled_date")
    sent, again = (parsedate_to_datetime(dated[name]) for name in ("date", "retry-after"))
    assert 1 <= (again - sent).total_seconds() <= 2
    assert parsedate_to_datetime(answer("throttled_past")["retry-after"]) < datetime.now(UTC)
    assert abs(int(answer("voucherify_throttled", "/voucherify/v1/x")["x-rate-limit-retry"]) - time.time()) <= 2
    assert answer("yotpo_throttled")["ratelimit-reset"] == "1"


def test_a_body_is_cut_or_lost_or_comes_slowly(running: RunningSandbox, client: httpx.Client) -> None:
    whole = token(running, client).text
    running.faults.add(kind="cut_json")
    running.faults.add(kind="empty_body")
    running.faults.add(kind="slow_body")
    running.faults.add(kind="slow_answer")

    cut, empty = token(running, client), token(running, client)
    begun = time.monotonic()
    dripped, late = token(running, client), token(running, client)

    assert 0 < len(cut.text) < len(whole)
    assert (empty.status_code, empty.text) == (200, "")
    assert dripped.json().keys() == late.json().keys() == {"access_token"}
    assert time.monotonic() - begun >= 0.4


def test_a_file_ends_within_a_line_and_its_length_fits(running: RunningSandbox, client: httpx.Client) -> None:
    """A part that ends after a line looks like a whole file."""
    keys = running.sandbox.credentials["voucherify"]
    client.headers.update({"X-App-Id": keys["app_id"], "X-App-Token": keys["secret_key"]})
    body = {"exported_object": "redemption", "parameters": {"fields": ["id", "date"]}}
    path = f"/voucherify/v1/exports/{client.post('/voucherify/v1/exports', json=body).json()['id']}"
    while not (result := client.get(path).json()["result"]):
        pass
    whole = client.get(result["url"]).text
    for end in (0.6, (whole.index("\n") + 1.5) / len(whole)):
        running.faults.add(kind="cut_file", cut=end)

        cut = client.get(result["url"])

        assert cut.status_code == 200
        assert whole.startswith(cut.text)
        assert 0 < len(cut.content) == int(cut.headers["content-length"]) < len(whole)
        assert not cut.text.endswith("\n")


def test_a_dead_token_is_refused_until_there_is_another(running: RunningSandbox, client: httpx.Client) -> None:
    old, new = headers(running, client), headers(running, client)
    running.faults.add(kind="dead_token")
    path = f"{store_path(running)}/orders"

    statuses = [client.get(path, headers=each).status_code for each in (old, old, new, old)]

    assert statuses == [401, 401, 200, 401]


def test_credentials_are_refused_once(running: RunningSandbox, client: httpx.Client) -> None:
    access = headers(running, client)
    running.faults.add(kind="refused_once")

    statuses = [client.get(f"{store_path(running)}/orders", headers=access).status_code for _ in range(2)]

    assert statuses == [401, 200]


def test_graphql_answers_with_a_part_of_the_data(running: RunningSandbox, client: httpx.Client) -> None:
    running.faults.add(kind="shopify_partial")

    body = graphql(running, client, ORDERS)

    assert body["data"] == {"orders": None}
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_only_a_page_of_several_records_costs_too_much(running: RunningSandbox, client: httpx.Client) -> None:
    query = "query($first: Int) { orders(first: $first) { nodes { id } pageInfo { hasNextPage } } }"
    running.faults.add(kind="shopify_max_cost", times=None)

    (error,) = graphql(running, client, query, first=2)["errors"]

    assert error["extensions"]["code"] == "MAX_COST_EXCEEDED"
    assert len(graphql(running, client, query, first=1)["data"]["orders"]["nodes"]) == 1


def test_a_list_without_pages_never_costs_too_much(running: RunningSandbox, client: httpx.Client) -> None:
    """``Order.fulfillments`` is a plain list with ``first``, so no client could request less of it."""
    (order,) = graphql(running, client, "{ orders(first: 1) { nodes { id } } }")["data"]["orders"]["nodes"]
    query = "query($id: ID!, $first: Int) { node(id: $id) { ... on Order { fulfillments(first: $first) { id } } } }"
    running.faults.add(kind="shopify_max_cost", times=None)
    assert "errors" not in graphql(running, client, query, id=order["id"], first=250)


def test_cursors_loop_and_lists_never_end(running: RunningSandbox, client: httpx.Client) -> None:
    first = graphql(running, client, ORDERS)["data"]["orders"]
    cursor = first["pageInfo"]["endCursor"]
    running.faults.add(kind="same_cursor")
    looped = graphql(running, client, ORDERS, after=cursor)["data"]["orders"]
    running.faults.add(kind="empty_page")
    empty = graphql(running, client, ORDERS, after=cursor)["data"]["orders"]
    running.faults.add(kind="endless_list")
    endless = graphql(running, client, ORDERS.replace("first: 5", "first: 50"))["data"]["orders"]

    assert looped["pageInfo"] == {"hasNextPage": True, "endCursor": cursor}
    assert looped["nodes"] != first["nodes"]
    assert (empty["nodes"], empty["pageInfo"]["hasNextPage"]) == ([], True)
    assert (len(endless["nodes"]), endless["pageInfo"]["hasNextPage"]) == (12, True)


def test_lookups_lag_or_ignore_their_filter(running: RunningSandbox, client: httpx.Client) -> None:
    access = headers(running, client)
    path = f"{store_path(running)}/products"
    for number in ("p1", "p2"):
        client.post(path, json=product(number), headers=access)

    def found() -> set[str]:
        answer = client.get(path, params={"external_ids": "p1", "limit": 100}, headers=access)
        return {each["external_id"] for each in answer.json()["products"]}

    running.faults.add(kind="lagging_lookup")
    running.faults.add(kind="unfiltered_lookup")

    assert found() == set()
    assert found() >= {"p1", "p2"}
    assert found() == {"p1"}
    assert client.get(path, headers=access).json()["products"], "a list is no look-up"


def test_a_write_is_lost_or_comes_second(running: RunningSandbox, client: httpx.Client) -> None:
    access = headers(running, client)
    path = f"{store_path(running)}/products"
    running.faults.add(kind="lost_write")
    running.faults.add(kind="other_writer")

    lost = client.post(path, json=product("p3"), headers=access)
    second = client.post(path, json=product("p3"), headers=access)

    assert (lost.status_code, list(lost.json())) == (201, ["product"])
    assert second.status_code == 409, "the lost one is not there; the other writer's is"
    assert client.get(path, headers=access).status_code == 200


def test_rows_come_and_go_while_a_list_is_read(running: RunningSandbox, client: httpx.Client) -> None:
    store = running.sandbox.store
    shop = next(iter(running.sandbox.credentials["yotpo"].values()))["shop"]
    with yofi_client(running, shop) as yofi:
        extraction = yofi.extract("customers", page_size=4)
        before = store.count("yofi", shop, "customer")
        switches = dict(running.sandbox.switches)

        running.faults.add(kind="shifting_rows", after=1, times=1)
        list(extraction.records(workers=1))
        after = store.count("yofi", shop, "customer")
        running.faults.add(kind="leaving_rows", after=1, times=2)
        list(yofi.extract("customers", page_size=4).records(workers=1))

    assert after == before + 1
    assert store.count("yofi", shop, "customer") < after
    assert running.sandbox.switches == switches


def test_a_rule_may_change_its_kind() -> None:
    rule = FaultRule(kind="status_502", status=503, path_prefix="/yofi")

    assert (rule.status, rule.path_prefix) == (503, "/yofi")
    assert "502" in rule.body
    assert rule.document()["kind"] == "status_502"


@pytest.mark.parametrize(
    ("kind", "method", "path", "query"),
    [
        ("shopify_throttled", "POST", "/yotpo/core/v3/stores/1/orders", ""),
        ("other_writer", "GET", "/yotpo/core/v3/stores/1/orders", ""),
        ("lagging_lookup", "GET", "/yotpo/core/v3/stores/1/orders", "limit=10"),
        ("repeated_page", "GET", "/yofi/ecommerce/claims", "page[number]=1"),
        ("dead_token", "POST", "/yotpo/core/v3/stores/1/access_tokens", ""),
    ],
)
def test_a_kind_keeps_to_the_requests_it_can_happen_to(kind: str, method: str, path: str, query: str) -> None:
    assert not FaultRule(kind=kind).claim(method, path, query=query)


def test_a_misspelt_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no kind 'refusd': did you mean 'refused'"):
        FaultRules().add(kind="refusd")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_rule_with_a_text(kind: str) -> None:
    assert FaultRule(kind=kind).kind == kind
    assert KINDS[kind].text
    assert KINDS[kind].heals in {"same_try", "next_try", "next_run", "never"}
