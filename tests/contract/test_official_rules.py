"""Rules that the Airflow project checks its own providers by, as far as they apply here.

See ``scripts/`` and ``providers/`` of https://github.com/apache/airflow.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator
from airflow.triggers.base import BaseEventTrigger, BaseTrigger

import airflow_provider_partners
from airflow_provider_partners import settings
from airflow_provider_partners._compat import AirflowException, AirflowTaskTimeout
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.get_provider_info import get_provider_info

PACKAGE = Path(airflow_provider_partners.__file__).parent
ROOT = PACKAGE.parent
ROLES = ("operators", "sensors")
DAGS = sorted((ROOT / "dags").glob("*.py"))


def operators():
    """Return every operator and sensor class."""
    classes = {}
    for role in ROLES:
        for path in sorted((PACKAGE / role).glob("[a-z]*.py")):
            module = import_module(f"airflow_provider_partners.{role}.{path.stem}")
            classes |= {
                name: value
                for name, value in vars(module).items()
                if inspect.isclass(value) and issubclass(value, BaseOperator) and value.__module__ == module.__name__
            }
    return [value for _, value in sorted(classes.items())]


@cache
def all_sources():
    return [(path, ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))]


def sources(*folders):
    """Return the paths and syntax trees of the modules in these folders of the package, by default in all."""
    return [
        (path, tree) for path, tree in all_sources() if not folders or path.relative_to(PACKAGE).parts[0] in folders
    ]


def dag_bag(path):
    """Return the Dags of a file. The module of ``DagBag`` depends on the Airflow version."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    return DagBag(dag_folder=str(path))


def serialization():
    from airflow.serialization import serialized_objects

    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG


def is_public(operator):
    """Whether an operator is for users: neither abstract nor a base class."""
    return not inspect.isabstract(operator) and not re.search(
        r"^(Partner|Extract|JobExtract|Upsert|Records?)(Operator|Sensor)$", operator.__name__
    )


def triggers():
    """Yield every trigger class."""
    for path in sorted((PACKAGE / "triggers").glob("[a-z]*.py")):
        module = import_module(f"airflow_provider_partners.triggers.{path.stem}")
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, BaseTrigger) and value.__module__ == module.__name__:
                yield value


OPERATORS = operators()
TRIGGERS = [
    trigger for trigger in triggers() if not (inspect.isabstract(trigger) or issubclass(trigger, BaseEventTrigger))
]
"""The triggers of deferred tasks. ``test_watchers`` covers the event triggers."""

WITH_CONSTRUCTOR = [operator for operator in OPERATORS if "__init__" in vars(operator)]


@pytest.mark.parametrize("operator", WITH_CONSTRUCTOR, ids=lambda operator: operator.__name__)
def test_a_constructor_only_assigns(operator):
    code = inspect.getsource(operator.__init__)
    body = ast.parse("class Of:\n" + code if code.startswith("    ") else code)
    steps = next(node for node in ast.walk(body) if isinstance(node, ast.FunctionDef)).body
    for step in steps:
        calls_parent = isinstance(step, ast.Expr) and ast.unparse(step).startswith("super().__init__(")
        target = step.targets[0] if isinstance(step, ast.Assign) else getattr(step, "target", None)
        assigns = (
            isinstance(step, ast.Assign | ast.AnnAssign)
            and isinstance(target, ast.Attribute)
            and isinstance(step.value, ast.Name)
            and target.attr == step.value.id
        )
        assert calls_parent or assigns, ast.unparse(step)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_every_connection_id_is_templated(operator):
    arguments = [
        name
        for kind in operator.__mro__
        if "__init__" in vars(kind) and kind.__module__.startswith("airflow_provider_partners")
        for name in inspect.signature(kind.__init__).parameters
    ]
    named = {name for name in arguments if name.endswith("conn_id")}
    assert named <= set(operator.template_fields)
    calls_an_api = "Calls no API." not in (operator.__doc__ or "")
    assert bool(named) == calls_an_api or not is_public(operator)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_every_template_field_is_an_argument(operator):
    arguments = {
        name
        for kind in operator.__mro__
        if "__init__" in vars(kind)
        for name in inspect.signature(kind.__init__).parameters
    }
    assert set(operator.template_fields) <= arguments


@pytest.mark.parametrize("operator", WITH_CONSTRUCTOR, ids=lambda operator: operator.__name__)
def test_arguments_are_keyword_only(operator):
    kinds = {
        parameter.kind
        for name, parameter in inspect.signature(vars(operator)["__init__"]).parameters.items()
        if name != "self"
    }
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize("operator", WITH_CONSTRUCTOR, ids=lambda operator: operator.__name__)
def test_every_argument_is_documented(operator):
    own = [
        name
        for name in inspect.signature(vars(operator)["__init__"]).parameters
        if name not in {"self", "kwargs", "args"}
    ]
    documented = set(re.findall(r":param (\w+):", operator.__doc__ or ""))
    assert set(own) <= documented


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.__name__)
def test_template_fields_are_documented_as_templated(operator):
    for name in operator.template_fields:
        for kind in operator.__mro__:
            documented = re.search(rf":param {name}:((?:(?!:param).)*)", kind.__doc__ or "", re.DOTALL)
            if documented:
                assert "(templated)" in documented.group(1), f"{kind.__name__}.{name}"
                break
        else:
            pytest.fail(f"{operator.__name__}.{name} is not documented")


@pytest.mark.parametrize(
    "operator", [kind for kind in OPERATORS if is_public(kind)], ids=lambda operator: operator.__name__
)
def test_class_names_end_in_operator_or_sensor(operator):
    assert operator.__name__.endswith("Sensor" if issubclass(operator, BaseSensorOperator) else "Operator")


@pytest.mark.parametrize(
    "operator",
    [kind for kind in WITH_CONSTRUCTOR if "deferrable" in inspect.signature(vars(kind)["__init__"]).parameters],
    ids=lambda operator: operator.__name__,
)
def test_deferrable_defaults_to_the_option_of_airflow(operator):
    expression = next(
        default
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[operator.__module__])))
        if isinstance(node, ast.ClassDef) and node.name == operator.__name__
        for method in node.body
        if isinstance(method, ast.FunctionDef) and method.name == "__init__"
        for argument, default in zip(method.args.kwonlyargs, method.args.kw_defaults, strict=True)
        if argument.arg == "deferrable"
    )
    assert ast.unparse(expression) == "conf.getboolean('operators', 'default_deferrable', fallback=False)"


DEFERRABLE = [
    kind
    for kind in OPERATORS
    if any(
        "deferrable" in inspect.signature(vars(base).get("__init__", lambda: None)).parameters for base in kind.__mro__
    )
]
SENSORS = [kind for kind in OPERATORS if issubclass(kind, BaseSensorOperator) and is_public(kind)]


def test_some_operators_and_all_sensors_defer():
    assert [kind for kind in DEFERRABLE if kind not in SENSORS]
    assert len(SENSORS) == 6
    assert set(SENSORS) <= set(DEFERRABLE)
    assert TRIGGERS


@pytest.mark.parametrize("operator", DEFERRABLE, ids=lambda operator: operator.__name__)
def test_every_deferrable_operator_handles_a_kill(operator):
    assert operator.on_kill is not BaseOperator.on_kill


@pytest.mark.parametrize(
    "sensor",
    [sensor for sensor in SENSORS if "Calls no API." not in sensor.__doc__],
    ids=lambda sensor: sensor.__name__,
)
def test_a_sensor_passes_all_arguments_of_its_hook_to_the_trigger(sensor):
    arguments = {
        name
        for kind in sensor.__mro__
        if "__init__" in vars(kind)
        for name in inspect.signature(kind.__init__).parameters
    }
    instance = sensor(
        task_id="wait", **{name: "a.myshopify.com" for name in ("resource", "shop", "export_id") if name in arguments}
    )
    hook = instance.hook()
    arguments = set(inspect.signature(type(hook)).parameters) - {hook.conn_name_attr}
    assert set(instance.hook_params()) == arguments
    assert {name: getattr(hook, name) for name in arguments} == instance.hook_params()


def test_a_deferral_passes_no_arguments_besides_the_event():
    """``dag.test()`` loses such arguments: only the event arrives."""
    for path, tree in sources("operators", "sensors"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self.defer":
                assert {argument.arg for argument in node.keywords} == {"trigger", "method_name", "timeout"}, path


def test_base_exceptions_are_never_swallowed():
    """``TaskDeferred`` and ``DeadlockImminentError`` derive from ``BaseException``."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or "BaseException" in ast.unparse(node.type)):
                assert ast.unparse(node.body[-1]) == "raise", path


def test_soft_fail_can_skip_every_error_of_a_sensor():
    """After a deferral, ``soft_fail`` skips only for exceptions that derive from ``AirflowException``."""
    for path, tree in sources("sensors"):
        names = vars(import_module(f"airflow_provider_partners.sensors.{path.stem}")) if path.stem != "__init__" else {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                kind = names[ast.unparse(node.exc.func)]
                if not inspect.isclass(kind):  # a function that makes the exception
                    kind = eval(inspect.signature(kind).return_annotation, names)
                for each in get_args(kind) or (kind,):
                    is_airflows = issubclass(each, AirflowException | AirflowTaskTimeout)
                    assert is_airflows or issubclass(each, ConfigurationError), f"{path}: {each}"


def test_a_trigger_never_blocks_the_event_loop():
    """``poll`` and ``client`` block, so a trigger calls them in threads."""
    blocking = ("self.poll", "self.client", "self._made", "evaluate", "time.sleep", "get_conn", "get_connection")
    for path, tree in sources("triggers"):
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef):
                in_threads = [inner for inner in ast.walk(node) if isinstance(inner, (ast.Lambda, ast.FunctionDef))]
                in_thread_calls = {id(call) for inner in in_threads for call in ast.walk(inner)}
                calls = [
                    call for call in ast.walk(node) if isinstance(call, ast.Call) and id(call) not in in_thread_calls
                ]
                polls = () if "PollingTrigger" in path.read_text() else ("self.poll",)
                inner_functions = {inner.name for inner in in_threads if isinstance(inner, ast.FunctionDef)}
                blocking_calls = {ast.unparse(call.func) for call in calls} & {*blocking, *inner_functions} - set(polls)
                assert not blocking_calls, f"{path}: {node.name} calls {blocking_calls}"


VALUES = {"str": "text", "float": 2.5, "float | None": 2.5, "int": 3, "Mapping[str, Any] | None": {"shop": "a"}}
"""A value of each type of a trigger's argument; none equals a default."""


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
def test_a_trigger_survives_serialization(trigger):
    values = {
        name: VALUES[parameter.annotation]
        for name, parameter in inspect.signature(trigger.__init__).parameters.items()
        if name != "self"
    }
    path, arguments = trigger(**values).serialize()
    assert path == f"{trigger.__module__}.{trigger.__name__}"
    assert json.loads(json.dumps(arguments)) == values
    assert trigger(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
def test_a_trigger_accepts_all_arguments_of_its_hook(trigger):
    assert {"conn_type", "conn_id", "hook_params"} <= set(inspect.signature(trigger.__init__).parameters)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
def test_every_argument_of_a_trigger_is_documented(trigger):
    names = set(inspect.signature(trigger.__init__).parameters) - {"self"}
    assert names <= set(re.findall(r":param (\w+):", trigger.__doc__ or ""))
    assert trigger.__name__.endswith("Trigger")


def test_no_bare_airflow_exception_is_raised():
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                assert ast.unparse(node.exc.func) != "AirflowException", path


def test_exceptions_get_a_formatted_message():
    """Unlike logging, an exception does not format its arguments into the message."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                first, *more = node.exc.args
                text = first.value if isinstance(first, ast.Constant) else None
                assert not (more and isinstance(text, str) and re.search(r"%[sdr]|\{\w*\}", text)), path


OF_DATABASES = {"database.py", "budget_database.py"}
"""They open connections of other providers, whose own hooks read the extras."""


def test_extras_are_never_forwarded_unchecked():
    for path, tree in sources("hooks", "operators", "sensors", "triggers"):
        text = path.read_text()
        if path.name in OF_DATABASES:
            continue
        assert not re.search(r"extra_dejson|get_extra\b", text), path
        if "hooks" in path.parts and path.name != "connection.py":
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "extra"], (
                path
            )


def test_undeclared_extras_are_rejected():
    from types import SimpleNamespace

    from airflow_provider_partners.hooks.connection import read_connection

    stored = {"conn_id": "mine", "host": None, "schema": None, "login": None, "password": "a secret", "port": None}
    for entry in get_provider_info()["connection-types"]:
        conn_type = entry["connection-type"]
        for name in ("proxy", "verify", "headers", "import_string"):
            assert name not in entry["conn-fields"]
            connection = SimpleNamespace(**stored, conn_type=conn_type, extra=json.dumps({name: "anything"}))
            with pytest.raises(ConfigurationError, match=name):
                read_connection(connection, conn_type=conn_type, default_host="https://a.example")


def test_one_module_handles_versions_of_airflow():
    for path, tree in sources():
        if path.name == "_compat.py":
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = {alias.name for alias in node.names}
                assert not node.module.startswith((
                    "airflow.exceptions",
                    "airflow.configuration",
                    "airflow.hooks",
                    "airflow.models",
                    "airflow.utils",
                )), path
                assert "conf" not in names or node.module.startswith("airflow_provider_partners"), path
        assert "airflow.__version__" not in path.read_text(), path


PUBLIC = {"airflow.sdk", "airflow.plugins_manager", "airflow.timetables.trigger", "airflow.triggers.base"}
OF_OPENLINEAGE = {"airflow.providers.common.compat.openlineage.facet", "airflow.providers.openlineage.extractors"}
"""Imported inside functions that only the OpenLineage provider calls."""
OF_API_SERVER = {
    "airflow.api_fastapi.app",
    "airflow.api_fastapi.auth.managers.models.resource_details",
    "airflow.api_fastapi.core_api.security",
}
"""How Airflow's own API knows who sent a request. Only the API server imports this module, with the first request."""
OF_COMMAND_LINE = {"airflow.cli.cli_config"}
"""What the commands of a provider consist of. Only Airflow's command line calls the function with the import."""

OF_SQL = {"airflow.providers.common.sql.hooks.sql"}
"""The hooks of databases, of an optional package. Functions of one module import it."""


def test_airflow_is_imported_by_public_names_only():
    for path, tree in sources():
        if path.name == "_compat.py":
            continue
        at_import = {id(node) for node in runs_at_import(tree)}
        for node in ast.walk(tree):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if path.parts[-2:] == ("plugin", "access.py"):
                names = [name for name in names if name not in OF_API_SERVER]
            if path.parts[-2:] == ("hooks", "database.py"):
                names = [name for name in names if name not in OF_SQL or id(node) in at_import]
            if path.parts[-2:] == ("cli", "airflow_group.py"):
                names = [name for name in names if name not in OF_COMMAND_LINE]
            for name in [name for name in names if name and name.split(".")[0] == "airflow"]:
                assert name in PUBLIC | OF_OPENLINEAGE, f"{path}: {name}"
                assert name in PUBLIC or id(node) not in at_import, f"{path}: {name} is imported with the module"


def runs_at_import(tree):
    """Yield the statements that run when a module is imported: none of functions, none under ``TYPE_CHECKING``."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.Try) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test)
        ):
            yield from runs_at_import(node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            yield node


def test_every_option_is_read_with_a_fallback():
    reads = [
        (path, node)
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and re.match(r"conf\.get", ast.unparse(node.func))
    ]
    assert reads
    for path, node in reads:
        assert "fallback" in {argument.arg for argument in node.keywords}, f"{path}: {ast.unparse(node)}"


def test_one_module_reads_the_configuration():
    for path, tree in sources():
        if path.name in {"settings.py", "_compat.py"}:
            continue
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        allowed = {"conf.getboolean"} if {"operators", "sensors"} & set(path.parts) else set()
        assert {call for call in calls if call.startswith("conf.")} <= allowed, path


def test_fallbacks_of_options_are_the_declared_defaults():
    for name, option in get_provider_info()["config"]["partners"]["options"].items():
        assert settings.declared_default(name) == option["default"]


def test_the_linter_checks_airflows_rules():
    """Preview rules are named one by one; rules about lazy logging and exception messages by family."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    selected = set(ruff["lint"]["select"])
    assert ruff["preview"]
    assert ruff["lint"]["explicit-preview-rules"]
    assert selected >= {"AIR", "AIR003", "AIR004", "AIR201", "AIR202", "AIR304", "AIR321", "G", "EM", "TRY"}
    enabled = [rule for rule in selected if rule.startswith("AIR") or rule in {"G", "EM"}]
    assert not [rule for rule in ruff["lint"]["ignore"] if rule.startswith(tuple(enabled))]
    for pattern, ignored in ruff["lint"]["per-file-ignores"].items():
        assert not [rule for rule in ignored if rule.startswith("AIR")], pattern
        assert pattern.startswith("tests") or not {"G", "EM", "TRY"} & set(ignored), pattern


def test_the_changelog_is_sorted_and_has_no_duplicates():
    text = (ROOT / "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    versions = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \((unreleased|\d{4}-\d{2}-\d{2})\)", line) for line in headings]
    assert versions, "there is no version"
    assert all(versions), headings
    numbers = [tuple(map(int, version.groups()[:3])) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    assert "unreleased" not in [version.group(4) for version in versions][1:]
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert kinds
        assert len(kinds) == len(set(kinds))
        assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
        assert re.search(r"^- ", part, re.MULTILINE)
    entries = re.split(r"^- ", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(set(entries))


def test_no_assert_is_in_production_code():
    for path, tree in sources():
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)], path


@pytest.mark.parametrize("folder", ["api", "sync"])
def test_api_and_sync_import_no_airflow(folder):
    for path, tree in sources(folder):
        for node in ast.walk(tree):
            modules = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            assert not [name for name in modules if name == "airflow" or name.startswith("airflow.")], path


def test_dependencies_have_lower_bounds_and_no_upper_ones():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert declared
    for dependency in declared:
        assert ">=" in dependency
        assert "<" not in dependency
        assert "==" not in dependency


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_every_dag_has_tags_and_documentation(path):
    bag = dag_bag(path)
    assert bag.import_errors == {}
    assert [*bag.dags] == [path.stem]
    dag = bag.dags[path.stem]
    assert dag.tags
    assert dag.doc_md


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_every_dag_survives_serialization(path):
    dag, serialized = dag_bag(path).dags[path.stem], serialization()
    assert serialized.from_dict(serialized.to_dict(dag)).task_ids == dag.task_ids


_PARSE = """
import importlib.util, os, pathlib, sys, time
import airflow.dag_processing.processor, airflow.sdk, airflow.timetables.trigger
from airflow.sdk import DAG, Asset, AssetWatcher, BaseSensorOperator, ObjectStoragePath, Param, Variable, task

for _ in range(3):
    if os.fork():
        os.wait()
        continue
    start = time.process_time()
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    print("SECONDS", time.process_time() - start, flush=True)
    os._exit(0)
"""
"""Airflow is loaded once. As in Airflow's Dag processor, each fork then imports this package and parses the Dags."""


def test_all_dags_together_parse_within_a_second():
    """The best CPU time of three runs, so that other programs do not count."""
    command = [sys.executable, "-c", _PARSE, str(ROOT / "dags")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    seconds = [float(line.split()[1]) for line in printed.splitlines() if line.startswith("SECONDS")]
    assert len(seconds) == 3
    assert min(seconds) < 1.0
