"""Tests of how a lane's report is made of what its steps leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.observability.report import lane as lane_module
from airflow_provider_partners.observability.report.lane import LaneFacts, build_lane_report
from airflow_provider_partners.observability.report.model import TaskError
from airflow_provider_partners.observability.step_log import TryEntry
from airflow_provider_partners.sync.outcomes import Outcome

SHOP = "a.myshopify.com"
WINDOW = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    return tmp_path


def dataset(folder: Path, resource: str, records: list[dict[str, Any]], **extra: Any) -> Any:
    writer = DatasetWriter(str(folder / resource), source="yotpo", resource=resource, account="store", fingerprint="x")
    writer.resume()
    writer.append(records)
    return writer.commit(extra=extra).to_dict()


def report(outcomes: Any = None, **fields: Any) -> Any:
    results = {"upsert_orders": outcomes, **fields.pop("results", {})}
    return build_lane_report(LaneFacts(shop=SHOP, window=WINDOW, results=results, **fields))


def entry(start: int, end: int, state: str = "success", **fields: Any) -> TryEntry:
    values: Any = {
        "state": state,
        "started_at": f"2026-05-02T00:00:{start:02d}Z",
        "ended_at": f"2026-05-02T00:00:{end:02d}Z",
        "message": None,
        "remedy": None,
        "log_url": None,
        "calls": [],
        **fields,
    }
    return values


def test_suppressions_are_counted_by_prediction_and_score(staging: Path) -> None:
    """The reasons are those that the policy documents: ``return_abuse 0.93 >= 0.8 (return_predictions)``."""
    outcomes = [
        Outcome("order", "1", "created", suppressed=[
            "return_abuse 0.93 >= 0.8 (return_predictions)", "return_abuse 0.81 >= 0.8 (return_predictions)",
        ]),
        Outcome("order", "2", "unchanged", suppressed=["return_abuse 1 >= 0.8 (return_predictions)", "rule wholesale"]),
        Outcome("order", "3", "created"),
    ]  # fmt: skip

    lane = report(dataset(staging, "outcomes", [each.to_dict() for each in outcomes]))

    (band,) = lane.scores
    assert (band.category, band.source, band.threshold) == ("return_abuse", "return_predictions", 0.8)
    assert (band.orders, band.lowest, band.highest) == (2, 0.93, 1.0)
    assert [index for index, count in enumerate(band.histogram) if count] == [18, 19]
    assert lane.suppressed_by_action == {"created": 1, "unchanged": 1}
    assert {reason.text: reason.count for reason in lane.suppressions} == {
        "return_abuse >= 0.8 (return_predictions)": 2, "rule wholesale": 1,
    }  # fmt: skip


def test_a_real_policy_gives_reasons_that_are_understood() -> None:
    from airflow_provider_partners.sync.context import OrderContext
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

    order = {"id": "gid://shopify/Order/1"}
    scores = [{"order_id": "1", "category": "wardrobing", "score": score} for score in (0.8123456, 1, 8.5e-1)]
    reasons = SuppressionPolicy().decide(order, OrderContext(predictions=tuple(scores))).reasons

    assert len(reasons) == 3
    assert all(lane_module._SCORE.fullmatch(reason) for reason in reasons)


def test_samples_and_reasons_are_cut_and_counts_are_not(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_module, "MAX_REASONS", 3)
    kinds = ("alpha", "beta", "gamma", "delta", "epsilon")
    rejected = [
        Outcome("order", str(number), "rejected", reason=f"kind {kinds[number % 5]} is wrong") for number in range(500)
    ]
    changed = [
        Outcome("order", f"u{number}", "updated", changed=["payment_status"], values=[
            {"name": "payment_status", "before": "paid", "after": "refunded"}
        ])
        for number in range(300)
    ]  # fmt: skip

    lane = report(dataset(staging, "outcomes", [each.to_dict() for each in (*rejected, *changed)]))

    assert len(lane.samples) == 2 * lane_module.SAMPLES_PER_ACTION
    assert lane.changed == {"payment_status": 300}
    assert sum(reason.count for reason in lane.rejections) == 500
    assert len(lane.rejections) == 4
    assert max(len(reason.examples) for reason in lane.rejections) == lane_module.EXAMPLES_PER_REASON
    assert lane.samples[-1].changes[0].before == "paid"


def test_orders_that_were_not_built_are_counted_by_reason(staging: Path) -> None:
    unbuilt = [
        {"external_id": "1", "reason": "it is a test order", "left_out": True},
        {"external_id": "2", "reason": "it is a test order", "left_out": True},
        {"external_id": "3", "reason": "line_items: has none", "left_out": False},
    ]
    rejects = dataset(staging, "unbuilt orders", unbuilt)
    lane = report(results={"build": dataset(staging, "built orders", [{"external_id": "4"}], rejects=rejects)})

    assert [(reason.text, reason.count) for reason in lane.left_outs] == [("it is a test order", 2)]
    assert [(reason.text, reason.examples) for reason in lane.rejections] == [("line_items: has none", ["3"])]
    assert [each.resource for each in lane.rejects] == ["unbuilt orders"]
    assert {sample.action for sample in lane.samples} == {"left_out", "rejected"}


def test_outcomes_of_a_step_that_failed_half_way_are_in_the_report(staging: Path) -> None:
    folder = staging / "begun"
    writer = DatasetWriter(str(folder), source="yotpo", resource="orders outcomes", account="s", fingerprint="x")
    writer.resume()
    with writer:
        writer.append([Outcome("order", "1", "created").to_dict()], position={"parts": 0})
        writer.save()

    lane = report(None, failed_at="upsert_orders", unfinished=str(folder))

    assert [sample.external_id for sample in lane.samples] == ["1"]


def test_a_dataset_that_was_removed_leaves_the_report_without_samples(staging: Path) -> None:
    reference = dataset(staging, "outcomes", [Outcome("order", "1", "created").to_dict()])
    for file in (staging / "outcomes").iterdir():
        file.unlink()

    lane = report(reference, counts={"created": 1}, reasons={"suppressions": {"rule x": 3}})

    assert lane.samples == []
    assert lane.counts == {"created": 1}
    assert [(reason.text, reason.count) for reason in lane.suppressions] == [("rule x", 3)]


def test_times_and_calls_are_those_of_all_tries() -> None:
    def call(requests: int, used: float) -> Any:
        counts = {
            "requests": requests, "retries": 1, "throttled": 1, "waited": 0.5, "seconds": 4.0,
            "by_label": {"orders.create": requests}, "limit": {"used": used, "per_second": 5.0, "burst": 1.0},
        }  # fmt: skip
        return {"api": "yotpo", "account": "store", "counts": counts}

    tries = {
        "upsert_orders": [
            entry(0, 10, "failed", message="x", calls=[call(3, 3)]),
            entry(10, 11, "waiting", calls=[call(1, 1)]),
            entry(20, 25, calls=[call(2, 2)]),
        ]
    }
    lane = report({"uri": "x"}, tries=tries, absent={"extract_returns": "yofi_conn_id"},
                  results={"extract_returns": None, "build": None})  # fmt: skip

    steps = {step.task: step for step in lane.steps}
    upsert = steps["upsert_orders"]
    assert (upsert.state, upsert.seconds, upsert.tries) == ("success", 16.0, 2)
    assert (upsert.started_at, upsert.ended_at) == ("2026-05-02T00:00:00Z", "2026-05-02T00:00:25Z")
    assert (steps["extract_returns"].state, steps["build"].state) == ("skipped", "not_started")
    assert "yofi_conn_id" in str(steps["extract_returns"].note)
    (calls,) = lane.api
    assert (calls.requests, calls.retries, calls.throttled, calls.waited, calls.used) == (6, 3, 3, 1.5, 6)
    assert calls.by_operation == {"orders.create": 6}
    # Two of the three clients started after a pause, and each could send one call at once.
    assert calls.limit_share == 6 / (5.0 * 12 + 1 + 2)


def test_short_steps_that_send_one_call_each_take_no_more_than_the_limit() -> None:
    """Three steps, one after the other, with a call each: a partner that allows 5 a second refuses none of them."""
    limit = {"per_second": 5.0, "burst": 1.0, "used": 1.0}
    counts = {"requests": 1, "retries": 0, "throttled": 0, "waited": 0.0, "seconds": 0.06, "by_label": {}}
    call = {"api": "yofi", "account": "a", "counts": {**counts, "limit": limit}}

    (calls,) = report({"uri": "x"}, tries={step: [entry(0, 1, calls=[call])] for step in ("a", "b", "c")}).api

    assert calls.limit_share is not None
    assert calls.limit_share <= 1


def test_a_failed_lane_has_an_error_in_any_case() -> None:
    given = TaskError(task="build", message="wrong", remedy="Correct it.")

    assert report(failed_at="build", error=given).error == given
    assert "never started" in report(failed_at="build").error.message
    assert report().error is None
