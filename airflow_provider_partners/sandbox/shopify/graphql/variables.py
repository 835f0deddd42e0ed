"""Shopify's errors about the variables that a document declares and uses, in graphql-ruby's wording and codes.

:mod:`~airflow_provider_partners.sandbox.shopify.graphql.input_values` checks the values that a client sends for them.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_input_type,
    type_from_ast,
)
from graphql.validation import ValidationRule
from graphql.validation.rules.variables_in_allowed_position import allowed_variable_usage

from airflow_provider_partners.sandbox.shopify.graphql.error_paths import ruby_path


class VariableErrorMessages(ValidationRule):
    """Finds unused, undeclared, mistyped and misplaced variables, in graphql-ruby's wording."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._places: dict[int, list[Any]] = {}

    def enter_variable(self, node: VariableNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> None:
        """Remember where each variable occurs, for the paths of the errors."""
        self._places[id(node)] = [*ancestors, parent]

    def leave_document(self, node: DocumentNode, *_: Any) -> None:
        """Check every operation, now that all occurrences are known."""
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode):
                self._check_operation(operation)

    def _check_operation(self, operation: OperationDefinitionNode) -> None:
        name = operation.name.value if operation.name else "anonymous query"
        declared = {
            declaration.variable.name.value: declaration for declaration in operation.variable_definitions or ()
        }
        used = set()
        for usage in self.context.get_recursive_variable_usages(operation):
            variable = usage.node.name.value
            used.add(variable)
            path = ruby_path(self._places.get(id(usage.node), [operation]))
            if variable not in declared:
                message = f"Variable ${variable} is used by {name} but not declared"
                extensions = {"code": "variableNotDefined", "variableName": variable}
                self.report_error(GraphQLError(message, usage.node, path=path, extensions=extensions))
            elif usage.type is not None:
                self._position(declared[variable], usage, path)
        for variable, definition in declared.items():
            self._declaration(variable, definition, operation)
            if variable not in used:
                message = f"Variable ${variable} is declared by {name} but not used"
                extensions = {"code": "variableNotUsed", "variableName": variable}
                error = GraphQLError(message, definition, path=ruby_path([operation]), extensions=extensions)
                self.report_error(error)

    def _declaration(
        self, variable: str, definition: VariableDefinitionNode, operation: OperationDefinitionNode
    ) -> None:
        declared = type_from_ast(self.context.schema, definition.type)
        if declared is None or not is_input_type(declared):
            type_name = _named(definition.type)
            message = f"{type_name} isn't a defined input type (on ${variable})"
            extensions = {
                "code": "variableRequiresValidType",
                "typeName": type_name,
                "variableName": variable,
            }
            self.report_error(GraphQLError(message, definition, path=ruby_path([operation]), extensions=extensions))

    def _position(self, definition: VariableDefinitionNode, usage: Any, path: list[str]) -> None:
        schema = self.context.schema
        declared = type_from_ast(schema, definition.type)
        if declared is None or not is_input_type(declared):
            return
        if allowed_variable_usage(schema, declared, definition.default_value, usage.type, usage.default_value):
            return
        variable = usage.node.name.value
        places = self._places.get(id(usage.node), [])
        argument = next(
            (place.name.value for place in reversed(places) if isinstance(place, (ArgumentNode, ObjectFieldNode))),
            "",
        )
        kind = _mismatch(declared, usage.type)
        message = f"{kind} on variable ${variable} and argument {argument} ({declared} / {usage.type})"
        extensions = {
            "code": "variableMismatch",
            "variableName": variable,
            "typeName": str(declared),
            "argumentName": argument,
            "errorMessage": kind,
        }
        owner = next((place for place in reversed(places) if hasattr(place, "arguments")), usage.node)
        node = usage.node if isinstance(owner, DirectiveNode) else owner
        self.report_error(GraphQLError(message, node, path=path, extensions=extensions))


def _mismatch(declared: Any, expected: Any) -> str:
    if get_named_type(declared) is not get_named_type(expected):
        return "Type mismatch"
    if _depth(declared) != _depth(expected):
        return "List dimension mismatch"
    return "Nullability mismatch"


def _depth(type_: Any) -> int:
    if isinstance(type_, GraphQLNonNull):
        return _depth(type_.of_type)
    return 1 + _depth(type_.of_type) if isinstance(type_, GraphQLList) else 0


def _named(node: Any) -> str:
    while hasattr(node, "type"):
        node = node.type
    return str(node.name.value)
