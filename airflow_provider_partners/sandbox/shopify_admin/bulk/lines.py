"""The lines of a bulk operation: the selected fields of document after document.

A query is compiled once and then applied to each document: executing it again for a hundred thousand orders would take
half an hour. The values come from the same resolvers as those of pages, so both ways return the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values

from airflow_provider_partners.sandbox.shopify.graphql.resolvers import Arguments, Document, completion, type_of
from airflow_provider_partners.sandbox.shopify.graphql.selections import Selections, inner_sets
from airflow_provider_partners.sandbox.shopify_admin.bulk.query_checks import BulkQuery
from airflow_provider_partners.sandbox.shopify_admin.documents import Entries
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest
from airflow_provider_partners.sandbox.shopify_admin.search.filters import Filters
from airflow_provider_partners.sandbox.shopify_admin.sorting import SortValue

Sets = Sequence[SelectionSetNode]
_NOT_REDACTED = object()


class BulkRequest(AdminRequest):
    """What a bulk operation can read of a shop: the same as a page request, with complete lists."""

    def check_page(self, arguments: Arguments) -> None:
        """Accept any arguments: ``first`` and the like are optional and ignored."""

    def list_connection(
        self, entries: Entries, info: Any, arguments: Arguments, *, filters: Filters, sorts: Mapping[str, SortValue]
    ) -> Iterator[Document]:
        """Return every document that matches a search, in its order, read in chunks."""
        ordered = self.sorted_nodes(entries, info, arguments, filters=filters, sorts=sorts)
        return self.documents.load(entries.kind, ordered.nodes)


@dataclass(frozen=True, kw_only=True)
class _FieldInfo:
    """The place of a field in a query: the part of graphql-core's resolve info that the resolvers use."""

    parent_type: Any
    field_name: str
    field_nodes: list[FieldNode]
    return_type: Any
    context: BulkRequest
    key: str

    @property
    def path(self) -> _FieldInfo:
        """Return the path. It has only the last step, because a bulk operation has no pages with indexes."""
        return self

    def as_list(self) -> list[str]:
        """Return the path in the form of a search report."""
        return [self.key]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One object.

    :param depth: 0 at the root, 1 for its children, 2 for theirs
    :param body: the selected fields, with ``__parentId`` below the root
    """

    depth: int
    body: Document


class BulkLines:
    """The lines of a bulk query over a shop.

    :param query: the checked query
    :param request: the request context with the shop's documents
    """

    def __init__(self, query: BulkQuery, request: BulkRequest) -> None:
        self._compiler = _Compiler(query.schema, query.selections, request)
        self._root = self._compiler.connection(query.schema.query_type, [query.root], query.root.name.value)

    def __iter__(self) -> Iterator[list[Line]]:
        """Yield one list for each root object: the object, then its children, each followed by its own."""
        for source in self._root.nodes({}):
            yield list(self._lines(self._root, source, depth=0, parent=None))

    def _lines(self, connection: _Connection, source: Document, *, depth: int, parent: str | None) -> Iterator[Line]:
        reader = connection.reader(source)
        body = reader.read(source)
        yield Line(depth=depth, body=body if parent is None else {**body, "__parentId": parent})
        for nested, owner in reader.nested(source):
            for item in nested.nodes(owner):
                yield from self._lines(nested, item, depth=depth + 1, parent=str(source["id"]))


@dataclass(frozen=True, kw_only=True)
class _Field:
    """A field that is part of its line."""

    key: str
    value: Callable[[Document], Any]
    write: Callable[[Any], Any]

    def read(self, source: Document) -> Any:
        value = self.value(source)
        return None if value is None else self.write(value)


@dataclass(frozen=True, kw_only=True)
class _Connection:
    """A field whose nodes are lines of their own."""

    nodes: Callable[[Document], Sequence[Document] | Iterator[Document]]
    reader: Callable[[Document], _Reader]


class _Reader:
    """The compiled selection of one object type."""

    def __init__(self) -> None:
        self.fields: list[_Field] = []
        self.connections: list[_Connection] = []
        #: objects inside the line that contain connections
        self.holders: list[tuple[_Field, Callable[[Document], _Reader]]] = []

    def read(self, source: Document) -> Document:
        """Return the object, without its connections."""
        return {field.key: field.read(source) for field in self.fields}

    def nested(self, source: Document) -> Iterator[tuple[_Connection, Document]]:
        """Yield its connections, each with the object that contains it."""
        for connection in self.connections:
            yield connection, source
        for field, reader in self.holders:
            source_object = field.value(source)
            if source_object is not None:
                yield from reader(source_object).nested(source_object)


class _Compiler:
    def __init__(self, schema: GraphQLSchema, selections: Selections, request: BulkRequest) -> None:
        self._schema = schema
        self._selections = selections
        self._request = request
        self._readers: dict[tuple[str, tuple[int, ...]], _Reader] = {}

    def connection(self, owner: Any, nodes: list[FieldNode], key: str) -> _Connection:
        """Compile a connection: the nodes of ``nodes`` or of ``edges { node }``."""
        value, arguments = self._value(owner, nodes, key)
        named = get_named_type(owner.fields[nodes[0].name.value].type)
        edge_type = get_named_type(named.fields["edges"].type)
        node_sets = self._below(edge_type, self._below(named, inner_sets(nodes), "edges"), "node")

        def listed(source: Document) -> Any:
            children = value(source) or ()
            return children[::-1] if arguments.get("reverse") and isinstance(children, list) else children

        return _Connection(nodes=listed, reader=self._chosen(get_named_type(edge_type.fields["node"].type), node_sets))

    def _below(self, owner: Any, sets: Sets, name: str) -> list[SelectionSetNode]:
        selected = self._selections.fields(owner, sets).values()
        return inner_sets([node for nodes in selected for node in nodes if node.name.value == name])

    def _chosen(self, named: Any, sets: Sets) -> Callable[[Document], _Reader]:
        """Return the reader for a document: by its concrete type if the schema has an interface or a union."""
        if not is_abstract_type(named):
            reader = self._reader(named, sets)
            return lambda _source: reader
        return lambda source: self._reader(self._schema.get_type(type_of(source, None, named)), sets)

    def _reader(self, owner: Any, sets: Sets) -> _Reader:
        known = (owner.name, tuple(id(each) for each in sets))
        if known not in self._readers:
            reader = self._readers[known] = _Reader()
            for key, nodes in self._selections.fields(owner, sets).items():
                self._add(reader, owner, nodes, key)
        return self._readers[known]

    def _add(self, reader: _Reader, owner: Any, nodes: list[FieldNode], key: str) -> None:
        name = nodes[0].name.value
        if name == "__typename":
            reader.fields.append(_Field(key=key, value=lambda _source: owner.name, write=str))
            return
        returned = owner.fields[name].type
        named = get_named_type(returned)
        if named.name.endswith("Connection"):
            reader.connections.append(self.connection(owner, nodes, key))
            return
        value, _ = self._value(owner, nodes, key)
        listed = is_list_type(get_nullable_type(returned))
        if is_leaf_type(named):
            inner = None
            write: Callable[[Any], Any] = named.serialize
        else:
            inner = self._chosen(named, inner_sets(nodes))
            write = _object(inner)
        field = _Field(key=key, value=value, write=_each(write) if listed else write)
        reader.fields.append(field)
        if inner is not None and not listed and self._has_connections(named, inner_sets(nodes)):
            reader.holders.append((field, inner))

    def _has_connections(self, named: Any, sets: Sets) -> bool:
        if is_abstract_type(named):
            return any(self._has_connections(each, sets) for each in self._schema.get_possible_types(named))
        reader = self._reader(named, sets)
        return bool(reader.connections or reader.holders)

    def _value(self, owner: Any, nodes: list[FieldNode], key: str) -> tuple[Callable[[Document], Any], Arguments]:
        """Compile how a field gets its value: as :func:`~.resolvers.resolve` does, with the lookup done in advance."""
        request, name = self._request, nodes[0].name.value
        returned = owner.fields[name].type
        info = _FieldInfo(
            parent_type=owner, field_name=name, field_nodes=nodes, return_type=returned, context=request, key=key
        )
        request.authorize(owner.name, info)
        arguments = get_argument_values(owner.fields[name], nodes[0])
        rule = request.table.get((owner.name, name))
        redacted = request.redact(owner.name, name, _NOT_REDACTED)
        connected = get_named_type(returned).name.endswith("Connection")
        complete = completion(request, info, arguments)

        def value(source: Document) -> Any:
            result = rule(request, source, info, arguments) if rule else source.get(name)
            result = result if redacted is _NOT_REDACTED else redacted
            return result if connected else complete(result, source)

        return value, arguments


def _object(reader: Callable[[Document], _Reader]) -> Callable[[Document], Document]:
    return lambda source: reader(source).read(source)


def _each(write: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda items: [None if item is None else write(item) for item in items]
