"""Documents of users against the sandbox, which executes them with Shopify's own schemas: by pages, by bulk, at once.

The expected records are the sandbox's stored documents, or what the sandbox answers to the document as it is printed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sandbox import restored_settings, run_sandbox, shopify_admin_client, shopify_partner_client

from airflow_provider_partners.api.async_job import JobRefusedError, JobState
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.exceptions import ConfigurationError, PagingError
from airflow_provider_partners.sandbox.server import RunningSandbox

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ORDERS = 40

NESTED = """query Orders($sort: OrderSortKeys = ID) { orders(first: 7, sortKey: $sort) { edges { node { ...Order } } } }
fragment Order on Order {
  name
  customer { displayName }
  items: lineItems(first: 2) { nodes { quantity product { id } } }
}"""
"""Named fragments, a variable with a default, an alias, and an inner connection that is longer than its first page."""

TWO_OF_ONE_TYPE = """{ orders { nodes { id
  few: lineItems(first: 1) { nodes { id } }
  all: lineItems(first: 5) { edges { node { id title } } }
} } }"""


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=ORDERS, now=NOW) as running:
        yield running


@pytest.fixture
def server(shared_server: RunningSandbox) -> Iterator[RunningSandbox]:
    """The sandbox without a limit of Partner API requests; its switches are reset afterwards."""
    with restored_settings(shared_server):
        shared_server.sandbox.switches["shopify_partner.requests_per_second"] = 0
        yield shared_server


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def admin(server: RunningSandbox) -> Iterator[ShopifyAdminClient]:
    with shopify_admin_client(server) as client:
        yield client


def stored_orders(server: RunningSandbox) -> dict[str, dict[str, Any]]:
    shop = next(iter(server.sandbox.credentials["shopify_admin"]))
    return {each["name"]: each for each in server.sandbox.store.select("shopify_admin", shop, "order")}


def read_job(client: ShopifyAdminClient, document: str, **arguments: Any) -> list[dict[str, Any]]:
    job = client.query_job(document, **arguments)
    job_id = job.submit()
    for _ in range(100):
        status = job.status(job_id)
        if status.state is not JobState.RUNNING:
            break
    assert status.state is JobState.DONE, status
    return list(job.extraction(job_id).records())


def by_name(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {record["name"]: record for record in records}


# --- Admin API ---


def test_a_document_is_paged_and_its_inner_connections_are_read_to_their_end(
    server: RunningSandbox, admin: ShopifyAdminClient
) -> None:
    records = list(admin.query(NESTED, key=("name",)).records())
    expected = stored_orders(server)
    assert sorted(record["name"] for record in records) == sorted(expected)
    assert max(len(record["items"]) for record in records) > 250
    for record in records:
        lines = expected[record["name"]]["lineItems"]
        assert [line["quantity"] for line in record["items"]] == [line["quantity"] for line in lines]
        assert set(record) == {"name", "customer", "items"}


def test_a_bulk_operation_gives_the_records_of_the_pages(admin: ShopifyAdminClient) -> None:
    paged = list(admin.query(NESTED, variables={"sort": "CREATED_AT"}, key=("name",)).records())
    bulk = read_job(admin, NESTED, variables={"sort": "CREATED_AT"}, key=("name",))
    assert bulk == paged


def test_two_connections_of_one_type_are_told_apart(admin: ShopifyAdminClient) -> None:
    bulk, paged = read_job(admin, TWO_OF_ONE_TYPE), list(admin.query(TWO_OF_ONE_TYPE).records())
    assert {each["id"]: each for each in bulk} == {each["id"]: each for each in paged}
    assert all("title" in line for record in bulk for line in record["all"])
    assert all(set(line) == {"id"} for record in bulk for line in record["few"])


def test_a_connection_inside_of_a_plain_list_is_read_to_its_end(
    server: RunningSandbox, admin: ShopifyAdminClient
) -> None:
    document = """{ orders(first: 10) { nodes { name fulfillments { id fulfillmentLineItems(first: 3) {
      nodes { quantity } } } } } }"""
    records = list(admin.query(document, key=("name",)).records())
    expected = stored_orders(server)
    assert max(len(each["fulfillmentLineItems"]) for record in records for each in record["fulfillments"]) > 3
    for record in records:
        assert [len(each["fulfillmentLineItems"]) for each in record["fulfillments"]] == [
            len(each["fulfillmentLineItems"]) for each in expected[record["name"]]["fulfillments"]
        ]


def test_a_list_whose_objects_have_no_id_is_not_cut_in_silence(admin: ShopifyAdminClient) -> None:
    document = "{ orders { nodes { name fulfillments { fulfillmentLineItems(first: 1) { nodes { quantity } } } } } }"
    with pytest.raises(ConfigurationError, match="'fulfillmentLineItems' has more nodes than one page"):
        list(admin.query(document).records())


def test_shopify_refuses_a_bulk_operation_of_a_connection_inside_of_a_list(admin: ShopifyAdminClient) -> None:
    document = "{ orders { nodes { id fulfillments { id fulfillmentLineItems(first: 3) { nodes { id } } } } } }"
    with pytest.raises(JobRefusedError, match="connection field within a list field"):
        admin.query_job(document).submit()


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{ shop { name } }", "one connection at the root"),
        ("{ shop { name } orders { nodes { id } } }", "one connection at the root"),
        ("{ orders(last: 5) { nodes { id } } }", "asks for its last nodes"),
        (
            "{ orders { nodes { id a: lineItems { nodes { id } } b: lineItems { nodes { id } } c: lineItems { nodes "
            "{ id } } d: lineItems { nodes { id } } e: lineItems { nodes { id } } } } }",
            "6 connections, and a bulk operation accepts 5",
        ),
        (
            "{ a { nodes { id b { nodes { id c { nodes { id d { nodes { id } } } } } } } } }",
            "3 levels deep, and a bulk operation accepts 2",
        ),
    ],
)
def test_what_a_bulk_operation_never_takes_is_refused_before_it_is_sent(
    admin: ShopifyAdminClient, document: str, problem: str
) -> None:
    """The limits of https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries."""
    with pytest.raises(JobRefusedError, match=problem):
        admin.query_job(document)
    assert not admin.prefers_query_job(document)


def test_the_window_is_added_to_the_search_of_the_document(server: RunningSandbox, admin: ShopifyAdminClient) -> None:
    middle = sorted(each["updatedAt"] for each in stored_orders(server).values())[ORDERS // 2]
    expected = {name for name, each in stored_orders(server).items() if each["updatedAt"] >= middle}
    arguments: dict[str, Any] = {"since": middle, "until": NOW, "time_field": "updated_at"}
    for document in (
        "{ orders { nodes { id name } } }",
        '{ orders(query: "test:false OR test:true") { nodes { id name } } }',
        "query Q($mine: String) { orders(query: $mine) { nodes { id name } } }",
    ):
        paged = by_name(list(admin.query(document, **arguments).records()))
        assert set(paged) == expected
        assert by_name(read_job(admin, document, **arguments)) == paged


def test_the_window_is_a_value_of_the_documents_variables(admin: ShopifyAdminClient) -> None:
    document = "query Q($since: DateTime!, $until: DateTime) { events(since: $since, until: $until) { nodes { id } } }"
    extraction = admin.query(document, since="2026-01-01", until="2026-02-01T01:00:00+01:00")
    assert extraction.request["variables"] == {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


def test_a_window_without_a_place_is_an_error(admin: ShopifyAdminClient) -> None:
    with pytest.raises(ConfigurationError, match="no place in the document"):
        admin.query("{ orders { nodes { id } } }", since="2026-01-01")


def test_a_large_list_prefers_a_bulk_operation(
    server: RunningSandbox, admin: ShopifyAdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not admin.prefers_query_job(NESTED)
    monkeypatch.setattr("airflow_provider_partners.api.shopify_admin.search.COUNT_LIMIT", ORDERS)
    assert admin.prefers_query_job(NESTED)


def test_shopifys_limit_of_a_connection_is_an_error(admin: ShopifyAdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """25,000 objects of one query: https://shopify.dev/docs/api/usage/limits."""
    monkeypatch.setattr("airflow_provider_partners.api.shopify_admin.document_client.MAX_RESULTS", 20)
    with pytest.raises(PagingError, match="more than Shopify's limit of 20"):
        list(admin.query("{ orders(first: 10) { nodes { id } } }").records())


def test_any_document_is_executed_as_it_is_printed(admin: ShopifyAdminClient) -> None:
    data = admin.execute("query One($id: ID!) { order(id: $id) { id } shop { myshopifyDomain } }", {"id": GONE})
    assert data == {"order": None, "shop": {"myshopifyDomain": admin.shop}}


GONE = "gid://shopify/Order/1"


# --- Partner API: the queries of "Getting started with the Partner API" and of public clients, as they are printed ---

PRINTED = [
    # https://github.com/Yoast/singer-tap-shopify-partners/blob/main/tap_shopify_partners/queries.py
    """query {
  transactions(
    types: [APP_SUBSCRIPTION_SALE], createdAtMin:"2022-01-01T00:00:00.000000Z",
    createdAtMax:"2026-05-01T23:59:59.999999Z"
  ) {
    edges {
      node {
        id
        createdAt
        ... on AppSubscriptionSale {
          netAmount { amount currencyCode }
          app { name }
          shop { myshopifyDomain name id }
          billingInterval
        }
      }
    }
  }
}""",
    # A fragment with fragments inside, and pageInfo of its own: Aswin2667/shopify-partner-crm, shopify-queries.ts.
    """query appInstallsAndUninstalls {
app(id: "APP_ID") {
 id
 events(
  first: 100
  types: [RELATIONSHIP_INSTALLED, RELATIONSHIP_UNINSTALLED]
 ) {
  edges { node { ...installs } cursor }
  pageInfo { hasNextPage }
 }
}
}
fragment installs on AppEvent {
... on RelationshipInstalled { shop { id myshopifyDomain avatarUrl name __typename } occurredAt type }
... on RelationshipUninstalled { type shop { id myshopifyDomain } reason }
}""",
    # Anonymous, the last 20, as the page's example of jobs: shopify.dev/docs/api/partner.
    '{ app(id: "APP_ID") { name events(last: 20) { edges { cursor node { type occurredAt shop { name } } } } } }',
    '{ app(id: "APP_ID") { id name apiKey } }',
    "{ publicApiVersions { handle displayName supported } }",
]


@pytest.mark.covers(
    "shopify.example.transactions.types",
    "shopify.example.app_events",
    "shopify.example.app",
    "shopify.example.versions",
    "shopify.request.fragments",
    "shopify.request.anonymous",
)
@pytest.mark.parametrize("document", PRINTED)
def test_a_printed_query_runs_as_it_is(server: RunningSandbox, document: str) -> None:
    document = document.replace("APP_ID", str(server.sandbox.credentials["shopify_partner"]["app_id"]))
    with shopify_partner_client(server) as client:
        records = list(client.query(document, key=()).records())
        data = client.execute(document)
    for key in ("transactions", "app", "events"):
        data = data.get(key, data)
    single = data.get("publicApiVersions") or [data]
    printed = [edge["node"] for edge in data["edges"]] if "edges" in data else single
    # The first page of the printed query, and what follows it.
    assert printed
    assert records[: len(printed)] == printed


def test_a_printed_query_is_sent_unchanged(server: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    handle = httpx.HTTPTransport.handle_request

    def record(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return handle(self, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", record)
    with shopify_partner_client(server) as client:
        client.execute(PRINTED[-1])
        list(client.query(PRINTED[-1], key=()).records())
    assert sent[0] == sent[1]
    assert httpx.Response(200, content=sent[0]).json() == {"query": PRINTED[-1], "variables": {}}


@pytest.mark.covers("shopify.page.before", "shopify.page.last")
def test_every_page_of_a_list_is_read_from_its_end(server: RunningSandbox) -> None:
    forward = "{ transactions(first: 30) { edges { node { id } } } }"
    backward = "{ transactions(last: 30) { edges { node { id } } } }"
    with shopify_partner_client(server) as client:
        first = [each["id"] for each in client.query(forward).records()]
        last = [each["id"] for each in client.query(backward, paged=True).records()]
        only = [each["id"] for each in client.query(backward).records()]
    assert len(first) == len(set(first)) > 60
    assert sorted(last) == sorted(first)
    assert only == first[-30:]
