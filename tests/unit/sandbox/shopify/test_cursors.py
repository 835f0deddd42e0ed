"""Cursors and pages: base64 JSON as recorded, keyed by sort value and id rather than by position."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from graphql import GraphQLError

from airflow_provider_partners.sandbox.shopify.cursors import (
    connection,
    database_time,
    epoch_ms,
    from_database_time,
    take_page,
)
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import decimal_text, nested_connection
from airflow_provider_partners.sandbox.shopify_admin.sorting import ORDERS, sort_by


def order(number: int, updated: str) -> dict[str, Any]:
    return {"id": f"gid://shopify/Order/{number}", "number": number, "updatedAt": updated}


def decoded(cursor: str) -> Any:
    return json.loads(base64.b64decode(cursor))


ROWS = [
    order(3, "2026-01-01T00:00:02Z"),
    order(1, "2026-01-01T00:00:01Z"),
    order(2, "2026-01-01T00:00:01Z"),
    order(4, "2026-01-01T00:00:03Z"),
]
BY_UPDATE = sort_by("UPDATED_AT", ORDERS, reverse=False, from_database=False)


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [row["number"] for row in rows]


def test_a_time_cursor_contains_epoch_milliseconds() -> None:
    row = order(8837991727410, "2026-06-22T22:34:00Z")
    assert decoded(BY_UPDATE.cursor(row)) == {"last_id": 8837991727410, "last_value": 1782167640000}


def test_a_cursor_of_the_database_contains_a_timestamp() -> None:
    sort = sort_by("UPDATED_AT", ORDERS, reverse=False, from_database=True)
    row = order(5, "2026-06-22T22:34:00Z")
    assert decoded(sort.cursor(row)) == {"last_id": 5, "last_value": "2026-06-22 22:34:00.000000"}
    assert sort.position(sort.cursor(row)) == sort.key(row)


def test_a_cursor_in_id_order_contains_the_id_twice() -> None:
    sort = sort_by("ID", ORDERS, reverse=False, from_database=False)
    assert decoded(sort.cursor(order(9, ""))) == {"last_id": 9, "last_value": 9}


def test_database_times_are_read_back_to_the_millisecond() -> None:
    milliseconds = epoch_ms("2026-06-22T22:34:00.609Z")
    assert database_time(milliseconds) == "2026-06-22 22:34:00.609000"
    assert from_database_time("2026-06-22 22:34:00.609000") == milliseconds


def test_pages_are_complete_if_nodes_share_a_second() -> None:
    first = take_page(ROWS, BY_UPDATE, {"first": 1})
    second = take_page(ROWS, BY_UPDATE, {"first": 5, "after": BY_UPDATE.cursor(first.nodes[-1])})
    assert (numbers(first.nodes), numbers(second.nodes)) == ([1], [2, 3, 4])
    assert (first.has_next, first.has_previous, second.has_next, second.has_previous) == (True, False, False, True)


def test_a_node_that_moves_behind_the_cursor_is_repeated() -> None:
    first = take_page(ROWS, BY_UPDATE, {"first": 2})
    moved = [*ROWS[:1], order(1, "2026-01-01T00:00:09Z"), *ROWS[2:]]
    second = take_page(moved, BY_UPDATE, {"first": 5, "after": BY_UPDATE.cursor(first.nodes[-1])})
    assert numbers(second.nodes) == [3, 4, 1]


def test_a_cursor_is_valid_after_its_node_is_deleted() -> None:
    cursor = BY_UPDATE.cursor(ROWS[2])
    assert numbers(take_page([ROWS[0], ROWS[3]], BY_UPDATE, {"first": 5, "after": cursor}).nodes) == [3, 4]


def test_a_reversed_list_is_paged_backwards() -> None:
    sort = sort_by("UPDATED_AT", ORDERS, reverse=True, from_database=False)
    first = take_page(ROWS, sort, {"first": 2})
    assert numbers(first.nodes) == [4, 3]
    assert numbers(take_page(ROWS, sort, {"first": 2, "after": sort.cursor(first.nodes[-1])}).nodes) == [2, 1]


def test_last_takes_the_end_and_before_stops_ahead_of_the_cursor() -> None:
    assert numbers(take_page(ROWS, BY_UPDATE, {"last": 2}).nodes) == [3, 4]
    page = take_page(ROWS, BY_UPDATE, {"last": 1, "before": BY_UPDATE.cursor(ROWS[0])})
    assert numbers(page.nodes) == [2]
    assert page.has_next
    assert page.has_previous


def test_an_empty_cursor_is_no_cursor() -> None:
    assert numbers(take_page(ROWS, BY_UPDATE, {"first": 1, "after": ""}).nodes) == [1]


@pytest.mark.parametrize("cursor", ["x", "bm9uc2Vuc2U=", base64.b64encode(b'{"last_id": 1}').decode()])
def test_an_invalid_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(GraphQLError, match="Invalid cursor for current pagination sort"):
        take_page(ROWS, BY_UPDATE, {"first": 1, "after": cursor})


def test_a_cursor_of_another_sort_is_refused() -> None:
    by_name = sort_by("FINANCIAL_STATUS", ORDERS, reverse=False, from_database=False)
    cursor = by_name.cursor({**ROWS[0], "displayFinancialStatus": "PAID"})
    with pytest.raises(GraphQLError, match="Invalid cursor for current pagination sort"):
        take_page(ROWS, BY_UPDATE, {"first": 1, "after": cursor})


def test_nodes_without_a_sort_value_come_first_and_can_be_paged() -> None:
    sort = sort_by("PO_NUMBER", ORDERS, reverse=False, from_database=False)
    rows = [{**ROWS[0], "poNumber": "B"}, ROWS[1], {**ROWS[2], "poNumber": "A"}]
    assert numbers(take_page(rows, sort, {"first": 3}).nodes) == [1, 2, 3]
    assert numbers(take_page(rows, sort, {"first": 3, "after": sort.cursor(rows[1])}).nodes) == [2, 3]


def test_an_empty_page_has_null_cursors() -> None:
    page = connection(take_page([], BY_UPDATE, {"first": 3}), BY_UPDATE)
    assert page["pageInfo"] == {
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


def test_a_list_inside_a_document_keeps_its_order_and_is_paged_by_id() -> None:
    items = [{"id": f"gid://shopify/LineItem/{number}"} for number in (30, 10, 20)]
    first = nested_connection(items, {"first": 2})
    assert [row["id"][-2:] for row in first["nodes"]] == ["30", "10"]
    assert decoded(first["pageInfo"]["endCursor"]) == {"last_id": 10, "last_value": 10}
    second = nested_connection(items, {"first": 2, "after": first["pageInfo"]["endCursor"]})
    assert [row["id"][-2:] for row in second["nodes"]] == ["20"]
    assert not second["pageInfo"]["hasNextPage"]


def test_items_without_ids_are_paged_by_index() -> None:
    items = [{"quantity": 1}, {"quantity": 2}, {"quantity": 3}]
    first = nested_connection(items, {"first": 2})
    second = nested_connection(items, {"first": 2, "after": first["pageInfo"]["endCursor"]})
    assert [row["quantity"] for row in (*first["nodes"], *second["nodes"])] == [1, 2, 3]


@pytest.mark.parametrize(("value", "text"), [("55.00", "55.0"), ("0", "0.0"), ("7.25", "7.25"), ("1200", "1200.0")])
def test_decimals_are_written_without_padding(value: str, text: str) -> None:
    assert decimal_text(value) == text
