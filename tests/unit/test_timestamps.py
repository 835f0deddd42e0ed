"""Timestamps: what is accepted, and the one form in which they are printed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_partners import timestamps
from airflow_provider_partners.exceptions import ConfigurationError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01T12:00:00",
        "2026-05-01 12:00",
        "20260501T120000Z",
        "2026-05-01T12:00:00.000000000Z",
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=-5))),
    ],
)
def test_text_and_datetimes_become_utc(value: Any) -> None:
    assert timestamps.parse(value).isoformat() == "2026-05-01T12:00:00+00:00"


def test_a_date_is_its_midnight_in_utc() -> None:
    assert timestamps.parse(date(2026, 5, 1)) == datetime(2026, 5, 1, tzinfo=UTC)


# ISO 8601-1, 5.4: a point in time has a whole date. Words, reduced dates, weeks, times of day, durations and intervals
# are other things, which a lenient parser takes for some point in time.
@pytest.mark.parametrize(
    "value",
    [
        *(
            "tomorrow",
            "now",
            "today",
            "2026-13-01",
            5,
            None,
            "",
            "2026",
            "2026-05",
            "2026-W01",
            "2026-W01-2",
            "2026-121",
        ),
        *("10:00", "T10:00", "P1D", "PT1H", "2026-01-01/2026-02-01", "2026-05-01T12:00:00Z/P1D", "2026/05/01"),
        *("1746757960", "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00", "\uff12026-05-01"),
        *("2026-05-01T12:00:00Zfoo", "2026-05-01T", "2026-05-01 now"),
    ],
)
def test_a_users_invalid_timestamp_is_an_error_with_the_arguments_name(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="'since' is not a timestamp"):
        timestamps.parse(value, "since")


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-05-01T12:00:00.1Z", 100_000),
        ("2026-05-01T12:00:00.1234567Z", 123_456),
        ("2026-05-01T12:00:00.123456789+00:00", 123_456),
        (" 2026-05-01T12:00:00 ", 0),
    ],
)
def test_a_partners_timestamp_can_have_any_precision(text: str, microsecond: int) -> None:
    assert timestamps.try_parse(text) == NOON.replace(microsecond=microsecond)


@pytest.mark.parametrize("value", ["yesterday", "", None, 17, {}, "0001-01-01T00:00:00+14:00"])
def test_a_partners_invalid_timestamp_is_none(value: Any) -> None:
    assert timestamps.try_parse(value) is None


def test_the_error_about_a_long_text_is_short() -> None:
    with pytest.raises(ConfigurationError) as raised:
        timestamps.parse("x" * 1_000_000)
    assert len(str(raised.value)) < 200


def test_microseconds_are_printed_only_if_they_are_not_zero() -> None:
    assert timestamps.isoformat(NOON) == "2026-05-01T12:00:00Z"
    assert timestamps.isoformat(NOON.replace(microsecond=5)) == "2026-05-01T12:00:00.000005Z"
    assert timestamps.isoformat(NOON, "milliseconds") == "2026-05-01T12:00:00.000Z"


def test_every_time_zone_is_printed_as_utc() -> None:
    assert timestamps.isoformat(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-05-01T12:00:00Z"
    assert timestamps.isoformat(NOON.replace(tzinfo=None)) == "2026-05-01T12:00:00Z"


def test_epoch_seconds_are_rounded_down() -> None:
    assert timestamps.to_epoch(NOON.replace(microsecond=999_999)) == 1_777_636_800
    assert timestamps.to_epoch(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1
    assert timestamps.from_epoch(1_777_636_800) == NOON
