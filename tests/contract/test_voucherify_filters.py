"""Every filter in Voucherify's OpenAPI description is accepted, and the server reads the query as intended.

The description (https://github.com/voucherifyio/voucherify-openapi) is read from the folder that ``VOUCHERIFY_SCHEMAS``
names, or from ``shared/schemas`` beside the repository. Without it the tests are skipped. A small parser of this module
reads the queries by the rules of Node's ``qs``: brackets nest, and an index above 20 turns a list into an object.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS
from airflow_provider_partners.api.voucherify.filters import (
    MAX_VALUES_PER_CONDITION,
    OPERATORS,
    QUALIFICATION_FILTERS,
    OperandKind,
    field,
    filter_queries,
    parse_filter,
    to_json,
    validate_filter,
)
from airflow_provider_partners.api.voucherify.known_values import FILTER_FIELDS, VALUES
from airflow_provider_partners.api.voucherify.resources import RESOURCES

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [
    *(Path(folder) for folder in [os.environ.get("VOUCHERIFY_SCHEMAS")] if folder),
    ROOT.parent / "shared" / "schemas",
]
SAMPLES: dict[OperandKind, tuple[Any, ...]] = {
    OperandKind.LIST: ("a", "b"),
    OperandKind.VALUE: ("a",),
    OperandKind.NUMBER: (7,),
    OperandKind.TIME: ("2026-05-01T00:00:00.000Z",),
}
ANY_FIELD = RESOURCES["segments"]


@cache
def description() -> dict[str, Any]:
    for folder in FOLDERS:
        path = folder / "voucherify_openapi.json"
        if path.exists():
            openapi: dict[str, Any] = json.loads(path.read_text())
            return openapi
    pytest.skip("Voucherify's OpenAPI description is not here")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node with the references at its top resolved."""
    while "$ref" in node or "allOf" in node:
        if "allOf" in node:
            node = {name: value for part in node["allOf"] for name, value in resolved(part).items()}
            continue
        kind, name = node["$ref"].removeprefix("#/components/").split("/")
        node = description()["components"][kind][name]
    return node


def fields_of(schema: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Yield the fields of a filter schema, each with its operators."""
    for name, node in resolved(schema).get("properties", {}).items():
        if name != "junction":
            inner = resolved(node).get("properties", {})
            yield name, set(resolved(inner["conditions"])["properties"] if "conditions" in inner else inner)


def documented_filters() -> list[tuple[str, str, str]]:
    """Return path, field and operator of every documented filter."""
    filters = []
    for path, methods in description()["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            node = resolved(parameter)
            if node["name"] == "filters":
                fields = fields_of(node["schema"])
                filters += [(path, name, operator) for name, operators in fields for operator in sorted(operators)]
    return filters


def path_shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_documented_filter_of_a_list_is_accepted() -> None:
    resources = {path_shape(resource.path): resource for resource in RESOURCES.values()}
    filters = documented_filters()
    assert len(filters) > 200
    for path, name, operator in filters:
        full_name = operator if operator.startswith("$") else f"${operator}"
        resource = resources[path_shape(path)]
        known = VALUES.get(resource.name, {}).get(name)
        values = SAMPLES.get(OPERATORS[full_name], ())
        if known and values:
            values = tuple([min(known)] * len(values)) if not isinstance(values[0], list) else ([min(known)],)
        queries = filter_queries(resource, field(name).where(operator, *values))
        assert queries[0][0][0].startswith(f"filters[{name}][conditions][{full_name}]"), (path, name, operator)


def test_every_documented_operator_is_known() -> None:
    schemas = description()["components"]["schemas"]
    named = {
        name
        for schema in ("FiltersCondition", "FilterConditionsString", "FilterConditionsDateTime")
        for name in schemas[schema]["properties"]
    }
    assert named <= set(OPERATORS)


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_every_documented_field_order_and_filter_of_an_export_is_known(name: str) -> None:
    export, schemas = EXPORTS[name], description()["components"]["schemas"]
    word = "".join(part.title() for part in export.api_name.split("_"))
    if f"Export{word}Fields" not in schemas:
        assert export.api_name in {"product", "sku"}
        return
    documented = set(schemas[f"Export{word}Fields"]["enum"])
    assert documented - {"metadata"} == set(export.fields)
    assert ("metadata" in documented) == export.has_metadata
    assert {order.removeprefix("-") for order in schemas[f"Export{word}Order"]["enum"]} == set(export.sort_fields)
    filters = schemas[f"Export{word}Filters"]
    for filter_field, _ in fields_of(filters):
        for operator in schemas["FiltersCondition"]["properties"]:
            condition = field(filter_field).where(operator, *SAMPLES.get(OPERATORS[operator], ()))
            assert validate_filter(
                condition, target=name, allowed=export.filters, allow_any_field=export.allows_any_filter
            )
    assert export.allows_any_filter == ("additional properties" in filters.get("description", ""))


def test_the_default_fields_of_exports_are_those_documented() -> None:
    text = description()["paths"]["/v1/exports"]["post"]["description"]
    table = dict(re.findall(r"^\| ([\w ]+) \| ((?:`\w+`,? ?)+)\|$", text, re.MULTILINE))
    names = {"products": "product", "SKU": "sku"}
    default_fields = {names.get(name, name): tuple(re.findall(r"`(\w+)`", fields)) for name, fields in table.items()}
    assert default_fields == {export.api_name: export.default_fields for export in EXPORTS.values()}


def test_the_filters_of_qualifications_are_those_documented() -> None:
    option = description()["components"]["schemas"]["QualificationsOption"]["properties"]["filters"]
    assert {name: frozenset(operators) for name, operators in fields_of(option)} == QUALIFICATION_FILTERS


def examples(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every example of filters in a request body."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"filters", "filter"} and isinstance(value, dict) and "properties" not in value:
                yield value
            yield from examples(value)
    elif isinstance(node, list):
        for value in node:
            yield from examples(value)


def with_operands_in_lists(filters: dict[str, Any]) -> dict[str, Any]:
    """Return an example with all operands in lists, and the junction only when it joins conditions."""
    conditions = {
        name: {
            "conditions": {
                key: value if isinstance(value, list) else [value] for key, value in inner["conditions"].items()
            }
        }
        for name, inner in filters.items()
        if name != "junction"
    }
    has_junction = sum(len(inner["conditions"]) for inner in conditions.values()) > 1
    return {**({"junction": filters.get("junction", "and").lower()} if has_junction else {}), **conditions}


def test_every_documented_filter_in_a_body_can_be_rebuilt() -> None:
    filters = [example for example in examples(description()["paths"]) if set(example) - {"junction"}]
    assert len(filters) > 20
    for example in filters:
        assert to_json(example) == with_operands_in_lists(example)


@pytest.mark.parametrize(
    "query",
    [
        "filters[customer_id][conditions][$is]=cust_1",
        "filters[customer_id][conditions][$in][0]=cust_1&filters[customer_id][conditions][$in][1]=cust_2",
        "filters[status][conditions][$active]=",
        "filters[active][conditions][$enabled]=",
        "filters[active][conditions][$expired]=true",
        "filters[redemption.redeemed_quantity][conditions][$is]=0",
        "filters[is_referral_code][conditions][$is]=true",
        "filters[expiration_date][conditions][$before]=2024-04-29T00:00:00.000Z",
        "filters[metadata.seq_number][conditions][$is]=1",
    ],
)
def test_documented_queries_can_be_rebuilt_exactly(query: str) -> None:
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&"))]
    (built,) = filter_queries(ANY_FIELD, parse_filter(nested(pairs)["filters"]))
    assert built == pairs


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a query as Node's ``qs`` parses it, as far as filters need it."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *keys = re.findall(r"[^\[\]]+", name)
        assert len(keys) <= 5, "qs does not parse deeper brackets"
        node = tree
        for key in (first, *keys[:-1]) if keys else ():
            node = node.setdefault(key, {})
        node[keys[-1] if keys else first] = value
    return {name: with_lists(value) for name, value in tree.items()}


def with_lists(node: Any) -> Any:
    """Turn objects whose keys are indexes up to 20 into lists. A higher index keeps the object."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        if max(map(int, node)) <= 20:
            return [with_lists(node[key]) for key in sorted(node, key=int)]
        return node
    return {key: with_lists(value) for key, value in node.items()}


def test_the_server_reads_a_query_as_intended() -> None:
    filters = (
        field("result").is_("SUCCESS")
        & field("metadata.order no").in_([f"#{number}" for number in range(MAX_VALUES_PER_CONDITION)])
        & field("created_at").after("2026-05-01T00:00:00.000Z")
        & field("created_at").before("2026-05-02T00:00:00.000Z")
        & field("failure_code").is_unknown()
    )
    (query,) = filter_queries(ANY_FIELD, filters)
    assert nested(query) == {
        "filters": {
            "result": {"conditions": {"$is": "SUCCESS"}},
            "metadata.order no": {"conditions": {"$in": [f"#{number}" for number in range(MAX_VALUES_PER_CONDITION)]}},
            "created_at": {"conditions": {"$after": "2026-05-01T00:00:00.000Z", "$before": "2026-05-02T00:00:00.000Z"}},
            "failure_code": {"conditions": {"$is_unknown": ""}},
            "junction": "and",
        }
    }


def test_no_index_is_so_high_that_the_server_reads_an_object() -> None:
    values = [f"cust_{number}" for number in range(105)]
    batches = [
        nested(query)["filters"]["customer_id"]["conditions"]["$in"]
        for query in filter_queries(ANY_FIELD, field("customer_id").in_(values))
    ]
    assert all(isinstance(batch, list) for batch in batches)
    assert [value for batch in batches for value in batch] == values


def test_the_parser_of_this_module_reads_high_indexes_as_object_keys() -> None:
    assert nested([("a[0]", "x"), ("a[21]", "y")]) == {"a": {"0": "x", "21": "y"}}


def record_fields(node: dict[str, Any]) -> set[str]:
    """Return the names of a record's fields, over all of its variants."""
    while "$ref" in node:
        kind, name = node["$ref"].removeprefix("#/components/").split("/")
        node = description()["components"][kind][name]
    variants = [part for word in ("allOf", "oneOf", "anyOf") for part in node.get(word, [])]
    return set(node.get("properties", {})).union(*map(record_fields, variants))


@pytest.mark.parametrize("name", sorted(FILTER_FIELDS))
def test_every_documented_field_of_a_record_and_of_its_export_is_known_to_filters(name: str) -> None:
    """The OpenAPI description is Voucherify's: a field that it names must never be refused."""
    operation = operations()[path_shape(RESOURCES[name].path)]
    answer = resolved(operation["responses"]["200"]["content"]["application/json"]["schema"])
    key = next(key for key in (RESOURCES[name].records_path, name, "skus", "data") if key in answer["properties"])
    documented = record_fields(resolved(answer["properties"][key])["items"]) | set(EXPORTS[name].fields)

    assert documented - {"metadata"} <= FILTER_FIELDS[name]


def test_the_enumerated_values_are_those_documented() -> None:
    schemas = description()["components"]["schemas"]
    assert set(schemas["RedemptionBase"]["properties"]["result"]["enum"]) == VALUES["redemptions"]["result"]
    documented = {
        (name, parameter["name"]): set(resolved(parameter["schema"])["enum"])
        for name in ("campaigns", "publications", "customer_activity")
        for parameter in map(resolved, operations()[path_shape(RESOURCES[name].path)]["parameters"])
        if "enum" in resolved(parameter["schema"]) and parameter["name"] in VALUES[name]
    }
    assert documented == {
        (name, field_name): set(values)
        for name in ("campaigns", "publications", "customer_activity")
        for field_name, values in VALUES[name].items()
    }


def operations() -> dict[str, dict[str, Any]]:
    """Return the read operation of every path."""
    return {path_shape(path): methods["get"] for path, methods in description()["paths"].items() if "get" in methods}
