"""How far a watcher has told of a list, and which rows of a new reading it hasn't told of.

A moment alone wouldn't do: rows of one second may show up in two readings, and some show up late. So the rows of the
last while are remembered by short hashes, and each reading begins that while before the newest row. Pure; must not know
Airflow or a partner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

MARK = 8
"""Characters of a row's mark (48 bits): among a few thousand rows two hardly ever share one."""

REMEMBERED = 5000
"""Rows that are remembered, which is 40 kB; Airflow's stores hold values of up to 64 kB."""

_MINUTE = 60
_FRESH = 2
"""The latest minutes are remembered whole, since rows are still being added to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is known of a record.

    :param mark: stands for its identity
    :param at: its time
    :param id: what an event may call it by
    """

    mark: str
    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a watcher has told.

    :param at: the time of the newest row that was told of; never in the time to come
    :param floor: rows up to here are taken as told
    :param known_before: while the first reading is still to come: rows before this moment are noted, but not told
    :param recent: marks of rows, with the minute (since 1970) of each
    """

    at: datetime
    floor: datetime
    known_before: datetime | None = None
    recent: Mapping[str, int] = field(default_factory=dict)

    def reads_from(self, lookback: timedelta) -> datetime:
        """The first moment that the next reading must cover.

        :param lookback: how late a row may show up
        """
        return max(self.floor, self.at - lookback)

    def to_json(self) -> dict[str, Any]:
        """As it is stored: marks of one minute in one text."""
        minutes: defaultdict[int, list[str]] = defaultdict(list)
        for mark, minute in self.recent.items():
            minutes[minute].append(mark)
        return {
            "at": self.at.isoformat(),
            "floor": self.floor.isoformat(),
            **({"known_before": self.known_before.isoformat()} if self.known_before else {}),
            "recent": {str(minute): "".join(marks) for minute, marks in sorted(minutes.items())},
        }

    @classmethod
    def from_json(cls, stored: Any) -> Position | None:
        """As it was stored; ``None`` for what can't be read as a position.

        :param stored: of :meth:`to_json`
        """
        try:
            before = stored.get("known_before")
            return cls(
                at=_aware(stored["at"]),
                floor=_aware(stored["floor"]),
                known_before=_aware(before) if before else None,
                recent={
                    marks[start : start + MARK]: int(minute)
                    for minute, marks in stored["recent"].items()
                    for start in range(0, len(marks), MARK)
                },
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def beginning(*, now: datetime, lookback: timedelta, since: datetime | None = None) -> Position:
    """Where a watcher begins that has told nothing yet.

    :param now: the present
    :param lookback: how late a row may show up
    :param since: tell of the rows from this moment on; by default of those that come from now on
    """
    if since is not None:
        return Position(at=since, floor=since - timedelta(microseconds=1))
    # Some partners tell whole seconds: a row of this one may have come after now.
    return Position(at=now, floor=now - lookback, known_before=now.replace(microsecond=0))


def advanced(
    position: Position, rows: Iterable[Row], *, now: datetime, lookback: timedelta
) -> tuple[Position, list[Row]]:
    """The position behind a reading, and the rows in it that are new, in order of time.

    :param position: before it
    :param rows: everything from :meth:`Position.reads_from` on; more does no harm
    :param now: when the reading began
    :param lookback: how late a row may show up
    """
    start = position.reads_from(lookback)
    # What lies before is no longer remembered, and was told long ago.
    unknown = {
        row.mark: row for row in rows if row.at >= start and row.at > position.floor and row.mark not in position.recent
    }
    told = [row for row in unknown.values() if position.known_before is None or row.at >= position.known_before]
    newest = max([position.at, *(min(row.at, now) for row in told)])
    recent = {**position.recent, **{mark: _minute(row.at) for mark, row in unknown.items()}}
    oldest = _minute(newest - lookback)
    moved = replace(
        position,
        at=newest,
        known_before=None,
        recent={mark: minute for mark, minute in recent.items() if minute >= oldest},
    )
    return _bounded(moved), sorted(told, key=lambda row: (row.at, row.id, row.mark))


def _bounded(position: Position) -> Position:
    """Without the oldest minutes, where more rows came than can be remembered: then those minutes count as told."""
    if len(position.recent) <= REMEMBERED:
        return position
    minutes: defaultdict[int, int] = defaultdict(int)
    for minute in position.recent.values():
        minutes[minute] += 1
    left, last = len(position.recent), None
    for minute in sorted(minutes)[:-_FRESH]:
        if left <= REMEMBERED:
            break
        left, last = left - minutes[minute], minute
    if last is None:
        return position
    end = datetime.fromtimestamp((last + 1) * _MINUTE, UTC) - timedelta(microseconds=1)
    kept = {mark: minute for mark, minute in position.recent.items() if minute > last}
    return replace(position, floor=max(position.floor, end), recent=kept)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // _MINUTE


def _aware(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
