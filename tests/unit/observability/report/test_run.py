"""Tests of writing reports in tasks: a report never fails a run, and never hides a failure."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners import _compat
from airflow_provider_partners.links import ReportLink
from airflow_provider_partners.observability.report import run as run_module
from airflow_provider_partners.observability.report.run import store_lane, write_run
from airflow_provider_partners.observability.report.store import read_lanes, read_page, read_report
from airflow_provider_partners.pipelines.run_summary import build_lane_summary, build_run_summary

A, B = "a.myshopify.com", "b.myshopify.com"
SINCE, UNTIL = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"
RUN = "manual__2026-05-02T00:00:00+00:00"


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    monkeypatch.delenv("AIRFLOW__API__BASE_URL", raising=False)
    return tmp_path


def context(task_id: str = "summarize", map_index: int = -1, **params: Any) -> dict[str, Any]:
    task = SimpleNamespace(dag_id="orders", task_id=task_id, run_id=RUN, map_index=map_index)
    return {"ti": task, "params": params}


def lane(shop: str, index: int, *, failed: bool = False) -> Any:
    reference = None if failed else {"records": 3}
    results = {"extract_orders": reference}
    summary = build_lane_summary(shop, results, since=SINCE, until=UNTIL)
    store_lane(
        context("lane.summarize_lane", index), summary, results, window={"since": SINCE, "until": UNTIL}, absent={}
    )
    return summary


def run_summary(*summaries: Any) -> Any:
    return build_run_summary(summaries, [(A, SINCE), (B, SINCE)], until={(A, SINCE): UNTIL, (B, SINCE): UNTIL})


def test_the_report_of_a_run_has_each_lane_also_one_that_left_nothing() -> None:
    write_run(
        context(dry_run=False, shops=[A], own="secret"),
        title="Orders",
        summary=run_summary(lane(A, 0)),
        lanes=[{"shop": A, "since": SINCE, "until": UNTIL}, {"shop": B, "since": SINCE, "until": UNTIL}],
    )

    report = read_report("orders", RUN)
    assert report is not None
    assert [(each.shop, each.state, each.failed_at) for each in report.lanes] == [
        (A, "success", None), (B, "failed", "summarize_lane"),
    ]  # fmt: skip
    assert report.lanes[0].steps[0].task == "extract_orders"
    assert report.lanes[1].error is not None
    assert report.lanes[1].window == {"since": SINCE, "until": UNTIL}
    assert report.state == "failed"
    assert report.params == {"shops": [A], "dry_run": False}
    assert "secret" not in str(read_page("orders", RUN))


def test_the_report_of_an_earlier_try_of_a_lane_does_not_count() -> None:
    """The lane failed, was cleared, and its new summary was lost with its process."""
    lane(A, 0, failed=True)
    summary = build_lane_summary(A, {"extract_orders": {"records": 3}}, since=SINCE, until=UNTIL)

    write_run(context(), title="Orders", summary=build_run_summary([summary], [(A, SINCE)]))

    report = read_report("orders", RUN)
    assert report is not None
    assert (report.lanes[0].state, report.lanes[0].counts["read"]) == ("success", 3)


def test_a_failure_before_the_lanes_is_a_report_too() -> None:
    write_run(context(dry_run=True), title="Orders", error={"task": "select_shops", "message": "m", "remedy": "r"})

    report = read_report("orders", RUN)
    assert report is not None
    assert (report.state, report.dry_run, report.lanes) == ("failed", True, [])
    assert report.error is not None
    assert (report.error.task, report.error.remedy) == ("select_shops", "r")


@pytest.mark.parametrize("place", ["nowhere://bucket", "/proc/nothing"])
def test_a_storage_that_fails_is_a_warning(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", place)

    summary = lane(A, 0)
    assert write_run(context(), title="Orders", summary=run_summary(summary)) is None

    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "The report of this lane was not stored", "The report of this run was not written",
    ]  # fmt: skip


def test_a_fault_of_the_page_is_a_warning(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    from airflow_provider_partners.observability.report import html

    monkeypatch.setattr(html, "render_page", None)

    assert write_run(context(), title="Orders", summary=run_summary(lane(A, 0))) is None
    assert "The report of this run was not written" in caplog.text


def test_the_link_leads_to_the_page_that_airflow_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "PLUGIN_PAGES", True)
    key = SimpleNamespace(dag_id="orders", run_id=RUN)

    path = "/partners/run?dag_id=orders&run_id=manual__2026-05-02T00%3A00%3A00%2B00%3A00"
    assert ReportLink().get_link(None, ti_key=key) == path
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/tenant/")
    assert ReportLink().get_link(None, ti_key=key) == f"https://airflow.example/tenant{path}"


def test_where_airflow_serves_no_pages_the_link_is_the_file(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compat, "PLUGIN_PAGES", False)
    uri = write_run(context(), title="Orders", summary=run_summary(lane(A, 0)))
    link = ReportLink().get_link(None, ti_key=SimpleNamespace(dag_id="orders", run_id=RUN))

    assert link == f"file://{uri}"
    assert Path(link.removeprefix("file://")).read_bytes() == read_page("orders", RUN)
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "s3://bucket/staging")
    monkeypatch.setattr(run_module, "quote", None)
    assert ReportLink().get_link(None, ti_key=SimpleNamespace(dag_id="a", run_id="b")) == (
        "s3://bucket/staging/.reports/a/b/report.html"
    )


def test_the_order_dags_link_their_report() -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    from airflow_provider_partners import pipelines

    factories = (
        pipelines.order_sync_dag,
        pipelines.order_backfill_dag,
        pipelines.order_reconcile_dag,
        pipelines.new_returns_dag,
    )
    for factory in factories:
        stored = DagSerialization.from_dict(DagSerialization.to_dict(factory()))
        assert "Report" in stored.get_task("summarize").extra_links


def test_a_lane_without_changes_has_its_one_call_in_the_report() -> None:
    idle = {"shop": B, "since": SINCE, "until": UNTIL, "no_changes": True, "found_by": "shopify_admin", "api_calls": 1}
    lanes = [{"shop": shop, "since": SINCE, "until": UNTIL} for shop in (A, B)]
    write_run(context(), title="Orders", summary=run_summary(lane(A, 0), idle), lanes=lanes)

    report = read_report("orders", RUN)
    assert report is not None
    assert [(each.no_changes, each.state, each.steps == []) for each in report.lanes] == [
        (False, "success", False), (True, "success", True),
    ]  # fmt: skip
    (calls,) = report.lanes[1].api
    assert (calls.partner, calls.account, calls.requests) == ("shopify_admin", B, 1)
    page = read_page("orders", RUN)
    assert page is not None
    assert b"no order has changed" in page


def test_a_lane_whose_orders_have_left_its_window_since_shows_no_orders_of_the_earlier_try() -> None:
    """A cleared run looks again. Shopify's search by ``updated_at`` finds an order by its last change alone."""
    lane(A, 0)
    idle = {"shop": A, "since": SINCE, "until": UNTIL, "no_changes": True, "found_by": "shopify_admin", "api_calls": 1}
    write_run(context(), title="Orders", summary=build_run_summary([idle], [(A, SINCE)]))

    report = read_report("orders", RUN)
    assert report is not None
    assert (report.lanes[0].no_changes, report.lanes[0].counts["read"], report.total["read"]) == (True, 0, 0)


def test_what_was_asked_before_a_lane_is_the_first_of_its_steps() -> None:
    counts = {
        "requests": 1, "retries": 0, "throttled": 0, "waited": 0.0, "by_label": {"orders.first": 1}, "seconds": 0.1,
        "limit": None,
    }  # fmt: skip
    found_by: Any = {
        "state": "success", "started_at": SINCE, "ended_at": SINCE, "message": None, "remedy": None, "log_url": None,
        "calls": [{"api": "shopify_admin", "account": A, "counts": counts}],
    }  # fmt: skip
    summary = build_lane_summary(A, {"extract_orders": {"records": 3}}, since=SINCE, until=UNTIL)
    window = {"since": SINCE, "until": UNTIL}
    store_lane(
        context("lane.summarize_lane", 0), summary, {"extract_orders": {"records": 3}}, window=window, absent={},
        found_by={"find_changes": [found_by]},
    )  # fmt: skip
    (stored,) = read_lanes("orders", RUN)
    assert [step.task for step in stored.steps] == ["find_changes", "extract_orders"]
    assert [(each.partner, each.requests) for each in stored.api] == [("shopify_admin", 1)]
