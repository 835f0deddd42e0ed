"""Windows: who decides them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window, resolve

HOUR = {
    "data_interval_start": pendulum.datetime(2026, 5, 1, 10),
    "data_interval_end": pendulum.datetime(2026, 5, 1, 11),
}


def test_explicit_arguments_win_over_the_data_interval_and_get_no_lookback() -> None:
    window = resolve(since="2026-01-01", until="2026-01-02T03:04:05+02:00", context=HOUR, lookback=timedelta(hours=2))

    assert window.to_dict() == {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T01:04:05Z"}
    assert window.origin == "arguments"


def test_since_alone_reaches_to_the_end_of_the_interval() -> None:
    assert resolve(since="2026-01-01", context=HOUR).until == datetime(2026, 5, 1, 11, tzinfo=UTC)


def test_since_alone_without_an_interval_reaches_to_now() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    assert resolve(since="2026-01-01", now=now).until == now


def test_the_data_interval_is_begun_earlier_by_the_lookback() -> None:
    window = resolve(context=HOUR, lookback=timedelta(minutes=15))

    assert window.to_dict() == {"since": "2026-05-01T09:45:00Z", "until": "2026-05-01T11:00:00Z"}
    assert window.origin == "data interval"


MARK = datetime(2026, 5, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMPTY = {**HOUR, "data_interval_end": HOUR["data_interval_start"]}


@pytest.mark.parametrize("context", [{}, EMPTY])
def test_without_an_interval_the_watermark_less_the_lookback_begins_the_window(context: dict) -> None:
    window = resolve(context=context, watermark=MARK, initial_since="2026-01-01", lookback=timedelta(hours=2), now=NOON)

    assert window.to_dict() == {"since": "2026-05-01T06:00:00Z", "until": "2026-05-01T12:00:00Z"}
    assert window.origin == "watermark"


def test_an_interval_goes_before_the_watermark_and_arguments_before_both() -> None:
    assert resolve(context=HOUR, watermark=MARK, now=NOON).origin == "data interval"
    assert resolve(since="2026-01-01", context=HOUR, watermark=MARK, now=NOON).origin == "arguments"


def test_without_a_watermark_the_given_beginning_counts_as_it_is() -> None:
    window = resolve(initial_since="2026-01-01", lookback=timedelta(hours=2), now=NOON)

    assert window.to_dict() == {"since": "2026-01-01T00:00:00Z", "until": "2026-05-01T12:00:00Z"}
    assert window.origin == "initial_since"


def test_a_watermark_ahead_of_the_clock_leaves_a_little_to_read() -> None:
    window = resolve(watermark=NOON + timedelta(minutes=1), now=NOON)

    assert (window.since, window.until) == (NOON - timedelta(seconds=1), NOON)


@pytest.mark.parametrize("blank", [None, "", "None"])
def test_a_blank_template_counts_as_not_given(blank: str | None) -> None:
    assert resolve(since=blank, until=blank, context=HOUR).origin == "data interval"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"until": "2026-01-01"}, "'until' is given but 'since' is not"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "is empty"),
        ({"since": "2026-01-02", "until": "2026-01-02"}, "is empty"),
        ({"since": "last Tuesday", "until": "2026-01-02"}, "'since' is not a time: 'last Tuesday'"),
        ({"since": 5, "until": "2026-01-02"}, "'since' is not a time but int"),
        ({}, "no data interval"),
        ({"context": {**HOUR, "data_interval_end": HOUR["data_interval_start"]}}, "data interval is empty"),
    ],
)
def test_what_gives_no_window_is_one_clear_line(arguments: dict, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as caught:
        resolve(**arguments)

    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_window_travels_as_text_without_losing_microseconds() -> None:
    window = Window(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    assert Window.from_dict(window.to_dict()) == window


def test_a_window_is_split_without_gap_or_overlap():
    window = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 6, tzinfo=UTC))
    parts = list(window.split(timedelta(days=2)))
    assert [(part.since.day, part.until.day) for part in parts] == [(1, 3), (3, 5), (5, 6)]
    assert list(window.split(timedelta(days=5))) == [window]
