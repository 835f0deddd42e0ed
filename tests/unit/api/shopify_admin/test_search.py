"""Shopify's search strings, and crowded windows cut into pieces that lose and double nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from airflow_provider_partners.api.shopify_admin.search import build_search, ceil_to_second, split_range, validate_query

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("query", ["name:'a (b'", r"name:'Bob\'s'", "(tag:a) OR (tag:b)"])
def test_a_sound_search_passes(query: str) -> None:
    assert validate_query(query) == query


def test_windows_with_fractions_of_a_second_still_touch() -> None:
    edge = datetime(2026, 5, 1, 0, 0, 0, 1, tzinfo=UTC)
    before = build_search((None, ceil_to_second(edge)), None)
    after = build_search((ceil_to_second(edge), UNTIL), None)
    assert before == "updated_at:<'2026-05-01T00:00:01Z'"
    assert after.startswith("updated_at:>='2026-05-01T00:00:01Z'")


def counting(moments: list[datetime], limit: int) -> Callable[[tuple], dict]:
    def count(span: tuple) -> dict:
        held = sum((span[0] is None or moment >= span[0]) and moment < span[1] for moment in moments)
        return {"count": min(held, limit), "precision": "EXACT" if held < limit else "AT_LEAST"}

    return count


@pytest.mark.parametrize("since", [SINCE, None])
def test_a_crowded_window_is_read_in_pieces_that_lose_and_double_nothing(since: datetime | None) -> None:
    moments = [SINCE + timedelta(seconds=second % 1_800) for second in range(95)]
    moments += [SINCE + timedelta(seconds=7)] * 5
    spans = list(split_range((since, UNTIL), count=counting(moments, 10)))
    assert (spans[0][0], spans[-1][1]) == (since, UNTIL)
    assert all(end == begin for (_, end), (begin, _) in pairwise(spans))
    assert sum(counting(moments, 10_000)(span)["count"] for span in spans) == len(moments)
    assert all(counting(moments, 10_000)(span)["count"] < 10 for span in spans)


def test_a_second_that_is_too_crowded_stays_whole() -> None:
    spans = list(split_range((SINCE, SINCE + timedelta(seconds=4)), count=counting([SINCE] * 50, 10)))
    assert spans[0] == (SINCE, SINCE + timedelta(seconds=1))
