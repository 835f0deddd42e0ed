"""How far what an account has is covered, where that is remembered from run to run, and how far back a run reaches.

A watermark is one point in time: all that lies before it was dealt with. It moves after the data is safe, and only
forward. It rests in the state store that Airflow 3.3 and later keep for an asset, or, for the Dag that asks for it, in
XComs. Neither store can compare and set: have one run of a Dag at a time where a watermark matters. Knows of Airflow
only these stores, no partner, and no task's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_partners import timestamps
from airflow_provider_partners._compat import ASSET_STATE, asset_state
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from airflow.sdk import Asset


class StateStore(Protocol):
    """What remembers small values from run to run."""

    def get(self, key: str) -> Any:
        """The value; ``None`` where there is none."""

    def set(self, key: str, value: Any) -> None:
        """Remember it from now on."""


class XComStateStore:
    """The XComs that one task of the Dag leaves, of this run or an earlier one.

    :param context: of the running task; only the task named next may write
    :param task_id: the task that leaves them
    """

    def __init__(self, context: Mapping[str, Any], task_id: str) -> None:
        self._context = context
        self._task_id = task_id

    def get(self, key: str) -> Any:
        """The value of the latest run that left one."""
        # With a map index it is the latest value alone, without one a list of those of all runs.
        return self._context["ti"].xcom_pull(task_ids=self._task_id, key=key, include_prior_dates=True, map_indexes=-1)

    def set(self, key: str, value: Any) -> None:
        """Leave it with this run, unless the run has no date: its place among the others is not known then."""
        if self._context.get("logical_date") is not None:
            self._context["ti"].xcom_push(key=key, value=value)


def watermark_assets(asset: Asset) -> list[Asset]:
    """The inlets, or outlets, of a task that uses watermarks of a Dag.

    Before Airflow 3.3 there are none: an asset is of no use there, and 3.0's ``airflow dags test`` refuses tasks with
    one that no Dag processor has seen.

    :param asset: that they are kept with where Airflow can
    """
    return [asset] if ASSET_STATE else []


def watermark_stores(context: Mapping[str, Any], asset: Asset, *, task_id: str) -> list[StateStore]:
    """Where a Dag's watermarks rest: the first is written, all are read, so that nothing is lost by an upgrade.

    :param context: of the running task, which has the asset among its inlets or outlets
    :param asset: that they are kept with where Airflow can
    :param task_id: the task that moves them
    """
    asset_store = asset_state(context, asset)
    return [*([asset_store] if asset_store is not None else []), XComStateStore(context, task_id)]


class Watermark:
    """The moment up to which a stream is covered.

    :param stream: what is covered, such as a shop's domain; its watermark is kept under ``watermark:{stream}``
    :param stores: where it rests; the first one is written
    """

    def __init__(self, stream: str, stores: Sequence[StateStore]) -> None:
        self.key = f"watermark:{stream}"
        self._stores = stores

    def get(self) -> datetime | None:
        """Where it is; ``None`` as long as nothing was covered.

        :raises ConfigurationError: when someone has put there what is no time
        """
        stored = next((value for store in self._stores if (value := store.get(self.key)) is not None), None)
        return None if stored is None else timestamps.parse(stored, self.key)

    def advance(self, timestamp: datetime) -> bool:
        """Move it, but never back.

        :param timestamp: everything before this is covered
        :returns: whether it was moved
        """
        current = self.get()
        if current is not None and timestamp <= current:
            return False
        self._stores[0].set(self.key, timestamps.isoformat(timestamp))
        return True

    def advance_over(self, window: Window, *, start: datetime | None = None) -> bool:
        """Move it to the end of a window that was covered, unless that would leave a gap behind it.

        :param window: whose data is safe now
        :param start: from when on there must be no gap where nothing was covered yet
        :returns: whether it was moved
        """
        current = self.get() or start
        return (current is None or window.since <= current) and self.advance(window.until)


def extend_to_watermark(
    window: Window, *, watermark: datetime | None, lookback: timedelta, max_lookback: timedelta
) -> tuple[Window, str | None]:
    """Begin at the watermark, if that is earlier: what failed, or never ran, leaves a gap that no interval covers.

    :param window: the run's own, its lookback included
    :param watermark: up to which everything is covered; ``None`` when that is not known
    :param lookback: how much earlier than that to begin, as for the run's own window
    :param max_lookback: how far back to go at most, counted from the window's end
    :returns: the window, and a warning where a part of the gap is left out
    """
    if watermark is None:
        return window, None
    needed_since = min(watermark - lookback, window.since)
    allowed_since = min(window.until - max_lookback, window.since)
    since = max(needed_since, allowed_since)
    if since == window.since:
        return window, None
    warning = None
    if allowed_since > needed_since:
        warning = (
            f"Nothing was covered since {timestamps.isoformat(watermark)}, longer ago than [partners] catchup_hours allows: this run "
            f"begins at {timestamps.isoformat(since)}. Run yofi_shopify_to_yotpo_backfill for what lies before."
        )
    return Window(since, window.until, f"{window.origin}, reaching back to the watermark"), warning
