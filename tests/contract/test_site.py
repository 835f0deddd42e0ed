"""The site: it builds without a warning, every argument is in the reference, and pages have what a reader expects."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import airflow_provider_partners

DOCS = Path(__file__).parents[2] / "docs"

pytest.importorskip("sphinx", reason="the extra 'docs' isn't installed")


def docs_module(name: str) -> ModuleType:
    """Return a module of the folder of pages."""
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


INHERITED = docs_module("inherited_arguments")
DIAGRAMS = docs_module("diagrams")


def documented_classes() -> dict[str, type]:
    """Return the classes that the pages of the reference show, by the path that they name."""
    text = "\n".join(path.read_text() for path in sorted((DOCS / "reference").glob("*.md")))
    paths = re.findall(r"autoclass:: (\S+)$", text, re.MULTILINE)
    return {path: getattr(import_module(path.rpartition(".")[0]), path.rpartition(".")[2]) for path in paths}


PATHS = {path: kind for path, kind in documented_classes().items() if INHERITED._passes_arguments_on(kind)}
WITH_BASES = list(PATHS.values())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built with a warning as an error."""
    folder = tmp_path_factory.mktemp("site")
    process = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--nitpicky", "-q", DOCS, folder],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(DOCS.parent), "DOCS_VERSIONS": "9.9.9 9.8.0"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return folder


class Entries(HTMLParser):
    """The text of each class's entry in a page of the reference, by its path."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, str] = {}
        self.path: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        identifier = dict(attrs).get("id") or ""
        if tag == "dt" and identifier.startswith("airflow_provider_partners."):
            self.path = identifier
            self.entries[identifier] = ""

    def handle_data(self, data: str) -> None:
        if self.path:
            self.entries[self.path] += data


def test_the_site_builds_without_a_warning(site: Path) -> None:
    assert (site / "index.html").exists()


def test_the_classes_that_are_checked_are_not_an_empty_list() -> None:
    assert len(WITH_BASES) > 40


@pytest.mark.parametrize("kind", WITH_BASES, ids=lambda kind: kind.__name__)
def test_every_argument_of_a_class_is_described_also_those_of_its_base_classes(kind: type) -> None:
    described = set(INHERITED.fields(kind)).union(*INHERITED.inherited(kind).values())
    arguments = [name for name, one in INHERITED.signature(kind).parameters.items() if one.kind is not one.VAR_KEYWORD]

    assert [name for name in arguments if name not in described] == []


@pytest.mark.parametrize("kind", [kind for kind in WITH_BASES if hasattr(kind, "__signature__")])
def test_the_arguments_are_those_that_python_shows(kind: Any) -> None:
    """``inspect.signature`` comes from the class itself, the reference's from the constructors."""
    shown = {name for name, one in inspect.signature(kind).parameters.items() if one.kind is not one.VAR_KEYWORD}
    documented = {name for name, one in INHERITED.signature(kind).parameters.items() if one.kind is not one.VAR_KEYWORD}

    assert documented <= shown
    assert set(INHERITED.fields(kind)) <= shown


def test_the_pages_of_the_reference_show_every_argument(site: Path) -> None:
    entries: dict[str, str] = {}
    for page in (site / "reference").glob("*.html"):
        parser = Entries()
        parser.feed(page.read_text())
        entries |= parser.entries
    missing = {
        path: [name for name in INHERITED.signature(kind).parameters if name not in entries[path]]
        for path, kind in PATHS.items()
    }

    assert {name: names for name, names in missing.items() if names} == {}
    extract = entries["airflow_provider_partners.operators.yofi.YofiExtractOperator"]
    assert "Arguments of ExtractOperator:" in extract
    assert "min_records" in extract


def test_diagrams_are_current() -> None:
    stale = [
        name
        for name, diagram in DIAGRAMS.DIAGRAMS.items()
        if (DOCS / "images" / f"{name}.svg").read_text() != diagram.svg()
    ]

    assert stale == [], "run: python docs/diagrams.py"


def test_diagrams_are_xml_with_a_description_and_nothing_from_elsewhere() -> None:
    import xml.etree.ElementTree as ET

    for path in (DOCS / "images").glob("*.svg"):
        root = ET.parse(path).getroot()
        assert len(root.get("aria-label") or "") > 40, path.name
        assert not re.search(r"href|url\(|@import|<script", path.read_text()), path.name


def test_a_diagram_is_part_of_its_page_with_the_description_of_the_page(site: Path) -> None:
    html = (site / "reference" / "main-dag.html").read_text()

    assert '<svg class="diagram"' in html
    assert 'aria-label="The tasks of the main Dag' in html
    assert "prefers-color-scheme:dark){svg" not in html, "the page's own colours count"


def test_the_front_page_has_cards_to_each_kind_of_page(site: Path) -> None:
    html = (site / "index.html").read_text()

    for target in ("tutorial.html", "how-to/index.html", "reference/index.html", "explanation/index.html"):
        assert re.search(rf'class="sd-stretched-link[^>]*href="{target}"', html), target


def test_commands_have_copy_buttons_and_output_has_none(site: Path) -> None:
    script = (site / "_static" / "copybutton.js").read_text()

    assert "div.highlight-shell pre" in script
    assert "div.highlight-none" not in script
    assert "copybutton.js" in (site / "tutorial.html").read_text()


def test_the_other_versions_are_links_beside_this_one(site: Path) -> None:
    html = (site / "how-to" / "backfill.html").read_text()

    assert f"Version {airflow_provider_partners.__version__}" in html
    assert 'href="../../9.9.9/index.html"' in html
    assert 'href="../../9.8.0/index.html"' in html


def test_the_logo_is_there_for_light_and_dark_and_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    html = (site / "index.html").read_text()

    assert "_static/logo-light.svg" in html
    assert "_static/logo-dark.svg" in html
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?://[^"]+)"', page.read_text())
        assert loaded == [], page
