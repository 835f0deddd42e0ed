"""The log of the last calls: what is in it, and what never is."""

from __future__ import annotations

import time

import httpx
import pytest
from sandbox import run_sandbox, yofi_client, yotpo_client

from airflow_provider_partners.sandbox.call_log import CallLog


@pytest.fixture(scope="module")
def shared():
    with run_sandbox(shops=1, orders=5) as running:
        yield running


@pytest.fixture
def running(shared):
    shared.call_log.clear()
    yield shared
    shared.faults.clear()


def test_each_call_is_logged_with_method_path_status_and_time(running):
    with yotpo_client(running) as client:
        client.ping()
    token, products = reversed(running.call_log.latest())
    store = next(iter(running.sandbox.credentials["yotpo"]))
    assert (token.partner, token.shop, token.operation, token.method, token.status) == (
        "yotpo",
        store,
        "token",
        "POST",
        200,
    )
    assert products.path == f"/yotpo/core/v3/stores/{store}/products"
    assert (products.operation, products.method, products.status) == ("products.list", "GET", 200)
    assert products.milliseconds > 0
    assert products.number == token.number + 1


def test_queries_headers_and_bodies_are_not_kept(running):
    """They hold tokens and customers' data."""
    with yofi_client(running, "aurora-apparel.myshopify.com") as client:
        list(client.extract("claims").records())
    with yotpo_client(running) as client:
        client.ping()
    text = repr(running.call_log.latest())
    assert running.call_log.latest()
    assert "?" not in text
    assert "filter" not in text
    for secret in (running.sandbox.credentials["yofi"]["secret"], "Bearer", "eyJ"):
        assert secret not in text


def test_a_fault_is_logged_with_its_status_and_a_dropped_connection_without_one(running):
    running.faults.add(path_prefix="/voucherify", status=503)
    running.faults.add(path_prefix="/voucherify", drop=True)
    assert httpx.get(f"{running.url}/voucherify/v1/campaigns").status_code == 503
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{running.url}/voucherify/v1/campaigns")
    end = time.monotonic() + 60
    while len(running.call_log.latest()) < 2 and time.monotonic() < end:
        time.sleep(0.01)  # The client sees the closed connection before the server has finished.
    assert [call.status for call in running.call_log.latest()] == [None, 503]


def test_the_page_and_the_control_api_are_not_logged(running):
    for path in ("/", "/_sandbox/health", "/_sandbox/state"):
        assert httpx.get(f"{running.url}{path}").status_code == 200
    assert running.call_log.latest() == []


def test_the_log_keeps_the_last_calls_only():
    log = CallLog(max_calls=2)
    for number in range(4):
        log.add(
            at="", partner="yofi", shop="", operation="x", method="GET", path=f"/{number}", status=200, milliseconds=1.0
        )
    assert [(call.number, call.path) for call in log.latest()] == [(4, "/3"), (3, "/2")]
    assert [call.number for call in log.latest(1)] == [4]
    log.clear()
    assert log.latest() == []


def test_the_log_can_keep_all_calls_from_some_time_on():
    log = CallLog(max_calls=1)
    call = {"at": "", "partner": "yofi", "shop": "", "operation": "x", "method": "GET", "path": "/", "status": 200}
    log.add(**call, milliseconds=1.0)
    log.keep(None)
    for _ in range(600):
        log.add(**call, milliseconds=1.0)
    assert [each.number for each in log.latest()] == list(range(601, 0, -1))
