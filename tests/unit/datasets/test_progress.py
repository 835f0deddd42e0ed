from __future__ import annotations

from airflow_provider_partners.datasets.progress import Progress, ProgressLog, format_progress


def progress(records, total=None, resumed_records=0):
    return Progress(records=records, parts=4, total=total, seconds=10.0, resumed_records=resumed_records)


def test_progress_is_logged_every_few_seconds_and_not_for_every_page():
    lines, now = [], [0.0]
    log = ProgressLog(lambda line, *values: lines.append(line % values), "orders", interval=15, clock=lambda: now[0])
    for second in range(0, 46, 5):
        now[0] = float(second)
        log(progress(second))
    assert [line.split(":")[0] for line in lines] == ["orders so far"] * 3


def test_progress_shows_the_rate_and_the_time_left():
    line = format_progress(progress(400, total=1000))
    assert line == "400 of 1000 records in 4 parts, 40.0 records/s, about 15 s left"


def test_progress_shows_the_records_of_an_earlier_try():
    line = format_progress(progress(400, resumed_records=300))
    assert line == "400 records in 4 parts, 10.0 records/s, 300 of them by an earlier try"
