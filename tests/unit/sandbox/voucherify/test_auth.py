"""Who may ask Voucherify for what: keys, tokens and their scopes, plans and roles."""

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
def test_both_keys_are_needed_and_the_refusal_has_no_request_id(voucherify, headers):
    response = voucherify.request("/v1/orders", headers=headers)
    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def test_keys_that_were_never_set_let_nobody_in(voucherify):
    voucherify.sandbox.credentials["voucherify"]["secret_key"] = ""
    assert voucherify.request("/v1/orders", headers={"X-App-Id": "app", "X-App-Token": ""}).status_code == 401


@pytest.mark.parametrize("left_out", CLIENT)
def test_the_client_side_needs_its_keys_and_an_origin(voucherify, left_out):
    path = "/client/v1/promotions/tiers"
    assert voucherify.request(path, headers=CLIENT).status_code == 200
    assert (
        voucherify.request(path, headers={name: CLIENT[name] for name in CLIENT if name != left_out}).status_code == 401
    )
    assert voucherify.request(path).status_code == 401


def test_the_management_api_takes_its_own_keys_alone(voucherify):
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


def test_a_token_is_told_with_its_life_and_lets_pass(voucherify):
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


def test_scopes_have_spaces_between_them(voucherify):
    form = {"grant_type": "client_credentials", "scope": "vouchers,campaigns"}
    response = voucherify.request("/v1/oauth/token", "POST", data=form)
    assert response.status_code == 400
    assert response.json() == {"code": 400, "key": "invalid_scope", "message": "Invalid scope: vouchers,campaigns"}


def test_another_grant_is_refused(voucherify):
    response = voucherify.request("/v1/oauth/token", "POST", data={"grant_type": "password", "scope": "api"})
    assert response.json() == {"code": 400, "key": "invalid_grant_type", "message": "Invalid grant_type"}


def test_tokens_are_asked_for_with_a_form_and_not_with_json(voucherify):
    response = voucherify.request("/v1/oauth/token", "POST", json={"grant_type": "client_credentials", "scope": "api"})
    assert response.status_code == 415


def test_a_token_gets_no_tokens(voucherify):
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
def test_a_scope_covers_its_resource_alone(voucherify, scope, path, status):
    response = voucherify.request(path, headers=bearer(voucherify, scope))
    assert response.status_code == status
    if status == 403:
        assert response.json() == MISSING


def test_a_token_ends_by_the_sandboxs_clock(voucherify):
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


def test_a_token_is_shown_until_it_is_revoked(voucherify):
    given = token(voucherify, "orders")
    voucherify.sandbox.now += timedelta(seconds=300)
    shown = voucherify.request("/v1/oauth/introspect", "POST", data={"access_token": given}).json()
    assert (shown["active"], shown["expires_in"], shown["scope"]) == (True, 600, "orders")
    assert voucherify.request("/v1/oauth/token/revoke", "POST", data={"access_token": given}).status_code == 204
    again = voucherify.request("/v1/oauth/token/revoke", "POST", data={"access_token": given})
    assert (again.status_code, again.content) == (404, b"")
    assert voucherify.request("/v1/oauth/introspect", "POST", data={"access_token": given}).json() == {"active": False}


def test_showing_needs_a_token(voucherify):
    response = voucherify.request("/v1/oauth/introspect", "POST", data={"other": "x"})
    assert (response.status_code, response.json()["key"]) == (400, "missing_parameters")


def test_a_project_has_only_so_many_tokens(voucherify):
    voucherify.set_switch("tokens_max", 2)
    token(voucherify), token(voucherify)
    form = {"grant_type": "client_credentials", "scope": "api"}
    assert voucherify.request("/v1/oauth/token", "POST", data=form).status_code == 400
    voucherify.sandbox.now += timedelta(seconds=900)
    token(voucherify)


# Plan and role


def test_what_the_plan_or_the_role_has_not_is_refused(voucherify):
    voucherify.set_switch("missing_features", ["locations"])
    voucherify.set_switch("missing_permissions", ["customers"])
    response = voucherify.request("/v1/locations")
    assert (response.status_code, response.json()["key"]) == (402, "missing_required_feature")
    assert voucherify.request("/v1/customers").json() == MISSING
