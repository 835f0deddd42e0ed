"""Calls: retries, waits, deadlines, throttling, credentials and redirects."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from clocks import TurningClock
from fakes.api import GET, FakeApi, ok, status, transport

from airflow_provider_partners.api.http.auth import MintedToken, RotatingHeader, StaticHeaders
from airflow_provider_partners.api.http.call import MAX_STRANGE_ANSWERS, REFUSAL_PAUSES
from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER, ErrorResolution, ResponseAction
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.options import Timeouts
from airflow_provider_partners.api.http.rate_limit import RateLimit, RateLimiter
from airflow_provider_partners.exceptions import (
    MAX_RETRY_AFTER,
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PartnersError,
    RejectedError,
    ThrottledError,
    TimedOutError,
    TransientError,
    UnexpectedResponseError,
    UnknownOutcomeError,
)


@pytest.fixture
def clock() -> TurningClock:
    random.seed(11)
    return TurningClock(1_000.0)


# --- failures ---


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, RejectedError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (407, ConfigurationError),
        (409, ConflictError),
        (422, RejectedError),
        (301, UnexpectedResponseError),
    ],
)
def test_a_permanent_refusal_is_not_retried(code: int, error: type[PartnersError], clock: TurningClock) -> None:
    api = FakeApi(status(code, {"message": "no"}, x_request_id="r-9"))
    with pytest.raises(error, match="no") as raised:
        transport(api, clock).send(GET)
    assert type(raised.value) is error
    assert (raised.value.partner, raised.value.status, raised.value.request_id) == ("Yotpo", code, "r-9")
    assert "orders.list" in str(raised.value)
    assert len(api.requests) == 1
    assert clock.waits == []


@pytest.mark.parametrize("code", [408, 425, 500, 502, 503, 504, 520])
def test_a_transient_status_is_retried(code: int, clock: TurningClock) -> None:
    client = transport(FakeApi(status(code), ok()), clock)
    assert client.send(GET).status == 200
    assert client.stats.snapshot()["retries"] == 1
    assert 0.5 <= clock.waits[0] <= 1.0


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectTimeout("t"),
        httpx.ReadTimeout("t"),
        httpx.WriteTimeout("t"),
        httpx.PoolTimeout("t"),
        httpx.ConnectError("t"),
        httpx.ReadError("t"),
        httpx.RemoteProtocolError("t"),
        httpx.ProxyError("t"),
    ],
)
def test_a_broken_connection_is_retried(error: Exception, clock: TurningClock) -> None:
    assert transport(FakeApi(error, ok()), clock).send(GET).status == 200


@pytest.mark.parametrize("failure", [httpx.ReadTimeout("t"), status(504), status(524)])
def test_a_call_that_may_send_less_gives_up_after_few_timeouts(failure: object, clock: TurningClock) -> None:
    api = FakeApi(status(502), failure, failure, ok())
    with pytest.raises(TimedOutError):
        transport(api, clock).send(replace(GET, max_timeouts=2))
    assert len(api.requests) == 3


def test_timeouts_are_retried_like_other_failures_by_default(clock: TurningClock) -> None:
    assert transport(FakeApi(*[status(504)] * 7, ok()), clock).send(GET).status == 200


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout("t"), httpx.ReadError("t"), httpx.RemoteProtocolError("t"), status(502), status(504)]
)
def test_a_request_that_must_not_run_twice_is_not_sent_again_after_a_lost_response(
    lost: object, clock: TurningClock
) -> None:
    api = FakeApi(lost, ok())
    with pytest.raises(UnknownOutcomeError, match="the response is lost"):
        transport(api, clock).send(replace(GET, repeatable=False))
    assert len(api.requests) == 1


@pytest.mark.parametrize("failure", [httpx.ConnectError("t"), httpx.ConnectTimeout("t"), status(429), status(430)])
def test_a_request_that_the_partner_did_not_take_is_sent_again(failure: object, clock: TurningClock) -> None:
    assert transport(FakeApi(failure, ok()), clock).send(replace(GET, repeatable=False)).status == 200


def test_pauses_double_with_jitter_up_to_half_a_minute(clock: TurningClock) -> None:
    client = transport(FakeApi(status(500)), clock, max_attempts=9, deadline=1_000)
    with pytest.raises(TransientError):
        client.send(GET)
    total = client.stats.snapshot()["waited"]
    assert (0.5 + 1 + 2 + 4 + 8 + 15 * 3) <= total <= (1 + 2 + 4 + 8 + 16 + 30 * 3)


def test_the_final_error_names_attempts_duration_and_last_failure(clock: TurningClock) -> None:
    api = FakeApi(httpx.ConnectError("x"), status(503, {"message": "maintenance"}))
    with pytest.raises(TransientError, match=r"gave up after 3 attempts in \d s.*HTTP 503 .*maintenance"):
        transport(api, clock, max_attempts=3).send(GET)
    assert len(api.requests) == 3


def test_a_failure_without_a_response_is_described(clock: TurningClock) -> None:
    with pytest.raises(TransientError, match="no connection could be made") as raised:
        transport(FakeApi(httpx.ConnectError("x")), clock, max_attempts=2).send(GET)
    assert raised.value.status is None


def test_the_deadline_ends_a_call_before_its_attempts_do(clock: TurningClock) -> None:
    api = FakeApi(status(500))
    with pytest.raises(TransientError, match="gave up"):
        transport(api, clock, deadline=5, max_attempts=100).send(GET)
    assert clock.now - 1_000 <= 5
    assert len(api.requests) < 6


def test_an_attempts_timeout_is_the_calls_remaining_time(clock: TurningClock) -> None:
    api = FakeApi(ok())
    transport(api, clock, deadline=20, timeouts=Timeouts(read=60, connect=3)).send(GET)
    assert api.requests[0].extensions["timeout"] == {"connect": 3, "read": 20, "write": 20, "pool": 20}


def test_a_slow_response_is_given_up_at_the_deadline(clock: TurningClock) -> None:
    def trickle(_: httpx.Request) -> httpx.Response:
        def pieces() -> Iterator[bytes]:
            for _ in range(100):
                clock.now += 10
                yield b" "

        return httpx.Response(200, content=pieces())

    with pytest.raises(TransientError, match="not complete at the deadline"):
        transport(FakeApi(trickle), clock, deadline=60).send(GET)
    assert clock.now <= 1_000 + 70


def test_a_certificate_failure_is_a_configuration_error(clock: TurningClock) -> None:
    api = FakeApi(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
    with pytest.raises(ConfigurationError, match="certificate"):
        transport(api, clock).send(GET)
    assert len(api.requests) == 1


def test_a_request_can_use_its_own_error_handler(clock: TurningClock) -> None:
    faults = DEFAULT_ERROR_HANDLER.with_overrides({404: ResponseAction.RETRY})
    assert transport(FakeApi(status(404), ok()), clock).send(GET, error_handler=faults).status == 200


def test_a_resolution_can_choose_the_error(clock: TurningClock) -> None:
    class UnknownProductsError(RejectedError):
        pass

    faults = DEFAULT_ERROR_HANDLER.with_overrides(
        inspect=lambda _: ErrorResolution(ResponseAction.REJECT, "p-1", raises=UnknownProductsError)
    )
    with pytest.raises(UnknownProductsError, match="p-1") as raised:
        transport(FakeApi(status(400)), clock, error_handler=faults).send(GET)
    assert raised.value.status == 400


# --- throttling and the rate limit ---


def test_a_throttled_request_waits_as_long_as_requested(clock: TurningClock) -> None:
    client = transport(FakeApi(status(429, retry_after="3"), ok()), clock)
    client.send(GET)
    assert 3 <= clock.waits[0] <= 3.25
    assert client.stats.snapshot()["throttled"] == 1


def test_a_retry_date_is_understood(clock: TurningClock) -> None:
    transport(FakeApi(status(429, retry_after="Thu, 01 Jan 1970 00:16:44 GMT"), ok()), clock).send(GET)
    assert 4 <= sum(clock.waits) <= 4.25


def test_a_requested_wait_of_zero_seconds_still_backs_off(clock: TurningClock) -> None:
    transport(FakeApi(status(429, retry_after="0"), status(429, retry_after="0"), ok()), clock).send(GET)
    assert clock.waits[0] >= 0.5
    assert clock.waits[1] >= 1.0


@pytest.mark.parametrize("code", [429, 503])
def test_a_wait_above_the_limit_raises_throttled_error(code: int, clock: TurningClock) -> None:
    api = FakeApi(status(code, {"message": "later"}, retry_after="3600"))
    with pytest.raises(ThrottledError, match=r"3600 s.*later") as raised:
        transport(api, clock).send(GET)
    assert raised.value.retry_after == 3600
    assert (raised.value.partner, raised.value.status) == ("Yotpo", code)
    assert clock.waits == []


@pytest.mark.parametrize("now", [1_000.0, 1_763_842_000.3, 1_763_842_000.7])
def test_a_wait_of_exactly_the_limit_is_waited(now: float, clock: TurningClock) -> None:
    clock.now = now
    client = transport(
        FakeApi(status(429, retry_after="60"), ok()), clock, rate_limit=RateLimiter(rate=3, capacity=40, clock=clock)
    )
    assert client.send(GET).status == 200
    assert clock.now - now == pytest.approx(60, abs=0.3)


def test_a_wait_beyond_the_deadline_raises_throttled_error(clock: TurningClock) -> None:
    with pytest.raises(ThrottledError) as raised:
        transport(FakeApi(status(429, retry_after="30")), clock, deadline=20).send(GET)
    assert raised.value.retry_after == 30


def test_throttling_ends_with_the_deadline_not_with_the_attempts(clock: TurningClock) -> None:
    api = FakeApi(*[status(429, retry_after="1")] * 20, ok())
    assert transport(api, clock, max_attempts=2).send(GET).status == 200
    with pytest.raises(ThrottledError):
        transport(FakeApi(status(429, retry_after="1")), clock, deadline=30).send(GET)


def test_throttling_inside_a_successful_response_is_retried(clock: TurningClock) -> None:
    def inspect(response: Response) -> ErrorResolution | None:
        return (
            ErrorResolution(ResponseAction.THROTTLE, "Throttled", retry_after=2.0)
            if "errors" in response.json()
            else None
        )

    api = FakeApi(ok({"errors": [{"message": "Throttled"}]}), ok({"data": {}}))
    transport(api, clock, error_handler=DEFAULT_ERROR_HANDLER.with_overrides(inspect=inspect)).send(GET)
    assert 2 <= clock.waits[0] <= 2.25


def test_each_attempt_acquires_the_rate_limit(clock: TurningClock) -> None:
    client = transport(FakeApi(ok()), clock, rate_limit=RateLimiter(rate=4, clock=clock))
    for _ in range(5):
        client.send(GET)
    assert clock.now - 1_000 == pytest.approx(1.0)
    assert client.stats.waited == pytest.approx(1.0)


def test_a_request_acquires_its_cost(clock: TurningClock) -> None:
    client = transport(FakeApi(ok()), clock, rate_limit=RateLimiter(rate=100, capacity=500, clock=clock))
    for _ in range(2):
        client.send(Request(method="POST", path="/graphql", cost=400))
    assert clock.now - 1_000 == pytest.approx(3.0)


def test_a_request_that_leaves_late_has_the_full_distance_to_the_next_one(clock: TurningClock) -> None:
    class BusyMachine(TurningClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds + 0.1)

    busy = BusyMachine(clock.now)
    rate_limit = RateLimiter(rate=4, clock=busy)
    client = transport(FakeApi(ok()), busy, rate_limit=rate_limit)
    client.send(GET)
    client.send(GET)

    assert busy.now - clock.now == pytest.approx(0.25 + 0.1)
    assert rate_limit.acquire() == pytest.approx(0.25)


def test_the_first_request_leaves_room_for_the_time_that_its_connection_takes(clock: TurningClock) -> None:
    def answer_slowly(request: httpx.Request) -> httpx.Response:
        clock.now += 0.1
        return ok()

    rate_limit = RateLimiter(rate=4, clock=clock)
    client = transport(FakeApi(answer_slowly), clock, rate_limit=rate_limit)
    client.send(GET)
    assert rate_limit.acquire() == pytest.approx(0.25)

    clock.now += 10
    client.send(GET)
    assert rate_limit.acquire() == pytest.approx(0.25 - 0.1)


def test_a_refusal_delays_other_clients_of_the_rate_limit(clock: TurningClock) -> None:
    rate_limit = RateLimiter(rate=5, clock=clock)
    with pytest.raises(ThrottledError):
        transport(FakeApi(status(429, retry_after="40")), clock, rate_limit=rate_limit, max_wait=10).send(GET)
    transport(FakeApi(ok()), clock, rate_limit=rate_limit).send(GET)
    assert clock.now - 1_000 >= 40


def test_the_pause_after_a_refusal_is_not_waited_twice(clock: TurningClock) -> None:
    client = transport(FakeApi(status(429, retry_after="5"), ok()), clock, rate_limit=RateLimiter(rate=1, clock=clock))
    client.send(GET)
    assert clock.now - 1_000 == pytest.approx(5, abs=0.3)


def test_a_costly_request_is_retried_as_soon_as_its_cost_is_available(clock: TurningClock) -> None:
    rate_limit = RateLimiter(rate=100, capacity=1_000, clock=clock)
    client = transport(FakeApi(status(429, retry_after="5"), ok()), clock, rate_limit=rate_limit)
    client.send(Request(method="POST", path="/graphql", cost=400))
    assert clock.now - 1_000 == pytest.approx(5, abs=0.3)


def test_a_reservation_beyond_the_deadline_raises_throttled_error(clock: TurningClock) -> None:
    client = transport(FakeApi(ok()), clock, rate_limit=RateLimiter(rate=1 / 30, clock=clock), deadline=20)
    client.send(GET)
    with pytest.raises(ThrottledError) as raised:
        client.send(GET)
    assert raised.value.retry_after == pytest.approx(30)


def test_a_reservation_beyond_the_longest_wait_is_not_made(clock: TurningClock) -> None:
    rate_limit = RateLimiter(rate=1 / 90, clock=clock)
    api = FakeApi(ok())
    client = transport(api, clock, rate_limit=rate_limit)
    client.send(GET)
    for _ in range(3):
        with pytest.raises(ThrottledError, match="rate limit") as raised:
            client.send(GET)
        assert raised.value.retry_after == pytest.approx(90)
    assert len(api.requests) == 1


def test_rate_limit_headers_are_read_after_every_response(clock: TurningClock) -> None:
    seen: list[tuple[int, str]] = []

    def update(response: Response, rate_limit: RateLimit) -> None:
        seen.append((response.status, response.headers["ratelimit-remaining"]))
        rate_limit.update_from_server(available=float(response.headers["ratelimit-remaining"]))

    api = FakeApi(status(429, retry_after="1", ratelimit_remaining="0"), ok(headers={"RateLimit-Remaining": "4"}))
    transport(api, clock, rate_limit=RateLimiter(rate=5, clock=clock), rate_limit_observer=update).send(GET)
    assert seen == [(429, "0"), (200, "4")]


def test_unreadable_rate_limit_headers_do_not_fail_the_call(clock: TurningClock) -> None:
    def update(response: Response, rate_limit: RateLimit) -> None:
        rate_limit.update_from_server(available=float(response.headers["ratelimit-remaining"]))

    api = FakeApi(ok(headers={"RateLimit-Remaining": "many"}))
    assert transport(api, clock, rate_limit_observer=update).send(GET).status == 200


# --- credentials ---


def test_refused_credentials_are_renewed_once_and_the_request_repeated(clock: TurningClock) -> None:
    tokens = iter(["old", "new"])
    auth = MintedToken(mint=lambda: (next(tokens), 9_999.0), clock=clock)
    api = FakeApi(status(401), ok())
    transport(api, clock, auth=auth).send(GET)
    assert [request.headers["authorization"] for request in api.requests] == ["Bearer old", "Bearer new"]
    assert clock.waits == []


def fresh_tokens(clock: TurningClock) -> MintedToken:
    numbers = itertools.count(1)
    return MintedToken(mint=lambda: (f"token-{next(numbers)}", 9_999.0), clock=clock)


def test_fresh_credentials_are_refused_for_good_after_two_refusals_apart_in_time(clock: TurningClock) -> None:
    """Yotpo's rule for apps: three refusals in a row (https://develop.yotpo.com/docs/authenticating)."""
    api = FakeApi(status(401, {"message": "bad token"}))
    with pytest.raises(AuthenticationError, match=r"bad token.*Check the credentials"):
        transport(api, clock, auth=fresh_tokens(clock)).send(GET)
    assert [request.headers["authorization"] for request in api.requests] == [f"Bearer token-{n}" for n in (1, 2, 3)]
    assert sum(clock.waits) == REFUSAL_PAUSES[1]


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_passing_refusal_does_not_fail_the_call(refusals: int, clock: TurningClock) -> None:
    for auth in (fresh_tokens(clock), StaticHeaders({"X-Token": "t0ken"}), RotatingHeader("X-Token", ["one", "two"])):
        api = FakeApi(*[status(401)] * refusals, ok())
        assert transport(api, clock, auth=auth).send(GET).status == 200


def test_fixed_credentials_are_refused_for_good_after_three_refusals_apart_in_time(clock: TurningClock) -> None:
    api = FakeApi(status(401, {"message": "bad token"}))
    with pytest.raises(AuthenticationError, match="bad token"):
        transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken"})).send(GET)
    assert len(api.requests) == 3
    assert clock.waits == list(REFUSAL_PAUSES)


def test_of_two_tokens_each_is_tried_twice(clock: TurningClock) -> None:
    """The first token is revoked, and the second is refused in passing."""
    api = FakeApi(status(401), status(401), status(401), ok())
    assert transport(api, clock, auth=RotatingHeader("X-Token", ["revoked", "valid"])).send(GET).status == 200
    assert [request.headers["x-token"] for request in api.requests] == ["revoked", "valid"] * 2
    api = FakeApi(status(401))
    with pytest.raises(AuthenticationError):
        transport(api, clock, auth=RotatingHeader("X-Token", ["revoked", "wrong"])).send(GET)
    assert len(api.requests) == 4


def test_refusals_with_another_failure_between_them_prove_nothing(clock: TurningClock) -> None:
    api = FakeApi(status(401), status(401), status(503), status(401), status(401), ok())
    assert transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken"})).send(GET).status == 200


def test_a_refusal_just_before_the_deadline_is_left_to_a_later_try(clock: TurningClock) -> None:
    api = FakeApi(status(401, {"message": "bad token"}))
    with pytest.raises(TransientError, match="too late to try them again: bad token"):
        transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken"}), deadline=2).send(GET)


def test_a_403_does_not_renew_unless_the_api_says_so(clock: TurningClock) -> None:
    api = FakeApi(status(403))
    with pytest.raises(AuthenticationError, match="permission"):
        transport(api, clock, auth=RotatingHeader("X-Token", ["first", "second"])).send(GET)
    assert len(api.requests) == 1
    faults = DEFAULT_ERROR_HANDLER.with_overrides({403: ResponseAction.REAUTHENTICATE})
    auth = RotatingHeader("X-Token", ["first", "second"])
    transport(FakeApi(status(403), ok()), clock, auth=auth, error_handler=faults).send(GET)
    assert auth.headers() == {"X-Token": "second"}


def test_a_request_without_credentials_does_not_renew_them(clock: TurningClock) -> None:
    auth = RotatingHeader("X-Token", ["first", "second"])
    with pytest.raises(AuthenticationError):
        transport(FakeApi(status(401)), clock, auth=auth).send(Request(method="POST", path="/t", authenticated=False))
    assert auth.headers() == {"X-Token": "first"}


# --- redirects ---


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/core/v3/orders/?token=abcdef", "redirected to https://api.yotpo.com/core/v3/orders/"),
        ("/core/v3/orders", "redirected to https://api.yotpo.com/core/v3/orders"),
        ("https://evil.example/orders?token=abcdef", "redirected to another host, https://evil.example/orders"),
        ("https://user:abcdef@evil.example/", "redirected to another host, https://evil.example/"),
        ("http://api.yotpo.com/", "redirected to another host, http://api.yotpo.com/"),
        ("https://api.yotpo.com:8443/", "redirected to another host, https://api.yotpo.com:8443/"),
    ],
)
def test_a_redirect_fails_at_once_and_says_where_it_leads(
    code: int, location: str, leads_to: str, clock: TurningClock
) -> None:
    """No partner documents a redirect. Credentials must not follow one, and a body may be lost on the way."""
    api = FakeApi(status(code, location=location), ok())
    with pytest.raises(UnexpectedResponseError, match=re.escape(f"{leads_to} (HTTP {code})")) as raised:
        transport(api, clock, auth=StaticHeaders({"X-Token": "t0ken"})).send(GET)
    assert "set it as the connection's host" in str(raised.value)
    assert "abcdef" not in str(raised.value)
    assert len(api.requests) == 1


@pytest.mark.parametrize("location", ["https://[::1", "http://:99999/"])
def test_a_redirect_to_no_url_fails_at_once(location: str, clock: TurningClock) -> None:
    api = FakeApi(status(307, location=location), ok())
    with pytest.raises(UnexpectedResponseError, match=r"orders\.list: redirected to an address that is no URL"):
        transport(api, clock).send(GET)
    assert len(api.requests) == 1


# --- cut responses ---


@pytest.mark.parametrize(
    "body",
    [b"", b'{"orders": [{"id": 1}, {"na', b'{"orders": [1', b"[", b'{"name": "\xc3', b'{"a": "\\u00', b'{"a": tru'],
)
@pytest.mark.parametrize("code", [200, 201])
def test_json_that_ends_early_is_read_again(code: int, body: bytes, clock: TurningClock) -> None:
    client = transport(FakeApi(httpx.Response(code, content=body), ok({"whole": True})), clock)
    assert client.send(GET).json() == {"whole": True}
    assert client.stats.snapshot()["retries"] == 1


def test_json_that_always_ends_early_names_partner_call_and_length(clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(200, content=b'{"orders": [{"id": 1}, '))
    with pytest.raises(TransientError, match=r"Yotpo: orders\.list: gave up after 3 attempts.*ends early \(23 bytes\)"):
        transport(api, clock, max_attempts=3).send(GET)


STRANGE = (
    b"<html><title>Welcome</title></html>",
    b"[]",
    b'[{"id": 1}]',
    b"null",
    b"17",
    b'"ok"',
    b"true",
)
"""What a gateway or proxy sends with 200 in the place of an API whose answers are objects."""


@pytest.mark.parametrize("body", STRANGE)
def test_an_answer_in_the_apis_place_may_pass(body: bytes, clock: TurningClock) -> None:
    strange = httpx.Response(200, content=body)
    client = transport(FakeApi(strange, strange, ok({"whole": True})), clock)
    assert client.send(GET).json() == {"whole": True}
    assert client.stats.snapshot()["retries"] == 2


@pytest.mark.parametrize("body", STRANGE)
def test_a_host_that_is_not_the_api_is_soon_found_out(body: bytes, clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(200, content=body))
    expected = r"Yotpo: orders\.list: .*(an HTML page and not JSON|a JSON \w+ instead of an object)"
    with pytest.raises(UnexpectedResponseError, match=expected):
        transport(api, clock).send(GET)
    assert len(api.requests) == MAX_STRANGE_ANSWERS


@pytest.mark.parametrize("body", STRANGE)
def test_a_strange_answer_of_a_host_that_is_the_api_passes_like_other_failures(
    body: bytes, clock: TurningClock
) -> None:
    """A gateway in front of the right host may answer in its place, three times in a row or more."""
    strange = httpx.Response(200, content=body)
    client = transport(FakeApi(ok(), *[strange] * 7, ok({"whole": True}), strange), clock)
    client.send(GET)
    assert client.send(GET).json() == {"whole": True}
    with pytest.raises(UnexpectedResponseError, match=r"(an HTML page and not JSON|a JSON)"):
        client.send(GET)
    assert client.stats.snapshot()["requests"] == 1 + 8 + 8


@pytest.mark.parametrize("response", [httpx.Response(200, content=b""), httpx.Response(204)], ids=["empty", "204"])
def test_an_empty_answer_proves_no_host(response: httpx.Response, clock: TurningClock) -> None:
    client = transport(FakeApi(response, httpx.Response(200, content=b"[]")), clock)
    client.send(Request(method="PATCH", path="/orders/1", may_be_empty=True))
    with pytest.raises(UnexpectedResponseError):
        client.send(GET)
    assert client.stats.snapshot()["requests"] == 1 + MAX_STRANGE_ANSWERS


@pytest.mark.parametrize("body", STRANGE)
def test_an_update_without_an_answer_is_done_but_not_with_a_strange_one(body: bytes, clock: TurningClock) -> None:
    """A PATCH of Yotpo's is answered with an empty body: recorded in https://github.com/ldgnoack/yotpo-ruby."""
    request = Request(method="PATCH", path="/orders/1", may_be_empty=True)
    api = FakeApi(httpx.Response(200, content=body), httpx.Response(200, content=b""))
    assert transport(api, clock).send(request).content == b""
    assert len(api.requests) == 2


def test_a_strange_answer_to_a_write_that_must_not_run_twice_is_looked_up(clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(200, content=b"[]"), ok())
    with pytest.raises(UnknownOutcomeError, match="a JSON list instead of an object"):
        transport(api, clock).send(Request(method="POST", path="/fulfillments", repeatable=False))
    assert len(api.requests) == 1


def test_a_request_may_expect_no_json(clock: TurningClock) -> None:
    request = Request(method="PATCH", path="/orders/1", expects_json=False)
    assert transport(FakeApi(httpx.Response(200, content=b"")), clock).send(request).content == b""


def test_a_cut_response_to_a_write_that_must_not_run_twice_is_looked_up(clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(201, content=b'{"fulfillment": {"yot'), ok())
    with pytest.raises(UnknownOutcomeError, match="ends early"):
        transport(api, clock).send(Request(method="POST", path="/fulfillments", repeatable=False))
    assert len(api.requests) == 1


def test_a_rate_limit_observer_may_meet_a_cut_response(clock: TurningClock) -> None:
    api = FakeApi(httpx.Response(200, content=b'{"extensions": {"cost'), ok())
    client = transport(api, clock, rate_limit_observer=lambda response, limit: response.json()["extensions"])
    assert client.send(GET).status == 200


# --- waits that no partner means ---


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize("wait", ["1e9", "1e300", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_wait_beyond_an_hour_is_not_believed(code: int, wait: str, clock: TurningClock) -> None:
    """RFC 9110 sets no limit to Retry-After, and Airflow's dates end with the year 9999."""
    with pytest.raises(ThrottledError, match="3600 s") as raised:
        transport(FakeApi(status(code, retry_after=wait)), clock).send(GET)
    assert raised.value.retry_after == MAX_RETRY_AFTER == 3_600


@pytest.mark.parametrize("wait", ["nan", "inf", "-1e300", "-5", "soon"])
def test_a_wait_that_is_none_is_our_own_backoff(wait: str, clock: TurningClock) -> None:
    transport(FakeApi(status(429, retry_after=wait), ok()), clock).send(GET)
    assert 0.5 <= sum(clock.waits) <= 1.0
