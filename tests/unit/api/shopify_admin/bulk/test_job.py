"""A list as a bulk operation: its query, the operation that runs it, and Shopify's refusals."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import httpx
import pytest
from fakes.admin_api import NOW, SINCE, UNTIL, FakeAdminApi, make_client, shop_body
from fakes.bulk_shop import FakeBulkShop, operation, order, refusal, timestamp

from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob
from airflow_provider_partners.exceptions import (
    AuthenticationError,
    ConfigurationError,
    PagingError,
    ThrottledError,
    UnexpectedResponseError,
    UnknownOutcomeError,
)

ONE, TWO = "gid://shopify/BulkOperation/1", "gid://shopify/BulkOperation/2"
BUSY = f"A bulk query operation for this app and shop is already in progress: {ONE}, {TWO}."


def job(
    shop: FakeAdminApi, resource: str = "orders", client_options: dict | None = None, **arguments: object
) -> BulkJob:
    given = {"since": SINCE, "until": UNTIL, **arguments}
    return make_client(shop, **(client_options or {})).job(resource, **given)  # type: ignore[arg-type]


def operation_query(resource: str = "orders", **arguments: object) -> str:
    return job(FakeAdminApi(), resource, **arguments).operation_query


# --- the query ---


def test_a_job_sends_nothing_before_it_is_submitted() -> None:
    shop = FakeBulkShop()
    assert job(shop).window is not None
    assert job(shop).fingerprint
    assert not shop.requests


def test_the_search_is_the_one_of_the_paged_list() -> None:
    query = operation_query(query="tag:'a \"b\"'")
    assert re.findall(r"orders\(query: (.*), sortKey: UPDATED_AT\)", query) == [
        "\"updated_at:>='2026-05-01T00:00:00Z' AND updated_at:<'2026-05-01T01:00:00Z' AND (tag:'a \\\"b\\\"')\""
    ]


def test_a_window_without_a_beginning_is_open() -> None:
    bulk_job = job(FakeAdminApi(), since=None)
    assert "updated_at:>=" not in bulk_job.operation_query
    assert bulk_job.window is None


def test_connections_have_the_only_form_that_bulk_operations_accept() -> None:
    query = operation_query()
    assert len(re.findall(r"edges \{ node \{", query)) == 2
    assert not re.search(r"\b(nodes|pageInfo|cursor|fulfillmentLineItems)\b", query)


def test_without_personal_data_its_fields_are_not_requested() -> None:
    assert re.search(r"\bcustomer\b", operation_query())
    assert not re.search(
        r"\b(customer|email|phone|billingAddress|shippingAddress)\b", operation_query(personal_data=False)
    )


def test_extra_fields_are_requested() -> None:
    assert {"note", "poNumber"} <= set(operation_query(fields="note poNumber").split())


def test_fields_of_the_lists_of_an_operation_are_no_further_connections() -> None:
    assert "barcode" in operation_query(fields=["lineItems.nodes.variant.barcode"])


@pytest.mark.parametrize(
    "arguments", [{"match": {"id": [1]}}, {"fields": "metafields(first: 5) { nodes { key } }"}, {"match": {"id": []}}]
)
def test_arguments_that_a_bulk_operation_does_not_support_are_refused(arguments: dict) -> None:
    with pytest.raises(ConfigurationError, match="read page by page"):
        job(FakeAdminApi(), **arguments)


def test_unknown_lists_and_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    for wrong in ({"resource": "refundz"}, {"query": "(a"}, {"fields": "a }"}, {"until": SINCE}):
        with pytest.raises(ConfigurationError):
            job(FakeAdminApi(), **wrong)


def test_equal_queries_have_equal_fingerprints() -> None:
    assert job(FakeAdminApi()).fingerprint == job(FakeAdminApi()).fingerprint
    others = [
        job(FakeAdminApi(), "products"),
        job(FakeAdminApi(), until=UNTIL + timedelta(hours=1)),
        job(FakeAdminApi(), query="tag:a"),
        job(FakeAdminApi(), personal_data=False),
        job(FakeAdminApi(), client_options={"shop": "b"}),
        job(FakeAdminApi(), client_options={"api_version": "2025-10"}),
        job(FakeAdminApi(), client_options={"bulk_grouping": True}),
    ]
    assert len({each.fingerprint for each in [job(FakeAdminApi()), *others]}) == 8


def test_the_request_is_plain_and_holds_no_secret() -> None:
    request = job(FakeAdminApi()).request
    assert set(request) == {"shop", "api_version", "query"}
    assert "shpat_" not in f"{request} {job(FakeAdminApi())!r}"


# --- submitting ---


@pytest.mark.parametrize("version", ["2025-10", "2026-07"])
@pytest.mark.parametrize("grouping", [False, True])
def test_an_operation_is_started_with_its_grouping(version: str, grouping: bool) -> None:
    shop = FakeBulkShop()
    bulk_job = job(shop, client_options={"api_version": version, "bulk_grouping": grouping})
    assert bulk_job.submit() == ONE
    assert shop.variables_of("BulkRun") == [{"query": bulk_job.operation_query, "groupObjects": grouping}]


def test_running_operations_are_named_with_a_time_to_wait() -> None:
    shop = FakeBulkShop(BulkRun=refusal("OPERATION_IN_PROGRESS", BUSY))
    shop.operations = {
        ONE: operation(ONE, query="{ products { edges { node { id } } } }"),
        TWO: operation(TWO, query=""),
    }
    with pytest.raises(ThrottledError, match=f"{ONE}, {TWO}") as caught:
        job(shop).submit()
    assert caught.value.retry_after == 60


def test_a_reached_limit_is_a_throttle() -> None:
    shop = FakeBulkShop(BulkRun=refusal("LIMIT_REACHED", "Too many bulk operations."))
    with pytest.raises(ThrottledError, match="Too many bulk operations"):
        job(shop).submit()
    assert not shop.variables_of("BulkById")


def blocked_job(**fields: object) -> BulkJob:
    shop = FakeBulkShop(BulkRun=refusal("OPERATION_IN_PROGRESS", BUSY))
    bulk_job = job(shop)
    shop.operations = {
        TWO: operation(TWO, **{"query": f"\n{bulk_job.operation_query}\n", "status": "RUNNING", **fields})
    }
    return bulk_job


def test_a_running_operation_of_the_same_query_is_adopted() -> None:
    assert blocked_job().submit() == TWO


@pytest.mark.parametrize(
    "fields", [{"status": "CANCELING"}, {"query": "query Orders { orders }"}, {"createdAt": "2026-05-01T00:59:59Z"}]
)
def test_an_operation_with_another_result_is_not_adopted(fields: dict) -> None:
    with pytest.raises(ThrottledError):
        blocked_job(**fields).submit()


def test_an_operation_of_the_same_attempt_is_adopted_even_if_the_window_has_not_ended() -> None:
    # If the answer to a first attempt is lost, the second attempt meets the operation that the first one started.
    shop = FakeBulkShop(BulkRun=refusal("OPERATION_IN_PROGRESS", BUSY))
    bulk_job = job(shop, until=NOW + timedelta(days=1))
    shop.operations = {TWO: operation(TWO, query=bulk_job.operation_query)}
    assert bulk_job.submit() == TWO
    shop.operations[TWO]["createdAt"] = "2026-05-01T20:00:00Z"
    with pytest.raises(ThrottledError):
        bulk_job.submit()


def lost_answers(times: int, *, started: bool, failure: object = None) -> FakeBulkShop:
    """A shop that starts an operation or not, and whose answer is lost."""
    shop = FakeBulkShop()
    start = shop.answers["BulkRun"]
    losses = iter(range(times))

    def answer(variables: dict) -> object:
        if next(losses, None) is None:
            return start(variables)
        if started:
            start(variables)
        if failure is None:
            message = "cut"
            raise httpx.ReadTimeout(message)
        return failure

    shop.answers["BulkRun"] = answer
    shop.answers["BulkRecent"] = lambda variables: list_body(*shop.operations.values())
    return shop


LOST = [
    None,
    httpx.Response(502, html="<title>Bad Gateway</title>"),
    httpx.Response(200, content=b'{"data":{"bulkOperationRunQuery":{"bulkOp'),
    {"errors": [{"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}], "data": None},
]


@pytest.mark.parametrize("failure", LOST)
def test_after_a_lost_answer_the_started_operation_is_found_and_no_second_one_started(failure: object) -> None:
    # Since 2026-01 a second operation would start beside the first one:
    # https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#rate-limits
    shop = lost_answers(1, started=True, failure=failure)
    assert job(shop).submit() == ONE
    assert len(shop.variables_of("BulkRun")) == 1


@pytest.mark.parametrize("failure", LOST)
def test_an_operation_that_has_not_started_is_submitted_again(failure: object) -> None:
    shop = lost_answers(2, started=False, failure=failure)
    assert job(shop).submit() == ONE
    assert len(shop.variables_of("BulkRun")) == 3
    assert len(shop.operations) == 1


def test_lasting_losses_end_the_try_without_an_operation() -> None:
    shop = lost_answers(99, started=False)
    with pytest.raises(UnknownOutcomeError):
        job(shop).submit()
    assert len(shop.variables_of("BulkRun")) == 4


@pytest.mark.parametrize("text", [BUSY, "A bulk operation is already running.", f"Bitte warten: {ONE}."])
def test_a_busy_shop_is_recognized_without_a_code(text: str) -> None:
    # BulkOperationUserError.code is nullable in Shopify's schemas.
    refused = {"bulkOperation": None, "userErrors": [{"field": None, "message": text, "code": None}]}
    shop = FakeBulkShop(BulkRun={"data": {"bulkOperationRunQuery": refused}}, BulkById={"data": {"nodes": []}})
    with pytest.raises(ThrottledError):
        job(shop).submit()


def test_a_refusal_without_a_code_that_does_not_name_the_query_is_not_the_users_fault() -> None:
    refused = {"bulkOperation": None, "userErrors": [{"field": None, "message": "Shop is moving", "code": None}]}
    with pytest.raises(UnexpectedResponseError, match="Shop is moving"):
        job(FakeBulkShop(BulkRun={"data": {"bulkOperationRunQuery": refused}})).submit()


def test_a_refused_query_is_explained_in_shopifys_words() -> None:
    message = "Queries that contain a connection field within a list field are not currently supported."
    with pytest.raises(ConfigurationError, match=message):
        job(FakeBulkShop(BulkRun=refusal("INVALID", message))).submit()


def test_an_unknown_refusal_stops_the_task() -> None:
    with pytest.raises(UnexpectedResponseError, match="Not today"):
        job(FakeBulkShop(BulkRun=refusal("CLOSED", "Not today"))).submit()


def test_neither_an_operation_nor_a_reason_is_an_error() -> None:
    answer = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": []}}}
    with pytest.raises(UnexpectedResponseError, match="nor gave a reason"):
        job(FakeBulkShop(BulkRun=answer)).submit()


def test_a_missing_scope_is_an_authentication_error() -> None:
    error = {"message": "Access denied for bulkOperationRunQuery field.", "extensions": {"code": "ACCESS_DENIED"}}
    with pytest.raises(AuthenticationError, match="Access denied"):
        job(FakeBulkShop(BulkRun={"data": None, "errors": [error]})).submit()


def test_a_query_that_is_too_long_is_not_sent() -> None:
    shop = FakeBulkShop()
    with pytest.raises(ConfigurationError, match="Shopify accepts 65,535"):
        job(shop, query=" OR ".join(f"tag:{number}" for number in range(10_000))).submit()
    assert not shop.variables_of("BulkRun")


def test_hidden_orders_are_logged_before_a_submission(caplog: pytest.LogCaptureFixture) -> None:
    shop = FakeBulkShop(Shop=shop_body("read_orders"))
    with caplog.at_level(logging.WARNING):
        job(shop, since=NOW - timedelta(days=61)).submit()
    assert "read_all_orders" in caplog.text


# --- finding an operation again ---


def list_body(*operations: dict, more: bool = False, cursor: str | None = None) -> dict:
    info = {"hasNextPage": more, "endCursor": cursor}
    return {"data": {"bulkOperations": {"nodes": list(operations), "pageInfo": info}}}


def test_the_latest_operation_of_the_same_query_is_found_in_any_order() -> None:
    same_query = {"query": operation_query(), "status": "RUNNING"}
    operations = list_body(
        operation(ONE, **same_query, createdAt="2026-05-01T23:58:00Z"),
        operation(TWO, **same_query, createdAt="2026-05-01T23:59:00Z"),
        operation("gid://shopify/BulkOperation/3", query="query Orders { orders }"),
    )
    shop = FakeAdminApi(BulkRecent=operations)
    assert job(shop).find(timestamp("2026-05-01T23:50:00Z")) == TWO
    assert shop.variables_of("BulkRecent") == [
        {"first": 50, "after": None, "query": "operation_type:query AND created_at:>='2026-05-01T23:50:00Z'"}
    ]


@pytest.mark.parametrize("status", ["CANCELED", "FAILED", "EXPIRED", "CANCELING"])
def test_an_operation_without_a_result_is_not_found(status: str) -> None:
    shop = FakeAdminApi(BulkRecent=list_body(operation(ONE, query=operation_query(), status=status)))
    assert job(shop).find(SINCE) is None


def test_an_older_operation_is_not_found_even_if_shopify_ignores_the_filter() -> None:
    shop = FakeAdminApi(BulkRecent=list_body(operation(ONE, query=operation_query(), createdAt="2026-05-01T00:00:00Z")))
    assert job(shop).find(timestamp("2026-05-01T00:00:01Z")) is None


def test_all_pages_of_operations_are_searched() -> None:
    shop = FakeAdminApi(
        BulkRecent=[list_body(more=True, cursor="a"), list_body(operation(ONE, query=operation_query()))]
    )
    assert job(shop).find(SINCE) == ONE
    assert [variables["after"] for variables in shop.variables_of("BulkRecent")] == [None, "a"]


def test_a_list_of_operations_that_repeats_its_cursor_is_an_error() -> None:
    with pytest.raises(PagingError, match="repeats its cursor"):
        job(FakeAdminApi(BulkRecent=list_body(more=True, cursor="a"))).find(SINCE)


def test_older_versions_show_only_the_latest_operation() -> None:
    shop = FakeAdminApi()
    bulk_job = job(shop, client_options={"api_version": "2025-10"})
    shop.answers["BulkCurrent"] = {"data": {"currentBulkOperation": operation(ONE, query=bulk_job.operation_query)}}
    assert bulk_job.find(SINCE) == ONE
    shop.answers["BulkCurrent"] = {"data": {"currentBulkOperation": None}}
    assert bulk_job.find(SINCE) is None


# --- when it is preferred ---


@pytest.mark.parametrize(
    ("count", "precision", "preferred"),
    [(9_999, "EXACT", False), (10_000, "EXACT", True), (10_000, "AT_LEAST", True), (500, "AT_LEAST", True)],
)
def test_a_job_is_preferred_from_ten_thousand_objects_on(count: int, precision: str, preferred: bool) -> None:
    shop = FakeAdminApi(OrdersCount={"data": {"ordersCount": {"count": count, "precision": precision}}})
    arguments = {"since": SINCE, "until": UNTIL, "query": "tag:a", "personal_data": False, "page_size": 10}
    assert make_client(shop).prefers_job("orders", **arguments) is preferred
    assert shop.variables_of("OrdersCount")[0]["query"].endswith("AND (tag:a)")


@pytest.mark.parametrize("arguments", [{"match": {"id": [1]}}, {"fields": "transactions { edges { node { id } } }"}])
def test_a_job_is_never_preferred_for_unsupported_arguments(arguments: dict) -> None:
    shop = FakeAdminApi(OrdersCount={"data": {"ordersCount": {"count": 10_000, "precision": "AT_LEAST"}}})
    assert make_client(shop).prefers_job("orders", since=SINCE, until=UNTIL, **arguments) is False
    assert not shop.requests


def test_jobs_of_different_lists_are_different_operations() -> None:
    shop = FakeBulkShop(order(1), resource="orders")
    orders, products = job(shop), job(shop, "products")
    assert {orders.submit(), products.submit()} == {ONE, TWO}
    assert (orders.resource, products.resource, orders.source) == ("orders", "products", "shopify_admin")
