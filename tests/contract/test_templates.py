"""Everything that a Dag author may want to compute is templated, and works when it arrives as rendered text.

Airflow's rule: a template field is an attribute of the operator, and without ``render_template_as_native_obj`` each
template renders to text (airflow.apache.org/docs/apache-airflow/stable/core-concepts/operators.html#jinja-templating).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_partners import operators, sensors
from airflow_provider_partners.arguments import (
    TEXT_FORMS,
    check_arguments,
    check_count,
    check_dataset,
    check_days,
    check_duration,
    check_flag,
    check_flag_or_names,
    check_interval,
    check_keys,
    check_levels,
    check_limit,
    check_mapping,
    check_name,
    check_seconds,
    check_structure,
)

CLASSES = [
    each
    for module in (operators, sensors)
    for name in module.__all__
    if inspect.isclass(each := getattr(module, name)) and not inspect.isabstract(each)
]

NOT_TEMPLATED = {
    "asset": "an object of the Dag's code, which Airflow finds there",
    "deferrable": "Airflow reads it from the Dag's code: it decides where the task waits",
}
"""The arguments without a template, with the reason."""

PLAIN_TEXT = {
    "add_columns": "a flag, or a dict: its check reads the text",
    "customer": "an id, or a dict that the client checks",
    "customer_id": "an id",
    "filters": "a filter in Python, or a dict: its check reads the text",
    "transform": "the name of a function, or the function itself",
    "since": "ISO 8601 text, or a datetime",
    "until": "ISO 8601 text, or a datetime",
    "initial_since": "ISO 8601 text, or a datetime",
}
"""The arguments that may be text or something else, and whose text needs no check."""

SAMPLES: Mapping[Any, Sequence[tuple[Any, str]]] = {
    check_count: [(5, "5")],
    check_days: [(3, "3")],
    check_seconds: [(2.5, "2.5"), (30, "30")],
    check_interval: [(2.5, "2.5")],
    check_limit: [(20, "20"), (0.1, "0.1")],
    check_flag: [(True, "True"), (True, "true"), (False, "False"), (False, "false")],
    # ISO 8601, and str(timedelta) as Jinja writes it.
    check_duration: [
        (timedelta(hours=2), "PT2H"),
        (timedelta(days=1, hours=2), str(timedelta(days=1, hours=2))),
        (timedelta(minutes=5), str(timedelta(minutes=5))),
    ],
    check_mapping: [({"a": ["b", None]}, json.dumps({"a": ["b", None]})), ({"a": True}, str({"a": True}))],
    check_structure: [(["a", "b"], '["a", "b"]'), (["a", "b"], str(["a", "b"])), ({"a": ["b"]}, '{"a": ["b"]}')],
    check_name: [("a", "a")],
    check_keys: [(["a", "b"], '["a", "b"]'), (("a",), str(("a",))), ("a,b", "a,b")],
    check_levels: [(True, "True"), (False, "false"), (1, "1"), (0, "0")],
    check_flag_or_names: [(True, "true"), (["a", "b"], '["a", "b"]'), ("a,b", "a,b")],
    check_dataset: [({"uri": "/d", "source": "s", "resource": "r"}, '{"uri": "/d", "source": "s", "resource": "r"}')],
}
"""A value and its rendered text, for each check that has a text form."""


def arguments_of(kind: type) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }


def is_text(parameter: inspect.Parameter) -> bool:
    """Return True if an argument takes text alone."""
    annotation = str(parameter.annotation).replace("typing.", "")
    return {part.strip() for part in annotation.split("|")} <= {"str", "None"}


def make(kind: type, **arguments: Any) -> Any:
    """Return an operator with text for what it requires."""
    required = {
        name: "x" for name, each in arguments_of(kind).items() if each.default is each.empty and name not in arguments
    }
    return kind(task_id="t", **required, **arguments)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_argument_is_templated(kind: type) -> None:
    missing = set(arguments_of(kind)) - set(kind.template_fields) - NOT_TEMPLATED.keys()
    assert not missing, f"{kind.__name__}: {missing}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_template_is_an_attribute(kind: type) -> None:
    operator = make(kind)
    assert [name for name in kind.template_fields if not hasattr(operator, name)] == []
    assert len(set(kind.template_fields)) == len(kind.template_fields)
    assert set(kind.template_fields_renderers) <= set(kind.template_fields)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_argument_says_that_it_is_templated(kind: type) -> None:
    described = " ".join(
        " ".join((base.__doc__ or "").split())
        for base in kind.__mro__
        if base.__module__.startswith("airflow_provider")
    )
    for name in arguments_of(kind):
        texts = [text.split(":param ")[0] for text in described.split(f":param {name}: ")[1:]]
        assert texts, f"{kind.__name__}.{name} is not described"
        assert any("(templated)" in text for text in texts) is (name in kind.template_fields), f"{kind.__name__}.{name}"


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_argument_that_is_no_text_has_a_text_form(kind: type) -> None:
    for name, parameter in arguments_of(kind).items():
        if name in kind.template_fields and not is_text(parameter) and name not in PLAIN_TEXT:
            assert kind.argument_checks.get(name) in TEXT_FORMS, f"{kind.__name__}.{name}"


CHECKED = [
    (kind, name, check)
    for kind in CLASSES
    for name, check in kind.argument_checks.items()
    if name in kind.template_fields and check in TEXT_FORMS
]


def test_every_text_form_has_samples() -> None:
    assert set(SAMPLES) == set(TEXT_FORMS)
    assert {check for _, _, check in CHECKED} >= set(TEXT_FORMS) - {check_days, check_interval}


@pytest.mark.parametrize(("kind", "name", "check"), CHECKED, ids=lambda each: getattr(each, "__name__", str(each)))
def test_rendered_text_behaves_as_the_value(kind: type, name: str, check: Any) -> None:
    for value, text in SAMPLES[check]:
        operator = make(kind, **{name: f"{{{{ params['{name}'] }}}}"})
        operator.render_template_fields({"params": {name: text}})
        check_arguments(operator, {name: check})
        assert getattr(operator, name) == value
        assert type(getattr(operator, name)) is type(value)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_a_template_that_renders_to_nothing_is_the_default(kind: type) -> None:
    for name, parameter in arguments_of(kind).items():
        check = kind.argument_checks.get(name)
        if check in TEXT_FORMS and name in kind.template_fields and parameter.default is not parameter.empty:
            for nothing in ("", "None"):
                operator = make(kind, **{name: nothing})
                check_arguments(operator, {name: check})
                assert getattr(operator, name) == parameter.default, name


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_json_arguments_are_shown_as_json(kind: type) -> None:
    for name, check in kind.argument_checks.items():
        if check is check_mapping and name in kind.template_fields:
            assert kind.template_fields_renderers.get(name) == "json", f"{kind.__name__}.{name}"


def test_a_document_comes_from_a_file(tmp_path: Any) -> None:
    """``template_ext``: airflow.apache.org/docs/apache-airflow/stable/core-concepts/operators.html."""
    for suffix in (".graphql", ".gql"):
        (tmp_path / f"shops{suffix}").write_text('{ app(id: "{{ params.app }}") { name } }')
        for kind in (operators.ShopifyPartnerQueryOperator, operators.ShopifyAdminQueryOperator):
            with DAG("dag", template_searchpath=[str(tmp_path)], schedule=None) as dag:
                operator = kind(task_id="t", document=f"shops{suffix}")
            operator.resolve_template_files()
            operator.render_template_fields({"params": {"app": "7"}}, dag.get_template_env())
            assert operator.document == '{ app(id: "7") { name } }'


def test_the_walk_covers_operators_and_sensors() -> None:
    assert any(issubclass(kind, BaseSensorOperator) for kind in CLASSES)
    assert len([kind for kind in CLASSES if issubclass(kind, BaseOperator)]) == len(CLASSES) > 20
