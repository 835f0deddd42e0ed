"""How far what an account has is covered, where that is remembered from run to run, and how far back a run reaches.

A watermark is one point in time: all that lies before it was dealt with. It moves after the data is safe, and only
forward. It rests in the state store that Airflow 3.3 and later keep for an asset, or, for the Dag that asks for it, in
XComs. Neither store can compare and set: have one run of a Dag at a time where a watermark matters. Knows of Airflow
only these stores, no partner, and no task's steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_partners._compat import ASSET_STATE, asset_state
from airflow_provider_partners.windows import Window, iso, moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from airflow.sdk import Asset


class Store(Protocol):
    """What remembers small values from run to run."""

    def get(self, key: str) -> Any:
        """The value; ``None`` where there is none."""

    def set(self, key: str, value: Any) -> None:
        """Remember it from now on."""


class XComStore:
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


def keepers(asset: Asset) -> list[Asset]:
    """The inlets, or outlets, of a task that uses watermarks of a Dag.

    Before Airflow 3.3 there are none: an asset is of no use there, and 3.0's ``airflow dags test`` refuses tasks with
    one that no Dag processor has seen.

    :param asset: that they are kept with where Airflow can
    """
    return [asset] if ASSET_STATE else []


def stores(context: Mapping[str, Any], asset: Asset, *, task_id: str) -> list[Store]:
    """Where a Dag's watermarks rest: the first is written, all are read, so that nothing is lost by an upgrade.

    :param context: of the running task, which has the asset among its inlets or outlets
    :param asset: that they are kept with where Airflow can
    :param task_id: the task that moves them
    """
    kept = asset_state(context, asset)
    return [*([kept] if kept is not None else []), XComStore(context, task_id)]


class Watermark:
    """The moment up to which a stream is covered.

    :param stream: what is covered, such as a shop's domain; its watermark is kept under ``watermark:{stream}``
    :param stores: where it rests; the first one is written
    """

    def __init__(self, stream: str, stores: Sequence[Store]) -> None:
        self.key = f"watermark:{stream}"
        self._stores = stores

    def get(self) -> datetime | None:
        """Where it is; ``None`` as long as nothing was covered.

        :raises ConfigurationError: when someone has put there what is no time
        """
        found = next((value for store in self._stores if (value := store.get(self.key)) is not None), None)
        return None if found is None else moment(found, self.key)

    def advance(self, to: datetime) -> bool:
        """Move it, but never back.

        :param to: everything before this is covered
        :returns: whether it was moved
        """
        at = self.get()
        if at is not None and to <= at:
            return False
        self._stores[0].set(self.key, iso(to))
        return True

    def cover(self, window: Window, *, beginning: datetime | None = None) -> bool:
        """Move it to the end of a window that was covered, unless that would leave a gap behind it.

        :param window: whose data is safe now
        :param beginning: from when on there must be no gap where nothing was covered yet
        :returns: whether it was moved
        """
        at = self.get() or beginning
        return (at is None or window.since <= at) and self.advance(window.until)


def reach_back(
    window: Window, *, watermark: datetime | None, lookback: timedelta, limit: timedelta
) -> tuple[Window, str | None]:
    """Begin at the watermark, if that is earlier: what failed, or never ran, leaves a gap that no interval covers.

    :param window: the run's own, its lookback included
    :param watermark: up to which everything is covered; ``None`` when that is not known
    :param lookback: how much earlier than that to begin, as for the run's own window
    :param limit: how far back to go at most, counted from the window's end
    :returns: the window, and a warning where a part of the gap is left out
    """
    if watermark is None:
        return window, None
    wanted = min(watermark - lookback, window.since)
    earliest = min(window.until - limit, window.since)
    since = max(wanted, earliest)
    if since == window.since:
        return window, None
    warning = None
    if earliest > wanted:
        warning = (
            f"Nothing was covered since {iso(watermark)}, longer ago than [partners] catchup_hours allows: this run "
            f"begins at {iso(since)}. Run yofi_shopify_to_yotpo_backfill for what lies before."
        )
    return Window(since, window.until, f"{window.origin}, reaching back to the watermark"), warning
