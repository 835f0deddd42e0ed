"""The pages for users say what is true: examples run, labels exist, tables are current, and the site builds."""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger

import airflow_provider_partners
from airflow_provider_partners.api.client import ApiClient
from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.hooks.connection import read_connection

PACKAGE = Path(airflow_provider_partners.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts), ROOT / "README.md"]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
INFO: Any = get_provider_info()

BASES = {"PartnerHook", "WatchTrigger", "YofiWatchTrigger"}
"""What is only there for others to be made of, but isn't abstract."""

_LABEL = re.compile(r"^\((howto/[^()\s]+)\)=\n+#+ (.+)$", re.MULTILINE)


def blocks(path: Path, language: str) -> list[str]:
    """The fenced examples of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Every command that a page shows, on one line."""
    return [
        (name, line)
        for name, path in zip(NAMES, PAGES, strict=True)
        for block in blocks(path, "shell")
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


def classes(role: str, base: type) -> list[type]:
    """The classes of a role that are meant for users: none that is but a base of others."""
    modules = [
        import_module(f"airflow_provider_partners.{role}.{path.stem}")
        for path in sorted((PACKAGE / role).glob("[a-z]*.py"))
    ]
    found = [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    return [value for value in found if not inspect.isabstract(value) and value.__name__ not in BASES]


def labels() -> dict[str, str]:
    """Every label with the heading it stands before."""
    return {label: heading for path in PAGES for label, heading in _LABEL.findall(path.read_text())}


def table_under(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    text = f"\n{(DOCS / page).read_text()}".split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert rows
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.group().splitlines()[2:]]


OPERATORS = [*classes("operators", BaseOperator), *classes("sensors", BaseOperator)]
HOOKS = classes("hooks", PartnerHook)
CONNECTIONS = {row["connection-type"]: row for row in INFO["connection-types"]}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_every_operator_and_sensor_has_a_section_with_its_label(operator: type) -> None:
    assert labels()[f"howto/operator:{operator.__name__}"] == operator.__name__


@pytest.mark.parametrize("hook", HOOKS, ids=lambda kind: kind.__name__)
def test_every_hook_has_a_section_and_its_connection_another(hook: Any) -> None:
    assert labels()[f"howto/hook:{hook.__name__}"] == hook.__name__
    assert labels()[f"howto/connection:{hook.conn_type}"] == hook.hook_name


def test_there_are_operators_sensors_and_hooks_to_look_for() -> None:
    assert len(OPERATORS) >= 13
    assert sorted(hook.conn_type for hook in HOOKS) == sorted(CONNECTIONS)


def test_no_label_is_given_twice_or_to_what_does_not_exist() -> None:
    given = Counter(label for path in PAGES for label, _ in _LABEL.findall(path.read_text()))
    known = {f"howto/operator:{kind.__name__}" for kind in OPERATORS}
    known |= {f"howto/hook:{kind.__name__}" for kind in HOOKS}
    known |= {f"howto/connection:{conn_type}" for conn_type in CONNECTIONS}

    assert [label for label, times in given.items() if times > 1] == []
    assert set(given) - known == set()


def test_every_label_that_a_docstring_or_page_refers_to_exists() -> None:
    wanted = {
        label
        for path in [*PACKAGE.rglob("*.py"), *PAGES]
        for label in re.findall(r"(?::ref:|\{ref\})`(?:[^`<]*<)?(howto/[^`>]+)>?`", path.read_text())
    }

    assert len(wanted) > 10
    assert wanted - set(labels()) == set()


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_an_operator_that_names_its_guide_names_its_own(operator: type) -> None:
    named = re.findall(r":ref:`(howto/operator:\w+)`", vars(operator)["__doc__"] or "")

    assert set(named) <= {f"howto/operator:{operator.__name__}"}


def test_every_public_class_is_in_the_reference() -> None:
    reference = "\n".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    clients = [
        value
        for module in CONNECTIONS
        for value in vars(import_module(f"airflow_provider_partners.api.{module}.client")).values()
        if inspect.isclass(value) and issubclass(value, ApiClient) and value.__module__.endswith(f"api.{module}.client")
    ]
    public = [*OPERATORS, *HOOKS, *clients, *classes("triggers", BaseTrigger)]

    assert len(clients) == len(CONNECTIONS)
    assert [
        kind.__name__ for kind in public if not re.search(rf"autoclass:: \S+\.{kind.__name__}$", reference, re.M)
    ] == []


@pytest.mark.parametrize("conn_type", CONNECTIONS)
def test_the_fields_of_a_connection_are_named_as_in_its_form(conn_type: str) -> None:
    declared = CONNECTIONS[conn_type]
    form = declared["ui-field-behaviour"]
    shown = [
        form["relabeling"].get(name, name.capitalize())
        for name in ("login", "password", "host")
        if name not in form["hidden-fields"]
    ]
    extras = {field["label"]: f"extra `{name}`" for name, field in declared["conn-fields"].items()}

    rows = table_under("connections.md", f"## {declared['hook-name']}")

    assert [row[0] for row in rows] == [*shown, *extras]
    assert {row[0]: row[1] for row in rows if row[1].startswith("extra")} == extras


def test_every_option_is_told_with_its_default() -> None:
    declared = INFO["config"]["partners"]["options"]
    rows = {row[0].strip("`"): row[1].strip("`") for row in table_under("settings.md", "# Settings")}

    assert rows == {name: option["default"] or "empty" for name, option in declared.items()}


def test_the_tables_are_those_of_the_declaration() -> None:
    spec = importlib.util.spec_from_file_location("docs_tables", DOCS / "tables.py")
    assert spec
    assert spec.loader
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    stale = [path.name for path in PAGES if tables.rendered(path.read_text()) != path.read_text()]

    assert stale == [], "run: python docs/tables.py"


_RUN = """
import json, sys, traceback
from airflow.sdk import DAG

said = {}
for page, examples in json.load(sys.stdin).items():
    names = {"__name__": "example"}
    for number, example in enumerate(examples, 1):
        try:
            with DAG(dag_id="page", schedule=None) if number == 1 else dag as dag:
                exec(compile(example, f"{page}, example {number}", "exec", dont_inherit=True), names)
        except Exception:
            said[page] = traceback.format_exc(limit=-1)
            break
json.dump(said, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each page's Python examples ended with, each page's run one after the other as a reader would."""
    told = tmp_path_factory.mktemp("examples") / "failures.json"
    examples = {name: blocks(path, "python") for name, path in zip(NAMES, PAGES, strict=True)}
    assert sum(map(len, examples.values())) > 20
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(told)],
        input=json.dumps(examples),
        cwd=told.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(told.read_text())
    return found


@pytest.mark.parametrize("name", [name for name, path in zip(NAMES, PAGES, strict=True) if blocks(path, "python")])
def test_the_python_examples_of_a_page_run(failures: dict[str, str], name: str) -> None:
    assert failures.get(name) is None, failures[name]


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_json_examples_are_json(path: Path) -> None:
    for block in blocks(path, "json"):
        json.loads(block)


def test_connections_in_examples_are_taken_by_their_hooks() -> None:
    hosts = {hook.conn_type: hook.default_host for hook in HOOKS}
    seen = set()
    for name, line in commands():
        for conn_id, text in re.findall(r"^export AIRFLOW_CONN_(\w+)='(.+)'$", line):
            given = json.loads(text)
            conn_type = given.pop("conn_type")
            given["extra"] = json.dumps(given.get("extra", {}))
            fields = dict.fromkeys(("host", "schema", "login", "password", "port"))
            stored = SimpleNamespace(conn_id=conn_id.lower(), conn_type=conn_type, **{**fields, **given})
            assert read_connection(stored, conn_type=conn_type, default_host=hosts[conn_type]).password, name
            seen.add(conn_type)

    assert seen == set(CONNECTIONS)


def test_make_is_asked_for_targets_that_it_has() -> None:
    has = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {line.split()[1] for _, line in commands() if line.startswith("make ")}
    asked |= {target for path in PAGES for target in re.findall(r"`make ([a-z]+)", path.read_text())}

    assert asked
    assert asked - has == set()


def test_the_sandbox_is_started_with_options_that_it_has() -> None:
    from airflow_provider_partners.sandbox.__main__ import _parser

    helps = "\n".join(
        action.format_help()
        for action in _parser()._subparsers._group_actions[0].choices.values()  # type: ignore[union-attr]
    )
    asked = {
        option
        for _, line in commands()
        if "airflow_provider_partners.sandbox" in line
        for option in re.findall(r"--[a-z-]+", line)
    }
    asked |= set(re.findall(r"`(--[a-z-]+)", (DOCS / "sandbox.md").read_text()))

    assert asked
    assert {option for option in asked if option not in helps} == set()


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """The product's Dags."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    found: dict[str, Any] = dict(DagBag(dag_folder=str(ROOT / "dags")).dags)
    return found


def test_runs_in_examples_are_of_dags_and_params_that_exist(dags: dict[str, Any]) -> None:
    runs = [
        shlex.split(line)[3:]
        for _, line in commands()
        if re.match(r"airflow dags (test|trigger) ", line) and "--conf" in line
    ]

    assert runs
    for dag_id, *options in runs:
        conf = json.loads(options[options.index("--conf") + 1])
        assert set(conf) <= set(dags[dag_id].params), dag_id


def test_every_dag_is_told_with_all_of_its_params(dags: dict[str, Any]) -> None:
    overview, *sections = re.split(r"^## ", (DOCS / "dags.md").read_text(), flags=re.MULTILINE)
    sections.append("`yofi_shopify_to_yotpo`" + (DOCS / "main-dag.md").read_text())

    assert dags
    for dag_id, dag in dags.items():
        told = next((section for section in sections if re.search(rf"^(.*\n\n)?`{dag_id}`", section)), "")
        assert f"`{dag_id}`" in overview, dag_id
        assert [name for name in dag.params if f"`{name}`" not in told] == [], dag_id


def test_every_page_can_be_reached_from_the_first() -> None:
    linked = set(re.findall(r"^[a-z_/-]+$", "\n".join(blocks(DOCS / "index.md", r"\{toctree\}")), re.MULTILINE))
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES if path.is_relative_to(DOCS)}

    assert pages - linked == {"index"}
    assert linked - pages == set()


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the extra 'docs' isn't installed")
    # Everything but writing the pages: examples and references are looked up all the same.
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--nitpicky", "-q", "-b", "dummy", DOCS, tmp_path],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
