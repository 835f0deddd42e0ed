"""A mapped extract task with watermarks in Airflow, which serves its stores to one thread only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 7, "shops": 2, "orders": 8}
A, B = "aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com"

DAG = f"""
from datetime import UTC, datetime

from airflow.sdk import DAG, Asset

from airflow_provider_partners.operators.yofi import YofiExtractOperator

with DAG("by_watermark", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    YofiExtractOperator.partial(
        task_id="claims",
        resource="claims",
        page_size=1,
        outlets=[Asset("yofi_claims")],
        initial_since="2026-01-01",
        map_index_template="{{{{ task.shop }}}}",
    ).expand(shop=["{A}", "{B}"])
"""


def run_dag(airflow: Any, folder: Path) -> tuple[dict[str, Any], str]:
    """Run the Dag; return the references of its tasks by shop, and the log."""
    folder.mkdir(exist_ok=True)
    (folder / "by_watermark.py").write_text(DAG)
    process = airflow.run_command("dags", "test", "by_watermark", AIRFLOW__CORE__DAGS_FOLDER=str(folder))
    assert process.returncode == 0, (process.stdout + process.stderr)[-6000:]
    run_id = airflow.query_database("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]
    rows = airflow.query_database("SELECT map_index, value FROM xcom WHERE run_id = ? AND key = 'return_value'", run_id)
    return {(A, B)[index]: json.loads(value) for index, value in rows}, process.stdout + process.stderr


def watermarks(airflow: Any) -> dict[str, str]:
    """The watermarks in Airflow's database."""
    rows = airflow.query_database(
        "SELECT key, value FROM asset_state_store JOIN asset ON asset.id = asset_id WHERE name = 'yofi_claims'"
    )
    return {key: json.loads(value) for key, value in rows}


def test_each_shop_starts_at_the_initial_time_and_continues_at_its_own_watermark(airflow: Any, tmp_path: Path) -> None:
    """Without a schedule, the runs have a date but an empty interval."""
    first_references, _ = run_dag(airflow, tmp_path / "dags")

    assert {reference["window"]["since"] for reference in first_references.values()} == {"2026-01-01T00:00:00Z"}
    assert sum(reference["records"] for reference in first_references.values()) > 0
    assert watermarks(airflow) == {
        f"watermark:{shop}:claims": reference["window"]["until"] for shop, reference in first_references.items()
    }

    second_references, log = run_dag(airflow, tmp_path / "dags")

    assert log.count("from watermark") == 2
    assert min(reference["window"]["since"] for reference in second_references.values()) > "2026-01-01T00:00:00Z"
    assert watermarks(airflow) == {
        f"watermark:{shop}:claims": reference["window"]["until"] for shop, reference in second_references.items()
    }
