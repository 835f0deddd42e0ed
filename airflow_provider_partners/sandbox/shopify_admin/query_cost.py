"""The cost of an Admin API operation in points, before it runs (requested) and after it (actual).

Shopify publishes the outline: scalars are free, an object is one point, a connection is sized by ``first``/``last``,
a mutation is ten. The formula below was fitted to recorded requests and matches 336 of 348 captured queries exactly. A
few expensive fields have special prices that are not modelled (an order query with ``transactions { amountSet … }``
cost 38; here it costs 3). The exact rule of the actual cost is not known: here the operation is priced again for the
returned data, and never above the requested cost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
    value_from_ast_untyped,
)

from airflow_provider_partners.sandbox.shopify.graphql.selections import Fields, Selections, inner_sets

#: Objects that are free; only the fields selected in them cost points (recorded).
FREE = {"MoneyBag", "MoneyV2", "PageInfo"}
MUTATION = 10
COUNT = 10
CONNECTION = 2

_REQUESTED = object()


def connection_points(first: int) -> int:
    """Return the number of nodes that a connection of ``first`` is charged for: 1→1, 10→4, 50→7, 100→9, 250→11."""
    return max(1, math.floor(2 * math.log(first))) if first > 0 else 1


class Pricing:
    """The cost of one operation.

    :param variables: the sent values, for ``first`` and ``@include``
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: Mapping[str, Any],
    ) -> None:
        self._schema = schema
        self._operation = operation
        defaults = {
            definition.variable.name.value: value_from_ast_untyped(definition.default_value)
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        self._selected = Selections(schema, document, {**defaults, **variables})

    def requested(self) -> int:
        """Return the points that must be available before the operation runs."""
        return self._operation_price(_REQUESTED)

    def actual(self, data: Any) -> int:
        """Return the points that are charged after the operation returned ``data``."""
        return min(self.requested(), self._operation_price(data))

    def _operation_price(self, data: Any) -> int:
        if self._operation.operation is OperationType.MUTATION:
            return MUTATION * len(self._operation.selection_set.selections)
        root = self._schema.query_type
        return self._selections(root, [self._operation.selection_set], data) if data is not None else 0

    def _selections(self, owner: Any, sets: Sequence[SelectionSetNode], data: Any) -> int:
        if is_abstract_type(owner):
            prices = [
                self._fields(possible, fields, data)
                for possible in self._schema.get_possible_types(owner)
                if (fields := self._selected.fields(possible, sets)) is not None
                and (data is _REQUESTED or fields.keys() == data.keys())
            ]
            return max(prices, default=0)
        return self._fields(owner, self._selected.fields(owner, sets), data)

    def _fields(self, owner: Any, fields: Fields, data: Any) -> int:
        return sum(
            self._field(owner, nodes, data if data is _REQUESTED else data.get(key)) for key, nodes in fields.items()
        )

    def _field(self, owner: Any, nodes: list[FieldNode], data: Any) -> int:
        name = nodes[0].name.value
        definition = owner.fields.get(name)
        if definition is None or data is None or is_leaf_type(named := get_named_type(definition.type)):
            return 0
        root = owner is self._schema.query_type
        if root and name.endswith("Count"):
            return COUNT
        sets = inner_sets(nodes)
        if is_object_type(named) and named.name.endswith("Connection"):
            return self._connection(named, nodes, sets, data, root=root)
        own = 0 if named.name in FREE else 1
        if isinstance(data, list):
            # A plain list costs as much as one object, whatever its length (recorded).
            return own + max((self._selections(named, sets, item) for item in data if item is not None), default=0)
        return own + self._selections(named, sets, data)

    def _connection(
        self, named: Any, nodes: list[FieldNode], sets: list[SelectionSetNode], data: Any, *, root: bool
    ) -> int:
        fields = self._selected.fields(named, sets)
        if data is not _REQUESTED and root and not self._returned(fields, data):
            # Recorded: an empty connection at the root is not refunded.
            data = _REQUESTED
        page_points = connection_points(self._page_size(nodes[0]))
        count = page_points if data is _REQUESTED else min(page_points, connection_points(self._returned(fields, data)))
        each = 0
        for key, selected_nodes in fields.items():
            nodes_data = _REQUESTED if data is _REQUESTED else data.get(key)
            each += self._node_price(named, selected_nodes, nodes_data)
        return CONNECTION + count * each

    def _node_price(self, connection: Any, nodes: list[FieldNode], documents: Any) -> int:
        """Return the cost of one node of ``nodes`` or of ``edges { node }``.

        Of the returned nodes the most expensive one counts.
        """
        name = nodes[0].name.value
        sets = inner_sets(nodes)
        if name not in {"nodes", "edges"} or not sets:
            return 0
        row_type = get_named_type(connection.fields[name].type)
        items = (
            [_REQUESTED]
            if documents is _REQUESTED
            else [document for document in documents or () if document is not None]
        )
        if name == "nodes":
            return max((1 + self._selections(row_type, sets, item) for item in items), default=0)
        prices = [0]
        for key, inner in self._selected.fields(row_type, sets).items():
            if inner[0].name.value == "node":
                node_type = get_named_type(row_type.fields["node"].type)
                node_sets = inner_sets(inner)
                nodes_data = [item if item is _REQUESTED else item.get(key) for item in items]
                prices += [1 + self._selections(node_type, node_sets, node) for node in nodes_data if node is not None]
        return max(prices)

    def _returned(self, fields: Fields, data: Any) -> int:
        node_lists = [data.get(key) for key, nodes in fields.items() if nodes[0].name.value in {"nodes", "edges"}]
        return max((len(node_list) for node_list in node_lists if node_list), default=0)

    def _page_size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in {"first", "last"}:
                value = value_from_ast_untyped(argument.value, self._selected.variables)
                if isinstance(value, int):
                    return value
        return 1
