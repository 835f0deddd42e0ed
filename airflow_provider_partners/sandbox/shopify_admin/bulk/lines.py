"""The lines of a bulk operation: what a query selects, read from document after document.

A query is compiled once and then put to each document, because executing it anew for a hundred thousand orders would
take half an hour. Every value comes from the rules that answer pages, too, so that both ways give the same. This module
must not know which queries are allowed, nor where the lines go.
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
_UNTOUCHED = object()


class BulkRequest(AdminRequest):
    """What a bulk operation sees of a shop: what a page sees, and lists whole."""

    def check_page(self, arguments: Arguments) -> None:
        """``first`` and its kin are optional and ignored."""

    def list_connection(
        self, entries: Entries, info: Any, arguments: Arguments, *, filters: Filters, sorts: Mapping[str, SortValue]
    ) -> Iterator[Document]:
        """Every document that a search finds, in its order, read a few at a time."""
        ordered = self.sorted_nodes(entries, info, arguments, filters=filters, sorts=sorts)
        return self.documents.load(entries.kind, ordered.nodes)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where in a query a field stands: as much of graphql-core's resolve info as the rules ask for."""

    parent_type: Any
    field_name: str
    field_nodes: list[FieldNode]
    return_type: Any
    context: BulkRequest
    key: str

    @property
    def path(self) -> _Place:
        """The path, which is known by its last step alone: there are no places in a list that is not a page."""
        return self

    def as_list(self) -> list[str]:
        """The path as a report of a search shows it."""
        return [self.key]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One object.

    :param depth: 0 at the root, 1 for its children, 2 for theirs
    :param body: what was selected of it, with ``__parentId`` below the root
    """

    depth: int
    body: Document


class BulkLines:
    """The lines that a query makes of a shop.

    :param query: the query
    :param answer: what may be seen of the shop
    """

    def __init__(self, query: BulkQuery, answer: BulkRequest) -> None:
        self._compiler = _Compiler(query.schema, query.selections, answer)
        self._root = self._compiler.connection(query.schema.query_type, [query.root], query.root.name.value)

    def __iter__(self) -> Iterator[list[Line]]:
        """One list for each object at the root: itself, then its children, each followed by its own."""
        for source in self._root.nodes({}):
            yield list(self._lines(self._root, source, depth=0, parent=None))

    def _lines(self, connection: _Connection, source: Document, *, depth: int, parent: str | None) -> Iterator[Line]:
        reader = connection.reader(source)
        body = reader.read(source)
        yield Line(depth=depth, body=body if parent is None else {**body, "__parentId": parent})
        for nested, owner in reader.nested(source):
            for row in nested.nodes(owner):
                yield from self._lines(nested, row, depth=depth + 1, parent=str(source["id"]))


@dataclass(frozen=True, kw_only=True)
class _Field:
    """A field that stands inside its line."""

    key: str
    value: Callable[[Document], Any]
    write: Callable[[Any], Any]

    def read(self, source: Document) -> Any:
        value = self.value(source)
        return None if value is None else self.write(value)


@dataclass(frozen=True, kw_only=True)
class _Connection:
    """A field whose rows are lines of their own."""

    nodes: Callable[[Document], Sequence[Document] | Iterator[Document]]
    reader: Callable[[Document], _Reader]


class _Reader:
    """One selection of one object type."""

    def __init__(self) -> None:
        self.fields: list[_Field] = []
        self.connections: list[_Connection] = []
        #: objects that are not lines themselves but have connections inside
        self.holders: list[tuple[_Field, Callable[[Document], _Reader]]] = []

    def read(self, source: Document) -> Document:
        """The object, without its connections."""
        return {field.key: field.read(source) for field in self.fields}

    def nested(self, source: Document) -> Iterator[tuple[_Connection, Document]]:
        """Its connections, each with the object that has it."""
        for connection in self.connections:
            yield connection, source
        for field, reader in self.holders:
            held = field.value(source)
            if held is not None:
                yield from reader(held).nested(held)


class _Compiler:
    def __init__(self, schema: GraphQLSchema, selections: Selections, answer: BulkRequest) -> None:
        self._schema = schema
        self._selections = selections
        self._answer = answer
        self._readers: dict[tuple[str, tuple[int, ...]], _Reader] = {}

    def connection(self, owner: Any, nodes: list[FieldNode], key: str) -> _Connection:
        """A connection as its rows: those of ``edges { node }``."""
        value, arguments = self._value(owner, nodes, key)
        named = get_named_type(owner.fields[nodes[0].name.value].type)
        edge_type = get_named_type(named.fields["edges"].type)
        rows = self._below(edge_type, self._below(named, inner_sets(nodes), "edges"), "node")

        def listed(source: Document) -> Any:
            found = value(source) or ()
            return found[::-1] if arguments.get("reverse") and isinstance(found, list) else found

        return _Connection(nodes=listed, reader=self._chosen(get_named_type(edge_type.fields["node"].type), rows))

    def _below(self, owner: Any, sets: Sets, name: str) -> list[SelectionSetNode]:
        found = self._selections.fields(owner, sets).values()
        return inner_sets([node for nodes in found for node in nodes if node.name.value == name])

    def _chosen(self, named: Any, sets: Sets) -> Callable[[Document], _Reader]:
        """The reader of a document: by its own type where the schema has an interface or a union."""
        if not is_abstract_type(named):
            reader = self._reader(named, sets)
            return lambda _source: reader
        return lambda source: self._reader(self._schema.get_type(type_of(source, None, named)), sets)

    def _reader(self, owner: Any, sets: Sets) -> _Reader:
        known = (owner.name, tuple(id(found) for found in sets))
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
        """How a field gets its value: by the rules of :func:`~.graphql_fields.resolve`, looked up beforehand."""
        answer, name = self._answer, nodes[0].name.value
        returned = owner.fields[name].type
        place = _Place(
            parent_type=owner, field_name=name, field_nodes=nodes, return_type=returned, context=answer, key=key
        )
        answer.authorize(owner.name, place)
        arguments = get_argument_values(owner.fields[name], nodes[0])
        rule = answer.table.get((owner.name, name))
        redacted = answer.redact(owner.name, name, _UNTOUCHED)
        connected = get_named_type(returned).name.endswith("Connection")
        complete = completion(answer, place, arguments)

        def value(source: Document) -> Any:
            found = rule(answer, source, place, arguments) if rule else source.get(name)
            found = found if redacted is _UNTOUCHED else redacted
            return found if connected else complete(found, source)

        return value, arguments


def _object(reader: Callable[[Document], _Reader]) -> Callable[[Document], Document]:
    return lambda source: reader(source).read(source)


def _each(write: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda items: [None if item is None else write(item) for item in items]
