"""The cost of queries and the points of a shop, from the published outline and recorded figures."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from airflow_provider_partners.sandbox.shopify.graphql.schema import schema
from airflow_provider_partners.sandbox.shopify.rate_limits import PointBucket, RequestLimiter
from airflow_provider_partners.sandbox.shopify_admin.query_cost import Pricing, connection_points

SYNC = """
query Orders($first: Int = 50) {
  orders(first: $first) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id name updatedAt totalPriceSet { shopMoney { amount currencyCode } }
      customer { id defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } }
      billingAddress { name city }
      shippingAddress { name city }
      lineItems(first: 50) {
        nodes { id quantity product { id } variant { id } originalUnitPriceSet { shopMoney { amount } } }
      }
      fulfillments {
        id status
        trackingInfo { number url }
        fulfillmentLineItems(first: 50) { nodes { id quantity lineItem { id } } }
      }
    }
  }
}
"""


def pricing(query: str, version: str = "2026-07", **variables: Any) -> Pricing:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Pricing(schema("shopify_admin", version), document, operation, variables)


def requested(query: str, **variables: Any) -> int:
    return pricing(query, **variables).requested()


@pytest.mark.parametrize(("first", "charged"), [(1, 1), (2, 1), (3, 2), (5, 3), (10, 4), (20, 5), (25, 6), (50, 7)])
def test_a_page_is_charged_by_the_logarithm_of_its_size(first: int, charged: int) -> None:
    assert connection_points(first) == charged


def test_the_largest_pages_are_charged_for_nine_and_eleven_nodes() -> None:
    assert (connection_points(100), connection_points(250)) == (9, 11)


@pytest.mark.parametrize(("first", "points"), [(10, 190), (25, 284), (50, 331), (100, 425), (250, 519)])
def test_the_order_sync_query_costs_what_recordings_show(first: int, points: int) -> None:
    assert requested(SYNC, first=first) == points


def test_a_default_of_a_variable_counts_when_none_is_sent() -> None:
    assert requested(SYNC) == 331


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("{ currentAppInstallation { accessScopes { handle } } }", 2),
        ("{ shop { name } }", 1),
        ("{ __typename }", 0),
        ("{ ordersCount { count } }", 10),
        ("{ orders(first: 5) { edges { cursor } } }", 2),
        ("{ orders(first: 5) { pageInfo { hasNextPage } } }", 2),
        ("{ orders(first: 5) { nodes { id } } }", 5),
        ("{ orders(first: 5) { edges { node { id } } } }", 5),
        ("{ orders(first: 5) { nodes { id } edges { node { id } } } }", 8),
        ("{ orders(last: 5) { nodes { id } } }", 5),
        ("{ orders(first: 1) { nodes { totalPriceSet { shopMoney { amount } } } } }", 3),
        ("{ orders(first: 1) { nodes { fulfillments(first: 200) { id } } } }", 4),
        ("mutation { orderClose(input: {id: 1}) { order { id lineItems(first: 250) { nodes { id } } } } }", 10),
    ],
)
def test_objects_cost_one_money_nothing_and_a_mutation_ten(query: str, points: int) -> None:
    assert requested(query) == points


def test_an_interface_costs_as_much_as_its_most_expensive_type() -> None:
    query = """{ node(id: "gid://shopify/Order/1") {
        id
        ... on Order { customer { id } shippingAddress { id } }
        ... on Product { featuredMedia { id } }
    } }"""
    assert requested(query) == 3


def test_a_field_selected_twice_is_charged_once() -> None:
    query = """query { orders(first: 1) { nodes { customer { id } ...More } } }
        fragment More on Order { customer { displayName } }"""
    assert requested(query) == requested("{ orders(first: 1) { nodes { customer { id } } } }")


def test_a_skipped_field_is_not_charged() -> None:
    query = "query($all: Boolean!) { orders(first: 1) { nodes { id customer @include(if: $all) { id } } } }"
    assert (requested(query, all=True), requested(query, all=False)) == (4, 3)


def test_the_actual_cost_follows_from_the_returned_nodes() -> None:
    price = pricing("{ orders(first: 250) { nodes { id customer { id } } } }")
    rows = [{"id": "1", "customer": {"id": "c"}}, {"id": "2", "customer": None}]
    assert price.requested() == 24
    assert price.actual({"orders": {"nodes": rows}}) == 4


def test_the_actual_cost_refunds_what_was_null() -> None:
    price = pricing("{ order(id: 1) { id customer { id } shippingAddress { id } } }")
    assert price.actual({"order": {"id": "1", "customer": None, "shippingAddress": {"id": "a"}}}) == 2
    assert price.actual({"order": None}) == 0


def test_an_empty_list_at_the_top_is_not_refunded() -> None:
    price = pricing("{ orders(first: 250) { nodes { id } } }")
    assert price.actual({"orders": {"nodes": []}}) == price.requested() == 13


def test_an_empty_list_further_down_is_refunded() -> None:
    price = pricing("{ order(id: 1) { lineItems(first: 50) { nodes { id } } } }")
    assert price.requested() == 10
    assert price.actual({"order": {"lineItems": {"nodes": []}}}) == 3


def test_the_actual_cost_understands_aliases_and_edges() -> None:
    price = pricing("{ recent: orders(first: 100) { rows: edges { order: node { id } } } }")
    assert price.actual({"recent": {"rows": [{"order": {"id": "1"}}] * 10}}) == 6


def test_the_actual_cost_is_never_above_the_requested_one() -> None:
    price = pricing("{ orders(first: 2) { nodes { id } } }")
    assert price.actual({"orders": {"nodes": [{"id": "1"}] * 200}}) == price.requested()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_points_are_taken_refunded_and_restored_with_time() -> None:
    clock = Clock()
    bucket = PointBucket(2000, 100, clock=clock)
    assert bucket.take(1500)
    assert not bucket.take(600)
    assert bucket.status() == {"maximumAvailable": 2000, "currentlyAvailable": 500, "restoreRate": 100}
    bucket.refund(50)
    clock.now += 0.5
    assert bucket.status()["currentlyAvailable"] == 600
    assert bucket.take(600)


def test_a_bucket_never_holds_more_than_its_maximum() -> None:
    clock = Clock()
    bucket = PointBucket(2000, 100, clock=clock)
    clock.now += 1_000
    bucket.refund(500)
    assert bucket.status()["currentlyAvailable"] == 2000


def test_a_change_of_plan_keeps_what_was_spent() -> None:
    bucket = PointBucket(2000, 100, clock=Clock())
    bucket.take(500)
    bucket.resize(20_000, 1_000)
    assert bucket.status() == {"maximumAvailable": 20_000, "currentlyAvailable": 19_500, "restoreRate": 1_000}


def test_parallel_queries_never_get_the_same_points() -> None:
    bucket, taken = PointBucket(1000, 1, clock=Clock()), []
    threads = [threading.Thread(target=lambda: taken.append(bucket.take(10))) for _ in range(150)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 100


def test_four_requests_pass_in_any_second() -> None:
    clock = Clock()
    limiter = RequestLimiter(clock=clock)
    assert [limiter.acquire(4) for _ in range(5)] == [True] * 4 + [False]
    clock.now += 0.99
    assert not limiter.acquire(4)
    clock.now += 0.01
    assert limiter.acquire(4)
