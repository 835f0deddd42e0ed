"""The rules that the project of Airflow checks its own providers by, as far as they apply here."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from airflow.sdk import BaseOperator, BaseSensorOperator

import airflow_provider_partners
from airflow_provider_partners import settings
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
        r"^(Partner|Extract|Upsert|Records?)(Operator|Sensor)$", operator.__name__
    )


OPERATORS = operators()
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
    assert named or not usable(operator) or operator.__name__ == "YotpoBuildOrdersOperator"


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


def test_no_bare_airflow_exception_is_raised():
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                assert ast.unparse(node.exc.func) != "AirflowException", path


def test_extras_are_never_forwarded_unread():
    for path, _ in sources("hooks", "operators", "sensors", "triggers"):
        assert "extra_dejson" not in path.read_text(), path


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


def test_configuration_is_read_in_one_module_alone():
    for path, tree in sources():
        if path.name in {"settings.py", "_compat.py"}:
            continue
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        allowed = {"conf.getboolean"} if "sensors" in path.parts else set()
        assert {call for call in calls if call.startswith("conf.")} <= allowed, path


def test_fallbacks_of_options_are_the_declared_defaults():
    for name, option in get_provider_info()["config"]["partners"]["options"].items():
        assert settings.default(name) == option["default"]


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
