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


class TwoShops:
    """A sandbox with one claim in each of two shops, and a clock that tests can move."""

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
    """Return a client of one server, which calls the app of the current test."""

    async def current(scope, receive, send):
        await TwoShops.current.app(scope, receive, send)

    with serving(current) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def two_shops() -> TwoShops:
    TwoShops.current = TwoShops()
    return TwoShops.current


def service_claims(two_shops: TwoShops, **changes) -> dict:
    payload = {
        "iss": "partner-sandbox",
        "sub": "svc-sandbox",
        "aud": ["yofi-public-api"],
        "iat": int(two_shops.time) - 5,
        "exp": int(two_shops.time) + 300,
        "jti": str(uuid.uuid4()),
        "client_id": "backend-service",
    } | changes
    return {name: value for name, value in payload.items() if value is not None}


def legacy_claims(two_shops: TwoShops, **changes) -> dict:
    defaults = {"aud": "Yofi", "sub": SHOP, "org_id": "org-sandbox", "jti": None, "client_id": None}
    return service_claims(two_shops, **(defaults | changes))


def list_claims(
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


def test_a_service_account_reads_the_shop_of_its_header(two_shops, client):
    assert ids(list_claims(client, service_claims(two_shops))) == ["claim-a"]
    assert ids(list_claims(client, service_claims(two_shops), HEADERS | {"app_id": OTHER})) == ["claim-b"]


def test_the_app_id_header_may_contain_yofis_app_id(two_shops, client):
    assert ids(list_claims(client, service_claims(two_shops), HEADERS | {"app_id": "app-77"})) == ["claim-b"]


def test_a_legacy_token_names_its_shop_and_needs_no_headers(two_shops, client):
    assert ids(list_claims(client, legacy_claims(two_shops, sub=OTHER), {})) == ["claim-b"]


def test_calls_are_counted_by_shop_and_operation(two_shops, client):
    list_claims(client, service_claims(two_shops))
    assert two_shops.sandbox.calls == {f"yofi/{SHOP}/claims.list": 1}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer not.a.token", "Basic abc", "Token {}"])
def test_without_a_bearer_token_it_is_401(two_shops, client, header):
    response = client.get(CLAIMS, headers=HEADERS | {"Authorization": header})
    assert response.status_code == 401


def test_a_token_signed_with_another_key_is_401(two_shops, client):
    assert (
        list_claims(client, service_claims(two_shops), key="another-secret-that-is-also-long-enough").status_code == 401
    )


def test_an_unsigned_token_is_401(two_shops, client):
    assert list_claims(client, service_claims(two_shops), key="", algorithm="none").status_code == 401


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_401_even_with_the_right_key(two_shops, client, algorithm):
    assert list_claims(client, service_claims(two_shops), key=SECRET * 2, algorithm=algorithm).status_code == 401
    two_shops.sandbox.credentials["yofi"]["secret"] = SECRET * 2
    assert list_claims(client, service_claims(two_shops), key=SECRET * 2, algorithm=algorithm).status_code == 401
    assert list_claims(client, service_claims(two_shops), key=SECRET * 2).status_code == 200


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp", "jti", "client_id"])
def test_every_claim_of_the_service_account_is_required(two_shops, client, name):
    assert list_claims(client, service_claims(two_shops, **{name: None})).status_code == 401


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "iat", "exp", "org_id"])
def test_every_claim_of_the_legacy_profile_is_required(two_shops, client, name):
    assert list_claims(client, legacy_claims(two_shops, **{name: None}), {}).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone"},
        {"sub": "someone"},
        {"client_id": "frontend"},
        {"aud": "yofi-public-api"},  # a string, but the profile needs a list
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
def test_a_wrong_claim_is_401(two_shops, client, changes):
    assert list_claims(client, service_claims(two_shops, **changes)).status_code == 401


def test_the_audience_may_contain_others(two_shops, client):
    assert list_claims(client, service_claims(two_shops, aud=["x", "yofi-public-api"])).status_code == 200


def test_an_expired_token_is_401(two_shops, client):
    payload = service_claims(two_shops)
    assert list_claims(client, payload).status_code == 200
    two_shops.time += 301
    assert list_claims(client, payload).status_code == 401


def test_a_token_issued_in_the_future_is_401(two_shops, client):
    assert list_claims(client, service_claims(two_shops, iat=int(two_shops.time) + 60)).status_code == 401


def test_a_token_may_be_used_until_it_expires(two_shops, client):
    payload = service_claims(two_shops)
    assert [list_claims(client, payload).status_code for _ in range(3)] == [200, 200, 200]


def test_a_jti_used_by_another_token_is_401(two_shops, client):
    assert list_claims(client, service_claims(two_shops, jti="one")).status_code == 200
    assert list_claims(client, service_claims(two_shops, jti="one", exp=int(two_shops.time) + 301)).status_code == 401
    assert list_claims(client, service_claims(two_shops, jti="one")).status_code == 200


def test_the_jti_need_not_be_a_valid_uuid(two_shops, client):
    assert list_claims(client, service_claims(two_shops, jti="zzzzzzzz-1111-2222-3333-444444444444")).status_code == 200


def test_a_token_with_a_longer_lifetime_than_the_maximum_is_401(two_shops, client):
    assert list_claims(client, service_claims(two_shops, exp=int(two_shops.time) + 9995)).status_code == 200
    two_shops.sandbox.switches["yofi.token_max_lifetime"] = 600
    assert list_claims(client, service_claims(two_shops, exp=int(two_shops.time) + 596)).status_code == 401
    assert list_claims(client, service_claims(two_shops, exp=int(two_shops.time) + 595)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"app_id": SHOP},
        {"partner_id": "shopify"},
        HEADERS | {"app_id": "unknown.myshopify.com"},
        HEADERS | {"partner_id": "magento"},
        HEADERS | {"organization_id": "other"},
        {"app-id": SHOP, "partner-id": "shopify"},  # dashes instead of underscores
    ],
)
def test_tenant_headers_that_are_not_granted_are_403(two_shops, client, headers):
    assert list_claims(client, service_claims(two_shops), headers).status_code == 403


def test_the_organization_header_is_optional_but_checked(two_shops, client):
    assert (
        list_claims(client, service_claims(two_shops), HEADERS | {"organization_id": "org-sandbox"}).status_code == 200
    )


@pytest.mark.parametrize("changes", [{"sub": "unknown.myshopify.com"}, {"org_id": "other"}])
def test_a_legacy_token_for_a_shop_or_organization_that_is_not_granted_is_403(two_shops, client, changes):
    assert list_claims(client, legacy_claims(two_shops, **changes), {}).status_code == 403


def test_a_profile_can_be_switched_off(two_shops, client):
    two_shops.sandbox.switches["yofi.profiles"] = ["service_account"]
    assert list_claims(client, legacy_claims(two_shops), {}).status_code == 401
    assert list_claims(client, service_claims(two_shops)).status_code == 200


def test_errors_never_repeat_the_token_or_the_secret(two_shops, client):
    token = jwt.encode(service_claims(two_shops, iss="someone"), SECRET)
    text = client.get(CLAIMS, headers=HEADERS | {"Authorization": f"Bearer {token}"}).text
    assert token not in text
    assert SECRET not in text
