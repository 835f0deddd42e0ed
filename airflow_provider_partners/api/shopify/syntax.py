"""GraphQL documents as syntax trees: read what a user wrote, merge selections, and write values into a document.

The trees are those of graphql-core. This module knows no schema: Shopify checks the fields. It is imported where a
document is read, because graphql-core takes a while to load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from graphql import (
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    Node,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableNode,
    parse,
    print_ast,
)

from airflow_provider_partners.arguments import check_text, suggest
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from typing import TypeGuard

__all__ = [
    "bind_variables",
    "fields_of",
    "has_key",
    "literal_value",
    "merge_selections",
    "parse_document",
    "parse_selection",
    "print_tree",
    "replace_fields",
    "replace_node",
    "response_key",
    "select_operation",
    "used_variables",
    "without_fragments",
]

NodeT = TypeVar("NodeT", bound=Node)

_TEXT_TYPES = frozenset({
    "ARN", "Color", "Date", "DateTime", "Decimal", "FormattedString", "HTML", "ID", "Money", "StorefrontID", "String",
    "URL", "UnsignedInt64", "Url", "UtcOffset",
})  # fmt: skip
"""The scalars of Shopify's schemas that are written as text. A text of any other type is the value of an enum."""


def parse_document(document: str, *, argument: str = "document", max_length: int | None = None) -> DocumentNode:
    """Return the syntax tree of a user's document.

    :param document: GraphQL text
    :param argument: the argument's name, for errors
    :param max_length: the API's limit, in characters
    :raises ConfigurationError: with the line and column of what can't be read
    """
    check_text(argument, document)
    if max_length is not None and len(document) > max_length:
        message = f"'{argument}' has {len(document):,} characters, but the API accepts {max_length:,}"
        raise ConfigurationError(message, remedy="Request fewer fields, or use several documents.")
    try:
        return parse(document, no_location=True)
    except GraphQLSyntaxError as error:
        raise _syntax_error(argument, error) from None
    except RecursionError:
        message = f"'{argument}' has too many levels"
        raise ConfigurationError(message, remedy="Request fewer levels of objects.") from None


def parse_selection(selection: str, argument: str = "fields") -> SelectionSetNode:
    """Return the tree of fields that a user adds to a document, such as ``note poNumber customer { id }``.

    :raises ConfigurationError: when it is no selection, or more than one
    """
    check_text(argument, selection)
    try:
        document = parse("{" + selection + "\n}", no_location=True)
    except GraphQLSyntaxError as error:
        raise _syntax_error(argument, error) from None
    only = document.definitions[0] if len(document.definitions) == 1 else None
    if not isinstance(only, OperationDefinitionNode):
        message = f"'{argument}' has a brace without its counterpart"
        raise ConfigurationError(message, remedy="Write fields as in GraphQL, such as note customer { id }.")
    return only.selection_set


def select_operation(
    document: DocumentNode, operation_name: str | None = None, *, query_only: bool = False
) -> OperationDefinitionNode:
    """Return the operation of a document that is to run.

    :param operation_name: which one, if the document has several
    :param query_only: refuse a mutation or a subscription
    :raises ConfigurationError: when there is none, or several without a name
    """
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    names = [each.name.value for each in operations if each.name]
    if operation_name:
        operations = [each for each in operations if each.name and each.name.value == operation_name]
    if len(operations) != 1:
        found = ", ".join(names) or "none"
        message = (
            f"the document has no operation '{operation_name}'{suggest(operation_name, names)}"
            if operation_name
            else f"the document must have one operation, but has {len(operations)}: {found}"
        )
        raise ConfigurationError(message, remedy=f"Name one in 'operation_name': {found}.")
    if query_only and operations[0].operation is not OperationType.QUERY:
        message = f"the document is a {operations[0].operation.value}, and a query is needed"
        raise ConfigurationError(message, remedy="Send a mutation by the client's execute().")
    return operations[0]


def without_fragments(document: DocumentNode, operation: OperationDefinitionNode) -> OperationDefinitionNode:
    """Return an operation with each named fragment written where it is used.

    :raises ConfigurationError: for a fragment that is missing, or contains itself
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}

    def expand(selections: SelectionSetNode, inside: tuple[str, ...]) -> SelectionSetNode:
        expanded: list[SelectionNode] = []
        for each in selections.selections:
            if not isinstance(each, FragmentSpreadNode):
                below = getattr(each, "selection_set", None)
                expanded.append(replace_node(each, selection_set=expand(below, inside)) if below else each)
                continue
            name = each.name.value
            fragment = fragments.get(name)
            if fragment is None or name in inside:
                problem = "contains itself" if fragment else "is not in the document"
                message = f"the fragment '{name}' {problem}{'' if fragment else suggest(name, fragments)}"
                raise ConfigurationError(message, remedy="Add it to the document, or correct its name.")
            expanded.append(
                InlineFragmentNode(
                    type_condition=fragment.type_condition,
                    directives=tuple(each.directives or ()),
                    selection_set=expand(fragment.selection_set, (*inside, name)),
                )
            )
        return replace_node(selections, selections=tuple(expanded))

    return replace_node(operation, selection_set=expand(operation.selection_set, ()))


def merge_selections(first: SelectionSetNode, second: SelectionSetNode) -> SelectionSetNode:
    """Return both selections as one, with each field once. A field without arguments takes those of the first.

    :raises ConfigurationError: when both have a field of one name with other arguments: GraphQL has no place for both
    """
    merged = list(first.selections)
    positions = {response_key(each): index for index, each in enumerate(merged) if isinstance(each, FieldNode)}
    for each in second.selections:
        index = positions.get(response_key(each)) if isinstance(each, FieldNode) else None
        if index is None or not isinstance(each, FieldNode):
            if isinstance(each, FieldNode):
                positions[response_key(each)] = len(merged)
            merged.append(each)
            continue
        present = merged[index]
        if not _is_same_call(present, each):
            name = response_key(each)
            message = f"'{name}' is requested twice: as {_call(present)} and as {_call(each)}"
            raise ConfigurationError(
                message, remedy=f"Give one of them a name of its own, such as other: {_call(each)}."
            )
        below, more = getattr(present, "selection_set", None), each.selection_set
        if below and more:
            merged[index] = replace_node(present, selection_set=merge_selections(below, more))
    return replace_node(first, selections=tuple(merged))


def bind_variables(operation: OperationDefinitionNode, values: Mapping[str, Any]) -> OperationDefinitionNode:
    """Return an operation without variables: each is replaced by its value, its default, or null.

    A bulk operation takes no variables.

    :raises ConfigurationError: for a variable without a value, or whose type leaves the form of its value open
    """
    literals: dict[str, ValueNode] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        if name in values:
            literals[name] = literal_value(values[name], definition.type, name)
        elif definition.default_value is not None:
            literals[name] = definition.default_value
        elif isinstance(definition.type, NonNullTypeNode):
            message = f"the variable ${name} has no value"
            raise ConfigurationError(message, remedy=f"Give it in 'variables': {{'{name}': …}}.")
    # A variable that is not given leaves its argument out (https://spec.graphql.org/October2021/#sec-Coercing-Field-
    # Arguments); null would be a value.
    bound: OperationDefinitionNode = _map_nodes(operation, lambda node: _bound(node, literals))
    return replace_node(bound, variable_definitions=())


def literal_value(value: Any, type_node: TypeNode | None, name: str) -> ValueNode:
    """Return a JSON value as GraphQL writes it.

    :param type_node: the declared type; a text of an unknown type may be the value of an enum, so it is refused
    :param name: the variable's name, for errors
    """
    if isinstance(type_node, NonNullTypeNode):
        return literal_value(value, type_node.type, name)
    if value is None:
        return NullValueNode()
    if isinstance(value, list | tuple):
        inner = type_node.type if isinstance(type_node, ListTypeNode) else type_node
        return ListValueNode(values=tuple(literal_value(each, inner, name) for each in value))
    if isinstance(type_node, ListTypeNode):
        return literal_value(value, type_node.type, name)
    type_name = type_node.name.value if isinstance(type_node, NamedTypeNode) else None
    if isinstance(value, Mapping):
        members = ((str(key), literal_value(member, None, name)) for key, member in value.items())
        return ObjectValueNode(
            fields=tuple(ObjectFieldNode(name=NameNode(value=key), value=member) for key, member in members)
        )
    return _scalar_value(value, type_name, name)


def used_variables(node: Node) -> set[str]:
    """Return the names of the variables in a tree."""
    names: set[str] = set()

    def note(each: Node) -> Node:
        if isinstance(each, VariableNode):
            names.add(each.name.value)
        return each

    _map_nodes(node, note)
    return names


def fields_of(selections: SelectionSetNode | None) -> Iterator[FieldNode]:
    """Yield the fields of a selection, also those in its inline fragments."""
    for each in selections.selections if selections else ():
        if isinstance(each, FieldNode):
            yield each
        elif isinstance(each, InlineFragmentNode):
            yield from fields_of(each.selection_set)


def replace_fields(selections: SelectionSetNode, change: Callable[[FieldNode], FieldNode | None]) -> SelectionSetNode:
    """Return a selection with each of its fields changed, also in its inline fragments. ``None`` removes a field."""
    changed: list[SelectionNode] = []
    for each in selections.selections:
        if isinstance(each, InlineFragmentNode):
            inner = replace_fields(each.selection_set, change)
            if inner.selections:
                changed.append(replace_node(each, selection_set=inner))
        elif isinstance(each, FieldNode):
            field = change(each)
            if field is not None:
                changed.append(field)
    return replace_node(selections, selections=tuple(changed))


def has_key(selections: SelectionSetNode, key: str) -> bool:
    """Return True if a response to the selection may have the key."""
    return any(response_key(field) == key for field in fields_of(selections))


def response_key(field: FieldNode) -> str:
    """Return the name of a field in the response: its alias, or its own."""
    return (field.alias or field.name).value


def replace_node(node: NodeT, **changes: Any) -> NodeT:
    """Return a copy of a node with some of its parts changed."""
    parts = {key: getattr(node, key, None) for key in node.keys if key != "loc"}
    return type(node)(**{**parts, **changes})


def print_tree(node: Node) -> str:
    """Return a tree as GraphQL text."""
    return print_ast(node)


def _is_same_call(present: SelectionNode, other: FieldNode) -> bool:
    """Return True if a field can stand for the other one as well."""
    is_plain = not other.arguments and not other.directives
    has_same_name = isinstance(present, FieldNode) and present.name.value == other.name.value
    return _call(present) == _call(other) or (is_plain and has_same_name)


def _call(node: SelectionNode) -> str:
    """Return a field without its selection, such as ``events(first: 5)``."""
    return print_ast(replace_node(node, selection_set=None, alias=None))


def _bound(node: Node, literals: Mapping[str, ValueNode]) -> Node:
    arguments = getattr(node, "arguments", None)
    if not arguments:
        return node
    kept = []
    for argument in arguments:
        names = used_variables(argument.value)
        if isinstance(argument.value, VariableNode) and not names & literals.keys():
            continue
        value = _map_nodes(argument.value, lambda each: _value_of(each, literals)) if names else argument.value
        kept.append(replace_node(argument, value=value))
    return replace_node(node, arguments=tuple(kept))


def _value_of(node: Node, literals: Mapping[str, ValueNode]) -> Node:
    if isinstance(node, ObjectValueNode):
        fields = [each for each in node.fields if not _is_missing(each.value, literals)]
        return replace_node(node, fields=tuple(fields))
    if isinstance(node, VariableNode):
        return literals.get(node.name.value, NullValueNode())
    return node


def _is_missing(value: ValueNode, literals: Mapping[str, ValueNode]) -> bool:
    return isinstance(value, VariableNode) and value.name.value not in literals


def _scalar_value(value: Any, type_name: str | None, name: str) -> ValueNode:
    if isinstance(value, bool):
        return BooleanValueNode(value=value)
    if isinstance(value, int):
        return StringValueNode(value=str(value)) if type_name in _TEXT_TYPES else IntValueNode(value=str(value))
    if isinstance(value, float):
        return FloatValueNode(value=repr(value))
    if isinstance(value, str) and type_name is not None:
        if type_name in _TEXT_TYPES:
            return StringValueNode(value=value)
        if type_name not in {"Int", "Float", "Boolean", "JSON"} and value.isidentifier():
            return EnumValueNode(value=value)
    message = f"the value of ${name} can't be written into the document: by its type it may be a text or an enum"
    raise ConfigurationError(message, remedy="Write the value into the document itself, or read page by page.")


def _map_nodes(node: NodeT, change: Callable[[Node], Node]) -> Any:
    """Return a tree with each node changed, a node before its parts."""
    node = change(node)  # type: ignore[assignment]
    changes: dict[str, Any] = {}
    for key in node.keys:
        part = getattr(node, key, None)
        if isinstance(part, Node):
            changes[key] = _map_nodes(part, change)
        elif _is_nodes(part):
            changes[key] = tuple(_map_nodes(each, change) for each in part)
    return replace_node(node, **changes) if changes else node


def _is_nodes(part: Any) -> TypeGuard[Iterable[Node]]:
    return isinstance(part, list | tuple) and all(isinstance(each, Node) for each in part)


def _syntax_error(argument: str, error: GraphQLSyntaxError) -> ConfigurationError:
    place = error.locations[0] if error.locations else None
    where = f" (line {place.line}, column {place.column})" if place else ""
    message = f"'{argument}' can't be read{where}: {error.message}"
    return ConfigurationError(message, remedy="Correct the GraphQL text there.")
