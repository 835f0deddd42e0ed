"""Documents of users at the Admin API: pages, inner connections, windows, bulk operations, and calls at once.

The documents that are sent are valid GraphQL by https://spec.graphql.org/October2021. They take the arguments of
Shopify's connections (https://shopify.dev/docs/api/usage/pagination-graphql).
"""

from __future__ import annotations

import json

import httpx
import pytest
from fakes.admin_api import NOW, SINCE, UNTIL, FakeAdminApi, make_client

from airflow_provider_partners.api.async_job import JobRefusedError
from airflow_provider_partners.api.shopify.syntax import parse_document, print_tree
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, UnknownOutcomeError

ORDERS = "query Orders { orders(first: 2) { nodes { name lineItems(first: 1) { nodes { sku } } } } }"


def pretty(document: str) -> str:
    return print_tree(parse_document(document))


def page(*nodes: dict, more: bool = False, start: int = 0) -> dict:
    edges = [{"cursor": f"c{number}", "node": node} for number, node in enumerate(nodes, start)]
    return {"pageInfo": {"hasNextPage": more}, "edges": edges}


def order(number: int, *skus: str, more: bool = False) -> dict:
    """An order as the rewritten document returns it."""
    return {
        "name": f"#{number}",
        "lineItems": page(*({"sku": sku} for sku in skus), more=more),
        "_pagingId": f"gid://shopify/Order/{number}",
        "_pagingType": "Order",
    }


def orders(*nodes: dict, more: bool = False) -> dict:
    return {"data": {"orders": page(*nodes, more=more)}}


def further(*skus: str, more: bool = False, start: int = 10) -> dict:
    lines = page(*({"sku": sku} for sku in skus), more=more, start=start)
    return {"data": {"node": {"__typename": "Order", "lineItems": lines}}}


def test_inner_connections_are_read_to_their_end_and_become_lists() -> None:
    api = FakeAdminApi(
        Orders=orders(order(1, "a", more=True), order(2)), FurtherPage=[further("b", more=True), further("c", start=20)]
    )
    records = list(make_client(api).query(ORDERS, key=("name",)).records())
    assert records == [
        {"name": "#1", "lineItems": [{"sku": "a"}, {"sku": "b"}, {"sku": "c"}]},
        {"name": "#2", "lineItems": []},
    ]
    assert api.variables_of("FurtherPage") == [
        {"pagingNode": "gid://shopify/Order/1", "pagingCursor": "c0", "pagingSize": 250},
        {"pagingNode": "gid://shopify/Order/1", "pagingCursor": "c10", "pagingSize": 250},
    ]
    assert api.document("FurtherPage") == pretty("""
      query FurtherPage($pagingNode: ID!, $pagingSize: Int!, $pagingCursor: String) { node(id: $pagingNode) {
        __typename ... on Order { lineItems(first: $pagingSize, after: $pagingCursor) {
          pageInfo { hasNextPage } edges { cursor node { sku } } } } } }""")


def test_an_object_that_is_deleted_while_it_is_read_is_left_out() -> None:
    api = FakeAdminApi(Orders=orders(order(1, "a", more=True), order(2, "b")), FurtherPage={"data": {"node": None}})
    assert [each["name"] for each in make_client(api).query(ORDERS).records()] == ["#2"]


def test_an_inner_connection_that_repeats_its_cursor_is_an_error() -> None:
    api = FakeAdminApi(Orders=orders(order(1, "a", more=True)), FurtherPage=further("b", more=True))
    with pytest.raises(PagingError, match="'lineItems' of gid://shopify/Order/1 repeats its cursor"):
        list(make_client(api).query(ORDERS).records())


def test_the_last_nodes_of_an_inner_connection_are_those_of_the_document() -> None:
    api = FakeAdminApi(Orders=orders(order(1, "z", more=True)))
    document = ORDERS.replace("lineItems(first: 1)", "lineItems(last: 1)")
    assert list(make_client(api).query(document).records()) == [{"name": "#1", "lineItems": [{"sku": "z"}]}]


def test_a_page_that_costs_too_much_is_halved() -> None:
    """The code is in Shopify's "Rate limits": shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits."""
    costly = {"errors": [{"message": "Query cost is 2003", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
    api = FakeAdminApi(Orders=[costly, orders(order(1))])
    list(make_client(api).query(ORDERS, page_size=40).records())
    assert [each["first"] for each in api.variables_of("Orders")] == [40, 20]


def test_an_extraction_of_another_window_has_another_fingerprint() -> None:
    client = make_client(FakeAdminApi())
    first, second = (
        client.query(ORDERS, since=SINCE, until=until, time_field="updated_at").fingerprint for until in (UNTIL, NOW)
    )
    assert first != second


def test_the_bulk_text_has_no_variables_no_sizes_and_marks_its_connections() -> None:
    document = """query Mine($q: String, $sort: OrderSortKeys = ID) { orders(first: 5, query: $q, sortKey: $sort) {
      nodes { name customer { orders(first: 3) { nodes { name } } } lineItems { edges { node { id sku } } } } } }"""
    job = make_client(FakeAdminApi()).query_job(document, variables={"q": "tag:x"})
    assert job.operation_query == pretty("""query Bulk { orders(query: "tag:x", sortKey: ID) { edges { node {
      id name
      customer { orders { edges { node { id _place1: __typename name } } } }
      lineItems { edges { node { id _place2: __typename sku } } } } } } }""")


def test_a_bulk_document_whose_values_cannot_be_written_is_refused() -> None:
    document = "query Mine($in: SomeInput) { things(in: $in) { nodes { id } } }"
    with pytest.raises(JobRefusedError, match=r"the value of \$in can't be written"):
        make_client(FakeAdminApi()).query_job(document, variables={"in": {"kind": "A"}})


@pytest.mark.parametrize(
    ("answer", "is_large"),
    [
        ({"data": {"ordersCount": {"count": 9_999, "precision": "EXACT"}}}, False),
        ({"data": {"ordersCount": {"count": 10_000, "precision": "AT_LEAST"}}}, True),
    ],
)
def test_a_connection_that_shopify_counts_is_large_by_its_count(answer: dict, is_large: bool) -> None:
    sent = []

    def count(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["query"])
        return httpx.Response(200, json=answer)

    client = make_client(count)
    assert client.prefers_query_job('{ orders(query: "tag:x") { nodes { id } } }') is is_large
    assert sent == [pretty('{ ordersCount(query: "tag:x") { count precision } }')]


@pytest.mark.parametrize("more", [False, True])
def test_a_connection_that_shopify_does_not_count_is_large_with_a_second_page(more: bool) -> None:
    # The message is recorded: "Field 'x' doesn't exist on type 'QueryRoot'".
    unknown = {
        "errors": [
            {
                "message": "Field 'metaobjectsCount' doesn't exist on type 'QueryRoot'",
                "path": ["query", "metaobjectsCount"],
                "extensions": {"code": "undefinedField"},
            }
        ]
    }
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content)["query"])
        first = {"data": {"metaobjects": {"pageInfo": {"hasNextPage": more}}}}
        return httpx.Response(200, json=unknown if "Count" in sent[-1] else first)

    document = '{ metaobjects(type: "size", first: 10) { nodes { id } } }'
    assert make_client(answer).prefers_query_job(document) is more
    assert sent[1] == pretty('{ metaobjects(type: "size", first: 250) { pageInfo { hasNextPage } } }')


TAG = "mutation Tag($id: ID!) { tagsAdd(id: $id, tags: []) { userErrors { message } } }"


@pytest.mark.parametrize(("idempotent", "requests"), [(None, 1), (True, 2)])
def test_a_mutation_is_sent_once_unless_it_may_be_repeated(idempotent: bool | None, requests: int) -> None:
    sent = []

    def lose_the_first(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if len(sent) == 1:
            raise httpx.ReadError("lost", request=request)
        return httpx.Response(200, json={"data": {"tagsAdd": {"userErrors": []}}})

    client = make_client(lose_the_first)
    if idempotent:
        assert client.execute(TAG, {"id": "1"}, idempotent=True) == {"tagsAdd": {"userErrors": []}}
    else:
        with pytest.raises(UnknownOutcomeError):
            client.execute(TAG, {"id": "1"})
    assert len(sent) == requests


def test_a_subscription_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is a subscription"):
        make_client(FakeAdminApi()).execute("subscription { a }")


@pytest.mark.parametrize("started", ["by a lost response", "by an earlier try"])
def test_a_bulk_operation_of_the_same_document_is_adopted(started: str) -> None:
    """The refusal is recorded: "A bulk query operation for this app and shop is already in progress: gid://…"."""
    gid = "gid://shopify/BulkOperation/7"
    job = make_client(FakeAdminApi()).query_job("{ orders { nodes { name } } }")
    running = {
        "id": gid,
        "status": "RUNNING",
        "createdAt": NOW.isoformat(),
        "query": job.operation_query,
        "objectCount": "0",
        "rootObjectCount": "0",
    }
    busy = {"field": None, "message": f"already in progress: {gid}.", "code": "OPERATION_IN_PROGRESS"}
    refusal = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": [busy]}}}
    recent = {"nodes": [running], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    lost = httpx.Response(504, text="gateway timeout")
    api = FakeAdminApi(
        BulkRun=lost if started == "by a lost response" else refusal,
        BulkById={"data": {"nodes": [running]}},
        BulkRecent={"data": {"bulkOperations": recent}},
    )
    assert make_client(api).query_job("{ orders { nodes { name } } }").submit() == gid
