"""The rules that the project of Airflow checks its own providers by, as far as they apply here."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

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
    """Every operator and sensor class that users can use."""
    found = {}
    for role in ROLES:
        for path in sorted((PACKAGE / role).glob("[a-z]*.py")):
            module = import_module(f"airflow_provider_partners.{role}.{path.stem}")
            found |= {
                name: value
                for name, value in vars(module).items()
                if inspect.isclass(value) and issubclass(value, BaseOperator) and value.__module__ == module.__name__
            }
    return [value for _, value in sorted(found.items())]


def sources(*folders):
    for path in sorted(PACKAGE.rglob("*.py")):
        if not folders or path.relative_to(PACKAGE).parts[0] in folders:
            yield path, ast.parse(path.read_text())


def dag_bag(path):
    """A Dag file as Airflow reads it, wherever the installed version keeps its reader."""
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    return DagBag(dag_folder=str(path))


def serialization():
    from airflow.serialization import serialized_objects

    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG


def usable(operator):
    return not inspect.isabstract(operator) and not re.search(
        r"^(Partner|Extract|JobExtract|Upsert|Records?)(Operator|Sensor)$", operator.__name__
    )


def triggers():
    """Every trigger class, with one value for each of its arguments."""
    for path in sorted((PACKAGE / "triggers").glob("[a-z]*.py")):
        module = import_module(f"airflow_provider_partners.triggers.{path.stem}")
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, BaseTrigger) and value.__module__ == module.__name__:
                yield value


OPERATORS = operators()
TRIGGERS = [
    trigger for trigger in triggers() if not (inspect.isabstract(trigger) or issubclass(trigger, BaseEventTrigger))
]
"""Those that tasks are deferred to; watchers have a file of their own."""

WITH_CONSTRUCTOR = [operator for operator in OPERATORS if "__init__" in vars(operator)]


@pytest.mark.parametrize("operator", WITH_CONSTRUCTOR, ids=lambda operator: operator.__name__)
def test_a_constructor_only_assigns(operator):
    code = inspect.getsource(operator.__init__)
    body = ast.parse("class Of:\n" + code if code.startswith("    ") else code)
    steps = next(node for node in ast.walk(body) if isinstance(node, ast.FunctionDef)).body
    for step in steps:
        calls_parent = isinstance(step, ast.Expr) and ast.unparse(step).startswith("super().__init__(")
        assigns = (
            isinstance(step, ast.Assign)
            and isinstance(step.targets[0], ast.Attribute)
            and isinstance(step.value, ast.Name)
            and step.targets[0].attr == step.value.id
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
    assert bool(named) == calls_an_api or not usable(operator)


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
def test_arguments_are_given_by_name_alone(operator):
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
def test_what_is_templated_says_so(operator):
    for name in operator.template_fields:
        for kind in operator.__mro__:
            told = re.search(rf":param {name}:((?:(?!:param).)*)", kind.__doc__ or "", re.DOTALL)
            if told:
                assert "(templated)" in told.group(1), f"{kind.__name__}.{name}"
                break
        else:
            pytest.fail(f"{operator.__name__}.{name} is not documented")


@pytest.mark.parametrize(
    "operator", [kind for kind in OPERATORS if usable(kind)], ids=lambda operator: operator.__name__
)
def test_names_end_in_what_they_are(operator):
    assert operator.__name__.endswith("Sensor" if issubclass(operator, BaseSensorOperator) else "Operator")


@pytest.mark.parametrize(
    "operator",
    [kind for kind in WITH_CONSTRUCTOR if "deferrable" in inspect.signature(vars(kind)["__init__"]).parameters],
    ids=lambda operator: operator.__name__,
)
def test_whether_to_defer_is_asked_of_the_configuration(operator):
    written = next(
        default
        for node in ast.walk(ast.parse(inspect.getsource(sys.modules[operator.__module__])))
        if isinstance(node, ast.ClassDef) and node.name == operator.__name__
        for made in node.body
        if isinstance(made, ast.FunctionDef) and made.name == "__init__"
        for argument, default in zip(made.args.kwonlyargs, made.args.kw_defaults, strict=True)
        if argument.arg == "deferrable"
    )
    assert ast.unparse(written) == "conf.getboolean('operators', 'default_deferrable', fallback=False)"


DEFERRABLE = [
    kind
    for kind in OPERATORS
    if any(
        "deferrable" in inspect.signature(vars(base).get("__init__", lambda: None)).parameters for base in kind.__mro__
    )
]
SENSORS = [kind for kind in OPERATORS if issubclass(kind, BaseSensorOperator) and usable(kind)]


def test_some_operators_and_all_sensors_defer():
    assert [kind for kind in DEFERRABLE if kind not in SENSORS]
    assert len(SENSORS) == 5
    assert set(SENSORS) <= set(DEFERRABLE)
    assert TRIGGERS


@pytest.mark.parametrize("operator", DEFERRABLE, ids=lambda operator: operator.__name__)
def test_whoever_defers_knows_what_to_do_when_killed(operator):
    assert operator.on_kill is not BaseOperator.on_kill


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.__name__)
def test_a_sensor_s_trigger_is_told_all_that_its_hook_is_made_of(sensor):
    arguments = {
        name
        for kind in sensor.__mro__
        if "__init__" in vars(kind)
        for name in inspect.signature(kind.__init__).parameters
    }
    made = sensor(
        task_id="wait", **{name: "a.myshopify.com" for name in ("resource", "shop", "export_id") if name in arguments}
    )
    hook = made.hook()
    wanted = set(inspect.signature(type(hook)).parameters) - {hook.conn_name_attr}
    assert set(made.hook_params()) == wanted
    assert {name: getattr(hook, name) for name in wanted} == made.hook_params()


def test_nothing_is_left_to_arguments_of_a_deferral():
    """In ``dag.test()`` they are lost: only the event arrives."""
    for path, tree in sources("operators", "sensors"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self.defer":
                assert {argument.arg for argument in node.keywords} == {"trigger", "method_name", "timeout"}, path


def test_a_deferral_or_a_lock_s_warning_is_never_kept_back():
    """``TaskDeferred`` and ``DeadlockImminentError`` are no ``Exception``."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or "BaseException" in ast.unparse(node.type)):
                assert ast.unparse(node.body[-1]) == "raise", path


def test_what_a_sensor_raises_can_be_skipped_by_soft_fail():
    """Airflow skips for what derives from its own exception alone, after a deferral."""
    for path, tree in sources("sensors"):
        names = vars(import_module(f"airflow_provider_partners.sensors.{path.stem}")) if path.stem != "__init__" else {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                kind = names[ast.unparse(node.exc.func)]
                airflow_s = issubclass(kind, AirflowException | AirflowTaskTimeout)
                assert airflow_s or issubclass(kind, ConfigurationError), f"{path}: {kind}"


def test_a_trigger_never_calls_what_blocks_on_the_loop():
    """A hook's connection and its client are asked for in threads: ``poll`` and ``client`` are plain functions."""
    blocking = ("self.poll", "self.client", "self._made", "evaluate", "time.sleep", "get_conn", "get_connection")
    for path, tree in sources("triggers"):
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef):
                in_threads = [inner for inner in ast.walk(node) if isinstance(inner, ast.Lambda)]
                beyond = {id(call) for inner in in_threads for call in ast.walk(inner)}
                calls = [call for call in ast.walk(node) if isinstance(call, ast.Call) and id(call) not in beyond]
                polls = () if "PollingTrigger" in path.read_text() else ("self.poll",)
                found = {ast.unparse(call.func) for call in calls} & set(blocking) - set(polls)
                assert not found, f"{path}: {node.name} calls {found}"


VALUES = {"str": "text", "float": 2.5, "float | None": 2.5, "int": 3, "Mapping[str, Any] | None": {"shop": "a"}}
"""A value of each type that a trigger's argument may have, other than any default."""


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
def test_a_trigger_survives_being_stored(trigger):
    given = {
        name: VALUES[parameter.annotation]
        for name, parameter in inspect.signature(trigger.__init__).parameters.items()
        if name != "self"
    }
    path, arguments = trigger(**given).serialize()
    assert path == f"{trigger.__module__}.{trigger.__name__}"
    assert json.loads(json.dumps(arguments)) == given
    assert trigger(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.__name__)
def test_a_trigger_can_be_told_all_that_its_hook_is_made_of(trigger):
    assert {"hook", "conn_id", "hook_params"} <= set(inspect.signature(trigger.__init__).parameters)


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


def test_the_message_of_an_exception_is_whole_when_it_is_raised():
    """A format with its values beside it, as in logging, is never put together."""
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                first, *more = node.exc.args
                text = first.value if isinstance(first, ast.Constant) else None
                assert not (more and isinstance(text, str) and re.search(r"%[sdr]|\{\w*\}", text)), path


def test_extras_are_never_forwarded_unread():
    for path, tree in sources("hooks", "operators", "sensors", "triggers"):
        text = path.read_text()
        assert not re.search(r"extra_dejson|get_extra\b", text), path
        if "hooks" in path.parts and path.name != "connection.py":
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "extra"], (
                path
            )


def test_the_extras_that_are_read_are_the_declared_ones():
    from types import SimpleNamespace

    from airflow_provider_partners.hooks.connection import read_connection

    stored = {"conn_id": "mine", "host": None, "schema": None, "login": None, "password": "a secret", "port": None}
    for entry in get_provider_info()["connection-types"]:
        conn_type = entry["connection-type"]
        for name in ("proxy", "verify", "headers", "import_string"):
            assert name not in entry["conn-fields"]
            given = SimpleNamespace(**stored, conn_type=conn_type, extra=json.dumps({name: "anything"}))
            with pytest.raises(ConfigurationError, match=name):
                read_connection(given, conn_type=conn_type, default_host="https://a.example")


def test_versions_are_known_in_one_module_alone():
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


PUBLIC = {"airflow.sdk", "airflow.triggers.base"}
OF_PROVIDERS = {"airflow.providers.common.compat.openlineage.facet", "airflow.providers.openlineage.extractors"}
"""Imported where lineage is told, which no one asks for without the OpenLineage provider."""


def test_airflow_is_imported_by_public_names_alone():
    for path, tree in sources():
        if path.name == "_compat.py":
            continue
        at_import = {id(node) for node in runs_at_import(tree)}
        for node in ast.walk(tree):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in [name for name in names if name and name.split(".")[0] == "airflow"]:
                assert name in PUBLIC | OF_PROVIDERS, f"{path}: {name}"
                assert name in PUBLIC or id(node) not in at_import, f"{path}: {name} is imported with the module"


def runs_at_import(tree):
    """The statements of a module that are executed when it is imported: none of functions, none for types alone."""
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


def test_configuration_is_read_in_one_module_alone():
    for path, tree in sources():
        if path.name in {"settings.py", "_compat.py"}:
            continue
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        allowed = {"conf.getboolean"} if {"operators", "sensors"} & set(path.parts) else set()
        assert {call for call in calls if call.startswith("conf.")} <= allowed, path


def test_fallbacks_of_options_are_the_declared_defaults():
    for name, option in get_provider_info()["config"]["partners"]["options"].items():
        assert settings.declared_default(name) == option["default"]


def test_the_linter_knows_airflow_s_rules():
    """Those still in preview by name; lazy logging, and messages of exceptions, by their families."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    chosen = set(ruff["lint"]["select"])
    assert ruff["preview"]
    assert ruff["lint"]["explicit-preview-rules"]
    assert chosen >= {"AIR", "AIR003", "AIR004", "AIR201", "AIR202", "AIR304", "AIR321", "G", "EM", "TRY"}
    kept = [rule for rule in chosen if rule.startswith("AIR") or rule in {"G", "EM"}]
    assert not [rule for rule in ruff["lint"]["ignore"] if rule.startswith(tuple(kept))]
    for pattern, ignored in ruff["lint"]["per-file-ignores"].items():
        assert not [rule for rule in ignored if rule.startswith("AIR")], pattern
        assert pattern.startswith("tests") or not {"G", "EM", "TRY"} & set(ignored), pattern


def test_the_changelog_is_in_order_and_says_nothing_twice():
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
def test_the_wire_and_the_sync_import_no_airflow(folder):
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
def test_every_dag_has_tags_and_a_text(path):
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
import importlib.util, pathlib, sys, time
import airflow.dag_processing.processor, airflow.sdk, airflow.timetables.trigger
from airflow.sdk import DAG, Asset, AssetWatcher, BaseSensorOperator, ObjectStoragePath, Param, Variable, task

begun = time.process_time()
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.py")):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(time.process_time() - begun)
"""


def test_all_dags_together_are_read_in_a_second_where_airflow_is_loaded():
    """Of the processor's time, the best of three: another program's work doesn't count."""
    command = [sys.executable, "-c", _PARSE, str(ROOT / "dags")]
    taken = [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]) for _ in range(3)
    ]
    assert min(taken) < 1.0
