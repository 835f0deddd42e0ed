"""What a document selects of a type: fields by the name they are answered under, with fragments and directives applied.

It must not know what is done with the fields: they are priced (:mod:`.cost`) and compiled (:mod:`.shopify_bulk_rows`).
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

    :param variables: with which ``@include`` and ``@skip`` are read
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any] | None = None
    ) -> None:
        self.variables = dict(variables or {})
        self._schema = schema
        self._fragments = {
            found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
        }
        self._collected: dict[tuple[str, tuple[int, ...]], Fields] = {}

    def fields(self, owner: Any, sets: Sequence[SelectionSetNode]) -> Fields:
        """What these selection sets ask of one type; what they ask of other types is left out."""
        key = (owner.name, tuple(id(found) for found in sets))
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
        wanted = {"include": True, "skip": False}
        return all(
            bool(value_from_ast_untyped(directive.arguments[0].value, self.variables)) is wanted[directive.name.value]
            for directive in node.directives or ()
            if directive.name.value in wanted and directive.arguments
        )


def inner_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    """What is selected within a field, wherever the field stands."""
    return [node.selection_set for node in nodes if node.selection_set]
