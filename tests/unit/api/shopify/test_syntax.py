"""GraphQL documents as syntax trees. The rules are those of https://spec.graphql.org/October2021."""

from __future__ import annotations

import pytest

from airflow_provider_partners.api.shopify.syntax import (
    bind_variables,
    merge_selections,
    parse_document,
    parse_selection,
    print_tree,
    select_operation,
    used_variables,
    without_fragments,
)
from airflow_provider_partners.exceptions import ConfigurationError


def bind(document: str, **values: object) -> str:
    """Return a document's only operation with its values written into it."""
    return print_tree(bind_variables(select_operation(parse_document(document)), values))


def pretty(document: str) -> str:
    """Return a document in the printer's layout."""
    return print_tree(select_operation(parse_document(document)))


def test_a_mistake_is_named_with_its_place() -> None:
    with pytest.raises(ConfigurationError, match=r"'document' can't be read \(line 2, column 1\)"):
        parse_document("{ orders {\n")


@pytest.mark.covers("shopify.limit.query_length")
def test_a_document_longer_than_the_api_accepts_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="8 characters, but the API accepts 7"):
        parse_document("{ shop }", max_length=7)


def test_a_document_with_several_operations_needs_the_name_of_one() -> None:
    document = parse_document("query Shops { shop { id } } query Apps { app { id } }")
    assert "app" in print_tree(select_operation(document, "Apps"))
    with pytest.raises(ConfigurationError, match="has 2: Shops, Apps"):
        select_operation(document)
    with pytest.raises(ConfigurationError, match="did you mean 'Apps'"):
        select_operation(document, "App")


def test_a_mutation_is_no_query() -> None:
    with pytest.raises(ConfigurationError, match="is a mutation"):
        select_operation(parse_document("mutation { a }"), query_only=True)


def test_a_fragment_is_written_where_it_is_used() -> None:
    document = parse_document("{ app { ...Names } } fragment Names on App { name ...Ids } fragment Ids on App { id }")
    text = " ".join(print_tree(without_fragments(document, select_operation(document))).split())
    assert text == "{ app { ... on App { name ... on App { id } } } }"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{ app { ...Nmes } } fragment Names on App { id }", "'Nmes' is not in the document: did you mean 'Names'"),
        ("{ app { ...A } } fragment A on App { ...A }", "'A' contains itself"),
    ],
)
def test_a_fragment_that_cannot_be_written_is_refused(document: str, message: str) -> None:
    tree = parse_document(document)
    with pytest.raises(ConfigurationError, match=message):
        without_fragments(tree, select_operation(tree))


def test_merged_selections_have_each_field_once() -> None:
    merged = merge_selections(
        parse_selection("id customer { id } lineItems(first: 20) { nodes { id } }"),
        parse_selection("note customer { tags } lineItems { nodes { sku } }"),
    )
    assert " ".join(print_tree(merged).split()) == (
        "{ id customer { id tags } lineItems(first: 20) { nodes { id sku } } note }"
    )


def test_one_field_with_two_sets_of_arguments_cannot_be_merged() -> None:
    # https://spec.graphql.org/October2021/#sec-Field-Selection-Merging
    with pytest.raises(
        ConfigurationError, match=r"'tags' is requested twice: as tags\(first: 1\) and as tags\(first: 2"
    ):
        merge_selections(parse_selection("tags(first: 1)"), parse_selection("tags(first: 2)"))
    merged = merge_selections(parse_selection("tags(first: 1)"), parse_selection("more: tags(first: 2)"))
    assert "more: tags(first: 2)" in print_tree(merged)


@pytest.mark.parametrize("selection", ["id } customer { id", "id } query B { id", "customer {"])
def test_a_selection_cannot_leave_its_place(selection: str) -> None:
    with pytest.raises(ConfigurationError, match="'fields'"):
        parse_selection(selection)


def test_values_are_written_in_the_form_of_their_type() -> None:
    document = """query Q($q: String, $ids: [ID!]!, $sort: OrderSortKeys = ID, $first: Int, $at: DateTime) {
      orders(query: $q, ids: $ids, sortKey: $sort, first: $first, at: $at) { nodes { id } } }"""
    assert bind(document, q='a "b"', ids=["1", 2], sort="UPDATED_AT", first=5, at="2026-01-01T00:00:00Z") == pretty(
        'query Q { orders(query: "a \\"b\\"", ids: ["1", "2"], sortKey: UPDATED_AT, first: 5, '
        'at: "2026-01-01T00:00:00Z") { nodes { id } } }'
    )


def test_a_variable_that_is_not_given_leaves_its_argument_out() -> None:
    # "If no value is provided … there should be no entry": https://spec.graphql.org/October2021/#CoerceArgumentValues().
    document = "query Q($q: String, $s: Keys = ID) { orders(query: $q, sortKey: $s, in: {a: $q, b: 1}) { id } }"
    assert bind(document) == pretty("query Q { orders(sortKey: ID, in: { b: 1 }) { id } }")


def test_a_required_variable_without_a_value_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"\$id has no value"):
        bind("query Q($id: ID!) { order(id: $id) { id } }")


def test_a_text_inside_of_an_input_object_may_be_an_enum_and_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the value of \$filter can't be written"):
        bind("query Q($filter: EventFilterInput) { events(filter: $filter) { id } }", filter={"subjectType": "APP"})


def test_used_variables_are_those_of_every_argument() -> None:
    document = "query Q($a: Int, $b: Int, $c: Int) { x(f: $a) { y(in: {g: [$b]}) @include(if: $c) } }"
    assert used_variables(select_operation(parse_document(document)).selection_set) == {"a", "b", "c"}
