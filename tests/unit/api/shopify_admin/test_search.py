"""Shopify's search strings, and large time ranges split into parts without gaps and overlaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from airflow_provider_partners.api.shopify_admin import search
from airflow_provider_partners.api.shopify_admin.search import build_search, in_whole_seconds, validate_query
from airflow_provider_partners.windows import TimeRange

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 1, tzinfo=UTC)
LIMIT = 10


@pytest.mark.parametrize("query", ["name:'a (b'", r"name:'Bob\'s'", "(tag:a) OR (tag:b)"])
def test_a_valid_search_passes(query: str) -> None:
    assert validate_query(query) == query


def test_adjacent_windows_with_fractions_of_a_second_stay_adjacent() -> None:
    edge = datetime(2026, 5, 1, 0, 0, 0, 1, tzinfo=UTC)
    before = build_search(in_whole_seconds(TimeRange(None, edge)), None)
    after = build_search(in_whole_seconds(TimeRange(edge, UNTIL)), None)
    assert before == "updated_at:<'2026-05-01T00:00:01Z'"
    assert after.startswith("updated_at:>='2026-05-01T00:00:01Z'")


def counting(changes: list[datetime], limit: int) -> Callable[[TimeRange], dict]:
    """Shopify's count of the changes in a range, up to a limit."""

    def count(time_range: TimeRange) -> dict:
        number = sum(time_range.contains(change) for change in changes)
        return {"count": min(number, limit), "precision": "EXACT" if number < limit else "AT_LEAST"}

    return count


@pytest.mark.parametrize("since", [SINCE, None])
def test_a_large_range_is_split_without_gaps_and_overlaps(since: datetime | None) -> None:
    changes = [SINCE + timedelta(seconds=second % 1_800) for second in range(95)]
    changes += [SINCE + timedelta(seconds=7)] * 5
    parts = list(search.split_range(TimeRange(since, UNTIL), count=counting(changes, LIMIT)))
    assert (parts[0].since, parts[-1].until) == (since, UNTIL)
    assert all(earlier.until == later.since for earlier, later in pairwise(parts))
    counts = [counting(changes, 10_000)(part)["count"] for part in parts]
    assert sum(counts) == len(changes)
    assert all(count < LIMIT for count in counts)


def test_a_single_second_is_not_split() -> None:
    count = counting([SINCE] * 50, LIMIT)
    parts = list(search.split_range(TimeRange(SINCE, SINCE + timedelta(seconds=4)), count=count))
    assert parts[0] == TimeRange(SINCE, SINCE + timedelta(seconds=1))
