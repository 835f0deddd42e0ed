"""The files and pages for Helm, MWAA, Composer, Astro and Dag bundles name only what exists.

``airflow-chart-values.json`` has the constraints of the official chart's own schema.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

from airflow_provider_partners import __version__
from airflow_provider_partners.get_provider_info import get_provider_info
from airflow_provider_partners.hooks.connection import read_connection

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "how-to" / "install").glob("*.md"))
INFO: Any = get_provider_info()
OPTIONS = INFO["config"]["partners"]["options"]
TYPES = {entry["connection-type"] for entry in INFO["connection-types"]}


@pytest.mark.parametrize("name", ["values.yaml", "values-volume.yaml"])
def test_the_values_are_valid_by_the_schema_of_the_chart(name: str) -> None:
    values = yaml.safe_load((ROOT / "deploy" / "helm" / name).read_text())
    jsonschema.validate(values, json.loads((ROOT / "tests" / "contract" / "airflow-chart-values.json").read_text()))
    mounted = {mount["name"] for mount in values.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in values.get("volumes", [])}
    assert isinstance(yaml.safe_load(values.get("extraEnvFrom", "[]")), list)


def test_every_option_of_the_files_and_pages_exists() -> None:
    files = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    text = "\n".join(path.read_text() for path in [*files, *PAGES])
    named = {option.lower() for option in re.findall(r"AIRFLOW__PARTNERS__([A-Z_]+)", text)}
    named |= set(re.findall(r"`partners\.(\w+)`", text)) | set(re.findall(r"partners-(\w+_uri)=", text))
    assert {"staging_uri", "budget_uri"} <= named <= set(OPTIONS)


@pytest.mark.parametrize("path", ["deploy/mwaa/requirements.txt", "deploy/astro/requirements.txt"])
def test_the_requirements_name_this_version_and_its_extras(path: str) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith(("#", "--"))]
    ours, *others = [Requirement(line) for line in lines]
    assert (ours.name, str(ours.specifier)) == ("airflow-provider-partners", f"=={__version__}")
    assert ours.extras <= set(extras)
    assert all(other.name.startswith("apache-airflow-providers-") for other in others)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_connections_of_a_page_can_be_read(page: Path) -> None:
    from airflow.sdk import Connection

    found = re.findall(r"'(\{\"conn_type\".*?\})'", page.read_text())
    for text in found:
        connection = Connection.from_json(text, conn_id="any")
        if connection.conn_type in TYPES:
            assert read_connection(
                connection, conn_type=connection.conn_type, default_host="https://x.example"
            ).password
        else:
            assert connection.conn_type in {"postgres", "git"}
    assert found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_was_tried(page: Path) -> None:
    assert "{admonition} What was tried" in page.read_text()


def test_the_table_of_the_page_is_the_one_that_is_created() -> None:
    from airflow_provider_partners.api.http import sql_rate_limit_store as store
    from airflow_provider_partners.hooks.budget_database import DEFAULT_TABLE

    page = (ROOT / "docs" / "how-to" / "deployment.md").read_text()
    created = re.search(r"CREATE TABLE (\w+) \((.*?)\);", page, re.DOTALL)
    assert created is not None
    assert created[1] == DEFAULT_TABLE
    assert " ".join(created[2].split()) == store._COLUMNS
