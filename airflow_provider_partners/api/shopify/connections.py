"""The connections of a GraphQL document: find them, and rewrite them into the form that paging or a bulk file needs.

A connection is a field that selects ``edges { node { … } }`` or ``nodes { … }``
(https://relay.dev/graphql/connections.htm). Every connection of Shopify's schemas has ``edges`` with a ``cursor``. The
Partner API's ``pageInfo`` has no cursors. So all of them are rewritten to ``edges``. This module knows no schema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from graphql import (
    ArgumentNode,
    FieldNode,
    InlineFragmentNode,
    IntValueNode,
    NamedTypeNode,
    NameNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)

from airflow_provider_partners.api.shopify.syntax import (
    fields_of,
    has_key,
    merge_selections,
    replace_fields,
    replace_node,
    response_key,
)
from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = [
    "ANCHOR_ID",
    "ANCHOR_TYPE",
    "PLACE_PREFIX",
    "Connection",
    "argument",
    "bulk_selection",
    "choose_connection",
    "continued_selection",
    "field_node",
    "find_connections",
    "is_connection",
    "node_selection",
    "paged_field",
    "replace_connection",
    "selection_at",
    "selects_id",
    "variable",
    "with_arguments",
]

INNER_FIRST = 50
"""Nodes of an inner connection that come with each record, where the document doesn't say how many."""

ANCHOR_ID = "_pagingId"
ANCHOR_TYPE = "_pagingType"
"""What an object with connections has to select besides, so that they can be read to their end: its id and its type."""

PLACE_PREFIX = "_place"
"""Begins the name of a field that says, in a bulk file, which connection a line belongs to."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection of a document.

    :param path: response keys that lead to it, from the root or from a node of the connection around it
    :param field: its first appearance
    :param nodes: the selection of each node
    """

    path: Path
    field: FieldNode
    nodes: SelectionSetNode

    @property
    def dotted_path(self) -> str:
        """The path as users write it."""
        return ".".join(self.path)


def is_connection(field: FieldNode) -> bool:
    """Return True if a field selects the nodes of a connection."""
    below = list(fields_of(field.selection_set))
    return any(each.name.value == "edges" and _children(each, "node") for each in below) or any(
        each.name.value == "nodes" and each.selection_set and not each.arguments for each in below
    )


def find_connections(selections: SelectionSetNode, path: Path = ()) -> list[Connection]:
    """Return the outermost connections of a selection, each path once."""
    found: dict[Path, Connection] = {}
    for field in fields_of(selections):
        place = (*path, response_key(field))
        if is_connection(field):
            each = [Connection(place, field, node_selection(field))]
        else:
            each = find_connections(field.selection_set, place) if field.selection_set else []
        for connection in each:
            known = found.get(connection.path)
            if known:
                # The same path in fragments of several types.
                nodes = (*known.nodes.selections, *connection.nodes.selections)
                connection = Connection(place, known.field, replace_node(known.nodes, selections=nodes))
            found[connection.path] = connection
    return list(found.values())


def choose_connection(selections: SelectionSetNode, path: str | None) -> Connection | None:
    """Return the connection whose nodes are the records; ``None`` if the document has none.

    :param path: dotted path below ``data``, where there are several
    :raises ConfigurationError: when there are several, or none at the path
    """
    connections = find_connections(selections)
    names = [each.dotted_path for each in connections]
    if path is None:
        if len(connections) > 1:
            message = f"the document has {len(connections)} connections: {', '.join(names)}"
            raise ConfigurationError(message, remedy="Name the one whose nodes are the records.")
        return connections[0] if connections else None
    chosen = next((each for each in connections if each.dotted_path == path), None)
    if chosen is None:
        has = f"has {', '.join(names)}" if names else "has none"
        message = f"the document has no connection '{path}'{suggest(path, names)}"
        remedy = f"It {has}: name the field that has 'edges' or 'nodes', from the root on."
        raise ConfigurationError(message, remedy=remedy)
    return chosen


def node_selection(field: FieldNode) -> SelectionSetNode:
    """Return what a connection selects of each node, through ``edges`` and ``nodes`` alike.

    :raises ConfigurationError: when it selects more than its nodes: a record has no place for it
    """
    merged: SelectionSetNode | None = None
    for each in fields_of(field.selection_set):
        name = each.name.value
        if name in {"pageInfo", "__typename"}:
            continue
        nodes = [each] if name == "nodes" else _children(each, "node") if name == "edges" else []
        others = [below for below in fields_of(each.selection_set) if name == "edges" and below not in nodes]
        strange = [below for below in others if below.name.value not in {"cursor", "__typename"}]
        if name not in {"nodes", "edges"} or strange:
            extra = strange[0].name.value if strange else name
            message = f"'{response_key(field)}' selects '{extra}' besides its nodes, and records are the nodes alone"
            raise ConfigurationError(message, remedy="Leave it out, or send the document unpaged (paged=False).")
        for node in nodes:
            if node.selection_set:
                merged = merge_selections(merged, node.selection_set) if merged else node.selection_set
    return merged or SelectionSetNode(selections=(field_node("__typename"),))


def paged_field(
    field: FieldNode, *, arguments: Mapping[str, ValueNode], backward: bool = False, inner: bool = True
) -> FieldNode:
    """Return a connection as it is read page by page.

    :param arguments: to add, or to replace
    :param backward: whether it is read from its end
    :param inner: whether the connections inside of its nodes are read to their end as well
    """
    nodes = node_selection(field)
    if inner and find_connections(nodes):
        nodes = replace_connection(nodes, _inner_field)
        anchor = (field_node("id", alias=ANCHOR_ID), field_node("__typename", alias=ANCHOR_TYPE))
        nodes = replace_node(nodes, selections=(*nodes.selections, *anchor))
    more = "hasPreviousPage" if backward else "hasNextPage"
    edges = field_node("edges", field_node("cursor"), replace_node(field_node("node"), selection_set=nodes))
    return _with_selection(with_arguments(field, arguments), field_node("pageInfo", field_node(more)), edges)


def replace_connection(
    selections: SelectionSetNode, change: Callable[[FieldNode, Path], FieldNode], path: Path = ()
) -> SelectionSetNode:
    """Return a selection with each of its outermost connections changed.

    :param change: takes the connection's field and its path
    """

    def visit(field: FieldNode) -> FieldNode:
        place = (*path, response_key(field))
        if is_connection(field):
            return change(field, place)
        if not field.selection_set:
            return field
        return replace_node(field, selection_set=replace_connection(field.selection_set, change, place))

    return replace_fields(selections, visit)


def bulk_selection(selections: SelectionSetNode, places: dict[str, tuple[str, Path]]) -> SelectionSetNode:
    """Return a selection as a bulk operation accepts it: through ``edges``, and each node with its id.

    Each node below the root also says which connection it belongs to: Shopify's file names its parent alone.
    See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries.

    :param places: filled with each connection below the root, by the name of the field that marks it: the field that
        marks the connection around it, which is empty at the root, and the path from there
    """
    return replace_connection(selections, partial(_bulk_field, places=places, parent=None))


def _bulk_field(field: FieldNode, path: Path, *, places: dict[str, tuple[str, Path]], parent: str | None) -> FieldNode:
    added: list[FieldNode] = [field_node("id")]
    nodes, name = node_selection(field), ""
    if parent is not None:
        name = f"{PLACE_PREFIX}{len(places) + 1}"
        places[name] = (parent, path)
        added.append(field_node("__typename", alias=name))
    nodes = replace_connection(nodes, partial(_bulk_field, places=places, parent=name))
    # "The parent 'node' field for a nested connection must select the 'id' field without an alias."
    own = [each for each in nodes.selections if not _is_plain_id(each)]
    nodes = replace_node(nodes, selections=(*added, *own))
    arguments = tuple(each for each in field.arguments or () if each.name.value not in _PAGING)
    edges = field_node("edges", replace_node(field_node("node"), selection_set=nodes))
    return _with_selection(replace_node(field, arguments=arguments), edges)


_PAGING = frozenset({"first", "last", "after", "before"})


def continued_selection(
    selections: SelectionSetNode, path: Path, type_name: str, arguments: Mapping[str, ValueNode]
) -> SelectionSetNode:
    """Return what reads a further page of one connection of an object, below ``node(id:)``.

    :param selections: the object's selection
    :param path: of the connection inside of it
    :param type_name: the object's type
    :param arguments: of the page
    """
    kept = _only(selections, path, arguments)
    fields = tuple(each for each in kept.selections if isinstance(each, FieldNode))
    others = tuple(each for each in kept.selections if not isinstance(each, FieldNode))
    own: tuple[SelectionNode, ...] = ()
    if fields:
        condition = NamedTypeNode(name=NameNode(value=type_name))
        own = (
            InlineFragmentNode(
                type_condition=condition, selection_set=SelectionSetNode(selections=fields), directives=()
            ),
        )
    return SelectionSetNode(selections=(field_node("__typename"), *own, *others))


def selection_at(selections: SelectionSetNode, path: Path) -> SelectionSetNode:
    """Return the selection of the objects at a path."""
    for key in path:
        below = [
            each.selection_set for each in fields_of(selections) if response_key(each) == key and each.selection_set
        ]
        selections = SelectionSetNode(selections=tuple(each for part in below for each in part.selections))
    return selections


def argument(field: FieldNode, name: str) -> ValueNode | None:
    """Return an argument's value; ``None`` if the field doesn't have it."""
    return next((each.value for each in field.arguments or () if each.name.value == name), None)


def _only(selections: SelectionSetNode, path: Path, arguments: Mapping[str, ValueNode]) -> SelectionSetNode:
    key, *rest = path

    def visit(field: FieldNode) -> FieldNode | None:
        if response_key(field) != key:
            return None
        if rest:
            below = field.selection_set
            return replace_node(field, selection_set=_only(below, tuple(rest), arguments)) if below else None
        return with_arguments(field, arguments)

    return replace_fields(selections, visit)


def _inner_field(field: FieldNode, path: Path) -> FieldNode:
    is_sized = argument(field, "first") or argument(field, "last")
    return paged_field(field, arguments={} if is_sized else {"first": IntValueNode(value=str(INNER_FIRST))})


def _is_plain_id(node: SelectionNode) -> bool:
    return isinstance(node, FieldNode) and node.name.value == "id" and response_key(node) == "id"


def selects_id(nodes: SelectionSetNode) -> bool:
    """Return True if a user's selection has the object's id."""
    return has_key(nodes, "id")


def _children(field: FieldNode, name: str) -> list[FieldNode]:
    return [each for each in fields_of(field.selection_set) if each.name.value == name]


def field_node(name: str, *below: FieldNode, alias: str | None = None) -> FieldNode:
    """Return a field without arguments.

    :param below: what it selects
    """
    return FieldNode(
        name=NameNode(value=name),
        alias=NameNode(value=alias) if alias else None,
        arguments=(),
        directives=(),
        selection_set=SelectionSetNode(selections=below) if below else None,
    )


def with_arguments(field: FieldNode, arguments: Mapping[str, ValueNode]) -> FieldNode:
    """Return a field with arguments added, or replaced."""
    kept = tuple(each for each in field.arguments or () if each.name.value not in arguments)
    added = tuple(ArgumentNode(name=NameNode(value=name), value=value) for name, value in arguments.items())
    return replace_node(field, arguments=(*kept, *added))


def _with_selection(field: FieldNode, *selections: FieldNode) -> FieldNode:
    return replace_node(field, selection_set=SelectionSetNode(selections=selections))


def variable(name: str) -> VariableNode:
    """Return the use of a variable."""
    return VariableNode(name=NameNode(value=name))
