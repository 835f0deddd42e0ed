"""How fast Voucherify is asked, and what is done when it refuses to answer more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from clocks import TurningClock

from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.exceptions import AuthenticationError, ThrottledError

NOW = 1_780_000_000.0


def client(handler: Any, **options: Any) -> VoucherifyClient:
    given = {"application_id": "app-id-1234", "secret_key": "the-secret-key", "requests_per_minute": 60_000.0}
    clock = TurningClock(NOW)
    return VoucherifyClient(handler=httpx.MockTransport(handler), **{**given, "clock": clock, **options})


def test_a_short_block_is_sat_out_until_the_moment_that_the_header_names() -> None:
    clock = TurningClock(NOW)
    answers = [
        httpx.Response(429, json={"code": 429, "message": "Too many"}, headers={"X-Rate-Limit-Retry": str(NOW + 7)}),
        httpx.Response(200, json={"data_ref": "redemptions", "redemptions": [], "total": 0}),
    ]

    client(lambda request: answers.pop(0), clock=clock).ping()

    assert 7 <= clock.now - NOW < 8


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "950400"}, {"X-Rate-Limit-Retry": str(int(NOW) + 950_400)}])
def test_a_plan_that_is_used_up_fails_at_once_and_holds_up_nobody(headers: dict[str, str]) -> None:
    clock = TurningClock(NOW)
    refused = {"X-Rate-Limit-Type": "api_calls_cycle", "X-Rate-Limit-Remaining": "0", **headers}
    answers = [
        httpx.Response(429, json={"message": "Too many"}, headers=refused),
        httpx.Response(200, json={"redemptions": [], "total": 0}),
    ]
    voucherify = client(lambda request: answers.pop(0), clock=clock)

    with pytest.raises(AuthenticationError, match=r"billing cycle are used up.*plan's limit raised") as caught:
        voucherify.ping()
    assert ("renews in about 11.0 days" in str(caught.value)) == bool(headers)
    voucherify.ping()
    assert clock.now == NOW


def test_nobody_is_held_up_for_days_before_anything_was_refused() -> None:
    clock = TurningClock(NOW)
    headers = {
        "X-Rate-Limit-Limit": "100000",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Retry": str(int(NOW) + 950_400),
    }
    voucherify = client(lambda request: httpx.Response(200, json={"redemptions": []}, headers=headers), clock=clock)

    voucherify.ping()
    voucherify.ping()

    assert clock.now == NOW


def test_a_plan_that_renews_within_the_hour_is_waited_for() -> None:
    headers = {"X-Rate-Limit-Type": "api_calls_cycle", "Retry-After": "1800"}

    with pytest.raises(ThrottledError) as caught:
        client(lambda request: httpx.Response(429, json={"message": "Too many"}, headers=headers)).ping()
    assert caught.value.retry_after == 1800


@pytest.mark.parametrize("kind", ["api_calls", "bulk_api_calls"])
def test_a_long_block_gives_the_wait_that_the_partner_asks_for(kind: str) -> None:
    headers = {"X-Rate-Limit-Type": kind, "Retry-After": "2400"}

    with pytest.raises(ThrottledError) as caught:
        client(lambda request: httpx.Response(429, json={"message": "Too many"}, headers=headers)).ping()
    assert caught.value.retry_after == 2400


class Limited:
    """A project with a limit; counts what is asked in each of its windows."""

    def __init__(self, clock: TurningClock, limit: int, seconds: float) -> None:
        self.clock, self.limit, self.seconds = clock, limit, seconds
        self.sent_at: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.now
        self.sent_at.append(now)
        ends = (now // self.seconds + 1) * self.seconds
        used = sum(at >= ends - self.seconds for at in self.sent_at)
        headers = {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(max(0, self.limit - used)),
            "X-Rate-Limit-Retry": str(int(ends)),
        }
        if used > self.limit:
            return httpx.Response(429, json={"message": "Too many"}, headers=headers)
        return httpx.Response(200, json={"redemptions": [], "total": 0}, headers=headers)

    def most(self) -> int:
        return max(sum(at <= other < at + self.seconds for other in self.sent_at) for at in self.sent_at)


@pytest.mark.parametrize("begun", [0, 5, 1800])
def test_a_project_that_counts_by_the_hour_is_never_asked_more_than_that(begun: int) -> None:
    clock = TurningClock(NOW // 3600 * 3600 + begun)
    project = Limited(clock, limit=100, seconds=3600)
    voucherify = client(project, clock=clock, requests_per_minute=None)

    for _ in range(250):
        voucherify.ping()

    assert project.most() <= 101  # the first one was sent before anything was known
    assert clock.now - NOW < 4 * 3600


def test_a_project_that_counts_by_the_minute_is_asked_as_fast_as_it_allows_and_no_faster() -> None:
    clock = TurningClock(NOW)
    project = Limited(clock, limit=40, seconds=60)
    voucherify = client(project, clock=clock, requests_per_minute=None)

    for _ in range(200):
        voucherify.ping()

    assert project.most() <= 41
    assert clock.now - NOW < 6.5 * 60


def test_a_partners_clock_that_differs_from_ours_does_not_change_the_wait() -> None:
    clock, theirs = TurningClock(NOW), NOW + 7200
    headers = {
        "X-Rate-Limit-Retry": str(int(theirs) + 7),
        "Date": datetime.fromtimestamp(theirs, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    answers = [
        httpx.Response(429, json={"message": "Too many"}, headers=headers),
        httpx.Response(200, json={"redemptions": [], "total": 0}),
    ]

    client(lambda request: answers.pop(0), clock=clock).ping()

    assert 7 <= clock.now - NOW < 8


def test_when_nothing_is_left_the_next_request_waits_for_the_moment_that_the_header_names() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now - NOW)
        headers = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Retry": str(int(NOW) + 30)}
        return httpx.Response(200, json={"redemptions": [], "total": 0}, headers=headers)

    voucherify = client(answer, clock=clock)
    voucherify.ping()
    voucherify.ping()

    assert sent_at[1] == pytest.approx(30, abs=0.1)


def test_no_minute_has_more_requests_than_the_plan_allows() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now)
        return httpx.Response(200, json={"redemptions": [], "total": 0})

    voucherify = client(answer, clock=clock, requests_per_minute=20)
    for _ in range(60):
        voucherify.ping()

    assert max(sum(at <= other < at + 60 for other in sent_at) for at in sent_at) <= 20
    assert clock.now - NOW < 240


def test_the_client_side_api_is_asked_five_times_in_five_seconds_at_most() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now)
        return httpx.Response(200, json={"tiers": [], "total": 0})

    voucherify = client(answer, auth="client", origin="https://a.example", clock=clock, requests_per_minute=None)
    for _ in range(30):
        voucherify.ping()

    assert max(sum(at <= other < at + 5 for other in sent_at) for at in sent_at) <= 5
