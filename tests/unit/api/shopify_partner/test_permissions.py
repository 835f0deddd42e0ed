"""The permissions of API clients, as shopify.dev/docs/api/partner names them."""

from __future__ import annotations

import httpx
import pytest
from client_options import gather_options

from airflow_provider_partners.api.shopify_partner.client import RESOURCES, ShopifyPartnerClient
from airflow_provider_partners.api.shopify_partner.permissions import permission_remedy
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError


def make_client(body: dict) -> ShopifyPartnerClient:
    api = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
    return ShopifyPartnerClient(
        **gather_options(handler=api, organization_id="1234", access_token="prtapi_first", api_version="2025-04")
    )


@pytest.mark.parametrize(
    ("resource", "permissions"),
    [
        pytest.param(
            "transactions",
            ("View financials", "Manage apps"),
            marks=pytest.mark.covers("shopify.permission.view_financials", "shopify.permission.transaction_app"),
        ),
        pytest.param("app_events", ("Manage apps",), marks=pytest.mark.covers("shopify.permission.manage_apps")),
        pytest.param("events", ("Manage apps",), marks=pytest.mark.covers("shopify.permission.manage_apps")),
        pytest.param("jobs", ("Manage jobs",), marks=pytest.mark.covers("shopify.permission.manage_jobs")),
        pytest.param("conversations", ("Manage jobs",), marks=pytest.mark.covers("shopify.permission.manage_jobs")),
        ("messages", ("Manage jobs",)),
    ],
)
def test_each_list_names_its_permissions(resource: str, permissions: tuple[str, ...]) -> None:
    assert RESOURCES[resource].permissions == permissions


@pytest.mark.covers("shopify.permission.error")
@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (["jobs"], "'jobs' needs the permission 'Manage jobs'"),
        (["app", "events"], "'app' needs the permission 'Manage ap"),
    ],
)
def test_the_error_of_a_missing_permission_names_it(path: list[str], permission: str) -> None:
    error = {"message": "Access denied", "path": path, "extensions": {"code": "ACCESS_DENIED"}}
    with pytest.raises(AuthenticationError, match=permission):
        make_client({"errors": [error], "data": None}).execute("{ a }")


def test_a_list_that_is_null_names_the_permission_that_may_be_missing() -> None:
    with pytest.raises(ConfigurationError, match=r"'jobs' is null.*'jobs' needs the permission 'Manage jobs'"):
        list(make_client({"data": {"jobs": None}}).extract("jobs").records())
    with pytest.raises(ConfigurationError, match="'conversations' needs the permission 'Manage jobs'"):
        list(make_client({"data": {"c": None}}).query("{ c: conversations { edges { node { id } } } }").records())


def test_an_unknown_field_gets_every_permission() -> None:
    assert all(name in permission_remedy() for name in ("View financials", "Manage apps", "Manage jobs"))
