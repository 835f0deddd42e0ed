"""Voucherify's rate limits: the pace of requests, waits, and exhausted plans."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from clocks import TurningClock
from fakes.voucherify import NOW, voucherify_client

from airflow_provider_partners.exceptions import AuthenticationError, ThrottledError


def test_a_short_block_is_waited_for_until_the_time_in_the_header() -> None:
    clock = TurningClock(NOW)
    answers = [
        httpx.Response(429, json={"code": 429, "message": "Too many"}, headers={"X-Rate-Limit-Retry": str(NOW + 7)}),
        httpx.Response(200, json={"data_ref": "redemptions", "redemptions": [], "total": 0}),
    ]

    voucherify_client(lambda request: answers.pop(0), clock=clock).ping()

    assert 7 <= clock.now - NOW < 8


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "950400"}, {"X-Rate-Limit-Retry": str(int(NOW) + 950_400)}])
def test_an_exhausted_plan_fails_at_once_and_does_not_block_later_requests(headers: dict[str, str]) -> None:
    clock = TurningClock(NOW)
    exhausted = {"X-Rate-Limit-Type": "api_calls_cycle", "X-Rate-Limit-Remaining": "0", **headers}
    answers = [
        httpx.Response(429, json={"message": "Too many"}, headers=exhausted),
        httpx.Response(200, json={"redemptions": [], "total": 0}),
    ]
    voucherify = voucherify_client(lambda request: answers.pop(0), clock=clock)

    with pytest.raises(AuthenticationError, match=r"billing cycle are used up.*plan's limit raised") as caught:
        voucherify.ping()
    assert ("renews in about 11.0 days" in str(caught.value)) == bool(headers)
    voucherify.ping()
    assert clock.now == NOW


def test_a_header_of_the_billing_cycle_does_not_block_requests() -> None:
    clock = TurningClock(NOW)
    headers = {
        "X-Rate-Limit-Limit": "100000",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Retry": str(int(NOW) + 950_400),
    }
    voucherify = voucherify_client(
        lambda request: httpx.Response(200, json={"redemptions": []}, headers=headers), clock=clock
    )

    voucherify.ping()
    voucherify.ping()

    assert clock.now == NOW


def test_a_plan_that_renews_within_the_hour_is_throttled() -> None:
    headers = {"X-Rate-Limit-Type": "api_calls_cycle", "Retry-After": "1800"}

    with pytest.raises(ThrottledError) as caught:
        voucherify_client(lambda request: httpx.Response(429, json={"message": "Too many"}, headers=headers)).ping()
    assert caught.value.retry_after == 1800


@pytest.mark.parametrize("kind", ["api_calls", "bulk_api_calls"])
def test_a_long_block_raises_the_wait_that_the_header_names(kind: str) -> None:
    headers = {"X-Rate-Limit-Type": kind, "Retry-After": "2400"}

    with pytest.raises(ThrottledError) as caught:
        voucherify_client(lambda request: httpx.Response(429, json={"message": "Too many"}, headers=headers)).ping()
    assert caught.value.retry_after == 2400


class LimitedProject:
    """A project with a rate limit; counts the requests in each window."""

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

    def max_requests_in_a_window(self) -> int:
        return max(sum(at <= other < at + self.seconds for other in self.sent_at) for at in self.sent_at)


@pytest.mark.parametrize("start", [0, 5, 1800])
def test_an_hourly_limit_is_never_exceeded(start: int) -> None:
    clock = TurningClock(NOW // 3600 * 3600 + start)
    project = LimitedProject(clock, limit=100, seconds=3600)
    voucherify = voucherify_client(project, clock=clock, requests_per_minute=None)

    for _ in range(250):
        voucherify.ping()

    assert project.max_requests_in_a_window() <= 101  # the first request precedes any header
    assert clock.now - NOW < 4 * 3600


def test_a_limit_per_minute_is_used_fully_and_never_exceeded() -> None:
    clock = TurningClock(NOW)
    project = LimitedProject(clock, limit=40, seconds=60)
    voucherify = voucherify_client(project, clock=clock, requests_per_minute=None)

    for _ in range(200):
        voucherify.ping()

    assert project.max_requests_in_a_window() <= 41
    assert clock.now - NOW < 6.5 * 60


def test_a_server_clock_that_differs_from_ours_does_not_change_the_wait() -> None:
    clock, server_now = TurningClock(NOW), NOW + 7200
    headers = {
        "X-Rate-Limit-Retry": str(int(server_now) + 7),
        "Date": datetime.fromtimestamp(server_now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    answers = [
        httpx.Response(429, json={"message": "Too many"}, headers=headers),
        httpx.Response(200, json={"redemptions": [], "total": 0}),
    ]

    voucherify_client(lambda request: answers.pop(0), clock=clock).ping()

    assert 7 <= clock.now - NOW < 8


def test_without_remaining_calls_the_next_request_waits_until_the_time_in_the_header() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now - NOW)
        headers = {"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Retry": str(int(NOW) + 30)}
        return httpx.Response(200, json={"redemptions": [], "total": 0}, headers=headers)

    voucherify = voucherify_client(answer, clock=clock)
    voucherify.ping()
    voucherify.ping()

    assert sent_at[1] == pytest.approx(30, abs=0.1)


def test_no_minute_has_more_requests_than_configured() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now)
        return httpx.Response(200, json={"redemptions": [], "total": 0})

    voucherify = voucherify_client(answer, clock=clock, requests_per_minute=20)
    for _ in range(60):
        voucherify.ping()

    assert max(sum(at <= other < at + 60 for other in sent_at) for at in sent_at) <= 20
    assert clock.now - NOW < 240


def test_the_client_side_api_gets_at_most_five_requests_in_five_seconds() -> None:
    clock, sent_at = TurningClock(NOW), []

    def answer(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.now)
        return httpx.Response(200, json={"tiers": [], "total": 0})

    voucherify = voucherify_client(
        answer, auth="client", origin="https://a.example", clock=clock, requests_per_minute=None
    )
    for _ in range(30):
        voucherify.ping()

    assert max(sum(at <= other < at + 5 for other in sent_at) for at in sent_at) <= 5
