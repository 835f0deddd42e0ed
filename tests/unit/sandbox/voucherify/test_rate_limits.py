"""Voucherify's rate limit, the refusals of the framework below it, and how calls are counted."""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.faults import operation

CLIENT = {
    "X-Client-Application-Id": "client-app",
    "X-Client-Token": "client-token",
    "Origin": "https://shop.example",
}


@pytest.fixture
def world(voucherify_world):
    return voucherify_world()


# Limits


def test_every_answer_tells_where_the_bucket_stands(world):
    world.time = 1_789_999_970.0  # 10 seconds of a minute are over
    world.time += 0.75
    first = world.ask("/v1/orders").headers
    assert (first["X-Rate-Limit-Limit"], first["X-Rate-Limit-Remaining"]) == ("2000", "1999")
    assert int(first["X-Rate-Limit-Retry"]) <= world.time
    refusals = [
        ("/v1/orders/none", "GET", world.KEYS),
        ("/v1/orders", "GET", {}),
        ("/v1/orders", "PUT", world.KEYS),
        ("/nowhere", "GET", world.KEYS),
        ("/v1/orders?limit=0", "GET", world.KEYS),
    ]
    for path, method, headers in refusals:
        assert "X-Rate-Limit-Remaining" in world.ask(path, method, headers).headers


def test_calls_beyond_the_limit_are_refused_until_the_minute_is_over(world):
    world.time = 1_789_999_970.0  # 50 seconds into a minute
    world.switch("rate_limit", 2)
    assert [world.ask("/v1/orders").status_code for _ in range(3)] == [200, 200, 429]
    response = world.ask("/v1/orders")
    assert response.json() == {"code": 429, "message": "Too many requests hit the API too quickly."}
    headers = response.headers
    assert headers["X-Rate-Limit-Type"] == "api_calls"
    assert headers["X-Rate-Limit-Remaining"] == "0"
    assert int(headers["X-Rate-Limit-Retry"]) == world.time + int(headers["Retry-After"])
    assert 0 < int(headers["Retry-After"]) <= 60
    world.time = int(headers["X-Rate-Limit-Retry"])
    assert world.ask("/v1/orders").status_code == 200
    assert world.sandbox.calls["voucherify//orders.list.throttled"] == 2
    assert world.sandbox.calls["voucherify//orders.list"] == 3


def test_the_period_may_be_an_hour_or_any_seconds(voucherify_world):
    hourly = voucherify_world(rate_limit=1, rate_period="hour")
    hourly.ask("/v1/orders")
    wait = int(hourly.ask("/v1/orders").headers["Retry-After"])
    hourly.time += wait - 1
    assert hourly.ask("/v1/orders").status_code == 429
    hourly.time += 1
    assert hourly.ask("/v1/orders").status_code == 200
    short = voucherify_world(rate_limit=1, rate_period=2)
    short.ask("/v1/orders")
    assert int(short.ask("/v1/orders").headers["Retry-After"]) <= 2


def test_a_used_up_billing_cycle_says_so_and_lasts_for_days(voucherify_world):
    world = voucherify_world(rate_limit=1, rate_type="api_calls_cycle")
    world.ask("/v1/orders")
    headers = world.ask("/v1/orders").headers
    assert headers["X-Rate-Limit-Type"] == "api_calls_cycle"
    assert int(headers["Retry-After"]) > 86_400
    world.time = int(headers["X-Rate-Limit-Retry"])
    assert world.ask("/v1/orders").status_code == 200


def test_a_refusal_may_tell_hours_to_wait_as_an_ended_plan_does(voucherify_world):
    world = voucherify_world(rate_limit=1, rate_retry_after=7200)
    world.ask("/v1/orders")
    assert world.ask("/v1/orders").headers["Retry-After"] == "7200"


def test_refused_calls_without_keys_take_nothing_from_the_bucket(voucherify_world):
    world = voucherify_world(rate_limit=2)
    for _ in range(5):
        assert world.ask("/v1/orders", headers={}).status_code == 401
    assert world.ask("/v1/orders").headers["X-Rate-Limit-Remaining"] == "1"


def test_exports_may_have_a_bucket_of_their_own(voucherify_world):
    world = voucherify_world(bulk_rate_limit=1)
    order = {"exported_object": "order"}
    assert world.ask("/v1/exports", "POST", json=order).status_code == 200
    response = world.ask("/v1/exports", "POST", json=order)
    assert (response.status_code, response.headers["X-Rate-Limit-Type"]) == (429, "bulk_api_calls")
    assert response.headers["X-Rate-Limit-Limit"] == "1"
    assert world.ask("/v1/orders").status_code == 200


def test_the_client_side_may_be_limited_by_address(voucherify_world):
    world = voucherify_world(client_rate_limit=5)
    answers = [world.ask("/client/v1/promotions/tiers", headers=CLIENT).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert world.ask("/v1/orders").status_code == 200
    world.time += 5
    assert world.ask("/client/v1/promotions/tiers", headers=CLIENT).status_code == 200


# The framework


def test_another_method_is_refused_with_a_hint(world):
    response = world.ask("/v1/exports", "PUT")
    assert response.status_code == 405
    body = response.json()
    assert (body["code"], body["message"]) == (405, "HTTP Method Not Allowed")
    assert body["details"] in {
        "PUT is not supported by this endpoint. Did you mean GET or POST?",
        "PUT is not supported by this endpoint. Did you mean POST or GET?",
    }


def test_a_body_above_ten_mebibytes_is_refused_by_the_framework(world):
    headers = world.KEYS | {"Content-Type": "application/json"}
    response = world.ask("/v1/exports", "POST", headers=headers, content=b" " * (10_485_760 + 1))
    assert response.status_code == 413
    assert response.json() == {
        "statusCode": 413,
        "error": "Request Entity Too Large",
        "message": "Payload content length greater than maximum allowed: 10485760",
    }


@pytest.mark.parametrize(("content", "type_", "status"), [(b"{", "application/json", 400), (b"{}", "text/plain", 415)])
def test_a_body_that_is_no_json_is_refused_by_the_framework(world, content, type_, status):
    response = world.ask("/v1/exports", "POST", headers=world.KEYS | {"Content-Type": type_}, content=content)
    assert (response.status_code, response.json()["statusCode"]) == (status, status)


def test_an_unknown_path_is_not_found(world):
    assert world.ask("/v1/unheard-of").status_code == 404
    assert world.ask("/").status_code == 404


def test_answered_calls_are_counted_by_operation(world):
    world.ask("/v1/vouchers")
    world.ask("/v1/vouchers/none")
    world.ask("/v1/oauth/token", "POST", data={"grant_type": "client_credentials", "scope": "api"})
    assert world.sandbox.calls == {
        "voucherify//vouchers.list": 1,
        "voucherify//vouchers.get": 1,
        "voucherify//token": 1,
    }


@pytest.mark.parametrize(
    ("method", "path", "counted"),
    [
        ("GET", "/v1/redemptions", "redemptions.list.fault"),
        ("GET", "/v1/vouchers/SPRING/transactions", "voucher_transactions.list.fault"),
        ("GET", "/v1/exports/exp_1", "exports.get.fault"),
        ("GET", "/download/v1/exports/exp_1", "exports.download.fault"),
        ("POST", "/v1/oauth/token", "token.fault"),
        ("GET", "/v1/unheard-of", "unknown.fault"),
    ],
)
def test_a_fault_is_counted_by_the_operation_that_it_struck(method, path, counted):
    assert operation(method, f"/voucherify{path}", {}) == ("voucherify", "", counted)
