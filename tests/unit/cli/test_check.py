"""The checks, each by what the sandbox or the machine refuses. Scopes are those of Shopify's page on access scopes
(https://shopify.dev/docs/api/usage/access-scopes) for orders and customers.
"""

from __future__ import annotations

import json

import pytest

SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture(autouse=True)
def sandbox(partners_sandbox, quick_refusals):
    return partners_sandbox


def checks(printed, state=None):
    return [(each["check"], each["detail"]) for each in printed.document["checks"] if state in {None, each["state"]}]


def set_scopes(sandbox, scopes):
    store = sandbox.running.sandbox.store
    facts = store.get("shopify_admin", SHOP, "shop", SHOP)
    store.put("shopify_admin", SHOP, "shop", SHOP, {**facts, "scopes": scopes}, at="2026-01-01T00:00:00Z")


def test_all_is_well_in_the_sandbox_and_a_shop_without_the_app_is_a_warning(command):
    printed = command("check", "--json")
    assert printed.code == 0
    assert printed.document["ok"]
    assert {name for name, _ in checks(printed)} == {
        *("routes", "staging", "rate limits"),
        *("shopify_partner", "shopify_admin", "yofi", "yotpo", "voucherify"),
    }
    assert checks(printed, "failed") == []
    assert checks(printed, "warning") == [("shopify_admin", "the app is not installed, so runs skip this shop")]


def test_the_table_names_each_check_and_ends_with_the_counts(command):
    printed = command("check", "--shop", "aurora-apparel")
    assert printed.code == 0
    assert printed.out.splitlines()[-1] == "8 ok, 0 warning, 0 failed"
    assert "Traceback" not in printed.err


def test_a_check_writes_nothing_to_a_partner(command, sandbox):
    command("check")
    writes = [call for call in sandbox.calls() if call.method != "GET" and call.operation not in {"token", "graphql"}]
    assert writes == []


def test_a_refused_token_is_a_failure_with_its_remedy(command, sandbox):
    sandbox.fault(path_prefix="/yotpo", status=401, times=None, body={"errors": [{"message": "Invalid secret"}]})
    printed = command("check", "--shop", SHOP, "--json")
    assert printed.code == 1
    assert [name for name, _ in checks(printed, "failed")] == ["yotpo"]
    (failed,) = [each for each in printed.document["checks"] if each["state"] == "failed"]
    assert failed["subject"] == f"{SHOP} (yotpo_aurora_apparel)"
    assert "401" in failed["detail"]
    assert failed["remedy"]


def test_missing_access_scopes_are_named(command, sandbox):
    set_scopes(sandbox, ["read_products", "read_customers"])
    printed = command("check", "--shop", SHOP, "--json")
    assert printed.code == 1
    assert checks(printed, "failed") == [("shopify_admin", "the token lacks the access scopes read_orders")]


def test_a_scope_to_write_contains_the_one_to_read(command, sandbox):
    """https://shopify.dev/docs/api/usage/access-scopes: write access includes read access."""
    set_scopes(sandbox, ["write_orders", "read_customers", "read_all_orders", "read_products", "read_fulfillments"])
    assert command("check", "--shop", SHOP).code == 0


def test_customers_need_no_scope_where_the_route_reads_no_personal_data(command, sandbox, monkeypatch):
    set_scopes(sandbox, ["read_orders", "read_all_orders", "read_products", "read_fulfillments"])
    printed = command("check", "--shop", SHOP, "--json")
    assert checks(printed, "failed") == [("shopify_admin", "the token lacks the access scopes read_customers")]
    assert '"personal_data": false' in "".join(each["remedy"] for each in printed.document["checks"])

    route = {**sandbox.shop(SHOP).route, "personal_data": False}
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps([route]))
    assert command("check", "--shop", SHOP).code == 0


def test_old_orders_need_a_scope_and_lacking_it_is_a_warning(command, sandbox):
    """Without read_all_orders Shopify returns orders of the last 60 days."""
    set_scopes(sandbox, ["read_orders", "read_customers", "read_products", "read_fulfillments"])
    printed = command("check", "--shop", SHOP, "--json")
    assert printed.code == 0
    assert ["read_all_orders" in detail for _, detail in checks(printed, "warning")] == [True]


def test_a_connection_of_another_shop_is_a_failure(command, sandbox, monkeypatch):
    route = {**sandbox.shop(SHOP).route, "shop": "velvet-ember.myshopify.com"}
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps([route]))
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_APP_ID", "none")
    printed = command("check", "--json")
    assert printed.code == 1
    assert ("shopify_admin", f"the connection reads the shop {SHOP}") in checks(printed, "failed")


def test_wrong_routes_and_a_wrong_staging_folder_are_found_together(command, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", "[{}]")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(file))
    printed = command("check", "--json")
    assert printed.code == 1
    assert [name for name, _ in checks(printed, "failed")] == ["routes", "staging"]


def test_a_store_of_rate_limits_that_does_not_answer_is_a_failure(command, monkeypatch):
    """Clients only warn and count alone then, so a check has to look."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "redis://:a-password@127.0.0.1:1/0")
    printed = command("check", "--shop", SHOP, "--partner-conn-id", "none", "--json")
    assert printed.code == 1
    assert [name for name, _ in checks(printed, "failed")] == ["rate limits"]
    assert "a-password" not in printed.out + printed.err
    assert "redis://127.0.0.1:1/0" in printed.out


def test_routes_of_a_file_can_be_checked_before_they_are_used(command, sandbox, tmp_path):
    file = tmp_path / "routes.json"
    file.write_text(json.dumps([sandbox.shop(SHOP).route]))
    printed = command("check", "--routes", str(file), "--json")
    assert printed.code == 0
    assert printed.document["checks"][0] == {
        **printed.document["checks"][0],
        "subject": f"The file {file}",
        "detail": "1 routes",
    }


def test_a_shop_without_a_route_is_wrong_usage(command):
    printed = command("check", "--shop", "orchard-toys-and-games")
    assert printed.code == 2
    assert f"There are routes for {SHOP}" in printed.err


def test_wrong_options_of_a_route_are_found(command, sandbox, monkeypatch):
    route = {**sandbox.shop(SHOP).route, "options": {"old_order": "exclude"}}
    monkeypatch.setenv("AIRFLOW_VAR_PARTNER_SHOP_ROUTES", json.dumps([route]))
    printed = command("check", "--shop", SHOP, "--json")
    assert printed.code == 1
    ((name, detail),) = checks(printed, "failed")
    assert name == "shopify_admin"
    assert "old_order" in detail
