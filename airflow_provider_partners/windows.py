"""Which stretch of time a task covers, and why.

A window is half open, ``[since, until)``, in UTC. It comes from the first of: the task's own arguments, the Dag run's
data interval where it is not empty, the watermark that earlier runs have left. A cron string gives an *empty* interval
in Airflow 3, and runs triggered by assets or by hand without a date have none: without a watermark nothing is guessed
then, the error says what to set. Knows no Airflow: the run's context is a plain mapping here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError

_NOT_GIVEN = (None, "", "None", "null")
"""How an argument that was not given looks after templating."""

_REMEDY = (
    "Pass 'since' and 'until' (or the Dag's params of these names), or schedule the Dag with an interval, such as "
    "CronTriggerTimetable(..., interval=timedelta(hours=1)): a plain cron string gives an empty one in Airflow 3. An "
    "extract operator also takes 'initial_since', and goes on from there with an asset among its outlets (Airflow 3.3)."
)

_MIN_LENGTH = timedelta(seconds=1)


_EPOCH = timestamps.from_epoch(0)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open range of time, ``since <= t < until``; ``None`` leaves an end open.

    :param since: the first timestamp inside, aware
    :param until: the first timestamp behind it, aware
    """

    since: datetime | None = None
    until: datetime | None = None

    def contains(self, timestamp: datetime) -> bool:
        """Return True if a timestamp lies inside."""
        return not (self.since and timestamp < self.since) and not (self.until and timestamp >= self.until)

    def midpoint(self, step: timedelta) -> datetime | None:
        """Return the timestamp that halves the range, or ``None`` when it can't be halved.

        :param step: the precision of the list's timestamps; the result lies on a whole step
        """
        if self.since is None or self.until is None:
            return None
        middle = self.since + (self.until - self.since) // 2
        middle -= (middle - _EPOCH) % step
        return middle if self.since < middle < self.until else None


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time, ``since <= t < until``, aware and in UTC.

    :param since: the first moment that belongs to it
    :param until: the first moment that does not
    :param origin: what decided it, for the log (``arguments``, ``data interval``, ``watermark``)
    """

    since: datetime
    until: datetime
    origin: str = "arguments"

    def __post_init__(self) -> None:
        """Refuse a window that holds no moment."""
        if self.since >= self.until:
            message = f"The window [{timestamps.isoformat(self.since)}, {timestamps.isoformat(self.until)}) is empty"
            raise ConfigurationError(message, remedy="'since' must lie before 'until'. " + _REMEDY)

    def __str__(self) -> str:
        """As a log line has it."""
        return f"[{timestamps.isoformat(self.since)}, {timestamps.isoformat(self.until)}) from {self.origin}"

    def split(self, max_length: timedelta) -> Iterator[Window]:
        """The same stretch in windows that touch, the earliest first.

        :param max_length: the length of each but the last, which may be shorter
        """
        begin = self.since
        while self.until - begin > max_length:
            yield Window(begin, begin + max_length, self.origin)
            begin += max_length
        yield Window(begin, self.until, self.origin)

    def to_dict(self) -> dict[str, str]:
        """As it travels through XCom and manifests."""
        return {"since": timestamps.isoformat(self.since), "until": timestamps.isoformat(self.until)}

    @classmethod
    def from_dict(cls, value: Mapping[str, str], *, origin: str = "arguments") -> Window:
        """Back from :meth:`to_dict`.

        :param origin: what decided it
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

    Explicit arguments win and are taken as they are. Otherwise the run's data interval counts, and where there is none,
    what lies between the watermark and the present. Both are begun ``lookback`` earlier, so that what arrives late
    (search indexes lag, carriers report days after) is read by a later run; upserts make reading twice harmless.

    :param since: ISO 8601 text or datetime; a naive one is UTC
    :param until: likewise; with ``since`` alone, the interval's end or else now
    :param context: the task's context, of which ``data_interval_start`` and ``data_interval_end`` are read
    :param lookback: how much earlier than the data interval or the watermark to begin
    :param watermark: up to which earlier runs have covered everything; ``None`` where that is not known
    :param initial_since: where to begin without data interval and watermark
    :param now: the present
    :raises ConfigurationError: when nothing gives a window, or it is empty
    """
    context = context or {}
    present = now or datetime.now(UTC)
    interval = (context.get("data_interval_start"), context.get("data_interval_end"))
    if is_given(since):
        end = until if is_given(until) else (interval[1] or present)
        return Window(timestamps.parse(since, "since"), timestamps.parse(end, "until"))
    if is_given(until):
        message = "'until' is given but 'since' is not"
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
        # Two runs may come within a second, or by clocks that differ; then there is little to read, not an error.
        return Window(min(watermark, present - _MIN_LENGTH) - lookback, present, "watermark")
    if is_given(initial_since):
        return Window(timestamps.parse(initial_since, "initial_since"), present, "initial_since")
    message = f"{problem} and no window was given"
    raise ConfigurationError(message, remedy=_REMEDY)


def is_given(value: Any) -> bool:
    """Whether a templated argument holds anything.

    :param value: as it is after templating
    """
    return value not in _NOT_GIVEN
