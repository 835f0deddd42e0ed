"""The client's table of Voucherify's lists equals the published OpenAPI description.

The description (https://github.com/voucherifyio/voucherify-openapi), and an extract with all list endpoints, are read
from the folder that ``PARTNER_SCHEMAS`` names, or from ``shared/schemas`` beside the repository. Without them the tests
are skipped.
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
pytestmark = pytest.mark.skipif(FOLDER is None, reason="Voucherify's OpenAPI description is not here")

NOT_VALUES = {"null", "default"}
"""Words in the extract's values of ``order`` that are a type or a default."""

UNUSED = {
    ("customers", "starting_after"),  # the client splits by time instead
    ("customer_activities", "starting_after"),
    ("locations", "end_date"),  # the client filters by time instead
    ("validation_rules_assignments", "order"),  # documented without values
}


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text()) if FOLDER else {}


LISTS = {spec["path"]: spec for spec in load("voucherify_list_endpoints.json")}
OPENAPI = load("voucherify_openapi.json") if FOLDER else {"paths": {}}


def resolved(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = OPENAPI
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def in_snake_case(path: str) -> str:
    return re.sub(r"{(\w+)}", lambda name: "{" + re.sub(r"(?<!^)([A-Z])", r"_\1", name[1]).lower() + "}", path)


BY_PATH = {resource.path: resource for resource in RESOURCES.values()}
PAIRS = [(BY_PATH[in_snake_case(path)], spec) for path, spec in LISTS.items() if in_snake_case(path) in BY_PATH]
every_list = pytest.mark.parametrize(("resource", "spec"), PAIRS, ids=[resource.name for resource, _ in PAIRS])


def documented_params(spec: dict[str, Any]) -> dict[str, Any] | None:
    """Return the query parameters of the description, or ``None`` when it lacks the path."""
    item = OPENAPI["paths"].get(spec["path"], {})
    if "get" not in item:
        return None
    params = [resolved(node) for node in [*item.get("parameters", []), *item["get"].get("parameters", [])]]
    return {node["name"]: resolved(node.get("schema", {})) for node in params if node["in"] == "query"}


def lists_where(condition: Callable[[dict[str, Any]], bool]) -> Any:
    """Parametrize a test by the lists that meet a condition."""
    selected = [(resource, spec) for resource, spec in PAIRS if condition(spec)]
    return pytest.mark.parametrize(("resource", "spec"), selected, ids=[resource.name for resource, _ in selected])


def in_description(spec: dict[str, Any]) -> bool:
    """Whether the saved description has the path. It lacks the second loyalty API."""
    return documented_params(spec) is not None


def filtered_in_description(spec: dict[str, Any]) -> bool:
    """Whether the saved description has filters of the list."""
    return "filters" in (documented_params(spec) or {})


def accepted_params(resource: VoucherifyResource) -> set[str]:
    """Return the parameters that the client accepts for a list without a warning, besides those of paging."""
    times = {name.partition("[")[0] for time in resource.times.values() for name in (time.after, time.before) if name}
    return {
        *(resource.parameters - resource.undescribed),
        *times,
        *(["filters"] if resource.accepts_filters and resource.undescribed_filters != {"*"} else []),
        *(["order"] if resource.sort_values else []),
        *([resource.scroll_param] if resource.scroll_param else []),
    }


def test_every_documented_list_is_in_the_table() -> None:
    assert len(LISTS) == 92
    assert {in_snake_case(path) for path in LISTS} == set(BY_PATH)


@every_list
def test_paging_is_as_documented(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    assert resource.paging_style == spec["paging"].partition("+")[0]
    assert resource.records_path == spec["results_key"]
    assert resource.max_page_number == (spec["page_max"] or (100 if resource.paging_style == "page" else None))
    assert (spec["limit_max"] is None) == (resource.paging_style == "single_shot")
    assert spec["limit_max"] in {None, resource.max_page_size}
    assert resource.has_total == (spec["total"] != "absent")
    assert resource.deprecated == spec["deprecated"]


@every_list
def test_sort_values_are_those_documented(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    # The second loyalty API allows null, and the extract then has the word "type" too.
    noise = NOT_VALUES | ({"type"} if "null" in spec["order"] and "-type" not in spec["order"] else set())
    assert set(resource.sort_values) == set(spec["order"]) - noise
    assert resource.sort in {*resource.sort_values, ""}
    assert bool(resource.sort) == bool(resource.sort_values)


@every_list
def test_parameters_are_those_of_the_extract(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    paging = {"limit", "page", "cursor", "starting_after_id"}
    documented = {name.partition("[")[0] for name in spec["params"]} - paging
    accepted = accepted_params(resource)
    assert accepted <= documented
    assert {(resource.name, name) for name in documented - accepted} <= UNUSED


@lists_where(in_description)
def test_parameters_are_those_of_the_description(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    params = documented_params(spec) or {}
    names = {name.partition("[")[0] for name in params}
    assert accepted_params(resource) <= names
    # What only the page on lists documents is sent with a warning, so it must be missing here.
    assert not resource.undescribed & names
    assert ("filters" in names) or resource.undescribed_filters <= {"*"}
    if "order" in params and resource.sort_values:
        assert set(params["order"]["enum"]) == set(resource.sort_values)
    if resource.paging_style == "page" and "maximum" in params["page"]:
        assert params["page"]["maximum"] == resource.max_page_number
    if resource.paging_style != "single_shot":
        assert params["limit"]["maximum"] == resource.max_page_size


@lists_where(filtered_in_description)
def test_filters_are_those_documented(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    params = documented_params(spec) or {}
    fields = {name: resolved(node) for name, node in params["filters"].get("properties", {}).items()}
    fields.pop("junction", None)
    assert set(resource.filters) - resource.undescribed_filters == set(fields)
    assert resource.allows_any_filter == (not fields)
    for name, node in fields.items():
        conditions: set[str] = set()
        collect(node.get("properties", {}).get("conditions", {}), conditions)
        # One condition of the description lacks its "$".
        operators = {condition if condition.startswith("$") else f"${condition}" for condition in conditions}
        assert resource.filters[name] == (operators or None), name


def collect(node: Any, into: set[str]) -> None:
    """Collect the property names of a schema and its alternatives."""
    node = resolved(node)
    into.update(node.get("properties", {}))
    for inner in [*node.get("oneOf", []), *node.get("anyOf", []), *node.get("allOf", [])]:
        collect(inner, into)


@lists_where(in_description)
def test_documented_records_have_the_keys_and_timestamps_of_the_table(
    resource: VoucherifyResource, spec: dict[str, Any]
) -> None:
    content = OPENAPI["paths"][spec["path"]]["get"]["responses"]["200"]["content"]
    members: set[str] = set()
    body = next(iter(content.values()))["schema"]
    collect(body, members)
    assert resource.records_path in members
    fields: set[str] = set()
    collect(array(body, resource.records_path)["items"], fields)
    assert {name.partition(".")[0] for name in resource.key} <= fields
    assert {time.record_field for time in resource.times.values()} <= fields


def array(node: Any, name: str) -> Any:
    node = resolved(node)
    if name in node.get("properties", {}):
        return resolved(node["properties"][name])
    for inner in [*node.get("oneOf", []), *node.get("anyOf", []), *node.get("allOf", [])]:
        if (schema := array(inner, name)) is not None:
            return schema
    return None


WITH_SINGLE_RECORDS = [
    resource for resource in RESOURCES.values() if resource.record_path and not resource.path.startswith("/v2/")
]
"""The saved description lacks the second loyalty API."""


@pytest.mark.parametrize("resource", WITH_SINGLE_RECORDS, ids=lambda resource: resource.name)
def test_paths_of_single_records_are_documented(resource: VoucherifyResource) -> None:
    paths = {re.sub(r"{\w+}", "{}", path) for path, item in OPENAPI["paths"].items() if "get" in item}
    assert re.sub(r"{\w+}", "{}", resource.record_path) in paths
    assert set(re.findall(r"{(\w+)}", resource.record_path)) - {"id"} <= set(resource.parents)


@every_list
def test_the_oauth_scope_is_that_of_the_description(resource: VoucherifyResource, spec: dict[str, Any]) -> None:
    """``security`` of an operation names ``api`` and the list's own scope."""
    operation = OPENAPI["paths"].get(spec["path"], {}).get("get") or {}
    documented = {
        scope for security in operation.get("security", []) for scopes in security.values() for scope in scopes
    }
    if resource.path.startswith("/v1/") and documented:
        assert documented == {"api", resource.oauth_scope}
