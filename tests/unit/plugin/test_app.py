"""What the page in Airflow gets of a run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.observability.report.model import LaneReport, RunReport, StepReport
from airflow_provider_partners.observability.report.store import write_report
from airflow_provider_partners.plugin.app import show_run


def test_a_run_has_its_warnings_by_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    warned = [StepReport(task="find_changes", state="warning", note="Shopify answers no more")]
    other = [StepReport(task="find_changes", state="warning", note="Airflow did not find the connection")]
    lanes = [
        LaneReport(shop=shop, steps=steps) for shop, steps in zip("abcd", (other, warned, [], warned), strict=True)
    ]
    write_report(RunReport(dag_id="orders", run_id="1", lanes=lanes), "")
    access: Any = SimpleNamespace(
        require_reports=lambda _: None, reads_records=lambda _: False, triggers=lambda _: False
    )
    assert show_run(access, "orders", "1")["report"]["warnings"] == [
        {"task": "find_changes", "message": "Shopify answers no more", "lanes": ["b", "d"]},
        {"task": "find_changes", "message": "Airflow did not find the connection", "lanes": ["a"]},
    ]
