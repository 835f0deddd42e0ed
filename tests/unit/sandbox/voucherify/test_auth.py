"""Voucherify's authentication: keys, tokens with scopes, plans and roles."""

from __future__ import annotations

from datetime import timedelta

import pytest

UNAUTHORIZED = {"code": 401, "message": "Unauthorized", "key": "unauthorized"}
MISSING = {
    "code": 403,
    "message": "Missing permission",
    "details": "User does not have a required permission to perform this operation.",
    "key": "missing_required_permission",
}
CLIENT = {
    "X-Client-Application-Id": "client-app",
    "X-Client-Token": "client-token",
    "Origin": "https://shop.example",
}
MANAGEMENT = {"X-Management-Id": "manager", "X-Management-Token": "manager-token"}


def token(voucherify, scope="api"):
    response = voucherify.request("/v1/oauth/token", "POST", data={"grant_type": "client_credentials", "scope": scope})
    assert response.status_code == 200, response.text
    return response.json()["access_token"]


def bearer(voucherify, scope="api"):
    return {"Authorization": f"Bearer {token(voucherify, scope)}"}


# Keys


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-App-Id": "app"},
        {"X-App-Token": "token"},
        {"X-App-Id": "app", "X-App-Token": "other"},
        {"X-App-Id": "other", "X-App-Token": "token"},
        {"X-App-Id": "app", "X-App-Token": ""},
        MANAGEMENT,
        CLIENT,
    ],
)
def test_both_keys_are_needed_and_the_401_has_no_request_id(voucherify, headers):
    response = voucherify.request("/v1/orders", headers=headers)
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def test_empty_credentials_accept_nobody(voucherify):
    voucherify.sandbox.credentials["voucherify"]["secret_key"] = ""
    assert voucherify.request("/v1/orders", headers={"X-App-Id": "app", "X-App-Token": ""}).status_code == 401


@pytest.mark.parametrize("missing", CLIENT)
def test_the_client_api_needs_its_keys_and_an_origin(voucherify, missing):
    path = "/client/v1/promotions/tiers"
    assert voucherify.request(path, headers=CLIENT).status_code == 200
    assert (
        voucherify.request(path, headers={name: CLIENT[name] for name in CLIENT if name != missing}).status_code == 401
    )
    assert voucherify.request(path).status_code == 401


def test_the_management_api_accepts_only_its_own_keys(voucherify):
    voucherify.put("management_projects", {"id": "proj_1"})
    assert voucherify.request("/management/v1/projects", headers=MANAGEMENT).json()["total"] == 1
    assert voucherify.request("/management/v1/projects").status_code == 401
    assert voucherify.request("/management/v1/projects", headers=bearer(voucherify)).status_code == 401


def test_an_unknown_api_version_is_refused(voucherify):
    headers = voucherify.KEYS | {"X-Voucherify-API-Version": "v2018-08-01"}
    assert voucherify.request("/v1/orders", headers=headers).status_code == 200
    assert (
        voucherify.request("/v1/orders", headers=voucherify.KEYS | {"X-Voucherify-API-Version": "v3"}).status_code
        == 400
    )


# Tokens


def test_a_new_token_has_an_expiry_and_works(voucherify):
    body = voucherify.request(
        "/v1/oauth/token", "POST", data={"grant_type": "client_credentials", "scope": "orders"}
    ).json()
    assert set(body) == {"access_token", "client_id", "expires_at", "expires_in", "scope", "token_type"}
    assert body["expires_in"] == 900
    assert body["expires_at"] == int(voucherify.sandbox.clock().timestamp()) + 900
    assert (body["scope"], body["token_type"]) == ("orders", "Bearer")
    assert (
        voucherify.request("/v1/orders", headers={"Authorization": f"Bearer {body['access_token']}"}).status_code == 200
    )


def test_spaces_separate_scopes(voucherify):
    form = {"grant_type": "client_credentials", "scope": "vouchers,campaigns"}
    response = voucherify.request("/v1/oauth/token", "POST", data=form)
    assert response.status_code == 400
    assert response.json() == {"code": 400, "key": "invalid_scope", "message": "Invalid scope: vouchers,campaigns"}


def test_another_grant_type_is_refused(voucherify):
    response = voucherify.request("/v1/oauth/token", "POST", data={"grant_type": "password", "scope": "api"})
    assert response.json() == {"code": 400, "key": "invalid_grant_type", "message": "Invalid grant_type"}


def test_a_token_request_needs_a_form(voucherify):
    response = voucherify.request("/v1/oauth/token", "POST", json={"grant_type": "client_credentials", "scope": "api"})
    assert response.status_code == 415


def test_a_token_cannot_request_tokens(voucherify):
    form = {"grant_type": "client_credentials", "scope": "api"}
    assert voucherify.request("/v1/oauth/token", "POST", headers=bearer(voucherify), data=form).status_code == 401


@pytest.mark.parametrize(
    ("scope", "path", "status"),
    [
        ("redemptions orders", "/v1/orders", 200),
        ("redemptions orders", "/v1/redemptions", 200),
        ("redemptions orders", "/v1/customers", 403),
        ("orders", "/v1/exports", 403),
        ("exports", "/v1/exports", 200),
        ("api", "/v1/trash-bin", 200),
        ("loyalties", "/v2/loyalties/programs", 200),
        ("loyalties", "/v1/loyalties", 200),
        ("SKUs", "/v1/skus/none", 404),
        ("products", "/v1/skus/none", 403),
        ("client_api", "/v1/orders", 403),
        ("client_api", "/client/v1/promotions/tiers", 200),
        ("client_promotions", "/client/v1/promotions/tiers", 200),
        ("promotions", "/client/v1/promotions/tiers", 403),
    ],
)
def test_a_scope_covers_only_its_resource(voucherify, scope, path, status):
    response = voucherify.request(path, headers=bearer(voucherify, scope))
    assert response.status_code == status
    if status == 403:
        assert response.json() == MISSING


def test_a_token_expires_by_the_sandboxs_clock(voucherify):
    headers = bearer(voucherify)
    voucherify.sandbox.now += timedelta(seconds=899)
    assert voucherify.request("/v1/orders", headers=headers).status_code == 200
    voucherify.sandbox.now += timedelta(seconds=1)
    assert voucherify.request("/v1/orders", headers=headers).json() == UNAUTHORIZED


def test_a_token_survives_a_new_secret_but_not_another_key(voucherify):
    headers = bearer(voucherify)
    voucherify.sandbox.credentials["voucherify"]["secret_key"] = "renewed"
    assert voucherify.request("/v1/orders", headers=headers).status_code == 200
    voucherify.sandbox.credentials["voucherify"]["app_id"] = "another"
    assert voucherify.request("/v1/orders", headers=headers).status_code == 401


def test_introspect_shows_a_token_until_it_is_revoked(voucherify):
    access_token = token(voucherify, "orders")
    voucherify.sandbox.now += timedelta(seconds=300)
    body = voucherify.request("/v1/oauth/introspect", "POST", data={"access_token": access_token}).json()
    assert (body["active"], body["expires_in"], body["scope"]) == (True, 600, "orders")
    assert voucherify.request("/v1/oauth/token/revoke", "POST", data={"access_token": access_token}).status_code == 204
    again = voucherify.request("/v1/oauth/token/revoke", "POST", data={"access_token": access_token})
    assert (again.status_code, again.content) == (404, b"")
    assert voucherify.request("/v1/oauth/introspect", "POST", data={"access_token": access_token}).json() == {
        "active": False
    }


def test_introspect_needs_a_token(voucherify):
    response = voucherify.request("/v1/oauth/introspect", "POST", data={"other": "x"})
    assert (response.status_code, response.json()["key"]) == (400, "missing_parameters")


def test_a_project_has_a_maximum_of_tokens(voucherify):
    voucherify.set_switch("tokens_max", 2)
    token(voucherify), token(voucherify)
    form = {"grant_type": "client_credentials", "scope": "api"}
    assert voucherify.request("/v1/oauth/token", "POST", data=form).status_code == 400
    voucherify.sandbox.now += timedelta(seconds=900)
    token(voucherify)


# Plan and role


def test_a_missing_feature_is_402_and_a_missing_permission_403(voucherify):
    voucherify.set_switch("missing_features", ["locations"])
    voucherify.set_switch("missing_permissions", ["customers"])
    response = voucherify.request("/v1/locations")
    assert (response.status_code, response.json()["key"]) == (402, "missing_required_feature")
    assert voucherify.request("/v1/customers").json() == MISSING
