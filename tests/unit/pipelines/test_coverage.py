"""Watermarks and gaps of the order Dags: an outage that is longer than the catch-up leaves a gap until it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from airflow_provider_partners import pipelines
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines import coverage, order_sync
from airflow_provider_partners.pipelines.coverage import WATERMARK_ASSET, Coverage, describe_gaps
from airflow_provider_partners.windows import Window

A, B = "a.myshopify.com", "b.myshopify.com"
TEN, HOUR = datetime(2026, 5, 10, 10, tzinfo=UTC), timedelta(hours=1)
LIMIT = 72 * HOUR


class Airflow:
    """Runs of the Dags over one store, without their lanes."""

    def __init__(self):
        self.store = SimpleNamespace(values={})
        self.store.get = self.store.values.get
        self.store.set = self.store.values.__setitem__

    def context(self, end=None, **params):
        context = {
            "asset_state_store": {WATERMARK_ASSET: self.store},
            "ti": SimpleNamespace(xcom_pull=lambda **_: None),
            "params": {"since": None, "until": None, **params},
        }
        if end:
            context |= {"data_interval_start": end - HOUR, "data_interval_end": end}
        return context

    def run(self, end=None, *, now=None, shops=(A,), failed=(), dry_run=False, **params):
        """Run the hourly Dag; return the window of each shop's lane, and the gaps that its summary names."""
        context, began = self.context(end, **params), now or end
        chosen = order_sync._choose_windows(
            context, [{"shop": shop} for shop in shops], asset=WATERMARK_ASSET, catchup_limit=LIMIT, now=began
        )
        lanes = [{**lane, **window.to_dict()} for lane, window in chosen]
        return [window for _, window in chosen], self.finish(context, lanes, began, failed, dry_run)

    def backfill(self, since, until, *, days=30, failed=(), now=TEN, shop=A):
        """Run the backfill; return the gaps that its summary names."""
        parts = [part.to_dict() for part in Window(since, until).split(timedelta(days=days))]
        lanes = [{"shop": shop, **part} for part in parts]
        context = self.context(since=lanes[0]["since"], until=lanes[-1]["until"])
        return self.finish(context, lanes, now, failed, dry_run=False)

    def finish(self, context, lanes, began, failed, dry_run):
        summary = {
            "dry_run": dry_run,
            "lanes": [
                {**lane, "failed": "build" if lane["shop"] in failed or lane["since"] in failed else None}
                for lane in lanes
            ],
        }
        kept, moves = Coverage(context, WATERMARK_ASSET), coverage.moves_watermark(context["params"])
        summary["gaps"] = kept.gaps_after(summary, lanes, began=began, moves_watermark=moves)
        kept.store_gaps(summary, lanes, began=began, moves_watermark=moves)
        if moves and not dry_run:
            list(kept.advance(summary, lanes, began=began))
        return summary["gaps"]


@pytest.fixture(autouse=True)
def _lookback(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__LOOKBACK_MINUTES", "120")


@pytest.fixture
def airflow():
    return Airflow()


def gap_of(start, end):
    return [{"since": start, "until": end}]


def test_an_outage_within_the_catch_up_limit_leaves_no_gap(airflow):
    airflow.run(TEN)
    windows, gaps = airflow.run(TEN + 71 * HOUR)
    assert windows[0].since == TEN - HOUR
    assert gaps == {A: []}
    assert "gaps:*" not in airflow.store.values


def test_an_outage_beyond_the_catch_up_limit_leaves_a_gap_until_a_backfill_has_read_it(airflow):
    airflow.run(TEN)
    later = TEN + 100 * HOUR

    windows, gaps = airflow.run(later)
    assert windows[0].since == later - LIMIT
    gap = gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z")
    assert gaps == {A: gap}
    assert airflow.store.values == {"watermark:*": {A: "2026-05-14T14:00:00Z"}, "gaps:*": {A: gap}}

    _, gaps = airflow.run(later + HOUR)
    assert gaps == {A: gap}

    assert airflow.backfill(TEN - HOUR, later, now=later + HOUR) == {A: []}
    assert airflow.run(later + 2 * HOUR)[1] == {A: []}


def test_a_cleared_task_keeps_the_gaps_that_other_runs_have_found_since(airflow):
    """The summary of a run is older than the gap of a later one when its last task is cleared, or waits."""
    window = {"shop": A, "since": "2026-05-10T09:00:00Z", "until": "2026-05-10T10:00:00Z"}
    airflow.run(TEN)
    _, gaps = airflow.run(TEN + 100 * HOUR)
    assert gaps[A]

    kept = Coverage(airflow.context(TEN), WATERMARK_ASSET)
    summary = {"dry_run": False, "lanes": [{**window, "failed": None}], "gaps": {A: []}}
    kept.store_gaps(summary, [window], began=TEN, moves_watermark=True)

    assert airflow.store.values["gaps:*"] == gaps


def test_a_run_of_many_shops_needs_no_request_for_each(airflow):
    """Airflow's stores have one request for each key: https://airflow.apache.org/docs/task-sdk/stable/."""
    requests = []
    for name in ("get", "set"):
        method = getattr(airflow.store, name)
        setattr(
            airflow.store,
            name,
            lambda *arguments, method=method: [requests.append(arguments[0]), method(*arguments)][1],
        )
    shops = [f"{number}.myshopify.com" for number in range(1000)]
    airflow.run(TEN, shops=shops)
    windows, _ = airflow.run(TEN + HOUR, shops=shops)
    assert len(requests) < 20
    assert {window.since for window in windows} == {TEN - 2 * HOUR}
    assert set(airflow.store.values["watermark:*"].values()) == {"2026-05-10T11:00:00Z"}


def test_what_another_dag_has_stored_meanwhile_is_kept(airflow):
    """Two Dags of different shops may share an asset."""
    airflow.run(TEN, shops=(A, B))
    late = Coverage(airflow.context(), WATERMARK_ASSET)
    assert late.watermark(A).get() == TEN
    airflow.run(TEN + HOUR, shops=(B,))
    late.advance({"lanes": []}, [{"shop": A, **Window(TEN, TEN + 2 * HOUR).to_dict()}], began=TEN + 3 * HOUR)
    assert airflow.store.values["watermark:*"] == {A: "2026-05-10T12:00:00Z", B: "2026-05-10T11:00:00Z"}


def test_a_gap_is_kept_for_each_shop(airflow):
    airflow.run(TEN, shops=(A, B))
    airflow.run(TEN + 50 * HOUR, shops=(B,))
    _, gaps = airflow.run(TEN + 100 * HOUR, shops=(A, B))
    assert gaps == {A: gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z"), B: []}


def test_a_backfill_that_reads_a_part_leaves_the_rest(airflow):
    airflow.run(TEN)
    airflow.run(TEN + 148 * HOUR)
    gaps = airflow.backfill(TEN + 24 * HOUR, TEN + 48 * HOUR, now=TEN + 148 * HOUR)
    assert gaps == {
        A: [
            *gap_of("2026-05-10T10:00:00Z", "2026-05-11T10:00:00Z"),
            *gap_of("2026-05-12T10:00:00Z", "2026-05-13T14:00:00Z"),
        ]
    }


def test_a_failed_lane_of_a_backfill_leaves_its_part(airflow):
    airflow.run(TEN)
    airflow.run(TEN + 148 * HOUR)
    gaps = airflow.backfill(TEN, TEN + 96 * HOUR, days=2, failed={"2026-05-12T10:00:00Z"}, now=TEN + 148 * HOUR)
    assert gaps == {A: gap_of("2026-05-12T10:00:00Z", "2026-05-13T14:00:00Z")}


def test_a_run_of_the_hourly_dag_by_hand_reads_a_gap_too(airflow):
    airflow.run(TEN)
    airflow.run(TEN + 100 * HOUR)
    _, gaps = airflow.run(now=TEN + 101 * HOUR, since="2026-05-10T00:00:00Z", until="2026-05-12T00:00:00Z")
    assert gaps == {A: []}
    assert airflow.store.values["gaps:*"] == {A: []}
    assert airflow.store.values["watermark:*"][A] == "2026-05-14T14:00:00Z"


def test_a_dry_run_names_gaps_and_keeps_nothing(airflow):
    airflow.run(TEN)
    before = dict(airflow.store.values)
    _, gaps = airflow.run(TEN + 100 * HOUR, dry_run=True)
    assert gaps == {A: gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z")}
    assert airflow.store.values == before


def test_while_a_lane_fails_its_gap_grows(airflow):
    airflow.run(TEN)
    _, gaps = airflow.run(TEN + 100 * HOUR, failed=(A,))
    gap = gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z")
    assert gaps == {A: gap}
    assert airflow.store.values == {"watermark:*": {A: "2026-05-11T14:00:00Z"}, "gaps:*": {A: gap}}
    windows, gaps = airflow.run(TEN + 101 * HOUR)
    assert windows[0].since == TEN + 29 * HOUR
    assert gaps == {A: gap_of("2026-05-10T10:00:00Z", "2026-05-11T15:00:00Z")}


@pytest.mark.parametrize("failed", [(), (A,)])
def test_a_run_for_2030_moves_the_watermark_to_the_present_at_most(airflow, failed):
    """``airflow dags test yofi_shopify_to_yotpo 2030-01-01``."""
    airflow.run(TEN)
    windows, gaps = airflow.run(datetime(2030, 1, 1, tzinfo=UTC), now=TEN + 5 * HOUR, failed=failed)
    assert windows[0].since == TEN - 2 * HOUR
    assert gaps == {A: []}
    expected = "2026-05-10T10:00:00Z" if failed else "2026-05-10T15:00:00Z"
    assert airflow.store.values["watermark:*"][A] == expected

    windows, gaps = airflow.run(TEN + 9 * HOUR)
    assert windows[0].since <= TEN + 3 * HOUR
    assert gaps == {A: []}


def test_the_first_run_of_a_shop_for_2030_that_fails_moves_no_watermark_into_the_future(airflow):
    airflow.run(datetime(2030, 1, 1, tzinfo=UTC), now=TEN, failed=(A,))
    assert airflow.store.values == {"watermark:*": {A: "2026-05-10T10:00:00Z"}}


def test_a_run_without_a_logical_date_reads_until_the_present(airflow):
    airflow.run(TEN)
    windows, _ = airflow.run(now=TEN + 4 * HOUR)
    assert (windows[0].since, windows[0].until) == (TEN - 2 * HOUR, TEN + 4 * HOUR)
    assert airflow.store.values["watermark:*"][A] == "2026-05-10T14:00:00Z"


def test_no_watermark_is_said_to_move_that_airflow_does_not_keep(airflow, caplog):
    """Before Airflow 3.3, XComs keep the watermarks, in the order of the logical dates. This run has none."""
    context = {**airflow.context(), "asset_state_store": None, "logical_date": None}
    window = Window(TEN - HOUR, TEN)
    summary = {"lanes": [{"shop": A, "failed": None, **window.to_dict()}]}
    lines = Coverage(context, WATERMARK_ASSET).advance(summary, [{"shop": A, **window.to_dict()}], began=TEN)
    assert lines == []
    assert "The watermarks are not stored" in caplog.text


def test_a_gap_is_an_error_that_names_the_shop_and_the_backfill():
    error = describe_gaps({A: gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z"), B: []})
    assert str(error) == (
        "No run has read the orders that changed in these gaps: a.myshopify.com from 2026-05-10T10:00:00Z to "
        "2026-05-11T14:00:00Z. Run yofi_shopify_to_yotpo_backfill with 'since' 2026-05-10T10:00:00Z and 'until' "
        "2026-05-11T14:00:00Z."
    )
    assert describe_gaps({A: []}) is None
    gap = gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z")
    many = str(describe_gaps({f"{number}.myshopify.com": gap for number in range(1000)}))
    assert "and 990 more. Run" in many
    assert len(many) < 1200


def test_the_dag_says_whether_a_gap_fails_the_run_or_warns(caplog):
    error = describe_gaps({A: gap_of("2026-05-10T10:00:00Z", "2026-05-11T14:00:00Z")})
    with pytest.raises(type(error)):
        order_sync._report_gaps(error, "fail")
    order_sync._report_gaps(error, "warn")
    assert "No run has read the orders" in caplog.text
    order_sync._report_gaps(None, "fail")
    with pytest.raises(ConfigurationError, match=r"'on_gap' is 'ignore'\. Use 'fail' or 'warn'"):
        pipelines.order_sync_dag(on_gap="ignore")
