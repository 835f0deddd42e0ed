"""Windows and watermarks partition time under any sequence of failed, manual, cleared and future runs.

State machines of Hypothesis run the real functions that choose windows and move watermarks, over a store of states in
memory. They count, minute by minute, what succeeded runs have read. A run reads nothing that happens after it chose its
window. The rules are those of docs/explanation/windows.md and docs/reference/main-dag.md.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import event, note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from airflow_provider_partners import watermarks, windows
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.pipelines import order_sync
from airflow_provider_partners.pipelines.coverage import WATERMARK_ASSET, Coverage
from airflow_provider_partners.watermarks import Watermark
from airflow_provider_partners.windows import Window

SEEDS = 2
EXAMPLES, LONG_EXAMPLES, STEPS = 25, 100, 40

START = datetime(2026, 5, 1, tzinfo=UTC)
LOOKBACK = timedelta(minutes=10)
CATCHUP = timedelta(hours=6)
SHOPS = ("a.myshopify.com", "b.myshopify.com")

number = st.integers(0, 20)
result = st.sampled_from(["success", "success", "failure"])


def minute(time: datetime) -> int:
    return int((time - START).total_seconds() // 60)


def minutes(since: datetime, until: datetime) -> set[int]:
    return set(range(minute(since), minute(until)))


class MemoryStore:
    """An asset's state store."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value


class Run:
    """A run of an order Dag after it has chosen its windows.

    :ivar summary: what its task ``summarize`` has returned
    """

    def __init__(self, dag: str, window: dict[str, Any], began: datetime, lanes: list[Any], *, dry: bool) -> None:
        self.dag, self.began, self.lanes, self.is_dry = dag, began, lanes, dry
        self.moves_watermark = not window
        self.failed: set[int] = set()
        self.summary: dict[str, Any] = {}


def confirm_gaps(coverage: Coverage, run: Run) -> None:
    coverage.store_gaps(
        run.summary,  # type: ignore[arg-type]
        run.lanes,
        began=run.began,
        moves_watermark=run.moves_watermark,
    )


class OrderDags(RuleBasedStateMachine):
    """The hourly Dag and the backfill of two shops, on one asset."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START + timedelta(days=2)
        self.store = MemoryStore()
        self._patch = patch.object(watermarks, "watermark_stores", lambda *_, **__: [self.store])
        self._patch.start()
        self.summarized: dict[str, Run] = {}
        self.read: dict[str, set[int]] = {shop: set() for shop in SHOPS}
        self.first: dict[str, int] = {}
        self.runs: list[Run] = []
        self.hour = self.now.replace(minute=0)

    def teardown(self) -> None:
        self._patch.stop()

    @rule(amount=st.sampled_from([1, 7, 60, 61, 300, 1000]))
    def time_passes(self, amount: int) -> None:
        self.now += timedelta(minutes=amount)

    def _context(self, interval: tuple[datetime, datetime] | None, params: dict[str, Any]) -> dict[str, Any]:
        start, end = interval or (None, None)
        return {"params": params, "data_interval_start": start, "data_interval_end": end}

    @precondition(lambda self: "hourly" not in self.summarized)
    @rule(failed=st.sets(st.integers(0, 1)), ago=st.sampled_from([0, 0, 0, 1, 3, -2]), dry=st.booleans())
    def hourly(self, failed: set[int], ago: int, dry: bool) -> None:
        """A scheduled run: of the last hour, of an earlier one, or of one in the future."""
        end = self.now.replace(minute=0) - timedelta(hours=ago)
        self._run((end - timedelta(hours=1), end), {}, failed, dry=dry and ago == 3)

    @precondition(lambda self: "hourly" not in self.summarized)
    @rule(failed=st.sets(st.integers(0, 1)))
    def triggered(self, failed: set[int]) -> None:
        """A run without an interval."""
        self._run(None, {}, failed)

    @precondition(lambda self: "hourly" not in self.summarized)
    @rule(failed=st.sets(st.integers(0, 1)), ago=st.integers(-200, 2000), length=st.integers(1, 600))
    def manual(self, failed: set[int], ago: int, length: int) -> None:
        """A run with since and until."""
        since = self.now - timedelta(minutes=ago)
        before = {shop: self._watermark(shop) for shop in SHOPS}
        self._run(None, {"since": since, "until": since + timedelta(minutes=length)}, failed)
        self._confirm(self.summarized.pop("hourly"))
        assert before == {shop: self._watermark(shop) for shop in SHOPS}, "a manual run moves no watermark"

    def _run(
        self,
        interval: tuple[datetime, datetime] | None,
        window: dict[str, Any],
        failed: set[int],
        *,
        dry: bool = False,
    ) -> None:
        params = {"since": None, "until": None, **window}
        chosen = order_sync._choose_windows(
            self._context(interval, params),
            [{"shop": shop} for shop in SHOPS],
            asset=WATERMARK_ASSET,
            catchup_limit=CATCHUP,
            now=self.now,
        )
        for _, each in chosen:
            if not window:
                own_since = interval[0] - LOOKBACK if interval else each.until
                assert each.since >= min(own_since, min(each.until, self.now) - CATCHUP), "the catch-up limit"
        run = Run("hourly", window, self.now, [{**lane, **each.to_dict()} for lane, each in chosen], dry=dry)
        self.runs.append(run)
        self._end(run, failed)

    @precondition(lambda self: "backfill" not in self.summarized)
    @rule(failed=st.sets(number, max_size=2), ago=st.integers(0, 3000), length=st.integers(1, 3000))
    def backfill(self, failed: set[int], ago: int, length: int) -> None:
        since = self.now - timedelta(minutes=ago)
        parts = list(Window(since, since + timedelta(minutes=length)).split(timedelta(days=1)))
        lanes = [{"shop": shop, **part.to_dict()} for shop in SHOPS for part in parts]
        run = Run("backfill", {"since": since}, self.now, lanes, dry=False)
        self.runs.append(run)
        self._end(run, failed)

    @precondition(lambda self: any(run.failed and run.dag not in self.summarized for run in self.runs))
    @rule(which=number, keeps=st.booleans())
    def clear_failed(self, which: int, keeps: bool) -> None:
        """Clear the failed lanes of a run: they read the windows that it chose then."""
        runs = [run for run in self.runs if run.failed and run.dag not in self.summarized]
        event("failed lanes are cleared")
        run = runs[which % len(runs)]
        self._end(run, {min(run.failed)} if keeps else set())

    def _end(self, run: Run, failed: set[int]) -> None:
        """Do what the task ``summarize`` does at the end of a run. Its task ``confirm`` follows."""
        self.now += timedelta(minutes=1)
        run.failed = {index for index in range(len(run.lanes)) if index in failed}
        lanes = [
            {"shop": lane["shop"], "since": lane["since"], "until": lane["until"], "failed": index in run.failed}
            for index, lane in enumerate(run.lanes)
        ]
        run.summary = {"lanes": lanes, "dry_run": run.is_dry}
        run.summary["gaps"] = Coverage({}, WATERMARK_ASSET).gaps_after(
            run.summary,  # type: ignore[arg-type]
            run.lanes,
            began=run.began,
            moves_watermark=run.moves_watermark,
        )
        self.summarized[run.dag] = run

    @precondition(lambda self: self.summarized)
    @rule(which=number)
    def confirm(self, which: int) -> None:
        dags = sorted(self.summarized)
        self._confirm(self.summarized.pop(dags[which % len(dags)]))

    @precondition(lambda self: any(run.dag not in self.summarized and run.summary for run in self.runs))
    @rule(which=number)
    def clear_confirm(self, which: int) -> None:
        """Clear the last task of an earlier run."""
        ended = [run for run in self.runs if run.dag not in self.summarized and run.summary]
        self._confirm(ended[which % len(ended)])

    def _confirm(self, run: Run) -> None:
        """Do what the task ``confirm`` does."""
        before = {shop: self._watermark(shop) for shop in SHOPS}
        coverage = Coverage({}, WATERMARK_ASSET)
        confirm_gaps(coverage, run)
        if run.moves_watermark and not run.is_dry:
            for line in coverage.advance(run.summary, run.lanes, began=run.began):
                note(line)
        for lane in run.summary["lanes"]:
            if not run.is_dry and not lane["failed"]:
                window = Window.from_dict(lane)
                self.read[lane["shop"]] |= minutes(window.since, min(window.until, run.began))
                self._check_read(lane["shop"], window.since, min(window.until, run.began))
        for shop in SHOPS:
            after, earlier = self._watermark(shop), before[shop]
            if after is not None and shop not in self.first:
                # Nothing is known of the time before a shop's first window.
                since = [Window.from_dict(lane).since for lane in run.lanes if lane["shop"] == shop]
                self.first[shop] = minute(min(since))
            assert earlier is None or (after is not None and after >= earlier), "a watermark never goes back"

    def _check_read(self, shop: str, since: datetime, until: datetime) -> None:
        gaps = Coverage({}, WATERMARK_ASSET).gaps(shop).get()
        assert not any(minutes(gap.since, gap.until) & minutes(since, until) for gap in gaps), "what was read is no gap"

    def _watermark(self, shop: str) -> datetime | None:
        return Coverage({}, WATERMARK_ASSET).watermark(shop).get()

    @invariant()
    def no_watermark_lies_in_the_future(self) -> None:
        assert all((watermark := self._watermark(shop)) is None or watermark <= self.now for shop in SHOPS)

    @invariant()
    def every_minute_below_is_read_or_named_as_a_gap(self) -> None:
        for shop in self.first:
            watermark = self._watermark(shop)
            assert watermark is not None
            gaps = Coverage({}, WATERMARK_ASSET).gaps(shop).get()
            named = {each for gap in gaps for each in minutes(gap.since, gap.until)}
            missing = set(range(self.first[shop], minute(watermark))) - self.read[shop] - named
            assert not missing, f"{shop}: {START + timedelta(minutes=min(missing))} is neither read nor named"
            assert all(one.until < two.since for one, two in itertools.pairwise(gaps)), "gaps are in order"


class ExtractTasks(RuleBasedStateMachine):
    """Tasks with an asset of their own, whose watermark no gap may lie below."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START + timedelta(days=2)
        self.watermark = Watermark("products", [MemoryStore()])
        self.read: set[int] = set()
        self.first: int | None = None
        self.failed: list[tuple[Window, datetime]] = []

    @rule(amount=st.sampled_from([1, 7, 60, 300]))
    def time_passes(self, amount: int) -> None:
        self.now += timedelta(minutes=amount)

    @rule(
        kind=st.sampled_from(["watermark", "interval", "since", "since and until"]),
        ago=st.integers(-100, 1000),
        length=st.integers(1, 300),
        lookback=st.sampled_from([timedelta(), LOOKBACK]),
        ends=result,
    )
    def run(self, kind: str, ago: int, length: int, lookback: timedelta, ends: str) -> None:
        since = self.now - timedelta(minutes=ago)
        until = since + timedelta(minutes=length)
        arguments: dict[str, Any] = {"context": {}, "initial_since": START + timedelta(days=1)}
        if kind == "interval":
            arguments["context"] = {"data_interval_start": since, "data_interval_end": until}
        elif kind.startswith("since"):
            arguments |= {"since": since, "until": until if kind == "since and until" else None}
        current = self.watermark.get()
        try:
            window = windows.resolve(lookback=lookback, watermark=current, now=self.now, **arguments)
        except ConfigurationError:
            event("the window is empty")
            return
        if ends == "success":
            self._succeed(window, self.now)
        else:
            self.failed.append((window, self.now))

    @precondition(lambda self: self.failed)
    @rule(which=number)
    def retry(self, which: int) -> None:
        """A retry, or a cleared run, reads the window that the first try chose."""
        self._succeed(*self.failed.pop(which % len(self.failed)))

    def _succeed(self, window: Window, began: datetime) -> None:
        before = self.watermark.get()
        self.read |= minutes(window.since, min(window.until, began))
        self.watermark.advance_over(window, began=began, start=START + timedelta(days=1))
        after = self.watermark.get()
        if after is not None and self.first is None:
            self.first = minute(START + timedelta(days=1))
        assert before is None or (after is not None and after >= before), "a watermark never goes back"
        if window.origin == "watermark" and began >= (before or began):
            assert after is not None
            assert after >= began, "a run from the watermark moves it to its own time"

    @invariant()
    def every_minute_below_is_read(self) -> None:
        watermark = self.watermark.get()
        if watermark is not None:
            assert watermark <= self.now
            assert set(range(minute(START + timedelta(days=1)), minute(watermark))) <= self.read


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_sync, "log", logging.getLogger("quiet"))
    logging.getLogger("quiet").setLevel(logging.CRITICAL)
    monkeypatch.setenv("AIRFLOW__PARTNERS__LOOKBACK_MINUTES", str(int(LOOKBACK.total_seconds() // 60)))


@pytest.mark.parametrize("machine", [OrderDags, ExtractTasks])
@pytest.mark.usefixtures("quiet")
def test_every_time_is_read_or_named(
    machine: type[RuleBasedStateMachine], seed: int, run_model: Callable[..., None]
) -> None:
    run_model(machine, seed, examples=EXAMPLES, long_examples=LONG_EXAMPLES, steps=STEPS)
