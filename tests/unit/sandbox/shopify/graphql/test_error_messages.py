"""Shopify's errors about a document or its variables: wording, codes and paths (recorded, or graphql-ruby's)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_partners.sandbox.shopify.graphql.execution import GraphQLRequest, InvalidDocumentError, prepare
from airflow_provider_partners.sandbox.shopify.graphql.input_values import no_check
from airflow_provider_partners.sandbox.shopify.graphql.schema import schema
from airflow_provider_partners.sandbox.shopify_admin.request import global_id_check


def request(query: str, variables: dict[str, Any]) -> GraphQLRequest:
    return GraphQLRequest(query=query, variables=variables, operation_name=None)


def refused(query: str, **variables: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidDocumentError) as refusal:
        prepare(schema("shopify_admin", "2026-07"), request(query, variables), global_id_check)
    assert set(refusal.value.body) == {"errors"}, "no data and no cost for a document that is not executed"
    return list(refusal.value.body["errors"])


def refused_by_partner(query: str, **variables: Any) -> list[dict[str, Any]]:
    with pytest.raises(InvalidDocumentError) as refusal:
        prepare(schema("shopify_partner", "2026-07"), request(query, variables), no_check)
    return list(refusal.value.body["errors"])


RECORDED = [
    (
        "query OpName { orders(first: 1) { nodes { x } } }",
        "Field 'x' doesn't exist on type 'Order'",
        ["query OpName", "orders", "nodes", "x"],
        {"code": "undefinedField", "typeName": "Order", "fieldName": "x"},
    ),
    (
        "query OpName { orders(first: 1, x: 2) { nodes { id } } }",
        "Field 'orders' doesn't accept argument 'x'",
        ["query OpName", "orders", "x"],
        {"code": "argumentNotAccepted", "name": "orders", "typeName": "Field", "argumentName": "x"},
    ),
    (
        "{ order { id } }",
        "Field 'order' is missing required arguments: id",
        ["query", "order"],
        {"code": "missingRequiredArguments", "className": "Field", "name": "order", "arguments": "id"},
    ),
    (
        "{ order(id: null) { id } }",
        "Argument 'id' on Field 'order' has an invalid value (null). Expected type 'ID!'.",
        ["query", "order", "id"],
        {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": "id"},
    ),
    (
        '{ orders(first: "1") { nodes { id } } }',
        "Argument 'first' on Field 'orders' has an invalid value (\"1\"). Expected type 'Int'.",
        ["query", "orders", "first"],
        {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": "first"},
    ),
    (
        "{ orders(first: 1, sortKey: NEWEST) { nodes { id } } }",
        "Argument 'sortKey' on Field 'orders' has an invalid value (NEWEST). Expected type 'OrderSortKeys'.",
        ["query", "orders", "sortKey"],
        {"code": "argumentLiteralsIncompatible", "typeName": "Field", "argumentName": "sortKey"},
    ),
    (
        "query OpName($x: Int) { shop { name } }",
        "Variable $x is declared by OpName but not used",
        ["query OpName"],
        {"code": "variableNotUsed", "variableName": "x"},
    ),
    (
        "query OpName { orders(first: $x) { nodes { id } } }",
        "Variable $x is used by OpName but not declared",
        ["query OpName", "orders", "first"],
        {"code": "variableNotDefined", "variableName": "x"},
    ),
    (
        "query OpName($id: ID) { order(id: $id) { id } }",
        "Nullability mismatch on variable $id and argument id (ID / ID!)",
        ["query OpName", "order", "id"],
        {
            "code": "variableMismatch",
            "variableName": "id",
            "typeName": "ID",
            "argumentName": "id",
            "errorMessage": "Nullability mismatch",
        },
    ),
    (
        "{ shop { ... on X { name } } }",
        "No such type X, so it can't be a fragment condition",
        ["query", "shop", "... on X"],
        {"code": "undefinedType", "typeName": "X"},
    ),
    (
        "{ shop { ... on Order { name } } }",
        "Fragment on Order can't be spread inside Shop",
        ["query", "shop", "... on Order"],
        {"code": "cannotSpreadFragment", "typeName": "Order", "fragmentName": "unknown", "parentName": "Shop"},
    ),
    (
        "{ shop { ...F } }",
        "Fragment F was used, but not defined",
        ["query", "shop", "... F"],
        {"code": "useAndDefineFragment", "fragmentName": "F"},
    ),
    (
        "{ shop { name } } fragment F on Shop { id }",
        "Fragment F was defined, but not used",
        ["fragment F"],
        {"code": "useAndDefineFragment", "fragmentName": "F"},
    ),
    (
        "{ shop }",
        "Field must have selections (field 'shop' returns Shop but has no selections. Did you mean 'shop { ... }'?)",
        ["query", "shop"],
        {"code": "selectionMismatch", "nodeName": "field 'shop'", "typeName": "Shop"},
    ),
    (
        '{ order(id: "not-a-gid") { id } }',
        "Invalid global id 'not-a-gid'",
        ["query", "order", "id"],
        {"code": "argumentLiteralsIncompatible", "typeName": "CoercionError"},
    ),
]


@pytest.mark.parametrize(("query", "message", "path", "extensions"), RECORDED)
def test_an_invalid_document_is_refused_in_graphql_rubys_wording(
    query: str, message: str, path: list[str], extensions: dict[str, Any]
) -> None:
    (error,) = refused(query)
    assert error["locations"]
    assert {name: error[name] for name in ("message", "path", "extensions")} == {
        "message": message,
        "path": path,
        "extensions": extensions,
    }


def test_all_errors_of_a_document_are_reported_together() -> None:
    errors = refused("{ shop { a b } }")
    assert [error["extensions"]["fieldName"] for error in errors] == ["a", "b"]


def test_a_document_that_cannot_be_parsed_is_a_syntax_error() -> None:
    assert refused("{ shop") == [
        {"message": "syntax error, unexpected end of file at [1, 7]", "locations": [{"line": 1, "column": 7}]}
    ]


@pytest.mark.parametrize(
    ("declared", "value", "problem"),
    [
        ("ID!", None, {"path": [], "explanation": "Expected value to not be null"}),
        (
            "ID!",
            "abc",
            {"path": [], "explanation": "Invalid global id 'abc'", "message": "Invalid global id 'abc'"},
        ),
        ("ID!", {}, {"path": [], "explanation": "Could not coerce value {} to ID"}),
    ],
)
def test_an_invalid_variable_is_refused_with_its_problems(declared: str, value: Any, problem: dict[str, Any]) -> None:
    (error,) = refused(f"query($x: {declared}) {{ order(id: $x) {{ id }} }}", x=value)
    assert error["message"] == f"Variable $x of type {declared} was provided invalid value"
    assert error["extensions"] == {"code": "INVALID_VARIABLE", "value": value, "problems": [problem]}


def test_an_invalid_item_of_a_list_variable_is_named_by_its_index() -> None:
    (error,) = refused("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["gid://shopify/Order/1", None])
    assert error["message"] == (
        "Variable $ids of type [ID!]! was provided invalid value for 1 (Expected value to not be null)"
    )


def test_a_union_and_an_interface_are_worded_as_any_type() -> None:
    (error,) = refused_by_partner("{ transactions(first: 1) { edges { node { shop { id } } } } }")
    assert error["message"] == "Field 'shop' doesn't exist on type 'Transaction'"
    (error,) = refused_by_partner(
        "{ transactions(first: 1) { edges { node { ... on TaxTransaction { shop { id } } } } } }"
    )
    assert error["message"] == "Field 'shop' doesn't exist on type 'TaxTransaction'"
    assert error["path"] == ["query", "transactions", "edges", "node", "... on TaxTransaction", "shop"]


def test_each_field_of_an_input_object_is_checked() -> None:
    (unknown,) = refused_by_partner("{ events(filter: {shop: 1}) { edges { cursor } } }")
    assert unknown["message"] == "InputObject 'EventFilterInput' doesn't accept argument 'shop'"
    (wrong,) = refused_by_partner("{ events(filter: {eventTypes: [NO]}) { edges { cursor } } }")
    assert wrong["message"] == (
        "Argument 'eventTypes' on InputObject 'EventFilterInput' has an invalid value ([NO]). "
        "Expected type '[EventType!]'."
    )


def test_an_invalid_time_is_refused_as_a_literal_and_as_a_variable() -> None:
    (literal,) = refused_by_partner('{ transactions(createdAtMin: "soon") { edges { cursor } } }')
    assert literal["message"] == (
        "Argument 'createdAtMin' on Field 'transactions' has an invalid value (\"soon\"). Expected type 'DateTime'."
    )
    (variable,) = refused_by_partner(
        "query($x: DateTime) { transactions(createdAtMin: $x) { edges { cursor } } }", x="soon"
    )
    assert variable["extensions"]["problems"] == [
        {"path": [], "explanation": 'Could not coerce value "soon" to DateTime'}
    ]


def test_problems_inside_an_object_variable_are_named_by_their_path() -> None:
    query = "query($filter: EventFilterInput) { events(filter: $filter) { edges { cursor } } }"
    (error,) = refused_by_partner(query, filter={"eventTypes": ["NO"], "other": 1})
    paths = [problem["path"] for problem in error["extensions"]["problems"]]
    assert paths == [["other"], ["eventTypes", 0]]
    assert "other (Field is not defined on EventFilterInput)" in error["message"]


def test_a_valid_document_is_prepared_with_its_variables() -> None:
    query = """query Orders($first: Int = 5, $after: String, $id: ID) {
        orders(first: $first, after: $after, savedSearchId: $id) { ...Page }
    }
    fragment Page on OrderConnection { nodes { id ...Name } }
    fragment Name on Node { ... on Order { name } }"""
    operation = prepare(schema("shopify_admin", "2026-07"), request(query, {"after": None}), global_id_check)
    assert operation.node.name
    assert (operation.node.name.value, operation.variables) == ("Orders", {"after": None})
