"""A large shop: added orders copy existing ones, with their own ids, names, times and counts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from airflow_provider_partners.sandbox.store import Sandbox, format_timestamp
from airflow_provider_partners.sandbox.world import build as seed
from airflow_provider_partners.sandbox.world.changes.shop import Changes
from airflow_provider_partners.sandbox.world.scale import grow

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOP = "aurora-apparel.myshopify.com"


def world(more: int = 700) -> Sandbox:
    sandbox = seed.build(shops=1, orders=40, now=NOW)
    grow(sandbox.store, shop=SHOP, orders=more, seed=7, now=NOW)
    return sandbox


@pytest.fixture(scope="module")
def large() -> Sandbox:
    return world()


def orders(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.store.select("shopify_admin", SHOP, "order")


def test_a_shop_grows_by_the_requested_number_of_orders() -> None:
    sandbox = seed.build(shops=1, orders=40, now=NOW)
    assert grow(sandbox.store, shop=SHOP, orders=700, seed=7, now=NOW) == 740


def test_no_two_records_share_an_id(large: Sandbox) -> None:
    rows = orders(large)
    ids = Counter(row["id"] for row in rows)
    for name in ("lineItems", "fulfillments", "refunds", "transactions"):
        ids.update(item["id"] for row in rows for item in row[name])
    assert ids.most_common(1)[0][1] == 1
    assert len({row["name"] for row in rows}) == len({row["number"] for row in rows}) == len(rows)


def test_each_added_order_is_consistent(large: Sandbox) -> None:
    for order in orders(large):
        assert order["id"].endswith(f"/{order['legacyResourceId']}")
        assert str(order["number"]) in order["name"]
        items = {item["id"] for item in order["lineItems"]}
        for fulfillment in order["fulfillments"]:
            assert fulfillment["name"].startswith(order["name"])
            assert {row["lineItem"]["id"] for row in fulfillment["fulfillmentLineItems"]} <= items


def test_products_and_customers_are_the_shops_own(large: Sandbox) -> None:
    store = large.store
    products = {row["id"] for row in store.select("shopify_admin", SHOP, "product")}
    customers = {row["id"]: row for row in store.select("shopify_admin", SHOP, "customer")}
    before = seed.build(shops=1, orders=40, now=NOW).store.select("shopify_admin", SHOP, "order")
    deleted = {item["product"]["id"] for row in before for item in row["lineItems"] if item["product"]} - products
    for order in orders(large):
        assert {item["product"]["id"] for item in order["lineItems"] if item["product"]} <= products | deleted
        if order["customer"]:
            assert order["customer"]["numberOfOrders"] == customers[order["customer"]["id"]]["numberOfOrders"]


def test_the_order_counts_of_customers_include_the_added_orders(large: Sandbox) -> None:
    counts = Counter(order["customer"]["id"] for order in orders(large) if order["customer"])
    for customer in large.store.select("shopify_admin", SHOP, "customer"):
        assert customer["numberOfOrders"] == str(counts[customer["id"]])


def test_times_lie_within_the_last_five_months(large: Sandbox) -> None:
    times = [order["createdAt"] for order in orders(large)]
    assert min(times) >= format_timestamp(NOW, plus=timedelta(days=-160))
    assert max(order["updatedAt"] for order in orders(large)) <= format_timestamp(NOW)
    assert all(order["createdAt"] <= order["updatedAt"] for order in orders(large))
    assert len(set(times)) > len(times) * 0.9


def test_a_list_is_ordered_by_the_last_change(large: Sandbox) -> None:
    changed = [order["updatedAt"] for order in orders(large)]
    assert changed == sorted(changed)


def test_the_same_seed_makes_the_same_orders() -> None:
    assert [json.dumps(row) for row in orders(world(60))] == [json.dumps(row) for row in orders(world(60))]


def test_a_shop_can_grow_twice_and_still_change(large: Sandbox) -> None:
    sandbox = world(50)
    assert grow(sandbox.store, shop=SHOP, orders=50, seed=7, now=NOW) == 140
    Changes(sandbox).create_orders(SHOP, 3)
    rows = orders(sandbox)
    assert len({row["id"] for row in rows}) == len({row["name"] for row in rows}) == 143


def test_a_shop_without_orders_cannot_grow() -> None:
    sandbox = seed.build(shops=1, orders=5, now=NOW)
    with pytest.raises(ValueError, match=r"nobody\.myshopify\.com has no orders"):
        grow(sandbox.store, shop="nobody.myshopify.com", orders=5, seed=7, now=NOW)


def test_orders_above_the_detailed_maximum_are_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed, "MAX_DETAILED_ORDERS", 30)
    sandbox = seed.build(shops=1, orders=90, now=NOW)
    assert sandbox.store.count("shopify_admin", SHOP, "order") == 90
    assert seed.parameters_of(sandbox).orders == 90
