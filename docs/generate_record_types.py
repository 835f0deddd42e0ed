"""Write ``record_types.json`` of Shopify and Voucherify: the fields of each list's records, with their types.

Shopify's follow from the documents that the clients send and from its schemas; Voucherify's from its OpenAPI file
(https://github.com/voucherifyio/voucherify-openapi). Those of Yofi and Yotpo are written by hand: neither publishes a
schema. Run it after a change of a list: ``python docs/generate_record_types.py [voucherify_openapi.json]``. A test
checks that the files are current.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    parse,
)

from airflow_provider_partners.api.shopify_admin.documents import documents_of
from airflow_provider_partners.api.shopify_admin.resources import RESOURCES as ADMIN_RESOURCES
from airflow_provider_partners.api.shopify_partner.documents import ALIASES
from airflow_provider_partners.api.shopify_partner.resources import RESOURCES as PARTNER_RESOURCES
from airflow_provider_partners.api.voucherify.resources import RESOURCES as VOUCHERIFY_RESOURCES

PACKAGE = Path(__file__).resolve().parents[1] / "airflow_provider_partners"
FILE_NAME = "record_types.json"

ADMIN_VERSION, PARTNER_VERSION = "2026-07", "2026-07"
LEGACY_PARTNER_VERSION = "2025-04"

Tree = dict[str, Any]
"""A field's type, or the tree of an object's or a list's own fields, by name."""

GRAPHQL_TYPES: Mapping[str, str] = {
    "Boolean": "boolean",
    "Date": "date",
    "DateTime": "timestamp",
    "Decimal": "decimal",
    "Float": "float",
    "Int": "integer",
    "JSON": "json",
    "Money": "decimal",
}
"""Shopify's scalars (https://shopify.dev/docs/api/admin-graphql/latest/scalars/Decimal). All others are text."""

MAX_LEVELS = 4
"""Levels of Voucherify's records that are declared; deeper ones may hold any field."""


def merge(one: Any, other: Any) -> Any:
    """Return the tree that holds both. Unlike scalars become text, and a scalar beside an object becomes JSON."""
    if one is None or one == other:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: merge(one.get(name), other.get(name, one.get(name))) for name in {**one, **other}}
    if isinstance(one, dict) or isinstance(other, dict):
        tree, kind = (one, other) if isinstance(one, dict) else (other, one)
        return tree if kind == "json" else "json"
    return "float" if {one, other} == {"integer", "float"} else "json" if "json" in {one, other} else "string"


# --- Shopify ---


class Selection:
    """The tree of what a document selects.

    :param schema: Shopify's schema
    :param text: the document
    :param rename: from an alias to the field's name in the record
    """

    def __init__(self, schema: GraphQLSchema, text: str, rename: Mapping[str, str] | None = None) -> None:
        self._schema = schema
        document = parse(text)
        fragments = (each for each in document.definitions if isinstance(each, FragmentDefinitionNode))
        self._fragments = {each.name.value: each for each in fragments}
        self.operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
        self._rename = rename or {}

    def tree(self, selection: SelectionSetNode, parent: Any) -> Tree:
        """Return the fields of an object; a connection inside of it is the list of its nodes."""
        fields: Tree = {}
        for node in selection.selections:
            if isinstance(node, InlineFragmentNode):
                kind = self._schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                fields = merge(fields, self.tree(node.selection_set, kind))
            elif isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                name = self._rename.get(name, name)
                fields[name] = merge(fields.get(name), self._field(node, parent))
            else:
                fragment = self._fragments[node.name.value]
                kind = self._schema.type_map[fragment.type_condition.name.value]
                fields = merge(fields, self.tree(fragment.selection_set, kind))
        return fields

    def _field(self, node: FieldNode, parent: Any) -> Any:
        if node.name.value == "__typename":
            return "string"
        kind = parent.fields[node.name.value].type
        named = get_named_type(kind)
        if not is_leaf_type(named):
            inner = self.tree(node.selection_set, named)
            if named.name.endswith("Connection"):
                return inner.get("nodes") or inner.get("edges", {}).get("node") or inner
            return inner
        return "json" if is_list_type(get_nullable_type(kind)) else GRAPHQL_TYPES.get(named.name, "string")

    def at(self, path: str) -> Tree:
        """Return the fields of the records of a connection.

        :param path: such as ``app.events``
        """
        selection, parent = self.operation.selection_set, self._schema.query_type
        for step in path.split("."):
            field = next(
                node for node in selection.selections if isinstance(node, FieldNode) and node.name.value == step
            )
            selection, parent = field.selection_set, get_named_type(parent.fields[step].type)
        inner = self.tree(selection, parent)
        return inner.get("nodes") or inner["edges"]["node"]


def schema_of(name: str) -> GraphQLSchema:
    """Return a schema that the sandbox executes."""
    folder = PACKAGE / "sandbox" / "schemas"
    packed = folder / f"{name}.graphql.gz"
    text = (
        gzip.decompress(packed.read_bytes()).decode() if packed.exists() else (folder / f"{name}.graphql").read_text()
    )
    return build_schema(text, assume_valid=True)


def admin_types() -> dict[str, Tree]:
    """Return the fields of each list of the Admin API, personal data included."""
    schema = schema_of(f"shopify_admin_{ADMIN_VERSION}")
    trees = {}
    for name, resource in ADMIN_RESOURCES.items():
        selected = Selection(schema, documents_of(resource, ADMIN_VERSION, personal_data=True).by_id_document())
        root = selected.operation.selection_set.selections[0].selection_set
        # The first field is the type of the object, which the client uses itself.
        fields = selected.tree(root.selections[1].selection_set, schema.type_map[resource.type])
        counts = {each.count for each in resource.nested}
        trees[name] = {field: kind for field, kind in fields.items() if field not in counts}
    return trees


def partner_types() -> dict[str, Tree]:
    """Return the fields of each list of the Partner API."""
    current, legacy = (
        schema_of(f"shopify_partner_{PARTNER_VERSION}"),
        schema_of(f"shopify_partner_{LEGACY_PARTNER_VERSION}"),
    )
    trees = {}
    for name, resource in PARTNER_RESOURCES.items():
        schema = legacy if resource.last_version == LEGACY_PARTNER_VERSION else current
        fields = Selection(schema, resource.document, ALIASES).at(resource.paginator.connection_path)
        # An event without an id gets its charge's id from the client.
        trees[name] = fields if "id" in fields else {**fields, "chargeId": "string"}
    return trees


# --- Voucherify ---

OPENAPI_TYPES: Mapping[str, str] = {"string": "string", "integer": "integer", "number": "float", "boolean": "boolean"}
OPENAPI_FORMATS: Mapping[str, str] = {"date-time": "timestamp", "date": "date"}


class OpenApi:
    """The trees of the schemas in an OpenAPI file.

    :param spec: its content
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._spec = spec

    def records(self, path: str, records_path: str) -> Tree | None:
        """Return the fields of a list's records; ``None`` if the file does not have the list."""
        paths = {self._shape(each): operations for each, operations in self._spec["paths"].items()}
        operation = paths.get(self._shape(path), {}).get("get")
        if operation is None:
            return None
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
        for step in records_path.split(".") if records_path else ():
            answer = self._member(answer, step)
        tree = self.tree(answer, MAX_LEVELS)
        return tree if isinstance(tree, dict) else None

    @staticmethod
    def _shape(path: str) -> str:
        return "/".join("{}" if step.startswith("{") else step for step in path.strip("/").split("/"))

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            target: Any = self._spec
            for step in schema["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            schema = target
        return schema

    def _alternatives(self, schema: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        schema = self._resolve(schema)
        for word in ("oneOf", "anyOf", "allOf"):
            for each in schema.get(word, ()):
                yield from self._alternatives(each)
        yield schema

    def _member(self, schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = [each["properties"][name] for each in self._alternatives(schema) if name in each.get("properties", {})]
        return {"anyOf": found}

    def tree(self, schema: Mapping[str, Any], levels: int) -> Any:
        """Return the tree of a schema: an object's fields, a list's items, or a scalar's type."""
        result: Any = None
        for each in self._alternatives(schema):
            if (tree := self._one(each, levels)) is not None:
                result = merge(result, tree)
        return result

    def _one(self, schema: Mapping[str, Any], levels: int) -> Any:
        kind = schema.get("type")
        if kind == "array" or "items" in schema:
            items = self.tree(schema.get("items", {}), levels)
            return items if isinstance(items, dict) else "json"
        if schema.get("properties"):
            if levels == 0:
                return "json"
            fields = {name: self.tree(each, levels - 1) or "json" for name, each in schema["properties"].items()}
            # Fields beside the named ones: any may occur.
            return {**fields, "*": "json"} if schema.get("additionalProperties") else fields
        if kind == "object":
            return "json"
        if kind is None and all(isinstance(value, str) for value in schema.get("enum", [None])):
            return "string"
        return OPENAPI_FORMATS.get(schema.get("format", ""), OPENAPI_TYPES.get(kind) if kind else None)


def voucherify_types(file: Path) -> dict[str, Tree]:
    """Return the fields of each list of Voucherify that the OpenAPI file has."""
    spec = OpenApi(json.loads(file.read_text()))
    trees = {name: spec.records(each.path, each.records_path) for name, each in VOUCHERIFY_RESOURCES.items()}
    return {name: tree for name, tree in trees.items() if tree}


def to_text(trees: Mapping[str, Tree]) -> str:
    """Return the content of a file: one list a line, so that a change is one line too."""
    lines = (f"{json.dumps(name)}: {json.dumps(tree, separators=(',', ':'))}" for name, tree in trees.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the files."""
    makers: dict[str, Callable[[], dict[str, Tree]]] = {"shopify_admin": admin_types, "shopify_partner": partner_types}
    if len(sys.argv) > 1:
        makers["voucherify"] = lambda: voucherify_types(Path(sys.argv[1]))
    for partner, types in makers.items():
        (PACKAGE / "api" / partner / FILE_NAME).write_text(to_text(types()))


if __name__ == "__main__":
    main()
