"""What a Dag file imports is cheap: nothing is loaded that only a running task needs.

Airflow parses Dag files again and again, each in a process of its own. Its best practices ask for imports at the point
of use ("Top level Python Code"). These tests compare names of modules, never times: ``benchmarks/imports.py`` measures.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIBRARIES = {
    "cryptography",
    "duckdb",
    "graphql",
    "httpx",
    "jwt",
    "pandas",
    "phonenumbers",
    "pyarrow",
    "pycountry",
    "pydantic",
    "pydantic_core",
    "redis",
    "rich",
    "sqlalchemy",
    "sqlglot",
    "starlette",
    "yaml",
}
"""Packages that only tasks, the triggerer, the API server or the command line use."""

PACKAGES = ("sandbox", "cli", "plugin.app", "sync.build", "sync.mapping", "sync.payload.base", "sync.payload.models")
CLIENTS = ("shopify_admin", "shopify_partner", "voucherify", "yofi", "yotpo")
OWN = {
    *PACKAGES,
    *(f"api.{partner}.client" for partner in CLIENTS),
    "api.http.call",
    "api.http.connection_pool",
    "api.http.transport",
    "sync.join",
    "sync.options",
    "tables.statements",
}
"""Modules of this package that a Dag file must not load."""

CHECKED_AT_PARSE = {"airflow_provider_partners.pipelines.routing.routes": {"pydantic", "pydantic_core"}}
"""Routes decide how many lanes a Dag has, so their model is needed; Airflow has loaded pydantic by then."""

ROLES = ("operators", "sensors", "triggers", "hooks", "notifications", "pipelines")

# A process with Airflow, and a fork of it for each import: each begins with the same modules, as in the Dag processor.
_CODE = """
import json, os, sys
import airflow.sdk
from airflow.sdk import DAG, BaseOperator, BaseHook, BaseNotifier, BaseSensorOperator, Param, task
import airflow.triggers.base, airflow.timetables.trigger
PACKAGE, roles, libraries = "airflow_provider_partners", json.loads(sys.argv[1]), set(json.loads(sys.argv[2]))

def top(value):
    name = getattr(value, "__module__", None) or getattr(value, "__name__", None)
    return name.partition(".")[0] if isinstance(name, str) else ""

def load(role, name):
    before = set(sys.modules)
    if role == "start":
        exec(name, {})
    else:
        exec(f"from {PACKAGE}.{role} import {name}", {})
    new = sorted(set(sys.modules) - before)
    own = [module for module in sys.modules if module.startswith(PACKAGE + ".")]
    used = sorted({(module, top(value)) for module in own for value in list(vars(sys.modules[module]).values())
                   if top(value) in libraries})
    return {"new": new, "own": own, "used": used}

from importlib import import_module
names = [(role, name) for role in roles for name in import_module(f"{PACKAGE}.{role}").__all__]
names += [("start", line) for line in json.loads(sys.argv[3])]
for module in [module for module in sys.modules if module.partition(".")[0] == PACKAGE]:
    del sys.modules[module]
for role, name in names:
    reader, writer = os.pipe()
    if os.fork() == 0:
        try:
            loaded = load(role, name)
        except BaseException as error:
            loaded = {"error": repr(error)}
        with os.fdopen(writer, "w") as answer:
            json.dump(loaded, answer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        print(json.dumps([role, name, json.load(answer)]), flush=True)
    os.wait()
"""
START = (
    "from airflow_provider_partners.get_provider_info import get_provider_info; get_provider_info()",
    "from airflow_provider_partners.plugin.registration import PartnersPlugin",
    "from airflow_provider_partners.cli.airflow_group import get_cli_commands; get_cli_commands()",
)
"""What Airflow runs at the start of its processes."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what each import loads, by role and name."""
    command = [sys.executable, "-c", _CODE, *(json.dumps(value) for value in (ROLES, sorted(LIBRARIES), START))]
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    run = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr[-2000:]
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("[")]
    return {(role, name): found for role, name, found in rows}


def test_every_public_name_was_imported(loaded: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {key: found["error"] for key, found in loaded.items() if "error" in found} == {}
    assert {role for role, _ in loaded} == {*ROLES, "start"}
    assert len(loaded) > 50
    # The test would see it: what is listed exists, and a class of the package is among what was loaded.
    own = loaded["operators", "YotpoUpsertOrdersOperator"]["own"]
    assert "airflow_provider_partners.operators.yotpo.upsert" in own
    package = Path(__file__).parents[2] / "airflow_provider_partners"
    places = {name: package.joinpath(*name.split(".")) for name in OWN}
    assert [
        name for name, place in places.items() if not place.is_dir() and not place.with_suffix(".py").exists()
    ] == []


def test_a_dag_file_loads_no_module_that_only_a_task_needs(loaded: dict[tuple[str, str], dict[str, Any]]) -> None:
    heavy = {
        key: sorted({module for module in found["own"] if _is_listed(module.partition(".")[2])})
        for key, found in loaded.items()
        if key[0] != "start"
    }

    assert {key: modules for key, modules in heavy.items() if modules} == {}


def test_a_dag_file_loads_no_library_that_only_a_task_needs(loaded: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Airflow loads some of them itself, so what a module of ours holds counts as well."""
    found = {
        key: sorted({
            *(name for name in row["new"] if name in LIBRARIES),
            *(f"{module}: {lib}" for module, lib in row["used"] if lib not in CHECKED_AT_PARSE.get(module, ())),
        })
        for key, row in loaded.items()
    }

    assert {key: names for key, names in found.items() if names} == {}


def test_airflows_processes_load_only_a_few_modules_at_their_start(
    loaded: dict[tuple[str, str], dict[str, Any]],
) -> None:
    own = {line: [name.partition(".")[2] for name in loaded["start", line]["own"]] for line in START}
    few = {
        "_compat",
        "_lazy",
        "cli",
        "cli.airflow_group",
        "cli.commands",
        "get_provider_info",
        "plugin",
        "plugin.registration",
    }

    assert {line: sorted({*names} - few) for line, names in own.items() if {*names} - few} == {}


def _is_listed(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in OWN)
