"""Tests of the report as JSON."""

from __future__ import annotations

import json

import pytest

from airflow_provider_partners.observability.report.model import (
    ApiCalls,
    DatasetEntry,
    FieldChange,
    Gap,
    LaneReport,
    Reason,
    RecordSample,
    RunReport,
    ScoreBand,
    StepReport,
    TaskError,
)

LANE = LaneReport(
    shop="a.myshopify.com",
    name="a.myshopify.com 2026-05-01",
    window={"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"},
    state="failed",
    failed_at="upsert_orders",
    error=TaskError(task="upsert_orders", message="Yotpo: refused", remedy="Renew the secret."),
    counts={"read": 3, "created": 1, "suppressed": 1},
    suppressions=[Reason(text="return_abuse >= 0.8", count=1, examples=["1"])],
    scores=[ScoreBand(category="return_abuse", source="order_predictions", threshold=0.8, orders=1)],
    samples=[
        RecordSample(
            external_id="1", action="updated", changes=[FieldChange(name="status", before="open", after="closed")]
        )
    ],
    steps=[StepReport(task="build", seconds=1.5, tries=2)],
    api=[ApiCalls(partner="yotpo", requests=3, by_operation={"orders.create": 1})],
    datasets=[
        DatasetEntry(task="build", uri="/s/1", resource="orders"),
        DatasetEntry(task="build", uri="/s/2", resource="orders rejects"),
    ],
)


def test_a_report_is_the_same_after_json() -> None:
    report = RunReport(
        dag_id="orders",
        run_id="manual__1",
        lanes=[LANE],
        gaps=[Gap(shop="a.myshopify.com", since="2026-04-01T00:00:00Z", until="2026-04-02T00:00:00Z")],
        error=TaskError(task="choose_windows", message="No watermark"),
    )

    assert RunReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_a_report_of_another_version_is_read() -> None:
    value = {"version": 9, "dag_id": "orders", "run_id": "1", "colour": "red", "lanes": [{"shop": "a", "mood": 1}]}

    report = RunReport.from_dict(value)

    assert (report.version, report.dag_id, report.lanes) == (9, "orders", [LaneReport(shop="a")])


def test_a_report_without_its_run_is_refused() -> None:
    with pytest.raises(TypeError, match="run_id"):
        RunReport.from_dict({"dag_id": "orders"})


def test_totals_are_those_of_all_lanes() -> None:
    report = RunReport(dag_id="orders", run_id="1", lanes=[LANE, LaneReport(shop="b", counts={"read": 4}), LANE])

    assert (report.total["read"], report.total["created"], report.total["stale"]) == (10, 2, 0)
    assert report.shops == ["a.myshopify.com", "b"]


def test_the_datasets_of_rejects_are_found() -> None:
    assert [dataset.uri for dataset in LANE.rejects] == ["/s/2"]


def test_the_share_of_a_limit_counts_what_the_partner_allows_in_that_time() -> None:
    """A bucket of 10 that refills by 2 a second allows 30 in 10 seconds (token bucket)."""
    calls = ApiCalls(partner="yotpo", used=15, seconds=10, limit_per_second=2, limit_burst=10)

    assert calls.limit_share == 0.5
    assert ApiCalls(partner="yotpo", used=15, seconds=10).limit_share is None
