from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.catchup import reach_back
from airflow_provider_partners.windows import Window

TEN, HOUR = datetime(2026, 5, 1, 10, tzinfo=UTC), timedelta(hours=1)
WINDOW = Window(TEN - 3 * HOUR, TEN, "data interval")
"""The run at ten of an hourly Dag: its interval begins at nine, its lookback is two hours."""


def reached(covered_until):
    return reach_back(WINDOW, covered_until=covered_until, lookback=2 * HOUR, limit=24 * HOUR)


@pytest.mark.parametrize("covered", [None, "", (TEN - HOUR).isoformat(), TEN.isoformat(), (TEN + HOUR).isoformat()])
def test_without_a_gap_the_window_is_the_runs_own(covered):
    assert reached(covered) == (WINDOW, None)


def test_a_gap_is_covered_with_the_same_lookback():
    window, warning = reached((TEN - 5 * HOUR).isoformat())
    assert (window.since, window.until, warning) == (TEN - 7 * HOUR, TEN, None)
    assert "reaching back" in window.origin


def test_a_gap_beyond_the_limit_is_cut_and_told():
    window, warning = reached((TEN - 100 * HOUR).isoformat())
    assert window.since == TEN - 24 * HOUR
    assert "2026-04-27T06:00:00+00:00" in warning
    assert "catchup_hours" in warning


def test_the_limit_never_shortens_the_runs_own_window():
    window, warning = reach_back(WINDOW, covered_until=(TEN - 9 * HOUR).isoformat(), lookback=HOUR, limit=timedelta())
    assert window == WINDOW
    assert warning is None
