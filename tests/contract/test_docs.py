"""The documentation is true: examples run, labels exist, tables are current, and the site builds."""

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
from airflow_provider_partners import pipelines, taskflow
from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.hooks.connection import read_connection

PACKAGE = Path(airflow_provider_partners.__file__).parent
ROOT = PACKAGE.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts), ROOT / "README.md"]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]
INFO: Any = get_provider_info()

BASES = {"PartnerHook", "UpsertOperator", "WatchTrigger", "YofiWatchTrigger"}
"""Base classes that are not abstract."""

_LABEL = re.compile(r"^\((howto/[^()\s]+)\)=\n+#+ (.+)$", re.MULTILINE)


def blocks(path: Path, language: str) -> list[str]:
    """Return a page's fenced blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Return every shell command of every page, on one line, with the page's name."""
    return [
        (name, line)
        for name, path in zip(NAMES, PAGES, strict=True)
        for block in blocks(path, "shell")
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip() and not line.startswith("#")
    ]


def classes(role: str, base: type) -> list[type]:
    """Return the public classes of a package, without base classes.

    :param role: ``hooks``, ``operators``, ``sensors`` or ``triggers``
    """
    modules = [
        import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
        for path in sorted((PACKAGE / role).rglob("[a-z]*.py"))
    ]
    defined = [
        value
        for module in modules
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, base) and value.__module__ == module.__name__
    ]
    return [kind for kind in defined if not inspect.isabstract(kind) and kind.__name__ not in BASES]


def labels() -> dict[str, str]:
    """Return every label with the heading that follows it."""
    return {label: heading for path in PAGES for label, heading in _LABEL.findall(path.read_text())}


def table_under(page: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading."""
    text = f"\n{(DOCS / page).read_text()}".split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert rows
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows.group().splitlines()[2:]]


OPERATORS: list[Any] = [*classes("operators", BaseOperator), *classes("sensors", BaseOperator)]
HOOKS: list[Any] = classes("hooks", PartnerHook)
CONNECTIONS = {entry["connection-type"]: entry for entry in INFO["connection-types"]}


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_every_operator_and_sensor_has_a_section_with_its_label(operator: type) -> None:
    assert labels()[f"howto/operator:{operator.__name__}"] == operator.__name__


@pytest.mark.parametrize("hook", HOOKS, ids=lambda kind: kind.__name__)
def test_every_hook_and_its_connection_have_a_section_with_their_labels(hook: Any) -> None:
    assert labels()[f"howto/hook:{hook.__name__}"] == hook.__name__
    assert labels()[f"howto/connection:{hook.conn_type}"] == hook.hook_name


def test_the_checked_classes_are_not_an_empty_list() -> None:
    assert len(OPERATORS) >= 13
    assert sorted(hook.conn_type for hook in HOOKS) == sorted(CONNECTIONS)


def test_every_label_is_unique_and_names_an_existing_class() -> None:
    counts = Counter(label for path in PAGES for label, _ in _LABEL.findall(path.read_text()))
    known = {f"howto/operator:{kind.__name__}" for kind in OPERATORS}
    known |= {f"howto/hook:{kind.__name__}" for kind in HOOKS}
    known |= {f"howto/connection:{conn_type}" for conn_type in CONNECTIONS}

    assert [label for label, count in counts.items() if count > 1] == []
    assert set(counts) - known == set()


def test_every_label_that_a_docstring_or_page_refers_to_exists() -> None:
    referenced = {
        label
        for path in [*PACKAGE.rglob("*.py"), *PAGES]
        for label in re.findall(r"(?::ref:|\{ref\})`(?:[^`<]*<)?(howto/[^`>]+)>?`", path.read_text())
    }

    assert len(referenced) > 10
    assert referenced - set(labels()) == set()


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda kind: kind.__name__)
def test_an_operator_refers_to_no_section_but_its_own(operator: type) -> None:
    references = re.findall(r":ref:`(howto/operator:\w+)`", vars(operator)["__doc__"] or "")

    assert set(references) <= {f"howto/operator:{operator.__name__}"}


def test_every_public_class_is_in_the_reference() -> None:
    reference = "\n".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    documented = set(re.findall(r"auto(?:class|function):: \S+\.(\w+)$", reference, re.MULTILINE))
    public = [kind.__name__ for kind in (*OPERATORS, *HOOKS, *classes("triggers", BaseTrigger))]

    assert [name for name in public if name not in documented] == []


def test_every_public_name_is_in_the_reference() -> None:
    reference = "\n".join(path.read_text() for path in (DOCS / "reference").glob("*.md"))
    documented = set(re.findall(r"auto(?:class|function):: (\S+)$", reference, re.MULTILINE))
    modules = set(re.findall(r"automodule:: (\S+)$", reference, re.MULTILINE))
    missing = [
        name
        for package in (airflow_provider_partners, pipelines, taskflow)
        for name in package.__all__
        for module in [getattr(package, name).__module__]
        if documented.isdisjoint({f"{module}.{name}", f"{module.rpartition('.')[0]}.{name}"}) and module not in modules
    ]

    assert missing == []


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

    rows = table_under("reference/connections.md", f"## {declared['hook-name']}")

    assert [row[0] for row in rows] == [*shown, *extras]
    assert {row[0]: row[1] for row in rows if row[1].startswith("extra")} == extras


def test_the_settings_page_has_every_option_with_its_default() -> None:
    declared = INFO["config"]["partners"]["options"]
    rows = {row[0].strip("`"): row[1].strip("`") for row in table_under("reference/settings.md", "# Settings")}

    assert rows == {name: option["default"] or "empty" for name, option in declared.items()}


def test_the_generated_tables_are_current() -> None:
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

failures = {}
for page, examples in json.load(sys.stdin).items():
    names = {"__name__": "example"}
    for number, example in enumerate(examples, 1):
        try:
            with DAG(dag_id="page", schedule=None) if number == 1 else dag as dag:
                exec(compile(example, f"{page}, example {number}", "exec", dont_inherit=True), names)
        except Exception:
            failures[page] = traceback.format_exc(limit=-1)
            break
json.dump(failures, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the failures of the Python examples, by page. A page's examples run in order, as a reader runs them."""
    result_file = tmp_path_factory.mktemp("examples") / "failures.json"
    examples = {name: blocks(path, "python") for name, path in zip(NAMES, PAGES, strict=True)}
    assert sum(map(len, examples.values())) > 20
    process = subprocess.run(
        [sys.executable, "-c", _RUN, str(result_file)],
        input=json.dumps(examples),
        cwd=result_file.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    failures: dict[str, str] = json.loads(result_file.read_text())
    return failures


@pytest.mark.parametrize("name", [name for name, path in zip(NAMES, PAGES, strict=True) if blocks(path, "python")])
def test_the_python_examples_of_a_page_run(failures: dict[str, str], name: str) -> None:
    assert failures.get(name) is None, failures[name]


_LOAD = """
import json, sys
from pathlib import Path
from airflow.serialization import serialized_objects
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag

serialization = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
result = {}
for path in sorted(Path.cwd().glob("*.py")):
    bag = DagBag(dag_folder=str(path))
    result[path.name] = {"errors": list(bag.import_errors.values()), "dags": sorted(bag.dags)}
    for dag in bag.dags.values():
        serialization.from_dict(serialization.to_dict(dag))
json.dump(result, open(sys.argv[1], "w"))
"""


def test_every_example_of_a_dag_loads_as_a_dag_file(tmp_path: Path) -> None:
    """A reader copies one block into a file. Airflow's own DagBag loads it, and its serialization takes the Dag."""
    folder = tmp_path / "dags"
    folder.mkdir()
    for name, path in zip(NAMES, PAGES, strict=True):
        for number, example in enumerate(blocks(path, "python")):
            if re.search(r"\bDAG\(|^@dag\b|= \w+_dag\(", example, re.MULTILINE) and "def test_" not in example:
                (folder / f"{re.sub(r'[^a-z]+', '_', name.lower())}_{number}.py").write_text(example)
    process = subprocess.run(
        [sys.executable, "-c", _LOAD, str(tmp_path / "loaded.json")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    loaded = json.loads((tmp_path / "loaded.json").read_text())

    assert len(loaded) > 20
    assert {name: found["errors"] for name, found in loaded.items() if found["errors"]} == {}
    assert [name for name, found in loaded.items() if not found["dags"]] == []


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_json_examples_are_json(path: Path) -> None:
    for block in blocks(path, "json"):
        json.loads(block)


@pytest.mark.parametrize("name", ["how-to/multi-shop.md", "reference/routes.md"])
def test_the_routes_of_a_page_are_routes(name: str) -> None:
    import yaml

    from airflow_provider_partners.pipelines.routing import parse_routes

    printed = [yaml.safe_load(text) for kind in ("yaml", "json") for text in blocks(DOCS / name, kind)]

    assert printed
    for routes in printed:
        assert [route.shop for route in parse_routes(routes)] == [route["shop"] for route in routes]


def test_hooks_accept_the_connections_of_the_examples() -> None:
    hosts = {hook.conn_type: hook.default_host for hook in HOOKS}
    seen = set()
    for name, line in commands():
        for conn_id, text in re.findall(r"^export AIRFLOW_CONN_(\w+)='(.+)'$", line):
            values = json.loads(text)
            conn_type = values.pop("conn_type")
            if conn_type in {"postgres", "git"}:
                continue  # Airflow's own types: a database of rate limits, a repository of Dags.
            values["extra"] = json.dumps(values.get("extra", {}))
            fields = dict.fromkeys(("host", "schema", "login", "password", "port"))
            stored = SimpleNamespace(conn_id=conn_id.lower(), conn_type=conn_type, **{**fields, **values})
            assert read_connection(stored, conn_type=conn_type, default_host=hosts[conn_type]).password, name
            seen.add(conn_type)

    assert seen == set(CONNECTIONS)


def test_the_makefile_has_every_target_that_a_page_names() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {line.split()[1] for _, line in commands() if line.startswith("make ")}
    named |= {target for path in PAGES for target in re.findall(r"`make ([a-z-]+)", path.read_text())}

    assert {"test", "test-quick"} <= named
    assert named - targets == set()


def test_the_sandbox_has_every_option_that_a_page_names() -> None:
    from airflow_provider_partners.sandbox.__main__ import _parser

    helps = "\n".join(
        action.format_help()
        for action in _parser()._subparsers._group_actions[0].choices.values()  # type: ignore[union-attr]
    )
    named = {
        option
        for _, line in commands()
        if "airflow_provider_partners.sandbox" in line
        for option in re.findall(r"--[a-z-]+", line)
    }
    named |= set(re.findall(r"`(--[a-z-]+)", (DOCS / "how-to" / "sandbox.md").read_text()))

    assert named
    assert {option for option in named if option not in helps} == set()


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    """Return the product's Dags."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    loaded: dict[str, Any] = dict(DagBag(dag_folder=str(ROOT / "dags")).dags)
    return loaded


def test_the_dags_and_params_of_the_examples_exist(dags: dict[str, Any]) -> None:
    runs = [
        shlex.split(line)[3:]
        for _, line in commands()
        if re.match(r"airflow dags (test|trigger) ", line) and "--conf" in line
    ]

    assert runs
    for dag_id, *options in runs:
        conf = json.loads(options[options.index("--conf") + 1])
        assert set(conf) <= set(dags[dag_id].params), dag_id


def test_the_pages_have_every_dag_with_all_of_its_params(dags: dict[str, Any]) -> None:
    overview, *sections = re.split(r"^## ", (DOCS / "reference" / "dags.md").read_text(), flags=re.MULTILINE)
    sections.append("`yofi_shopify_to_yotpo`" + (DOCS / "reference" / "main-dag.md").read_text())

    assert dags
    for dag_id, dag in dags.items():
        section = next((text for text in sections if re.search(rf"^(.*\n\n)?`{dag_id}`", text)), "")
        assert f"`{dag_id}`" in overview, dag_id
        assert [name for name in dag.params if f"`{name}`" not in section] == [], dag_id


def test_the_first_dag_counts_claims_of_the_sandbox_at_any_minute() -> None:
    from datetime import UTC, datetime, timedelta

    from airflow_provider_partners import YofiClient
    from airflow_provider_partners.sandbox import build, credentials, serve

    (code,) = blocks(DOCS / "how-to" / "first-dag.md", "python")
    (days,) = re.findall(r"interval=pendulum\.duration\(days=(\d+)\)", code)
    (shop,) = re.findall(r'shop="(.+)"', code)
    # The world ends at the start of the hour, so this is the latest time at which a fresh sandbox is read.
    now = datetime.now(UTC).replace(minute=59, second=59)
    with serve(build(shops=4, orders=100)) as running:
        stored = credentials.connections(running.url, seed=7, shops=4)["yofi_default"]
        client = YofiClient(secret=stored["password"], base_url=stored["host"], **{**stored["extra"], "shop": shop})
        claims = list(client.extract("claims", since=now - timedelta(days=int(days)), until=now).records())
        client.close()

    assert sum(1 for claim in claims if claim["claim_items"]) == 1, "the page says 1"


def test_the_example_without_personal_data_leaves_none_of_a_customer_in_an_order() -> None:
    """What a customer is known by, as Shopify lists it: name, address, phone and email.

    https://shopify.dev/docs/apps/launch/protected-customer-data. The page of an order's status shows the customer to
    whoever has its address.
    """
    from airflow_provider_partners import ShopifyAdminClient
    from airflow_provider_partners.datasets.record_shape import RecordShape
    from airflow_provider_partners.sandbox import build, credentials, serve

    _, code = blocks(DOCS / "how-to" / "personal-data.md", "python")
    paths = {name: tuple(re.findall(r'"([^"]+)"', text)) for name, text in re.findall(r"(drop|hash)=\[([^]]*)\]", code)}
    shape = RecordShape(**paths, key=b"key")
    shop = "aurora-apparel.myshopify.com"
    with serve(build(shops=1, orders=50)) as running:
        stored = credentials.connections(running.url, seed=7, shops=1)["shopify_admin_aurora_apparel"]
        client = ShopifyAdminClient(shop=shop, access_token=stored["password"], base_url=stored["host"])
        orders = list(client.extract("orders").records())
        client.close()
    known = {
        value
        for order in orders
        for customer in [order["customer"] or {}]
        for address in [order["shippingAddress"] or {}]
        for value in (
            order["email"],
            order["phone"],
            order["statusPageUrl"],
            customer.get("firstName"),
            customer.get("lastName"),
            (customer.get("defaultEmailAddress") or {}).get("emailAddress"),
            (customer.get("defaultPhoneNumber") or {}).get("phoneNumber"),
            address.get("name"),
            address.get("address1"),
            address.get("phone"),
        )
        if value
    }
    texts = set(re.findall(r'"([^"]*)"', json.dumps(shape.apply(orders, {}), ensure_ascii=False)))

    assert any("@" in value for value in known)
    assert known & texts == set()


def test_the_first_page_links_every_page() -> None:
    linked = set(re.findall(r"^[a-z_/-]+$", "\n".join(blocks(DOCS / "index.md", r"\{toctree\}")), re.MULTILINE))
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in PAGES if path.is_relative_to(DOCS)}

    assert pages - linked == {"index"}
    assert linked - pages == set()


@pytest.mark.parametrize("folder", ["how-to", "reference", "explanation"])
def test_the_first_page_of_a_folder_links_every_page_of_it(folder: str) -> None:
    linked = set(re.findall(r"\]\(([\w/-]+)\.md\)", (DOCS / folder / "index.md").read_text()))
    pages = {path.relative_to(DOCS / folder).with_suffix("").as_posix() for path in (DOCS / folder).rglob("*.md")}

    assert pages - linked == {"index"}
