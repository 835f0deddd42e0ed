"""Tokens of a Yotpo store: how they are obtained, renewed and kept out of texts."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fakes.yotpo_api import ROOT, FakeYotpoApi, error_response, yotpo_client

from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    RejectedError,
    UnexpectedResponseError,
)


def test_the_secret_is_exchanged_for_a_token_once_and_every_call_sends_the_token() -> None:
    secrets: list[str] = []
    api = FakeYotpoApi(httpx.Response(200, json={"order": {"yotpo_id": 5}}))
    yotpo = yotpo_client(api, on_secret=secrets.append)

    yotpo.order(5)
    yotpo.order(5)

    [token_request] = api.token_requests
    assert (token_request.method, token_request.url.path) == ("POST", f"{ROOT}/access_tokens")
    assert json.loads(token_request.content) == {"secret": "the-api-secret"}
    assert "x-yotpo-token" not in token_request.headers
    assert [request.headers["x-yotpo-token"] for request in api.requests] == ["token-1", "token-1"]
    assert secrets[:2] == ["the-api-secret", "token-1"]


def test_the_token_may_come_from_the_oauth_endpoint() -> None:
    api = FakeYotpoApi(httpx.Response(200, json={"order": {"yotpo_id": 5}}))

    yotpo_client(api, auth="oauth").order(5)

    [token_request] = api.token_requests
    assert token_request.url.path == "/oauth/token"
    assert json.loads(token_request.content) == {
        "client_id": "STORE",
        "client_secret": "the-api-secret",
        "grant_type": "client_credentials",
    }
    assert api.requests[0].headers["x-yotpo-token"] == "token-1"


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_once(status: int) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.headers["x-yotpo-token"] == "token-1":
            return error_response(status, "The access token is invalid")
        return httpx.Response(200, json={"order": {"yotpo_id": 5}})

    api = FakeYotpoApi(respond)

    assert yotpo_client(api).order(5) == {"yotpo_id": 5}
    assert len(api.token_requests) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_third_refused_token_ends_the_call(status: int) -> None:
    """Three 401 in a row mean that a token was revoked (https://develop.yotpo.com/docs/authenticating)."""
    api = FakeYotpoApi(error_response(status, "no"))

    with pytest.raises(AuthenticationError, match=r"Check .*store id \(login\) and API secret \(password\)"):
        yotpo_client(api).order(5)
    assert [request.headers["x-yotpo-token"] for request in api.requests] == ["token-1", "token-2", "token-3"]


@pytest.mark.parametrize(
    "failure",
    [
        error_response(401, "no"),
        error_response(404),
        httpx.Response(200, content=b'{"'),
        httpx.Response(200, json={"message": "a gateway answers"}),
    ],
)
@pytest.mark.parametrize("failures", [1, 2])
def test_a_token_endpoint_in_a_storm_gives_a_token_in_the_end(failure: httpx.Response, failures: int) -> None:
    requests = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path.rpartition("/")[2])
        if len(requests) <= failures:
            return failure
        body = {"access_token": "t"} if requests[-1] == "access_tokens" else {"order": {"yotpo_id": 5}}
        return httpx.Response(200, json=body)

    assert yotpo_client(respond).order(5) == {"yotpo_id": 5}
    assert requests == ["access_tokens"] * (failures + 1) + ["5"]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_rejected_token_request_means_wrong_credentials(status: int) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return error_response(status, "bad secret the-api-secret")

    with pytest.raises(AuthenticationError, match=r"API secret \(password\) of the connection") as caught:
        yotpo_client(respond).order(5)
    assert "the-api-secret" not in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"access_token": ""}, {"access_token": 5}])
def test_a_token_response_without_a_token_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedResponseError, match="answered without an access token"):
        yotpo_client(lambda request: httpx.Response(200, json=body)).order(5)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"auth": "magic"}, "auth='magic' is unknown"),
        ({"secret": ""}, "both needed"),
        ({"store_id": ""}, "both needed"),
    ],
)
def test_incomplete_credentials_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        yotpo_client(FakeYotpoApi(httpx.Response(200)), **options)


def test_no_text_shows_the_secret_or_the_token() -> None:
    api = FakeYotpoApi(
        lambda request: error_response(400, f"what is {request.headers['x-yotpo-token']}, the-api-secret?")
    )
    yotpo = yotpo_client(api)

    with pytest.raises(RejectedError) as caught:
        yotpo.create_order({})
    assert "token-1" not in str(caught.value)
    assert "the-api-secret" not in f"{caught.value}{yotpo!r}{vars(yotpo)!r}"
