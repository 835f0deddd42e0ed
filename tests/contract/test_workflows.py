"""The forge's files are valid by its schemas, run the Makefile's targets, and have no more rights than they need.

``forge/`` has unchanged schemas of SchemaStore, under the Apache License 2.0 like this project: of GitHub's workflows
and of its issue forms.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "forge"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, re.MULTILINE))
CODE = re.compile(r"^ *```shell\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
PINNED = re.compile(r"^ *-? *uses: (?:[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/[\w.-]+)$")


def name(path: Path) -> str:
    """Return the file's name, as the id of a test."""
    return path.name


def workflow(file: str) -> dict[Any, Any]:
    """Return a workflow. YAML 1.1 reads its key ``on`` as True."""
    loaded = yaml.safe_load((ROOT / ".github" / "workflows" / file).read_text())
    return {("on" if key is True else key): value for key, value in loaded.items()}


def commands(workflow: dict[Any, Any]) -> list[str]:
    """Return every shell command of a workflow."""
    return [step["run"] for job in workflow["jobs"].values() for step in job.get("steps", ()) if "run" in step]


def matrix_module() -> ModuleType:
    """Return the script of ``make matrix``."""
    spec = importlib.util.spec_from_file_location("matrix_run", ROOT / "tests" / "matrix" / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_is_valid(path: Path) -> None:
    jsonschema.validate(workflow(path.name), json.loads((SCHEMAS / "github-workflows.json").read_text()))


@pytest.mark.parametrize("path", FORMS, ids=name)
def test_an_issue_form_is_valid(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads((SCHEMAS / "github-issue-forms.json").read_text()))


def test_commands_name_targets_of_the_makefile() -> None:
    texts = {path.name: "\n".join(commands(workflow(path.name))) for path in WORKFLOWS}
    texts["pre-commit"] = "\n".join(hook["entry"] for hook in hooks())
    texts["ci"] = (ROOT / ".ci" / "run").read_text() if (ROOT / ".ci").exists() else ""
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        texts[path.name] = "\n".join(CODE.findall(path.read_text()))
    called = {(where, target) for where, text in texts.items() for target in re.findall(r"\bmake ([a-z-]+)", text)}

    assert {"test", "lint", "matrix", "docs", "dist", "upgrade"} <= {target for _, target in called}
    assert sorted((where, target) for where, target in called if target not in TARGETS) == []


def hooks() -> list[dict[str, Any]]:
    """Return pre-commit's hooks."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    return [hook for repository in repositories for hook in repository["hooks"]]


def test_pre_commit_runs_what_ci_runs_with_no_versions_of_its_own() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text()

    assert re.search(r"^test: lint$", MAKEFILE, re.MULTILINE)
    assert [hook["entry"] for hook in hooks()] == ["make lint"]
    assert "make test" in commands(workflow("ci.yml"))
    assert set(re.findall(r"- repo: (\S+)", text)) == {"local"}
    assert "rev:" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_pins_actions_by_commit(path: Path) -> None:
    uses = [line for line in path.read_text().splitlines() if "uses:" in line]

    assert [line for line in uses if not PINNED.match(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_reads_only_and_ends(path: Path) -> None:
    jobs = workflow(path.name)["jobs"].values()

    assert workflow(path.name)["permissions"] == {"contents": "read"}
    assert [job for job in jobs if "uses" not in job and "timeout-minutes" not in job] == []


def test_only_the_release_publishes_by_an_identity_without_a_secret() -> None:
    release = workflow("release.yml")
    publish = release["jobs"]["publish"]

    assert release["on"] == {"push": {"tags": ["v*"]}}
    assert publish["permissions"] == {"id-token": "write"}
    assert publish["environment"] == "release"
    assert not [step for step in publish["steps"] if "run" in step or step["uses"].startswith("actions/checkout")]
    assert not [path.name for path in WORKFLOWS if "secrets." in path.read_text()]
    assert [release["jobs"][job]["needs"] for job in ("build", "publish", "announce")] == ["ci", "build", "publish"]


def test_ci_runs_every_python_and_every_airflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = [row.rsplit(" ", 1)[1] for row in project["classifiers"] if re.search(r":: 3\.\d+$", row)]
    jobs = workflow("ci.yml")["jobs"]
    test, cells = jobs["test"]["strategy"]["matrix"], jobs["airflow"]["strategy"]["matrix"]["cell"]
    run = matrix_module()

    assert test["python"] == pythons
    assert [f"airflow-{version}.txt" for version in test["airflow"]] == [
        path.name for path in sorted((ROOT / "constraints").glob("airflow-*.txt"))
    ]
    assert set(cells) <= {cell.name for cell in run.CELLS}
    assert {version.rsplit(".", 1)[0] for version in run.RELEASES} == {
        cell.rsplit(".", 2)[0] for cell in cells if cell != "lowest"
    }
    assert "lowest" in cells


def test_the_page_on_versions_has_the_results_of_the_matrix() -> None:
    run = matrix_module()
    stored, page = json.loads(run.RESULTS.read_text()), run.PAGE.read_text()

    assert run.BLOCK.search(page)
    assert page == run.page(page, stored)
    assert set(stored) <= {cell.name for cell in run.CELLS}
    assert run.page(page, {"lowest": {"result": "failed at: install", "measured": "2026-01-01"}}) != page


def test_the_page_on_releases_names_the_workflow_and_its_environment() -> None:
    page = (ROOT / "docs" / "release.md").read_text()

    assert "the workflow `release.yml`, the environment `release`" in page
    assert all(f"`{file}`" in page for file in ("release.yml", "dependencies.yml", "docs.yml"))
