"""Extractions: order, parallel pages, resumption, loop detection, fingerprints."""

from __future__ import annotations

import hashlib
import json
import logging
import random
import threading
import time
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_partners.api.extraction import MAX_REMEMBERED_RECORDS, Extraction, Segment, batches
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.prefetch import THREAD_NAME_PREFIX
from airflow_provider_partners.api.pagination.strategies import TimestampPaginator
from airflow_provider_partners.exceptions import ConfigurationError, PagingError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

Records = list[dict[str, Any]]


def extraction(*segments: Segment, **options: Any) -> Extraction:
    arguments = {"source": "yofi", "resource": "returns", "request": {"shop": "a"}, **options}
    return Extraction(segments=segments, **arguments)


def list_segment(
    name: str, pages: list[Records], *, predictable: bool = False, log: list[str] | None = None
) -> Segment:
    """Return a segment of these pages. Page n has the cursor {"page": n}, the first page {}."""

    def fetch(cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        if log is not None:
            log.append(f"{name}{number}")
        records = [dict(record) for record in pages[number]] if number < len(pages) else []
        return Page(records, {"page": number + 1} if number + 1 < len(pages) else None)

    def predict_next(cursor: Cursor) -> Cursor | None:
        return {"page": cursor.get("page", 0) + 1}

    return Segment(name, fetch, predict_next=predict_next) if predictable else Segment(name, fetch)


def records_of(*numbers: int) -> Records:
    return [{"id": number} for number in numbers]


def ids(extracted: Extraction, **options: Any) -> list[int]:
    return [record["id"] for page in extracted.pages(**options) for record in page.records]


@pytest.fixture(autouse=True)
def _all_workers_end() -> Any:
    yield
    until = time.monotonic() + 60
    while any(thread.name.startswith(THREAD_NAME_PREFIX) for thread in threading.enumerate()):
        assert time.monotonic() < until, "some workers did not end"
        time.sleep(0.001)


both = pytest.mark.parametrize("workers", [1, 4])

# --- order and resumption ---


def layout(seed: int) -> Extraction:
    """Return segments and pages of random lengths, some empty, with some records repeated on the next page."""
    rng = random.Random(seed)
    number_of = count()
    segments = []
    for index in range(rng.randint(1, 5)):
        pages: list[Records] = []
        for number in range(rng.randint(1, 7)):
            page = records_of(*(next(number_of) for _ in range(rng.choice([0, 1, 3, 5]))))
            drifted = pages[-1][-1:] if number and page and rng.random() < 0.4 else []
            pages.append(drifted + page)
        segments.append(list_segment(f"s{index}", pages, predictable=rng.random() < 0.5))
    return extraction(*segments)


@both
@pytest.mark.parametrize("seed", range(25))
def test_every_position_resumes_with_exactly_the_remaining_records(seed: int, workers: int) -> None:
    extracted_pages = list(layout(seed).pages())
    assert extracted_pages[-1].position is None
    total = len([record for page in extracted_pages for record in page.records])
    assert ids(layout(seed), workers=workers) == list(range(total)), "all records, in order, each once"
    for cut, page in enumerate(extracted_pages[:-1]):
        position = json.loads(json.dumps(page.position))
        remaining = [record for later in extracted_pages[cut + 1 :] for record in later.records]
        resumed = layout(seed).pages(position=position, workers=workers)
        assert [record for later in resumed for record in later.records] == remaining


@pytest.mark.parametrize("seed", range(10))
def test_positions_do_not_depend_on_the_number_of_workers(seed: int) -> None:
    assert list(layout(seed).pages(workers=1)) == list(layout(seed).pages(workers=5))


@both
@pytest.mark.parametrize("seed", range(10))
def test_slow_pages_do_not_change_the_order(seed: int, workers: int) -> None:
    rng = random.Random(seed)
    delays = [rng.random() / 200 for _ in range(12)]

    def fetch(cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        time.sleep(delays[number])
        return Page(records_of(number), {"page": number + 1} if number < 11 else None)

    segment = Segment(
        "list",
        fetch,
        predict_next=lambda cursor: {"page": cursor.get("page", 0) + 1} if cursor.get("page", 0) < 11 else None,
    )
    assert ids(extraction(segment), workers=workers) == list(range(12))


@both
def test_an_extraction_without_segments_is_empty(workers: int) -> None:
    assert list(extraction().pages(workers=workers)) == []


@both
def test_an_empty_page_is_yielded_too(workers: int) -> None:
    extracted_pages = list(
        extraction(list_segment("a", [[]]), list_segment("b", [records_of(1)])).pages(workers=workers)
    )
    assert [page.records for page in extracted_pages] == [[], records_of(1)]
    assert extracted_pages[0].position == {"segment": 1, "cursor": {}}


def test_a_segment_can_start_at_its_own_cursor() -> None:
    segment = Segment("late", list_segment("a", [records_of(1), records_of(2), records_of(3)]).fetch, start={"page": 1})
    extracted = extraction(list_segment("first", [records_of(9)]), segment)
    extracted_pages = list(extracted.pages())
    assert [page.records for page in extracted_pages] == [records_of(9), records_of(2), records_of(3)]
    assert extracted_pages[0].position == {"segment": 1, "cursor": {"page": 1}}


@pytest.mark.parametrize(
    "position", [{"segment": 3, "cursor": {}}, {"segment": -1, "cursor": {}}, {"segment": 0}, {"cursor": {}}, {}]
)
def test_a_position_of_another_extraction_is_refused(position: dict[str, Any]) -> None:
    with pytest.raises(PagingError, match="position"):
        list(extraction(list_segment("a", [records_of(1)])).pages(position=position))


def test_zero_workers_are_an_error() -> None:
    with pytest.raises(ConfigurationError, match="'workers' is 0, and a whole number of 1 or more is needed"):
        list(extraction(list_segment("a", [records_of(1)])).pages(workers=0))


@both
def test_records_yields_the_records_of_all_pages(workers: int) -> None:
    extracted = extraction(list_segment("a", [records_of(1, 2), records_of(3)]), list_segment("b", [records_of(4)]))
    assert list(extracted.records(workers=workers)) == records_of(1, 2, 3, 4)


def test_the_total_is_set_for_a_single_segment_only() -> None:
    segment = Segment("a", lambda _: Page(records_of(1), None, total=1))
    assert [page.total for page in extraction(segment).pages()] == [1]
    other = Segment("b", lambda _: Page(records_of(2), None, total=1))
    assert [page.total for page in extraction(segment, other).pages()] == [None, None]


# --- parallel pages ---


def test_segments_are_fetched_at_the_same_time() -> None:
    together = threading.Barrier(4)

    def fetch(number: int) -> Callable[[Cursor], Page]:
        def wait(_: Cursor) -> Page:
            together.wait(timeout=60)
            return Page(records_of(number), None)

        return wait

    extracted = extraction(*(Segment(f"s{number}", fetch(number)) for number in range(4)))
    assert ids(extracted, workers=4) == [0, 1, 2, 3]


def test_pages_with_predictable_cursors_are_fetched_at_the_same_time() -> None:
    together = threading.Barrier(4)
    source = list_segment("a", [records_of(number) for number in range(30)], predictable=True)

    def fetch(cursor: Cursor) -> Page:
        if 12 <= cursor.get("page", 0) < 16:
            together.wait(timeout=60)
        return source.fetch(cursor)

    assert ids(extraction(Segment("a", fetch, predict_next=source.predict_next)), workers=4) == list(range(30))


def slowly(segment: Segment) -> Segment:
    """Return a segment with pages so slow that predictions come before them."""

    def fetch(cursor: Cursor) -> Page:
        page = segment.fetch(cursor)
        time.sleep(0.005)
        return page

    return Segment(segment.name, fetch, predict_next=segment.predict_next)


def test_a_list_of_one_page_costs_one_request() -> None:
    log: list[str] = []
    assert ids(extraction(slowly(list_segment("a", [records_of(1)], predictable=True, log=log))), workers=8) == [1]
    assert log == ["a0"]


def test_fewer_requests_go_beyond_the_end_than_within() -> None:
    for length in (2, 3, 5, 9):
        log: list[str] = []
        ids(
            extraction(slowly(list_segment("a", [records_of(n) for n in range(length)], predictable=True, log=log))),
            workers=8,
        )
        assert len(log) < 2 * length


def test_the_prefetch_is_bounded_while_nobody_reads() -> None:
    log: list[str] = []
    segments = [list_segment(f"s{index}-", [records_of(index)], log=log) for index in range(100)]
    extracted_pages = extraction(*segments).pages(workers=3)
    next(extracted_pages)
    time.sleep(0.05)
    assert len(log) <= 8
    extracted_pages.close()


def test_the_pages_own_cursor_wins_over_the_predicted_one() -> None:
    def fetch(cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        return Page(records_of(number), {"page": number + 2} if number < 20 else None)

    segment = Segment("skips", fetch, predict_next=lambda cursor: {"page": cursor.get("page", 0) + 1})
    assert ids(extraction(segment), workers=4) == list(range(0, 21, 2))


# --- errors ---


def breaking(name: str, at: int, log: list[str] | None = None) -> Segment:
    source = list_segment(name, [records_of(number) for number in range(10)], log=log)

    def fetch(cursor: Cursor) -> Page:
        if cursor.get("page", 0) == at:
            message = f"{name} broke"
            raise TransientError(message)
        return source.fetch(cursor)

    return Segment(name, fetch, predict_next=lambda cursor: {"page": cursor.get("page", 0) + 1})


@both
@pytest.mark.parametrize("at", [0, 1, 4, 9])
def test_an_error_is_raised_after_the_pages_before_it(at: int, workers: int) -> None:
    seen: list[int] = []
    extracted = extraction(list_segment("first", [records_of(100), records_of(101)]), breaking("second", at))
    with pytest.raises(TransientError, match="second broke"):
        seen.extend(record["id"] for record in extracted.records(workers=workers))
    assert seen == [100, 101, *range(at)]


@both
def test_the_first_error_in_list_order_is_raised(workers: int) -> None:
    def slow(_: Cursor) -> Page:
        time.sleep(0.02)
        message = "the first one"
        raise TransientError(message)

    extracted = extraction(Segment("slow", slow), breaking("quick", 0))
    with pytest.raises(TransientError, match="the first one"):
        list(extracted.pages(workers=workers))


def test_an_error_beyond_the_end_of_a_list_is_ignored() -> None:
    source = list_segment("a", [records_of(0), records_of(1), records_of(2)])

    def fetch(cursor: Cursor) -> Page:
        if cursor.get("page", 0) > 2:
            message = "page_over_limit"
            raise TransientError(message)
        return source.fetch(cursor)

    segment = Segment("capped", fetch, predict_next=lambda cursor: {"page": cursor.get("page", 0) + 1})
    assert ids(extraction(segment, list_segment("b", [records_of(7)])), workers=4) == [0, 1, 2, 7]


def test_after_an_error_few_more_requests_start() -> None:
    log: list[str] = []
    segments = [list_segment(f"s{index}-", [records_of(index)], log=log) for index in range(100)]
    with pytest.raises(TransientError):
        list(extraction(breaking("broken", 0), *segments).pages(workers=2))
    assert len(log) <= 4


def test_closing_the_generator_cancels_waiting_requests() -> None:
    log: list[str] = []
    release = threading.Event()
    source = [list_segment(f"s{index}-", [records_of(index)], log=log) for index in range(50)]

    def blocked(segment: Segment) -> Segment:
        def fetch(cursor: Cursor) -> Page:
            release.wait(timeout=5)
            return segment.fetch(cursor)

        return Segment(segment.name, fetch)

    extracted_pages = extraction(source[0], *map(blocked, source[1:])).pages(workers=2)
    next(extracted_pages)
    extracted_pages.close()
    release.set()
    time.sleep(0.02)
    assert len(log) <= 3


def test_records_that_are_not_read_to_the_end_stop_the_workers() -> None:
    extracted = extraction(*(list_segment(f"s{index}", [records_of(index)]) for index in range(50)))
    records = extracted.records(workers=4)
    next(records)
    records.close()  # type: ignore[attr-defined]


# --- loop detection ---


@both
def test_a_repeated_cursor_is_an_error(workers: int) -> None:
    fresh = count()

    def fetch(cursor: Cursor) -> Page:
        return Page(records_of(next(fresh)), {"page": cursor.get("page", 0) % 3 + 1})

    with pytest.raises(PagingError, match=r"'loop'.*leads back"):
        list(extraction(Segment("loop", fetch)).pages(workers=workers))


def test_a_cursor_that_points_to_itself_is_an_error() -> None:
    segment = Segment("stuck", lambda _: Page([], {"token": "same"}))
    with pytest.raises(PagingError, match="leads back"):
        list(extraction(segment).pages())


@both
def test_a_page_of_repeated_records_only_is_an_error(workers: int) -> None:
    segment = Segment("ignores-cursor", lambda cursor: Page(records_of(1, 2), {"page": cursor.get("page", 0) + 1}))
    seen: Records = []
    with pytest.raises(PagingError, match=r"'ignores-cursor'.*ignore the paging"):
        seen.extend(extraction(segment).records(workers=workers))
    assert seen == records_of(1, 2)


def test_two_alternating_pages_are_an_error() -> None:
    segment = Segment(
        "alternates", lambda cursor: Page(records_of(cursor.get("page", 0) % 2), {"page": cursor.get("page", 0) + 1})
    )
    with pytest.raises(PagingError, match="page 3"):
        list(extraction(segment).pages())


def test_a_repeated_page_is_noticed_after_a_resumption_too() -> None:
    segment = Segment("ignores-cursor", lambda cursor: Page(records_of(1, 2), {"page": cursor.get("page", 0) + 1}))
    position = next(extraction(segment).pages()).position
    with pytest.raises(PagingError, match="ignore the paging"):
        list(extraction(segment).pages(position=position))


def test_a_last_page_of_repeated_records_is_no_error() -> None:
    assert ids(extraction(list_segment("a", [records_of(1, 2), records_of(2)]))) == [1, 2]


@both
def test_an_endless_list_is_an_error(workers: int) -> None:
    segment = Segment("endless", lambda cursor: Page(records_of(cursor.get("n", 0)), {"n": cursor.get("n", 0) + 1}))
    extracted = extraction(segment, max_pages=20)
    with pytest.raises(PagingError, match="more than 20 pages"):
        list(extracted.pages(workers=workers))


def test_the_maximum_number_of_pages_is_no_error() -> None:
    assert len(ids(extraction(list_segment("a", [records_of(n) for n in range(20)]), max_pages=20))) == 20


def test_records_that_shift_to_the_next_page_are_yielded_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    extracted = extraction(list_segment("a", [records_of(1, 2, 3), records_of(3, 4, 5), records_of(4, 6)]))
    with caplog.at_level(logging.INFO):
        assert ids(extracted) == [1, 2, 3, 4, 5, 6]
    assert "yofi returns: dropped 2 records" in caplog.text


def test_the_first_of_two_versions_of_a_record_is_kept() -> None:
    pages = [[{"id": 1, "state": "open"}], [{"id": 1, "state": "closed"}, {"id": 2}]]
    assert list(extraction(list_segment("a", pages)).records()) == [{"id": 1, "state": "open"}, {"id": 2}]


def test_the_same_record_in_two_segments_is_yielded_twice() -> None:
    assert ids(extraction(list_segment("a", [records_of(1)]), list_segment("b", [records_of(1)]))) == [1, 1]


def test_all_key_fields_identify_a_record() -> None:
    pages = [[{"shop": {"id": 1}, "type": "x"}], [{"shop": {"id": 1}, "type": "y"}, {"shop": {"id": 1}, "type": "x"}]]
    extracted = extraction(list_segment("a", pages), key=("shop.id", "type"))
    assert [record["type"] for record in extracted.records()] == ["x", "y"]


@pytest.mark.parametrize("key", [(), ("uid",)])
def test_records_without_a_key_are_never_dropped(key: tuple[str, ...]) -> None:
    assert ids(extraction(list_segment("a", [records_of(1), records_of(1), records_of(1)]), key=key)) == [1, 1, 1]


def test_ids_of_different_types_are_different_records() -> None:
    pages = [[{"id": 1}], [{"id": "1"}], [{"id": True}]]
    assert len(list(extraction(list_segment("a", pages)).records())) == 3


def test_a_position_stays_small_in_a_long_list() -> None:
    pages = [records_of(*range(start, start + 50)) for start in range(0, 5_000, 50)]
    extracted_pages = list(extraction(list_segment("a", pages)).pages())
    assert max(len(json.dumps(page.position)) for page in extracted_pages) < MAX_REMEMBERED_RECORDS * 16 + 100


def test_equal_timestamps_across_pages_are_read_once() -> None:
    rng = random.Random(3)
    table = sorted(rng.choice(range(40)) for _ in range(120))
    stored = [{"id": n, "created_at": f"2026-05-01T00:00:{second:02d}.000Z"} for n, second in enumerate(table)]
    for inclusive in (True, False):
        paginator = TimestampPaginator(size=25)

        def fetch(cursor: Cursor, inclusive: bool = inclusive, paginator: TimestampPaginator = paginator) -> Page:
            after = paginator.params(cursor).get("starting_after", "")
            page = [
                record
                for record in stored
                if record["created_at"] > after or (inclusive and record["created_at"] == after)
            ][:25]
            return Page(page, paginator.next(cursor, body={}, records=page))

        for workers in (1, 4):
            assert ids(extraction(Segment("customers", fetch)), workers=workers) == list(range(120))


# --- fingerprint and batches ---


def test_the_fingerprint_ignores_the_order_of_keys() -> None:
    one = extraction(request={"a": 1, "b": {"c": [1, 2], "d": None}})
    other = extraction(request={"b": {"d": None, "c": [1, 2]}, "a": 1})
    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 64


@pytest.mark.parametrize(
    "change",
    [{"source": "yotpo"}, {"resource": "claims"}, {"request": {"shop": "b"}}, {"request": {"shop": "a", "n": None}}],
)
def test_another_request_has_another_fingerprint(change: dict[str, Any]) -> None:
    assert extraction(**change).fingerprint != extraction().fingerprint


def test_the_fingerprint_takes_dates_and_sets_and_is_the_same_in_each_process() -> None:
    timestamp = datetime(2026, 5, 1, tzinfo=UTC)
    one = extraction(request={"since": timestamp, "types": frozenset({"a", "b", "c"})})
    other = extraction(request={"types": {"c", "b", "a"}, "since": timestamp})
    assert one.fingerprint == other.fingerprint
    assert extraction(request={}).fingerprint == hashlib.sha256(b'["yofi","returns",{}]').hexdigest()


def test_batches_are_bounded_and_in_order() -> None:
    assert list(batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
    assert list(batches([], 2)) == []


def test_batches_read_only_what_they_need() -> None:
    read = []

    def values() -> Any:
        for value in range(100):
            read.append(value)
            yield value

    next(batches(values(), 3))
    assert read == [0, 1, 2]


def test_a_batch_size_of_zero_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="batch size of 0"):
        list(batches([1], 0))
