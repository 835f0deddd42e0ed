"""Yofi's two token profiles and the tenant headers, over HTTP."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.store import Sandbox, Store
from airflow_provider_partners.sandbox.yofi import server as yofi

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "not-a-real-secret-but-long-enough-for-hs256"
SHOP = "a.myshopify.com"
OTHER = "b.myshopify.com"
CREDENTIALS = {
    "secret": SECRET,
    "issuer": "partner-sandbox",
    "subject": "svc-sandbox",
    "client_id": "backend-service",
    "organization_id": "org-sandbox",
    "platform": "shopify",
    "shops": [SHOP, OTHER],
}
CLAIMS = "/yofi/ecommerce/claims/"
HEADERS = {"app_id": SHOP, "partner_id": "shopify"}


class World:
    """A sandbox with one claim in each of two shops, and a clock to turn."""

    def __init__(self) -> None:
        self.sandbox = Sandbox(store=Store(), credentials={"yofi": dict(CREDENTIALS)}, switches=dict(yofi.SWITCHES))
        for shop, id_ in ((SHOP, "claim-a"), (OTHER, "claim-b")):
            claim = {"type": "Claim", "id": id_, "attributes": {"created_at_epoch": 1}, "relationships": {}}
            self.sandbox.store.put("yofi", shop, "claim", id_, claim, at="2026-01-01T00:00:00Z")
        self.sandbox.store.put("yofi", OTHER, "app", "app-77", {"type": "App", "id": "app-77"}, at="2026")
        self.time = 1_790_000_000.0
        self.app = Starlette(routes=[Mount("/yofi", routes=yofi.routes(self.sandbox, clock=lambda: self.time))])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """One server; each test's own app is looked up when a request comes."""

    async def current(scope, receive, send):
        await World.current.app(scope, receive, send)

    with serving(current) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def world() -> World:
    World.current = World()
    return World.current


def claims(world: World, **changes) -> dict:
    found = {
        "iss": "partner-sandbox",
        "sub": "svc-sandbox",
        "aud": ["yofi-public-api"],
        "iat": int(world.time) - 5,
        "exp": int(world.time) + 300,
        "jti": str(uuid.uuid4()),
        "client_id": "backend-service",
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def legacy(world: World, **changes) -> dict:
    defaults = {"aud": "Yofi", "sub": SHOP, "org_id": "org-sandbox", "jti": None, "client_id": None}
    return claims(world, **(defaults | changes))


def ask(
    client: httpx.Client,
    payload: dict,
    headers: dict = HEADERS,
    *,
    key: str = SECRET,
    algorithm: str = "HS256",
):
    token = jwt.encode(payload, key, algorithm=algorithm)
    return client.get(CLAIMS, headers=headers | {"Authorization": f"Bearer {token}"})


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json()["data"]]


def test_a_service_account_reads_the_shop_its_header_names(world, client):
    assert ids(ask(client, claims(world))) == ["claim-a"]
    assert ids(ask(client, claims(world), HEADERS | {"app_id": OTHER})) == ["claim-b"]


def test_the_app_id_header_may_hold_the_yofi_app_id(world, client):
    assert ids(ask(client, claims(world), HEADERS | {"app_id": "app-77"})) == ["claim-b"]


def test_a_legacy_token_names_its_shop_and_needs_no_headers(world, client):
    assert ids(ask(client, legacy(world, sub=OTHER), {})) == ["claim-b"]


def test_calls_are_counted_by_shop_and_operation(world, client):
    ask(client, claims(world))
    assert world.sandbox.calls == {f"yofi/{SHOP}/claims.list": 1}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer not.a.token", "Basic abc", "Token {}"])
def test_without_a_bearer_token_it_is_401(world, client, header):
    response = client.get(CLAIMS, headers=HEADERS | {"Authorization": header})
    assert response.status_code == 401


def test_a_token_signed_with_another_key_is_401(world, client):
    assert ask(client, claims(world), key="another-secret-that-is-also-long-enough").status_code == 401


def test_an_unsigned_token_is_401(world, client):
    assert ask(client, claims(world), key="", algorithm="none").status_code == 401


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_401_even_with_the_right_key(world, client, algorithm):
    assert ask(client, claims(world), key=SECRET * 2, algorithm=algorithm).status_code == 401
    world.sandbox.credentials["yofi"]["secret"] = SECRET * 2
    assert ask(client, claims(world), key=SECRET * 2, algorithm=algorithm).status_code == 401
    assert ask(client, claims(world), key=SECRET * 2).status_code == 200


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp", "jti", "client_id"])
def test_every_claim_of_the_service_account_is_required(world, client, name):
    assert ask(client, claims(world, **{name: None})).status_code == 401


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp", "org_id"])
def test_every_claim_of_the_legacy_profile_is_required(world, client, name):
    assert ask(client, legacy(world, **{name: None}), {}).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone"},
        {"sub": "someone"},
        {"client_id": "frontend"},
        {"aud": "yofi-public-api"},  # a string where the profile asks for a list
        {"aud": ["other-api"]},
        {"aud": ["Yofi"]},
        {"aud": "yofi"},
        {"aud": []},
        {"iat": "now"},
        {"exp": "later"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"iat": True},
    ],
)
def test_a_wrong_claim_is_401(world, client, changes):
    assert ask(client, claims(world, **changes)).status_code == 401


def test_the_list_of_audiences_may_hold_others(world, client):
    assert ask(client, claims(world, aud=["x", "yofi-public-api"])).status_code == 200


def test_an_expired_token_is_401(world, client):
    payload = claims(world)
    assert ask(client, payload).status_code == 200
    world.time += 301
    assert ask(client, payload).status_code == 401


def test_a_token_of_the_future_is_401(world, client):
    assert ask(client, claims(world, iat=int(world.time) + 60)).status_code == 401


def test_a_token_may_be_used_until_it_expires(world, client):
    payload = claims(world)
    assert [ask(client, payload).status_code for _ in range(3)] == [200, 200, 200]


def test_a_jti_used_by_another_token_is_401(world, client):
    assert ask(client, claims(world, jti="one")).status_code == 200
    assert ask(client, claims(world, jti="one", exp=int(world.time) + 301)).status_code == 401
    assert ask(client, claims(world, jti="one")).status_code == 200


def test_the_jti_need_not_be_a_valid_uuid(world, client):
    assert ask(client, claims(world, jti="zzzzzzzz-1111-2222-3333-444444444444")).status_code == 200


def test_tokens_that_live_too_long_are_refused_when_a_cap_is_set(world, client):
    assert ask(client, claims(world, exp=int(world.time) + 9995)).status_code == 200
    world.sandbox.switches["yofi.token_max_lifetime"] = 600
    assert ask(client, claims(world, exp=int(world.time) + 596)).status_code == 401
    assert ask(client, claims(world, exp=int(world.time) + 595)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"app_id": SHOP},
        {"partner_id": "shopify"},
        HEADERS | {"app_id": "unknown.myshopify.com"},
        HEADERS | {"partner_id": "magento"},
        HEADERS | {"organization_id": "other"},
        {"app-id": SHOP, "partner-id": "shopify"},  # dashes are not the underscores asked for
    ],
)
def test_tenant_headers_that_are_not_granted_are_403(world, client, headers):
    assert ask(client, claims(world), headers).status_code == 403


def test_the_organization_header_is_optional_but_checked(world, client):
    assert ask(client, claims(world), HEADERS | {"organization_id": "org-sandbox"}).status_code == 200


@pytest.mark.parametrize("changes", [{"sub": "unknown.myshopify.com"}, {"org_id": "other"}])
def test_a_legacy_token_for_what_is_not_granted_is_403(world, client, changes):
    assert ask(client, legacy(world, **changes), {}).status_code == 403


def test_a_profile_can_be_switched_off(world, client):
    world.sandbox.switches["yofi.profiles"] = ["service_account"]
    assert ask(client, legacy(world), {}).status_code == 401
    assert ask(client, claims(world)).status_code == 200


def test_refusals_never_repeat_the_token_or_the_secret(world, client):
    token = jwt.encode(claims(world, iss="someone"), SECRET)
    text = client.get(CLAIMS, headers=HEADERS | {"Authorization": f"Bearer {token}"}).text
    assert token not in text
    assert SECRET not in text
