"""A mapped extract task that goes by watermarks, by Airflow's command, which serves its stores to one thread alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 7, "shops": 2, "orders": 8}
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


def run(world: Any, folder: Path) -> tuple[dict[str, Any], str]:
    """The references that the tasks returned, by shop."""
    folder.mkdir(exist_ok=True)
    (folder / "by_watermark.py").write_text(DAG)
    done = world.airflow("dags", "test", "by_watermark", AIRFLOW__CORE__DAGS_FOLDER=str(folder))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    run_id = world.rows("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]
    rows = world.rows("SELECT map_index, value FROM xcom WHERE run_id = ? AND key = 'return_value'", run_id)
    return {(A, B)[index]: json.loads(value) for index, value in rows}, done.stdout + done.stderr


def watermarks(world: Any) -> dict[str, str]:
    """As Airflow keeps them."""
    rows = world.rows(
        "SELECT key, value FROM asset_state_store JOIN asset ON asset.id = asset_id WHERE name = 'yofi_claims'"
    )
    return {key: json.loads(value) for key, value in rows}


def test_each_shop_begins_at_the_beginning_and_goes_on_at_its_own_watermark(world: Any, tmp_path: Path) -> None:
    """The runs have a date but, without a schedule, an empty interval."""
    first, _ = run(world, tmp_path / "dags")

    assert {reference["window"]["since"] for reference in first.values()} == {"2026-01-01T00:00:00Z"}
    assert sum(reference["records"] for reference in first.values()) > 0
    assert watermarks(world) == {
        f"watermark:{shop}:claims": reference["window"]["until"] for shop, reference in first.items()
    }

    second, log = run(world, tmp_path / "dags")

    assert log.count("from watermark") == 2
    assert min(reference["window"]["since"] for reference in second.values()) > "2026-01-01T00:00:00Z"
    assert watermarks(world) == {
        f"watermark:{shop}:claims": reference["window"]["until"] for shop, reference in second.items()
    }
