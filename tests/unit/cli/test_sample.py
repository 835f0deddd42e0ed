"""A few records of any list, against the sandbox; its own store says what is right."""

from __future__ import annotations

import json
import time

import pytest

SHOP = "aurora-apparel.myshopify.com"
SHOPIFY = "shopify_admin_aurora_apparel"


@pytest.fixture(autouse=True)
def sandbox(partners_sandbox):
    return partners_sandbox


@pytest.mark.parametrize(
    ("resource", "arguments"),
    [
        ("yofi.returns", ["--shop", SHOP]),
        ("shopify_admin.orders", ["--conn-id", SHOPIFY]),
        ("shopify_admin.products", ["--conn-id", SHOPIFY]),
        ("shopify_partner.transactions", []),
        ("shopify_partner.app_events", ["--set", "app_id=1001"]),
        ("voucherify.redemptions", []),
        ("yotpo.products", ["--conn-id", "yotpo_aurora_apparel"]),
    ],
)
def test_each_partner_gives_records_as_json(command, resource, arguments):
    printed = command("sample", resource, *arguments, "--limit", "2", "--json")
    assert printed.code == 0, printed.err
    assert printed.document["resource"] == resource
    assert 1 <= len(printed.document["records"]) <= 2


def test_the_records_are_those_of_the_shop_without_personal_data(command, sandbox):
    orders = sandbox.shop(SHOP).orders()
    order_id, order = next((key, each) for key, each in orders.items() if each["customer"])
    arguments = ["sample", "shopify_admin.orders", "--conn-id", SHOPIFY, "--set", f'match={{"id": ["{order_id}"]}}']

    (record,) = command(*arguments, "--json").document["records"]
    assert record["name"] == order["name"]
    assert record["customer"]["firstName"] == "•••"
    assert order["email"] not in json.dumps(record)

    (shown,) = command(*arguments, "--json", "--personal-data").document["records"]
    assert shown["email"] == order["email"]


def test_a_time_range_is_passed_on(command):
    printed = command("sample", "yofi.claims", "--shop", SHOP, "--since", "2001-01-01", "--until", "2001-01-02")
    assert printed.code == 1
    assert "yofi.claims has no records here" in printed.out


def test_people_get_a_field_on_each_line(command):
    printed = command("sample", "yofi.returns", "--limit", "1")
    lines = [line.split() for line in printed.out.splitlines()]
    assert lines[0] == ["yofi.returns", "1/1", "value"]
    assert ["customer.email", "•••"] in lines
    assert ["app_id", SHOP] in lines


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["yofi.retruns"], "did you mean 'returns'?"),
        (["yoffi.returns"], "did you mean 'yofi'?"),
        (["returns"], "Write PARTNER.NAME"),
        (["yofi.returns", "--limit", "0"], "a number from 1 to 1000"),
        (["yofi.returns", "--set", "filter=x"], "did you mean 'filters'?"),
        (["yofi.returns", "--set", "filters"], "is not NAME=VALUE"),
        (["yotpo.orders", "--shop", SHOP], "--conn-id"),
    ],
)
def test_wrong_usage_says_what_to_write(command, arguments, expected):
    printed = command("sample", *arguments)
    assert printed.code == 2
    assert expected in printed.err


def test_a_wrong_connection_fails_without_its_secret(command, sandbox, monkeypatch, quick_refusals):
    connection = {**sandbox.connections["yofi_default"], "password": "another-secret-with-thirty-two-characters"}
    monkeypatch.setenv("AIRFLOW_CONN_YOFI_WRONG", json.dumps(connection))
    printed = command("sample", "yofi.returns", "--conn-id", "yofi_wrong")
    assert printed.code == 3
    assert "401" in printed.err
    assert "another-secret" not in printed.out + printed.err


def test_a_partner_that_is_down_is_reported_while_a_person_waits(command, monkeypatch):
    """A task retries for more than a minute. Nothing listens at port 9 (discard, RFC 863)."""
    connection = {"conn_type": "voucherify", "host": "http://127.0.0.1:9", "login": "an-app", "password": "a-token"}
    monkeypatch.setenv("AIRFLOW_CONN_DOWN", json.dumps(connection))
    started = time.monotonic()
    printed = command("sample", "voucherify.redemptions", "--conn-id", "down")
    assert printed.code == 3
    assert "no connection could be made" in printed.err
    assert time.monotonic() - started < 30
