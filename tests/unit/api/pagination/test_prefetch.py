"""Pages that are fetched ahead and that nobody reads: their requests end without a retry and without a log line."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest
from clocks import TurningClock
from fakes.api import FakeApi, transport

from airflow_provider_partners.api.concurrency import call_unless_abandoned, is_abandoned
from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.api.pagination.prefetch import THREAD_NAME_PREFIX

LAST_PAGE = 6


class ListApi:
    """A list of six pages. A page beyond its end keeps its requests waiting, and then fails."""

    def __init__(self) -> None:
        self.requests: Counter[int] = Counter()
        self.released = threading.Event()
        self.beyond = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        self.requests[page] += 1
        if page <= LAST_PAGE:
            if page == LAST_PAGE:
                self.beyond.wait(5)
            return httpx.Response(200, json={"id": page})
        self.beyond.set()
        self.released.wait(5)
        return httpx.Response(503)


@pytest.fixture
def api() -> Iterator[ListApi]:
    api = ListApi()
    yield api
    api.released.set()


def extraction(client: Transport) -> Extraction:
    def fetch(cursor: Cursor) -> Page:
        number = cursor.get("page", 1)
        params = (("page", str(number)),)
        record = client.send(Request(method="GET", path="/orders", params=params, label="orders.list")).json()
        return Page([record], {"page": number + 1} if number < LAST_PAGE else None)

    segment = Segment("orders", fetch, predict_next=lambda cursor: {"page": cursor.get("page", 1) + 1})
    return Extraction(source="yotpo", resource="orders", request={}, segments=[segment])


def wait_for_workers() -> None:
    until = time.monotonic() + 60
    while any(thread.name.startswith(THREAD_NAME_PREFIX) for thread in threading.enumerate()):
        assert time.monotonic() < until, "some workers did not end"
        time.sleep(0.01)


def test_pages_beyond_the_end_are_neither_requested_again_nor_logged(
    api: ListApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), transport(FakeApi(api), TurningClock()) as client:
        assert [record["id"] for record in extraction(client).records(workers=4)] == list(range(1, LAST_PAGE + 1))
        api.released.set()
        wait_for_workers()
    assert api.requests[LAST_PAGE + 1] == 1
    assert set(api.requests.values()) == {1}
    assert caplog.messages == []
    assert client.stats.snapshot()["retries"] == 0


def test_a_client_that_is_closed_during_such_a_request_logs_nothing(
    api: ListApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        with transport(FakeApi(api), TurningClock()) as client:
            list(extraction(client).records(workers=4))
        api.released.set()
        wait_for_workers()
    assert caplog.messages == []


def test_a_page_that_is_needed_is_still_requested_again() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"id": int(request.url.params["page"])})

    with transport(FakeApi(httpx.Response(503), page), TurningClock()) as client:
        assert len(list(extraction(client).pages(workers=4))) == LAST_PAGE
    assert client.stats.snapshot()["retries"] == 1


def test_a_thread_knows_only_of_its_own_call() -> None:
    abandoned = threading.Event()
    abandoned.set()
    assert call_unless_abandoned(abandoned, lambda _: is_abandoned(), None)
    assert not is_abandoned()
