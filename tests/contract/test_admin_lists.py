"""The lists of the Admin API fit Shopify's own schemas and documentation, in every variant and supported version.

The schemas are Shopify's (see ``tests/support/shopify_schemas.py``). ``shopify_search_fields.json`` has the search
fields that the schemas' descriptions of ``query`` list, from the introspection in Shopify's npm package
``@shopify/dev-mcp`` 1.16.0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from graphql import FieldNode, TypeInfo, TypeInfoVisitor, Visitor, get_named_type, parse, visit
from shopify_schemas import ADMIN_VERSIONS, BulkQueryShape, cost, errors, schema

from airflow_provider_partners.api.shopify.selections import parse_fields
from airflow_provider_partners.api.shopify_admin import RESOURCES
from airflow_provider_partners.api.shopify_admin.bulk.operations import MAX_QUERY_BYTES
from airflow_provider_partners.api.shopify_admin.bulk.records import MAX_NODE_IDS
from airflow_provider_partners.api.shopify_admin.documents import (
    INNER_PAGE_SIZE,
    ListDocuments,
    documents_of,
    missing_lists,
    missing_lists_document,
    page_document,
)
from airflow_provider_partners.api.shopify_admin.query import IDS_PER_QUERY
from airflow_provider_partners.api.shopify_admin.resources.model import Nested

SEARCH_FIELDS = json.loads((Path(__file__).parent / "shopify_search_fields.json").read_text())
MAX_COST = 1_000

LISTS = {name: resource for name, resource in RESOURCES.items() if not resource.parts}
SEARCHED = {name: resource for name, resource in LISTS.items() if not resource.per_parent}
BULK = {name: resource for name, resource in LISTS.items() if resource.bulk}
SEARCH = "updated_at:>='2026-01-01T00:00:00Z' AND (name:\"#1\\\\\")"


def documents(
    name: str, version: str = "2026-07", *, personal: bool = True, extra: Sequence[str] = ()
) -> ListDocuments:
    return documents_of(RESOURCES[name], version, personal_data=personal, extra=parse_fields(extra))


def nested_lists(owner: str, lists: tuple[Nested, ...]) -> Iterator[tuple[str, Nested]]:
    """Yield the lists inside of objects, each with the type of its object."""
    for each in lists:
        yield owner, each
        yield from nested_lists(each.type, each.nested)


def nested_documents(made: ListDocuments) -> Iterator[tuple[str, str]]:
    """Yield the documents that complete records."""
    for owner, each in nested_lists(made.resource.owner_type, made.lists):
        if each.connection or each.count:
            yield f"{owner}.{each.field}", page_document(owner, each)
        if missing_lists(each):
            yield f"{owner}.{each.field} by id", missing_lists_document(each)


def all_documents(made: ListDocuments) -> dict[str, str]:
    """Return every document of a list that the client may send."""
    resource = made.resource
    found = dict(nested_documents(made))
    if resource.per_parent:
        found["parents"] = made.parents_document
    else:
        found["search"] = made.search_document()
    if resource.by_id:
        found["by id"] = made.by_id_document()
    if resource.parent_key and not resource.per_parent:
        found["by parent"] = made.by_parent_document()
    if resource.count_field:
        found["count"] = made.count_document
    if resource.bulk:
        found["bulk"] = made.bulk_query(SEARCH, grouped=False)
        found["bulk, grouped"] = made.bulk_query(SEARCH, grouped=True)
    return found


@pytest.mark.parametrize("personal", [True, False], ids=["with personal data", "without personal data"])
@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("name", LISTS)
def test_shopify_accepts_every_document_of_a_list(name: str, version: str, personal: bool) -> None:
    extra = [] if RESOURCES[name].within else ["id"]
    made = all_documents(documents(name, version, personal=personal, extra=extra))
    found = {kind: errors(f"shopify_admin_{version}", document) for kind, document in made.items()}
    assert {kind: each for kind, each in found.items() if each} == {}


@pytest.mark.parametrize("name", LISTS)
def test_the_types_of_a_list_are_those_of_the_schema(name: str) -> None:
    """A continuation names the type of the object, and a bulk file the type of each line."""
    resource, types = RESOURCES[name], schema("shopify_admin_2026-07").type_map
    root = schema("shopify_admin_2026-07").query_type.fields[resource.root].type
    if not resource.is_single:
        root = get_named_type(root).fields["nodes"].type
    assert get_named_type(root).name == resource.owner_type
    for owner, each in nested_lists(resource.owner_type, documents(name).lists):
        field = get_named_type(types[owner].fields[each.field].type)
        assert field.name.endswith("Connection") == each.connection
        node = get_named_type(field.fields["nodes"].type) if each.connection else field
        assert node.name == each.type


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("name", LISTS)
def test_the_time_is_one_that_shopify_documents_for_the_search(name: str, version: str) -> None:
    resource, documented = RESOURCES[name], SEARCH_FIELDS[version]
    inside = resource.within is not None and resource.within.has_search
    place = f"{resource.owner_type}.{resource.within.field}" if inside and resource.within else resource.root
    if resource.search_field:
        assert documented[place][resource.search_field] == "time"
        last = (resource.time_field or "").rpartition(".")[2]
        assert re.sub("([A-Z])", r"_\1", last).lower() == resource.search_field
    else:
        assert resource.client_time_field
        assert "updated_at" not in documented.get(place, {})
    if resource.is_ordered_by_id and not resource.per_parent:
        assert documented[place]["id"] == "id"


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
@pytest.mark.parametrize("name", [name for name, resource in LISTS.items() if resource.count_field])
def test_a_count_knows_the_search_fields_of_its_list(name: str, version: str) -> None:
    """Shopify ignores an unknown search field, and counts everything then."""
    resource, documented = RESOURCES[name], SEARCH_FIELDS[version]
    counted, listed = documented[resource.count_field], documented[resource.root]
    assert counted[resource.search_field] == "time"
    assert resource.counts_by_time_only == (not counted.keys() >= listed.keys())


@pytest.mark.parametrize("name", BULK)
def test_the_query_of_a_bulk_operation_follows_shopifys_rules(name: str) -> None:
    """See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#operation-restrictions."""
    made, types = documents(name), schema("shopify_admin_2026-07").type_map
    query = made.bulk_query(SEARCH, grouped=True)
    shape = BulkQueryShape(schema("shopify_admin_2026-07"), query)
    assert shape.roots == [made.resource.root]
    assert 1 <= len(shape.connections) <= 5
    assert [depth for _, depth, _, _ in shape.connections if depth > 2] == []
    assert [field for field, _, in_list, _ in shape.connections if in_list] == []
    for _, _, _, kind in shape.connections:
        assert "Node" in {each.name for each in types[kind].interfaces}
        assert "id" in shape.selected[kind]
    declared = [pair for fields in made.bulk_connections().values() for pair in fields.items()]
    assert {(field, kind) for kind, field in declared} == {(each[0], each[3]) for each in shape.connections[1:]}
    assert len(query.encode()) < MAX_QUERY_BYTES


def test_lists_that_a_bulk_operation_cannot_read_break_a_rule_of_shopifys() -> None:
    types = schema("shopify_admin_2026-07").type_map
    for name in LISTS.keys() - BULK.keys():
        resource = RESOURCES[name]
        interfaces = {each.name for each in types[resource.owner_type].interfaces}
        assert resource.is_single or "Node" not in interfaces, name


@pytest.mark.parametrize("name", BULK)
def test_a_bulk_operation_requests_the_same_fields_as_the_paged_list(name: str) -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r"[A-Za-z_]\w*", text))

    made = documents(name)
    paging = {"nodes", "pageInfo", "hasNextPage", "endCursor", "first", "edges", "node", "query"}
    missing = [each for _, nested in nested_lists("", made.lists) for each in missing_lists(nested)]
    later = names(" ".join(f"{each.field} {each.fields}" for each in missing))
    assert names(made.selection()) - names(made.selection(bulk=True, search="")) - paging <= later
    assert names(made.selection(bulk=True, search="")) - paging <= names(made.selection())


@pytest.mark.parametrize("name", LISTS)
def test_a_page_of_the_default_size_costs_less_than_six_tenths_of_the_limit(name: str) -> None:
    made, resource = documents(name), RESOURCES[name]
    graphql_schema = schema("shopify_admin_2026-07")
    page = page_document(resource.owner_type, made.lists[0]) if resource.per_parent else made.search_document()
    assert cost(graphql_schema, page, first=resource.page_size) <= MAX_COST * 0.6


def test_a_page_of_fifty_orders_costs_as_much_as_before() -> None:
    assert cost(schema("shopify_admin_2026-07"), documents("orders").search_document(), first=50) == 562


EXTRA_FIELDS = [
    "shippingLine.title",
    "customerJourneySummary.lastVisit.landingPage",
    "metafield:custom.gift",
    "customer.metafield:loyalty.tier",
    "customAttributes.key",
    "shippingAddress",
    "shippingLines.nodes.title",
    "refunds { id note totalRefundedSet { shopMoney { amount } } }",
    "lineItems.variant.selectedOptions.name",
    "lineItems.variant.metafield:custom.gauge",
    "lineItems.product.metafield:custom.model",
    "lineItems.product.options.values",
    "lineItems.nodes.taxable",
    "fulfillments.service.type",
    "fulfillments.fulfillmentLineItems.originalTotalSet.shopMoney.amount",
    "-lineItems.product.featuredMedia",
    "-tags",
]


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
def test_shopify_accepts_the_fields_of_a_user_in_every_document_of_orders(version: str) -> None:
    made = all_documents(documents("orders", version, extra=EXTRA_FIELDS))
    paged = {kind: document for kind, document in made.items() if not kind.startswith("bulk")}
    found = {kind: errors(f"shopify_admin_{version}", document) for kind, document in paged.items()}
    assert {kind: each for kind, each in found.items() if each} == {}
    assert "gauge" in made["Order.lineItems"]
    assert "originalTotalSet" in made["Fulfillment.fulfillmentLineItems"]
    assert "originalTotalSet" in made["Order.fulfillments by id"]


@pytest.mark.parametrize("version", ADMIN_VERSIONS)
def test_a_bulk_operation_takes_the_fields_of_a_user_without_further_connections(version: str) -> None:
    fields = [item for item in EXTRA_FIELDS if item != "shippingLines.nodes.title"]
    query = documents("orders", version, extra=fields).bulk_query(SEARCH, grouped=False)
    assert errors(f"shopify_admin_{version}", query) == []
    shape = BulkQueryShape(schema(f"shopify_admin_{version}"), query)
    assert [name for name, *_ in shape.connections] == ["orders", "lineItems"]


def test_a_page_with_a_users_fields_stays_below_the_limit() -> None:
    made = documents("orders", extra=EXTRA_FIELDS)
    assert cost(schema("shopify_admin_2026-07"), made.search_document(), first=50) <= MAX_COST


def test_fields_of_personal_data_are_left_out_with_them() -> None:
    fields = ["shippingAddress.city", "customer.tags", "displayAddress.zip", "-email", "note"]
    document = documents("orders", personal=False, extra=fields).search_document()
    for name in ("shippingAddress", "customer {", "displayAddress"):
        assert name not in document
    assert "note" in document.split()


@pytest.mark.parametrize("name", LISTS)
def test_the_further_pages_of_nested_lists_cost_less_than_the_limit(name: str) -> None:
    graphql_schema, made = schema("shopify_admin_2026-07"), documents(name)
    for label, document in nested_documents(made):
        assert cost(graphql_schema, document, first=INNER_PAGE_SIZE) <= MAX_COST, label


def test_objects_by_their_ids_are_no_more_than_shopify_takes() -> None:
    """https://shopify.dev/docs/api/usage/limits: an input array has at most 250 values."""
    assert max(IDS_PER_QUERY, MAX_NODE_IDS) <= 250


PERSONAL_TYPES = {"MailingAddress", "FulfillmentOrderDestination", "CustomerEmailAddress", "CustomerPhoneNumber"}
PERSONAL_FIELDS = {
    "firstName",
    "lastName",
    "displayName",
    "name",
    "email",
    "phone",
    "note",
    "accountNumber",
    "customer",
}
CUSTOMERS_TYPES = {"Customer", "Order", "DraftOrder", "AbandonedCheckout", "OrderTransaction", "FulfillmentOrder"}


def selected_fields(document: str) -> set[tuple[str, str, str]]:
    """Return each selected field with the type of its object and its own."""
    found, info = set(), TypeInfo(schema("shopify_admin_2026-07"))

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            owner, kind = info.get_parent_type(), info.get_type()
            assert owner
            assert kind
            found.add((owner.name, node.name.value, get_named_type(kind).name))

    visit(parse(document), TypeInfoVisitor(info, Fields()))
    return found


@pytest.mark.parametrize("name", LISTS)
def test_a_document_without_personal_data_names_no_personal_field(name: str) -> None:
    """What is personal: https://shopify.dev/docs/apps/launch/protected-customer-data."""
    resource = RESOURCES[name]
    for document in all_documents(documents(name, personal=False)).values():
        for owner, field, kind in selected_fields(document):
            assert kind not in PERSONAL_TYPES, (owner, field)
            # The name of an order or a checkout is its number.
            allowed = {"name"} if owner != "Customer" else set()
            assert owner not in CUSTOMERS_TYPES or field not in PERSONAL_FIELDS - allowed, (owner, field)
            assert owner != resource.type or field not in resource.personal


@pytest.mark.parametrize("name", [name for name, resource in RESOURCES.items() if resource.parts])
def test_a_list_of_parts_names_lists(name: str) -> None:
    assert all(part in LISTS for part in RESOURCES[name].parts)
    assert set(RESOURCES[name].scopes) == {scope for part in RESOURCES[name].parts for scope in RESOURCES[part].scopes}
