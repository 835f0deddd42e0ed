"""Each hook against its partner's API in the sandbox, over HTTP."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from sandbox import run_sandbox

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.base import in_thread
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.sandbox.credentials import environment

pytestmark = pytest.mark.usefixtures("quick_refusals")

SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture(scope="module")
def running_sandbox():
    with run_sandbox(seed=7, shops=1, orders=2) as running:
        yield running


@pytest.fixture
def connections(running_sandbox, monkeypatch):
    """Define the sandbox's connections in the environment; return a function that changes one of them."""
    variables = environment(running_sandbox.url, seed=7, shops=1)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def change(conn_id, **fields):
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        values = json.loads(variables[name])
        values = {**values, **fields, "extra": {**values.get("extra", {}), **fields.get("extra", {})}}
        monkeypatch.setenv(name, json.dumps(values))
        return values

    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
    return change


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize(
    ("hook", "text"),
    [
        (lambda: YofiHook(shop=SHOP), f"Yofi answers for {SHOP}"),
        (ShopifyPartnerHook, "Organization 12345 answers"),
        (lambda: ShopifyAdminHook("shopify_admin_aurora_apparel"), f"{SHOP} answers"),
        (lambda: YotpoHook("yotpo_aurora_apparel"), ""),
    ],
)
def test_a_correct_connection_works(hook, text):
    works, message = hook().test_connection()
    assert works, message
    assert text in message


@pytest.mark.parametrize(
    ("conn_id", "hook"),
    [
        ("yofi_default", lambda: YofiHook(shop=SHOP)),
        ("shopify_admin_aurora_apparel", lambda: ShopifyAdminHook("shopify_admin_aurora_apparel")),
        ("yotpo_aurora_apparel", lambda: YotpoHook("yotpo_aurora_apparel")),
    ],
)
def test_the_error_about_a_wrong_secret_has_a_remedy_and_not_the_secret(connections, conn_id, hook):
    connections(conn_id, password="a-wrong-secret-of-mine-that-is-long-enough")
    works, message = hook().test_connection()
    assert not works
    assert "HTTP 40" in message
    assert "a-wrong-secret" not in message


def test_the_second_token_of_the_partner_api_is_tried_when_the_first_is_refused(connections):
    connections("shopify_partner_default", password="prtapi_revoked")
    assert ShopifyPartnerHook().test_connection()[0]


def test_the_shop_of_the_hook_overrides_the_connections(connections):
    connections("yofi_default", extra={"shop": "another.myshopify.com"})
    with YofiHook(shop=SHOP) as client:
        assert client.shop == SHOP
    with YofiHook() as client:
        assert client.shop == "another.myshopify.com"


def test_one_connection_serves_every_shop_by_a_placeholder_in_its_host(connections):
    values = connections("shopify_admin_aurora_apparel")
    connections("shopify_admin_aurora_apparel", host=values["host"].replace(SHOP, "{shop}"))
    assert ShopifyAdminHook("shopify_admin_aurora_apparel", shop=SHOP).test_connection()[0]


@pytest.mark.parametrize("host", ["https://admin.shopify.com/store/acme", "admin.shopify.com/store/acme/settings"])
def test_the_address_of_a_shops_admin_names_the_shop_and_its_api(connections, host):
    connections("shopify_admin_aurora_apparel", host=host)
    hook = ShopifyAdminHook("shopify_admin_aurora_apparel")
    assert (hook.account, hook.host) == ("acme.myshopify.com", "acme.myshopify.com")
    assert hook.get_conn()._transport._base_url == "https://acme.myshopify.com"


def test_the_error_about_a_missing_shop_says_to_pass_one(connections):
    connections("shopify_admin_aurora_apparel", host="")
    with pytest.raises(ConfigurationError, match="Pass 'shop'"):
        ShopifyAdminHook("shopify_admin_aurora_apparel").get_conn()


def test_a_token_provider_overrides_the_connections_password(connections):
    token = connections("shopify_admin_aurora_apparel")["password"]
    connections("shopify_admin_aurora_apparel", password="not-this-one")
    assert ShopifyAdminHook("shopify_admin_aurora_apparel", token_provider=lambda: token).test_connection()[0]


@pytest.mark.parametrize(("hook", "text"), [(YofiHook, "issuer"), (ShopifyPartnerHook, "organization_id")])
def test_a_missing_extra_is_an_error_before_any_call(monkeypatch, hook, text):
    name = f"AIRFLOW_CONN_{hook.default_conn_name.upper()}"
    monkeypatch.setenv(name, json.dumps({"conn_type": hook.conn_type, "password": "s3cret-value"}))
    with pytest.raises(ConfigurationError, match=f"has no extra '{text}'"):
        hook().get_conn()


def test_client_credentials_need_the_client_id(connections):
    connections("shopify_admin_aurora_apparel", extra={"auth": "client_credentials"})
    with pytest.raises(ConfigurationError, match=r"has no Client id"):
        ShopifyAdminHook("shopify_admin_aurora_apparel").get_conn()


def voucherify(running_sandbox, kind, **fields):
    """Return a connection with a kind of key, with changed fields."""
    known = running_sandbox.sandbox.credentials["voucherify"]
    keys = {
        "keys": ("app_id", "secret_key"),
        "oauth": ("app_id", "secret_key"),
        "client": ("client_app_id", "client_token"),
        "management": ("management_id", "management_token"),
    }
    login, password = (known[name] for name in keys[kind])
    extra = {
        "auth": kind,
        **({"origin": known["client_origin"]} if kind == "client" else {}),
        **fields.pop("extra", {}),
    }
    return {
        "conn_type": "voucherify",
        "host": f"{running_sandbox.url}/voucherify",
        "login": login,
        "password": password,
    } | {
        **fields,
        "extra": extra,
    }


@pytest.mark.parametrize(
    ("kind", "changed", "works", "text"),
    [
        ("keys", {}, True, "redemptions"),
        ("oauth", {}, True, "redemptions"),
        ("client", {}, True, "client_promotion_tiers"),
        ("management", {}, True, "management_projects"),
        ("keys", {"password": "a-wrong-key-of-mine"}, False, "HTTP 401"),
        ("oauth", {"password": "a-wrong-key-of-mine"}, False, "HTTP 401"),
        ("client", {"password": "a-wrong-key-of-mine"}, False, "HTTP 401"),
        ("client", {"extra": {"origin": "https://elsewhere.example"}}, False, "an 'origin' that the project allows"),
        ("management", {"password": "a-wrong-key-of-mine"}, False, "need their 'auth'"),
        ("keys", {"extra": {"auth": "management"}}, False, "need their 'auth'"),
        ("keys", {"login": ""}, False, "Put it in 'login'"),
    ],
)
@pytest.mark.usefixtures("connections")
def test_each_kind_of_voucherify_key_is_tested_with_a_list_that_it_may_read(
    running_sandbox, monkeypatch, kind, changed, works, text
):
    monkeypatch.setenv("AIRFLOW_CONN_KEY", json.dumps(voucherify(running_sandbox, kind, **changed)))
    success, message = VoucherifyHook("key").test_connection()
    assert success is works, message
    assert text in message
    assert "a-wrong-key" not in message


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"host": "http://127.0.0.1:1"}, "made. Check the connection's host, and that this machine can reach it"),
        ({"login": "no-such-store"}, "Check store id (login)"),
        ({"login": ""}, "Put it in 'login'"),
        ({"password": ""}, "Put it in 'password'"),
        ({"extra": {"store": "x"}}, "Its extras are: auth"),
    ],
)
def test_the_error_about_a_wrong_connection_has_a_remedy(connections, monkeypatch, changed, text):
    monkeypatch.setattr(Clock, "sleep", lambda clock, seconds: None)  # between the tries to reach a host
    connections("yotpo_aurora_apparel", **changed)
    works, message = YotpoHook("yotpo_aurora_apparel").test_connection()
    assert not works
    assert text in message


@pytest.mark.parametrize("grouping", [True, "true", "True"])
def test_grouping_of_bulk_files_is_an_extra_of_the_connection(connections, grouping):
    connections("shopify_admin_aurora_apparel", extra={"bulk_grouping": grouping})
    window = {"since": datetime(2026, 1, 1, tzinfo=UTC), "until": datetime(2026, 2, 1, tzinfo=UTC)}
    with ShopifyAdminHook("shopify_admin_aurora_apparel") as client:
        grouped = client.job("orders", **window).fingerprint
    connections("shopify_admin_aurora_apparel", extra={"bulk_grouping": "false"})
    with ShopifyAdminHook("shopify_admin_aurora_apparel") as client:
        assert client.job("orders", **window).fingerprint != grouped


def test_a_hook_works_in_asynchronous_code(connections):
    async def read_customers():
        async with YofiHook(shop=SHOP) as yofi:
            return await in_thread(lambda: list(yofi.extract("customers").records()))

    assert asyncio.run(read_customers())


def test_the_account_comes_from_the_connection_or_the_shop(connections):
    accounts = {
        YofiHook(shop=f"https://{SHOP}/").account,
        ShopifyAdminHook("shopify_admin_aurora_apparel").account,
        ShopifyAdminHook("shopify_admin_aurora_apparel", shop="aurora-apparel").account,
    }
    assert accounts == {SHOP}
    assert ShopifyPartnerHook().account == "12345"
    assert YofiHook().account == SHOP


def test_a_yofi_connection_that_names_no_shop_says_so_in_its_test(monkeypatch):
    """Yofi's headers name the tenant of every call: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration."""
    stored = {"conn_type": "yofi", "password": "s" * 32, "extra": {"issuer": "p", "subject": "s"}}
    monkeypatch.setenv("AIRFLOW_CONN_ALL_SHOPS", json.dumps(stored))
    success, message = YofiHook("all_shops").test_connection()
    assert not success
    assert "'all_shops' names no shop" in message
    assert "Set the extra 'shop'" in message
    assert YofiHook("missing").test_connection()[0] is False
