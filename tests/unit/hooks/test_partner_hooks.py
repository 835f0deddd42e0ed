"""Each hook against its partner's API in the sandbox, over real HTTP."""

from __future__ import annotations

import json

import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.sandbox.credentials import environment
from airflow_provider_partners.sandbox.seed import build
from airflow_provider_partners.sandbox.server import serve

SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture(scope="module")
def served():
    sandbox = build(path=":memory:", seed=7, shops=1, orders=2, now=None)
    with serve(sandbox) as running:
        yield running
    sandbox.store.close()


@pytest.fixture
def connections(served, monkeypatch):
    """The sandbox's connections in the environment; gives one of them, changed, under the same id."""
    variables = environment(served.url, seed=7, shops=1)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def change(conn_id, **fields):
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        given = json.loads(variables[name])
        given = {**given, **fields, "extra": {**given.get("extra", {}), **fields.get("extra", {})}}
        monkeypatch.setenv(name, json.dumps(given))
        return given

    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    return change


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize(
    ("hook", "told"),
    [
        (lambda: YofiHook(shop=SHOP), f"Yofi answers for {SHOP}"),
        (ShopifyPartnerHook, "Organization 12345 answers"),
        (lambda: ShopifyAdminHook("shopify_admin_aurora_apparel"), f"{SHOP} answers"),
        (lambda: YotpoHook("yotpo_aurora_apparel"), ""),
    ],
)
def test_a_right_connection_answers(hook, told):
    works, message = hook().test_connection()
    assert works, message
    assert told in message


@pytest.mark.parametrize(
    ("conn_id", "hook"),
    [
        ("yofi_default", lambda: YofiHook(shop=SHOP)),
        ("shopify_admin_aurora_apparel", lambda: ShopifyAdminHook("shopify_admin_aurora_apparel")),
        ("yotpo_aurora_apparel", lambda: YotpoHook("yotpo_aurora_apparel")),
    ],
)
def test_a_wrong_secret_is_told_with_a_remedy_and_without_the_secret(connections, conn_id, hook):
    connections(conn_id, password="a-wrong-secret-of-mine-that-is-long-enough")
    works, message = hook().test_connection()
    assert not works
    assert "HTTP 40" in message
    assert "a-wrong-secret" not in message


def test_the_second_token_of_the_partner_api_is_tried_when_the_first_is_refused(connections):
    connections("shopify_partner_default", password="prtapi_revoked")
    assert ShopifyPartnerHook().test_connection()[0]


def test_the_shop_of_the_hook_goes_before_that_of_the_connection(connections):
    connections("yofi_default", extra={"shop": "another.myshopify.com"})
    with YofiHook(shop=SHOP) as client:
        assert client.shop == SHOP
    with YofiHook() as client:
        assert client.shop == "another.myshopify.com"


def test_one_connection_serves_every_shop_by_a_placeholder_in_its_host(connections):
    given = connections("shopify_admin_aurora_apparel")
    connections("shopify_admin_aurora_apparel", host=given["host"].replace(SHOP, "{shop}"))
    assert ShopifyAdminHook("shopify_admin_aurora_apparel", shop=SHOP).test_connection()[0]


def test_without_any_shop_the_remedy_is_to_name_one(connections):
    connections("shopify_admin_aurora_apparel", host="")
    with pytest.raises(ConfigurationError, match="Pass 'shop'"):
        ShopifyAdminHook("shopify_admin_aurora_apparel").get_conn()


def test_a_token_provider_goes_before_the_connections_password(connections):
    token = connections("shopify_admin_aurora_apparel")["password"]
    connections("shopify_admin_aurora_apparel", password="not-this-one")
    assert ShopifyAdminHook("shopify_admin_aurora_apparel", token_provider=lambda: token).test_connection()[0]


@pytest.mark.parametrize(("hook", "told"), [(YofiHook, "issuer"), (ShopifyPartnerHook, "organization_id")])
def test_a_missing_extra_is_told_before_any_call(monkeypatch, hook, told):
    name = f"AIRFLOW_CONN_{hook.default_conn_name.upper()}"
    monkeypatch.setenv(name, json.dumps({"conn_type": hook.conn_type, "password": "s3cret-value"}))
    with pytest.raises(ConfigurationError, match=f"has no extra '{told}'"):
        hook().get_conn()


def test_client_credentials_need_the_client_id(connections):
    connections("shopify_admin_aurora_apparel", extra={"auth": "client_credentials"})
    with pytest.raises(ConfigurationError, match=r"has no Client id"):
        ShopifyAdminHook("shopify_admin_aurora_apparel").get_conn()
