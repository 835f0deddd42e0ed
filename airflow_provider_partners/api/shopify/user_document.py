"""A user's GraphQL document: sent as it is printed, or rewritten so that one of its connections can be paged.

What paging needs is added here, and taken out of the records again: the page size, the cursor, ``pageInfo``, and for
the connections inside of records the id and type of their object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    IntValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
)

from airflow_provider_partners.api.shopify.connections import (
    Connection,
    argument,
    choose_connection,
    continued_selection,
    find_connections,
    paged_field,
    replace_connection,
    selection_at,
    variable,
)
from airflow_provider_partners.api.shopify.syntax import (
    fields_of,
    parse_document,
    print_tree,
    replace_node,
    response_key,
    select_operation,
    used_variables,
    without_fragments,
)
from airflow_provider_partners.arguments import check_count, check_mapping, check_text
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["PagedDocument", "UserDocument"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDocument:
    """A user's query, checked as far as that is possible without a schema.

    :param text: as the user wrote it
    :param operation: the query that runs, with its fragments written where they are used
    :param variables: the values of its variables
    :param connection: the connection whose nodes are the records; ``None`` if it has none
    """

    text: str
    operation: OperationDefinitionNode = field(repr=False)
    operation_name: str | None
    variables: Mapping[str, Any]
    connection: Connection | None

    @classmethod
    def read(
        cls,
        document: str,
        *,
        variables: Mapping[str, Any] | None = None,
        path: str | None = None,
        operation_name: str | None = None,
        max_length: int | None = None,
        paged: bool | None = None,
    ) -> UserDocument:
        """Return the query that a document holds.

        :param path: of the connection, where the document has several
        :param max_length: the API's limit, in characters
        :param paged: True if it has to have a connection, False if it is sent as it is printed
        :raises ConfigurationError: naming what is wrong
        """
        if path is not None:
            check_text("connection", path)
        if variables is not None:
            check_mapping("variables", variables)
        tree: DocumentNode = parse_document(document, max_length=max_length)
        operation = without_fragments(tree, select_operation(tree, operation_name, query_only=True))
        connection = None
        if paged is not False:
            connection = choose_connection(operation.selection_set, path)
            if connection is None and paged:
                message = "the document has no connection, so it has no pages"
                raise ConfigurationError(message, remedy="Leave 'paged' out, or select edges { node { … } }.")
        return cls(
            text=document,
            operation=operation,
            operation_name=operation_name,
            variables=dict(variables or {}),
            connection=connection,
        )

    def records(self, data: Mapping[str, Any], path: str | None = None) -> list[Any]:
        """Return the records of a response to the document as it is printed.

        :param path: dotted path of the records below ``data``; by default the only connection's nodes, else the only
            root field, else the whole answer as one record
        :raises ConfigurationError: when the answer has no such path
        """
        value: Any = data
        selections = self.operation.selection_set
        if path is None and len(data) == 1:
            path = next(iter(data))
            try:
                only = choose_connection(self.operation.selection_set, None)
            except ConfigurationError:
                only = None
            path = only.dotted_path if only else path
        for key in path.split(".") if path else ():
            if not isinstance(value, Mapping) or key not in value:
                fields = ", ".join(sorted(value)) if isinstance(value, Mapping) else "nothing"
                message = f"the answer has no '{path}', only {fields}"
                raise ConfigurationError(message, remedy="Correct the path of the records; it begins below 'data'.")
            value = value[key]
            selections = selection_at(selections, (key,))
        return _as_records(value, selections)

    @property
    def root_name(self) -> str:
        """The root field that has the connection, by its name in the schema; empty if there is no connection."""
        key = self.connection.path[0] if self.connection else None
        roots = fields_of(self.operation.selection_set)
        return next((each.name.value for each in roots if response_key(each) == key), "")

    @property
    def wants_last(self) -> bool:
        """Whether the document asks for the last nodes of its connection, so that it has one page by itself."""
        return self.connection is not None and argument(self.connection.field, "last") is not None

    def paged(self, page_size: int | None, *, default_size: int, inner: bool = True) -> PagedDocument:
        """Return the query with what paging its connection needs.

        :param page_size: records per page; by default what the document says, or else ``default_size``
        :param inner: whether the connections inside of records are read to their end as well
        :raises ConfigurationError: when the document asks for both ends of the list at once
        """
        connection = self.connection
        if connection is None:
            message = "the document has no connection, so it has no pages"
            raise ConfigurationError(message, remedy="Select edges { node { … } }.")
        first, last = argument(connection.field, "first"), argument(connection.field, "last")
        if first is not None and last is not None:
            # "providing both first and last is not supported": Shopify's own answer.
            message = f"'{connection.dotted_path}' has both 'first' and 'last'"
            raise ConfigurationError(message, remedy="Keep one of them.")
        backward = last is not None
        size_name, cursor_name = ("last", "before") if backward else ("first", "after")
        size, cursor = last if backward else first, argument(connection.field, cursor_name)
        declared = {each.variable.name.value: each for each in self.operation.variable_definitions or ()}
        size_variable = self._variable_name(size, size_name)
        cursor_variable = self._variable_name(cursor, cursor_name)
        if page_size is not None:
            check_count("page_size", page_size)
        given = {name: value for name, value in self.variables.items() if name not in {size_variable, cursor_variable}}
        root = replace_connection(
            self.operation.selection_set,
            lambda each, path: (
                paged_field(
                    each,
                    arguments={size_name: variable(size_variable), cursor_name: variable(cursor_variable)},
                    backward=backward,
                    inner=inner,
                )
                if path == connection.path
                else each
            ),
        )
        definitions = {
            **declared,
            size_variable: declared.get(size_variable) or _definition(size_variable, "Int", required=True),
            cursor_variable: declared.get(cursor_variable) or _definition(cursor_variable, "String"),
        }
        operation = replace_node(self.operation, selection_set=root, variable_definitions=tuple(definitions.values()))
        rewritten = next(each for each in find_connections(root) if each.path == connection.path)
        return PagedDocument(
            text=print_tree(operation),
            operation=operation,
            connection=rewritten,
            variables=given,
            backward=backward,
            size_variable=size_variable,
            cursor_variable=cursor_variable,
            size=page_size or self._int_of(size, declared) or default_size,
            start=self._text_of(cursor, declared),
        )

    def _variable_name(self, value: ValueNode | None, name: str) -> str:
        """Return the variable of a page's size or cursor: the user's own, or a new one."""
        if isinstance(value, VariableNode):
            return value.name.value
        declared = {each.variable.name.value for each in self.operation.variable_definitions or ()}
        is_taken = name in declared and name in used_variables(self.operation.selection_set)
        return f"{name}Page" if is_taken else name

    def _int_of(self, value: ValueNode | None, declared: Mapping[str, VariableDefinitionNode]) -> int | None:
        found = self._value_of(value, declared)
        if isinstance(found, IntValueNode):
            return int(found.value)
        if found is None:
            return None
        check_count("first", found)
        return int(found)

    def _text_of(self, value: ValueNode | None, declared: Mapping[str, VariableDefinitionNode]) -> str | None:
        found = self._value_of(value, declared)
        text = getattr(found, "value", found)
        return str(text) if text else None

    def _value_of(self, value: ValueNode | None, declared: Mapping[str, VariableDefinitionNode]) -> Any:
        if not isinstance(value, VariableNode):
            return value
        name = value.name.value
        return self.variables[name] if name in self.variables else getattr(declared.get(name), "default_value", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedDocument:
    """A document that reads one page of a connection.

    :param connection: the connection, as it is in the rewritten document
    :param variables: the same for every page
    :param backward: whether the list is read from its end, because the document asks for its ``last`` nodes
    :param size: nodes of the first page
    :param start: the cursor that the document begins at
    """

    text: str
    operation: OperationDefinitionNode = field(repr=False)
    connection: Connection = field(repr=False)
    variables: Mapping[str, Any]
    backward: bool
    size_variable: str
    cursor_variable: str
    size: int
    start: str | None

    def continued(self, selections: SelectionSetNode, path: tuple[str, ...], type_name: str) -> str:
        """Return the document that reads a further page of a connection inside of a record.

        It has the variables ``$pagingNode``, ``$pagingSize`` and ``$pagingCursor``, and those of the user that it uses.

        :param selections: the selection of the object around the connection
        :param path: of the connection in it
        :param type_name: the object's type
        """
        page = {"first": variable("pagingSize"), "after": variable("pagingCursor")}
        below = continued_selection(selections, path, type_name, page)
        node = FieldNode(
            name=NameNode(value="node"),
            alias=None,
            arguments=(ArgumentNode(name=NameNode(value="id"), value=variable("pagingNode")),),
            directives=(),
            selection_set=below,
        )
        used = used_variables(below)
        own = [
            _definition("pagingNode", "ID", required=True),
            _definition("pagingSize", "Int", required=True),
            _definition("pagingCursor", "String"),
        ]
        others = [each for each in self.operation.variable_definitions or () if each.variable.name.value in used]
        operation = replace_node(
            self.operation,
            name=NameNode(value="FurtherPage"),
            variable_definitions=(*own, *others),
            directives=(),
            selection_set=SelectionSetNode(selections=(node,)),
        )
        return print_tree(operation)

    def variables_in(self, text: str) -> dict[str, Any]:
        """Return the user's variables that a further document declares."""
        return {name: value for name, value in self.variables.items() if f"${name}:" in text}


def _as_records(value: Any, selections: SelectionSetNode) -> list[Any]:
    """Return a value of an answer as records: a connection's nodes, a list's members, or one object."""
    if value is None:
        return []
    if isinstance(value, list):
        return [each for each in value if each is not None]
    if isinstance(value, Mapping):
        for each in fields_of(selections):
            inside = value.get(response_key(each))
            if each.name.value == "nodes" and isinstance(inside, list):
                return [node for node in inside if node is not None]
            if each.name.value == "edges" and isinstance(inside, list):
                node_key = next(
                    (response_key(below) for below in fields_of(each.selection_set) if below.name.value == "node"), None
                )
                if node_key:
                    return [edge[node_key] for edge in inside if edge and edge.get(node_key) is not None]
    return [value]


def _definition(name: str, type_name: str, *, required: bool = False) -> VariableDefinitionNode:
    named = NamedTypeNode(name=NameNode(value=type_name))
    return VariableDefinitionNode(
        variable=variable(name),
        type=NonNullTypeNode(type=named) if required else named,
        default_value=None,
        directives=(),
    )
