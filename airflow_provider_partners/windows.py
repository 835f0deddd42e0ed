"""Which stretch of time a task covers, and why.

A window is half open, ``[since, until)``, in UTC. It comes from the first of: the task's own arguments, the Dag run's
data interval where it is not empty, the watermark that earlier runs have left. A cron string gives an *empty* interval
in Airflow 3, and runs triggered by assets or by hand without a date have none: without a watermark nothing is guessed
then, the error says what to set. Knows no Airflow: the run's context is a plain mapping here.

Cutting a window where a list gives only so many rows of it. Must not know any list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pendulum

from airflow_provider_partners.exceptions import ConfigurationError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def midpoint(since: datetime, until: datetime, *, step: timedelta) -> datetime | None:
    """The moment that halves a half-open window, on a whole step; ``None`` where there is none inside.

    :param since: the first moment
    :param until: the first moment not meant
    :param step: how finely the partner's times can be told apart
    """
    found = since + (until - since) // 2
    found -= (found - _EPOCH) % step
    return found if since < found < until else None


_NOT_GIVEN = (None, "", "None", "null")
"""How an argument that was not given looks after templating."""

_REMEDY = (
    "Pass 'since' and 'until' (or the Dag's params of these names), or schedule the Dag with an interval, such as "
    "CronTriggerTimetable(..., interval=timedelta(hours=1)): a plain cron string gives an empty one in Airflow 3. An "
    "extract operator also takes 'initial_since', and goes on from there with an asset among its outlets (Airflow 3.3)."
)

_MIN_LENGTH = timedelta(seconds=1)


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
            message = f"The window [{format_timestamp(self.since)}, {format_timestamp(self.until)}) is empty"
            raise ConfigurationError(message, remedy="'since' must lie before 'until'. " + _REMEDY)

    def __str__(self) -> str:
        """As a log line has it."""
        return f"[{format_timestamp(self.since)}, {format_timestamp(self.until)}) from {self.origin}"

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
        return {"since": format_timestamp(self.since), "until": format_timestamp(self.until)}

    @classmethod
    def from_dict(cls, value: Mapping[str, str], *, origin: str = "arguments") -> Window:
        """Back from :meth:`to_dict`.

        :param origin: what decided it
        """
        return cls(parse_timestamp(value["since"], "since"), parse_timestamp(value["until"], "until"), origin)


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
        return Window(parse_timestamp(since, "since"), parse_timestamp(end, "until"))
    if is_given(until):
        message = "'until' is given but 'since' is not"
        raise ConfigurationError(message, remedy=_REMEDY)
    problem = "This run has no data interval (it was triggered by hand, or by an asset)"
    if interval[0] is not None and interval[1] is not None:
        start, end = (
            parse_timestamp(interval[0], "data_interval_start"),
            parse_timestamp(interval[1], "data_interval_end"),
        )
        if start < end:
            return Window(start - lookback, end, "data interval")
        problem = f"This run's data interval is empty ({format_timestamp(start)})"
    if watermark is not None:
        # Two runs may come within a second, or by clocks that differ; then there is little to read, not an error.
        return Window(min(watermark, present - _MIN_LENGTH) - lookback, present, "watermark")
    if is_given(initial_since):
        return Window(parse_timestamp(initial_since, "initial_since"), present, "initial_since")
    message = f"{problem} and no window was given"
    raise ConfigurationError(message, remedy=_REMEDY)


def is_given(value: Any) -> bool:
    """Whether a templated argument holds anything.

    :param value: as it is after templating
    """
    return value not in _NOT_GIVEN


def parse_timestamp(value: Any, field: str) -> datetime:
    """A time from text, a date or a datetime, aware and in UTC.

    :param value: ISO 8601 text, ``datetime`` or ``date``; naive means UTC
    :param field: the argument's name, for the error
    :raises ConfigurationError: when it is no time
    """
    if isinstance(value, str):
        try:
            value = pendulum.parse(value, tz="UTC")
        except ValueError:
            message = f"'{field}' is not a time: {value!r}"
            raise ConfigurationError(message, remedy="Write it in ISO 8601, such as 2026-05-01T00:00:00Z.") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        message = f"'{field}' is not a time but {type(value).__name__}"
        raise ConfigurationError(message, remedy="Write it in ISO 8601, such as 2026-05-01T00:00:00Z.")
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(aware.timestamp(), UTC)


def format_timestamp(value: datetime) -> str:
    """A moment as it travels: ISO 8601 in UTC, with microseconds only where it has any.

    :param value: aware
    """
    text = value.astimezone(UTC).isoformat(timespec="microseconds" if value.microsecond else "seconds")
    return text.replace("+00:00", "Z")
