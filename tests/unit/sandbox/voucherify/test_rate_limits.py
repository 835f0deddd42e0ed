"""Voucherify's rate limit, the errors of its web framework, and the call counts."""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.faults import operation

CLIENT = {
    "X-Client-Application-Id": "client-app",
    "X-Client-Token": "client-token",
    "Origin": "https://shop.example",
}


# Limits


def test_every_response_has_rate_limit_headers(limited):
    limited.time = 1_789_999_970.0  # 50 seconds into a minute
    limited.time += 0.75
    first = limited.request("/v1/orders").headers
    assert (first["X-Rate-Limit-Limit"], first["X-Rate-Limit-Remaining"]) == ("2000", "1999")
    assert int(first["X-Rate-Limit-Retry"]) <= limited.time
    refusals = [
        ("/v1/orders/none", "GET", limited.KEYS),
        ("/v1/orders", "GET", {}),
        ("/v1/orders", "PUT", limited.KEYS),
        ("/nowhere", "GET", limited.KEYS),
        ("/v1/orders?limit=0", "GET", limited.KEYS),
    ]
    for path, method, headers in refusals:
        assert "X-Rate-Limit-Remaining" in limited.request(path, method, headers).headers


def test_calls_beyond_the_limit_are_429_until_the_minute_ends(limited):
    limited.time = 1_789_999_970.0  # 50 seconds into a minute
    limited.set_switch("rate_limit", 2)
    assert [limited.request("/v1/orders").status_code for _ in range(3)] == [200, 200, 429]
    response = limited.request("/v1/orders")
    assert response.json() == {"code": 429, "message": "Too many requests hit the API too quickly."}
    headers = response.headers
    assert headers["X-Rate-Limit-Type"] == "api_calls"
    assert headers["X-Rate-Limit-Remaining"] == "0"
    assert int(headers["X-Rate-Limit-Retry"]) == limited.time + int(headers["Retry-After"])
    assert 0 < int(headers["Retry-After"]) <= 60
    limited.time = int(headers["X-Rate-Limit-Retry"])
    assert limited.request("/v1/orders").status_code == 200
    assert limited.sandbox.calls["voucherify//orders.list.throttled"] == 2
    assert limited.sandbox.calls["voucherify//orders.list"] == 3


def test_the_period_is_an_hour_or_a_number_of_seconds(make_voucherify):
    hourly = make_voucherify(rate_limit=1, rate_period="hour")
    hourly.request("/v1/orders")
    wait = int(hourly.request("/v1/orders").headers["Retry-After"])
    hourly.time += wait - 1
    assert hourly.request("/v1/orders").status_code == 429
    hourly.time += 1
    assert hourly.request("/v1/orders").status_code == 200
    short = make_voucherify(rate_limit=1, rate_period=2)
    short.request("/v1/orders")
    assert int(short.request("/v1/orders").headers["Retry-After"]) <= 2


def test_an_empty_billing_cycle_has_its_own_type_and_lasts_for_days(make_voucherify):
    api = make_voucherify(rate_limit=1, rate_type="api_calls_cycle")
    api.request("/v1/orders")
    headers = api.request("/v1/orders").headers
    assert headers["X-Rate-Limit-Type"] == "api_calls_cycle"
    assert int(headers["Retry-After"]) > 86_400
    api.time = int(headers["X-Rate-Limit-Retry"])
    assert api.request("/v1/orders").status_code == 200


def test_retry_after_may_be_hours_as_for_an_ended_plan(make_voucherify):
    api = make_voucherify(rate_limit=1, rate_retry_after=7200)
    api.request("/v1/orders")
    assert api.request("/v1/orders").headers["Retry-After"] == "7200"


def test_calls_without_keys_do_not_count(make_voucherify):
    api = make_voucherify(rate_limit=2)
    for _ in range(5):
        assert api.request("/v1/orders", headers={}).status_code == 401
    assert api.request("/v1/orders").headers["X-Rate-Limit-Remaining"] == "1"


def test_exports_may_have_their_own_bucket(make_voucherify):
    api = make_voucherify(bulk_rate_limit=1)
    order = {"exported_object": "order"}
    assert api.request("/v1/exports", "POST", json=order).status_code == 200
    response = api.request("/v1/exports", "POST", json=order)
    assert (response.status_code, response.headers["X-Rate-Limit-Type"]) == (429, "bulk_api_calls")
    assert response.headers["X-Rate-Limit-Limit"] == "1"
    assert api.request("/v1/orders").status_code == 200


def test_the_client_api_may_have_a_limit_per_address(make_voucherify):
    api = make_voucherify(client_rate_limit=5)
    answers = [api.request("/client/v1/promotions/tiers", headers=CLIENT).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert api.request("/v1/orders").status_code == 200
    api.time += 5
    assert api.request("/client/v1/promotions/tiers", headers=CLIENT).status_code == 200


# Errors of the web framework


def test_another_method_is_405_with_a_hint(limited):
    response = limited.request("/v1/exports", "PUT")
    assert response.status_code == 405
    body = response.json()
    assert (body["code"], body["message"]) == (405, "HTTP Method Not Allowed")
    assert body["details"] in {
        "PUT is not supported by this endpoint. Did you mean GET or POST?",
        "PUT is not supported by this endpoint. Did you mean POST or GET?",
    }


def test_a_body_above_ten_mebibytes_is_413(limited):
    headers = limited.KEYS | {"Content-Type": "application/json"}
    response = limited.request("/v1/exports", "POST", headers=headers, content=b" " * (10_485_760 + 1))
    assert response.status_code == 413
    assert response.json() == {
        "statusCode": 413,
        "error": "Request Entity Too Large",
        "message": "Payload content length greater than maximum allowed: 10485760",
    }


@pytest.mark.parametrize(("content", "type_", "status"), [(b"{", "application/json", 400), (b"{}", "text/plain", 415)])
def test_a_body_that_is_no_json_is_400_or_415(limited, content, type_, status):
    response = limited.request("/v1/exports", "POST", headers=limited.KEYS | {"Content-Type": type_}, content=content)
    assert (response.status_code, response.json()["statusCode"]) == (status, status)


def test_an_unknown_path_is_not_found(limited):
    assert limited.request("/v1/unheard-of").status_code == 404
    assert limited.request("/").status_code == 404


def test_calls_are_counted_by_operation(limited):
    limited.request("/v1/vouchers")
    limited.request("/v1/vouchers/none")
    limited.request("/v1/oauth/token", "POST", data={"grant_type": "client_credentials", "scope": "api"})
    assert limited.sandbox.calls == {
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
def test_a_fault_is_counted_by_its_operation(method, path, counted):
    assert operation(method, f"/voucherify{path}", {}) == ("voucherify", "", counted)
