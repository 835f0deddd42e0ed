"""The lines of bulk operations over HTTP: their number, their order and their content."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from bulk_sandbox import ORDERS, SHOP, BulkClient, client_of, read_lines, serve_two_shops, stored_orders

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running_sandbox() -> Iterator[Any]:
    with serve_two_shops() as running:
        yield running


@pytest.fixture
def bulk_client(running_sandbox: Any) -> Iterator[BulkClient]:
    with client_of(running_sandbox) as bulk_client:
        yield bulk_client


def test_every_order_and_every_line_item_is_there_once(bulk_client: BulkClient) -> None:
    lines = bulk_client.lines()
    orders = stored_orders(bulk_client)
    assert Counter(line["id"] for line in lines) == Counter(
        [order["id"] for order in orders] + [item["id"] for order in orders for item in order["lineItems"]]
    )
    parents = {item["id"]: order["id"] for order in orders for item in order["lineItems"]}
    assert all(line["__parentId"] == parents[line["id"]] for line in lines if "__parentId" in line)


def test_plain_lists_and_objects_are_inside_the_line(bulk_client: BulkClient) -> None:
    lines = {line["id"]: line for line in bulk_client.lines()}
    order = next(order for order in stored_orders(bulk_client) if order["fulfillments"])
    line = lines[order["id"]]
    assert [each["id"] for each in line["fulfillments"]] == [each["id"] for each in order["fulfillments"]]
    assert "lineItems" not in line


def test_the_root_is_sorted_as_the_query_says(bulk_client: BulkClient) -> None:
    times = [line["updatedAt"] for line in bulk_client.lines() if "__parentId" not in line]
    assert times == sorted(times)
    backwards = bulk_client.lines("{ orders(sortKey: UPDATED_AT, reverse: true) { edges { node { updatedAt } } } }")
    assert [line["updatedAt"] for line in backwards] == times[::-1]


def test_a_search_is_honoured_and_a_page_size_is_not(bulk_client: BulkClient) -> None:
    since = sorted(order["updatedAt"] for order in stored_orders(bulk_client))[-7]
    query = f"""{{ orders(first: 2, query: "updated_at:>='{since}'") {{ edges {{ cursor node {{ id updatedAt
        lineItems(first: 1) {{ edges {{ node {{ id }} }} pageInfo {{ hasNextPage }} }} }} }} }} }}"""
    lines = bulk_client.lines(query)
    matching = [order for order in stored_orders(bulk_client) if order["updatedAt"] >= since]
    assert {line["id"] for line in lines if "__parentId" not in line} == {order["id"] for order in matching}
    assert sum("__parentId" in line for line in lines) == sum(len(order["lineItems"]) for order in matching)


def test_grouped_children_follow_their_parent_directly(bulk_client: BulkClient) -> None:
    parent = None
    for line in bulk_client.lines(grouped=True):
        parent = line["id"] if "__parentId" not in line else parent
        assert line.get("__parentId", parent) == parent


def test_ungrouped_children_of_different_parents_alternate_after_all_roots(bulk_client: BulkClient) -> None:
    lines = bulk_client.lines()
    kinds = ["__parentId" in line for line in lines]
    assert kinds == sorted(kinds)
    parents = [line["__parentId"] for line in lines if "__parentId" in line]
    changes = sum(left != right for left, right in pairwise(parents))
    assert changes > len(set(parents))
    mine = {order["id"]: [item["id"] for item in order["lineItems"]] for order in stored_orders(bulk_client)}
    for parent, items in mine.items():
        assert [line["id"] for line in lines if line.get("__parentId") == parent] == items


def test_ungrouped_roots_and_children_can_be_interleaved(bulk_client: BulkClient) -> None:
    bulk_client.switch("bulk_apart", False)
    lines = bulk_client.lines()
    seen = set()
    for line in lines:
        assert line.get("__parentId") in {None, *seen}
        seen.add(line["id"])
    assert Counter(line["id"] for line in lines) == Counter(line["id"] for line in bulk_client.lines(grouped=True))


@pytest.mark.parametrize(("version", "grouped"), [("2025-10", True), ("2026-01", False)])
def test_grouping_is_the_default_before_2026_01(bulk_client: BulkClient, version: str, grouped: bool) -> None:
    bulk_client.version = version
    made = bulk_client.execute(
        "mutation Run($query: String!) { bulkOperationRunQuery(query: $query) { bulkOperation { id } } }", query=ORDERS
    )
    lines = read_lines(httpx.get(bulk_client.ended(made["bulkOperationRunQuery"]["bulkOperation"]["id"])["url"]))
    first_child = next(place for place, line in enumerate(lines) if "__parentId" in line)
    assert any("__parentId" not in line for line in lines[first_child:]) is grouped


def test_grandchildren_name_the_child_as_their_parent(bulk_client: BulkClient) -> None:
    query = """{ products { edges { node { id title variants { edges { node { id
        product { id } } } } } } } }"""
    lines = bulk_client.lines(query, grouped=True)
    products = bulk_client.sandbox.store.select("shopify_admin", SHOP, "product")
    variants = {variant["id"]: product["id"] for product in products for variant in product["variants"]}
    assert {line["id"]: line["__parentId"] for line in lines if "__parentId" in line} == variants


def test_a_query_without_results_has_no_url(bulk_client: BulkClient) -> None:
    operation = bulk_client.ended(bulk_client.submit('{ orders(query: "id:1") { edges { node { id } } } }'))
    assert (operation["status"], operation["objectCount"]) == ("COMPLETED", "0")
    assert (operation["url"], operation["fileSize"]) == (None, None)


def test_pages_and_bulk_give_the_same_values(bulk_client: BulkClient) -> None:
    fields = """id legacyResourceId name number createdAt updatedAt cancelledAt cancelReason closed test
        displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode tags email phone note
        paymentGatewayNames taxesIncluded statusPageUrl
        total: totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
        subtotalPrice customAttributes { key value } subtotalLineItemsQuantity
        customer { id legacyResourceId displayName numberOfOrders defaultEmailAddress { emailAddress } }
        displayAddress { ...address } billingAddress { ...address }
        fulfillments(first: 2) { __typename id name status displayStatus deliveredAt totalQuantity
            trackingInfo(first: 1) { company number url } }
        refunds { id note totalRefundedSet { shopMoney { amount } } }
        transactions { id kind status amountSet { shopMoney { amount } } }"""
    address = "fragment address on MailingAddress { id name address1 city countryCodeV2 zip phone }"
    item = """id title name quantity currentQuantity unfulfilledQuantity sku variantTitle isGiftCard
        product { id title status featuredMedia { ... on MediaImage { image { url } } } variantsCount { count } }
        variant { id displayName } originalUnitPriceSet { shopMoney { amount } }"""
    paged: dict[str, Any] = {}
    after = None
    while True:
        data = bulk_client.execute(
            f"""query Page($after: String) {{ orders(first: 40, after: $after) {{ pageInfo {{ hasNextPage endCursor }}
                nodes {{ {fields} lineItems(first: 250) {{ nodes {{ {item} }} }} }} }} }} {address}""",
            after=after,
        )["orders"]
        for node in data["nodes"]:
            items = node.pop("lineItems")["nodes"]
            paged[node["id"]] = node
            paged |= {row["id"]: {**row, "__parentId": node["id"]} for row in items}
        if not data["pageInfo"]["hasNextPage"]:
            break
        after = data["pageInfo"]["endCursor"]
    lines = bulk_client.lines(
        f"{{ orders {{ edges {{ node {{ {fields} lineItems {{ edges {{ node {{ {item} }} }} }} }} }} }} }} {address}"
    )
    counts = Counter(line.get("__parentId") for line in lines)
    # a page has at most 250 of an order's line items
    whole = [line for line in lines if "__parentId" not in line or counts[line["__parentId"]] <= 250]
    assert len(whole) > 100
    assert [line for line in whole if line != paged[line["id"]]] == []


def test_personal_data_are_hidden_as_in_pages(bulk_client: BulkClient) -> None:
    bulk_client.switch("protected_customer_data", "level1")
    line = next(line for line in bulk_client.lines() if line.get("customer"))
    assert (line["email"], line["shippingAddress"]["name"]) == (None, None)
    assert line["shippingAddress"]["city"]


def test_orders_older_than_sixty_days_are_absent_without_the_scope(bulk_client: BulkClient) -> None:
    store = bulk_client.sandbox.store
    shop = store.get("shopify_admin", SHOP, "shop", SHOP)
    scopes = [scope for scope in shop["scopes"] if scope != "read_all_orders"]
    store.put("shopify_admin", SHOP, "shop", SHOP, shop | {"scopes": scopes}, at="")
    try:
        lines = bulk_client.lines("{ orders { edges { node { id createdAt } } } }")
    finally:
        store.put("shopify_admin", SHOP, "shop", SHOP, shop, at="")
    recent = {order["id"] for order in stored_orders(bulk_client) if order["createdAt"] >= "2026-03-21T14:00:00Z"}
    assert {line["id"] for line in lines} == recent
    assert 0 < len(recent) < len(stored_orders(bulk_client))
