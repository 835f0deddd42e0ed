"""Shopify's search strings, and large time ranges split into parts without gaps and overlaps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from airflow_provider_partners.api.shopify_admin import search
from airflow_provider_partners.api.shopify_admin.search import build_search, in_whole_seconds, validate_query
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange

SINCE, UNTIL = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 1, 1, tzinfo=UTC)
LIMIT = 10


@pytest.mark.parametrize(
    "query", ["name:'a (b'", r"name:'Bob\'s'", "(tag:a) OR (tag:b)", r"title:a\(b", r"title:a\:b\)", r"a\\ b", "-'x'"]
)
def test_a_valid_search_passes(query: str) -> None:
    assert validate_query(query) == query


@pytest.mark.parametrize(
    ("query", "quoted"),
    [
        ("created_at:>=2026-05-01T10:00:00Z", "created_at:>='2026-05-01T10:00:00Z'"),
        ("(created_at:<2026-05-01T10:00:00+02:00 OR tag:a)", "(created_at:<'2026-05-01T10:00:00+02:00' OR tag:a)"),
        ("-processed_at:2026-05-01t10:00", "-processed_at:'2026-05-01t10:00'"),
        (r"created_at:> 2026-05-01T10\:00\:00Z", "created_at:> '2026-05-01T10:00:00Z'"),
        ("metafields.custom.due:<=2026-05-01T10:00:00.5Z", "metafields.custom.due:<='2026-05-01T10:00:00.5Z'"),
        # Nothing to quote: a whole day is meant, the time is quoted, or it is part of a text.
        ("created_at:>2026-05-01", "created_at:>2026-05-01"),
        ("created_at:<'2026-05-01T10:00:00Z'", "created_at:<'2026-05-01T10:00:00Z'"),
        ('created_at:<"2026-05-01T10:00:00Z"', 'created_at:<"2026-05-01T10:00:00Z"'),
        ("name:'see:2026-05-01T10:00:00Z'", "name:'see:2026-05-01T10:00:00Z'"),
        # An escaped colon is a letter of a word.
        (r"a\:2026-05-01T10:00", r"a\:2026-05-01T10:00"),
    ],
)
def test_times_are_quoted_because_shopify_widens_unquoted_ones_to_days(query: str, quoted: str) -> None:
    # Shopify's own examples quote times: https://shopify.dev/docs/api/usage/search-syntax. What happens otherwise is
    # reported in https://github.com/Shopify/shopify-api-ruby/issues/588.
    assert validate_query(query) == quoted


@pytest.mark.parametrize(
    "query",
    [
        # The last parenthesis of the group would be a letter.
        "\\",
        "tag:a\\",
        # An escaped parenthesis opens nothing, so the next one would close the group.
        r"\( a) OR tag:b",
        r"tag:b \(x) OR (y",
        # Whether a backslash escapes these quotes is not documented: one of the readings leaves the group.
        r"\'a) OR (b'",
        r"\"a) OR (b\"",
        # By the grammar a phrase begins where a value does. A quote inside of a word is a letter.
        "D'Addario) OR (x'y",
        "a-'b) OR (c'",
        r"a\:'b) OR (c'",
    ],
)
def test_a_search_that_could_leave_its_parentheses_is_refused(query: str) -> None:
    """Special characters are ``: \\ ( )``, see https://shopify.dev/docs/api/usage/search-syntax."""
    with pytest.raises(ConfigurationError, match="without its counterpart"):
        validate_query(query)


def test_a_time_before_an_escaped_parenthesis_is_quoted_without_it() -> None:
    assert validate_query(r"created_at:2026-05-01T10\:00\(b") == r"created_at:'2026-05-01T10:00'\(b"


@pytest.mark.parametrize("query", ["created_at:>2026-05-01 10:00:00", "tag:a created_at:2026-05-01  9:30"])
def test_a_time_with_a_space_is_refused(query: str) -> None:
    with pytest.raises(ConfigurationError, match="Write it in quotes"):
        validate_query(query)


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
