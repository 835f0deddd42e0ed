"""Checks values against the schema's types: literals in a document, and the variables sent with it.

Both Shopify servers use graphql-ruby, whose error messages differ from graphql-core's; the messages here are
graphql-ruby's. What only one API rejects comes in as a :data:`ScalarCheck`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    type_from_ast,
    value_from_ast_untyped,
)

#: Takes a scalar's name and a value; returns the error message, or ``None`` if the value is valid.
ScalarCheck = Callable[[str, Any], str | None]
Problem = dict[str, Any]

_LITERALS: dict[str, tuple[type[ValueNode], ...]] = {
    "Int": (IntValueNode,),
    "Float": (IntValueNode, FloatValueNode),
    "String": (StringValueNode,),
    "Boolean": (BooleanValueNode,),
    "ID": (StringValueNode, IntValueNode),
    "DateTime": (StringValueNode,),
}
_VALUES: dict[str, Callable[[Any], bool]] = {
    "Int": lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31,
    "Float": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "String": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "ID": lambda value: isinstance(value, (str, int)) and not isinstance(value, bool),
    "DateTime": lambda value: isinstance(value, str) and _is_time(value),
}


def no_check(_name: str, _value: Any) -> str | None:
    """The :data:`ScalarCheck` of an API without special rules."""
    return None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


class CoercionError(Exception):
    """A literal has the right form, but the API's scalar rejects it with this message."""


def literal_fits(node: ValueNode, type_: Any, check: ScalarCheck) -> bool:
    """Return True if a literal fits a type; another rule checks the variables inside it.

    :raises CoercionError: the API's scalar rejects the literal with its own message
    """
    if isinstance(node, VariableNode):
        return True
    if isinstance(type_, GraphQLNonNull):
        return not isinstance(node, NullValueNode) and literal_fits(node, type_.of_type, check)
    if isinstance(node, NullValueNode):
        return True
    if isinstance(type_, GraphQLList):
        items = node.values if isinstance(node, ListValueNode) else [node]
        return all(literal_fits(item, type_.of_type, check) for item in items)
    if isinstance(type_, GraphQLInputObjectType):
        # The visitor checks the fields of the object one by one later.
        return isinstance(node, ObjectValueNode)
    if isinstance(type_, GraphQLEnumType):
        return isinstance(node, EnumValueNode) and node.value in type_.values
    return _scalar_literal_fits(node, type_.name, check)


def _scalar_literal_fits(node: ValueNode, name: str, check: ScalarCheck) -> bool:
    if name in _LITERALS and not isinstance(node, _LITERALS[name]):
        return False
    value = value_from_ast_untyped(node)
    if name in {"Int", "DateTime"} and not _VALUES[name](value):
        return False
    if refusal := check(name, value):
        raise CoercionError(refusal)
    return True


def variable_errors(
    schema: GraphQLSchema, operation: OperationDefinitionNode, values: Mapping[str, Any], check: ScalarCheck
) -> list[GraphQLError]:
    """Return graphql-ruby's errors about the variables sent with an operation; an empty list if they fit.

    The message of a variable that does not fit is ``Variable $id of type ID! was provided invalid value``, with the
    problems in ``extensions`` (recorded Admin responses).
    """
    errors = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = type_from_ast(schema, definition.type)
        if name not in values and definition.default_value is not None:
            continue
        value = values.get(name)
        problems = list(_problems(value, type_, [], check))
        if name not in values and not isinstance(type_, GraphQLNonNull):
            continue
        if problems:
            nested = [f"{'.'.join(map(str, p['path']))} ({p['explanation']})" for p in problems if p["path"]]
            message = f"Variable ${name} of type {type_} was provided invalid value"
            errors.append(
                GraphQLError(
                    f"{message} for {', '.join(nested)}" if nested else message,
                    definition,
                    extensions={"code": "INVALID_VARIABLE", "value": value, "problems": problems},
                )
            )
    return errors


def _problems(value: Any, type_: Any, path: list[str | int], check: ScalarCheck) -> list[Problem]:
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            return [{"path": path, "explanation": "Expected value to not be null"}]
        return _problems(value, type_.of_type, path, check)
    if value is None:
        return []
    if isinstance(type_, GraphQLList):
        if not isinstance(value, list):
            return _problems(value, type_.of_type, path, check)
        return [p for i, item in enumerate(value) for p in _problems(item, type_.of_type, [*path, i], check)]
    if isinstance(type_, GraphQLInputObjectType):
        return _object_problems(value, type_, path, check)
    if isinstance(type_, GraphQLEnumType):
        if isinstance(value, str) and value in type_.values:
            return []
        options = ", ".join(type_.values)
        return [{"path": path, "explanation": f"Expected {_format_ruby(value)} to be one of: {options}"}]
    if type_.name in _VALUES and not _VALUES[type_.name](value):
        return [{"path": path, "explanation": f"Could not coerce value {_format_ruby(value)} to {type_.name}"}]
    refusal = check(type_.name, value)
    return [{"path": path, "explanation": refusal, "message": refusal}] if refusal else []


def _object_problems(
    value: Any, type_: GraphQLInputObjectType, path: list[str | int], check: ScalarCheck
) -> list[Problem]:
    if not isinstance(value, dict):
        return [{"path": path, "explanation": f"Expected {_format_ruby(value)} to be a key-value object."}]
    problems = [
        {"path": [*path, name], "explanation": f"Field is not defined on {type_.name}"}
        for name in value
        if name not in type_.fields
    ]
    for name, field in type_.fields.items():
        if name in value or field.default_value is Undefined:
            problems += _problems(value.get(name), field.type, [*path, name], check)
    return problems


def _format_ruby(value: Any) -> str:
    """Format a value as graphql-ruby does in an explanation."""
    return json.dumps(value, ensure_ascii=False, default=str)
