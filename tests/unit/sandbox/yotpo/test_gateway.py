"""The gateway in front of Yotpo's stores: tokens, rate limit, headers, unknown paths and stores, malformed bodies."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.yotpo import server as yotpo

STORE, OTHER = "store-aaaa", "store-bbbb"
SECRETS = {STORE: "secret-a", OTHER: "secret-b"}


class YotpoGateway:
    """Two stores behind their gateway, called over ASGI without a token of their own."""

    def __init__(self, store: Store | None = None, **switches: Any) -> None:
        self.sandbox = Sandbox(
            store=store or Store(),
            credentials={"yotpo": {name: {"secret": secret} for name, secret in SECRETS.items()}},
            switches=yotpo.SWITCHES | {f"yotpo.{name}": value for name, value in switches.items()},
        )
        self.time = 1_790_000_000.25
        self.app = Starlette(routes=[Mount("/yotpo", routes=yotpo.routes(self.sandbox, clock=lambda: self.time))])

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/yotpo") as client:
                return await client.request(method, path, **options)

        return asyncio.run(send())

    def token(self, store: str = STORE) -> str:
        response = self.request("POST", f"/core/v3/stores/{store}/access_tokens", json={"secret": SECRETS[store]})
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    def list_orders(self, token: str | None, store: str = STORE) -> httpx.Response:
        headers = {"X-Yotpo-Token": token} if token is not None else {}
        return self.request("GET", f"/core/v3/stores/{store}/orders", headers=headers)


@pytest.fixture
def gateway() -> YotpoGateway:
    return YotpoGateway(rate_limit=0)


# Tokens


def test_the_token_response_contains_only_the_token(gateway):
    response = gateway.request("POST", f"/core/v3/stores/{STORE}/access_tokens", json={"secret": "secret-a"})
    assert response.status_code == 200
    assert list(response.json()) == ["access_token"]


@pytest.mark.parametrize(
    ("body", "status"), [({"secret": "wrong"}, 401), ({}, 400), ({"secret": ""}, 400), ([], 400), ({"secret": 7}, 401)]
)
def test_a_wrong_secret_is_401_and_none_is_400(gateway, body, status):
    response = gateway.request("POST", f"/core/v3/stores/{STORE}/access_tokens", json=body)
    assert response.status_code == status
    assert response.json()["errors"][0]["message"]


def test_older_tokens_stay_valid_after_a_new_one(gateway):
    first, second = gateway.token(), gateway.token()
    assert first != second
    assert [gateway.list_orders(each).status_code for each in (first, second, first)] == [200, 200, 200]


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_a_valid_token_it_is_401(gateway, token):
    assert gateway.list_orders(token).status_code == 401


def test_a_token_of_another_store_is_403_by_switch(gateway):
    foreign = gateway.token(OTHER)
    assert gateway.list_orders(foreign).status_code == 403
    gateway.sandbox.switches["yotpo.foreign_token_status"] = 401
    assert gateway.list_orders(foreign).status_code == 401


def test_the_status_for_a_bad_token_is_a_switch(gateway):
    gateway.sandbox.switches["yotpo.invalid_token_status"] = 403
    assert gateway.list_orders("wrong").status_code == 403


def test_token_errors_have_the_shape_of_the_store_or_the_gateway(gateway):
    assert set(gateway.list_orders("wrong").json()) == {"errors"}
    gateway.sandbox.switches["yotpo.auth_body"] = "gateway"
    assert gateway.list_orders("wrong").json() == {"message": "Unauthorized"}


def test_a_token_expires_after_seconds_by_switch(gateway):
    gateway.sandbox.switches["yotpo.token_seconds"] = 60
    token = gateway.token()
    gateway.time += 59.9
    assert gateway.list_orders(token).status_code == 200
    gateway.time += 0.1
    assert gateway.list_orders(token).status_code == 401
    assert gateway.list_orders(gateway.token()).status_code == 200


def test_a_token_expires_after_calls_by_switch(gateway):
    gateway.sandbox.switches["yotpo.token_calls"] = 2
    token = gateway.token()
    assert [gateway.list_orders(token).status_code for _ in range(3)] == [200, 200, 401]


def test_tokens_survive_a_restart(gateway, tmp_path):
    token = YotpoGateway(Store(tmp_path / "sandbox.db"), rate_limit=0).token()
    restarted = YotpoGateway(Store(tmp_path / "sandbox.db"), rate_limit=0)
    assert restarted.list_orders(token).status_code == 200
    assert restarted.token() != token


@pytest.mark.parametrize("encoding", ["json", "data"])
def test_an_oauth_token_works_too(gateway, encoding):
    body = {"client_id": STORE, "client_secret": "secret-a", "grant_type": "client_credentials"}
    response = gateway.request("POST", "/oauth/token", **{encoding: body})
    assert response.status_code == 200
    assert response.json()["token_type"] == "bearer"
    assert gateway.list_orders(response.json()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"client_id": 5}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_a_wrong_oauth_request_is_refused(gateway, changes, status):
    body = {"client_id": STORE, "client_secret": "secret-a", "grant_type": "client_credentials"} | changes
    assert gateway.request("POST", "/oauth/token", json=body).status_code == status


def test_no_error_contains_a_secret_or_a_token(gateway):
    texts = [
        gateway.request("POST", f"/core/v3/stores/{STORE}/access_tokens", json={"secret": "hidden-1"}).text,
        gateway.list_orders("hidden-2").text,
    ]
    assert not any("hidden" in text or "secret-a" in text for text in texts)


# Rate limit


def test_the_sixth_call_in_a_second_is_429():
    gateway = YotpoGateway()
    token = gateway.token()  # the call for the token counts, too
    assert [gateway.list_orders(token).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    gateway.time += 1
    assert gateway.list_orders(token).status_code == 200


def test_the_window_is_fixed_to_the_second_not_sliding():
    gateway = YotpoGateway()
    token = gateway.token()
    gateway.time = 1_790_000_001.9
    assert [gateway.list_orders(token).status_code for _ in range(5)] == [200] * 5
    gateway.time = 1_790_000_002.0
    assert [gateway.list_orders(token).status_code for _ in range(5)] == [200] * 5


def test_each_store_has_its_own_rate_limit():
    gateway = YotpoGateway()
    tokens = {store: gateway.token(store) for store in (STORE, OTHER)}
    gateway.time += 1
    assert [gateway.list_orders(tokens[STORE]).status_code for _ in range(6)][-1] == 429
    assert gateway.list_orders(tokens[OTHER], OTHER).status_code == 200


def test_every_response_has_rate_limit_headers():
    gateway = YotpoGateway()
    token = gateway.token()
    response = gateway.list_orders(token)
    headers = {name: response.headers[name] for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")}
    assert headers == {"RateLimit-Limit": "5", "RateLimit-Remaining": "3", "RateLimit-Reset": "1"}
    assert response.headers["X-RateLimit-Limit-Second"] == "5"
    assert response.headers["X-RateLimit-Remaining-Second"] == "3"
    assert response.headers["Via"] == "kong/2.1.4"
    assert len(response.headers["Correlation-Id"]) == 36
    assert {"X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency"} <= {name.title() for name in response.headers}


def test_a_429_is_the_gateways_stock_response():
    gateway = YotpoGateway(rate_limit=1)
    gateway.token()
    response = gateway.list_orders("any")
    assert response.status_code == 429
    assert response.json() == {"message": "API rate limit exceeded"}
    assert response.headers["Retry-After"] == "1"
    assert response.headers["RateLimit-Remaining"] == "0"


def test_a_429_without_retry_after_or_in_the_stores_shape_by_switch():
    gateway = YotpoGateway(rate_limit=1, retry_after=False, throttle_body="errors")
    gateway.token()
    response = gateway.list_orders("any")
    assert response.json() == {"errors": [{"message": "API rate limit exceeded"}]}
    assert "Retry-After" not in response.headers


def test_throttled_calls_are_counted_separately():
    gateway = YotpoGateway(rate_limit=2)
    token = gateway.token()
    gateway.list_orders(token)
    gateway.list_orders(token)
    assert gateway.sandbox.calls == {
        f"yotpo/{STORE}/token": 1,
        f"yotpo/{STORE}/orders.list": 1,
        f"yotpo/{STORE}/orders.list.throttled": 1,
    }


# Paths, stores, bodies


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/core/v3/shops"),
        ("GET", f"/core/v3/stores/{STORE}/reviews"),
        ("DELETE", f"/core/v3/stores/{STORE}/orders/1"),
        ("DELETE", f"/core/v3/stores/{STORE}/products/1"),
        ("GET", f"/core/v3/stores/{STORE}/orders/"),
        ("GET", f"/core/v3/stores/{STORE}/access_tokens"),
        ("PUT", f"/core/v3/stores/{STORE}/orders/1"),
        ("GET", "/oauth/token"),
        ("GET", "/"),
    ],
)
def test_an_unknown_path_is_the_gateways_404(gateway, method, path):
    response = gateway.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"message": "no Route matched with those values"}


@pytest.mark.parametrize("status", [404, 401])
def test_an_unknown_store_is_404_or_401_by_switch(gateway, status):
    gateway.sandbox.switches["yotpo.unknown_store_status"] = status
    assert gateway.list_orders("any", "store-zzzz").status_code == status
    response = gateway.request("POST", "/core/v3/stores/store-zzzz/access_tokens", json={"secret": "secret-a"})
    assert response.status_code == status


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"order": NaN}', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"order": {"order_name": "\\ud800"}}', "application/json"),
        (b'{"order": {}}', "text/plain"),
        (b"[]", "application/json"),
        (b'{"order": []}', "application/json"),
        (b'{"order": null}', "application/json"),
        (b'{"external_id": "1"}', "application/json"),
    ],
)
def test_a_malformed_body_or_envelope_is_400(gateway, content, kind):
    headers = {"X-Yotpo-Token": gateway.token(), "Content-Type": kind}
    response = gateway.request("POST", f"/core/v3/stores/{STORE}/orders", headers=headers, content=content)
    assert response.status_code == 400
    assert isinstance(response.json()["errors"][0]["message"], str)


def test_a_stray_key_beside_the_envelope_is_ignored(gateway):
    headers = {"X-Yotpo-Token": gateway.token()}
    body = {"product": {"external_id": "p"}, "utoken": "x"}
    assert gateway.request("POST", f"/core/v3/stores/{STORE}/products", headers=headers, json=body).status_code == 201


def test_an_error_body_ends_with_the_message(gateway):
    text = gateway.list_orders("wrong").text
    assert text.endswith('"}]}')
    assert list(json.loads(text)) == ["errors"]
