"""Walking back from the newest row: how far, in which order, and with rows coming and going meanwhile."""

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

Row = dict[str, Any]


class Server:
    """A list in numbered pages, of which some orders are refused or not kept; ``before`` happens between requests."""

    def __init__(self, rows: list[Row], *, size: int = 3, refuses: tuple[str, ...] = (), ignores: tuple[str, ...] = ()):
        self.rows = rows
        self.size = size
        self.refuses = refuses
        self.ignores = ignores
        self.before: Callable[[int], None] = lambda request: None
        self.asked: list[tuple[str, int]] = []
        self.totals = True

    def pages(self, sort: str) -> Callable[[Cursor], Page]:
        def fetch(cursor: Cursor) -> Page:
            number = int(cursor.get("page", 1))
            self.before(len(self.asked) + 1)
            self.asked.append((sort, number))
            if sort in self.refuses:
                raise RejectedError("Bad Request", status=400)
            rows = list(self.rows)
            if sort not in self.ignores:
                rows.sort(key=lambda row: (row[sort[1:]] is None, row[sort[1:]] or 0), reverse=True)
            page = rows[(number - 1) * self.size : number * self.size]
            more = number * self.size < len(rows)
            return Page(page, {"page": number + 1} if more else None, len(rows) if self.totals else None)

        return StablePages("returns", fetch, self.size).fetch


def rows(*times: int | None, **more: Any) -> list[Row]:
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
        keeps=lambda row: row["made"] is None or since <= row["made"] < until,
        refused_sorts=set() if refused is None else refused,
    )
    segment = Segment("returns", newest.fetch)
    return Extraction(source="yofi", resource="returns", request={}, segments=[segment])


def ids(extraction: Extraction) -> list[str]:
    return [row["id"] for row in extraction.records()]


def test_the_walk_ends_behind_a_page_that_lies_before_the_window() -> None:
    server = Server(rows(*range(100, 0, -1)))

    assert ids(walk(server, since=95)) == ["r0", "r1", "r2", "r3", "r4", "r5"]
    # 100..98, 97..95, 94..92 are read, and the first page once more.
    assert [number for _, number in server.asked] == [1, 2, 3, 1]


def test_rows_are_cut_to_the_window_at_both_ends() -> None:
    server = Server(rows(*range(20, 0, -1)))

    assert [row["made"] for row in walk(server, since=9, until=14).records()] == [13, 12, 11, 10, 9]


def test_a_list_of_one_page_is_read_once() -> None:
    server = Server(rows(3, 2, 1))

    assert ids(walk(server, since=0)) == ["r0", "r1", "r2"]
    assert len(server.asked) == 1


def test_an_order_that_is_refused_gives_way_to_the_next_one_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    refused: set[str] = set()
    server = Server(rows(*range(9, 0, -1)), refuses=("-made",))

    assert len(ids(walk(server, since=5, refused=refused))) == 5
    assert server.asked[:2] == [("-made", 1), ("-ordered", 1)]
    assert "the order -made is refused, so it is walked in the order -ordered" in caplog.text

    server.asked.clear()
    assert len(ids(walk(server, since=5, refused=refused))) == 5
    assert server.asked[0] == ("-ordered", 1), "it is remembered"


def test_an_order_that_is_taken_and_not_kept_gives_way_too(caplog: pytest.LogCaptureFixture) -> None:
    listed = rows(5, 9, 1, 8, 2, 7, 3, 6, 4)
    server = Server(listed, ignores=("-made",))

    assert sorted(ids(walk(server, since=6))) == sorted(row["id"] for row in listed if row["made"] >= 6)
    assert "is taken, but not kept" in caplog.text


def test_where_no_order_is_kept_the_list_is_read_to_its_end(caplog: pytest.LogCaptureFixture) -> None:
    listed = rows(*range(1, 20))
    server = Server(listed, ignores=("-made", "-ordered"))

    assert sorted(ids(walk(server, since=17))) == ["r16", "r17", "r18"]
    assert "is not kept, so the list is read to its end" in caplog.text


def test_what_every_order_is_refused_for_is_raised_and_held_against_none() -> None:
    refused: set[str] = set()
    server = Server(rows(1), refuses=("-made", "-ordered"))

    with pytest.raises(RejectedError):
        ids(walk(server, since=0, refused=refused))
    assert refused == set()


def test_sorted_by_orders_the_walk_goes_on_as_far_as_returns_may_be_late() -> None:
    late = [{"id": "late", "made": 100, "ordered": 70}, {"id": "old", "made": 70, "ordered": 69}]
    listed = [*rows(*range(101, 97, -1)), *({"id": f"x{n}", "made": n, "ordered": n} for n in range(97, 60, -1)), *late]
    server = Server(listed, refuses=("-made",))

    assert "late" not in ids(walk(server, since=98, back=5))
    assert "late" in ids(walk(server, since=98, back=30))


def test_rows_that_arrive_meanwhile_are_found_at_the_end() -> None:
    server = Server(rows(*range(30, 0, -1)))

    def arrive(request: int) -> None:
        if request in {2, 3, 4, 6}:
            server.rows.append({"id": f"new{request}", "made": 30 + request, "ordered": 30 + request})

    server.before = arrive

    found = ids(walk(server, since=20))

    assert len(found) == len(set(found))
    assert {f"r{place}" for place in range(11)} | {"new2", "new3", "new4"} <= set(found)


def test_more_rows_than_a_page_may_arrive_meanwhile() -> None:
    server = Server(rows(*range(30, 0, -1)), size=4)

    def arrive(request: int) -> None:
        if request == 2:
            server.rows += [{"id": f"new{n}", "made": 31 + n, "ordered": 31 + n} for n in range(11)]

    server.before = arrive

    found = ids(walk(server, since=20))

    assert sorted(found) == sorted([*(f"r{place}" for place in range(11)), *(f"new{n}" for n in range(11))])


def test_many_rows_of_one_moment_are_neither_lost_nor_doubled() -> None:
    listed = rows(*[50] * 10, *[40] * 5, *range(39, 20, -1))
    server = Server(listed, size=4)

    def change(request: int) -> None:
        if request == 3:
            server.rows.insert(0, {"id": "same", "made": 50, "ordered": 50})

    server.before = change

    found = ids(walk(server, since=40))

    assert sorted(found) == sorted(["same", *(f"r{place}" for place in range(15))])


def test_a_removal_before_the_reader_hides_no_row() -> None:
    server = Server(rows(*range(30, 0, -1)))

    def remove(request: int) -> None:
        if request in {2, 4}:
            server.rows.pop(0)

    server.before = remove

    found = ids(walk(server, since=10))

    assert len(found) == len(set(found))
    assert {f"r{place}" for place in range(2, 21)} <= set(found)


def test_a_removal_of_more_than_can_be_followed_is_told() -> None:
    server = Server(rows(*range(3000, 0, -1)), size=100)

    def remove(request: int) -> None:
        if request == 8:
            del server.rows[:650]

    server.before = remove

    with pytest.raises(PagingError, match="650 rows of 'returns' were removed between two pages"):
        ids(walk(server, since=0))


def test_rows_without_a_date_are_kept_wherever_they_stand() -> None:
    server = Server(rows(None, None, None, None, *range(9, 0, -1)))

    assert ids(walk(server, since=6)) == [f"r{place}" for place in range(8)]


def test_the_same_page_twice_running_is_an_error() -> None:
    stuck = Page(rows(5, 4, 3), {"page": 2})
    order = SortOrder(
        sort="-made", field="made", stop_below=0, fetch=StablePages("returns", lambda cursor: stuck, 3).fetch
    )
    newest = NewestFirstPages(
        name="returns", sort_orders=[order], key=("id",), keeps=lambda row: False, refused_sorts=set()
    )

    with pytest.raises(PagingError, match="the same page twice running"):
        ids(Extraction(source="y", resource="r", request={}, segments=[Segment("r", newest.fetch)]))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_comes_and_goes_nothing_is_lost_or_doubled_and_any_step_can_be_taken_up_again(seed: int) -> None:
    """Arrivals and removals between any two requests, with the walk broken off and taken up at random."""
    chance = random.Random(seed)
    now = 200
    listed = rows(*sorted((chance.randrange(100, now) for _ in range(chance.randrange(5, 90))), reverse=True))
    stay = {row["id"] for row in listed}
    server = Server(listed, size=chance.choice([4, 7, 10]), refuses=chance.choice([(), ("-made",)]))
    arrived: dict[str, int] = {}

    def change(request: int) -> None:
        for _ in range(chance.choice([0, 0, 1, 2])):
            row = {"id": f"new{len(arrived)}", "made": now + len(arrived), "ordered": now + len(arrived)}
            arrived[row["id"]] = request
            server.rows.append(row)
        if chance.random() < 0.2 and not arrived:
            gone = server.rows.pop(chance.randrange(len(server.rows)))
            stay.discard(gone["id"])

    server.before = change
    since = chance.randrange(100, 190)
    wanted = {row["id"] for row in listed if row["made"] >= since}
    extraction = walk(server, since=since)

    found: list[str] = []
    position = None
    while True:
        for step in extraction.pages(position=position):
            found += [row["id"] for row in step.records]
            position = json.loads(json.dumps(step.position))
            if chance.random() < 0.3:
                break
        if position is None:
            break

    assert len(found) == len(set(found))
    assert wanted & stay <= set(found)
    reread = max((number for number, (_, page) in enumerate(server.asked, 1) if page == 1), default=1)
    # What came before the front was read for the last time is there, too.
    if reread > 1 and server.asked.count(server.asked[reread - 1]) > 1:
        assert {id_ for id_, request in arrived.items() if request <= reread} <= set(found)
