"""Checks which queries a bulk operation accepts, at submission and in Shopify's wording.

The messages are recorded responses of 2026-04. Messages that start with "The sandbox" are limits of this server only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
    parse,
)

from airflow_provider_partners.sandbox.shopify.graphql.error_messages import syntax_error, validation_errors
from airflow_provider_partners.sandbox.shopify.graphql.input_values import ScalarCheck
from airflow_provider_partners.sandbox.shopify.graphql.selections import Selections, inner_sets

MAX_BYTES = 65_535
MAX_CONNECTIONS = 5
MAX_NESTING = 2

Sets = Sequence[SelectionSetNode]


class BulkQueryError(Exception):
    """The query is rejected; each message becomes a user error of the field ``query``."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(sentences[0])
        self.messages = sentences


@dataclass(frozen=True, kw_only=True)
class BulkQuery:
    """A query that a bulk operation can run: one connection at the root.

    :param root: the root field
    """

    schema: GraphQLSchema
    selections: Selections
    root: FieldNode


def read_bulk_query(schema: GraphQLSchema, text: str, *, root_fields: Collection[str], check: ScalarCheck) -> BulkQuery:
    """Parse and check the query of a bulk operation.

    :param root_fields: the root connections that this server supports
    :raises BulkQueryError: Shopify would reject the query, or this server does not support it
    """
    size = len(text.encode())
    if size > MAX_BYTES:
        raise BulkQueryError([f"Query is too large ({size} bytes; maximum is {MAX_BYTES} bytes)"])
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        # Recorded for an empty query: the message has no position here.
        sentence = syntax_error(error)["message"].partition(" at [")[0]
        raise BulkQueryError([f"Invalid bulk query: {sentence}"]) from error
    operations = [definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)]
    if any(definition.operation is not OperationType.QUERY for definition in operations):
        raise BulkQueryError(["Invalid operation type. Only `query` operations are supported."])
    if errors := validation_errors(schema, document, check):
        raise BulkQueryError([f"Invalid bulk query: {error.message}" for error in errors])
    selections = Selections(schema, document)
    if sentences := _QueryChecks(schema, selections).of(operations[0]):
        raise BulkQueryError(sentences)
    fields = selections.fields(schema.query_type, [operations[0].selection_set])
    (root, *more) = [nodes[0] for nodes in fields.values()]
    if more or root.name.value not in root_fields:
        names = ", ".join(sorted(root_fields))
        raise BulkQueryError([
            f"The sandbox runs bulk queries over one connection at the top, which is one of: {names}."
        ])
    return BulkQuery(schema=schema, selections=selections, root=root)


@dataclass
class _QueryChecks:
    """The results of one pass over a query, by field name."""

    schema: GraphQLSchema
    selections: Selections
    connections: int = 0
    depth: int = -1
    without_edges: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    in_list: bool = False
    top_level_node: bool = False
    seen: set[int] = field(default_factory=set)

    def of(self, operation: OperationDefinitionNode) -> list[str]:
        """Return the error messages about a query, in Shopify's order."""
        root: Any = self.schema.query_type
        fields = self.selections.fields(root, [operation.selection_set])
        self.top_level_node = any(nodes[0].name.value in {"node", "nodes"} for nodes in fields.values())
        self._walk(root, [operation.selection_set], above=(), listed=False)
        first, names = next(iter(self.without_edges), ""), "', '".join(self.without_edges)
        problems = {
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', "
            f"e.g: '{first} {{ edges {{ node {{'. Selecting via 'nodes' is not supported. "
            f"Invalid connection fields: '{names}'.": bool(self.without_edges),
            "Bulk queries cannot contain a top level `node` field.": self.top_level_node,
            f"Bulk queries cannot contain connections with a nesting depth greater than {MAX_NESTING}.": (
                self.depth > MAX_NESTING
            ),
            f"Bulk queries cannot contain more than {MAX_CONNECTIONS} connections.": (
                self.connections > MAX_CONNECTIONS
            ),
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be "
            f"of 'ID' return type. Connection fields without 'id': {', '.join(self.without_id)}.": bool(
                self.without_id
            ),
            "Queries that contain a connection field within a list field are not currently supported.": self.in_list,
            "Bulk queries must contain at least one connection.": not self.connections,
        }
        return [message for message, applies in problems.items() if applies]

    def _walk(self, owner: Any, sets: Sets, *, above: tuple[str, ...], listed: bool) -> None:
        """Check the selections of a type.

        :param above: the connections around it
        :param listed: True inside a plain list
        """
        for nodes in self._fields(owner, sets):
            name = nodes[0].name.value
            definition = owner.fields.get(name)
            if definition is None or not is_composite_type(named := get_named_type(definition.type)):
                continue
            inner = inner_sets(nodes)
            if named.name.endswith("Connection"):
                self._connection(name, named, inner, above=above, listed=listed)
            else:
                plain_list = is_list_type(get_nullable_type(definition.type))
                for possible in self._possible(named):
                    self._walk(possible, inner, above=above, listed=listed or plain_list)

    def _connection(self, name: str, named: Any, sets: Sets, *, above: tuple[str, ...], listed: bool) -> None:
        key = id(sets[0]) if sets else 0
        if key in self.seen:
            # Selected on an interface: visited once for each type that implements it.
            return
        self.seen.add(key)
        self.connections += 1
        self.depth = max(self.depth, len(above))
        self.in_list = self.in_list or listed
        edge_type = get_named_type(named.fields["edges"].type)
        node_type = get_named_type(edge_type.fields["node"].type)
        edges = inner_sets([node for nodes in self._fields(named, sets, "edges") for node in nodes])
        through_edges = inner_sets([node for nodes in self._fields(edge_type, edges, "node") for node in nodes])
        through_nodes = inner_sets([node for nodes in self._fields(named, sets, "nodes") for node in nodes])
        if through_nodes or not through_edges:
            self.without_edges.append(name)
        before = self.connections
        for possible in self._possible(node_type):
            node_sets = [*through_edges, *through_nodes]
            self._walk(possible, node_sets, above=(*above, name), listed=False)
            identified = self.selections.fields(possible, node_sets).get("id")
            if self.connections > before and not (identified and identified[0].name.value == "id"):
                self.without_id.append(name)

    def _fields(self, owner: Any, sets: Sets, name: str | None = None) -> Iterator[list[FieldNode]]:
        for nodes in self.selections.fields(owner, sets).values():
            if name in {None, nodes[0].name.value}:
                yield nodes

    def _possible(self, named: Any) -> list[Any]:
        """Return the types whose selections count; for an abstract type only those that the query names."""
        return list(self.schema.get_possible_types(named)) if is_abstract_type(named) else [named]
