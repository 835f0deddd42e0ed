from __future__ import annotations

from airflow_provider_partners.datasets.progress import Progress, ProgressLog, format_progress


def progress(records, total=None, resumed_records=0):
    return Progress(records=records, parts=4, total=total, seconds=10.0, resumed_records=resumed_records)


def lines_at(*seconds):
    """The times at which a line was logged, of calls at these times. The interval is 15 seconds."""
    logged, now = [], [0.0]
    log = ProgressLog(lambda *_: logged.append(now[0]), "orders", interval=15, clock=lambda: now[0])
    for second in seconds:
        now[0] = float(second)
        log(progress(1))
    return logged


def test_progress_is_logged_at_once_and_then_in_a_fixed_rhythm():
    assert lines_at(*range(2, 50, 2)) == [2, 16, 30, 46]


def test_a_slow_page_does_not_shift_the_rhythm():
    assert lines_at(0, 44, 45, 59, 60) == [0, 44, 45, 60]


def test_without_an_interval_every_page_is_logged():
    lines = []
    log = ProgressLog(lambda line, *values: lines.append(line % values), "orders", interval=0, clock=lambda: 5.0)
    for _ in range(3):
        log(progress(1))
    assert [line.split(":")[0] for line in lines] == ["orders so far"] * 3


def test_progress_shows_the_rate_and_the_time_left():
    line = format_progress(progress(400, total=1000))
    assert line == "400 of 1000 records in 4 parts, 40.0 records/s, about 15 s left"


def test_progress_shows_the_records_of_an_earlier_try():
    line = format_progress(progress(400, resumed_records=300))
    assert line == "400 records in 4 parts, 10.0 records/s, 300 of them by an earlier try"
