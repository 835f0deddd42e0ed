"""Which stretch of time a task covers, and why.

A window is half open, ``[since, until)``, in UTC. It comes from the first of: the task's own arguments, the Dag run's
data interval where it is not empty. A cron string gives an *empty* interval in Airflow 3, and runs triggered by assets
or by hand without a date have none: then nothing is guessed, the error says what to set. Knows no Airflow: the run's
context is a plain mapping here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pendulum

from airflow_provider_partners.exceptions import ConfigurationError

_NOT_GIVEN = (None, "", "None", "null")
"""How an argument that was not given looks after templating."""

_REMEDY = (
    "Pass 'since' and 'until' (or the Dag's params of these names), or schedule the Dag with an interval, such as "
    "CronTriggerTimetable(..., interval=timedelta(hours=1)): a plain cron string gives an empty one in Airflow 3."
)


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of time, ``since <= t < until``, aware and in UTC.

    :param since: the first moment that belongs to it
    :param until: the first moment that does not
    :param origin: what decided it, for the log (``arguments``, ``data interval``)
    """

    since: datetime
    until: datetime
    origin: str = "arguments"

    def __post_init__(self) -> None:
        """Refuse a window that holds no moment."""
        if self.since >= self.until:
            message = f"The window [{_iso(self.since)}, {_iso(self.until)}) is empty"
            raise ConfigurationError(message, remedy="'since' must lie before 'until'. " + _REMEDY)

    def __str__(self) -> str:
        """As a log line has it."""
        return f"[{_iso(self.since)}, {_iso(self.until)}) from {self.origin}"

    def split(self, longest: timedelta) -> Iterator[Window]:
        """The same stretch in windows that touch, the earliest first.

        :param longest: the length of each but the last, which may be shorter
        """
        begin = self.since
        while self.until - begin > longest:
            yield Window(begin, begin + longest, self.origin)
            begin += longest
        yield Window(begin, self.until, self.origin)

    def to_dict(self) -> dict[str, str]:
        """As it travels through XCom and manifests."""
        return {"since": _iso(self.since), "until": _iso(self.until)}

    @classmethod
    def from_dict(cls, value: Mapping[str, str]) -> Window:
        """Back from :meth:`to_dict`."""
        return cls(moment(value["since"], "since"), moment(value["until"], "until"))


def resolve(
    *,
    since: Any = None,
    until: Any = None,
    context: Mapping[str, Any] | None = None,
    lookback: timedelta = timedelta(),
    now: datetime | None = None,
) -> Window:
    """Decide the window of a task.

    Explicit arguments win and are taken as they are. Otherwise the run's data interval counts, begun ``lookback``
    earlier, so that what arrives late (search indexes lag, carriers report days after) is read by a later run;
    upserts make reading twice harmless.

    :param since: ISO 8601 text or datetime; a naive one is UTC
    :param until: likewise; with ``since`` alone, the interval's end or else now
    :param context: the task's context, of which ``data_interval_start`` and ``data_interval_end`` are read
    :param lookback: how much earlier than the data interval to begin
    :param now: the present, for tests
    :raises ConfigurationError: when nothing gives a window, or it is empty
    """
    context = context or {}
    interval = (context.get("data_interval_start"), context.get("data_interval_end"))
    if given(since):
        end = until if given(until) else (interval[1] or now or datetime.now(UTC))
        return Window(moment(since, "since"), moment(end, "until"))
    if given(until):
        message = "'until' is given but 'since' is not"
        raise ConfigurationError(message, remedy=_REMEDY)
    if interval[0] is None or interval[1] is None:
        message = "This run has no data interval (it was triggered by hand, or by an asset) and no window was given"
        raise ConfigurationError(message, remedy=_REMEDY)
    start, end = moment(interval[0], "data_interval_start"), moment(interval[1], "data_interval_end")
    if start >= end:
        message = f"This run's data interval is empty ({_iso(start)}) and no window was given"
        raise ConfigurationError(message, remedy=_REMEDY)
    return Window(start - lookback, end, "data interval")


def given(value: Any) -> bool:
    """Whether a templated argument holds anything.

    :param value: as it is after templating
    """
    return value not in _NOT_GIVEN


def moment(value: Any, field: str) -> datetime:
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


def _iso(value: datetime) -> str:
    text = value.astimezone(UTC).isoformat(timespec="microseconds" if value.microsecond else "seconds")
    return text.replace("+00:00", "Z")
