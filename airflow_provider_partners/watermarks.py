"""Watermarks: the timestamp up to which a stream is covered, kept from run to run.

A watermark moves after the data is safe, and only forward. From Airflow 3.3 on, it is kept in the state store of an
asset. For the Dag that needs it, it is also kept in XComs. Neither store can compare and set, so allow one active run
per Dag where a watermark matters. This module uses Airflow's stores; it knows no partner and no task.
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

__all__ = ["StateStore", "Watermark", "XComStateStore", "extend_to_watermark", "watermark_assets", "watermark_stores"]


class StateStore(Protocol):
    """A store of small values that survive a run."""

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""

    def set(self, key: str, value: Any) -> None:
        """Store the value."""


class XComStateStore:
    """The XComs of one task of the Dag, from this run or an earlier one.

    :param context: the running task's context; only the task ``task_id`` may write
    :param task_id: the task that pushes them
    """

    def __init__(self, context: Mapping[str, Any], task_id: str) -> None:
        self._context = context
        self._task_id = task_id

    def get(self, key: str) -> Any:
        """Return the value of the latest run that pushed one."""
        # With a map index, Airflow returns the latest value only; without one, a list with the values of all runs.
        return self._context["ti"].xcom_pull(task_ids=self._task_id, key=key, include_prior_dates=True, map_indexes=-1)

    def set(self, key: str, value: Any) -> None:
        """Push the value, unless the run has no logical date: its order among the runs would be unknown."""
        if self._context.get("logical_date") is not None:
            self._context["ti"].xcom_push(key=key, value=value)


def watermark_assets(asset: Asset) -> list[Asset]:
    """Return the assets to declare as inlets or outlets, so that a task may read or write watermarks.

    Before Airflow 3.3 the list is empty. An asset has no state there, and ``airflow dags test`` of 3.0 refuses a task
    whose asset no Dag processor has seen.

    :param asset: the asset that keeps the watermarks
    """
    return [asset] if ASSET_STATE else []


def watermark_stores(context: Mapping[str, Any], asset: Asset, *, task_id: str) -> list[StateStore]:
    """Return the stores of a Dag's watermarks: the first is written; all are read, so an upgrade loses none.

    :param context: the context of a task that has the asset among its inlets or outlets
    :param asset: the asset that keeps the watermarks
    :param task_id: the task that moves them
    """
    asset_store = asset_state(context, asset)
    return [*([asset_store] if asset_store is not None else []), XComStateStore(context, task_id)]


class Watermark:
    """The timestamp up to which a stream is covered.

    :param stream: the stream, such as a shop's domain; the store's key is ``watermark:{stream}``
    :param stores: the stores to read; the first one is written
    """

    def __init__(self, stream: str, stores: Sequence[StateStore]) -> None:
        self.key = f"watermark:{stream}"
        self._stores = stores

    def get(self) -> datetime | None:
        """Return the watermark, or ``None`` before the first run.

        :raises ConfigurationError: when the stored value is no timestamp
        """
        stored = next((value for store in self._stores if (value := store.get(self.key)) is not None), None)
        return None if stored is None else timestamps.parse(stored, self.key)

    def advance(self, timestamp: datetime) -> bool:
        """Move the watermark, but never back.

        :param timestamp: everything before it is covered
        :returns: True if the watermark moved
        """
        current = self.get()
        if current is not None and timestamp <= current:
            return False
        self._stores[0].set(self.key, timestamps.isoformat(timestamp))
        return True

    def advance_over(self, window: Window, *, start: datetime | None = None) -> bool:
        """Move the watermark to the end of a covered window, unless that leaves a gap before the window.

        :param window: the window whose data is safe
        :param start: the start of the stream, when nothing is covered yet
        :returns: True if the watermark moved
        """
        current = self.get() or start
        return (current is None or window.since <= current) and self.advance(window.until)


def extend_to_watermark(
    window: Window, *, watermark: datetime | None, lookback: timedelta, max_lookback: timedelta
) -> tuple[Window, str | None]:
    """Start the window at the watermark if that is earlier: a run that failed or never ran leaves a gap.

    :param window: the run's own window, with its lookback
    :param watermark: everything before it is covered; ``None`` when it is unknown
    :param lookback: how much earlier than the watermark to start, as for the run's own window
    :param max_lookback: how far back to start at most, from the window's end
    :returns: the window, and a warning if part of the gap remains
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
            f"Nothing was covered since {timestamps.isoformat(watermark)}, longer ago than the catch-up limit: "
            f"this run starts at {timestamps.isoformat(since)}. Run yofi_shopify_to_yotpo_backfill for the time before."
        )
    return Window(since, window.until, f"{window.origin}, extended to the watermark"), warning
