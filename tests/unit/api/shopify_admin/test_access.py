"""A token's shop and access scopes, in the form of the schema's ``currentAppInstallation``."""

from __future__ import annotations

import pytest
from sandbox import run_sandbox, shopify_admin_client

from airflow_provider_partners.api.shopify_admin.access import Access
from airflow_provider_partners.exceptions import UnexpectedResponseError


def test_the_scopes_are_those_that_the_shop_has_granted():
    with run_sandbox(shops=1, orders=2) as running, shopify_admin_client(running) as client:
        access = client.access()
        shop = running.sandbox.store.get("shopify_admin", access.shop, "shop", access.shop)
    assert access.shop == "aurora-apparel.myshopify.com"
    assert access.scopes == frozenset(shop["scopes"])


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [({"read_orders"}, True), ({"write_orders"}, True), ({"read_products"}, False), (set(), False)],
)
def test_a_scope_to_write_contains_the_one_to_read(scopes, allowed):
    """https://shopify.dev/docs/api/usage/access-scopes"""
    assert Access(shop="a.myshopify.com", scopes=frozenset(scopes)).allows("read_orders") is allowed


@pytest.mark.parametrize("data", [{}, {"currentAppInstallation": None}, {"currentAppInstallation": [], "shop": "a"}])
def test_an_answer_of_another_shape_is_an_error_without_its_values(data):
    with pytest.raises(UnexpectedResponseError, match="no access scopes"):
        Access.parse(data)
