"""The path of an error in graphql-ruby's form: ``["query Orders", "orders", "nodes", "x"]``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ObjectFieldNode,
    OperationDefinitionNode,
)


def ruby_path(nodes: Sequence[Any]) -> list[str]:
    """Return the steps from the operation to a node, with fragments (recorded for fields and operations)."""
    return [step for node in nodes if (step := _step(node))]


def _step(node: Any) -> str:
    match node:
        case OperationDefinitionNode():
            return f"{node.operation.value} {node.name.value}" if node.name else str(node.operation.value)
        case FragmentDefinitionNode():
            return f"fragment {node.name.value}"
        case FragmentSpreadNode():
            return f"... {node.name.value}"
        case InlineFragmentNode():
            return f"... on {node.type_condition.name.value}" if node.type_condition else "..."
        case FieldNode():
            return str((node.alias or node.name).value)
        case ArgumentNode() | ObjectFieldNode():
            return str(node.name.value)
    return ""
