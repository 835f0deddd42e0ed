"""A watcher's position in a list: up to where it has emitted events, and which records of a reading are new.

A timestamp alone is not enough: records of one second can show up in two readings, and some records show up late. So
the position remembers the latest records by short fingerprints, and each reading starts a lookback before the newest
record. This module is pure: it knows no Airflow and no partner.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_partners import timestamps

__all__ = ["ListedRecord", "WatchPosition", "advance", "initial_position"]

FINGERPRINT_LENGTH = 8
"""Characters of a record's fingerprint (48 bits): a collision among a few thousand records is unlikely."""

MAX_REMEMBERED = 5000
"""Records that a position remembers. They take 40 kB; Airflow's stores hold values of up to 64 kB."""

_MINUTE = 60
_RECENT_MINUTES = 2
"""The latest minutes are remembered completely, because records are still being added to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRecord:
    """What the position needs to know about a record.

    :param fingerprint: hash of the record's key
    :param timestamp: the record's time
    :param id: the id that events use for the record
    """

    fingerprint: str
    timestamp: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPosition:
    """Up to where a watcher has emitted events.

    :param newest_at: timestamp of the newest record with an event; never in the future
    :param floor: records up to here count as known
    :param baseline_before: set until the first reading: older records become known without an event
    :param recent: fingerprints of the known records, each with its minute since 1970
    """

    newest_at: datetime
    floor: datetime
    baseline_before: datetime | None = None
    recent: Mapping[str, int] = field(default_factory=dict)

    def next_read_since(self, lookback: timedelta) -> datetime:
        """Return the timestamp from which the next reading must be complete.

        :param lookback: how late a record may show up
        """
        return max(self.floor, self.newest_at - lookback)

    def to_json(self) -> dict[str, Any]:
        """Return the position as Airflow's store keeps it: the fingerprints of one minute are one text."""
        minutes: defaultdict[int, list[str]] = defaultdict(list)
        for fingerprint, minute in self.recent.items():
            minutes[minute].append(fingerprint)
        return {
            "newest_at": self.newest_at.isoformat(),
            "floor": self.floor.isoformat(),
            **({"baseline_before": self.baseline_before.isoformat()} if self.baseline_before else {}),
            "recent": {str(minute): "".join(fingerprints) for minute, fingerprints in sorted(minutes.items())},
        }

    @classmethod
    def from_json(cls, stored: Any) -> WatchPosition | None:
        """Return a stored position, or ``None`` when the value is not one."""
        try:
            baseline_before = stored.get("baseline_before")
            return cls(
                newest_at=_parse(stored["newest_at"]),
                floor=_parse(stored["floor"]),
                baseline_before=_parse(baseline_before) if baseline_before else None,
                recent={
                    fingerprints[start : start + FINGERPRINT_LENGTH]: int(minute)
                    for minute, fingerprints in stored["recent"].items()
                    for start in range(0, len(fingerprints), FINGERPRINT_LENGTH)
                },
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def initial_position(*, now: datetime, lookback: timedelta, since: datetime | None = None) -> WatchPosition:
    """Return the position of a new watcher.

    :param lookback: how late a record may show up
    :param since: emit events for records from here on; by default for those that arrive from now on
    """
    if since is not None:
        return WatchPosition(newest_at=since, floor=since - timedelta(microseconds=1))
    # Some partners send whole seconds: a record of the current second may be newer than now.
    return WatchPosition(newest_at=now, floor=now - lookback, baseline_before=now.replace(microsecond=0))


def advance(
    position: WatchPosition, records: Iterable[ListedRecord], *, now: datetime, lookback: timedelta
) -> tuple[WatchPosition, list[ListedRecord]]:
    """Return the position after a reading, and its new records in order of time.

    :param position: the position before it
    :param records: every record from :meth:`WatchPosition.next_read_since` on; older ones do no harm
    :param now: when the reading started
    :param lookback: how late a record may show up
    """
    start = position.next_read_since(lookback)
    # Older records are no longer remembered; their events are long emitted.
    unseen = {
        record.fingerprint: record
        for record in records
        if record.timestamp >= start and record.timestamp > position.floor and record.fingerprint not in position.recent
    }
    baseline = position.baseline_before
    new_records = [record for record in unseen.values() if baseline is None or record.timestamp >= baseline]
    newest = max([position.newest_at, *(min(record.timestamp, now) for record in new_records)])
    recent = {**position.recent, **{key: _epoch_minute(record.timestamp) for key, record in unseen.items()}}
    oldest = _epoch_minute(newest - lookback)
    moved = replace(
        position,
        newest_at=newest,
        baseline_before=None,
        recent={fingerprint: minute for fingerprint, minute in recent.items() if minute >= oldest},
    )
    new_records.sort(key=lambda record: (record.timestamp, record.id, record.fingerprint))
    return _limit_remembered(moved), new_records


def _limit_remembered(position: WatchPosition) -> WatchPosition:
    """Drop the oldest minutes when there are too many records to remember; those minutes then count as known."""
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
    end = timestamps.from_epoch((last + 1) * _MINUTE) - timedelta(microseconds=1)
    recent = {fingerprint: minute for fingerprint, minute in position.recent.items() if minute > last}
    return replace(position, floor=max(position.floor, end), recent=recent)


def _epoch_minute(timestamp: datetime) -> int:
    return int(timestamp.timestamp()) // _MINUTE


def _parse(value: str) -> datetime:
    timestamp = timestamps.try_parse(value)
    if timestamp is None:
        raise ValueError(value)
    return timestamp
