"""Shopify's own schemas, and what its documentation says of documents: their cost, and the rules of bulk operations.

The schemas come from the folder in ``SHOPIFY_SCHEMAS``, then from ``shared/schemas`` beside the repository, then from
the sandbox. A test of a version without a schema is skipped.
"""

from __future__ import annotations

import gzip
import math
import os
from functools import cache
from pathlib import Path

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
from graphql.language import FieldNode, InlineFragmentNode, IntValueNode, VariableNode

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    *(Path(folder) for folder in [os.environ.get("SHOPIFY_SCHEMAS")] if folder),
    ROOT.parent / "shared" / "schemas",
    ROOT / "airflow_provider_partners" / "sandbox" / "schemas",
]

ADMIN_VERSIONS = ("2025-10", "2026-07")


@cache
def schema(name: str) -> GraphQLSchema:
    """Return a schema, such as ``shopify_admin_2026-07``."""
    # Shopify's schemas deprecate fields that their interfaces do not deprecate. graphql-core refuses such a schema.
    return build_schema(text(name), assume_valid=True)


def text(name: str) -> str:
    """Return the text of a schema."""
    for folder in FOLDERS:
        if (plain := folder / f"{name}.graphql").is_file():
            return plain.read_text()
        if (packed := folder / f"{name}.graphql.gz").is_file():
            return gzip.decompress(packed.read_bytes()).decode()
    pytest.skip(f"the schema {name} is in none of the folders")


def errors(name: str, document: str) -> list[str]:
    """Return what a schema has against a document."""
    return [error.message for error in validate(schema(name), parse(document))]


class BulkQueryShape:
    """The parts of a bulk query that Shopify has rules for: its connections, their nesting and their selections.

    :ivar connections: each as field, depth, whether it is inside of a plain list, and the type of its nodes
    :ivar selected: the fields that the nodes of each type select, without aliases
    """

    def __init__(self, graphql_schema: GraphQLSchema, query: str) -> None:
        (operation,) = parse(query).definitions
        self.schema = graphql_schema
        self.connections: list[tuple[str, int, bool, str]] = []
        self.selected: dict[str, set[str]] = {}
        self.roots = [node.name.value for node in operation.selection_set.selections]
        self._visit(graphql_schema.query_type, operation.selection_set, depth=0, in_list=False)

    def _visit(self, parent, selections, *, depth: int, in_list: bool) -> None:
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                kind = self.schema.type_map[node.type_condition.name.value]
                self._visit(kind, node.selection_set, depth=depth, in_list=in_list)
            elif node.name.value != "__typename" and not is_leaf_type(
                get_named_type(parent.fields[node.name.value].type)
            ):
                self._visit_field(parent, node, depth=depth, in_list=in_list)

    def _visit_field(self, parent, node: FieldNode, *, depth: int, in_list: bool) -> None:
        field = parent.fields[node.name.value]
        kind = get_named_type(field.type)
        is_connection = kind.name.endswith("Connection")
        if is_connection:
            (edges,) = node.selection_set.selections
            (inner,) = edges.selection_set.selections
            assert (edges.name.value, inner.name.value) == ("edges", "node")
            kind = get_named_type(get_named_type(kind.fields["edges"].type).fields["node"].type)
            self.connections.append((node.name.value, depth, in_list, kind.name))
            node = inner
        plain = [each for each in node.selection_set.selections if isinstance(each, FieldNode) and not each.alias]
        self.selected[kind.name] = {each.name.value for each in plain}
        # The edges of a connection are a list too, but not one with a rule.
        is_list = not is_connection and is_list_type(get_nullable_type(field.type))
        self._visit(kind, node.selection_set, depth=depth + is_connection, in_list=in_list or is_list)


FREE = {"MoneyBag", "MoneyV2", "PageInfo"}


class RequestedCost:
    """The requested cost of a document, by the formula that fits Shopify's recorded answers.

    An object costs 1, money and page info nothing, a connection 2 and floor(2 ln first) times its node, a count 10.
    Of the types of an interface or a union the most expensive one counts
    (https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits).
    """

    def __init__(self, graphql_schema: GraphQLSchema, variables: dict[str, int]) -> None:
        self.graphql_schema = graphql_schema
        self.variables = variables

    def selected(self, parent, selections) -> int:
        fields = [node for node in selections.selections if isinstance(node, FieldNode)]
        fragments = [node for node in selections.selections if not isinstance(node, FieldNode)]
        by_type = [
            self.selected(self.graphql_schema.get_type(node.type_condition.name.value), node.selection_set)
            for node in fragments
        ]
        own = sum(self.field(parent, node) for node in fields if node.name.value != "__typename")
        return own + max(by_type, default=0)

    def field(self, parent, node: FieldNode) -> int:
        kind = get_named_type(parent.fields[node.name.value].type)
        if is_leaf_type(kind):
            return 0
        if parent is self.graphql_schema.query_type and node.name.value.endswith("Count"):
            return 10
        if not kind.name.endswith("Connection"):
            return (0 if kind.name in FREE else 1) + self.selected(kind, node.selection_set)
        inner = next(each for each in node.selection_set.selections if each.name.value == "nodes")
        return 2 + max(1, math.floor(2 * math.log(self.first(node)))) * self.field(kind, inner)

    def first(self, node: FieldNode) -> int:
        value = next(argument.value for argument in node.arguments if argument.name.value == "first")
        if isinstance(value, VariableNode):
            return self.variables[value.name.value]
        assert isinstance(value, IntValueNode)
        return int(value.value)


def cost(graphql_schema: GraphQLSchema, document: str, **variables: int) -> int:
    """Return the requested cost of a document."""
    (operation,) = parse(document).definitions
    return RequestedCost(graphql_schema, variables).selected(graphql_schema.query_type, operation.selection_set)
