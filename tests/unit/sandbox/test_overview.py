"""What the page shows, compared with the store."""

from __future__ import annotations

import pytest
from sandbox import run_sandbox, yotpo_client

from airflow_provider_partners.sandbox.overview import describe

SHOP = "aurora-apparel.myshopify.com"


@pytest.fixture(scope="module")
def running():
    with run_sandbox(shops=1, orders=8) as running:
        yield running


def state(running):
    return describe(
        running.sandbox,
        fault_rules=running.faults,
        call_log=running.call_log,
        defaults={"yotpo.rate_limit": 5, "yotpo.retry_after": True},
    )


def card(running, shop=SHOP):
    return next(each for each in state(running)["shops"] if each["shop"] == shop)


def test_the_counts_are_those_of_the_store(running):
    store = running.sandbox.store
    counts = card(running)["counts"]
    assert counts["shopify_admin"]["orders"] == len(store.select("shopify_admin", SHOP, "order")) == 8
    assert counts["yofi"]["returns"] == len(store.select("yofi", SHOP, "return"))
    assert counts["yotpo"]["orders"] == 0


def test_a_new_order_at_yotpo_appears_with_whether_a_review_is_requested(running):
    with yotpo_client(running) as client:
        client.create_product({"external_id": "p1", "name": "Shirt", "url": "https://shop.example/p1"})
        for number, properties in ((1, {}), (2, {"custom_properties": {"suppress_review_request": True}})):
            client.create_order({
                "external_id": str(number),
                "order_name": f"#{number}",
                "order_date": "2026-11-01T00:00:00Z",
                "customer": {"external_id": "1", "email": "a@shop.example"},
                "line_items": [{"external_product_id": "p1", "quantity": 1}],
                **properties,
            })
    shown = card(running)
    assert shown["counts"]["yotpo"]["orders"] == 2
    assert {entry["name"]: entry["state"] for entry in shown["latest"]["yotpo"]} == {
        "#1": "review request",
        "#2": "no review request",
    }


def test_a_shop_without_the_app_and_one_without_a_route_are_shown_as_such(running):
    assert card(running, "velvet-ember.myshopify.com")["installed"] is False
    without_route = card(running, "orchard-toys-and-games.myshopify.com")
    assert (without_route["routed"], without_route["store_id"]) == (False, None)


def test_switches_have_their_values_and_defaults(running):
    running.sandbox.switches["yotpo.rate_limit"] = 1
    assert state(running)["switches"] == [
        {"name": "yotpo.rate_limit", "value": 1, "default": 5},
        {"name": "yotpo.retry_after", "value": True, "default": True},
    ]


def test_no_secret_and_no_customer_is_in_it(running):
    text = repr(state(running))
    credentials = running.sandbox.credentials
    secrets = [credentials["yofi"]["secret"], *credentials["shopify_partner"]["tokens"]]
    secrets += [each["secret"] for each in credentials["yotpo"].values()]
    secrets += [each["token"] for each in credentials["shopify_admin"].values()]
    customers = running.sandbox.store.select("shopify_admin", SHOP, "customer")
    assert not [secret for secret in secrets if secret in text]
    assert not [each["email"] for each in customers if each.get("email") and each["email"] in text]
