"""A watcher's position: no record is new twice, and none is missed that is late by less than the lookback."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.triggers.watch import position as position_module
from airflow_provider_partners.triggers.watch.position import (
    FINGERPRINT_LENGTH,
    ListedRecord,
    WatchPosition,
    advance,
    initial_position,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record(name, timestamp=NOW):
    return ListedRecord(fingerprint=name.rjust(FINGERPRINT_LENGTH, "-"), timestamp=timestamp, id=name)


def seconds(count):
    return NOW + timedelta(seconds=count)


LATER = seconds(600)


def new_ids(position, records, *, now=LATER, lookback=HOUR):
    moved, new = advance(position, records, now=now, lookback=lookback)
    return moved, [entry.id for entry in new]


@pytest.fixture
def started():
    """The position after a first reading."""
    return advance(initial_position(now=NOW, lookback=HOUR), [], now=NOW, lookback=HOUR)[0]


def test_records_before_the_start_are_not_new():
    position, new = new_ids(initial_position(now=NOW, lookback=HOUR), [record("a", NOW - timedelta(minutes=5))])
    assert new == []
    assert new_ids(position, [record("a", NOW - timedelta(minutes=5))])[1] == []


def test_records_before_the_first_successful_reading_are_new():
    assert new_ids(initial_position(now=NOW, lookback=HOUR), [record("a", seconds(300))])[1] == ["a"]


def test_a_record_of_the_start_s_second_is_new():
    assert new_ids(initial_position(now=NOW + timedelta(milliseconds=700), lookback=HOUR), [record("a", NOW)])[1] == [
        "a"
    ]


def test_with_a_start_in_the_past_all_records_since_are_new():
    position = initial_position(now=NOW, lookback=HOUR, since=NOW - timedelta(days=3))
    records = [record("a", NOW - timedelta(days=3)), record("b", NOW - timedelta(days=1))]
    assert new_ids(position, [*records, record("c", NOW - timedelta(days=4))])[1] == ["a", "b"]


def test_a_record_is_new_once(started):
    moved, new = new_ids(started, [record("a", seconds(1))])
    assert new == ["a"]
    assert new_ids(moved, [record("a", seconds(1)), record("b", seconds(1))])[1] == ["b"]


def test_a_record_twice_in_one_reading_is_new_once(started):
    assert new_ids(started, [record("a", seconds(1)), record("a", seconds(1))])[1] == ["a"]


def test_new_records_are_in_order_of_time(started):
    assert new_ids(started, [record("b", seconds(9)), record("a", seconds(3)), record("c", seconds(5))])[1] == [
        "a",
        "c",
        "b",
    ]


def test_a_late_record_within_the_lookback_is_new(started):
    moved, _ = new_ids(started, [record("a", seconds(500))])
    moved, new = new_ids(moved, [record("a", seconds(500)), record("late", seconds(2))])
    assert new == ["late"]
    assert moved.newest_at == seconds(500)


def test_records_before_the_lookback_are_neither_new_nor_remembered(started):
    moved, _ = new_ids(started, [record("a", seconds(1))])
    moved, _ = new_ids(moved, [record("b", seconds(5000))], now=seconds(5000))
    assert [*moved.recent] == [record("b").fingerprint]
    assert new_ids(moved, [record("a", seconds(1)), record("b", seconds(5000))])[1] == []


def test_the_position_is_never_ahead_of_the_clock(started):
    moved, new = new_ids(started, [record("future", NOW + timedelta(days=900))], now=seconds(60))
    assert new == ["future"]
    assert moved.newest_at == seconds(60)
    assert new_ids(moved, [record("a", seconds(61)), record("future", NOW + timedelta(days=900))])[1] == ["a"]


def test_the_position_never_goes_back(started):
    moved, _ = new_ids(started, [record("a", seconds(100))])
    assert new_ids(moved, [record("b", seconds(50))])[0].newest_at == seconds(100)


def test_a_reading_without_new_records_keeps_the_position(started):
    moved, _ = new_ids(started, [record("a", seconds(100))])
    assert new_ids(moved, [record("a", seconds(100))])[0] == moved


def test_a_record_that_is_missing_for_a_while_is_not_new_again(started):
    moved, _ = new_ids(started, [record("a", seconds(1))])
    moved, _ = new_ids(moved, [])
    assert new_ids(moved, [record("a", seconds(1))])[1] == []


def test_a_stored_position_is_the_same_position(started):
    for position in (
        started,
        initial_position(now=NOW, lookback=HOUR),
        new_ids(started, [record("a"), record("b", seconds(90))])[0],
    ):
        assert WatchPosition.from_json(json.loads(json.dumps(position.to_json()))) == position


@pytest.mark.parametrize(
    "stored", [None, 7, {}, {"newest_at": "soon", "floor": "now", "recent": {}}, {"newest_at": NOW.isoformat()}]
)
def test_another_value_is_no_position(stored):
    assert WatchPosition.from_json(stored) is None


def test_a_burst_is_remembered_up_to_a_limit_and_older_records_count_as_known(started, monkeypatch):
    monkeypatch.setattr(position_module, "MAX_REMEMBERED", 100)
    records = [record(str(number), seconds(number * 6)) for number in range(300)]
    moved, new = new_ids(started, records, now=seconds(1800))
    assert len(new) == 300
    assert len(moved.recent) <= 100
    assert new_ids(moved, records)[1] == []
    assert new_ids(moved, [*records, record("late", seconds(1795))])[1] == ["late"]


def test_the_latest_minutes_are_remembered_completely(started, monkeypatch):
    monkeypatch.setattr(position_module, "MAX_REMEMBERED", 10)
    records = [record(str(number), seconds(1)) for number in range(500)]
    moved, new = new_ids(started, records, now=seconds(2))
    assert len(new) == 500
    assert new_ids(moved, [*records, record("more", seconds(2))])[1] == ["more"]


def test_a_position_fits_into_airflow_s_store(started):
    records = [record(str(number), seconds(number)) for number in range(3600)]
    moved, _ = new_ids(started, records, now=seconds(3600))
    assert len(json.dumps(moved.to_json())) < 65_535


@pytest.mark.parametrize("seed", range(30))
def test_each_record_is_new_once_in_any_order_of_arrival(seed):
    """Records show up late by less than the lookback, readings come at random times, and the watcher restarts."""
    rng = random.Random(seed)
    lookback = timedelta(seconds=rng.choice([5, 60, 300]))
    created = [seconds(rng.uniform(0, 2000)).replace(microsecond=0) for _ in range(400)]
    records = [
        (record(str(n), timestamp), timestamp + lookback * rng.uniform(0, 0.98)) for n, timestamp in enumerate(created)
    ]
    position, emitted, clock = initial_position(now=NOW, lookback=lookback), [], NOW
    while clock < seconds(2600):
        start = position.next_read_since(lookback)
        visible = [entry for entry, visible_from in records if visible_from <= clock and entry.timestamp >= start]
        position, new = advance(position, visible, now=clock, lookback=lookback)
        emitted += [entry.id for entry in new]
        if rng.random() < 0.2:
            position = WatchPosition.from_json(json.loads(json.dumps(position.to_json())))
        clock += timedelta(seconds=rng.uniform(1, 120))
    assert sorted(emitted, key=int) == [str(number) for number in range(400)]
