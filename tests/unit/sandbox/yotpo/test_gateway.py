"""What stands before a Yotpo store: tokens, the rate limit, headers, unknown paths and stores, malformed bodies."""

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


class World:
    """Two stores and a clock to turn; asked over ASGI."""

    def __init__(self, store: Store | None = None, **switches: Any) -> None:
        self.sandbox = Sandbox(
            store=store or Store(),
            credentials={"yotpo": {name: {"secret": secret} for name, secret in SECRETS.items()}},
            switches=yotpo.SWITCHES | {f"yotpo.{name}": value for name, value in switches.items()},
        )
        self.time = 1_790_000_000.25
        self.app = Starlette(routes=[Mount("/yotpo", routes=yotpo.routes(self.sandbox, clock=lambda: self.time))])

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox/yotpo") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def token(self, store: str = STORE) -> str:
        response = self.ask("POST", f"/core/v3/stores/{store}/access_tokens", json={"secret": SECRETS[store]})
        assert response.status_code == 200, response.text
        return response.json()["access_token"]

    def orders(self, token: str | None, store: str = STORE) -> httpx.Response:
        headers = {"X-Yotpo-Token": token} if token is not None else {}
        return self.ask("GET", f"/core/v3/stores/{store}/orders", headers=headers)


@pytest.fixture
def world() -> World:
    return World(rate_limit=0)


# Tokens


def test_the_token_answer_holds_the_token_alone(world):
    response = world.ask("POST", f"/core/v3/stores/{STORE}/access_tokens", json={"secret": "secret-a"})
    assert response.status_code == 200
    assert list(response.json()) == ["access_token"]


@pytest.mark.parametrize(
    ("body", "status"), [({"secret": "wrong"}, 401), ({}, 400), ({"secret": ""}, 400), ([], 400), ({"secret": 7}, 401)]
)
def test_a_wrong_secret_is_401_and_none_is_400(world, body, status):
    response = world.ask("POST", f"/core/v3/stores/{STORE}/access_tokens", json=body)
    assert response.status_code == status
    assert response.json()["errors"][0]["message"]


def test_older_tokens_stay_good_when_a_new_one_is_made(world):
    first, second = world.token(), world.token()
    assert first != second
    assert [world.orders(each).status_code for each in (first, second, first)] == [200, 200, 200]


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_without_a_good_token_it_is_401(world, token):
    assert world.orders(token).status_code == 401


def test_a_token_of_another_store_is_403_by_switch(world):
    foreign = world.token(OTHER)
    assert world.orders(foreign).status_code == 403
    world.sandbox.switches["yotpo.foreign_token_status"] = 401
    assert world.orders(foreign).status_code == 401


def test_the_status_for_a_bad_token_is_a_switch(world):
    world.sandbox.switches["yotpo.invalid_token_status"] = 403
    assert world.orders("wrong").status_code == 403


def test_refusals_of_tokens_have_the_stores_shape_or_the_gateways(world):
    assert set(world.orders("wrong").json()) == {"errors"}
    world.sandbox.switches["yotpo.auth_body"] = "gateway"
    assert world.orders("wrong").json() == {"message": "Unauthorized"}


def test_a_token_expires_after_seconds_when_switched(world):
    world.sandbox.switches["yotpo.token_seconds"] = 60
    token = world.token()
    world.time += 59.9
    assert world.orders(token).status_code == 200
    world.time += 0.1
    assert world.orders(token).status_code == 401
    assert world.orders(world.token()).status_code == 200


def test_a_token_expires_after_calls_when_switched(world):
    world.sandbox.switches["yotpo.token_calls"] = 2
    token = world.token()
    assert [world.orders(token).status_code for _ in range(3)] == [200, 200, 401]


def test_tokens_survive_a_restart_on_a_file(world, tmp_path):
    token = World(Store(tmp_path / "sandbox.db"), rate_limit=0).token()
    again = World(Store(tmp_path / "sandbox.db"), rate_limit=0)
    assert again.orders(token).status_code == 200
    assert again.token() != token


@pytest.mark.parametrize("form", ["json", "data"])
def test_an_oauth_token_is_as_good(world, form):
    body = {"client_id": STORE, "client_secret": "secret-a", "grant_type": "client_credentials"}
    response = world.ask("POST", "/oauth/token", **{form: body})
    assert response.status_code == 200
    assert response.json()["token_type"] == "bearer"
    assert world.orders(response.json()["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"client_id": 5}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_a_wrong_oauth_request_is_refused(world, changes, status):
    body = {"client_id": STORE, "client_secret": "secret-a", "grant_type": "client_credentials"} | changes
    assert world.ask("POST", "/oauth/token", json=body).status_code == status


def test_no_refusal_shows_a_secret_or_a_token(world):
    texts = [
        world.ask("POST", f"/core/v3/stores/{STORE}/access_tokens", json={"secret": "hidden-1"}).text,
        world.orders("hidden-2").text,
    ]
    assert not any("hidden" in text or "secret-a" in text for text in texts)


# The limit


def test_the_sixth_call_in_a_second_is_429():
    world = World()
    token = world.token()  # the token's own call counts too
    assert [world.orders(token).status_code for _ in range(5)] == [200, 200, 200, 200, 429]
    world.time += 1
    assert world.orders(token).status_code == 200


def test_the_window_is_fixed_to_the_second_not_sliding():
    world = World()
    token = world.token()
    world.time = 1_790_000_001.9
    assert [world.orders(token).status_code for _ in range(5)] == [200] * 5
    world.time = 1_790_000_002.0
    assert [world.orders(token).status_code for _ in range(5)] == [200] * 5


def test_each_store_has_a_limit_of_its_own():
    world = World()
    tokens = {store: world.token(store) for store in (STORE, OTHER)}
    world.time += 1
    assert [world.orders(tokens[STORE]).status_code for _ in range(6)][-1] == 429
    assert world.orders(tokens[OTHER], OTHER).status_code == 200


def test_every_answer_tells_where_the_limit_stands():
    world = World()
    token = world.token()
    response = world.orders(token)
    shown = {name: response.headers[name] for name in ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")}
    assert shown == {"RateLimit-Limit": "5", "RateLimit-Remaining": "3", "RateLimit-Reset": "1"}
    assert response.headers["X-RateLimit-Limit-Second"] == "5"
    assert response.headers["X-RateLimit-Remaining-Second"] == "3"
    assert response.headers["Via"] == "kong/2.1.4"
    assert len(response.headers["Correlation-Id"]) == 36
    assert {"X-Kong-Upstream-Latency", "X-Kong-Proxy-Latency"} <= {name.title() for name in response.headers}


def test_a_429_is_the_gateways_stock_answer():
    world = World(rate_limit=1)
    world.token()
    response = world.orders("any")
    assert response.status_code == 429
    assert response.json() == {"message": "API rate limit exceeded"}
    assert response.headers["Retry-After"] == "1"
    assert response.headers["RateLimit-Remaining"] == "0"


def test_a_429_without_retry_after_or_in_the_stores_shape_by_switch():
    world = World(rate_limit=1, retry_after=False, throttle_body="errors")
    world.token()
    response = world.orders("any")
    assert response.json() == {"errors": [{"message": "API rate limit exceeded"}]}
    assert "Retry-After" not in response.headers


def test_throttled_calls_are_counted_apart():
    world = World(rate_limit=2)
    token = world.token()
    world.orders(token)
    world.orders(token)
    assert world.sandbox.calls == {
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
def test_an_unknown_path_is_the_gateways_404(world, method, path):
    response = world.ask(method, path)
    assert response.status_code == 404
    assert response.json() == {"message": "no Route matched with those values"}


@pytest.mark.parametrize("status", [404, 401])
def test_an_unknown_store_is_404_or_401_by_switch(world, status):
    world.sandbox.switches["yotpo.unknown_store_status"] = status
    assert world.orders("any", "store-zzzz").status_code == status
    response = world.ask("POST", "/core/v3/stores/store-zzzz/access_tokens", json={"secret": "secret-a"})
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
def test_a_malformed_body_or_envelope_is_400(world, content, kind):
    headers = {"X-Yotpo-Token": world.token(), "Content-Type": kind}
    response = world.ask("POST", f"/core/v3/stores/{STORE}/orders", headers=headers, content=content)
    assert response.status_code == 400
    assert isinstance(response.json()["errors"][0]["message"], str)


def test_a_stray_key_beside_the_envelope_is_ignored(world):
    headers = {"X-Yotpo-Token": world.token()}
    body = {"product": {"external_id": "p"}, "utoken": "x"}
    assert world.ask("POST", f"/core/v3/stores/{STORE}/products", headers=headers, json=body).status_code == 201


def test_the_message_is_the_last_thing_in_an_error_body(world):
    text = world.orders("wrong").text
    assert text.endswith('"}]}')
    assert list(json.loads(text)) == ["errors"]
