"""Rules of the repository that no linter knows: where tests stand, public names, and what must not be in a file."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_provider_partners"
UNIT = ROOT / "tests" / "unit"
PACKAGES = sorted(PACKAGE.rglob("__init__.py"))


def dotted(init: Path) -> str:
    """Return the name of the package that an ``__init__.py`` makes."""
    return ".".join(init.parent.relative_to(ROOT).parts)


def tracked() -> list[Path]:
    """Return every file of the checkout that git does not ignore; without git, every file of the source tree."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = listed.stdout.split("\n") if listed.returncode == 0 else []
    paths = [ROOT / name for name in names if name] or [*PACKAGE.rglob("*"), *(ROOT / "tests").rglob("*.py")]
    return [path for path in paths if path.is_file()]


def test_every_unit_test_stands_where_its_module_does() -> None:
    # tests/unit/api/yofi/test_query.py, or test_query_windows.py, tests api/yofi/query.py.
    strays = [
        path.relative_to(UNIT).as_posix()
        for path in sorted(UNIT.rglob("test_*.py"))
        if not any(
            (PACKAGE / path.relative_to(UNIT).parent / place).exists()
            for name in prefixes(path.stem.removeprefix("test_"))
            for place in (f"{name}.py", f"_{name}.py", f"{name}/__init__.py")
        )
    ]

    assert strays == []


def prefixes(name: str) -> list[str]:
    """Return a name and what is left when words are taken off its end."""
    words = name.split("_")
    return ["_".join(words[:length]) for length in range(len(words), 0, -1)]


@pytest.mark.parametrize("package", PACKAGES, ids=dotted)
def test_every_package_lists_its_public_names(package: Path) -> None:
    module = import_module(dotted(package))

    assert all(hasattr(module, name) for name in module.__all__)


@pytest.mark.parametrize("package", [path for path in PACKAGES if "exports(" in path.read_text()], ids=dotted)
def test_names_that_load_lazily_are_those_that_type_checkers_see(package: Path) -> None:
    checked = {
        name.asname
        for node in ast.parse(package.read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
    }

    assert checked == set(import_module(dotted(package)).__all__)


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


def test_the_wheel_gets_every_file_of_the_package() -> None:
    # hatchling leaves out what .gitignore matches, even if git tracks it: a module folder "build" would be missing.
    listed = subprocess.run(["git", "ls-files", PACKAGE.name], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin"], cwd=ROOT, input=listed.stdout, capture_output=True, text=True
    )
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    assert f"{PACKAGE.name}/py.typed" in listed.stdout.splitlines()
    assert ignored.stdout.splitlines() == []
    assert build["targets"]["wheel"] == {"packages": [PACKAGE.name]}
    assert "exclude" not in build


def test_names_and_prose_use_the_fields_words() -> None:
    # The words of docs/reference/glossary.md instead of private ones. Spelled so that this line doesn't match itself.
    private = re.compile(
        r"(?<!\.)\b(?:as[k]ed|to[l]d|tel[l]s?|sai[d]|hus[h]|dossie[r]|til[l]|new[s]|evidenc[e]|des[k]|born[e]|ane[w]|sha[n]'t)\b",
        re.IGNORECASE,
    )
    prose = [path for path in tracked() if path.suffix in {".py", ".md", ".toml"} or path.name == "Makefile"]
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in prose
        if "schemas" not in path.parts
        for match in private.finditer(path.read_text())
    ]

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
