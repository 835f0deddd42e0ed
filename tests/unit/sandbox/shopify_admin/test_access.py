"""Access to the Admin API: shops, tokens, versions, bodies, points and faults by switch."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_partners.sandbox.shopify_admin import server as shopify_admin
from airflow_provider_partners.sandbox.store import Sandbox, Store

SHOP, OTHER = "a.myshopify.com", "b.myshopify.com"
TOKEN = "shpat_sandbox"
SHOP_QUERY = {"query": "{ shop { name } }"}
FORM = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "secret"}


class AdminSandbox:
    """Two shops on two plans; the clock that refills the points is set by hand."""

    def __init__(self) -> None:
        credentials = {"token": TOKEN, "client_id": "client", "client_secret": "secret"}
        self.sandbox = Sandbox(
            store=Store(),
            credentials={"shopify_admin": {SHOP: credentials, OTHER: {**credentials, "token": "shpat_other"}}},
            switches=dict(shopify_admin.SWITCHES),
            now=datetime(2026, 3, 10, 12, 0, tzinfo=UTC),
        )
        self.seconds = 0.0
        for shop, plan in ((SHOP, "standard"), (OTHER, "plus")):
            document = {"name": shop, "myshopifyDomain": shop, "plan": plan, "scopes": ["read_orders", "read_products"]}
            self.sandbox.store.put("shopify_admin", shop, "shop", shop, document, at="")
        routes = shopify_admin.routes(self.sandbox, clock=lambda: self.seconds)
        self.app = Starlette(routes=[Mount("/shopify-admin/{shop}", routes=routes)])

    def switch(self, name: str, value: Any) -> None:
        self.sandbox.switches[f"shopify_admin.{name}"] = value

    def post(self, path: str, *, shop: str = SHOP, **request: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
                return await client.post(f"/shopify-admin/{shop}{path}", **request)

        return asyncio.run(send())

    def graphql(
        self, body: Any = None, *, shop: str = SHOP, token: str | None = TOKEN, version: str = "2026-07", **request: Any
    ) -> httpx.Response:
        headers = {"X-Shopify-Access-Token": token} if token is not None else {}
        sent = request or {"json": SHOP_QUERY if body is None else body}
        sent["headers"] = headers | sent.get("headers", {})
        return self.post(f"/admin/api/{version}/graphql.json", shop=shop, **sent)


@pytest.fixture
def admin_sandbox() -> AdminSandbox:
    return AdminSandbox()


@pytest.mark.parametrize("token", [None, "", "shpat_wrong", "shpat_other"])
def test_a_bad_token_is_refused_with_a_string_for_errors(admin_sandbox: AdminSandbox, token: str | None) -> None:
    response = admin_sandbox.graphql(token=token)
    assert response.status_code == 401
    assert response.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_a_shop_that_does_not_exist_is_not_found(admin_sandbox: AdminSandbox) -> None:
    response = admin_sandbox.graphql(shop="nobody.myshopify.com")
    assert (response.status_code, response.json()) == (404, {"errors": "Not Found"})


@pytest.mark.parametrize(
    ("requested", "answered"),
    [("2026-07", "2026-07"), ("2025-10", "2025-10"), ("2024-01", "2025-10"), ("unstable", "unstable")],
)
def test_an_expired_version_falls_forward_and_is_named_in_the_response(
    admin_sandbox: AdminSandbox, requested: str, answered: str
) -> None:
    response = admin_sandbox.graphql(version=requested)
    assert (response.status_code, response.headers["x-shopify-api-version"]) == (200, answered)
    assert response.headers["x-request-id"]


def test_the_oldest_version_can_be_moved(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("oldest_version", "2026-04")
    assert admin_sandbox.graphql(version="2025-10").headers["x-shopify-api-version"] == "2026-04"


@pytest.mark.parametrize("version", ["2026-08", "2031-01", "latest"])
def test_an_unknown_version_is_not_found(admin_sandbox: AdminSandbox, version: str) -> None:
    assert admin_sandbox.graphql(version=version).status_code == 404


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[]", b"{}", b'{"query": ""}', b'{"query": "{a}", "variables": 3}']
)
def test_a_body_without_a_query_is_a_bad_request(admin_sandbox: AdminSandbox, content: bytes) -> None:
    response = admin_sandbox.graphql(content=content, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json() == {"errors": {"query": "Required parameter missing or invalid"}}


def test_one_of_several_operations_is_chosen_by_name(admin_sandbox: AdminSandbox) -> None:
    query = "query A { shop { name } } query B { shop { myshopifyDomain } }"
    chosen = admin_sandbox.graphql({"query": query, "operationName": "B"}).json()
    assert chosen["data"] == {"shop": {"myshopifyDomain": SHOP}}
    assert admin_sandbox.graphql({"query": query}).json() == {"errors": [{"message": "An operation name is required"}]}
    unknown = admin_sandbox.graphql({"query": query, "operationName": "C"}).json()
    assert unknown == {"errors": [{"message": 'No operation named "C"'}]}


def test_every_executed_request_has_its_cost(admin_sandbox: AdminSandbox) -> None:
    body = admin_sandbox.graphql({"query": "{ currentAppInstallation { accessScopes { handle } } }"}).json()
    assert body["extensions"]["cost"] == {
        "requestedQueryCost": 2,
        "actualQueryCost": 2,
        "throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": 1998, "restoreRate": 100},
    }


def test_points_belong_to_one_shop_and_follow_its_plan(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.graphql()
    status = admin_sandbox.graphql(shop=OTHER, token="shpat_other").json()["extensions"]["cost"]["throttleStatus"]
    assert status == {"maximumAvailable": 20_000, "currentlyAvailable": 19_999, "restoreRate": 1_000}


def test_what_a_query_did_not_use_is_refunded(admin_sandbox: AdminSandbox) -> None:
    cost = admin_sandbox.graphql({"query": '{ order(id: "gid://shopify/Order/1") { id } shop { name } }'}).json()[
        "extensions"
    ]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (2, 1)
    assert cost["throttleStatus"]["currentlyAvailable"] == 1999


def test_an_empty_bucket_throttles_until_it_is_restored(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("bucket", (10, 5))
    query = {"query": "{ ordersCount { count } }"}
    assert "data" in admin_sandbox.graphql(query).json()
    throttled = admin_sandbox.graphql(query)
    assert throttled.status_code == 200
    assert throttled.json() == {
        "errors": [
            {
                "message": "Throttled",
                "extensions": {"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"},
            }
        ],
        "extensions": {
            "cost": {
                "requestedQueryCost": 10,
                "actualQueryCost": None,
                "throttleStatus": {"maximumAvailable": 10, "currentlyAvailable": 0, "restoreRate": 5},
            }
        },
    }
    admin_sandbox.seconds += 2
    assert "data" in admin_sandbox.graphql(query).json()
    assert admin_sandbox.sandbox.calls[f"shopify_admin/{SHOP}/graphql.throttled"] == 1
    assert admin_sandbox.sandbox.calls[f"shopify_admin/{SHOP}/graphql"] == 2


def test_throttling_can_be_switched_to_status_429_with_retry_after(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("bucket", (1, 1))
    admin_sandbox.switch("throttle_status", 429)
    admin_sandbox.switch("retry_after", 2)
    response = admin_sandbox.graphql({"query": "{ ordersCount { count } }"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "2")


def test_a_query_above_the_single_query_limit_is_refused_whatever_the_bucket_holds(admin_sandbox: AdminSandbox) -> None:
    inner = "products(first: 250) { nodes { variants(first: 250) { nodes { product { id } } } } }"
    query = f"{{ a: {inner} b: {inner} c: {inner} d: {inner} }}"
    body = admin_sandbox.graphql({"query": query}).json()
    cost = 4 * (2 + 11 * (1 + 2 + 11 * 2))
    assert body == {
        "errors": [
            {
                "message": (
                    f"Query cost is {cost}, which exceeds the single query max cost limit (1000).\n\n"
                    "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
                    "cost of a query is calculated.\n\n"
                    "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
                    "See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
                ),
                "extensions": {
                    "code": "MAX_COST_EXCEEDED",
                    "cost": cost,
                    "maxCost": 1000,
                    "documentation": "https://shopify.dev/api/usage/rate-limits",
                },
            }
        ]
    }


def test_a_refused_document_costs_nothing(admin_sandbox: AdminSandbox) -> None:
    assert "extensions" not in admin_sandbox.graphql({"query": "{ x }"}).json()
    assert admin_sandbox.graphql().json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == 1999


def test_internal_errors_have_status_200_and_follow_the_switch(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("internal_errors", 1)
    response = admin_sandbox.graphql()
    (error,) = response.json()["errors"]
    request_id = error["extensions"]["requestId"]
    assert response.status_code == 200
    assert response.json()["data"] is None
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["message"] == (
        "Internal error. Looks like something went wrong on our end.\n"
        f"Request ID: {request_id} (include this in support requests)."
    )
    assert "data" in admin_sandbox.graphql().json()
    assert admin_sandbox.graphql().json()["data"] == {"shop": {"name": SHOP}}


def test_the_client_credentials_grant_gives_a_token_of_a_day(admin_sandbox: AdminSandbox) -> None:
    response = admin_sandbox.post("/admin/oauth/access_token", data=FORM)
    granted = response.json()
    assert response.status_code == 200
    assert set(granted) == {"access_token", "scope", "expires_in"}
    assert (granted["scope"], granted["expires_in"]) == ("read_orders,read_products", 86_399)
    assert admin_sandbox.graphql(token=granted["access_token"]).status_code == 200
    assert admin_sandbox.graphql(token=granted["access_token"], shop=OTHER).status_code == 401
    assert admin_sandbox.sandbox.calls[f"shopify_admin/{SHOP}/token"] == 1


def test_a_granted_token_expires(admin_sandbox: AdminSandbox) -> None:
    admin_sandbox.switch("token_lifetime", 60)
    token = admin_sandbox.post("/admin/oauth/access_token", data=FORM).json()["access_token"]
    assert admin_sandbox.sandbox.now is not None
    admin_sandbox.sandbox.now += timedelta(seconds=59)
    assert admin_sandbox.graphql(token=token).status_code == 200
    admin_sandbox.sandbox.now += timedelta(seconds=1)
    assert admin_sandbox.graphql(token=token).status_code == 401
    assert admin_sandbox.graphql(token=TOKEN).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({**FORM, "client_secret": "wrong"}, 401, "invalid_client"),
        ({**FORM, "client_id": ""}, 401, "invalid_client"),
        ({**FORM, "grant_type": "password"}, 400, "unsupported_grant_type"),
        ({}, 400, "unsupported_grant_type"),
    ],
)
def test_a_refused_grant_gives_no_token(
    admin_sandbox: AdminSandbox, form: dict[str, str], status: int, code: str
) -> None:
    response = admin_sandbox.post("/admin/oauth/access_token", data=form)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert "secret" not in response.json()["error_description"].replace("client id or secret", "")


def test_a_document_can_be_sent_without_json(admin_sandbox: AdminSandbox) -> None:
    response = admin_sandbox.graphql(content=b"{ shop { name } }", headers={"content-type": "application/graphql"})
    assert response.json()["data"] == {"shop": {"name": SHOP}}


def test_two_versions_have_two_schemas(admin_sandbox: AdminSandbox) -> None:
    query = {"query": '{ __type(name: "QueryRoot") { fields { name } } }'}

    def roots(version: str) -> set[str]:
        fields = admin_sandbox.graphql(query, version=version).json()["data"]["__type"]["fields"]
        return {field["name"] for field in fields}

    assert "bulkOperation" in roots("2026-07") - roots("2025-10")


def test_responses_are_json_in_utf_8(admin_sandbox: AdminSandbox) -> None:
    response = admin_sandbox.graphql()
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(response.content.decode("utf-8"))["data"]
