"""Which queries a bulk operation accepts, and the error messages for the others."""

from __future__ import annotations

import pytest

from airflow_provider_partners.sandbox.shopify.graphql.schema import schema
from airflow_provider_partners.sandbox.shopify_admin.bulk.query_checks import BulkQueryError, read_bulk_query
from airflow_provider_partners.sandbox.shopify_admin.request import global_id_check

SCHEMA = schema("shopify_admin", "2026-07")
NO_CONNECTION = "Bulk queries must contain at least one connection."
TOO_DEEP = "Bulk queries cannot contain connections with a nesting depth greater than 2."
TOO_MANY = "Bulk queries cannot contain more than 5 connections."
IN_LIST = "Queries that contain a connection field within a list field are not currently supported."
TOP_NODE = "Bulk queries cannot contain a top level `node` field."


def nodes(*fields: str) -> str:
    names = "', '".join(fields)
    return (
        "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: "
        f"'{fields[0]} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
        f"Invalid connection fields: '{names}'."
    )


def without_id(fields: str) -> str:
    return (
        "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of "
        f"'ID' return type. Connection fields without 'id': {fields}."
    )


def edges(field: str, *inner: str) -> str:
    """A connection; the default selection of its nodes is ``id``."""
    return f"{field} {{ edges {{ node {{ {' '.join(inner) or 'id'} }} }} }}"


def top(*fields: str) -> str:
    return f"{{ {' '.join(fields)} }}"


VARIANTS, EVENTS = edges("variants"), edges("events")


def refusal(query: str) -> list[str]:
    with pytest.raises(BulkQueryError) as caught:
        read_bulk_query(SCHEMA, query, root_fields={"orders", "products"}, check=global_id_check)
    return caught.value.messages


def taken(query: str) -> bool:
    return bool(read_bulk_query(SCHEMA, query, root_fields={"orders", "products"}, check=global_id_check).root)


@pytest.mark.parametrize(
    ("query", "sentences"),
    [
        ("", ["Invalid bulk query: syntax error, unexpected end of file"]),
        ("{ shop { name } }", [NO_CONNECTION]),
        ('{ node(id: "gid://shopify/Product/0") { id } }', [TOP_NODE, NO_CONNECTION]),
        ('{ nodes(ids: ["gid://shopify/Product/0"]) { id } }', [TOP_NODE, NO_CONNECTION]),
        ("{ orders { nodes { id } } }", [nodes("orders")]),
        ("{ orders { nodes { id } } customers { nodes { id } } }", [nodes("orders", "customers")]),
        ("{ orders { pageInfo { hasNextPage } } }", [nodes("orders")]),
        (top(edges("products", "id variants { nodes { id } }")), [nodes("variants")]),
        (top(edges("products", "title", VARIANTS)), [without_id("products")]),
        (top(edges("products", "id: title", VARIANTS)), [without_id("products")]),
        (top(edges("orders", "id", f"fulfillments {{ id {EVENTS} }}")), [IN_LIST]),
        (
            'mutation { productDelete(input: { id: "gid://shopify/Product/0" }) { deletedProductId } }',
            ["Invalid operation type. Only `query` operations are supported."],
        ),
        (top(edges("orders", "id colour")), ["Invalid bulk query: Field 'colour' doesn't exist on type 'Order'"]),
    ],
)
def test_a_query_is_refused_in_shopifys_words(query: str, sentences: list[str]) -> None:
    assert refusal(query) == sentences


def test_connections_nested_three_deep_are_refused() -> None:
    products = edges("products", "id", edges("variants", "id", edges("metafields")))
    assert taken(top(products))
    assert refusal(top(edges("collections", "id", products))) == [TOO_DEEP]


def test_five_connections_are_allowed_and_six_refused() -> None:
    inner = [edges(name) for name in ("variants", "metafields", "collections", "media", "sellingPlanGroups")]
    assert taken(top(edges("products", "id", *inner[:4])))
    assert refusal(top(edges("products", "id", *inner))) == [TOO_MANY]


def test_fragments_are_checked_too() -> None:
    query = f"{top(edges('products', 'title ...more'))} fragment more on Product {{ {VARIANTS} }}"
    assert refusal(query) == [without_id("products")]


def test_a_connection_of_an_interface_counts_once() -> None:
    owners = "... on Order { id } ... on HasMetafields { metafields { edges { node { id } } } }"
    assert taken(top(edges("orders", "id", owners)))


def test_a_query_of_65_536_bytes_is_too_large() -> None:
    query = top(edges("orders"))
    assert taken(query + " " * (65_535 - len(query)))
    assert refusal(query + " " * (65_536 - len(query))) == ["Query is too large (65536 bytes; maximum is 65535 bytes)"]


def test_bytes_are_counted_not_characters() -> None:
    query = f"{top(edges('orders'))} # "
    assert refusal(query + "é" * 40_000)[0].startswith(f"Query is too large ({len(query) + 80_000} bytes")


def test_plain_lists_and_comments_are_accepted() -> None:
    assert taken("#graphql\n" + top(edges("orders", "id fulfillments { id trackingInfo { number } }")))


@pytest.mark.parametrize("query", [top(edges("customers")), top(edges("orders"), edges("products"))])
def test_limits_of_the_sandbox_alone_are_named_as_such(query: str) -> None:
    (sentence,) = refusal(query)
    assert sentence.startswith("The sandbox runs bulk queries over one connection")
