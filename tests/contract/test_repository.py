"""Rules of the house that no linter knows: layers, sizes, and what must not be in the repository."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_partners"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def tracked() -> list[Path]:
    """Every file of the checkout that is not ignored; all files of the source tree where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or [*PACKAGE.rglob("*"), *(ROOT / "tests").rglob("*.py")]
    return [path for path in paths if path.is_file()]


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("room", ["api", "sync"])
def test_the_wire_and_the_sync_never_load_airflow(room: str) -> None:
    names = [dotted(path) for path in MODULES if path.is_relative_to(PACKAGE / room)]
    script = (
        f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
        "loaded = sorted(name for name in sys.modules if name == 'airflow' or name.startswith('airflow.'))\n"
        "sys.exit(f'loads {loaded[:3]}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)

    assert len(names) > 3
    assert done.returncode == 0, done.stderr


def test_the_sandbox_shares_no_code_with_the_clients() -> None:
    borrowed = [
        f"{path.name}: {line}"
        for path in MODULES
        if path.is_relative_to(PACKAGE / "sandbox")
        for line in path.read_text().splitlines()
        if re.match(r"\s*(from|import) airflow_provider_partners\.(api|sync|hooks|operators|datasets)\b", line)
    ]

    assert borrowed == []


def test_httpx_is_imported_in_one_module_of_the_package() -> None:
    importers = [
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if re.search(r"^\s*(import|from) httpx", path.read_text(), re.MULTILINE)
    ]

    assert importers == ["api/http/transport.py"]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_module_opens_by_saying_what_it_is_for_and_stays_small(path: Path) -> None:
    lines = path.read_text().splitlines()

    assert len(lines) <= 330, "is there a second room in it?"
    assert lines[0].lstrip("r").startswith('"""')
    assert "from __future__ import annotations" in lines


def test_no_file_names_a_registry_or_a_place_on_a_machine() -> None:
    # Spelled so that this file doesn't match itself.
    forbidden = re.compile(
        r"py[p]i\.org|python[h]osted|registry\.np[m]js|deb\.debi[a]n\.|/wor[k]/|/roo[t]/|/hom[e]/[a-z]+/",
        re.IGNORECASE,
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}:{match.group()}" for match in forbidden.finditer(text)]

    assert found == []


def test_every_dependency_has_a_lower_bound_and_none_an_upper_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(row for rows in project["optional-dependencies"].values() for row in rows),
    ]
    outside = [row for row in wanted if not row.startswith("airflow-provider-partners[")]

    assert [row for row in outside if ">=" not in row] == []
    assert [row for row in outside if re.search(r"<|==|~=", row)] == []


def test_the_pinned_sets_name_versions_only() -> None:
    for path in (ROOT / "constraints").glob("*.txt"):
        rows = [row for row in path.read_text().splitlines() if row and not row.startswith("#")]
        assert rows, path.name
        assert [row for row in rows if not re.match(r"^[a-z0-9._-]+==[^\s;]+( ; .+)?$", row)] == []


def test_the_changelog_has_the_version_that_is_built() -> None:
    version = re.search(r'__version__ = "(.+)"', (PACKAGE / "__init__.py").read_text())

    assert version
    assert f"## {version.group(1)} " in (ROOT / "CHANGELOG.md").read_text()
