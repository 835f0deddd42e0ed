"""The newest-first walk: how far it reads, in which sort order, and with records added and deleted meanwhile."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.yofi.newest_first import NewestFirstPages, SortOrder
from airflow_provider_partners.api.yofi.stable_pages import StablePages
from airflow_provider_partners.exceptions import PagingError, RejectedError

Record = dict[str, Any]


class Server:
    """A list in numbered pages. It may refuse or ignore sort orders; ``before`` is called before each request."""

    def __init__(
        self, records: list[Record], *, size: int = 3, refuses: tuple[str, ...] = (), ignores: tuple[str, ...] = ()
    ):
        self.records = records
        self.size = size
        self.refuses = refuses
        self.ignores = ignores
        self.before: Callable[[int], None] = lambda request: None
        self.requests: list[tuple[str, int]] = []
        self.totals = True

    def pages(self, sort: str) -> Callable[[Cursor], Page]:
        def fetch(cursor: Cursor) -> Page:
            number = int(cursor.get("page", 1))
            self.before(len(self.requests) + 1)
            self.requests.append((sort, number))
            if sort in self.refuses:
                raise RejectedError("Bad Request", status=400)
            records = list(self.records)
            if sort not in self.ignores:
                records.sort(key=lambda record: (record[sort[1:]] is None, record[sort[1:]] or 0), reverse=True)
            page = records[(number - 1) * self.size : number * self.size]
            more = number * self.size < len(records)
            return Page(page, {"page": number + 1} if more else None, len(records) if self.totals else None)

        return StablePages("returns", fetch, self.size).fetch


def made_at(*times: int | None, **more: Any) -> list[Record]:
    return [{"id": f"r{place}", "made": made, "ordered": made, **more} for place, made in enumerate(times)]


def walk(server: Server, *, since: int, until: int = 10**9, back: int = 0, refused: set[str] | None = None) -> Any:
    orders = [
        SortOrder(sort=f"-{name}", field=name, stop_below=since - slack, fetch=server.pages(f"-{name}"))
        for name, slack in (("made", 0), ("ordered", back))
    ]
    newest = NewestFirstPages(
        name="returns",
        sort_orders=orders,
        key=("id",),
        keeps=lambda record: record["made"] is None or since <= record["made"] < until,
        refused_sorts=set() if refused is None else refused,
    )
    segment = Segment("returns", newest.fetch)
    return Extraction(source="yofi", resource="returns", request={}, segments=[segment])


def ids(extraction: Extraction) -> list[str]:
    return [record["id"] for record in extraction.records()]


def test_the_walk_ends_after_a_page_before_the_time_range() -> None:
    server = Server(made_at(*range(100, 0, -1)))

    assert ids(walk(server, since=95)) == ["r0", "r1", "r2", "r3", "r4", "r5"]
    # It reads 100..98, 97..95, 94..92, and the first page once more.
    assert [number for _, number in server.requests] == [1, 2, 3, 1]


def test_records_are_limited_to_the_time_range_at_both_ends() -> None:
    server = Server(made_at(*range(20, 0, -1)))

    assert [record["made"] for record in walk(server, since=9, until=14).records()] == [13, 12, 11, 10, 9]


def test_a_list_of_one_page_is_read_once() -> None:
    server = Server(made_at(3, 2, 1))

    assert ids(walk(server, since=0)) == ["r0", "r1", "r2"]
    assert len(server.requests) == 1


def test_a_refused_sort_order_is_replaced_by_the_next_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    refused: set[str] = set()
    server = Server(made_at(*range(9, 0, -1)), refuses=("-made",))

    assert len(ids(walk(server, since=5, refused=refused))) == 5
    assert server.requests[:2] == [("-made", 1), ("-ordered", 1)]
    assert "the order -made is refused, so the list is read in the order -ordered" in caplog.text

    server.requests.clear()
    assert len(ids(walk(server, since=5, refused=refused))) == 5
    assert server.requests[0] == ("-ordered", 1), "the walk remembers it"


def test_an_ignored_sort_order_is_replaced_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    listed = made_at(5, 9, 1, 8, 2, 7, 3, 6, 4)
    server = Server(listed, ignores=("-made",))

    assert sorted(ids(walk(server, since=6))) == sorted(record["id"] for record in listed if record["made"] >= 6)
    assert "is accepted, but not kept" in caplog.text


def test_if_no_sort_order_is_kept_the_list_is_read_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    listed = made_at(*range(1, 20))
    server = Server(listed, ignores=("-made", "-ordered"))

    assert sorted(ids(walk(server, since=17))) == ["r16", "r17", "r18"]
    assert "is not kept, so the list is read to its end" in caplog.text


def test_an_error_of_every_sort_order_is_raised_and_marks_none_as_refused() -> None:
    refused: set[str] = set()
    server = Server(made_at(1), refuses=("-made", "-ordered"))

    with pytest.raises(RejectedError):
        ids(walk(server, since=0, refused=refused))
    assert refused == set()


def test_sorted_by_order_dates_the_walk_reads_as_far_back_as_returns_may_be_late() -> None:
    late = [{"id": "late", "made": 100, "ordered": 70}, {"id": "old", "made": 70, "ordered": 69}]
    listed = [
        *made_at(*range(101, 97, -1)),
        *({"id": f"x{n}", "made": n, "ordered": n} for n in range(97, 60, -1)),
        *late,
    ]
    server = Server(listed, refuses=("-made",))

    assert "late" not in ids(walk(server, since=98, back=5))
    assert "late" in ids(walk(server, since=98, back=30))


def test_records_that_arrive_during_the_walk_are_read_at_the_end() -> None:
    server = Server(made_at(*range(30, 0, -1)))

    def arrive(request: int) -> None:
        if request in {2, 3, 4, 6}:
            server.records.append({"id": f"new{request}", "made": 30 + request, "ordered": 30 + request})

    server.before = arrive

    read_ids = ids(walk(server, since=20))

    assert len(read_ids) == len(set(read_ids))
    assert {f"r{place}" for place in range(11)} | {"new2", "new3", "new4"} <= set(read_ids)


def test_more_records_than_a_page_may_arrive_during_the_walk() -> None:
    server = Server(made_at(*range(30, 0, -1)), size=4)

    def arrive(request: int) -> None:
        if request == 2:
            server.records += [{"id": f"new{n}", "made": 31 + n, "ordered": 31 + n} for n in range(11)]

    server.before = arrive

    read_ids = ids(walk(server, since=20))

    assert sorted(read_ids) == sorted([*(f"r{place}" for place in range(11)), *(f"new{n}" for n in range(11))])


def test_many_records_of_one_timestamp_are_neither_lost_nor_doubled() -> None:
    listed = made_at(*[50] * 10, *[40] * 5, *range(39, 20, -1))
    server = Server(listed, size=4)

    def change(request: int) -> None:
        if request == 3:
            server.records.insert(0, {"id": "same", "made": 50, "ordered": 50})

    server.before = change

    read_ids = ids(walk(server, since=40))

    assert sorted(read_ids) == sorted(["same", *(f"r{place}" for place in range(15))])


def test_a_deletion_on_an_earlier_page_hides_no_record() -> None:
    server = Server(made_at(*range(30, 0, -1)))

    def remove(request: int) -> None:
        if request in {2, 4}:
            server.records.pop(0)

    server.before = remove

    read_ids = ids(walk(server, since=10))

    assert len(read_ids) == len(set(read_ids))
    assert {f"r{place}" for place in range(2, 21)} <= set(read_ids)


def test_a_deletion_of_too_many_records_is_an_error() -> None:
    server = Server(made_at(*range(3000, 0, -1)), size=100)

    def remove(request: int) -> None:
        if request == 8:
            del server.records[:650]

    server.before = remove

    with pytest.raises(PagingError, match="650 records of 'returns' were deleted between two pages"):
        ids(walk(server, since=0))


def test_records_without_a_date_are_kept() -> None:
    server = Server(made_at(None, None, None, None, *range(9, 0, -1)))

    assert ids(walk(server, since=6)) == [f"r{place}" for place in range(8)]


def test_the_same_page_twice_in_a_row_is_an_error() -> None:
    stuck = Page(made_at(5, 4, 3), {"page": 2})
    order = SortOrder(
        sort="-made", field="made", stop_below=0, fetch=StablePages("returns", lambda cursor: stuck, 3).fetch
    )
    newest = NewestFirstPages(
        name="returns", sort_orders=[order], key=("id",), keeps=lambda record: False, refused_sorts=set()
    )

    with pytest.raises(PagingError, match="the same page twice in a row"):
        ids(Extraction(source="y", resource="r", request={}, segments=[Segment("r", newest.fetch)]))


@pytest.mark.parametrize("seed", range(40))
def test_arrivals_and_deletions_lose_or_double_nothing_and_every_position_can_be_resumed(seed: int) -> None:
    """Records arrive and disappear between any two requests, and the walk is interrupted and resumed at random."""
    rng = random.Random(seed)
    now = 200
    listed = made_at(*sorted((rng.randrange(100, now) for _ in range(rng.randrange(5, 90))), reverse=True))
    stay = {record["id"] for record in listed}
    server = Server(listed, size=rng.choice([4, 7, 10]), refuses=rng.choice([(), ("-made",)]))
    arrived: dict[str, int] = {}

    def change(request: int) -> None:
        for _ in range(rng.choice([0, 0, 1, 2])):
            record = {"id": f"new{len(arrived)}", "made": now + len(arrived), "ordered": now + len(arrived)}
            arrived[record["id"]] = request
            server.records.append(record)
        if rng.random() < 0.2 and not arrived:
            removed = server.records.pop(rng.randrange(len(server.records)))
            stay.discard(removed["id"])

    server.before = change
    since = rng.randrange(100, 190)
    in_range = {record["id"] for record in listed if record["made"] >= since}
    extraction = walk(server, since=since)

    read_ids: list[str] = []
    position = None
    while True:
        for step in extraction.pages(position=position):
            read_ids += [record["id"] for record in step.records]
            position = json.loads(json.dumps(step.position))
            if rng.random() < 0.3:
                break
        if position is None:
            break

    assert len(read_ids) == len(set(read_ids))
    assert in_range & stay <= set(read_ids)
    reread = max((number for number, (_, page) in enumerate(server.requests, 1) if page == 1), default=1)
    # Records that arrived before the last re-read of the front are read, too.
    if reread > 1 and server.requests.count(server.requests[reread - 1]) > 1:
        assert {id_ for id_, request in arrived.items() if request <= reread} <= set(read_ids)
