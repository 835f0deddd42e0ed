"""``make urls`` writes the public address into the metadata and the README of a release, and nothing before that."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
BASE = "https://forge.example/data/partners"
KNOWN = {"homepage", "source", "download", "changelog", "releasenotes", "documentation", "issues", "funding"}
"""Names that indexes know: https://packaging.python.org/en/latest/specifications/well-known-project-urls/"""


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_urls", ROOT / "tests" / "release" / "urls.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in ("dags", "docs"):
        (tmp_path / folder).mkdir()
    return tmp_path


def links(text: str) -> list[str]:
    """Return the targets of all links and images, as a parser of Markdown that isn't ours finds them."""
    tokens = [child for token in MarkdownIt().enable("table").parse(text) for child in token.children or [token]]
    found = [str(token.attrs.get("href") or token.attrs.get("src") or "") for token in tokens]
    return [target for target in found if target]


def urls(root: Path) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((root / "pyproject.toml").read_text())["project"].get("urls", {})
    return found


def test_every_link_of_the_readme_becomes_absolute_and_leads_to_the_same_file(checkout: Path) -> None:
    before = links((ROOT / "README.md").read_text())
    load().write_urls(checkout, BASE)
    after = links((checkout / "README.md").read_text())
    assert len(after) == len(before)
    assert any(not target.startswith("https:") for target in before) or urls(ROOT)
    for old, new in zip(before, after, strict=True):
        if old.startswith(("https:", "#")):
            continue
        place = "tree" if (ROOT / old).is_dir() else "raw" if old.endswith((".svg", ".png")) else "blob"
        assert new == f"{BASE}/{place}/main/{old}"
        assert (ROOT / old.partition("#")[0]).exists()


def test_the_metadata_has_the_names_that_indexes_know(checkout: Path) -> None:
    load().write_urls(checkout, BASE, docs="https://docs.example/")
    written = urls(checkout)
    assert {name.lower() for name in written} <= KNOWN
    assert written["Source"] == BASE
    assert written["Documentation"] == "https://docs.example"
    before = tomllib.loads((ROOT / "pyproject.toml").read_text())
    before["project"]["urls"] = written
    assert tomllib.loads((checkout / "pyproject.toml").read_text()) == before


def test_a_second_run_changes_nothing_and_another_address_replaces_the_first(checkout: Path) -> None:
    module = load()
    module.write_urls(checkout, BASE)
    first = [(checkout / name).read_text() for name in ("pyproject.toml", "README.md")]
    module.write_urls(checkout, f"{BASE}.git")
    assert [(checkout / name).read_text() for name in ("pyproject.toml", "README.md")] == first
    module.write_urls(checkout, "https://other.example/x/y", branch="stable")
    for name, text in zip(("pyproject.toml", "README.md"), first, strict=True):
        moved = (checkout / name).read_text()
        assert BASE not in moved
        assert moved.count("https://other.example/x/y") == text.count(BASE)
        assert moved.count("/stable/") == text.count("/main/")


@pytest.mark.parametrize("address", ["", "http://forge.example/x", "forge.example/x", "https://me:pw@forge.example/x"])
def test_what_is_no_public_address_is_refused_and_nothing_is_written(checkout: Path, address: str) -> None:
    with pytest.raises(ValueError, match="no public address"):
        load().write_urls(checkout, address)
    assert (checkout / "README.md").read_text() == (ROOT / "README.md").read_text()
    assert (checkout / "pyproject.toml").read_text() == (ROOT / "pyproject.toml").read_text()


def test_the_make_target_passes_the_address() -> None:
    command = ["make", "--dry-run", "urls", f"BASE={BASE}", f"PYTHON={sys.executable}"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert f"{sys.executable} tests/release/urls.py '{BASE}'" in shown
