"""Pages of Yofi's lists: every way a list may end, and page sizes that the server refuses or reduces."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.yofi.capabilities import ServerCapabilities
from airflow_provider_partners.api.yofi.pages import PAGE_NUMBER, PAGE_SIZE, PageFetcher
from airflow_provider_partners.exceptions import NotFoundError, PagingError, RejectedError, UnexpectedResponseError


class Server:
    """A list in pages.

    :param most: the largest page size
    :param refuses: True if it refuses a larger one, False if it reduces it in silence
    :param shows: what a response shows about the list: ``total``, ``pages``, ``size``, ``links``
    :param fails: True if it refuses every request
    """

    def __init__(
        self, count: int, *, most: int = 10_000, refuses: bool = True, shows: tuple[str, ...] = (), fails: bool = False
    ) -> None:
        self.records = [{"type": "Claim", "id": str(number)} for number in range(count)]
        self.most, self.refuses, self.shows, self.fails = most, refuses, shows, fails
        self.requests: list[tuple[int, int]] = []

    def __call__(self, query: Mapping[str, str]) -> dict[str, Any]:
        number, size = int(query[PAGE_NUMBER]), int(query[PAGE_SIZE])
        self.requests.append((number, size))
        if self.fails or (size > self.most and self.refuses):
            raise RejectedError(
                f"{PAGE_SIZE} must be at most {self.most}" if not self.fails else "bad filter", status=400
            )
        size = min(size, self.most)
        end = number * size
        body: dict[str, Any] = {"data": self.records[end - size : end]}
        if "total" in self.shows:
            body["meta"] = {"page": {"totalRecords": len(self.records)}}
        if "pages" in self.shows:
            body["meta"] = {"totalPages": -(-len(self.records) // size)}
        if "size" in self.shows:
            body.setdefault("meta", {}).setdefault("page", {})["size"] = size
        if "links" in self.shows:
            more = end < len(self.records)
            body["links"] = {"self": "/", "next": f"https://other.host/x/?{PAGE_NUMBER}={number + 1}" if more else None}
        return body


def read(
    server: Any, *, size: int = 100, capabilities: ServerCapabilities | None = None, start: dict[str, Any] | None = None
) -> list[str]:
    pages = PageFetcher(
        name="claims",
        get=server,
        params={"filter": "a==1"},
        page_size=size,
        relations={},
        include=(),
        capabilities=capabilities or ServerCapabilities(),
    )
    extraction = Extraction(
        source="yofi",
        resource="claims",
        request={},
        segments=[Segment(name="claims", fetch=pages.fetch, start=start or {}, predict_next=pages.predict_next)],
    )
    return [record["id"] for record in extraction.records()]


def ids(count: int) -> list[str]:
    return [str(number) for number in range(count)]


@pytest.mark.covers("yofi.claims.page_number")
@pytest.mark.parametrize("shows", [(), ("total",), ("pages",), ("links",), ("total", "size"), ("total", "links")])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250])
def test_every_record_is_read_once_for_each_way_to_end_a_list(count: int, shows: tuple[str, ...]) -> None:
    server = Server(count, shows=shows)

    assert read(server) == ids(count)


@pytest.mark.parametrize(
    ("count", "shows", "requests"),
    [(7, (), 1), (200, (), 3), (200, ("total",), 2), (200, ("pages",), 2), (200, ("links",), 2), (150, ("total",), 2)],
)
def test_no_request_is_sent_after_the_end_is_known(count: int, shows: tuple[str, ...], requests: int) -> None:
    server = Server(count, shows=shows)

    read(server)

    assert len(server.requests) == requests


@pytest.mark.parametrize("shows", [(), ("total",), ("links",), ("pages",), ("size",), ("total", "size")])
@pytest.mark.parametrize("count", [30, 50, 51, 100, 120])
def test_a_page_size_that_is_reduced_in_silence_loses_no_record(count: int, shows: tuple[str, ...]) -> None:
    server = Server(count, most=50, refuses=False, shows=shows)

    assert read(server) == ids(count)


@pytest.mark.parametrize("size", [100, 75, 97, 11])
@pytest.mark.parametrize("count", [0, 5, 10, 100, 101, 195])
def test_a_refused_page_size_is_put_together_from_smaller_pages(count: int, size: int) -> None:
    server = Server(count, most=10)

    assert read(server, size=size) == ids(count)
    assert [request for request in server.requests if request[1] == size] == [(1, size)]


def test_the_reduced_page_size_is_logged_once_and_remembered(caplog: pytest.LogCaptureFixture) -> None:
    capabilities = ServerCapabilities()
    with caplog.at_level(logging.INFO):
        read(Server(195, most=10), capabilities=capabilities)
        again = Server(195, most=10)
        read(again, capabilities=capabilities)

    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert line == (
        "Yofi refuses pages of 100 claims; continuing with pages of 10. Set page_size to the most that it accepts."
    )
    assert {size for _, size in again.requests} == {10}


@pytest.mark.parametrize("shows", [(), ("total",), ("links",)])
def test_reading_resumes_in_the_middle_if_the_page_size_is_refused_there(shows: tuple[str, ...]) -> None:
    server = Server(350, most=10, shows=shows)

    assert read(server, start={"page": 3}) == ids(350)[200:]


def test_a_refusal_for_another_reason_is_raised_after_one_attempt_with_the_default_size() -> None:
    server = Server(5, fails=True)

    with pytest.raises(RejectedError, match="bad filter"):
        read(server)
    assert server.requests == [(1, 100), (1, 10)]


def test_a_size_that_was_accepted_is_not_suspected_later() -> None:
    capabilities = ServerCapabilities()
    read(Server(5), capabilities=capabilities)
    server = Server(5, fails=True)

    with pytest.raises(RejectedError):
        read(server, capabilities=capabilities)
    assert server.requests == [(1, 100)]


def test_small_pages_and_other_statuses_do_not_reduce_the_page_size() -> None:
    small = Server(5, fails=True)
    with pytest.raises(RejectedError):
        read(small, size=10)
    assert small.requests == [(1, 10)]

    def absent(query: Mapping[str, str]) -> Any:
        raise NotFoundError("no such path", status=404)

    with pytest.raises(NotFoundError):
        read(absent)


def test_of_a_link_of_another_style_only_the_paging_parameters_are_used() -> None:
    queries: list[dict[str, str]] = []

    def server(query: Mapping[str, str]) -> dict[str, Any]:
        queries.append(dict(query))
        if len(queries) == 1:
            link = "https://evil.example/steal?filter=b%3D%3D2&page%5Bafter%5D=xyz"
            return {"data": [{"type": "Claim", "id": "0"}], "links": {"next": link}}
        return {"data": [{"type": "Claim", "id": "1"}]}

    assert read(server) == ["0", "1"]
    assert queries[1] == {"filter": "a==1", "page[after]": "xyz"}


def test_a_link_without_a_paging_parameter_is_an_error() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": "0"}], "links": {"next": "/claims/?filter=a"}}

    with pytest.raises(PagingError, match="has no paging parameter"):
        read(server)


def test_a_server_that_ignores_paging_does_not_make_an_endless_read() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": str(number)} for number in range(100)]}

    with pytest.raises(PagingError, match="ignore the paging parameters"):
        read(server)


def test_a_link_back_to_the_same_page_stops_the_read() -> None:
    def server(query: Mapping[str, str]) -> dict[str, Any]:
        return {"data": [{"type": "Claim", "id": query[PAGE_NUMBER]}], "links": {"next": f"/?{PAGE_NUMBER}=1"}}

    with pytest.raises(PagingError):
        read(server)


def empty_page(total: int) -> dict[str, Any]:
    return {"data": [], "meta": {"page": {"totalRecords": total}}}


def test_an_empty_first_page_of_a_list_with_a_total_is_requested_again() -> None:
    server = Server(3, shows=("total",))
    responses = [empty_page(3)]

    assert read(lambda query: responses.pop() if responses else server(query)) == ["0", "1", "2"]


def test_an_empty_first_page_that_stays_empty_despite_its_total_is_an_error() -> None:
    with pytest.raises(UnexpectedResponseError, match="'claims' has a total of 3, but its first page is empty"):
        read(lambda query: empty_page(3))
    assert read(lambda query: empty_page(0)) == []
