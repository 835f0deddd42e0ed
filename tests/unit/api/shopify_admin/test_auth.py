"""The ways to a token of the Admin API: a fixed one, client credentials, and a token provider."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx
import pytest
from fakes.admin_api import FakeAdminApi, extract, make_client, orders_body, shop_body

from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError


class TokenEndpoint:
    """Issues tokens for client credentials."""

    def __init__(self) -> None:
        self.forms: list[dict] = []

    def __call__(self, request: httpx.Request) -> dict:
        assert "X-Shopify-Access-Token" not in request.headers
        self.forms.append(parse_qs(request.content.decode()))
        return {"access_token": f"shpat_issued{len(self.forms)}", "scope": "read_orders", "expires_in": 86399}


CLIENT_CREDENTIALS = {
    "auth": "client_credentials",
    "access_token": None,
    "client_id": "id",
    "client_secret": "shpss_secret",
}


def test_client_credentials_are_exchanged_once_for_many_requests() -> None:
    endpoint = TokenEndpoint()
    api = FakeAdminApi(token=endpoint, Orders=orders_body())
    secrets: list[str] = []
    extract(api, client_options={**CLIENT_CREDENTIALS, "on_secret": secrets.append})
    assert endpoint.forms == [
        {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["shpss_secret"]}
    ]
    assert {request.headers.get("X-Shopify-Access-Token") for request in api.requests[1:]} == {"shpat_issued1"}
    assert {"shpss_secret", "shpat_issued1"} <= set(secrets)


def test_an_exchange_whose_answer_is_a_gateways_is_tried_again() -> None:
    endpoint = TokenEndpoint()
    answers = iter([{"message": "a gateway answers"}, {"access_token": ""}])
    api = FakeAdminApi(token=lambda request: next(answers, None) or endpoint(request), Orders=orders_body())
    extract(api, client_options=CLIENT_CREDENTIALS)
    assert len(endpoint.forms) == 1
    assert next(answers, None) is None


def test_client_credentials_are_exchanged_again_before_a_token_expires() -> None:
    endpoint = TokenEndpoint()
    client = make_client(FakeAdminApi(token=endpoint), **CLIENT_CREDENTIALS)
    client.ping()
    client._clock.sleep(86_390)
    client.ping()
    assert len(endpoint.forms) == 2


def test_client_credentials_are_exchanged_again_once_after_a_token_is_refused() -> None:
    endpoint = TokenEndpoint()
    refused = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    make_client(FakeAdminApi(token=endpoint, Shop=[refused, shop_body()]), **CLIENT_CREDENTIALS).ping()
    assert len(endpoint.forms) == 2
    with pytest.raises(AuthenticationError):
        make_client(FakeAdminApi(token=endpoint, Shop=refused), **CLIENT_CREDENTIALS).ping()


def test_refused_client_credentials_have_a_remedy_and_keep_the_secret() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"error": "invalid_client", "error_description": "bad shpss_secret"})

    with pytest.raises(AuthenticationError, match="Check client id and secret") as caught:
        make_client(FakeAdminApi(token=refuse), **CLIENT_CREDENTIALS).ping()
    assert "shpss_secret" not in str(caught.value)


def test_a_security_rejection_of_the_exchange_is_no_refusal_of_the_credentials() -> None:
    # Status 430 passes: https://shopify.dev/docs/api/usage/response-codes.
    issue = TokenEndpoint()
    answers = iter([httpx.Response(430, html="<title>Shopify Security Rejection</title>")])

    def exchange(request: httpx.Request) -> httpx.Response | dict:
        return next(answers, None) or issue(request)

    assert make_client(FakeAdminApi(token=exchange), **CLIENT_CREDENTIALS).ping()


def test_a_token_provider_is_called_again_after_its_token_is_refused() -> None:
    tokens = iter(["shpat_old_token", "shpat_new_token"])
    refused = httpx.Response(401, json={"errors": "[API] Invalid API key or access token"})
    api = FakeAdminApi(Shop=[refused, shop_body()])
    make_client(api, access_token=None, token_provider=lambda: next(tokens)).ping()
    assert [request.headers["X-Shopify-Access-Token"] for request in api.requests] == [
        "shpat_old_token",
        "shpat_new_token",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"access_token": None}, "access token is missing"),
        ({"auth": "oauth"}, "'auth' is 'oauth'"),
        ({**CLIENT_CREDENTIALS, "client_secret": None}, "client id and a client secret"),
        ({"api_version": "2026"}, "api_version"),
        ({"shop": "a.example.com"}, "permanent domain"),
    ],
)
def test_a_missing_or_wrong_option_is_named(options: dict, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_client(FakeAdminApi(), **options)


def test_ping_names_the_shop_and_the_scopes() -> None:
    message = make_client(FakeAdminApi(Shop=shop_body("read_orders", "read_customers"))).ping()
    assert message == "a.myshopify.com answers; the token's scopes: read_customers, read_orders."
