"""The text of a Dag in Airflow's UI.

Airflow renders ``doc_md`` as Markdown with tables:
airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html, "DAG & Task Documentation". The table is read
back from the HTML of markdown-it, an implementation of CommonMark and of GitHub tables that is not ours.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from airflow.sdk import Param

from airflow_provider_partners import pipelines
from airflow_provider_partners.pipelines import _dag_page
from airflow_provider_partners.pipelines._dag_page import TASK_FAILED, dag_page

DOCS = Path(__file__).parents[3] / "docs"
FACTORIES = [getattr(pipelines, name) for name in pipelines.__all__ if name.endswith("_dag")]
MAIN_PAGE = "The main Dag|reference/main-dag"


def html(text: str) -> str:
    markdown_it = pytest.importorskip("markdown_it", reason="it comes with the extra 'docs'")
    return str(markdown_it.MarkdownIt("commonmark").enable("table").render(text))


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables' bodies, as a reader sees them."""
    body = "".join(re.findall("<tbody>(.*?)</tbody>", html(text), re.DOTALL))
    cells = [re.findall("<td>(.*?)</td>", row, re.DOTALL) for row in re.findall("<tr>(.*?)</tr>", body, re.DOTALL)]
    return [[re.sub("<[^>]+>", "", cell) for cell in row] for row in cells]


@pytest.fixture
def no_address(monkeypatch):
    monkeypatch.setattr(_dag_page, "_documentation", lambda: None)


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_the_text_of_a_dag_has_headings_its_params_and_what_to_do_when_it_fails(factory):
    dag = factory()

    assert re.findall("<h2>(.*?)</h2>", html(dag.doc_md)) == ["When it fails", "Params", "How it works", "More"]
    assert [row[0] for row in rows(dag.doc_md)] == list(dag.params)
    assert not [row for row in rows(dag.doc_md) if row[3] == "no description"]


def test_the_example_has_the_same_headings_and_the_params_that_it_declares():
    dag = runpy.run_path(str(DOCS.parent / "dags" / "returns_overview.py"))["dag"]

    assert re.findall("<h2>(.*?)</h2>", html(dag.doc_md)) == ["When it fails", "Params", "How it works", "More"]
    assert [row[0] for row in rows(dag.doc_md)] == list(dag.params)


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_the_text_of_a_dag_names_a_page_that_exists(factory, no_address):
    title, path = re.search(r'The page "(.+)" of the documentation: `docs/(.+)`', factory().doc_md).groups()

    assert (DOCS / path).read_text().splitlines()[0] == f"# {title}"


def test_the_params_of_a_user_are_in_the_table():
    dag = pipelines.retention_dag(params={"team": Param("data", description="Who is called", type="string")})

    assert ["team", "text", "&quot;data&quot;", "Who is called"] in rows(dag.doc_md)


def test_a_text_of_a_user_replaces_the_product_s():
    assert pipelines.retention_dag(doc_md="Ours").doc_md == "Ours"


def test_each_kind_of_param_is_described_in_words():
    params = {
        "since": Param(None, type=["null", "string"], format="date-time", description="a"),
        "until": Param(type="string", format="date-time", description="b"),
        "lists": Param(["x" * 70], type=["null", "array"], description="c"),
        "mode": Param("a", enum=["a", "b"], description="one | two"),
        "plain": 5,
    }

    assert rows(dag_page("Does it.", params, on_failure=TASK_FAILED, page=MAIN_PAGE)) == [
        ["since", "timestamp (ISO 8601)", "none", "a"],
        ["until", "timestamp (ISO 8601)", "required", "b"],
        ["lists", "list", "1 entries", "c"],
        ["mode", "a, b", "&quot;a&quot;", "one | two"],
        ["plain", "any", "5", "no description"],
    ]


def test_a_dag_without_params_has_no_table():
    text = dag_page("Does it.\n\nSlowly.", {}, on_failure=TASK_FAILED, page=MAIN_PAGE)

    assert re.findall("<h2>(.*?)</h2>", html(text)) == ["When it fails", "How it works", "More"]


def test_the_text_links_the_documentation_that_the_package_names(monkeypatch):
    """``Project-URL: label, url``: packaging.python.org/en/latest/specifications/core-metadata."""
    from email.message import Message

    declared = Message()
    declared["Project-URL"] = "Source, https://forge.example/repository"
    declared["Project-URL"] = "Documentation, https://docs.example/provider/"
    monkeypatch.setattr(_dag_page, "metadata", lambda name: declared)
    _dag_page._documentation.cache_clear()
    try:
        text = dag_page("Does it.", {}, on_failure=TASK_FAILED, page=MAIN_PAGE)
    finally:
        _dag_page._documentation.cache_clear()

    assert '<a href="https://docs.example/provider/reference/main-dag.html">The main Dag</a>' in html(text)


def test_a_source_tree_that_is_not_installed_has_no_address(monkeypatch):
    monkeypatch.setattr(_dag_page, "DISTRIBUTION", "no-such-distribution")
    _dag_page._documentation.cache_clear()
    try:
        assert _dag_page._documentation() is None
    finally:
        _dag_page._documentation.cache_clear()
