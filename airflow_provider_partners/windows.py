"""Time ranges, and the window of a task: which time range it covers, and why.

A window is half open, ``[since, until)``, in UTC. It comes from the first of: the task's own arguments, the Dag run's
data interval if it is not empty, the watermark of earlier runs. In Airflow 3 a cron string gives an *empty* interval.
Runs that an asset or a user triggers have no interval. Without a watermark such a run fails, and the error says what
to set. This module does not import Airflow: the run's context is a plain mapping here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError

__all__ = ["TimeRange", "Window", "is_given", "resolve"]

_NOT_GIVEN = (None, "", "None", "null")
"""Values of a template that rendered to nothing."""

_REMEDY = (
    "Pass 'since' and 'until' (or the Dag's params of these names), or schedule the Dag with an interval, such as "
    "CronTriggerTimetable(..., interval=timedelta(hours=1)): a plain cron string gives an empty one in Airflow 3. An "
    "extract operator also takes 'initial_since', and then continues from there if an asset is among its outlets "
    "(Airflow 3.3)."
)

_MIN_LENGTH = timedelta(seconds=1)

_EPOCH = timestamps.from_epoch(0)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open time range, ``since <= t < until``. ``None`` leaves an end open.

    :param since: first timestamp inside, aware
    :param until: first timestamp after the range, aware
    """

    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def parse(cls, since: Any, until: Any) -> TimeRange:
        """Return the time range of the arguments ``since`` and ``until``.

        :param since: ISO 8601 text or ``datetime``; a naive one is UTC; ``None`` or an empty text leaves the end open
        :param until: the same
        :raises ConfigurationError: one of them is not a timestamp
        """
        ends = (timestamps.parse(end, name) if end else None for end, name in ((since, "since"), (until, "until")))
        return cls(*ends)

    @property
    def is_unbounded(self) -> bool:
        """True if both ends are open."""
        return self.since is None and self.until is None

    def contains(self, timestamp: datetime) -> bool:
        """Return True if the timestamp is inside."""
        return not (self.since and timestamp < self.since) and not (self.until and timestamp >= self.until)

    def midpoint(self, step: timedelta) -> datetime | None:
        """Return the timestamp that halves the range, or None if the range is open or too short.

        :param step: precision of the list's timestamps; the result is a multiple of it
        """
        if self.since is None or self.until is None:
            return None
        middle = self.since + (self.until - self.since) // 2
        middle -= (middle - _EPOCH) % step
        return middle if self.since < middle < self.until else None

    def to_window(self) -> Window | None:
        """Return the range as a window, or None if an end is open.

        :raises ConfigurationError: the range is empty
        """
        return None if self.since is None or self.until is None else Window(self.since, self.until)


@dataclass(frozen=True, slots=True)
class Window:
    """The time range of a task: ``since <= t < until``, aware and in UTC.

    :param since: first timestamp inside
    :param until: first timestamp after the window
    :param origin: what decided the window, for the log: ``arguments``, ``data interval`` or ``watermark``
    """

    since: datetime
    until: datetime
    origin: str = "arguments"

    def __post_init__(self) -> None:
        """Refuse what is no time, and an empty window. Text is parsed, and a naive ``datetime`` is UTC."""
        object.__setattr__(self, "since", timestamps.parse(self.since, "since"))
        object.__setattr__(self, "until", timestamps.parse(self.until, "until"))
        if self.since >= self.until:
            message = f"The window [{timestamps.isoformat(self.since)}, {timestamps.isoformat(self.until)}) is empty"
            raise ConfigurationError(message, remedy="'since' must lie before 'until'. " + _REMEDY)

    def __str__(self) -> str:
        """Return the text for log lines."""
        return f"[{timestamps.isoformat(self.since)}, {timestamps.isoformat(self.until)}) from {self.origin}"

    def split(self, max_length: timedelta) -> Iterator[Window]:
        """Yield adjacent windows that cover this one, the earliest first.

        :param max_length: length of each window; the last one may be shorter
        """
        start = self.since
        while self.until - start > max_length:
            yield Window(start, start + max_length, self.origin)
            start += max_length
        yield Window(start, self.until, self.origin)

    def to_dict(self) -> dict[str, str]:
        """Return the form for XCom and manifests."""
        return {"since": timestamps.isoformat(self.since), "until": timestamps.isoformat(self.until)}

    @classmethod
    def from_dict(cls, value: Mapping[str, str], *, origin: str = "arguments") -> Window:
        """Build a window from the form of :meth:`to_dict`.

        :param origin: what decided the window
        """
        return cls(timestamps.parse(value["since"], "since"), timestamps.parse(value["until"], "until"), origin)


def resolve(
    *,
    since: Any = None,
    until: Any = None,
    context: Mapping[str, Any] | None = None,
    lookback: timedelta = timedelta(),
    watermark: datetime | None = None,
    initial_since: Any = None,
    now: datetime | None = None,
) -> Window:
    """Decide the window of a task.

    Explicit arguments win and are used unchanged. Otherwise the run's data interval is used. If it is empty or
    missing, the window reaches from the watermark to now. Interval and watermark start ``lookback`` earlier, because
    some data arrives late: search indexes lag, and carriers report days later. Upserts make it harmless to read
    a record twice.

    :param since: ISO 8601 text or datetime; a naive one is UTC
    :param until: the same; defaults to the interval's end, or now
    :param context: the task's context; ``data_interval_start`` and ``data_interval_end`` are read
    :param lookback: how much earlier than the data interval or the watermark the window starts
    :param watermark: earlier runs have read everything before this timestamp; ``None`` if unknown
    :param initial_since: start of the window if there is neither data interval nor watermark
    :param now: the current time
    :raises ConfigurationError: nothing decides the window, or it is empty
    """
    context = context or {}
    present = now or datetime.now(UTC)
    interval = (context.get("data_interval_start"), context.get("data_interval_end"))
    if is_given(since):
        end = until if is_given(until) else (interval[1] or present)
        return Window(timestamps.parse(since, "since"), timestamps.parse(end, "until"))
    if is_given(until):
        message = "'until' is set but 'since' is not"
        raise ConfigurationError(message, remedy=_REMEDY)
    problem = "This run has no data interval (it was triggered by hand, or by an asset)"
    if interval[0] is not None and interval[1] is not None:
        start, end = (
            timestamps.parse(interval[0], "data_interval_start"),
            timestamps.parse(interval[1], "data_interval_end"),
        )
        if start < end:
            return Window(start - lookback, end, "data interval")
        problem = f"This run's data interval is empty ({timestamps.isoformat(start)})"
    if watermark is not None:
        # Two runs within a second, or clocks that differ, must give a short window, not an error.
        return Window(min(watermark, present - _MIN_LENGTH) - lookback, present, "watermark")
    if is_given(initial_since):
        return Window(timestamps.parse(initial_since, "initial_since"), present, "initial_since")
    message = f"{problem}, and no window was given"
    raise ConfigurationError(message, remedy=_REMEDY)


def is_given(value: Any) -> bool:
    """Return True if a templated argument has a value after rendering."""
    return value not in _NOT_GIVEN
