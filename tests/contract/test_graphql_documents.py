"""Every GraphQL document of the clients is valid by Shopify's own schemas, in every variant and supported version.

The schemas come from the folder in ``SHOPIFY_SCHEMAS``, then from ``shared/schemas`` beside the repository, then from
the sandbox. A version without a schema is skipped.
"""

from __future__ import annotations

import gzip
import math
import os
import re
from functools import cache
from pathlib import Path

import httpx
import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from graphql.language import FieldNode, IntValueNode, VariableNode

from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.shopify.graphql import is_at_least
from airflow_provider_partners.api.shopify_admin import documents as admin
from airflow_provider_partners.api.shopify_admin.bulk.operations import FIRST_LISTING_VERSION, MAX_QUERY_BYTES
from airflow_provider_partners.api.shopify_partner import documents as partner
from airflow_provider_partners.api.shopify_partner import legacy
from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
from airflow_provider_partners.exceptions import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    *(Path(folder) for folder in [os.environ.get("SHOPIFY_SCHEMAS")] if folder),
    ROOT.parent / "shared" / "schemas",
    ROOT / "airflow_provider_partners" / "sandbox" / "schemas",
]

PARTNER_VERSIONS = ("2025-07", "2026-07", "unstable")
ADMIN_VERSIONS = ("2025-10", "2026-07")

PARTNER_DOCUMENTS = {
    "transactions": partner.TRANSACTIONS,
    "app_events": partner.APP_EVENTS,
    "versions": partner.VERSIONS,
}

ADMIN_DOCUMENTS = {
    "shop": admin.SHOP,
    "fulfillments": admin.FULFILLMENTS,
    "line items": admin.LINE_ITEMS.document,
    "fulfillment line items": admin.FULFILLMENT_LINE_ITEMS.document,
    "variants": admin.VARIANTS.document,
    "fulfillments by id": admin.FULFILLMENTS_BY_ID,
    "bulk, run": admin.BULK_RUN,
    "bulk, cancel": admin.BULK_CANCEL,
    "bulk, by id": admin.BULK_BY_ID,
    "bulk, current": admin.BULK_CURRENT,
    **{f"{name}, counted": documents.count_document for name, documents in admin.LIST_DOCUMENTS.items()},
    **{
        f"{name} {way}, {'with' if personal else 'without'} personal data": getattr(documents, way)(
            documents.selection(personal_data=personal, extra_fields=extra)
        )
        for name, documents in admin.LIST_DOCUMENTS.items()
        for personal in (True, False)
        for way in ("search_document", "by_id_document")
        for extra in ("",)
    },
    "orders with extra fields": admin.LIST_DOCUMENTS["orders"].search_document(
        admin.LIST_DOCUMENTS["orders"].selection(personal_data=True, extra_fields="note poNumber")
    ),
}

BULK_QUERIES = {
    f"{name}, {'with' if personal else 'without'} personal data{', grouped' if grouped else ''}": documents.bulk_query(
        documents.selection(personal_data=personal, extra_fields="tags", bulk=True),
        "updated_at:>='2026-01-01T00:00:00Z' AND (name:\"#1\\\\\")",
        grouped=grouped,
    )
    for name, documents in admin.LIST_DOCUMENTS.items()
    for personal in (True, False)
    for grouped in (True, False)
}


@cache
def schema(name: str) -> GraphQLSchema:
    # Shopify's schemas deprecate fields that their interfaces do not deprecate. graphql-core refuses such a schema.
    return build_schema(text(name), assume_valid=True)


def text(name: str) -> str:
    for folder in FOLDERS:
        if (plain := folder / f"{name}.graphql").is_file():
            return plain.read_text()
        if (packed := folder / f"{name}.graphql.gz").is_file():
            return gzip.decompress(packed.read_bytes()).decode()
    pytest.skip(f"the schema {name} is in none of the folders")


def errors(name: str, document: str) -> list[str]:
    return [error.message for error in validate(schema(name), parse(document))]


@pytest.mark.parametrize("version", PARTNER_VERSIONS)
@pytest.mark.parametrize("document", PARTNER_DOCUMENTS)
def test_the_partner_api_accepts(document: str, version: str) -> None:
    assert errors(f"shopify_partner_{version}", PARTNER_DOCUMENTS[document]) == []


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("document", ADMIN_DOCUMENTS)
def test_the_admin_api_accepts(document: str, version: str) -> None:
    assert errors(f"shopify_admin_{version}", ADMIN_DOCUMENTS[document]) == []


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("query", BULK_QUERIES)
def test_the_admin_api_accepts_the_query_of_a_bulk_operation(query: str, version: str) -> None:
    assert errors(f"shopify_admin_{version}", BULK_QUERIES[query]) == []


def test_only_newer_versions_list_bulk_operations() -> None:
    assert errors("shopify_admin_2026-07", admin.BULK_RECENT) == []
    assert errors("shopify_admin_2025-10", admin.BULK_RECENT)
    assert (is_at_least("2026-07", FIRST_LISTING_VERSION), is_at_least("2025-10", FIRST_LISTING_VERSION)) == (
        True,
        False,
    )


class BulkQueryShape:
    """The parts of a bulk query that Shopify has rules for: its connections, their nesting and their selections."""

    def __init__(self, graphql_schema: GraphQLSchema, query: str) -> None:
        (operation,) = parse(query).definitions
        self.connections: list[tuple[str, int, bool]] = []
        self.selected: dict[str, set[str]] = {}
        self.roots = [node.name.value for node in operation.selection_set.selections]
        self._visit(graphql_schema.query_type, operation.selection_set, depth=0, in_list=False)

    def _visit(self, parent, selections, *, depth: int, in_list: bool) -> None:
        for node in selections.selections:
            assert isinstance(node, FieldNode)
            field = parent.fields[node.name.value]
            kind = get_named_type(field.type)
            if is_leaf_type(kind):
                continue
            is_connection = kind.name.endswith("Connection")
            if is_connection:
                self.connections.append((node.name.value, depth, in_list))
                (edges,) = node.selection_set.selections
                (inner,) = edges.selection_set.selections
                assert (edges.name.value, inner.name.value) == ("edges", "node")
                kind = get_named_type(get_named_type(kind.fields["edges"].type).fields["node"].type)
                node = inner
            plain = [each for each in node.selection_set.selections if not each.alias]
            self.selected[kind.name] = {each.name.value for each in plain}
            # The edges of a connection are a list too, but not one with a rule.
            is_list = not is_connection and is_list_type(get_nullable_type(field.type))
            self._visit(kind, node.selection_set, depth=depth + is_connection, in_list=is_list)


@pytest.mark.parametrize("query", BULK_QUERIES)
def test_the_query_of_a_bulk_operation_follows_shopifys_rules(query: str) -> None:
    shape = BulkQueryShape(schema("shopify_admin_2026-07"), BULK_QUERIES[query])
    name = query.partition(",")[0]
    documents = admin.LIST_DOCUMENTS[name]
    assert shape.roots == [name]
    assert shape.connections == [
        (name, 0, False),
        *((field, 1, False) for field in documents.inner_connections.values()),
    ]
    assert "id" in shape.selected[documents.node_type]
    assert all("id" in shape.selected[kind] for kind in documents.inner_connections)
    assert len(BULK_QUERIES[query].encode()) < MAX_QUERY_BYTES


@pytest.mark.parametrize("documents", admin.LIST_DOCUMENTS.values(), ids=list(admin.LIST_DOCUMENTS))
def test_a_bulk_operation_requests_the_same_fields_as_the_paged_list(documents: admin.ListDocuments) -> None:
    def names(bulk: bool) -> set[str]:
        return set(re.findall(r"\w+", documents.selection(personal_data=True, bulk=bulk)))

    paging = {"nodes", "pageInfo", "hasNextPage", "endCursor", "first", "20", "50", "250", "edges", "node"}
    assert names(bulk=False) - names(bulk=True) - paging == (
        {"fulfillmentLineItems", "lineItem"} if documents.name == "orders" else set()
    )
    assert names(bulk=True) - paging <= names(bulk=False)


LEGACY = "shopify_partner_legacy_jobs"


@pytest.mark.parametrize(
    "document",
    [*PARTNER_DOCUMENTS.values(), legacy.JOBS, legacy.CONVERSATIONS, legacy.MESSAGES],
    ids=[*PARTNER_DOCUMENTS, "jobs", "conversations", "messages"],
)
def test_the_old_partner_api_accepts(document: str) -> None:
    assert errors(LEGACY, document) == []


@pytest.mark.parametrize("document", [legacy.JOBS, legacy.CONVERSATIONS, legacy.MESSAGES])
def test_later_versions_have_no_jobs(document: str) -> None:
    assert errors("shopify_partner_2025-07", document)


@pytest.mark.parametrize(
    ("enum", "ours"), [("JobStatus", legacy.JOB_STATUSES), ("ConversationStatus", legacy.CONVERSATION_STATUSES)]
)
def test_the_statuses_of_the_old_lists_are_those_of_the_schema(enum: str, ours: frozenset[str]) -> None:
    assert set(schema(LEGACY).type_map[enum].values) == ours


@pytest.mark.parametrize(
    ("kind", "document", "separate_lists"),
    [
        ("Job", legacy.JOBS, set()),
        ("Conversation", legacy.CONVERSATIONS, {"messages"}),
        ("Message", legacy.MESSAGES, set()),
    ],
)
def test_jobs_conversations_and_messages_are_requested_with_all_their_fields(
    kind: str, document: str, separate_lists: set[str]
) -> None:
    requested = set(document.replace("{", " ").replace("}", " ").split())
    assert set(schema(LEGACY).type_map[kind].fields) - requested == separate_lists


def test_historical_events_are_accepted_from_2026_07_on() -> None:
    assert errors("shopify_partner_2026-07", partner.EVENTS) == []
    assert errors("shopify_partner_unstable", partner.EVENTS) == []


def test_historical_events_are_refused_before_sending_if_the_version_lacks_them() -> None:
    assert errors("shopify_partner_2025-07", partner.EVENTS)
    sent: list[httpx.Request] = []
    client = ShopifyPartnerClient(
        organization_id=1,
        access_token="prtapi_x",
        api_version="2025-07",
        options=ClientOptions(handler=httpx.MockTransport(sent.append)),
    )
    with pytest.raises(ConfigurationError, match="'events' exists since API version 2026-07, but 2025-07"):
        client.extract("events")
    assert not sent


@pytest.mark.parametrize("version", PARTNER_VERSIONS)
def test_every_type_of_transaction_is_requested_with_all_its_own_fields(version: str) -> None:
    graphql_schema = schema(f"shopify_partner_{version}")
    missing = {}
    for kind in graphql_schema.get_possible_types(graphql_schema.type_map["Transaction"]):
        requested = partner.TRANSACTION_FIELDS[kind.name].split()
        # Only the unstable version has these fees. They are not requested, so one document fits all versions.
        known = set(kind.fields) - {"id", "createdAt", "processingFee", "regulatoryOperatingFee", "taxType"}
        if not_requested := {name for name in known if name not in requested}:
            missing[kind.name] = not_requested
    assert missing == {}


@pytest.mark.parametrize("version", PARTNER_VERSIONS)
@pytest.mark.parametrize(
    ("enum", "ours"),
    [("TransactionType", partner.TRANSACTION_TYPES), ("AppEventTypes", partner.APP_EVENT_TYPES)],
)
def test_the_allowed_types_are_those_of_the_schema(enum: str, ours: frozenset[str], version: str) -> None:
    assert set(schema(f"shopify_partner_{version}").type_map[enum].values) == ours


def test_the_historical_event_types_are_those_of_the_schema() -> None:
    assert set(schema("shopify_partner_2026-07").type_map["EventType"].values) == partner.EVENT_TYPES


def test_every_type_of_historical_event_is_requested_with_all_its_own_fields() -> None:
    graphql_schema = schema("shopify_partner_2026-07")
    base = set(graphql_schema.type_map["PartnerEvent"].fields)
    for kind in graphql_schema.get_possible_types(graphql_schema.type_map["PartnerEvent"]):
        requested = partner.EVENT_FIELDS[kind.name].split()
        assert {name for name in set(kind.fields) - base if name not in requested} == set(), kind.name


FREE = {"MoneyBag", "MoneyV2", "PageInfo"}


class RequestedCost:
    """The requested cost of a document, by the formula that fits Shopify's recorded answers.

    An object costs 1, money and page info nothing, a connection 2 and floor(2 ln first) times its node, a count 10.
    """

    def __init__(self, graphql_schema: GraphQLSchema, variables: dict[str, int]) -> None:
        self.graphql_schema = graphql_schema
        self.variables = variables

    def selected(self, parent, selections) -> int:
        return sum(self.part(parent, each) for each in selections.selections)

    def part(self, parent, node) -> int:
        if not isinstance(node, FieldNode):
            return self.selected(self.graphql_schema.get_type(node.type_condition.name.value), node.selection_set)
        return 0 if node.name.value == "__typename" else self.field(parent, node)

    def field(self, parent, node: FieldNode) -> int:
        kind = get_named_type(parent.fields[node.name.value].type)
        if is_leaf_type(kind):
            return 0
        if parent is self.graphql_schema.query_type and node.name.value.endswith("Count"):
            return 10
        if not kind.name.endswith("Connection"):
            return (0 if kind.name in FREE else 1) + self.selected(kind, node.selection_set)
        (inner,) = [each for each in node.selection_set.selections if each.name.value == "nodes"]
        return 2 + max(1, math.floor(2 * math.log(self.first(node)))) * self.field(kind, inner)

    def first(self, node: FieldNode) -> int:
        value = next(argument.value for argument in node.arguments if argument.name.value == "first")
        if isinstance(value, VariableNode):
            return self.variables[value.name.value]
        assert isinstance(value, IntValueNode)
        return int(value.value)


def cost(graphql_schema: GraphQLSchema, document: str, **variables: int) -> int:
    (operation,) = parse(document).definitions
    return RequestedCost(graphql_schema, variables).selected(graphql_schema.query_type, operation.selection_set)


def test_a_page_of_fifty_orders_costs_less_than_half_of_the_limit() -> None:
    documents = admin.LIST_DOCUMENTS["orders"]
    document = documents.search_document(documents.selection(personal_data=True))
    assert cost(schema("shopify_admin_2026-07"), document, first=50) == 471


@pytest.mark.parametrize("inner", [admin.LINE_ITEMS, admin.FULFILLMENT_LINE_ITEMS, admin.VARIANTS])
def test_the_largest_page_of_a_nested_list_costs_little(inner: admin.InnerConnection) -> None:
    assert cost(schema("shopify_admin_2026-07"), inner.document, first=admin.INNER_PAGE_SIZE) <= 100


@pytest.mark.parametrize("document", [*PARTNER_DOCUMENTS.values(), partner.EVENTS])
def test_partner_documents_are_shorter_than_the_api_allows(document: str) -> None:
    assert len(document) < 50_000


@pytest.mark.parametrize("documents", admin.LIST_DOCUMENTS.values(), ids=list(admin.LIST_DOCUMENTS))
def test_a_document_without_personal_data_names_no_personal_field(documents: admin.ListDocuments) -> None:
    document = documents.search_document(documents.selection(personal_data=False))
    for word in ("customer", "email", "phone", "Address", "firstName", "lastName"):
        assert f" {word} " not in document.replace("\n", " ").replace("customerLocale", ""), word
