"""The selected fields of a type, by response name, with fragments and directives applied.

Query costs (:mod:`~airflow_provider_partners.sandbox.shopify_admin.query_cost`) and bulk operations
(:mod:`~airflow_provider_partners.sandbox.shopify_admin.bulk.lines`) use them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    is_abstract_type,
    value_from_ast_untyped,
)

Fields = dict[str, list[FieldNode]]


class Selections:
    """The selections of one document.

    :param variables: values for ``@include`` and ``@skip``
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None = None
    ) -> None:
        self.variables = dict(variables or {})
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._collected: dict[tuple[str, tuple[int, ...]], Fields] = {}

    def fields(self, owner: Any, sets: Sequence[SelectionSetNode]) -> Fields:
        """Return the fields that these selection sets select of one type."""
        key = (owner.name, tuple(id(each) for each in sets))
        if key not in self._collected:
            fields: Fields = {}
            for selection_set in sets:
                self._collect(fields, owner, selection_set)
            self._collected[key] = fields
        return self._collected[key]

    def _collect(self, fields: Fields, owner: Any, selection_set: SelectionSetNode) -> None:
        for node in selection_set.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if isinstance(fragment, (FragmentDefinitionNode, InlineFragmentNode)) and self._applies(fragment, owner):
                self._collect(fields, owner, fragment.selection_set)

    def _applies(self, fragment: FragmentDefinitionNode | InlineFragmentNode, owner: Any) -> bool:
        if fragment.type_condition is None:
            return True
        condition: Any = self._schema.get_type(fragment.type_condition.name.value)
        return condition is owner or (is_abstract_type(condition) and self._schema.is_sub_type(condition, owner))

    def _included(self, node: Any) -> bool:
        expected = {"include": True, "skip": False}
        return all(
            bool(value_from_ast_untyped(directive.arguments[0].value, self.variables)) is expected[directive.name.value]
            for directive in node.directives or ()
            if directive.name.value in expected and directive.arguments
        )


def inner_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    """Return the selection sets of a field, over all places where it is selected."""
    return [node.selection_set for node in nodes if node.selection_set]
