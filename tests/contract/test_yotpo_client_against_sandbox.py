"""Yotpo's client against the sandbox over real HTTP: every operation, with every undocumented behaviour."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sandbox import restored_settings, yotpo_client

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.yotpo import UnknownProductsError, YotpoClient
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    RejectedError,
    UnexpectedResponseError,
)
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.store import Sandbox, Store

pytestmark = pytest.mark.usefixtures("quick_refusals")

STORE, SECRET = "sandboxstore", "sandbox-yotpo-not-a-secret"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[RunningSandbox]:
    credentials = {"yotpo": {STORE: {"secret": SECRET, "shop": "a.myshopify.com"}}}
    with serve(Sandbox(store=Store(), credentials=credentials, now=NOW)) as running:
        yield running


@pytest.fixture
def yotpo_sandbox(running_sandbox: RunningSandbox) -> Iterator[RunningSandbox]:
    """An empty store without a rate limit; the switches are restored afterwards."""
    sandbox = running_sandbox.sandbox
    for partner, owner, kind, key, _ in list(sandbox.store):
        sandbox.store.delete(partner, owner, kind, key)
    sandbox.store.put("yotpo", STORE, "store", STORE, {"name": "Sandbox", "shop": "a.myshopify.com"}, at="")
    with restored_settings(running_sandbox):
        sandbox.switches["yotpo.rate_limit"] = 0
        yield running_sandbox


@pytest.fixture
def yotpo(yotpo_sandbox: RunningSandbox) -> Iterator[YotpoClient]:
    with yotpo_client(yotpo_sandbox) as yotpo:
        yield yotpo


def order(external_id: str, *, product: str = "p-1", date: str = "2026-05-01T10:20:30Z", **more: Any) -> dict[str, Any]:
    line = {"external_product_id": product, "quantity": 2}
    customer = {"external_id": "c-1", "first_name": "Zoë"}
    return {"external_id": external_id, "order_date": date, "line_items": [line], "customer": customer, **more}


def fulfillment(external_id: str, *, product: str = "p-1") -> dict[str, Any]:
    return {
        "external_id": external_id,
        "fulfillment_date": "2026-05-02T00:00:00Z",
        "status": "success",
        "fulfilled_items": [{"external_product_id": product, "quantity": 1}],
    }


def test_an_order_is_created_read_updated_and_looked_up(yotpo: YotpoClient) -> None:
    product = yotpo.create_product({"external_id": "p-1", "name": "Tea"})
    number = yotpo.create_order(order("1001"))

    yotpo.update_order(number, {"order_name": "#1001", "payment_status": "paid"})
    yotpo.update_product(product, {"name": "Green tea"})

    read = yotpo.order(number)
    assert read is not None
    assert (read["order_name"], read["payment_status"]) == ("#1001", "paid")
    assert timestamps.try_parse(read["order_date"]) == datetime(2026, 5, 1, 10, 20, 30, tzinfo=UTC)
    assert yotpo.orders(["1001", "1002"]) == {"1001": read}
    assert yotpo.products(["p-1"])["p-1"]["name"] == "Green tea"
    assert yotpo.product(product) == yotpo.products(["p-1"])["p-1"]
    assert number > 2**32
    assert yotpo.order(5) is None


def test_fulfillments_are_created_updated_and_listed_with_their_ids(yotpo: YotpoClient) -> None:
    yotpo.create_product({"external_id": "p-1"})
    number = yotpo.create_order(order("1001"))
    created_ids = [yotpo.create_fulfillment(number, fulfillment(f"f-{place}")) for place in range(12)]

    yotpo.update_fulfillment(number, created_ids[0], {"shipment_info": {"tracking_number": "T1"}})

    records = yotpo.fulfillments(number)
    assert [record["yotpo_id"] for record in records] == created_ids
    assert records[0]["shipment_info"] == {"tracking_number": "T1"}
    listed = yotpo.extract("fulfillments", match={"order_id": [number]}, page_size=5).records()
    assert list(listed) == records
    with pytest.raises(NotFoundError):
        yotpo.fulfillments(5)


def test_an_existing_external_id_is_a_conflict(yotpo: YotpoClient) -> None:
    yotpo.create_product({"external_id": "p-1"})
    number = yotpo.create_order(order("1001"))
    yotpo.create_fulfillment(number, fulfillment("f-1"))

    with pytest.raises(ConflictError, match="already exists"):
        yotpo.create_order(order("1001"))
    with pytest.raises(ConflictError):
        yotpo.create_product({"external_id": "p-1"})
    with pytest.raises(ConflictError):
        yotpo.create_fulfillment(number, fulfillment("f-1"))


@pytest.mark.covers("yotpo.line_item.external_product_id.bad_request")
@pytest.mark.parametrize("status", [400, 404])
def test_unknown_products_are_named(yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, status: int) -> None:
    yotpo_sandbox.sandbox.switches["yotpo.unknown_product_status"] = status
    lines = [{"external_product_id": name, "quantity": 1} for name in ("p-8", "p-9")]

    with pytest.raises(UnknownProductsError) as caught:
        yotpo.create_order(order("1001", line_items=lines))
    assert caught.value.products == ["p-8", "p-9"]
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("payload", "problem"),
    [({"external_id": "1"}, "order_date"), (order("1", currency="EURO"), "currency"), ({}, "external_id")],
)
def test_an_invalid_payload_is_rejected_with_the_field(
    yotpo: YotpoClient, payload: dict[str, Any], problem: str
) -> None:
    yotpo.create_product({"external_id": "p-1"})

    with pytest.raises(RejectedError, match=problem) as caught:
        yotpo.create_order(payload)
    assert caught.value.status == 400
    assert caught.value.request_id


@pytest.mark.covers("yotpo.endpoint.retrieve_orders")
@pytest.mark.parametrize("cursor", ["plain", "encoded"])
@pytest.mark.parametrize("resource", ["orders", "products"])
def test_lists_are_read_completely_with_any_page_size(
    yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, cursor: str, resource: str
) -> None:
    yotpo_sandbox.sandbox.switches["yotpo.cursor"] = cursor
    yotpo.create_product({"external_id": "p-1"})
    for number in range(23):
        yotpo.create_product({"external_id": f"x-{number}"})
        yotpo.create_order(order(f"x-{number}"))

    records = [record["external_id"] for record in yotpo.extract(resource, page_size=10).records()]

    assert len(records) == len(set(records))
    assert {f"x-{number}" for number in range(23)} <= set(records)


def test_a_time_range_of_orders_includes_since_and_excludes_until(yotpo: YotpoClient) -> None:
    yotpo.create_product({"external_id": "p-1"})
    for hour in range(10, 20):
        yotpo.create_order(order(str(hour), date=f"2026-05-01T{hour}:00:00Z"))

    since, until = "2026-05-01T12:00:00Z", "2026-05-01T15:00:00Z"
    records = yotpo.extract("orders", since=since, until=until, page_size=2).records()

    assert sorted(record["external_id"] for record in records) == ["12", "13", "14"]


def test_ids_are_looked_up_a_hundred_per_call(yotpo_sandbox: RunningSandbox, yotpo: YotpoClient) -> None:
    for number in range(130):
        yotpo.create_product({"external_id": str(number)})
    yotpo_sandbox.sandbox.calls.clear()

    records = yotpo.products([str(number) for number in range(120, 260)])
    listed = yotpo.extract("products", match={"external_id": [str(number) for number in range(130)]}).records()

    assert list(records) == [str(number) for number in range(120, 130)]
    assert [record["external_id"] for record in listed] == [str(number) for number in range(130)]
    assert yotpo_sandbox.sandbox.calls[f"yotpo/{STORE}/products.list"] == 4


@pytest.mark.parametrize("form", ["first", "nothing", "ignored"])
def test_a_filter_that_takes_no_list_or_does_nothing_still_finds_single_ids(
    yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, form: str
) -> None:
    yotpo_sandbox.sandbox.switches["yotpo.external_ids_list"] = form
    for name in ("a", "b"):
        yotpo.create_product({"external_id": name})

    assert [*yotpo.products(["a"]), *yotpo.products(["b"]), *yotpo.products(["c"])] == ["a", "b"]


def test_the_variants_of_products_are_read(yotpo_sandbox: RunningSandbox, yotpo: YotpoClient) -> None:
    numbers = [yotpo.create_product({"external_id": name}) for name in ("a", "b")]

    assert list(yotpo.extract("variants", match={"product_id": numbers}).records()) == []
    assert list(yotpo.extract("customers").records()) == []
    assert yotpo_sandbox.sandbox.calls[f"yotpo/{STORE}/variants.list"] == 2


@pytest.mark.parametrize("auth", ["secret", "oauth"])
def test_both_token_endpoints_work(yotpo_sandbox: RunningSandbox, auth: str) -> None:
    with yotpo_client(yotpo_sandbox, auth=auth) as yotpo:
        assert yotpo.ping() == "Yotpo answers for the store sandbo…."


@pytest.mark.parametrize("status", [401, 403])
def test_an_invalid_token_is_renewed(yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, status: int) -> None:
    yotpo_sandbox.sandbox.switches.update({"yotpo.token_calls": 3, "yotpo.invalid_token_status": status})

    for number in range(10):
        yotpo.create_product({"external_id": str(number)})

    assert len(yotpo.products([str(number) for number in range(10)])) == 10
    assert yotpo_sandbox.sandbox.calls[f"yotpo/{STORE}/token"] == 4


@pytest.mark.parametrize(
    "options", [{"secret": "wrong-secret"}, {"store_id": "another"}, {"auth": "oauth", "secret": "x"}]
)
def test_wrong_credentials_are_an_authentication_error(yotpo_sandbox: RunningSandbox, options: dict[str, Any]) -> None:
    with yotpo_client(yotpo_sandbox, **options) as yotpo, pytest.raises(AuthenticationError, match="of the connection"):
        yotpo.ping()


@pytest.mark.parametrize("switches", [{}, {"yotpo.retry_after": False, "yotpo.throttle_body": "errors"}], ids=str)
def test_a_throttled_client_waits_and_loses_nothing(yotpo_sandbox: RunningSandbox, switches: dict[str, Any]) -> None:
    yotpo_sandbox.sandbox.switches.update({"yotpo.rate_limit": 5, **switches})
    with yotpo_client(yotpo_sandbox) as yotpo:
        for number in range(7):
            yotpo.create_product({"external_id": str(number)})

        assert len(yotpo.products([str(number) for number in range(7)])) == 7
        assert yotpo.stats.throttled >= 1


def test_the_default_rate_limit_is_never_throttled(yotpo_sandbox: RunningSandbox) -> None:
    yotpo_sandbox.sandbox.switches["yotpo.rate_limit"] = 5
    with yotpo_client(yotpo_sandbox, requests_per_second=4.5) as yotpo:
        for _ in range(8):
            yotpo.order(5)

        # On a busy machine two more requests may fall into one second.
        assert yotpo.stats.throttled <= 1
        assert yotpo.stats.waited > 1


@pytest.mark.parametrize("status", [200, 204])
def test_an_update_without_a_body_is_a_success(yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, status: int) -> None:
    yotpo_sandbox.sandbox.switches["yotpo.patch_status"] = status
    number = yotpo.create_product({"external_id": "a"})

    yotpo.update_product(number, {"name": "Tea"})

    assert yotpo.products(["a"])["a"]["name"] == "Tea"


def test_a_create_with_a_lost_response_ends_in_a_conflict_that_can_be_looked_up(
    yotpo_sandbox: RunningSandbox, yotpo: YotpoClient
) -> None:
    yotpo_sandbox.faults.add(path_prefix="/yotpo", method="POST", path_regex="/products$", drop=True, at="after")

    with pytest.raises(ConflictError):
        yotpo.create_product({"external_id": "a"})
    assert list(yotpo.products(["a"])) == ["a"]


def test_a_response_that_cannot_be_read_is_an_error(
    yotpo_sandbox: RunningSandbox, yotpo: YotpoClient, caplog: pytest.LogCaptureFixture
) -> None:
    yotpo_sandbox.faults.add(path_prefix="/yotpo", method="GET", kind="html", times=3)

    with caplog.at_level(logging.DEBUG), pytest.raises(UnexpectedResponseError, match="not JSON"):
        yotpo.products(["a"])
    assert SECRET not in caplog.text
