"""Lists of a large shop: a few fields of an order are enough to find it, and lists are cached between pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_partners.sandbox.shopify_admin import sorting
from airflow_provider_partners.sandbox.shopify_admin.documents import ShopDocuments
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest
from airflow_provider_partners.sandbox.shopify_admin.resolvers import TABLE
from airflow_provider_partners.sandbox.shopify_admin.search import fields as resources
from airflow_provider_partners.sandbox.shopify_admin.search.filters import compile_search
from airflow_provider_partners.sandbox.shopify_admin.server import SWITCHES
from airflow_provider_partners.sandbox.store import ListCache, Sandbox
from airflow_provider_partners.sandbox.world.build import build

NOW = datetime(2026, 5, 20, 14, tzinfo=UTC)
SHOP = "aurora-apparel.myshopify.com"
Orders = Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    made = build(shops=1, orders=80, now=NOW)
    made.switches.update(SWITCHES)
    return made


@pytest.fixture(scope="module")
def orders(sandbox: Sandbox) -> Orders:
    return sandbox.store.select("shopify_admin", SHOP, "order")


@pytest.fixture(scope="module")
def entries(sandbox: Sandbox) -> Orders:
    """The search fields of all orders, with their contents."""
    return ShopDocuments(sandbox.store, SHOP).orders(contents=True).documents


@pytest.mark.parametrize("name", sorted(resources.ORDERS.fields))
def test_every_filter_finds_the_same_in_cached_fields_and_in_orders(entries: Orders, orders: Orders, name: str) -> None:
    field = resources.ORDERS.fields[name]
    assert [field.values(entry) or None for entry in entries] == [field.values(order) or None for order in orders]
    for word, matches in field.choices.items():
        assert [matches(entry) for entry in entries] == [matches(order) for order in orders], word


@pytest.mark.parametrize("key", sorted(sorting.ORDERS))
def test_every_sort_is_the_same_for_cached_fields_and_orders(entries: Orders, orders: Orders, key: str) -> None:
    value = sorting.ORDERS[key]
    assert [value(entry) for entry in entries] == [value(order) for order in orders]


@pytest.mark.parametrize("name", sorted(set(resources.ORDERS.fields) - {"sku"}))
def test_only_skus_and_quantities_need_the_contents(sandbox: Sandbox, entries: Orders, name: str) -> None:
    values = resources.ORDERS.fields[name].values
    without_contents = ShopDocuments(sandbox.store, SHOP).orders().documents
    assert [values(entry) for entry in without_contents] == [values(entry) for entry in entries]


def test_words_are_found_in_the_cached_fields(sandbox: Sandbox, orders: Orders) -> None:
    matches = compile_search(orders[3]["customer"]["lastName"], resources.ORDERS, now=NOW).matches
    entries = ShopDocuments(sandbox.store, SHOP).orders().documents
    assert [matches(entry) for entry in entries] == [matches(order) for order in orders]
    assert any(map(matches, entries))


class ResolveInfo:
    """The part of graphql-core's resolve info that lists use."""

    class path:  # noqa: N801
        @staticmethod
        def as_list() -> list[str]:
            return ["orders"]


def listed(sandbox: Sandbox, lists: ListCache, **arguments: Any) -> list[str]:
    request = AdminRequest(sandbox=sandbox, shop=SHOP, version="2026-07", table=TABLE, lists=lists)
    arguments = {"first": 5, "sortKey": "UPDATED_AT", **arguments}
    entries = request.documents.orders()
    page = request.list_connection(entries, ResolveInfo(), arguments, filters=resources.ORDERS, sorts=sorting.ORDERS)
    return [node["id"] for node in page["nodes"]]


def test_a_cached_list_is_rebuilt_after_an_order_changes(sandbox: Sandbox, orders: Orders) -> None:
    lists = ListCache(1_000)
    before = listed(sandbox, lists, reverse=True)
    order = orders[0]
    changed = order | {"updatedAt": "2026-05-20T13:59:59Z"}
    sandbox.store.put("shopify_admin", SHOP, "order", order["id"], changed, at=changed["updatedAt"])
    assert listed(sandbox, lists, reverse=True) == [order["id"], *before[:4]]
    sandbox.store.put("shopify_admin", SHOP, "order", order["id"], order, at=order["updatedAt"])
    assert listed(sandbox, lists, reverse=True) == before


def test_a_search_for_now_follows_the_clock() -> None:
    sandbox = build(shops=1, orders=20, now=NOW)
    sandbox.switches.update(SWITCHES)
    lists = ListCache(1_000)
    assert listed(sandbox, lists, query="updated_at:<now")
    sandbox.now = datetime(2020, 1, 1, tzinfo=UTC)
    assert listed(sandbox, lists, query="updated_at:<now") == []


def test_a_search_lag_applies_to_cached_lists(sandbox: Sandbox) -> None:
    lists = ListCache(1_000)
    assert listed(sandbox, lists)
    sandbox.switches["shopify_admin.search_lag_seconds"] = 10**9
    try:
        assert listed(sandbox, lists) == []
    finally:
        sandbox.switches["shopify_admin.search_lag_seconds"] = 0
