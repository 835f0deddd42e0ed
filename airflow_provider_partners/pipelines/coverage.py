"""What the order Dags have read of each shop: the watermark, and the gaps below it.

The hourly Dag moves a shop's watermark. When it was down for longer than its catch-up limit, a gap remains below the
watermark. The gap is kept, and every summary names it, until a run with ``since`` and ``until`` or the backfill has
read it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from airflow.sdk import Asset, get_current_context, task

from airflow_provider_partners import timestamps, watermarks
from airflow_provider_partners.exceptions import ConfigurationError, FatalError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.observability.step_log import REPORT_TASK_ID
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines.run_summary import GapsByShop, RunSummary, format_gaps
from airflow_provider_partners.task_errors import translate_errors
from airflow_provider_partners.windows import Window

log = logging.getLogger(__name__)

OnGap = Literal["fail", "warn"]

WATERMARK_ASSET = Asset("partner_order_sync")
"""Keeps the watermarks and gaps of the shops. From Airflow 3.3 on, schedule a Dag on it that follows a run."""

BACKFILL_DAG_ID = "yofi_shopify_to_yotpo_backfill"

_NOT_STORED = "Before Airflow 3.3 that is so for a run without a logical date; or another Dag stores them, too."

_BEGAN_KEY = "began"
_BEGAN_TASK_ID = "choose_windows"
"""The task that chooses the windows, and the key of its XCom with the time of that choice: nothing later was read."""


class Coverage:
    """The watermarks and gaps of shops.

    :param context: the context of a task with the asset among its inlets or outlets
    :param asset: the asset that keeps them
    """

    def __init__(self, context: Mapping[str, Any], asset: Asset) -> None:
        # Only the task "confirm" writes.
        stores = watermarks.watermark_stores(context, asset, task_id="confirm")
        self._stores = [watermarks.SharedValueStore(store) for store in stores]

    def watermark(self, shop: str) -> watermarks.Watermark:
        """Return the watermark of a shop: its orders are in Yotpo up to here, except in its gaps."""
        return watermarks.Watermark(shop, self._stores)

    def gaps(self, shop: str) -> watermarks.Gaps:
        """Return the gaps of a shop."""
        return watermarks.Gaps(shop, self._stores)

    def gaps_after(
        self, summary: RunSummary, lanes: Iterable[Mapping[str, Any]], *, began: datetime, moves_watermark: bool
    ) -> GapsByShop:
        """Return the gaps of the run's shops after the run, without storing them.

        :param summary: the summary of the run
        :param lanes: its lanes with their windows
        :param began: when the run chose its windows
        :param moves_watermark: True if the run moves the watermarks, so that what it skips becomes a gap
        """
        gaps: dict[str, list[Window]] = {}
        read = {(lane["shop"], lane["since"]) for lane in summary["lanes"] if not lane["failed"]}
        for lane in lanes:
            shop, window = lane["shop"], Window.from_dict(lane)
            if shop not in gaps:
                gaps[shop] = self.gaps(shop).get()
            watermark = self.watermark(shop).get() if moves_watermark else None
            if watermark is not None and watermark < min(window.since, began):
                gaps[shop] = watermarks.add_gap(gaps[shop], Window(watermark, min(window.since, began)))
            if (shop, lane["since"]) in read and not summary["dry_run"]:
                until = watermarks.covered_until(window, began=began)
                gaps[shop] = watermarks.cover_gaps(gaps[shop], since=window.since, until=until)
        return {shop: [gap.to_dict() for gap in shop_gaps] for shop, shop_gaps in gaps.items()}

    def store_gaps(
        self, summary: RunSummary, lanes: Iterable[Mapping[str, Any]], *, began: datetime, moves_watermark: bool
    ) -> None:
        """Store the gaps after a run, unless it was a dry run.

        They are found again: since the summary was made, another Dag may have found a gap, or read one. The parameters
        are those of :meth:`gaps_after`.
        """
        if summary["dry_run"]:
            return
        found = self.gaps_after(summary, lanes, began=began, moves_watermark=moves_watermark)
        for shop, gaps in found.items():
            windows = [Window.from_dict(gap, origin="gap") for gap in gaps]
            if windows != self.gaps(shop).get():
                self.gaps(shop).set(windows)
        self._stores[0].save()

    def advance(self, summary: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]], *, began: datetime) -> list[str]:
        """Move the watermark of each shop, so that the next run reads on from there. Return a line for each one moved.

        A lane that failed moves its shop's watermark to the start of its window at most: a gap below is kept as such,
        and a shop that never succeeded remembers where its data begins.
        """
        failed = {lane["shop"] for lane in summary["lanes"] if lane["failed"]}
        moved = []
        for lane in lanes:
            window, shop = Window.from_dict(lane), lane["shop"]
            timestamp = min(window.since if shop in failed else window.until, began)
            if self.watermark(shop).advance(timestamp):
                moved.append(f"{shop}: the watermark moved to {timestamps.isoformat(timestamp)}")
        if self._stores[0].save():
            return moved
        log.warning("The watermarks are not stored, so the next run reads the same orders again. %s", _NOT_STORED)
        return []


def store_began(context: Mapping[str, Any], now: datetime) -> None:
    """Store the time at which the run chooses its windows, in the task that chooses them."""
    context["ti"].xcom_push(key=_BEGAN_KEY, value=timestamps.isoformat(now))


def began(context: Mapping[str, Any]) -> datetime:
    """Return the time at which the run chose its windows."""
    return timestamps.parse(context["ti"].xcom_pull(task_ids=_BEGAN_TASK_ID, key=_BEGAN_KEY), _BEGAN_KEY)


def moves_watermark(params: Mapping[str, Any]) -> bool:
    """Return True for a run that reads on from the watermarks; a window by hand is a run of its own."""
    return not (params["since"] or params["until"])


def create_summarize(asset: Asset) -> Any:
    """Return the task ``summarize`` of a Dag that keeps gaps.

    :param asset: the asset that keeps them
    """

    @task(
        task_id=REPORT_TASK_ID,
        multiple_outputs=False,
        trigger_rule="all_done",
        inlets=watermarks.watermark_assets(asset),
    )
    def summarize(results: Mapping[str, Any], lanes: Any, summaries: Any) -> Any:
        """Return the summary of the run with the gaps that remain; fail if a step before the lanes did not succeed."""
        context: Any = get_current_context()

        def find_gaps(summary: RunSummary) -> GapsByShop:
            return Coverage(context, asset).gaps_after(
                summary, lanes, began=began(context), moves_watermark=moves_watermark(context["params"])
            )

        with translate_errors(context):
            steps.require_lanes_chosen(results, context)
            return steps.build_summary(context, lanes, summaries, find_gaps=find_gaps)

    return lambda results, lanes, mapped: steps.link_report(
        summarize({**results, **mapped.before}, lanes, mapped.summaries)
    )


def check_on_gap(on_gap: str) -> None:
    """Raise an error unless the argument ``on_gap`` is known.

    :raises ConfigurationError: when it is not
    """
    if on_gap not in {"fail", "warn"}:
        message = f"The argument 'on_gap' is {on_gap!r}"
        raise ConfigurationError(message, remedy="Use 'fail' or 'warn'.")


def describe_gaps(gaps: GapsByShop) -> FatalError | None:
    """Return an error that names the gaps and how to read them, or ``None`` if there are none."""
    lines = list(format_gaps(gaps))
    if not lines:
        return None
    ends = [gap for shop_gaps in gaps.values() for gap in shop_gaps]
    since, until = min(gap["since"] for gap in ends), max(gap["until"] for gap in ends)
    message = f"No run has read the orders that changed in these gaps: {first_of(lines, separator='; ')}"
    remedy = f"Run {BACKFILL_DAG_ID} with 'since' {since} and 'until' {until}."
    return FatalError(message, remedy=remedy)
