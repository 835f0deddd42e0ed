"""A list as a bulk operation: what is asked, which operation answers it, and what Shopify has against it."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from fake_admin_api import NOW, SINCE, UNTIL, Shop, client, shop_answer
from fake_bulk_shop import BulkShop, day, operation, order, refused

from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PagingError,
    ThrottledError,
    UnexpectedResponseError,
)

ONE, TWO = "gid://shopify/BulkOperation/1", "gid://shopify/BulkOperation/2"
BUSY = f"A bulk query operation for this app and shop is already in progress: {ONE}, {TWO}."


def job(shop: Shop, resource: str = "orders", client_options: dict | None = None, **asked: object) -> BulkJob:
    given = {"since": SINCE, "until": UNTIL, **asked}
    return client(shop, **(client_options or {})).job(resource, **given)  # type: ignore[arg-type]


def text(resource: str = "orders", **asked: object) -> str:
    return job(Shop(), resource, **asked).operation_query


# --- the question ---


def test_a_job_sends_nothing_before_it_is_told_to() -> None:
    shop = BulkShop()
    assert job(shop).window is not None
    assert job(shop).fingerprint
    assert not shop.requests


def test_the_window_is_that_of_the_paged_list() -> None:
    asked = text(query="tag:'a \"b\"'")
    assert re.findall(r"orders\(query: (.*), sortKey: UPDATED_AT\)", asked) == [
        "\"updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z' AND (tag:'a \\\"b\\\"')\""
    ]


def test_a_window_without_a_beginning_is_open() -> None:
    asked = job(Shop(), since=None)
    assert "updated_at:>=" not in asked.operation_query
    assert asked.window is None


def test_connections_are_asked_for_in_the_one_way_that_bulk_operations_take() -> None:
    asked = text()
    assert len(re.findall(r"edges \{ node \{", asked)) == 2
    assert not re.search(r"\b(nodes|pageInfo|cursor|fulfillmentLineItems)\b", asked)


def test_without_personal_data_none_is_asked_for() -> None:
    assert re.search(r"\bcustomer\b", text())
    assert not re.search(r"\b(customer|email|phone|billingAddress|shippingAddress)\b", text(personal_data=False))


def test_further_fields_are_asked_for() -> None:
    assert "note poNumber" in text(fields="note poNumber")


@pytest.mark.parametrize(
    "asked", [{"match": {"id": [1]}}, {"fields": "metafields(first: 5) { nodes { key } }"}, {"match": {"id": []}}]
)
def test_what_a_bulk_operation_cannot_give_is_refused(asked: dict) -> None:
    with pytest.raises(ConfigurationError, match="ask page by page"):
        job(Shop(), **asked)


def test_unknown_lists_and_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    for wrong in ({"resource": "refunds"}, {"query": "(a"}, {"fields": "a }"}, {"until": SINCE}):
        with pytest.raises(ConfigurationError):
            job(Shop(), **wrong)


def test_the_same_question_has_the_same_fingerprint() -> None:
    assert job(Shop()).fingerprint == job(Shop()).fingerprint
    others = [
        job(Shop(), "products"),
        job(Shop(), until=UNTIL + timedelta(hours=1)),
        job(Shop(), query="tag:a"),
        job(Shop(), personal_data=False),
        job(Shop(), client_options={"shop": "b"}),
        job(Shop(), client_options={"api_version": "2025-10"}),
        job(Shop(), client_options={"bulk_grouping": True}),
    ]
    assert len({each.fingerprint for each in [job(Shop()), *others]}) == 8


def test_the_request_is_plain_and_holds_no_secret() -> None:
    request = job(Shop()).request
    assert set(request) == {"shop", "api_version", "query"}
    assert "shpat_" not in f"{request} {job(Shop())!r}"


# --- submitting ---


@pytest.mark.parametrize("version", ["2025-10", "2026-07"])
@pytest.mark.parametrize("grouping", [False, True])
def test_an_operation_is_begun_with_its_grouping_told(version: str, grouping: bool) -> None:
    shop = BulkShop()
    asked = job(shop, client_options={"api_version": version, "bulk_grouping": grouping})
    assert asked.submit() == ONE
    assert shop.of("BulkRun") == [{"query": asked.operation_query, "groupObjects": grouping}]


def test_others_in_the_way_are_named_with_a_time_to_wait() -> None:
    shop = BulkShop(BulkRun=refused("OPERATION_IN_PROGRESS", BUSY))
    shop.operations = {
        ONE: operation(ONE, query="{ products { edges { node { id } } } }"),
        TWO: operation(TWO, query=""),
    }
    with pytest.raises(ThrottledError, match=f"{ONE}, {TWO}") as caught:
        job(shop).submit()
    assert caught.value.retry_after == 60


def test_a_limit_that_is_reached_is_waited_for() -> None:
    shop = BulkShop(BulkRun=refused("LIMIT_REACHED", "Too many bulk operations."))
    with pytest.raises(ThrottledError, match="Too many bulk operations"):
        job(shop).submit()
    assert not shop.of("BulkById")


def in_the_way(**fields: object) -> BulkJob:
    shop = BulkShop(BulkRun=refused("OPERATION_IN_PROGRESS", BUSY))
    asked = job(shop)
    shop.operations = {TWO: operation(TWO, **{"query": f"\n{asked.operation_query}\n", "status": "RUNNING", **fields})}
    return asked


def test_our_own_operation_in_the_way_is_the_one_that_was_wanted() -> None:
    assert in_the_way().submit() == TWO


@pytest.mark.parametrize(
    "fields", [{"status": "CANCELING"}, {"query": "query Orders { orders }"}, {"createdAt": "2026-05-01T00:59:59Z"}]
)
def test_an_operation_that_would_give_something_else_is_not_adopted(fields: dict) -> None:
    with pytest.raises(ThrottledError):
        in_the_way(**fields).submit()


def test_an_operation_of_this_very_try_is_adopted_even_where_the_window_goes_on() -> None:
    # The answer to a first attempt may be lost on its way, and the second one meets the operation it began.
    shop = BulkShop(BulkRun=refused("OPERATION_IN_PROGRESS", BUSY))
    asked = job(shop, until=NOW + timedelta(days=1))
    shop.operations = {TWO: operation(TWO, query=asked.operation_query)}
    assert asked.submit() == TWO
    shop.operations[TWO]["createdAt"] = "2026-05-01T20:00:00Z"
    with pytest.raises(ThrottledError):
        asked.submit()


def test_a_text_that_is_refused_is_told_in_shopifys_words() -> None:
    told = "Queries that contain a connection field within a list field are not currently supported."
    with pytest.raises(ConfigurationError, match=told):
        job(BulkShop(BulkRun=refused("INVALID", told))).submit()


def test_an_unknown_refusal_stops_the_task() -> None:
    with pytest.raises(UnexpectedResponseError, match="Not today"):
        job(BulkShop(BulkRun=refused("CLOSED", "Not today"))).submit()


def test_neither_an_operation_nor_a_reason_is_an_error() -> None:
    answer = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": []}}}
    with pytest.raises(UnexpectedResponseError, match="nor said why"):
        job(BulkShop(BulkRun=answer)).submit()


def test_a_missing_scope_is_a_matter_of_credentials() -> None:
    error = {"message": "Access denied for bulkOperationRunQuery field.", "extensions": {"code": "ACCESS_DENIED"}}
    with pytest.raises(AuthenticationError, match="Access denied"):
        job(BulkShop(BulkRun={"data": None, "errors": [error]})).submit()


def test_a_text_that_is_too_long_is_not_sent() -> None:
    shop = BulkShop()
    with pytest.raises(ConfigurationError, match="Shopify takes 65,535"):
        job(shop, query=" OR ".join(f"tag:{number}" for number in range(10_000))).submit()
    assert not shop.of("BulkRun")


def test_orders_that_stay_hidden_are_told_before_a_submission(caplog: pytest.LogCaptureFixture) -> None:
    shop = BulkShop(Shop=shop_answer("read_orders"))
    with caplog.at_level(logging.WARNING):
        job(shop, since=NOW - timedelta(days=61)).submit()
    assert "read_all_orders" in caplog.text


# --- finding ---


def listed(*found: dict, more: bool = False, cursor: str | None = None) -> dict:
    info = {"hasNextPage": more, "endCursor": cursor}
    return {"data": {"bulkOperations": {"nodes": list(found), "pageInfo": info}}}


def test_an_operation_of_the_same_text_is_found_whatever_the_order() -> None:
    same = {"query": text(), "status": "RUNNING"}
    found = listed(
        operation(ONE, **same, createdAt="2026-05-01T23:58:00Z"),
        operation(TWO, **same, createdAt="2026-05-01T23:59:00Z"),
        operation("gid://shopify/BulkOperation/3", query="query Orders { orders }"),
    )
    shop = Shop(BulkRecent=found)
    assert job(shop).find(day("2026-05-01T23:50:00Z")) == TWO
    assert shop.of("BulkRecent") == [
        {"first": 50, "after": None, "query": "operation_type:query AND created_at:>='2026-05-01T23:50:00Z'"}
    ]


@pytest.mark.parametrize("status", ["CANCELED", "FAILED", "EXPIRED", "CANCELING"])
def test_an_operation_without_a_result_is_not_found(status: str) -> None:
    shop = Shop(BulkRecent=listed(operation(ONE, query=text(), status=status)))
    assert job(shop).find(SINCE) is None


def test_an_older_operation_is_not_found_even_where_the_filter_is_not_kept_to() -> None:
    shop = Shop(BulkRecent=listed(operation(ONE, query=text(), createdAt="2026-05-01T00:00:00Z")))
    assert job(shop).find(day("2026-05-01T00:00:01Z")) is None


def test_all_pages_of_operations_are_looked_through() -> None:
    shop = Shop(BulkRecent=[listed(more=True, cursor="a"), listed(operation(ONE, query=text()))])
    assert job(shop).find(SINCE) == ONE
    assert [asked["after"] for asked in shop.of("BulkRecent")] == [None, "a"]


def test_a_list_of_operations_that_loops_is_an_error() -> None:
    with pytest.raises(PagingError, match="without getting on"):
        job(Shop(BulkRecent=listed(more=True, cursor="a"))).find(SINCE)


def test_older_versions_show_the_latest_operation_alone() -> None:
    shop = Shop()
    asked = job(shop, client_options={"api_version": "2025-10"})
    shop.answers["BulkCurrent"] = {"data": {"currentBulkOperation": operation(ONE, query=asked.operation_query)}}
    assert asked.find(SINCE) == ONE
    shop.answers["BulkCurrent"] = {"data": {"currentBulkOperation": None}}
    assert asked.find(SINCE) is None


# --- when it is worth it ---


@pytest.mark.parametrize(
    ("count", "precision", "worth"),
    [(9_999, "EXACT", False), (10_000, "EXACT", True), (10_000, "AT_LEAST", True), (500, "AT_LEAST", True)],
)
def test_a_job_is_worth_it_from_ten_thousand_objects_on(count: int, precision: str, worth: bool) -> None:
    shop = Shop(OrdersCount={"data": {"ordersCount": {"count": count, "precision": precision}}})
    asked = {"since": SINCE, "until": UNTIL, "query": "tag:a", "personal_data": False, "page_size": 10}
    assert client(shop).prefers_job("orders", **asked) is worth
    assert shop.of("OrdersCount")[0]["query"].endswith("AND (tag:a)")


@pytest.mark.parametrize("asked", [{"match": {"id": [1]}}, {"fields": "transactions { edges { node { id } } }"}])
def test_what_a_bulk_operation_cannot_give_is_never_worth_one(asked: dict) -> None:
    shop = Shop(OrdersCount={"data": {"ordersCount": {"count": 10_000, "precision": "AT_LEAST"}}})
    assert client(shop).prefers_job("orders", since=SINCE, until=UNTIL, **asked) is False
    assert not shop.requests


def test_a_job_of_a_shop_can_be_told_from_that_of_another_list() -> None:
    shop = BulkShop(order(1), resource="orders")
    orders, products = job(shop), job(shop, "products")
    assert {orders.submit(), products.submit()} == {ONE, TWO}
    assert (orders.resource, products.resource, orders.source) == ("orders", "products", "shopify_admin")
