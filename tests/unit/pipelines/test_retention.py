"""The retention Dag: what it reads from Airflow, and what it returns."""

from __future__ import annotations

import inspect
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines import retention_dag
from airflow_provider_partners.pipelines.retention import find_active_runs


class Airflow:
    """Counts runs as Airflow's API server does: those with one of the ids, in one of the states."""

    def __init__(self, **states: str) -> None:
        self.states, self.calls = states, []

    def get_dr_count(self, dag_id: str, run_ids: list[str], states: list[str]) -> int:
        self.calls.append(run_ids)
        return sum(self.states.get(run_id) in states for run_id in run_ids)


def run(dag: Any, airflow: Airflow, conf: dict[str, Any] | None = None) -> Any:
    params = {name: dag.params.get_param(name).value for name in dag.params} | (conf or {})
    context = {"params": params, "ti": airflow, "dag": dag, "dag_run": SimpleNamespace(conf=conf or {})}
    with set_current_context(context):
        return dag.get_task("remove").python_callable()


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    for run_id in ("ended", "waiting", "gone"):
        task = SimpleNamespace(dag_id="orders", task_id="extract", run_id=run_id, map_index=-1)
        DatasetWriter(dataset_uri({"ti": task}), source="yofi", resource="claims").commit()
    then = time.time() - 40 * 86_400
    for path in tmp_path.rglob("*"):
        os.utime(path, (then, then))
    return tmp_path


def test_old_datasets_of_runs_that_ended_are_removed(staging: Path) -> None:
    result = run(retention_dag(), Airflow(ended="success", waiting="running"))
    assert (result["runs"], result["kept"], result["days"], result["dry_run"]) == (2, {"active": 1}, 30, False)
    assert [path.name for path in (staging / "orders" / "extract").iterdir()] == ["waiting"]


def test_a_dry_run_and_another_age_change_one_run(staging: Path) -> None:
    assert run(retention_dag(), Airflow(), {"days": 50})["runs"] == 0
    assert run(retention_dag(), Airflow(), {"dry_run": True})["runs"] == 3
    assert len(list((staging / "orders" / "extract").iterdir())) == 3


def test_the_age_may_be_the_dags_or_the_settings(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__RETENTION_DAYS", "45")
    assert run(retention_dag(), Airflow())["runs"] == 0
    assert run(retention_dag(days=35), Airflow())["runs"] == 3


@pytest.mark.parametrize("days", [0, 1.5, "30"])
def test_an_age_that_is_no_number_of_days_is_refused(days: Any) -> None:
    with pytest.raises(ConfigurationError, match="'days' is"):
        retention_dag(days=days)


def test_runs_are_counted_together_and_one_by_one_only_if_some_are_active() -> None:
    ids = [f"run-{number}" for number in range(120)]
    airflow = Airflow(**{"run-60": "queued"})
    assert find_active_runs(airflow, "orders", ids) == {"run-60"}
    assert [len(call) for call in airflow.calls[:2]] == [50, 50]
    assert len(airflow.calls) == 3 + 50


def test_airflows_task_instance_counts_runs_by_these_arguments() -> None:
    """Airflow's own signature."""
    assert {"dag_id", "run_ids", "states"} <= set(inspect.signature(RuntimeTaskInstance.get_dr_count).parameters)


def test_old_reports_are_removed_at_an_age_of_their_own(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_partners.observability.report.model import RunReport
    from airflow_provider_partners.observability.report.store import list_reports, report_uri, write_report

    for run_id, days in (("old", 40), ("young", 20)):
        write_report(RunReport(dag_id="orders", run_id=run_id), "")
        then = time.time() - days * 86_400
        os.utime(Path(report_uri("orders", run_id)) / "report.json", (then, then))

    assert run(retention_dag(), Airflow())["reports"] == 0
    monkeypatch.setenv("AIRFLOW__PARTNERS__REPORT_DAYS", "30")
    assert run(retention_dag(), Airflow(), {"dry_run": True})["reports"] == 1
    assert run(retention_dag(), Airflow())["reports"] == 1
    assert [entry.run_id for entry in list_reports()] == ["young"]
