"""A user's query of the Admin API: with its window, as pages, and as the text of a bulk operation.

The restrictions of a bulk operation are those of
https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries. What needs Shopify's schema, such as a
connection inside of a plain list, Shopify itself refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, IntValueNode, NameNode, SelectionSetNode, StringValueNode, VariableNode

from airflow_provider_partners import timestamps
from airflow_provider_partners.api.async_job import JobRefusedError
from airflow_provider_partners.api.shopify.connections import (
    Connection,
    argument,
    bulk_selection,
    field_node,
    find_connections,
    selects_id,
    with_arguments,
)
from airflow_provider_partners.api.shopify.syntax import bind_variables, print_tree, replace_fields, replace_node
from airflow_provider_partners.api.shopify.user_document import UserDocument
from airflow_provider_partners.api.shopify_admin.bulk.placement import Place
from airflow_provider_partners.api.shopify_admin.query import range_as_json
from airflow_provider_partners.api.shopify_admin.search import build_search, is_capped, validate_query
from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import TimeRange

__all__ = ["BulkText", "DocumentQuery"]

PARTNER = "Shopify Admin"

MAX_CONNECTIONS = 5
MAX_NESTING = 2
"""Connections of a bulk operation, and how deep they may lie in the one at the root."""

_PROBE_SIZE = 250
_PAGES_REMEDY = "Change the document, or read it page by page (mode='paged')."


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkText:
    """The text of a bulk operation, and how its file becomes records.

    :param places: the connections below the root, by the field that marks their lines
    :param connection: the connection at the root, as the user wrote it
    """

    text: str
    places: Mapping[str, Place] = field(default_factory=dict)
    connection: Connection = field(repr=False)

    def complete(self, objects: list[Record]) -> list[Record]:
        """Return the objects of a file without what was added to the document."""
        for each in objects:
            _remove_added(each, self.connection.nodes)
        return objects


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """A user's query with its window written into it.

    :param time_range: the window, in whole seconds
    """

    document: UserDocument
    time_range: TimeRange

    @classmethod
    def read(cls, document: UserDocument, time_range: TimeRange, time_field: str | None) -> DocumentQuery:
        """Return the query with the window in its variables ``$since`` and ``$until``, and in its search.

        :param time_field: the search field of the window, such as ``updated_at``
        :raises ConfigurationError: when the window has no place in the document
        """
        declared = {each.variable.name.value for each in document.operation.variable_definitions or ()}
        named = declared & {"since", "until"}
        if not time_range.is_unbounded and not named and time_field is None:
            message = "'since' and 'until' have no place in the document"
            remedy = "Set time_field='updated_at', for example, or declare $since and $until as variables."
            raise ConfigurationError(message, remedy=remedy, partner=PARTNER)
        bounds = {"since": time_range.since, "until": time_range.until}
        texts = {
            name: timestamps.isoformat(bound, "seconds") for name, bound in bounds.items() if bound and name in named
        }
        document = replace(document, variables={**document.variables, **texts})
        if time_field is not None:
            check_text("time_field", time_field)
            document = _with_search(document, time_range, time_field)
        return cls(document=document, time_range=time_range)

    @property
    def request(self) -> dict[str, Any]:
        """Everything that decides the result, as JSON."""
        return {
            "document": print_tree(self.document.operation),
            "variables": dict(self.document.variables),
            "connection": self.document.connection.dotted_path if self.document.connection else None,
            "time_range": range_as_json(self.time_range),
        }

    def bulk_text(self) -> BulkText:
        """Return the query as a bulk operation accepts it: one connection, without variables and page sizes.

        :raises JobRefusedError: naming what a bulk operation doesn't accept
        """
        connection = self.document.connection
        root = self._only_root_field()
        if connection is None or root is None or len(connection.path) != 1:
            message = "a bulk operation reads one connection at the root of the document, and no other field"
            raise JobRefusedError(message, remedy=_PAGES_REMEDY, partner=PARTNER)
        if self.document.wants_last:
            message = (
                f"a bulk operation reads all of '{connection.dotted_path}', and the document asks for its last nodes"
            )
            raise JobRefusedError(message, remedy=_PAGES_REMEDY, partner=PARTNER)
        _check_connections(connection)
        try:
            bound = bind_variables(self.document.operation, self.document.variables)
        except ConfigurationError as error:
            raise JobRefusedError(error.message, remedy=error.remedy, partner=PARTNER) from None
        places: dict[str, tuple[str, tuple[str, ...]]] = {}
        operation = replace_node(
            bound,
            # The suffix of our own grouped operations must not appear in a user's name.
            name=NameNode(value="Bulk"),
            selection_set=bulk_selection(bound.selection_set, places),
        )
        return BulkText(
            text=print_tree(operation),
            places={name: Place(parent, path) for name, (parent, path) in places.items()},
            connection=connection,
        )

    def is_large(self, caller: GraphQLCaller) -> bool:
        """Return True if the connection holds 10,000 objects or more, or more than Shopify counts.

        A connection that Shopify doesn't count is large if it has more than one page.
        """
        connection = self.document.connection
        if connection is None:
            return False
        bound = bind_variables(self.document.operation, self.document.variables)
        root = find_connections(bound.selection_set)[0].field
        count_field = f"{root.name.value}Count"
        search = argument(root, "query")
        arguments = {"query": search} if isinstance(search, StringValueNode) else {}
        try:
            counted = with_arguments(field_node(count_field, field_node("count"), field_node("precision")), arguments)
            data = caller.execute(_query_text(counted), label="query.count").data
            return is_capped(data[count_field] or {})
        except ConfigurationError:
            # No list is counted by the schema's rule: ``ordersCount`` exists, ``metaobjectsCount`` doesn't.
            data = caller.execute(_query_text(_first_page(root)), label="query.probe").data
            return bool(get_path(data, f"{connection.path[0]}.pageInfo.hasNextPage"))

    def _only_root_field(self) -> FieldNode | None:
        selections = self.document.operation.selection_set.selections
        only = selections[0] if len(selections) == 1 else None
        return only if isinstance(only, FieldNode) else None


def _check_connections(connection: Connection) -> None:
    depths = list(_depths(connection, 0))
    problem = ""
    if len(depths) > MAX_CONNECTIONS:
        problem = f"{len(depths)} connections, and a bulk operation accepts {MAX_CONNECTIONS}"
    elif max(depths) > MAX_NESTING:
        problem = f"connections {max(depths)} levels deep, and a bulk operation accepts {MAX_NESTING}"
    if problem:
        message = f"the document has {problem}"
        raise JobRefusedError(message, remedy=_PAGES_REMEDY, partner=PARTNER)


def _depths(connection: Connection, depth: int) -> list[int]:
    inner = find_connections(connection.nodes)
    return [depth, *(each for nested in inner for each in _depths(nested, depth + 1))]


def _with_search(document: UserDocument, time_range: TimeRange, time_field: str) -> UserDocument:
    """Return the document with the window in the ``query`` argument of its connection, beside the user's search."""
    connection = document.connection
    if connection is None:
        message = "'time_field' has no place in a document without a connection"
        raise ConfigurationError(message, remedy="Leave it out, with 'since' and 'until'.", partner=PARTNER)
    present = argument(connection.field, "query")
    if isinstance(present, VariableNode):
        name = present.name.value
        given = document.variables.get(name)
        search = build_search(time_range, validate_query(given), field=time_field)
        return replace(document, variables={**document.variables, name: search})
    own = validate_query(present.value) if isinstance(present, StringValueNode) else None
    search = build_search(time_range, own, field=time_field)
    if not search:
        return document
    value = StringValueNode(value=search)

    def change(each: FieldNode, path: tuple[str, ...] = ()) -> FieldNode:
        place = (*path, (each.alias or each.name).value)
        if place == connection.path:
            return with_arguments(each, {"query": value})
        if place != connection.path[: len(place)] or not each.selection_set:
            return each
        return replace_node(each, selection_set=replace_fields(each.selection_set, lambda below: change(below, place)))

    operation = replace_node(
        document.operation, selection_set=replace_fields(document.operation.selection_set, lambda each: change(each))
    )
    changed = next(each for each in find_connections(operation.selection_set) if each.path == connection.path)
    return replace(document, operation=operation, text=print_tree(operation), operation_name=None, connection=changed)


def _remove_added(record: Record, nodes: SelectionSetNode) -> None:
    """Remove the ids that the user didn't request, in a record and in the lists inside of it."""
    for connection in find_connections(nodes):
        holder: Any = record
        for key in connection.path[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else None
        children = holder.get(connection.path[-1]) if isinstance(holder, dict) else None
        for child in children or ():
            _remove_added(child, connection.nodes)
    if not selects_id(nodes):
        record.pop("id", None)


def _first_page(root: FieldNode) -> FieldNode:
    """Return a field that says whether its connection has more than one page."""
    kept = tuple(each for each in root.arguments or () if each.name.value not in {"first", "last", "after", "before"})
    below = SelectionSetNode(selections=(field_node("pageInfo", field_node("hasNextPage")),))
    probe = replace_node(root, arguments=kept, selection_set=below)
    return with_arguments(probe, {"first": IntValueNode(value=str(_PROBE_SIZE))})


def _query_text(root: FieldNode) -> str:
    return print_tree(SelectionSetNode(selections=(root,)))
