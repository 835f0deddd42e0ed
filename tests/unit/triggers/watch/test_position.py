"""What a watcher remembers: nothing told twice, nothing missed that is late by less than the lookback."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.triggers.watch import position as watch_position
from airflow_provider_partners.triggers.watch.position import (
    FINGERPRINT_LENGTH,
    ListedRecord,
    WatchPosition,
    advance,
    initial_position,
)

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(name, at=NOW):
    return ListedRecord(fingerprint=name.rjust(FINGERPRINT_LENGTH, "-"), timestamp=at, id=name)


def seconds(count):
    return NOW + timedelta(seconds=count)


LATER = seconds(600)


def told(position, rows, *, now=LATER, lookback=HOUR):
    after, new = advance(position, rows, now=now, lookback=lookback)
    return after, [each.id for each in new]


@pytest.fixture
def begun():
    """A watcher that has looked once."""
    return advance(initial_position(now=NOW, lookback=HOUR), [], now=NOW, lookback=HOUR)[0]


def test_what_was_there_at_the_beginning_is_not_told():
    position, new = told(initial_position(now=NOW, lookback=HOUR), [row("a", NOW - timedelta(minutes=5))])
    assert new == []
    assert told(position, [row("a", NOW - timedelta(minutes=5))])[1] == []


def test_what_comes_before_the_first_reading_succeeds_is_told():
    assert told(initial_position(now=NOW, lookback=HOUR), [row("a", seconds(300))])[1] == ["a"]


def test_a_row_of_the_very_second_of_the_beginning_is_told():
    assert told(initial_position(now=NOW + timedelta(milliseconds=700), lookback=HOUR), [row("a", NOW)])[1] == ["a"]


def test_a_beginning_in_the_past_tells_of_everything_since():
    position = initial_position(now=NOW, lookback=HOUR, since=NOW - timedelta(days=3))
    rows = [row("a", NOW - timedelta(days=3)), row("b", NOW - timedelta(days=1))]
    assert told(position, [*rows, row("c", NOW - timedelta(days=4))])[1] == ["a", "b"]


def test_a_row_is_told_once(begun):
    after, new = told(begun, [row("a", seconds(1))])
    assert new == ["a"]
    assert told(after, [row("a", seconds(1)), row("b", seconds(1))])[1] == ["b"]


def test_a_row_twice_in_one_reading_is_told_once(begun):
    assert told(begun, [row("a", seconds(1)), row("a", seconds(1))])[1] == ["a"]


def test_rows_are_told_in_order_of_time(begun):
    assert told(begun, [row("b", seconds(9)), row("a", seconds(3)), row("c", seconds(5))])[1] == ["a", "c", "b"]


def test_a_late_row_within_the_lookback_is_told(begun):
    after, _ = told(begun, [row("a", seconds(500))])
    after, new = told(after, [row("a", seconds(500)), row("late", seconds(2))])
    assert new == ["late"]
    assert after.newest_at == seconds(500)


def test_what_lies_before_the_lookback_is_neither_told_nor_remembered(begun):
    after, _ = told(begun, [row("a", seconds(1))])
    after, _ = told(after, [row("b", seconds(5000))], now=seconds(5000))
    assert [*after.recent] == [row("b").fingerprint]
    assert told(after, [row("a", seconds(1)), row("b", seconds(5000))])[1] == []


def test_the_position_never_runs_ahead_of_the_clock(begun):
    after, new = told(begun, [row("future", NOW + timedelta(days=900))], now=seconds(60))
    assert new == ["future"]
    assert after.newest_at == seconds(60)
    assert told(after, [row("a", seconds(61)), row("future", NOW + timedelta(days=900))])[1] == ["a"]


def test_the_position_never_goes_back(begun):
    after, _ = told(begun, [row("a", seconds(100))])
    assert told(after, [row("b", seconds(50))])[0].newest_at == seconds(100)


def test_a_reading_without_news_leaves_the_position_as_it_is(begun):
    after, _ = told(begun, [row("a", seconds(100))])
    assert told(after, [row("a", seconds(100))])[0] == after


def test_a_row_that_vanishes_for_a_while_is_not_told_again(begun):
    after, _ = told(begun, [row("a", seconds(1))])
    after, _ = told(after, [])
    assert told(after, [row("a", seconds(1))])[1] == []


def test_a_position_survives_being_stored(begun):
    for position in (
        begun,
        initial_position(now=NOW, lookback=HOUR),
        told(begun, [row("a"), row("b", seconds(90))])[0],
    ):
        assert WatchPosition.from_json(json.loads(json.dumps(position.to_json()))) == position


@pytest.mark.parametrize("stored", [None, 7, {}, {"at": "soon", "floor": "now", "recent": {}}, {"at": NOW.isoformat()}])
def test_what_is_no_position_is_not_taken_for_one(stored):
    assert WatchPosition.from_json(stored) is None


def test_a_burst_is_remembered_up_to_a_bound_and_the_rest_counts_as_told(begun, monkeypatch):
    monkeypatch.setattr(watch_position, "MAX_REMEMBERED", 100)
    rows = [row(str(number), seconds(number * 6)) for number in range(300)]
    after, new = told(begun, rows, now=seconds(1800))
    assert len(new) == 300
    assert len(after.recent) <= 100
    assert told(after, rows)[1] == []
    assert told(after, [*rows, row("late", seconds(1795))])[1] == ["late"]


def test_the_latest_minutes_are_remembered_whole_however_many_rows_they_have(begun, monkeypatch):
    monkeypatch.setattr(watch_position, "MAX_REMEMBERED", 10)
    rows = [row(str(number), seconds(1)) for number in range(500)]
    after, new = told(begun, rows, now=seconds(2))
    assert len(new) == 500
    assert told(after, [*rows, row("more", seconds(2))])[1] == ["more"]


def test_what_is_stored_fits_into_airflow_s_store(begun):
    rows = [row(str(number), seconds(number)) for number in range(3600)]
    after, _ = told(begun, rows, now=seconds(3600))
    assert len(json.dumps(after.to_json())) < 65_535


@pytest.mark.parametrize("seed", range(30))
def test_whatever_the_order_of_arrival_each_row_is_told_once(seed):
    """Rows show up late by less than the lookback, readings come at odd times, the watcher restarts now and then."""
    chance = random.Random(seed)
    lookback = timedelta(seconds=chance.choice([5, 60, 300]))
    born = [seconds(chance.uniform(0, 2000)).replace(microsecond=0) for _ in range(400)]
    rows = [(row(str(n), at), at + lookback * chance.uniform(0, 0.98)) for n, at in enumerate(born)]
    position, found, clock = initial_position(now=NOW, lookback=lookback), [], NOW
    while clock < seconds(2600):
        start = position.next_read_since(lookback)
        visible = [each for each, shown in rows if shown <= clock and each.timestamp >= start]
        position, new = advance(position, visible, now=clock, lookback=lookback)
        found += [each.id for each in new]
        if chance.random() < 0.2:
            position = WatchPosition.from_json(json.loads(json.dumps(position.to_json())))
        clock += timedelta(seconds=chance.uniform(1, 120))
    assert sorted(found, key=int) == [str(number) for number in range(400)]
