"""The client's table of Voucherify's lists is what its published OpenAPI description says.

The description, and an extract of it that lists all listing endpoints, are looked for in the folder that
``PARTNER_SCHEMAS`` names, or in ``shared/schemas`` beside the repository; where they are not, these tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.api.voucherify.resources import RESOURCES
from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

ROOT = Path(__file__).parents[2]
FOLDERS = [Path(os.environ.get("PARTNER_SCHEMAS", "")), ROOT.parent / "shared" / "schemas"]
FOLDER = next((folder for folder in FOLDERS if (folder / "voucherify_list_endpoints.json").is_file()), None)
pytestmark = pytest.mark.skipif(FOLDER is None, reason="Voucherify's description is not there")

NOT_VALUES = {"null", "default"}
"""What the extract has among the values of ``order`` although it is a type, or a default."""

UNDOCUMENTED = {("products", "filters")}
"""Used by the vendor's own client, though not described."""

LEFT_OUT = {
    ("customers", "starting_after"),  # read in parts by time
    ("customer_activities", "starting_after"),
    ("locations", "end_date"),  # walked by the filter of time
    ("validation_rules_assignments", "order"),  # without a value that it takes
}


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text()) if FOLDER else {}


LISTS = {spec["path"]: spec for spec in load("voucherify_list_endpoints.json")}
OPENAPI = load("voucherify_openapi.json") if FOLDER else {"paths": {}}


def resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        found: Any = OPENAPI
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def snake(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: "{" + re.sub(r"(?<!^)([A-Z])", r"_\1", name[1]).lower() + "}", path)


ROWS = {row.path: row for row in RESOURCES.values()}
PAIRS = [(ROWS[snake(path)], spec) for path, spec in LISTS.items() if snake(path) in ROWS]
each = pytest.mark.parametrize(("row", "spec"), PAIRS, ids=[row.name for row, _ in PAIRS])


def described(spec: dict[str, Any]) -> dict[str, Any] | None:
    """The description's operation, where the file has the path."""
    item = OPENAPI["paths"].get(spec["path"], {})
    if "get" not in item:
        return None
    given = [resolved(node) for node in [*item.get("parameters", []), *item["get"].get("parameters", [])]]
    return {node["name"]: resolved(node.get("schema", {})) for node in given if node["in"] == "query"}


def some(test: Callable[[dict[str, Any]], bool]) -> Any:
    """Parametrized by the lists that a test concerns."""
    chosen = [(row, spec) for row, spec in PAIRS if test(spec)]
    return pytest.mark.parametrize(("row", "spec"), chosen, ids=[row.name for row, _ in chosen])


def in_description(spec: dict[str, Any]) -> bool:
    """Whether the saved description has the path; it lacks the second loyalty API."""
    return described(spec) is not None


def filtered_in_description(spec: dict[str, Any]) -> bool:
    """Whether it lists filters too."""
    return "filters" in (described(spec) or {})


def asked(row: VoucherifyResource) -> set[str]:
    """The parameters that a list may be sent, besides those of its way of paging."""
    times = {name.partition("[")[0] for time in row.times.values() for name in (time.after, time.before) if name}
    return {
        *row.parameters,
        *times,
        *(["filters"] if row.accepts_filters else []),
        *(["order"] if row.sort_values else []),
        *([row.scroll] if row.scroll else []),
    }


def test_every_list_that_is_described_is_in_the_table() -> None:
    assert len(LISTS) == 92
    assert {snake(path) for path in LISTS} == set(ROWS)


@each
def test_it_is_walked_as_described(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    assert row.paging_style == spec["paging"].partition("+")[0]
    assert row.records_path == spec["results_key"]
    assert row.max_page_number == (spec["page_max"] or (100 if row.paging_style == "page" else None))
    assert (spec["limit_max"] is None) == (row.paging_style == "single_shot")
    assert spec["limit_max"] in {None, row.max_page_size}
    assert row.counted == (spec["total"] != "absent")
    assert row.deprecated == spec["deprecated"]


@each
def test_its_orders_are_those_described(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    # The second loyalty API allows null, of which the extract has the word "type" as well.
    noise = NOT_VALUES | ({"type"} if "null" in spec["order"] and "-type" not in spec["order"] else set())
    assert set(row.sort_values) == set(spec["order"]) - noise
    assert row.sort in {*row.sort_values, ""}
    assert bool(row.sort) == bool(row.sort_values)


@each
def test_its_parameters_are_those_described(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    paging = {"limit", "page", "cursor", "starting_after_id"}
    theirs = {name.partition("[")[0] for name in spec["params"]} - paging
    mine = asked(row)
    assert {(row.name, name) for name in mine - theirs} <= UNDOCUMENTED
    assert {(row.name, name) for name in theirs - mine} <= LEFT_OUT


@some(in_description)
def test_the_description_itself_has_these_parameters_and_values(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    found = described(spec) or {}
    names = {name.partition("[")[0] for name in found}
    assert {(row.name, name) for name in asked(row) - names} <= UNDOCUMENTED
    if "order" in found and row.sort_values:
        assert set(found["order"]["enum"]) == set(row.sort_values)
    if row.paging_style == "page" and "maximum" in found["page"]:
        assert found["page"]["maximum"] == row.max_page_number
    if row.paging_style != "single_shot":
        assert found["limit"]["maximum"] == row.max_page_size


@some(filtered_in_description)
def test_its_filters_are_those_described(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    found = described(spec) or {}
    fields = {name: resolved(node) for name, node in found["filters"].get("properties", {}).items()}
    fields.pop("junction", None)
    assert set(row.filters) == set(fields)
    assert row.allows_any_filter == (not fields)
    for name, node in fields.items():
        conditions: set[str] = set()
        collect(node.get("properties", {}).get("conditions", {}), conditions)
        # One of the description's conditions lacks its sign.
        written = {condition if condition.startswith("$") else f"${condition}" for condition in conditions}
        assert row.filters[name] == (written or None), name


def collect(node: Any, into: set[str]) -> None:
    node = resolved(node)
    into.update(node.get("properties", {}))
    for inner in [*node.get("oneOf", []), *node.get("anyOf", []), *node.get("allOf", [])]:
        collect(inner, into)


@some(in_description)
def test_its_rows_have_the_fields_that_it_goes_by(row: VoucherifyResource, spec: dict[str, Any]) -> None:
    content = OPENAPI["paths"][spec["path"]]["get"]["responses"]["200"]["content"]
    answer: set[str] = set()
    body = next(iter(content.values()))["schema"]
    collect(body, answer)
    assert row.records_path in answer
    fields: set[str] = set()
    collect(array(body, row.records_path)["items"], fields)
    assert {name.partition(".")[0] for name in row.key} <= fields
    assert {time.record_field for time in row.times.values()} <= fields


def array(node: Any, name: str) -> Any:
    node = resolved(node)
    if name in node.get("properties", {}):
        return resolved(node["properties"][name])
    for inner in [*node.get("oneOf", []), *node.get("anyOf", []), *node.get("allOf", [])]:
        if (found := array(inner, name)) is not None:
            return found
    return None


SINGLES = [row for row in RESOURCES.values() if row.one and not row.path.startswith("/v2/")]
"""The saved description lacks the second loyalty API."""


@pytest.mark.parametrize("row", SINGLES, ids=lambda row: row.name)
def test_single_records_are_where_the_description_has_them(row: VoucherifyResource) -> None:
    paths = {re.sub(r"{\w+}", "{}", path) for path, item in OPENAPI["paths"].items() if "get" in item}
    assert re.sub(r"{\w+}", "{}", row.one) in paths
    assert set(re.findall(r"{(\w+)}", row.one)) - {"id"} <= set(row.parents)
