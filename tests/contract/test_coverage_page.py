"""``docs/coverage.md`` says what the partners' documents ask for, and no more of it than the tests show."""

from __future__ import annotations

import inspect
import runpy
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_partners
from airflow_provider_partners.get_provider_info import get_provider_info

DOCS = Path(__file__).parents[2] / "docs"
STANDARD_FIELDS = {"login", "password", "host"}

Generator = dict[str, Any]


@pytest.fixture(scope="module")
def generator() -> Generator:
    return runpy.run_path(str(DOCS / "coverage_table.py"))


@pytest.fixture(scope="module")
def documents(generator: Generator) -> list[Any]:
    found: list[Any] = generator["documents"]()
    return found


@pytest.fixture(scope="module")
def marked_tests(generator: Generator) -> list[Any]:
    found: list[Any] = generator["marked_tests"]()
    return found


def test_every_requirement_is_shown_by_a_test_or_is_open_with_a_reason(
    generator: Generator, documents: list[Any], marked_tests: list[Any]
) -> None:
    assert sorted(set(generator["problems"](documents, marked_tests))) == []


def test_the_page_is_current(generator: Generator, documents: list[Any], marked_tests: list[Any]) -> None:
    generated = generator["page"](documents, marked_tests)
    assert (DOCS / "coverage.md").read_text() == generated, "run: python docs/coverage_table.py"


def test_the_four_documents_have_their_requirements(documents: list[Any]) -> None:
    """The four pages that the package is made from."""
    assert [document.partner for document in documents] == ["shopify", "voucherify", "yofi", "yotpo"]
    assert all(document.url.startswith("https://") and len(document.requirements) > 80 for document in documents)


def test_what_serves_a_requirement_exists(generator: Generator, documents: list[Any]) -> None:
    missing = [
        f"{each.id}: {name} {argument}"
        for document in documents
        for each in document.requirements
        for kind, name, arguments in generator["serving"](each.by)
        for argument in arguments
        if argument not in (parameters(name) if kind == "call" else fields(name))
    ]
    assert missing == []


def parameters(name: str) -> set[str]:
    """Return the arguments of a public class, with those of its base classes, or of a method."""
    class_name, _, method = name.partition(".")
    public = getattr(airflow_provider_partners, class_name)
    if method:
        return set(inspect.signature(getattr(public, method)).parameters)
    return {
        argument
        for kind in public.__mro__
        if "__init__" in vars(kind)
        for argument in inspect.signature(kind.__init__).parameters
    }


def fields(conn_type: str) -> set[str]:
    """Return the fields of a connection's form."""
    info: Any = get_provider_info()
    (declared,) = [each for each in info["connection-types"] if each["connection-type"] == conn_type]
    hidden = set(declared["ui-field-behaviour"]["hidden-fields"])
    return set(declared["conn-fields"]) | (STANDARD_FIELDS - hidden)


# --- the generator itself ---


def made_up(generator: Generator, **fields: str) -> list[Any]:
    requirement = generator["Requirement"](**{"id": "acme.list", "text": "A list.", "by": "Reader(name)", **fields})
    section = generator["Section"](title="Lists", requirements=(requirement,))
    return [generator["Document"](partner="acme", title="Acme", url="https://acme.example", sections=(section,))]


@pytest.mark.parametrize(
    ("fields", "test", "problem"),
    [
        ({}, None, "'acme.list' has neither a test nor a reason to be open"),
        ({"open": "later"}, {"covers": ("acme.list",)}, "'acme.list' is open and has a test"),
        ({"by": ""}, {"covers": ("acme.list",)}, "'acme.list' doesn't say what serves it"),
        ({"id": "other.list"}, {"covers": ("other.list",)}, "'other.list' stands in the document of acme"),
        ({}, {"covers": ("acme.list", "acme.lists")}, "t::t covers 'acme.lists', which no document has"),
        ({}, {"covers": ("acme.list",), "may_not_run": ("skip",)}, "t::t covers requirements, but may not run (skip)"),
        ({}, {"covers": ("acme.list",), "checks": False}, "t::t covers requirements, but asserts nothing"),
        ({"open": "later"}, None, None),
        ({}, {"covers": ("acme.list",)}, None),
    ],
)
def test_what_is_not_true_is_a_problem(
    generator: Generator, fields: dict[str, str], test: dict[str, Any] | None, problem: str | None
) -> None:
    tests = [generator["MarkedTest"](test="t::t", **test)] if test else []

    assert list(generator["problems"](made_up(generator, **fields), tests)) == ([problem] if problem else [])


def test_the_page_names_the_tests_and_the_reasons(generator: Generator) -> None:
    test = generator["MarkedTest"](test="tests/unit/test_lists.py::test_a_list_is_read", covers=("acme.list",))

    shown = generator["page"](made_up(generator), [test, test])
    assert "| A list. | `Reader(name)` | `unit/test_lists.py::test_a_list_is_read` |" in shown
    assert "| Acme | 1 | 1 | 0 | 1 |" in shown
    assert "## Open" not in shown

    unshown = generator["page"](made_up(generator, open="It is a setting of Acme."), [])
    assert "| A list. | nothing | open: It is a setting of Acme. |" in unshown
    assert "| Acme | 1 | 0 | 1 | 0 |" in unshown


@pytest.mark.parametrize("by", ["Reader", "connection acme", "Reader(name) and more", "the reader"])
def test_what_serves_has_one_of_two_forms(generator: Generator, by: str) -> None:
    with pytest.raises(ValueError, match="is neither"):
        list(generator["serving"](by))
