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

FINGERPRINT_LENGTH = 8
"""Characters of a row's mark (48 bits): among a few thousand rows two hardly ever share one."""

MAX_REMEMBERED = 5000
"""Rows that are remembered, which is 40 kB; Airflow's stores hold values of up to 64 kB."""

_MINUTE = 60
_RECENT_MINUTES = 2
"""The latest minutes are remembered whole, since rows are still being added to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord:
    """What is known of a record.

    :param fingerprint: stands for its identity
    :param timestamp: its time
    :param id: what an event may call it by
    """

    fingerprint: str
    timestamp: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPosition:
    """How far a watcher has told.

    :param newest_at: the time of the newest row that was told of; never in the time to come
    :param floor: rows up to here are taken as told
    :param baseline_before: while the first reading is still to come: rows before this moment are noted, but not told
    :param recent: marks of rows, with the minute (since 1970) of each
    """

    newest_at: datetime
    floor: datetime
    baseline_before: datetime | None = None
    recent: Mapping[str, int] = field(default_factory=dict)

    def next_read_since(self, lookback: timedelta) -> datetime:
        """The first moment that the next reading must cover.

        :param lookback: how late a row may show up
        """
        return max(self.floor, self.newest_at - lookback)

    def to_json(self) -> dict[str, Any]:
        """As it is stored: marks of one minute in one text."""
        minutes: defaultdict[int, list[str]] = defaultdict(list)
        for fingerprint, minute in self.recent.items():
            minutes[minute].append(fingerprint)
        return {
            "at": self.newest_at.isoformat(),
            "floor": self.floor.isoformat(),
            **({"baseline_before": self.baseline_before.isoformat()} if self.baseline_before else {}),
            "recent": {str(minute): "".join(fingerprints) for minute, fingerprints in sorted(minutes.items())},
        }

    @classmethod
    def from_json(cls, stored: Any) -> WatchPosition | None:
        """As it was stored; ``None`` for what can't be read as a position.

        :param stored: of :meth:`to_json`
        """
        try:
            before = stored.get("baseline_before")
            return cls(
                newest_at=_parse_utc(stored["at"]),
                floor=_parse_utc(stored["floor"]),
                baseline_before=_parse_utc(before) if before else None,
                recent={
                    fingerprints[start : start + FINGERPRINT_LENGTH]: int(minute)
                    for minute, fingerprints in stored["recent"].items()
                    for start in range(0, len(fingerprints), FINGERPRINT_LENGTH)
                },
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def initial_position(*, now: datetime, lookback: timedelta, since: datetime | None = None) -> WatchPosition:
    """Where a watcher begins that has told nothing yet.

    :param now: the present
    :param lookback: how late a row may show up
    :param since: tell of the rows from this moment on; by default of those that come from now on
    """
    if since is not None:
        return WatchPosition(newest_at=since, floor=since - timedelta(microseconds=1))
    # Some partners tell whole seconds: a row of this one may have come after now.
    return WatchPosition(newest_at=now, floor=now - lookback, baseline_before=now.replace(microsecond=0))


def advance(
    position: WatchPosition, records: Iterable[ListedRecord], *, now: datetime, lookback: timedelta
) -> tuple[WatchPosition, list[ListedRecord]]:
    """The position behind a reading, and the rows in it that are new, in order of time.

    :param position: before it
    :param records: everything from :meth:`Position.next_read_since` on; more does no harm
    :param now: when the reading began
    :param lookback: how late a row may show up
    """
    start = position.next_read_since(lookback)
    # What lies before is no longer remembered, and was told long ago.
    unseen = {
        row.fingerprint: row
        for row in records
        if row.timestamp >= start and row.timestamp > position.floor and row.fingerprint not in position.recent
    }
    new_records = [
        row for row in unseen.values() if position.baseline_before is None or row.timestamp >= position.baseline_before
    ]
    newest = max([position.newest_at, *(min(row.timestamp, now) for row in new_records)])
    recent = {**position.recent, **{mark: _epoch_minute(row.timestamp) for mark, row in unseen.items()}}
    oldest = _epoch_minute(newest - lookback)
    moved = replace(
        position,
        newest_at=newest,
        baseline_before=None,
        recent={mark: minute for mark, minute in recent.items() if minute >= oldest},
    )
    return _limit_remembered(moved), sorted(new_records, key=lambda row: (row.timestamp, row.id, row.fingerprint))


def _limit_remembered(position: WatchPosition) -> WatchPosition:
    """Without the oldest minutes, where more rows came than can be remembered: then those minutes count as told."""
    if len(position.recent) <= MAX_REMEMBERED:
        return position
    minutes: defaultdict[int, int] = defaultdict(int)
    for minute in position.recent.values():
        minutes[minute] += 1
    remaining, last = len(position.recent), None
    for minute in sorted(minutes)[:-_RECENT_MINUTES]:
        if remaining <= MAX_REMEMBERED:
            break
        remaining, last = remaining - minutes[minute], minute
    if last is None:
        return position
    end = datetime.fromtimestamp((last + 1) * _MINUTE, UTC) - timedelta(microseconds=1)
    kept = {mark: minute for mark, minute in position.recent.items() if minute > last}
    return replace(position, floor=max(position.floor, end), recent=kept)


def _epoch_minute(timestamp: datetime) -> int:
    return int(timestamp.timestamp()) // _MINUTE


def _parse_utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
