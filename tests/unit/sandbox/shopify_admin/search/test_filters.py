"""Shopify's search syntax: what a string means, and which orders it finds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify_admin.search.fields import ORDERS, PRODUCTS
from airflow_provider_partners.sandbox.shopify_admin.search.filters import compile_search
from airflow_provider_partners.sandbox.shopify_admin.search.parser import describe, parse_search

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def order(number: int, **fields: Any) -> dict[str, Any]:
    known = {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "createdAt": "2026-03-01T10:00:00Z",
        "updatedAt": "2026-03-01T10:00:00Z",
        "processedAt": "2026-03-01T10:00:00Z",
        "closedAt": None,
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "test": False,
        "tags": [],
        "customer": {"id": "gid://shopify/Customer/7", "firstName": "Zoë", "lastName": "Ndiaye"},
        "lineItems": [{"sku": "TEE-1"}],
    }
    return {**known, **fields}


def find(query: str, *orders: dict[str, Any]) -> list[str]:
    search = compile_search(query, ORDERS, now=NOW)
    return [row["name"] for row in orders if search.matches(row)]


DAY = [
    order(1, updatedAt="2026-01-30T23:59:59Z"),
    order(2, updatedAt="2026-01-31T00:00:00Z"),
    order(3, updatedAt="2026-01-31T12:00:00Z"),
    order(4, updatedAt="2026-01-31T23:59:59Z"),
    order(5, updatedAt="2026-02-01T00:00:00Z"),
]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("updated_at:>='2026-01-31T12:00:00Z'", ["#3", "#4", "#5"]),
        ("updated_at:>'2026-01-31T12:00:00Z'", ["#4", "#5"]),
        ("updated_at:<'2026-01-31T12:00:00Z'", ["#1", "#2"]),
        ("updated_at:<='2026-01-31T12:00:00Z'", ["#1", "#2", "#3"]),
        ("updated_at:'2026-01-31T12:00:00Z'", ["#3"]),
        ("updated_at:>='2026-01-31T13:00:00+01:00'", ["#3", "#4", "#5"]),
        ("updated_at:>='2026-01-31T12:00:00Z' AND updated_at:<'2026-02-01T00:00:00Z'", ["#3", "#4"]),
        ("updated_at:>='2026-01-31T12:00:00Z' updated_at:<'2026-02-01T00:00:00Z'", ["#3", "#4"]),
    ],
)
def test_a_quoted_time_means_one_second(query: str, names: list[str]) -> None:
    assert find(query, *DAY) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("updated_at:>=2026-01-31T12:00:00Z", ["#2", "#3", "#4", "#5"]),
        ("updated_at:>2026-01-31T12:00:00Z", ["#5"]),
        ("updated_at:<2026-01-31T12:00:00Z", ["#1"]),
        ("updated_at:<=2026-01-31T12:00:00Z", ["#1", "#2", "#3", "#4"]),
        ("updated_at:2026-01-31T12:00:00Z", ["#2", "#3", "#4"]),
        ("updated_at:'2026-01-31'", ["#2", "#3", "#4"]),
        ("updated_at:2026-01", ["#1", "#2", "#3", "#4"]),
        ("updated_at:<=2025", []),
        ("updated_at:<now", ["#1", "#2", "#3", "#4", "#5"]),
    ],
)
def test_a_time_without_quotes_means_a_whole_day(query: str, names: list[str]) -> None:
    assert find(query, *DAY) == names


@pytest.mark.parametrize("value", ["'not a time'", "yesterday", "2026-13-01", "'2026-02-30T00:00:00Z'"])
def test_an_impossible_time_is_an_error_that_names_the_filter(value: str) -> None:
    with pytest.raises(GraphQLError, match="Invalid timestamp for query filter `created_at`") as error:
        compile_search(f"created_at:>={value}", ORDERS, now=NOW)
    assert error.value.extensions == {"code": "BAD_REQUEST"}


def test_an_unknown_field_matches_everything_and_causes_a_warning() -> None:
    search = compile_search("updatedat:>'2030-01-01T00:00:00Z'", ORDERS, now=NOW)
    assert search.matches(order(1))
    assert search.report(["orders"]) == {
        "path": ["orders"],
        "query": "updatedat:>'2030-01-01T00:00:00Z'",
        "parsed": {"field": "updatedat", "range": {"gt": "2030-01-01T00:00:00Z"}},
        "warnings": [
            {"field": "updatedat", "message": "Invalid search field for this query.", "code": "invalid_field"}
        ],
    }


def test_a_negated_unknown_field_matches_everything_too() -> None:
    assert find("-nothing:x", order(1)) == ["#1"]


def test_a_known_field_causes_no_warning() -> None:
    assert compile_search("status:open", ORDERS, now=NOW).warnings == []


def test_a_shopify_field_that_the_sandbox_does_not_support_is_an_error() -> None:
    with pytest.raises(GraphQLError, match="cannot search orders by risk_level"):
        compile_search("risk_level:high", ORDERS, now=NOW)


STATES = [
    order(1),
    order(2, closedAt="2026-03-02T00:00:00Z", displayFulfillmentStatus="FULFILLED", tags=["VIP", "spring sale"]),
    order(3, cancelledAt="2026-03-02T00:00:00Z", displayFinancialStatus="VOIDED", test=True),
    order(
        4, displayFinancialStatus="PARTIALLY_REFUNDED", displayFulfillmentStatus="PARTIALLY_FULFILLED", customer=None
    ),
]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["#1", "#2", "#3", "#4"]),
        ("status:open", ["#1", "#4"]),
        ("status:closed", ["#2"]),
        ("status:cancelled", ["#3"]),
        ("status:not_closed", ["#1", "#3", "#4"]),
        ("financial_status:partially_refunded", ["#4"]),
        ("fulfillment_status:unshipped OR fulfillment_status:partial", ["#1", "#3", "#4"]),
        ("test:true", ["#3"]),
        ("tag:vip", ["#2"]),
        ("tag:'spring sale'", ["#2"]),
        ("-tag:vip", ["#1", "#3", "#4"]),
        ("NOT tag:vip test:false", ["#1", "#4"]),
        ("id:2 OR id:>=4", ["#2", "#4"]),
        ("id:>1 AND id:<=3", ["#2", "#3"]),
        ("name:#3", ["#3"]),
        ("name:3", ["#3"]),
        ("customer_id:7 -status:cancelled", ["#1", "#2"]),
        ("(status:open OR status:closed) AND financial_status:paid", ["#1", "#2"]),
        ("status:open OR status:closed financial_status:voided", ["#1", "#4"]),
        ("sku:TEE*", ["#1", "#2", "#3", "#4"]),
        ("sku:'TEE*'", []),
        ("ndiaye", ["#1", "#2", "#3"]),
        ("id:none", []),
    ],
)
def test_terms_are_joined_by_and_or_and_not(query: str, names: list[str]) -> None:
    assert find(query, *STATES) == names


def test_products_have_fields_of_their_own() -> None:
    search = compile_search("vendor:acme AND status:active", PRODUCTS, now=NOW)
    assert search.matches({"id": "gid://shopify/Product/1", "vendor": "ACME", "status": "ACTIVE"})
    assert not search.matches({"id": "gid://shopify/Product/2", "vendor": "ACME", "status": "DRAFT"})


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a:1 b:2", {"and": [{"field": "a", "match_all": "1"}, {"field": "b", "match_all": "2"}]}),
        ('name:"it\'s"', {"field": "name", "match_all": "it's"}),
        (r"name:'it\'s'", {"field": "name", "match_all": "it's"}),
        ("ANDREA", {"field": "default", "match_all": "ANDREA"}),
        ("a:1) OR", {"field": "a", "match_all": "1"}),
        ("(a:1 OR b:2", {"or": [{"field": "a", "match_all": "1"}, {"field": "b", "match_all": "2"}]}),
    ],
)
def test_stray_search_syntax_is_ignored(text: str, tree: dict[str, Any]) -> None:
    node = parse_search(text)
    assert node is not None
    assert describe(node) == tree


def test_a_backslash_escapes_a_special_character_outside_of_phrases_too() -> None:
    """They are ``: \\ ( )``, see https://shopify.dev/docs/api/usage/search-syntax."""
    assert parse_search(r"name:a\(b\)\:c OR tag:x\\") == parse_search(r"name:a\(b\)\:c OR (tag:x\\)")
    terms = [term.value for term in parse_search(r"name:a\(b\)\:c OR tag:x\\").parts]  # type: ignore[union-attr]
    assert terms == ["a(b):c", "x\\"]
