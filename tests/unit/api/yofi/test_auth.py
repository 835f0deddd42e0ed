"""Yofi's tokens: what they contain, when they are renewed, and which connections are refused."""

from __future__ import annotations

import traceback
from typing import Any

import httpx
import pytest
from clocks import TurningClock
from fakes.yofi_api import NOW, SECRET, SHOP, FakeYofiApi, token_claims, yofi_client

from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, RejectedError

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n"


@pytest.mark.covers(
    "yofi.auth.claim.iss",
    "yofi.auth.claim.sub",
    "yofi.auth.claim.aud",
    "yofi.auth.claim.exp",
    "yofi.auth.claim.iat",
    "yofi.auth.claim.client_id",
    "yofi.auth.header.app_id.shop",
    "yofi.auth.header.partner_id",
)
def test_a_service_account_token_is_partner_wide_and_headers_name_the_shop() -> None:
    api = FakeYofiApi()

    list(yofi_client(api, organization_id="org-1").extract("claims").records())

    request = api.requests[0]
    claims = token_claims(request)
    assert {name: request.headers[name] for name in ("app_id", "partner_id", "organization_id")} == {
        "app_id": SHOP,
        "partner_id": "shopify",
        "organization_id": "org-1",
    }
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "partner-7",
        "sub": "svc-7",
        "aud": ["yofi-public-api"],
        "client_id": "backend-service",
        "iat": NOW - 5,
        "exp": NOW + 300,
    }


def test_without_an_organization_its_header_is_left_out() -> None:
    api = FakeYofiApi()

    list(yofi_client(api).extract("claims").records())

    assert "organization_id" not in api.requests[0].headers


@pytest.mark.covers(
    "yofi.legacy.claim.iss",
    "yofi.legacy.claim.sub",
    "yofi.legacy.claim.aud",
    "yofi.legacy.claim.org_id",
    "yofi.legacy.claim.iat",
    "yofi.legacy.claim.exp",
    "yofi.legacy.no_headers",
)
def test_a_legacy_token_names_the_shop_and_needs_no_headers() -> None:
    api = FakeYofiApi()

    list(
        yofi_client(api, auth_profile="legacy", organization_id="org-1", shop=f"https://{SHOP}/")
        .extract("claims")
        .records()
    )

    request = api.requests[0]
    assert token_claims(request) == {
        "iss": "partner-7",
        "sub": SHOP,
        "aud": "Yofi",
        "org_id": "org-1",
        "iat": NOW - 5,
        "exp": NOW + 300,
    }
    assert not {"app_id", "partner_id", "organization_id"} & set(request.headers)


@pytest.mark.covers("yofi.auth.claim.aud.provided", "yofi.auth.claim.aud", "yofi.legacy.claim.aud")
@pytest.mark.parametrize(
    ("profile", "audience", "claim"),
    [
        # The page's own audiences; RFC 7519, section 4.1.3 allows an array and a string.
        ("service_account", None, ["yofi-public-api"]),
        ("service_account", "partner-api", ["partner-api"]),
        ("service_account", "partner-api, yofi-public-api", ["partner-api", "yofi-public-api"]),
        ("service_account", '["partner-api"]', ["partner-api"]),
        ("legacy", None, "Yofi"),
        ("legacy", "Partner", "Partner"),
    ],
)
def test_the_audience_is_the_one_that_yofi_assigned(profile: str, audience: str | None, claim: object) -> None:
    api = FakeYofiApi()
    list(yofi_client(api, auth_profile=profile, organization_id="org-1", audience=audience).extract("claims").records())
    assert token_claims(api.requests[0])["aud"] == claim


def test_a_new_token_with_another_id_is_signed_before_expiry() -> None:
    api, clock = FakeYofiApi(), TurningClock(NOW)
    yofi = yofi_client(api, clock=clock)

    for _ in range(3):
        list(yofi.extract("claims").records())
        clock.now += 200

    first, second, third = [token_claims(request)["jti"] for request in api.requests]
    assert first == second != third


def test_a_refused_token_is_replaced_and_the_third_refusal_is_an_error() -> None:
    api = FakeYofiApi(lambda request: httpx.Response(401, json={"message": "Unauthorized"}))

    with pytest.raises(AuthenticationError, match=r"Unauthorized.*Check secret, issuer, subject and auth_profile"):
        list(yofi_client(api).extract("claims").records())
    assert len({token_claims(request)["jti"] for request in api.requests}) == len(api.requests) == 3


def test_a_403_names_headers_that_proxies_drop() -> None:
    api = FakeYofiApi(lambda request: httpx.Response(403, json={"message": "Forbidden"}))

    with pytest.raises(AuthenticationError, match=r"Forbidden.*app_id and partner_id"):
        list(yofi_client(api).extract("claims").records())
    assert len(api.requests) == 1


@pytest.mark.parametrize("profile", ["service_account", "legacy"])
def test_each_shop_has_its_own_token(profile: str) -> None:
    api = FakeYofiApi()
    first = yofi_client(api, auth_profile=profile, organization_id="org-1")
    second = yofi_client(api, auth_profile=profile, organization_id="org-1", shop="https://B.myshopify.com")

    for yofi in (first, second, first):
        list(yofi.extract("claims").records())

    tokens = [request.headers["authorization"] for request in api.requests]
    assert tokens[0] == tokens[2] != tokens[1]
    assert (first.shop, second.shop) == (SHOP, "b.myshopify.com")
    shops = [request.headers.get("app_id") or token_claims(request)["sub"] for request in api.requests]
    assert shops == [SHOP, "b.myshopify.com", SHOP]


@pytest.mark.covers("yofi.auth.header.app_id.id")
def test_an_app_id_is_used_unchanged_as_the_shop() -> None:
    api = FakeYofiApi()

    list(yofi_client(api, shop="AppId-7").extract("claims").records())

    assert api.requests[0].headers["app_id"] == "AppId-7"


def test_every_secret_is_reported_before_its_first_use() -> None:
    secrets: list[str] = []
    api = FakeYofiApi()

    list(yofi_client(api, on_secret=secrets.append).extract("claims").records())

    assert secrets == [SECRET, api.requests[0].headers["authorization"].removeprefix("Bearer ")]


def test_no_repr_or_error_shows_the_secret_or_a_token() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(400, json={"detail": f"{request.headers['authorization']} {SECRET}"})

    yofi = yofi_client(FakeYofiApi(echo))

    with pytest.raises(RejectedError) as caught:
        list(yofi.extract("claims", page_size=5).records())
    assert SECRET not in f"{caught.value}{yofi!r}{vars(yofi)!r}"
    assert "eyJ" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"subject": None}, "'service_account' needs subject"),
        ({"auth_profile": "legacy"}, "'legacy' needs organization_id"),
        ({"secret": "", "issuer": ""}, "needs secret and issuer"),
        ({"auth_profile": "oauth"}, "auth_profile='oauth' is unknown.*service_account, legacy"),
        ({"algorithm": "none"}, "algorithm='none' is unknown"),
        ({"token_ttl": 0}, "token_ttl=0"),
        # RFC 7519, section 4.1.1: "The iss value is a case-sensitive string".
        ({"issuer": 5}, "'issuer' is a int, and text is needed"),
        ({"subject": 5, "organization_id": 7}, "'subject' is a int, and text is needed"),
        # RFC 8725, section 2.1: a public key must not be taken for the secret of an HMAC.
        ({"secret": PEM}, "the secret cannot sign tokens with HS256.*a PEM key is none"),
        ({"secret": "ssh-rsa AAAAB3NzaC1yc2E"}, "the secret cannot sign tokens"),
        ({"secret": "half an emoji \ud83d in a secret of Yofi"}, "the secret cannot sign tokens"),
        ({"paths": {"return": "/x/"}}, "names 'return', which is no list.*claims, customers, returns"),
        ({"paths": {"returns": "x"}}, "path of 'returns' doesn't start with a slash"),
        ({"paths": {"customer": "/ecommerce/customers/"}}, r"has no \{customer_id\} in it"),
    ],
)
def test_an_invalid_connection_is_refused_with_the_field(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        yofi_client(FakeYofiApi(), **options)
    assert "MIIEvQIBADANBg" not in "".join(traceback.format_exception(raised.value))


def test_without_a_shop_no_request_is_sent() -> None:
    api = FakeYofiApi()
    yofi = yofi_client(api, shop=None)

    with pytest.raises(ConfigurationError, match="no shop is set"):
        yofi.extract("claims")
    with pytest.raises(ConfigurationError, match="no shop is set"):
        yofi.ping()
    assert api.requests == []
