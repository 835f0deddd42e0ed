"""Every filter that Voucherify's description lists can be asked, and means to its server what was meant.

The description is looked for in the folder that ``VOUCHERIFY_SCHEMAS`` names, then in ``shared/schemas`` beside the
repository; without it these tests are skipped. How a query is read is checked by a small parser of its own, after the
rules of Node's ``qs``: brackets nest, an index above 20 makes names of all of a list's indexes.
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
FREE = RESOURCES["vouchers"]


@cache
def description() -> dict[str, Any]:
    for folder in FOLDERS:
        path = folder / "voucherify_openapi.json"
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            return found
    pytest.skip("Voucherify's OpenAPI description is not here")


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A node without references, at its top."""
    while "$ref" in node or "allOf" in node:
        if "allOf" in node:
            node = {name: value for part in node["allOf"] for name, value in resolved(part).items()}
            continue
        kind, name = node["$ref"].removeprefix("#/components/").split("/")
        node = description()["components"][kind][name]
    return node


def fields_of(schema: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """The fields of a set of filters, with their operators where they are listed."""
    for name, node in resolved(schema).get("properties", {}).items():
        if name != "junction":
            inner = resolved(node).get("properties", {})
            yield name, set(resolved(inner["conditions"])["properties"] if "conditions" in inner else inner)


def listed_filters() -> list[tuple[str, str, str]]:
    """Every path with filters, each field and operator of them."""
    found = []
    for path, methods in description()["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", []):
            node = resolved(parameter)
            if node["name"] == "filters":
                found += [(path, name, one) for name, ops in fields_of(node["schema"]) for one in sorted(ops)]
    return found


def shape(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_filter_of_every_list_is_accepted() -> None:
    rows = {shape(row.path): row for row in RESOURCES.values()}
    asked = listed_filters()
    assert len(asked) > 200
    for path, name, operator in asked:
        full = operator if operator.startswith("$") else f"${operator}"
        condition = field(name).where(operator, *SAMPLES.get(OPERATORS[full], ()))
        found = filter_queries(rows[shape(path)], condition)
        assert found[0][0][0].startswith(f"filters[{name}][conditions][{full}]"), (path, name, operator)


def test_every_operator_of_the_description_is_known() -> None:
    schemas = description()["components"]["schemas"]
    named = {
        name
        for schema in ("FiltersCondition", "FilterConditionsString", "FilterConditionsDateTime")
        for name in schemas[schema]["properties"]
    }
    assert named <= set(OPERATORS)


@pytest.mark.parametrize("name", sorted(EXPORTS))
def test_every_documented_field_order_and_filter_of_an_export_is_known(name: str) -> None:
    exported, schemas = EXPORTS[name], description()["components"]["schemas"]
    word = "".join(part.title() for part in exported.api_name.split("_"))
    if f"Export{word}Fields" not in schemas:
        assert exported.api_name in {"product", "sku"}
        return
    documented = set(schemas[f"Export{word}Fields"]["enum"])
    assert documented - {"metadata"} == set(exported.fields)
    assert ("metadata" in documented) == exported.has_metadata
    assert {order.removeprefix("-") for order in schemas[f"Export{word}Order"]["enum"]} == set(exported.sort_fields)
    filters = schemas[f"Export{word}Filters"]
    for one, _ in fields_of(filters):
        for operator in schemas["FiltersCondition"]["properties"]:
            condition = field(one).where(operator, *SAMPLES.get(OPERATORS[operator], ()))
            assert validate_filter(
                condition, target=name, allowed=exported.filters, allow_any_field=exported.allows_any_filter
            )
    assert exported.allows_any_filter == ("additional properties" in filters.get("description", ""))


def test_an_export_knows_what_comes_without_fields() -> None:
    text = description()["paths"]["/v1/exports"]["post"]["description"]
    table = dict(re.findall(r"^\| ([\w ]+) \| ((?:`\w+`,? ?)+)\|$", text, re.MULTILINE))
    names = {"products": "product", "SKU": "sku"}
    found = {names.get(name, name): tuple(re.findall(r"`(\w+)`", fields)) for name, fields in table.items()}
    assert found == {exported.api_name: exported.default_fields for exported in EXPORTS.values()}


def test_the_filters_of_qualifications_are_all_known() -> None:
    option = description()["components"]["schemas"]["QualificationsOption"]["properties"]["filters"]
    assert {name: frozenset(operators) for name, operators in fields_of(option)} == QUALIFICATION_FILTERS


def examples(node: Any) -> Iterator[dict[str, Any]]:
    """Every example of filters in a body."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name in {"filters", "filter"} and isinstance(value, dict) and "properties" not in value:
                yield value
            yield from examples(value)
    elif isinstance(node, list):
        for value in node:
            yield from examples(value)


def in_lists(filters: dict[str, Any]) -> dict[str, Any]:
    """An example with its single values in lists, and the junction where it says something."""
    found = {
        name: {"conditions": {key: value if isinstance(value, list) else [value] for key, value in one.items()}}
        for name, inner in filters.items()
        if name != "junction"
        for one in [inner["conditions"]]
    }
    several = sum(len(inner["conditions"]) for inner in found.values()) > 1
    return {**({"junction": filters.get("junction", "and").lower()} if several else {}), **found}


def test_every_example_of_filters_in_a_body_can_be_rebuilt() -> None:
    found = [one for one in examples(description()["paths"]) if set(one) - {"junction"}]
    assert len(found) > 20
    for one in found:
        assert to_json(one) == in_lists(one)


@pytest.mark.parametrize(
    "written",
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
def test_examples_of_the_guides_can_be_rebuilt_letter_by_letter(written: str) -> None:
    pairs = [(name, value) for name, _, value in (one.partition("=") for one in written.split("&"))]
    (built,) = filter_queries(FREE, parse_filter(nested(pairs)["filters"]))
    assert built == pairs


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """A query as Node's ``qs`` reads it, as far as filters need it."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+", name)
        assert len(rest) <= 5, "deeper brackets are left as they are"
        node = tree
        for step in (first, *rest[:-1]) if rest else ():
            node = node.setdefault(step, {})
        node[rest[-1] if rest else first] = value
    return {name: settled(value) for name, value in tree.items()}


def settled(node: Any) -> Any:
    """Indexes up to 20 make a list; a higher one makes names of all."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        if max(map(int, node)) <= 20:
            return [settled(node[key]) for key in sorted(node, key=int)]
        return node
    return {key: settled(value) for key, value in node.items()}


def test_a_server_reads_the_query_as_it_was_meant() -> None:
    asked = (
        field("result").is_("SUCCESS")
        & field("metadata.order no").in_([f"#{number}" for number in range(MAX_VALUES_PER_CONDITION)])
        & field("created_at").after("2026-05-01T00:00:00.000Z")
        & field("created_at").before("2026-05-02T00:00:00.000Z")
        & field("failure_code").is_unknown()
    )
    (query,) = filter_queries(FREE, asked)
    assert nested(query) == {
        "filters": {
            "result": {"conditions": {"$is": "SUCCESS"}},
            "metadata.order no": {"conditions": {"$in": [f"#{number}" for number in range(MAX_VALUES_PER_CONDITION)]}},
            "created_at": {"conditions": {"$after": "2026-05-01T00:00:00.000Z", "$before": "2026-05-02T00:00:00.000Z"}},
            "failure_code": {"conditions": {"$is_unknown": ""}},
            "junction": "and",
        }
    }


def test_no_query_has_an_index_that_the_server_would_read_as_a_name() -> None:
    values = [f"cust_{number}" for number in range(105)]
    found = [
        nested(query)["filters"]["customer_id"]["conditions"]["$in"]
        for query in filter_queries(FREE, field("customer_id").in_(values))
    ]
    assert all(isinstance(batch, list) for batch in found)
    assert [value for batch in found for value in batch] == values


def test_the_parser_of_this_test_makes_names_of_high_indexes() -> None:
    assert nested([("a[0]", "x"), ("a[21]", "y")]) == {"a": {"0": "x", "21": "y"}}
