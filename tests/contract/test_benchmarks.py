"""The benchmarks have one form, and the page on performance shows what they stored."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """Return the module that writes the page."""
    sys.path.insert(0, str(FOLDER))
    try:
        import page

        return page
    finally:
        sys.path.remove(str(FOLDER))


def benchmarks() -> list[Path]:
    """Return the scripts that measure something."""
    return sorted(path for path in FOLDER.glob("[a-z]*.py") if path.stem not in {"run", "page"})


@pytest.mark.parametrize("path", benchmarks(), ids=lambda path: path.stem)
def test_a_benchmark_stores_its_figures_under_its_name_and_the_page_has_a_place_for_them(path: Path) -> None:
    text, shown = path.read_text(), PAGE.read_text()

    assert "parser(__doc__)" in text or '"--size"' in text
    assert re.search(rf'save\(\s*"{path.stem}"', text), "it calls save() with its own name"
    assert f"<!-- benchmark: {path.stem} -->" in shown


def test_every_benchmark_can_be_imported() -> None:
    names = [path.stem for path in benchmarks()]
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    run = subprocess.run([sys.executable, "-c", code, *names], cwd=FOLDER, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr[-2000:]


def test_the_page_is_current(page: ModuleType) -> None:
    text = PAGE.read_text()

    assert page.page(text, page.results()) == text, "run: python benchmarks/page.py"


def test_the_plots_are_current(page: ModuleType) -> None:
    plots = [plot for result in page.results().values() for plot in result["plots"]]
    images = {path.name for path in (ROOT / "docs" / "images").glob("performance-*.svg")}

    assert images == {f"performance-{plot['name']}.svg" for plot in plots}
    for plot in plots:
        drawn = page.svg(plot, page.description(plot))
        assert (ROOT / "docs" / "images" / f"performance-{plot['name']}.svg").read_text() == drawn, plot["name"]


def test_a_benchmark_that_was_not_run_says_so(page: ModuleType) -> None:
    empty = "<!-- benchmark: {} -->\n<!-- end of benchmark -->\n"

    assert "make bench ONLY=shops" in page.page(empty.format("shops"), {})
    assert "tests/cluster/run.py --save" in page.page(empty.format("cluster"), {})
    assert "No benchmark has been run yet." in page.page(empty.format("all"), {})


@pytest.mark.parametrize(
    ("count", "rows", "first", "last"),
    [
        (9, 1, "| c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 |", "| 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |"),
        (10, 2, "| c0 | 0 | 0 |", "| c9 | 9 | 9 |"),
        (10, 10, "| c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 |", "| 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 |"),
    ],
)
def test_a_table_that_is_wider_than_the_page_is_turned(
    page: ModuleType, count: int, rows: int, first: str, last: str
) -> None:
    shown = {
        "caption": "Some",
        "columns": [f"c{number}" for number in range(count)],
        "rows": [list(range(count))] * rows,
    }
    machine = {"cores": 2, "memory_gb": 4, "load": 1, "python": "3.11", "airflow": "3.3"}
    result = {"tables": [shown], "plots": [], "machine": machine, "measured": "2026-05-01", "size": "small"}

    lines = [line for line in page.section("some", result).splitlines() if line.startswith("|")]

    assert (lines[0], lines[-1]) == (first, last)


def test_a_bound_that_was_not_kept_stands_out(page: ModuleType) -> None:
    missed = {"what": "calls", "to_reach": "at most 2", "measured": "3", "reached": False}

    assert "| calls | at most 2 | 3 | **no** |" in page.summary({"calls": {"targets": [missed]}})


def test_the_stored_figures_name_the_machine_and_no_path_of_it() -> None:
    for path in (FOLDER / "results").glob("*.json"):
        result = json.loads(path.read_text())
        assert result["name"] == path.stem
        assert {"cores", "memory_gb", "load", "python", "airflow"} <= result["machine"].keys()
        assert str(ROOT) not in path.read_text()
