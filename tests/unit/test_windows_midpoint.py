"""Halving windows on whole steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.windows import TimeRange

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND, MILLISECOND = timedelta(seconds=1), timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("length", "step", "half"),
    [
        (timedelta(seconds=4), SECOND, timedelta(seconds=2)),
        (timedelta(seconds=3), SECOND, SECOND),
        (timedelta(seconds=3), MILLISECOND, timedelta(milliseconds=1500)),
        (timedelta(milliseconds=2), MILLISECOND, MILLISECOND),
    ],
)
def test_a_window_is_halved_on_a_whole_step(length: timedelta, step: timedelta, half: timedelta) -> None:
    assert TimeRange(NOON, NOON + length).midpoint(step) == NOON + half


@pytest.mark.parametrize(
    ("since", "until", "step"),
    [
        (NOON, NOON + SECOND, SECOND),
        (NOON, NOON + MILLISECOND, MILLISECOND),
        (NOON + timedelta(microseconds=300), NOON + timedelta(microseconds=1100), MILLISECOND),
        (NOON, NOON, SECOND),
        (NOON + SECOND, NOON, MILLISECOND),
    ],
)
def test_a_window_without_a_whole_step_inside_is_not_halved(since: datetime, until: datetime, step: timedelta) -> None:
    assert TimeRange(since, until).midpoint(step) is None


def test_halving_ends_at_single_steps() -> None:
    windows = [(NOON, NOON + timedelta(milliseconds=7))]
    whole: list[tuple[datetime, datetime]] = []
    while windows:
        since, until = windows.pop()
        half = TimeRange(since, until).midpoint(MILLISECOND)
        if half is None:
            whole.append((since, until))
        else:
            windows += [(half, until), (since, half)]

    assert whole == [(NOON + number * MILLISECOND, NOON + (number + 1) * MILLISECOND) for number in range(7)]
