"""Shopify's errors about a document that does not fit its schema, in graphql-ruby's wording, codes and paths.

graphql-core finds the same errors but words them differently, without codes and paths; clients of Shopify match on the
recorded messages. One rule replaces graphql-core's rules if a recorded message or graphql-ruby's wording is known. The
rest of graphql-core's rules stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    print_ast,
    specified_rules,
    validate,
)
from graphql.utilities import do_types_overlap
from graphql.validation import ValidationRule
from graphql.validation.rules.known_argument_names import KnownArgumentNamesOnDirectivesRule
from graphql.validation.rules.provided_required_arguments import ProvidedRequiredArgumentsOnDirectivesRule

from airflow_provider_partners.sandbox.shopify.graphql.error_paths import ruby_path
from airflow_provider_partners.sandbox.shopify.graphql.input_values import CoercionError, ScalarCheck, literal_fits
from airflow_provider_partners.sandbox.shopify.graphql.variables import VariableErrorMessages

_REPLACED = {
    "FieldsOnCorrectTypeRule",
    "FragmentsOnCompositeTypesRule",
    "KnownArgumentNamesRule",
    "KnownFragmentNamesRule",
    "KnownTypeNamesRule",
    "NoUndefinedVariablesRule",
    "NoUnusedFragmentsRule",
    "NoUnusedVariablesRule",
    "PossibleFragmentSpreadsRule",
    "ProvidedRequiredArgumentsRule",
    "ScalarLeafsRule",
    "ValuesOfCorrectTypeRule",
    "VariablesAreInputTypesRule",
    "VariablesInAllowedPositionRule",
}
_KEPT = [rule for rule in specified_rules if rule.__name__ not in _REPLACED]
_KEPT += [KnownArgumentNamesOnDirectivesRule, ProvidedRequiredArgumentsOnDirectivesRule]


def validation_errors(schema: GraphQLSchema, document: DocumentNode, check: ScalarCheck) -> list[GraphQLError]:
    """Return the errors of a document in Shopify's wording; an empty list if it can be executed."""

    class Wording(DocumentErrorMessages):
        scalar_check = staticmethod(check)

    return validate(schema, document, [Wording, VariableErrorMessages, *_KEPT])


def syntax_error(error: GraphQLSyntaxError) -> dict[str, Any]:
    """Return the error of a document that cannot be parsed: ``syntax error, unexpected end of file at [1, 12]``."""
    description = error.message.removeprefix("Syntax Error: ").rstrip(".")
    token = description.rpartition("found ")[2] if "found " in description else description.removeprefix("Unexpected ")
    token = "end of file" if "<EOF>" in token else token
    place = error.locations[0] if error.locations else None
    at = f" at [{place.line}, {place.column}]" if place else ""
    return {
        "message": f"syntax error, unexpected {token}{at}",
        "locations": [place.formatted] if place else [],
    }


class DocumentErrorMessages(ValidationRule):
    """Checks fields, arguments, literals and fragments, in graphql-ruby's wording."""

    scalar_check: ScalarCheck

    def _fault(self, message: str, node: Node, path: Sequence[Any], code: str, **more: Any) -> None:
        error = GraphQLError(message, node, path=ruby_path(path), extensions={"code": code, **more})
        self.context.report_error(error)

    def enter_field(self, node: FieldNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> None:
        """Check for unknown fields, missing arguments, missing selections and selections on scalars."""
        owner = self.context.get_parent_type()
        if owner is None:
            return
        path, name = [*ancestors, parent, node], node.name.value
        definition = self.context.get_field_def()
        if definition is None:
            message = f"Field '{name}' doesn't exist on type '{owner.name}'"
            self._fault(message, node, path, "undefinedField", typeName=owner.name, fieldName=name)
            return
        self._selections(node, get_named_type(definition.type), path)
        passed = {argument.name.value for argument in node.arguments or ()}
        missing = [a for a, argument in definition.args.items() if is_required_argument(argument) and a not in passed]
        if missing:
            names = ", ".join(missing)
            message = f"Field '{name}' is missing required arguments: {names}"
            code = "missingRequiredArguments"
            self._fault(message, node, path, code, className="Field", name=name, arguments=names)

    def _selections(self, node: FieldNode, returned: Any, path: Sequence[Any]) -> None:
        name = node.name.value
        if is_leaf_type(returned) and node.selection_set:
            inner = [print_ast(selection).split("\n")[0] for selection in node.selection_set.selections]
            shown = json.dumps(inner)
            message = (
                f"Selections can't be made on scalars "
                f"(field '{name}' returns {returned.name} but has selections {shown})"
            )
        elif is_composite_type(returned) and not node.selection_set:
            message = (
                f"Field must have selections (field '{name}' returns {returned.name} but has no selections. "
                f"Did you mean '{name} {{ ... }}'?)"
            )
        else:
            return
        more = {"nodeName": f"field '{name}'", "typeName": returned.name}
        self._fault(message, node, path, "selectionMismatch", **more)

    def enter_argument(self, node: ArgumentNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> None:
        """Check for unknown arguments and literals of the wrong type."""
        path = [*ancestors, parent, node]
        field = _owner(path)
        definition = self.context.get_field_def()
        if not isinstance(field, FieldNode) or definition is None:
            return
        self._argument(node, field, definition.args, ("Field", field.name.value), path)

    def enter_object_field(
        self, node: ObjectFieldNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """Check the fields of an input object in the same way."""
        path = [*ancestors, parent, node]
        owner = get_named_type(self.context.get_parent_input_type())
        if isinstance(owner, GraphQLInputObjectType):
            self._argument(node, _owner(path), owner.fields, ("InputObject", owner.name), path)

    def _argument(
        self,
        node: ArgumentNode | ObjectFieldNode,
        owner: Any,
        known: Any,
        where: tuple[str, str],
        path: Sequence[Any],
    ) -> None:
        (kind, owner_name), name = where, node.name.value
        if name not in known:
            message = f"{kind} '{owner_name}' doesn't accept argument '{name}'"
            more = {"name": owner_name, "typeName": kind, "argumentName": name}
            self._fault(message, node, path, "argumentNotAccepted", **more)
            return
        type_ = known[name].type
        try:
            if literal_fits(node.value, type_, type(self).scalar_check):
                return
        except CoercionError as refusal:
            # Recorded for ``Invalid global id 'not-a-gid'``.
            self._fault(str(refusal), owner, path, "argumentLiteralsIncompatible", typeName="CoercionError")
            return
        shown = print_ast(node.value)
        message = f"Argument '{name}' on {kind} '{owner_name}' has an invalid value ({shown}). Expected type '{type_}'."
        self._fault(message, owner, path, "argumentLiteralsIncompatible", typeName=kind, argumentName=name)

    def enter_inline_fragment(
        self, node: InlineFragmentNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """Check for fragments on unknown types and on types that cannot occur here."""
        if node.type_condition is None:
            return
        path = [*ancestors, parent, node]
        if self._condition(node, path):
            self._spread(node, "unknown", self.context.get_type(), path)

    def enter_fragment_definition(
        self, node: FragmentDefinitionNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """Check a named fragment in the same way, at its definition."""
        self._condition(node, [*ancestors, parent, node])

    def enter_fragment_spread(
        self, node: FragmentSpreadNode, _key: Any, parent: Any, _path: Any, ancestors: list[Any]
    ) -> None:
        """Check for undefined fragments and fragments that cannot occur here."""
        path, name = [*ancestors, parent, node], node.name.value
        fragment = self.context.get_fragment(name)
        if fragment is None:
            message = f"Fragment {name} was used, but not defined"
            self._fault(message, node, path, "useAndDefineFragment", fragmentName=name)
            return
        self._spread(node, name, self.context.schema.get_type(fragment.type_condition.name.value), path)

    def _condition(self, node: InlineFragmentNode | FragmentDefinitionNode, path: Sequence[Any]) -> bool:
        condition = node.type_condition
        name = condition.name.value if condition else ""
        type_ = self.context.schema.get_type(name)
        if type_ is None:
            message = f"No such type {name}, so it can't be a fragment condition"
            self._fault(message, node, path, "undefinedType", typeName=name)
        elif not is_composite_type(type_):
            message = f"Invalid fragment on type {name} (must be Union, Interface or Object)"
            self._fault(message, node, path, "fragmentOnNonCompositeType", typeName=name)
        return is_composite_type(type_)

    def _spread(self, node: Node, fragment: str, child: Any, path: Sequence[Any]) -> None:
        # Inside an inline fragment the visitor's parent type is still that of the surrounding selection.
        parent = self.context.get_parent_type()
        if not is_composite_type(child) or parent is None or do_types_overlap(self.context.schema, child, parent):
            return
        named = f"{fragment} on {child.name}" if fragment != "unknown" else f"on {child.name}"
        message = f"Fragment {named} can't be spread inside {parent.name}"
        more = {"typeName": child.name, "fragmentName": fragment, "parentName": parent.name}
        self._fault(message, node, path, "cannotSpreadFragment", **more)

    def leave_document(self, node: DocumentNode, *_: Any) -> None:
        """Check for unused fragments."""
        operations = [definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)]
        used = {
            fragment.name.value
            for operation in operations
            for fragment in self.context.get_recursively_referenced_fragments(operation)
        }
        for definition in node.definitions:
            if isinstance(definition, FragmentDefinitionNode) and definition.name.value not in used:
                name = definition.name.value
                message = f"Fragment {name} was defined, but not used"
                self._fault(message, definition, [definition], "useAndDefineFragment", fragmentName=name)


def _owner(path: Sequence[Any]) -> Any:
    """Return the node that an argument belongs to: the nearest field, directive or object field above it."""
    for node in reversed(path[:-1]):
        if isinstance(node, Node) and not isinstance(node, VariableNode):
            return node
    return None
