"""The sandbox's lists of the Admin API: searches, sort orders, arguments and what a shop's change does to them.

``tests/contract/shopify_search_fields.json`` has the search fields that Shopify documents.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox import run_sandbox

from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sandbox.shopify.graphql.schema import schema
from airflow_provider_partners.sandbox.shopify_admin.lists import LISTS
from airflow_provider_partners.sandbox.shopify_admin.search.fields import INVENTORY_LEVELS
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filters
from airflow_provider_partners.sandbox.shopify_admin.search.more_fields import COUNTS
from airflow_provider_partners.sandbox.world.changes.shop import Changes

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DOCUMENTED = json.loads((Path(__file__).parents[3] / "contract" / "shopify_search_fields.json").read_text())
FILTERS: dict[str, Filters] = {
    **{name: each.filters for name, each in LISTS.items()},
    **COUNTS,
    "Location.inventoryLevels": INVENTORY_LEVELS,
}


@pytest.fixture(scope="module")
def server():
    with run_sandbox(shops=1, orders=30, now=NOW, switches={"shopify_admin.bucket": (1_000_000, 1_000_000)}) as running:
        yield running


def shop_of(server: RunningSandbox) -> str:
    return next(iter(server.sandbox.credentials["shopify_admin"]))


def ask(server: RunningSandbox, query: str) -> dict[str, Any]:
    shop = shop_of(server)
    url = f"{server.url}/shopify-admin/{shop}/admin/api/2026-07/graphql.json"
    token = server.sandbox.credentials["shopify_admin"][shop]["token"]
    return httpx.post(url, json={"query": query}, headers={"X-Shopify-Access-Token": token}).json()


@pytest.mark.parametrize("place", FILTERS)
def test_every_documented_search_field_is_known(place: str) -> None:
    """An unknown one would match everything, as at Shopify, though Shopify knows it."""
    filters = FILTERS[place]
    documented = {name.partition(".")[0] for version in DOCUMENTED.values() for name in version[place]}
    assert set(filters.fields) | filters.unsupported == documented
    assert not set(filters.fields) & filters.unsupported


@pytest.mark.parametrize("place", FILTERS)
def test_times_are_times_in_shopifys_documentation(place: str) -> None:
    ours = {name for name, each in FILTERS[place].fields.items() if each.kind == "time"}
    assert ours == {name for name, kind in DOCUMENTED["2026-07"][place].items() if kind == "time"} & {
        *FILTERS[place].fields
    }


@pytest.mark.parametrize("name", LISTS)
def test_every_sort_key_is_one_of_the_schema(name: str) -> None:
    arguments = schema("shopify_admin", "2026-07").query_type.fields[name].args
    keys = set(arguments["sortKey"].type.values)
    assert set(LISTS[name].sorts) <= keys | {"RELEVANCE"}


def test_a_sort_key_that_the_sandbox_lacks_is_named(server: RunningSandbox) -> None:
    body = ask(server, "{ customers(first: 1, sortKey: LOCATION) { nodes { id } } }")
    assert body["errors"][0]["message"].startswith("The sandbox cannot sort by LOCATION")


def test_the_events_of_deletions_are_found_by_their_action(server: RunningSandbox) -> None:
    """``destroy``: https://shopify.dev/docs/api/admin-graphql/latest/objects/BasicEvent."""
    fields = "__typename action ... on BasicEvent { subjectId subjectType }"
    body = ask(server, f'{{ events(first: 50, query: "action:destroy") {{ nodes {{ {fields} }} }} }}')
    events = body["data"]["events"]["nodes"]
    assert {event["action"] for event in events} == {"destroy"}
    assert {event["subjectType"] for event in events} == {"PRODUCT", "CUSTOMER", "DRAFT_ORDER"}
    products = {document["id"] for document in server.sandbox.store.select("shopify_admin", shop_of(server), "product")}
    deleted = {event["subjectId"] for event in events if event["subjectType"] == "PRODUCT"}
    assert deleted
    assert not deleted & products


def test_no_event_is_older_than_a_year(server: RunningSandbox) -> None:
    """Shopify: "Event data is retained for 1 year" (schema, ``events(query:)``)."""
    events = server.sandbox.store.select("shopify_admin", shop_of(server), "event")
    assert min(event["createdAt"] for event in events) >= (NOW - timedelta(days=365)).isoformat()


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("locations", "locations(first: 50, includeInactive: true, includeLegacy: true)"),
        ("fulfillmentOrders", "fulfillmentOrders(first: 200, includeClosed: true)"),
    ],
)
def test_what_is_closed_is_listed_only_on_request(server: RunningSandbox, narrow: str, wide: str) -> None:
    def size(field: str) -> int:
        return len(ask(server, f"{{ {field} {{ nodes {{ id }} }} }}")["data"][narrow]["nodes"])

    assert 0 < size(f"{narrow}(first: 200)") < size(wide)


def test_a_count_warns_of_a_search_field_that_only_its_list_knows(server: RunningSandbox) -> None:
    body = ask(server, '{ customersCount(query: "tag:vip") { count } }')
    (search,) = body["extensions"]["search"]
    assert search["warnings"][0]["field"] == "tag"
    body = ask(server, '{ customers(first: 1, query: "tag:vip") { nodes { id } } }')
    assert "search" not in body["extensions"]


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ("draftOrders", "read_draft_orders"),
        ("discountNodes", "read_discounts"),
        ("locations", "read_locations"),
        ("fulfillmentOrders", "read_merchant_managed_fulfillment_orders"),
    ],
)
def test_a_list_needs_its_scope(server: RunningSandbox, field: str, scope: str) -> None:
    """The scopes: https://shopify.dev/docs/api/usage/access-scopes."""
    store, shop = server.sandbox.store, shop_of(server)
    facts = store.get("shopify_admin", shop, "shop", shop)
    assert facts
    narrowed = {**facts, "scopes": [each for each in facts["scopes"] if each != scope]}
    store.put("shopify_admin", shop, "shop", shop, narrowed, at="2026-06-01T00:00:00Z")
    try:
        body = ask(server, f"{{ {field}(first: 1) {{ nodes {{ id }} }} }}")
    finally:
        store.put("shopify_admin", shop, "shop", shop, facts, at="2026-06-01T00:00:00Z")
    assert body["errors"][0]["extensions"]["requiredAccess"] == f"`{scope}` access scope."


def test_fulfillment_orders_and_events_follow_a_change_of_an_order() -> None:
    with run_sandbox(shops=1, orders=20, now=NOW) as running:
        store, shop = running.sandbox.store, shop_of(running)
        before = {each["id"]: each for each in store.select("shopify_admin", shop, "event")}
        (created,) = Changes(running.sandbox).create_orders(shop, 1)
        fulfillment_orders = store.select("shopify_admin", shop, "fulfillment_order")
        assert [each["orderId"] for each in fulfillment_orders].count(created["id"]) == 1
        new = [each for each in store.select("shopify_admin", shop, "event") if each["id"] not in before]
        assert {(each["action"], each["subjectId"]) for each in new} == {("placed", created["id"])}


def test_the_same_seed_gives_the_same_lists() -> None:
    def contents() -> dict[tuple[str, str], Any]:
        with run_sandbox(shops=1, orders=12, now=NOW) as running:
            kinds = {each.kind for each in LISTS.values()} | {"inventory_level"}
            return {
                (kind, id_): body
                for partner, _, kind, id_, body in running.sandbox.store
                if partner == "shopify_admin" and kind in kinds
            }

    first = contents()
    assert first == contents()
    assert {kind for kind, _ in first} == {each.kind for each in LISTS.values()} - {"product_variant"} | {
        "inventory_level"
    }
