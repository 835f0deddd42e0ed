"""The pages of Yofi's lists: every way a list may end, and page sizes that the server doesn't give."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.yofi.pages import PAGE_NUMBER, PAGE_SIZE, PageFetcher, PageSizes
from airflow_provider_partners.exceptions import NotFoundError, PagingError, RejectedError


class Server:
    """A list of rows, and what it tells of its pages.

    :param most: the largest page size
    :param refuses: whether a larger one is refused, or cut in silence
    """

    def __init__(
        self, rows: int, *, most: int = 10_000, refuses: bool = True, tells: tuple[str, ...] = (), fails: bool = False
    ) -> None:
        self.rows = [{"type": "Claim", "id": str(number)} for number in range(rows)]
        self.most, self.refuses, self.tells, self.fails = most, refuses, tells, fails
        self.asked: list[tuple[int, int]] = []

    def __call__(self, query: Mapping[str, str]) -> dict[str, Any]:
        number, size = int(query[PAGE_NUMBER]), int(query[PAGE_SIZE])
        self.asked.append((number, size))
        if self.fails or (size > self.most and self.refuses):
            raise RejectedError(
                f"{PAGE_SIZE} must be at most {self.most}" if not self.fails else "bad filter", status=400
            )
        size = min(size, self.most)
        end = number * size
        body: dict[str, Any] = {"data": self.rows[end - size : end]}
        if "total" in self.tells:
            body["meta"] = {"page": {"totalRecords": len(self.rows)}}
        if "pages" in self.tells:
            body["meta"] = {"totalPages": -(-len(self.rows) // size)}
        if "size" in self.tells:
            body.setdefault("meta", {}).setdefault("page", {})["size"] = size
        if "links" in self.tells:
            more = end < len(self.rows)
            body["links"] = {"self": "/", "next": f"https://other.host/x/?{PAGE_NUMBER}={number + 1}" if more else None}
        return body


def walk(
    server: Any, *, size: int = 100, sizes: PageSizes | None = None, start: dict[str, Any] | None = None
) -> list[str]:
    pages = PageFetcher(
        name="claims",
        get=server,
        query={"filter": "a==1"},
        size=size,
        relations={},
        include=(),
        sizes=sizes or PageSizes(),
    )
    extraction = Extraction(
        source="yofi",
        resource="claims",
        request={},
        segments=[Segment(name="claims", fetch=pages.fetch, start=start or {}, predict_next=pages.predict_next)],
    )
    return [record["id"] for record in extraction.records()]


def ids(rows: int) -> list[str]:
    return [str(number) for number in range(rows)]


@pytest.mark.parametrize("tells", [(), ("total",), ("pages",), ("links",), ("total", "size"), ("total", "links")])
@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 200, 250])
def test_every_row_comes_once_however_the_end_is_told(rows: int, tells: tuple[str, ...]) -> None:
    server = Server(rows, tells=tells)

    assert walk(server) == ids(rows)


@pytest.mark.parametrize(
    ("rows", "tells", "requests"),
    [(7, (), 1), (200, (), 3), (200, ("total",), 2), (200, ("pages",), 2), (200, ("links",), 2), (150, ("total",), 2)],
)
def test_no_more_is_asked_than_is_needed_to_know_the_end(rows: int, tells: tuple[str, ...], requests: int) -> None:
    server = Server(rows, tells=tells)

    walk(server)

    assert len(server.asked) == requests


@pytest.mark.parametrize("tells", [(), ("total",), ("links",), ("pages",), ("size",), ("total", "size")])
@pytest.mark.parametrize("rows", [30, 50, 51, 100, 120])
def test_a_page_size_that_is_cut_in_silence_loses_no_row(rows: int, tells: tuple[str, ...]) -> None:
    server = Server(rows, most=50, refuses=False, tells=tells)

    assert walk(server) == ids(rows)


@pytest.mark.parametrize("size", [100, 75, 97, 11])
@pytest.mark.parametrize("rows", [0, 5, 10, 100, 101, 195])
def test_a_page_size_that_is_refused_is_put_together_from_smaller_pages(rows: int, size: int) -> None:
    server = Server(rows, most=10)

    assert walk(server, size=size) == ids(rows)
    assert [asked for asked in server.asked if asked[1] == size] == [(1, size)]


def test_the_fall_back_is_logged_once_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    sizes = PageSizes()
    with caplog.at_level(logging.INFO):
        walk(Server(195, most=10), sizes=sizes)
        again = Server(195, most=10)
        walk(again, sizes=sizes)

    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == (
        "Yofi refuses pages of 100 claims; going on with pages of 10. Set page_size to the most that it accepts."
    )
    assert {size for _, size in again.asked} == {10}


@pytest.mark.parametrize("tells", [(), ("total",), ("links",)])
def test_a_walk_goes_on_in_the_middle_although_the_page_size_is_refused_there(tells: tuple[str, ...]) -> None:
    server = Server(350, most=10, tells=tells)

    assert walk(server, start={"page": 3}) == ids(350)[200:]


def test_another_fault_of_the_request_is_told_as_it_came_after_one_attempt_with_the_usual_size() -> None:
    server = Server(5, fails=True)

    with pytest.raises(RejectedError, match="bad filter"):
        walk(server)
    assert server.asked == [(1, 100), (1, 10)]


def test_a_size_that_was_accepted_is_not_suspected_later() -> None:
    sizes = PageSizes()
    walk(Server(5), sizes=sizes)
    server = Server(5, fails=True)

    with pytest.raises(RejectedError):
        walk(server, sizes=sizes)
    assert server.asked == [(1, 100)]


def test_small_pages_and_other_statuses_do_not_fall_back() -> None:
    small = Server(5, fails=True)
    with pytest.raises(RejectedError):
        walk(small, size=10)
    assert small.asked == [(1, 10)]

    def absent(query: Mapping[str, str]) -> Any:
        raise NotFoundError("no such path", status=404)

    with pytest.raises(NotFoundError):
        walk(absent)


def test_a_link_of_another_style_is_followed_by_its_paging_alone() -> None:
    asked: list[dict[str, str]] = []

    def server(query: Mapping[str, str]) -> dict[str, Any]:
        asked.append(dict(query))
        if len(asked) == 1:
            link = "https://evil.example/steal?filter=b%3D%3D2&page%5Bafter%5D=xyz"
            return {"data": [{"type": "Claim", "id": "0"}], "links": {"next": link}}
        return {"data": [{"type": "Claim", "id": "1"}]}

    assert walk(server) == ["0", "1"]
    assert asked[1] == {"filter": "a==1", "page[after]": "xyz"}


def test_a_link_that_says_nothing_of_a_page_is_an_error() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": "0"}], "links": {"next": "/claims/?filter=a"}}

    with pytest.raises(PagingError, match="says nothing of a page"):
        walk(server)


def test_a_server_that_ignores_paging_does_not_make_an_endless_walk() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": str(number)} for number in range(100)]}

    with pytest.raises(PagingError, match="ignore the paging parameters"):
        walk(server)


def test_a_link_back_to_the_same_page_stops_the_walk() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": query[PAGE_NUMBER]}], "links": {"next": f"/?{PAGE_NUMBER}=1"}}

    with pytest.raises(PagingError):
        walk(server)
