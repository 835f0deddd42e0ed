"""The provider's metadata agrees with Airflow's schema and UI, with the code, and with the hooks."""

from __future__ import annotations

import ast
import inspect
import json
import re
from importlib import import_module
from importlib.metadata import metadata
from pathlib import Path
from xml.etree import ElementTree as ET

import airflow
import jsonschema
import pytest

from airflow_provider_partners import __version__, settings
from airflow_provider_partners import get_provider_info as module
from airflow_provider_partners._compat import conf
from airflow_provider_partners.get_provider_info import get_provider_info

INFO = get_provider_info()
TYPES = {entry["connection-type"]: entry for entry in INFO["connection-types"]}
SCHEMAS = Path(airflow.__file__).parent


def schema(name):
    return json.loads((SCHEMAS / name).read_text())


def import_object(dotted):
    path, _, name = dotted.rpartition(".")
    return getattr(import_module(path), name)


def named_modules():
    return [
        name
        for kind in ("hooks", "operators", "sensors", "triggers")
        for entry in INFO.get(kind, [])
        for name in entry["python-modules"]
    ]


def test_the_metadata_is_valid_for_airflows_schema():
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_the_metadata_is_valid_for_the_schema_of_official_providers():
    built = schema("provider.yaml.schema.json")
    shared = {name: part for name, part in INFO.items() if name in built["properties"]}
    assert set(INFO) == set(shared)
    jsonschema.validate(shared, {**built, "required": []})


@pytest.mark.parametrize("integration", INFO["integrations"], ids=lambda entry: entry["integration-name"])
def test_an_integration_has_a_guide_and_a_mark_of_this_project(integration):
    """Airflow's schema of ``provider.yaml`` names the forms of these fields, and which tags exist."""
    root = Path(__file__).parents[2]
    for path in integration["how-to-guide"]:
        assert path.startswith("/docs/")
        assert f"# {integration['integration-name']}" in (root / path.lstrip("/")).read_text()
    assert "/integration-logos/" in integration["logo"]
    mark = ET.parse(root / integration["logo"].lstrip("/")).getroot()
    assert mark.tag == "{http://www.w3.org/2000/svg}svg"
    # No letters, no images from elsewhere: what is drawn is nobody's trademark.
    assert {element.tag.rpartition("}")[2] for element in mark.iter()} <= {"svg", "rect", "g", "path", "circle"}


def test_every_module_belongs_to_an_integration():
    names = {entry["integration-name"] for entry in INFO["integrations"]}
    for role in ("hooks", "operators", "sensors", "triggers"):
        assert {entry["integration-name"] for entry in INFO[role]} <= names


def test_the_name_is_that_of_the_distribution():
    assert INFO["package-name"] == metadata("airflow-provider-partners")["Name"]


def test_the_version_that_added_the_options_exists():
    added = {option["version_added"] for option in INFO["config"]["partners"]["options"].values()}
    assert added <= {__version__}


def test_the_module_imports_nothing():
    imports = [
        node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert [node.module for node in imports] == ["__future__"]


def test_every_call_returns_the_same():
    assert get_provider_info() == INFO


def test_five_connection_types_are_declared():
    assert sorted(TYPES) == ["shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo"]


@pytest.mark.parametrize("name", named_modules())
def test_every_named_module_can_be_imported(name):
    assert import_module(name)


@pytest.mark.parametrize(
    "dotted",
    [
        *[entry["hook-class-name"] for entry in INFO["connection-types"]],
        *INFO["extra-links"],
        *[entry[key] for entry in INFO["asset-uris"] for key in ("handler", "factory", "to_openlineage_converter")],
    ],
)
def test_every_named_object_exists(dotted):
    assert import_object(dotted)


def test_every_module_of_a_role_is_declared():
    root = Path(module.__file__).parent
    shared = {"base", "inputs", "extract", "extract_job", "connection", "connection_forms", "records", "failure_count"}
    shared |= {
        "conditions",
        "garbage",
        "request",
        "stored",
        "document",
        "to_dataset",
        "watch",
        "database",
        "budget_database",
        "lookups",
        "memory",
    }
    modules = {
        f"airflow_provider_partners.{folder}.{path.stem}"
        for folder in ("hooks", "operators", "sensors", "triggers")
        for path in (root / folder).glob("[a-z]*")
        if (path.suffix == ".py" or (path / "__init__.py").exists()) and path.stem not in shared
    }
    assert modules == set(named_modules())


@pytest.mark.parametrize("conn_type", sorted(TYPES))
def test_a_hook_matches_its_declaration(conn_type):
    hook = import_object(TYPES[conn_type]["hook-class-name"])
    assert hook.conn_type == conn_type
    assert hook.hook_name == TYPES[conn_type]["hook-name"]
    assert hook.default_conn_name == f"{conn_type}_default"
    assert hook.conn_name_attr == f"{conn_type}_conn_id"
    assert next(iter(inspect.signature(hook).parameters)) == hook.conn_name_attr
    assert TYPES[conn_type]["ui-field-behaviour"]["placeholders"]["host"] == hook.default_host


@pytest.mark.parametrize("conn_type", sorted(TYPES))
def test_every_declared_extra_is_an_argument_of_the_client_with_the_same_default(conn_type):
    hook = import_object(TYPES[conn_type]["hook-class-name"])
    (client_name,) = hook.__orig_bases__[0].__args__
    client = getattr(import_module(f"airflow_provider_partners.api.{conn_type}"), client_name.__forward_arg__)
    arguments = inspect.signature(client).parameters
    for name, field in TYPES[conn_type]["conn-fields"].items():
        if name == "console_url":
            continue  # Links use it, the client does not.
        assert name in arguments, f"{client.__name__} has no argument {name}"
        described = re.search(r" Default: (.+)\.$", field["description"])
        if described:
            default = arguments[name].default
            assert described[1] == (str(default).lower() if isinstance(default, bool) else str(default)), name


def test_every_secret_extra_has_a_name_that_airflow_redacts():
    from airflow.sdk.log import redact

    for entry in INFO["connection-types"]:
        for name, field in entry["conn-fields"].items():
            if field["schema"].get("format") == "password":
                assert redact({name: "a secret value"})[name] == "***"


def forms():
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService

    HookMetaService.hook_meta_data.cache_clear()
    return {meta.connection_type: meta for meta in HookMetaService.hook_meta_data() if meta.connection_type in TYPES}


def test_the_ui_shows_every_type_with_its_name_and_extras():
    shown = forms()
    assert sorted(shown) == sorted(TYPES)
    for conn_type, meta in shown.items():
        declared = TYPES[conn_type]
        assert meta.hook_name == declared["hook-name"]
        assert list(meta.extra_fields) == list(declared["conn-fields"])
        for name, field in declared["conn-fields"].items():
            shown_field = meta.extra_fields[name]
            assert shown_field["schema"]["title"] == field["label"]
            assert shown_field["description"] == field["description"]
            # Airflow stores what the form shows, and a stored default stays behind after an upgrade.
            assert shown_field["value"] is None
            assert shown_field["schema"].get("enum") == field["schema"].get("enum")


def test_the_ui_labels_the_standard_fields():
    for conn_type, meta in forms().items():
        behaviour = TYPES[conn_type]["ui-field-behaviour"]
        assert meta.standard_fields.password.title == behaviour["relabeling"]["password"]
        assert meta.standard_fields.host.placeholder == behaviour["placeholders"]["host"]
        assert meta.standard_fields.port.hidden
        assert meta.standard_fields.url_schema.hidden


def test_airflow_resolves_a_connection_to_its_hook(monkeypatch):
    from airflow.sdk import Connection

    for conn_type, entry in TYPES.items():
        hook = Connection(conn_id="any", conn_type=conn_type).get_hook()
        assert type(hook) is import_object(entry["hook-class-name"])
        assert hook.conn_id == "any"


def test_airflow_returns_the_default_of_every_option():
    for name, option in INFO["config"]["partners"]["options"].items():
        assert conf.get("partners", name) == option["default"]


def test_braces_in_a_default_are_not_formatted_by_airflow():
    """Airflow 3.0 formats defaults when it starts, and crashes on an unknown name."""
    for name, option in INFO["config"]["partners"]["options"].items():
        assert option.get("is_template") or option["default"].format() == option["default"], name


def test_the_settings_read_every_option():
    source = inspect.getsource(settings)
    for name in INFO["config"]["partners"]["options"]:
        assert f'("{name}"' in source, name


def test_the_command_line_shows_the_provider(capsys):
    from airflow.cli.cli_parser import get_parser

    command = "providers get airflow-provider-partners --full --output json"
    arguments = get_parser().parse_args(command.split())
    arguments.func(arguments)
    output = capsys.readouterr().out
    assert "shopify_admin" in output
    assert "airflow_provider_partners.hooks.yotpo.YotpoHook" in output
