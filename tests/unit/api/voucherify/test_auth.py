"""Credentials of Voucherify: key pairs, tokens, and the keys of its other APIs."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from clocks import TurningClock
from fakes.voucherify import NOW, voucherify_client

from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError


class OneListApi:
    """A list with a few records; stores the requests."""

    def __init__(self, key: str = "redemptions", records: list[dict[str, Any]] | None = None) -> None:
        self.body = {"object": "list", "data_ref": key, key: records or [], "total": len(records or [])}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json=self.body)


def test_every_request_carries_the_key_pair_and_the_version() -> None:
    api, secrets = OneListApi(), []

    list(voucherify_client(api, on_secret=secrets.append).extract("redemptions").records())

    headers = api.requests[0].headers
    assert (headers["x-app-id"], headers["x-app-token"]) == ("app-id-1234", "the-secret-key")
    assert headers["x-voucherify-api-version"] == "v2018-08-01"
    assert "the-secret-key" in secrets


def test_a_token_is_exchanged_by_a_form_and_renewed_before_it_expires() -> None:
    api, exchanges, clock = OneListApi(), [], TurningClock(NOW)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/v1/oauth/token":
            return api(request)
        exchanges.append(request)
        body = {"access_token": f"token-{len(exchanges)}", "expires_at": int(clock.now) + 900, "expires_in": 900}
        return httpx.Response(200, json={**body, "token_type": "Bearer"})

    voucherify = voucherify_client(answer, auth="oauth", oauth_scope="redemptions orders", clock=clock)
    for _ in range(3):
        list(voucherify.extract("redemptions").records())
        clock.now += 500

    assert [request.headers["authorization"] for request in api.requests] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert "x-app-token" not in api.requests[0].headers
    assert dict(parse_qsl(exchanges[0].content.decode())) == {
        "grant_type": "client_credentials",
        "scope": "redemptions orders",
    }
    assert exchanges[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert exchanges[0].headers["x-app-token"] == "the-secret-key"


def test_an_exchange_that_returns_no_token_is_an_error() -> None:
    with pytest.raises(UnexpectedResponseError, match="without an access token"):
        voucherify_client(lambda request: httpx.Response(200, json={}), auth="oauth").ping()


def test_an_exchange_whose_answer_is_a_gateways_is_tried_again() -> None:
    answers = iter([{"message": "a gateway answers"}, {"access_token": "token-1", "expires_in": 900}])
    paths: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        is_exchange = request.url.path == "/v1/oauth/token"
        return httpx.Response(200, json=next(answers) if is_exchange else {"redemptions": [], "total": 0})

    voucherify_client(respond, auth="oauth").ping()
    assert paths == ["/v1/oauth/token", "/v1/oauth/token", "/v1/redemptions"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "basic"}, "auth='basic' is unknown.*keys, oauth, client, management"),
        ({"secret_key": ""}, "both needed"),
        ({"auth": "client"}, "needs an origin"),
    ],
)
def test_an_incomplete_connection_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        voucherify_client(OneListApi(), **options)


def test_a_client_side_key_is_sent_with_its_origin() -> None:
    api = OneListApi("tiers", [{"id": "promo_1"}])
    voucherify = voucherify_client(api, auth="client", origin="https://shop.example.com")

    assert list(voucherify.extract("client_promotion_tiers").records()) == [{"id": "promo_1"}]
    assert voucherify.ping() == "Voucherify answers for the application app-id-1…: 1 client_promotion_tiers."

    headers = api.requests[0].headers
    assert api.requests[0].url.path == "/client/v1/promotions/tiers"
    assert (headers["x-client-application-id"], headers["x-client-token"]) == ("app-id-1234", "the-secret-key")
    assert headers["origin"] == "https://shop.example.com"
    assert headers["x-voucherify-api-version"] == "v2018-08-01"
    assert "x-app-token" not in headers


def test_a_management_key_reads_the_lists_of_the_management_api() -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"object": "list", "data_ref": "data", "data": [{"id": "proj_1"}], "total": 1})

    voucherify = voucherify_client(answer, auth="management")
    assert list(voucherify.extract("management_projects").records()) == [{"id": "proj_1"}]
    assert list(voucherify.extract("management_users", parents={"project_id": "proj_1"}).records()) == [
        {"project_id": "proj_1", "id": "proj_1"}
    ]
    assert voucherify.ping() == "Voucherify answers for the application app-id-1…: 1 management_projects."

    assert [request.url.path for request in requests] == [
        "/management/v1/projects",
        "/management/v1/projects/proj_1/users",
        "/management/v1/projects",
    ]
    assert (requests[0].headers["x-management-id"], requests[0].headers["x-management-token"]) == (
        "app-id-1234",
        "the-secret-key",
    )


@pytest.mark.parametrize(
    ("auth", "name", "message"),
    [
        ("keys", "management_projects", "the management API, and this connection has auth 'keys'.*auth 'management'"),
        ("oauth", "client_promotion_tiers", "the client API.*auth 'client', with the client application id"),
        ("management", "redemptions", "the server API.*auth 'keys' or 'oauth'"),
        ("client", "promotion_tiers", "the server API.*auth 'keys' or 'oauth'"),
    ],
)
def test_the_error_for_a_list_of_another_api_names_the_connection_it_needs(auth: str, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        voucherify_client(OneListApi(), auth=auth, origin="https://a.example").extract(name)


@pytest.mark.parametrize("scope", ["redemptions,orders", "redemptions, orders", " redemptions  orders "])
def test_scopes_are_sent_separated_by_spaces(scope: str) -> None:
    forms: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth/token":
            forms.append(dict(parse_qsl(request.content.decode())))
            return httpx.Response(200, json={"access_token": "t", "expires_in": 900})
        return httpx.Response(200, json={"redemptions": [], "total": 0})

    voucherify_client(answer, auth="oauth", oauth_scope=scope).ping()

    assert forms == [{"grant_type": "client_credentials", "scope": "redemptions orders"}]


def test_a_refused_token_is_exchanged_again_once() -> None:
    tokens: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/oauth/token":
            tokens.append(f"token-{len(tokens) + 1}")
            return httpx.Response(200, json={"access_token": tokens[-1], "expires_in": 900})
        if request.headers["authorization"] == "Bearer token-1":
            return httpx.Response(401, json={"code": 401, "message": "Unauthorized", "key": "unauthorized"})
        return httpx.Response(200, json={"redemptions": [], "total": 0})

    voucherify = voucherify_client(answer, auth="oauth")
    voucherify.ping()
    voucherify.ping()

    assert tokens == ["token-1", "token-2"]
