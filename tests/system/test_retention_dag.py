"""The retention Dag through Airflow: its API server says which runs are active."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.writer import DatasetWriter

pytestmark = pytest.mark.system

SANDBOX = {"seed": 1, "shops": 1, "orders": 1}
DAG = "partner_dataset_retention"


def run(airflow: Any, staging: Path, **conf: Any) -> None:
    command = ("dags", "test", DAG, "--conf", json.dumps(conf))
    done = airflow.run_command(*command, AIRFLOW__PARTNERS__STAGING_URI=str(staging))
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_old_datasets_go_and_those_of_a_running_run_stay(
    airflow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that Airflow does not have is not active."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    run(airflow, tmp_path, dry_run=True)
    ((run_id,),) = airflow.query_database("SELECT run_id FROM dag_run WHERE dag_id = ?", DAG)
    assert "+00:00" in run_id
    for of in (run_id, "manual__gone"):
        task = SimpleNamespace(dag_id=DAG, task_id="extract", run_id=of, map_index=-1)
        DatasetWriter(dataset_uri({"ti": task}), source="yofi", resource="claims").commit()
    then = time.time() - 40 * 86_400
    for path in tmp_path.rglob("*"):
        os.utime(path, (then, then))

    airflow.execute("UPDATE dag_run SET state = 'running' WHERE run_id = ?", run_id)
    run(airflow, tmp_path)
    (kept,) = (tmp_path / DAG / "extract").iterdir()
    assert kept.name == run_id.replace(":", "~3A").replace("+", "~2B")

    airflow.execute("UPDATE dag_run SET state = 'success' WHERE run_id = ?", run_id)
    run(airflow, tmp_path)
    assert list((tmp_path / DAG / "extract").iterdir()) == []
