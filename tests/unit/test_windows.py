"""Windows and time ranges: what decides a window, and how ranges are halved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import TimeRange, Window, resolve

HOUR = {
    "data_interval_start": pendulum.datetime(2026, 5, 1, 10),
    "data_interval_end": pendulum.datetime(2026, 5, 1, 11),
}


def test_explicit_arguments_win_over_the_data_interval_and_get_no_lookback() -> None:
    window = resolve(since="2026-01-01", until="2026-01-02T03:04:05+02:00", context=HOUR, lookback=timedelta(hours=2))

    assert window.to_dict() == {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T01:04:05Z"}
    assert window.origin == "arguments"


def test_since_alone_ends_at_the_end_of_the_interval() -> None:
    assert resolve(since="2026-01-01", context=HOUR).until == datetime(2026, 5, 1, 11, tzinfo=UTC)


def test_since_alone_without_an_interval_ends_now() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)

    assert resolve(since="2026-01-01", now=now).until == now


def test_the_lookback_moves_the_start_of_the_data_interval() -> None:
    window = resolve(context=HOUR, lookback=timedelta(minutes=15))

    assert window.to_dict() == {"since": "2026-05-01T09:45:00Z", "until": "2026-05-01T11:00:00Z"}
    assert window.origin == "data interval"


WATERMARK = datetime(2026, 5, 1, 8, tzinfo=UTC)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
EMPTY = {**HOUR, "data_interval_end": HOUR["data_interval_start"]}


@pytest.mark.parametrize("context", [{}, EMPTY])
def test_without_an_interval_the_window_starts_at_watermark_minus_lookback(context: dict) -> None:
    window = resolve(
        context=context, watermark=WATERMARK, initial_since="2026-01-01", lookback=timedelta(hours=2), now=NOON
    )

    assert window.to_dict() == {"since": "2026-05-01T06:00:00Z", "until": "2026-05-01T12:00:00Z"}
    assert window.origin == "watermark"


def test_arguments_win_over_the_interval_and_the_interval_over_the_watermark() -> None:
    assert resolve(context=HOUR, watermark=WATERMARK, now=NOON).origin == "data interval"
    assert resolve(since="2026-01-01", context=HOUR, watermark=WATERMARK, now=NOON).origin == "arguments"


def test_without_a_watermark_initial_since_is_used_unchanged() -> None:
    window = resolve(initial_since="2026-01-01", lookback=timedelta(hours=2), now=NOON)

    assert window.to_dict() == {"since": "2026-01-01T00:00:00Z", "until": "2026-05-01T12:00:00Z"}
    assert window.origin == "initial_since"


def test_a_watermark_in_the_future_gives_a_short_window() -> None:
    window = resolve(watermark=NOON + timedelta(minutes=1), now=NOON)

    assert (window.since, window.until) == (NOON - timedelta(seconds=1), NOON)


@pytest.mark.parametrize("blank", [None, "", "None"])
def test_a_blank_template_is_not_a_value(blank: str | None) -> None:
    assert resolve(since=blank, until=blank, context=HOUR).origin == "data interval"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"until": "2026-01-01"}, "'until' is set but 'since' is not"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "is empty"),
        ({"since": "2026-01-02", "until": "2026-01-02"}, "is empty"),
        ({"since": "last Tuesday", "until": "2026-01-02"}, "'since' is not a timestamp: 'last Tuesday'"),
        ({"since": 5, "until": "2026-01-02"}, "'since' is not a timestamp but int"),
        ({}, "no data interval"),
        ({"context": {**HOUR, "data_interval_end": HOUR["data_interval_start"]}}, "data interval is empty"),
    ],
)
def test_the_error_without_a_window_is_one_clear_line(arguments: dict, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error) as caught:
        resolve(**arguments)

    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_window_as_text_keeps_microseconds() -> None:
    window = Window(datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))

    assert Window.from_dict(window.to_dict()) == window


def test_a_window_is_split_without_gap_or_overlap() -> None:
    window = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 6, tzinfo=UTC))
    parts = list(window.split(timedelta(days=2)))
    assert [(part.since.day, part.until.day) for part in parts] == [(1, 3), (3, 5), (5, 6)]
    assert list(window.split(timedelta(days=5))) == [window]


def test_a_time_range_contains_its_start_but_not_its_end() -> None:
    day = TimeRange.parse("2026-05-01", datetime(2026, 5, 2, tzinfo=UTC))

    assert day.contains(datetime(2026, 5, 1, tzinfo=UTC))
    assert not day.contains(datetime(2026, 5, 2, tzinfo=UTC))
    assert TimeRange().contains(NOON)


def test_an_open_time_range_is_not_a_window_and_has_no_midpoint() -> None:
    open_range = TimeRange.parse("2026-05-01", "")

    assert open_range.until is None
    assert open_range.to_window() is None
    assert open_range.midpoint(SECOND) is None
    assert not open_range.is_unbounded
    assert TimeRange.parse(None, None).is_unbounded


def test_a_bounded_time_range_becomes_a_window() -> None:
    window = TimeRange.parse("2026-05-01", "2026-05-02").to_window()

    assert window == Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))


# --- midpoints ---

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
def test_the_midpoint_is_a_whole_step(length: timedelta, step: timedelta, half: timedelta) -> None:
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
def test_a_range_without_a_whole_step_inside_has_no_midpoint(since: datetime, until: datetime, step: timedelta) -> None:
    assert TimeRange(since, until).midpoint(step) is None


def test_repeated_halving_ends_at_single_steps() -> None:
    ranges = [(NOON, NOON + timedelta(milliseconds=7))]
    steps: list[tuple[datetime, datetime]] = []
    while ranges:
        since, until = ranges.pop()
        half = TimeRange(since, until).midpoint(MILLISECOND)
        if half is None:
            steps.append((since, until))
        else:
            ranges += [(half, until), (since, half)]

    assert steps == [(NOON + number * MILLISECOND, NOON + (number + 1) * MILLISECOND) for number in range(7)]


def test_a_window_takes_texts_and_naive_times_and_refuses_what_is_no_time() -> None:
    expected = Window(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))

    assert Window("2026-05-01", "2026-05-02") == Window(datetime(2026, 5, 1), datetime(2026, 5, 2)) == expected  # type: ignore[arg-type]
    assert Window("2026-05-01", "2026-05-02").to_dict() == expected.to_dict()  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="'until' is not a timestamp"):
        Window("2026-05-01", "tomorrow")  # type: ignore[arg-type]
