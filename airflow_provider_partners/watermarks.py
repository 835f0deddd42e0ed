"""Watermarks: the timestamp up to which a stream is covered, and the gaps below it, kept from run to run.

A watermark moves after the data is safe, and only forward. It never moves past the time at which the reading began:
a window may end in the future, and nothing can have read that. From Airflow 3.3 on, watermarks and gaps are kept in the
state store of an asset. For the Dag that needs them, they are also kept in XComs. Neither store can compare and set, so
allow one active run per Dag where a watermark matters. This module uses Airflow's stores; it knows no partner and no
task.
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

__all__ = [
    "Gaps",
    "SharedValueStore",
    "StateStore",
    "Watermark",
    "XComStateStore",
    "add_gap",
    "cover_gaps",
    "covered_until",
    "extend_to_watermark",
    "watermark_assets",
    "watermark_stores",
]


MAX_SAVES = 3
"""How often a value is stored that another Dag replaces at the same time."""


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


class SharedValueStore:
    """Keeps the values of many streams in one value of another store for each kind of value.

    Each read and each write of Airflow's stores is a request. A run of 1,000 shops needs a few of them this way. What
    is set is stored by :meth:`save`.

    :param store: under the keys ``watermark:*`` and ``gaps:*`` it has a dict by stream
    """

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._values: dict[str, dict[str, Any]] = {}
        self._changes: dict[str, dict[str, Any]] = {}

    def get(self, key: str) -> Any:
        """Return the value, or ``None``."""
        kind, _, stream = key.partition(":")
        if kind not in self._values:
            self._values[kind] = self._load(kind)
        return self._values[kind].get(stream)

    def set(self, key: str, value: Any) -> None:
        """Change the value; nothing is stored yet."""
        self.get(key)
        kind, _, stream = key.partition(":")
        self._values[kind][stream] = value
        self._changes.setdefault(kind, {})[stream] = value

    def save(self) -> bool:
        """Store what was set. Values of other streams are read again right before, since another Dag may set them.

        If the other Dag has read before, and writes after, what was set is lost. It is then set again.

        :returns: False if something is not stored: Airflow keeps no XCom of a run without a logical date in order
        """
        is_stored = True
        for kind, changes in self._changes.items():
            for _ in range(MAX_SAVES):
                # An empty list stays: without it, the gaps of a store that is read after this one would count again.
                self._store.set(f"{kind}:*", {**self._load(kind), **changes})
                stored = self._load(kind)
                if all(stored.get(stream) == value for stream, value in changes.items()):
                    break
            else:
                is_stored = False
        self._changes.clear()
        return is_stored

    def _load(self, kind: str) -> dict[str, Any]:
        stored = self._store.get(f"{kind}:*")
        return dict(stored) if isinstance(stored, dict) else {}


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
        stored = _stored(self._stores, self.key)
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

    def advance_over(self, window: Window, *, began: datetime, start: datetime | None = None) -> bool:
        """Move the watermark to the end of a covered window, unless that leaves a gap before the window.

        :param window: the window whose data is safe
        :param began: when the reading began; the watermark moves no further
        :param start: the start of the stream, when nothing is covered yet
        :returns: True if the watermark moved
        """
        current = self.get() or start
        return (current is None or window.since <= current) and self.advance(covered_until(window, began=began))


class Gaps:
    """The time ranges of a stream that no run has read, although later ones are read. They stay until they are read.

    :param stream: the stream, such as a shop's domain; the store's key is ``gaps:{stream}``
    :param stores: the stores to read; the first one is written
    """

    def __init__(self, stream: str, stores: Sequence[StateStore]) -> None:
        self.key = f"gaps:{stream}"
        self._stores = stores

    def get(self) -> list[Window]:
        """Return the gaps, the earliest first.

        :raises ConfigurationError: when the stored value holds no time ranges
        """
        return [Window.from_dict(gap, origin="gap") for gap in _stored(self._stores, self.key) or []]

    def set(self, gaps: Sequence[Window]) -> None:
        """Store the gaps."""
        self._stores[0].set(self.key, [gap.to_dict() for gap in gaps])


def add_gap(gaps: Sequence[Window], gap: Window) -> list[Window]:
    """Return gaps with one more, in order. Gaps that touch each other become one."""
    merged: list[Window] = []
    for window in sorted([*gaps, gap], key=lambda window: window.since):
        if merged and window.since <= merged[-1].until:
            merged[-1] = Window(merged[-1].since, max(merged[-1].until, window.until), "gap")
        else:
            merged.append(window)
    return merged


def cover_gaps(gaps: Sequence[Window], *, since: datetime, until: datetime) -> list[Window]:
    """Return what remains of gaps after a time range was read.

    :param since: start of what was read
    :param until: end of what was read
    """
    parts = [part for gap in gaps for part in ((gap.since, min(gap.until, since)), (max(gap.since, until), gap.until))]
    return [Window(start, end, "gap") for start, end in parts if start < end] if since < until else list(gaps)


def covered_until(window: Window, *, began: datetime) -> datetime:
    """Return up to when a window that was read is covered: its end, but no later than the start of the reading.

    :param began: when the reading began
    """
    return min(window.until, began)


def extend_to_watermark(
    window: Window, *, watermark: datetime | None, lookback: timedelta, max_lookback: timedelta, now: datetime
) -> tuple[Window, Window | None]:
    """Start the window at the watermark if that is earlier: a run that failed or never ran leaves a gap.

    :param window: the run's own window, with its lookback
    :param watermark: everything before it is covered; ``None`` when it is unknown
    :param lookback: how much earlier than the watermark to start, as for the run's own window
    :param max_lookback: how far back to start at most, from the window's end, or from now if that is earlier
    :returns: the window, and the part of the gap that it does not reach
    """
    if watermark is None:
        return window, None
    needed_since = min(watermark - lookback, window.since)
    allowed_since = min(min(window.until, now) - max_lookback, window.since)
    since = max(needed_since, allowed_since)
    gap = Window(watermark, since, "gap") if watermark < since else None
    if since == window.since:
        return window, gap
    return Window(since, window.until, f"{window.origin}, extended to the watermark"), gap


def _stored(stores: Sequence[StateStore], key: str) -> Any:
    """Return the value of the first store that has one."""
    return next((value for store in stores if (value := store.get(key)) is not None), None)
