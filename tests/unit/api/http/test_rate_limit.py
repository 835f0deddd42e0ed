"""The rate limit: spacing, bursts, refusals, and corrections from the partner's headers."""

from __future__ import annotations

import math
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from clocks import StandingClock

from airflow_provider_partners.api.http.rate_limit import MAX_BLOCK, MAX_REFILL, NoRateLimit, RateLimiter
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
from airflow_provider_partners.exceptions import ConfigurationError


def test_requests_are_spaced_evenly() -> None:
    rate_limit = RateLimiter(rate=4, clock=StandingClock())
    assert [rate_limit.acquire() for _ in range(4)] == pytest.approx([0, 0.25, 0.5, 0.75])


def test_after_a_pause_a_burst_of_the_capacity_is_allowed() -> None:
    clock = StandingClock()
    rate_limit = RateLimiter(rate=2, capacity=3, clock=clock)
    assert [rate_limit.acquire() for _ in range(5)] == pytest.approx([0, 0, 0, 0.5, 1.0])
    clock.now += 1_000
    assert [rate_limit.acquire() for _ in range(4)] == pytest.approx([0, 0, 0, 0.5])


def test_a_costly_request_uses_its_cost() -> None:
    rate_limit = RateLimiter(rate=100, capacity=1_000, clock=StandingClock())
    assert rate_limit.acquire(600) == 0
    assert rate_limit.acquire(600) == pytest.approx(2.0)


def test_a_cost_above_the_capacity_is_granted_after_a_wait() -> None:
    rate_limit = RateLimiter(rate=10, capacity=5, clock=StandingClock())
    assert rate_limit.acquire(15) == pytest.approx(1.0)
    assert rate_limit.acquire(1) == pytest.approx(1.1)


def test_a_wait_beyond_the_limit_reserves_nothing() -> None:
    rate_limit = RateLimiter(rate=0.1, clock=StandingClock())
    rate_limit.acquire()
    assert [rate_limit.acquire(max_wait=5) for _ in range(3)] == pytest.approx([10, 10, 10])
    assert rate_limit.acquire(max_wait=10) == pytest.approx(10)
    assert rate_limit.acquire(max_wait=math.inf) == pytest.approx(20)


def test_no_time_range_exceeds_rate_and_burst() -> None:
    clock, chance = StandingClock(), random.Random(7)
    rate_limit = RateLimiter(rate=5, capacity=3, clock=clock)
    sent = []
    for _ in range(500):
        clock.now += chance.choice([0, 0, 0.01, 0.3, 2])
        sent.append(clock.now + rate_limit.acquire())
    sent.sort()
    for first in range(0, 500, 7):
        for last in range(first, 500, 11):
            assert last - first + 1 <= (sent[last] - sent[first]) * 5 + 3 + 1e-6


@pytest.mark.parametrize(("late", "moved"), [(0.1, 0.1), (0.25, 0.25), (60.0, 0.25), (0.01, 0.0), (-5.0, 0.0)])
def test_a_late_request_moves_those_that_follow_by_one_place_at_most(late: float, moved: float) -> None:
    rate_limit = RateLimiter(rate=4, clock=StandingClock())
    rate_limit.acquire()
    rate_limit.postpone(late)
    assert rate_limit.acquire() == pytest.approx(0.25 + moved)


def test_a_limit_with_a_burst_has_room_for_late_requests() -> None:
    rate_limit = RateLimiter(rate=50, capacity=1_000, clock=StandingClock())
    rate_limit.acquire(1_000)
    rate_limit.postpone(3.0)
    assert rate_limit.acquire(100) == pytest.approx(2.0)


@pytest.mark.parametrize(("limit", "rate"), [(4, 3.7), (5, 4.7)])
def test_a_late_task_leaves_no_second_with_more_requests_than_the_partner_allows(limit: int, rate: float) -> None:
    """Shopify allows a client of the Partner API 4 requests a second (https://shopify.dev/docs/api/partner#rate-limits).

    Yotpo allows a store 5 (https://core-api.yotpo.com/reference/guidelines-and-conventions).
    """
    chance, clock = random.Random(7), StandingClock()
    rate_limit = RateLimiter(rate=rate, clock=clock)
    waiting = [(clock.now + rate_limit.acquire(), 0.0) for _ in range(limit)]
    sent: list[float] = []
    for number in range(2_000):
        # The next task wakes, and its request leaves. Then the task takes the next place.
        at, late = min(waiting, key=sum)
        waiting.remove((at, late))
        clock.now = max(clock.now, at + late)
        rate_limit.postpone(clock.now - at)
        sent.append(clock.now)
        waiting.append((clock.now + rate_limit.acquire(), chance.uniform(0.0, 0.2) if number % 19 == 0 else 0.0))

    assert min(after - before for before, after in zip(sent, sent[limit:], strict=False)) >= 1.0
    assert len(sent) / (sent[-1] - sent[0]) > 0.9 * limit


def test_a_refusal_delays_everyone_on_the_same_store() -> None:
    clock, store = StandingClock(), InMemoryStore()
    refused, other = (RateLimiter(rate=4, store=store, clock=clock) for _ in range(2))
    refused.acquire()
    refused.update_from_server(blocked_for=30)
    assert other.acquire() == pytest.approx(30)
    assert refused.acquire() == pytest.approx(30.25)


def test_after_a_block_the_refused_cost_is_available_at_once() -> None:
    rate_limit = RateLimiter(rate=50, capacity=1_000, clock=StandingClock())
    rate_limit.update_from_server(blocked_for=2, cost=752)
    assert rate_limit.acquire(752) == pytest.approx(2.0)


def test_a_shorter_block_does_not_shorten_a_longer_one() -> None:
    rate_limit = RateLimiter(rate=4, clock=StandingClock())
    rate_limit.update_from_server(blocked_for=30)
    rate_limit.update_from_server(blocked_for=1)
    assert rate_limit.acquire() == pytest.approx(30)


def test_a_low_server_balance_slows_requests_down() -> None:
    rate_limit = RateLimiter(rate=100, capacity=2_000, clock=StandingClock())
    rate_limit.update_from_server(available=100)
    assert rate_limit.acquire(300) == pytest.approx(2.0)


def test_a_high_server_balance_keeps_existing_reservations() -> None:
    rate_limit = RateLimiter(rate=4, clock=StandingClock())
    for _ in range(8):
        rate_limit.acquire()
    rate_limit.update_from_server(available=4)
    assert rate_limit.acquire() == pytest.approx(2.0)


def test_uncharged_points_are_refunded() -> None:
    rate_limit = RateLimiter(rate=100, capacity=1_000, clock=StandingClock())
    rate_limit.acquire(1_000)
    rate_limit.update_from_server(refund=700)
    assert rate_limit.acquire(700) == 0
    assert rate_limit.acquire(100) == pytest.approx(1.0)


def test_a_refund_does_not_exceed_the_capacity() -> None:
    rate_limit = RateLimiter(rate=1, capacity=2, clock=StandingClock())
    rate_limit.update_from_server(refund=1_000)
    assert [rate_limit.acquire() for _ in range(3)] == pytest.approx([0, 0, 1])


def test_the_servers_rate_and_capacity_replace_ours() -> None:
    rate_limit = RateLimiter(rate=1, capacity=1, clock=StandingClock())
    rate_limit.update_from_server(rate=10, capacity=2)
    assert [rate_limit.acquire() for _ in range(3)] == pytest.approx([0, 0, 0.1])


def test_an_invalid_server_rate_is_ignored() -> None:
    rate_limit = RateLimiter(rate=2, clock=StandingClock())
    rate_limit.update_from_server(rate=0, capacity=math.inf)
    rate_limit.update_from_server(rate=math.nan, capacity=-1)
    assert [rate_limit.acquire(), rate_limit.acquire()] == pytest.approx([0, 0.5])


@pytest.mark.parametrize("invalid", [math.nan, math.inf, 1_000 + MAX_BLOCK + 10, -5.0])
def test_an_invalid_stored_number_is_reset(invalid: float) -> None:
    store = InMemoryStore()
    store.update(lambda _: invalid)
    assert RateLimiter(rate=1, store=store, clock=StandingClock()).acquire() == 0


@pytest.mark.parametrize("days", [1, 30, 1e9, 1e300, math.inf])
def test_a_block_of_many_days_stops_other_tasks_for_minutes_only(days: float) -> None:
    """A partner is believed for an hour at most (``Retry-After: 1e9`` would block until 2058), others ask earlier."""
    clock = StandingClock()
    rate_limit = RateLimiter(rate=1, clock=clock)
    rate_limit.update_from_server(blocked_for=days * 86_400)
    assert rate_limit.acquire(max_wait=60) == pytest.approx(MAX_BLOCK)
    clock.now += MAX_BLOCK
    assert rate_limit.acquire(max_wait=60) == 0


@pytest.mark.parametrize("seconds", [600, 3_600, 86_400 * 365])
@pytest.mark.parametrize("max_wait", [5, 60, math.inf])
def test_a_clock_that_is_set_back_does_not_stop_requests(seconds: float, max_wait: float) -> None:
    clock, store = StandingClock(), InMemoryStore()
    clock.now = 1_780_000_000.0
    for _ in range(20):
        RateLimiter(rate=4, store=store, clock=clock).acquire(max_wait=60)
    clock.now -= seconds
    task = RateLimiter(rate=4, store=store, clock=clock)
    assert [task.acquire(max_wait=max_wait) for _ in range(3)] == pytest.approx([0, 0.25, 0.5])


def test_a_clock_that_is_set_back_a_little_costs_no_more_than_a_block() -> None:
    clock, store = StandingClock(), InMemoryStore()
    RateLimiter(rate=4, store=store, clock=clock).acquire()
    clock.now -= 200
    assert RateLimiter(rate=4, store=store, clock=clock).acquire(max_wait=60) <= MAX_BLOCK


def test_a_slow_rate_with_a_long_queue_is_no_clock_that_was_set_back() -> None:
    rate_limit = RateLimiter(rate=1 / 400, clock=StandingClock())
    assert [rate_limit.acquire(max_wait=900) for _ in range(3)] == pytest.approx([0, 400, 800])


@pytest.mark.parametrize(
    "values",
    [
        {"rate": 1e-9},
        {"rate": 1.0, "capacity": 1e12},
        {"available": -1e300},
        {"available": math.nan},
        {"cost": 1e300},
        {"refund": math.inf},
        {"refund": math.nan},
        {"blocked_for": math.nan},
        {"blocked_for": -5.0},
    ],
)
def test_nonsense_from_the_server_stops_nothing(values: dict[str, float]) -> None:
    rate_limit = RateLimiter(rate=4, capacity=4, clock=StandingClock())
    rate_limit.update_from_server(**values)
    assert rate_limit.acquire() <= 1.0
    assert rate_limit.acquire() <= 1.0


def test_a_cost_beyond_all_limits_waits_for_hours_at_most() -> None:
    """Shopify's answer states a query's cost, and the next query reserves it."""
    rate_limit = RateLimiter(rate=100, capacity=1_000, clock=StandingClock())
    rate_limit.acquire(1e300)
    assert rate_limit.acquire(1, max_wait=60) <= MAX_REFILL


def test_threads_share_the_rate_limit() -> None:
    rate_limit = RateLimiter(rate=10, clock=StandingClock())
    with ThreadPoolExecutor(16) as pool:
        waits = sorted(pool.map(lambda _: rate_limit.acquire(), range(400)))
    assert waits == pytest.approx([index / 10 for index in range(400)])


@pytest.mark.parametrize("parameters", [{"rate": 0}, {"rate": -1}, {"rate": math.inf}, {"rate": 1, "capacity": 0}])
def test_a_rate_limit_that_grants_nothing_is_an_error(parameters: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second"):
        RateLimiter(**parameters)


def test_no_rate_limit_never_waits() -> None:
    rate_limit = NoRateLimit()
    rate_limit.update_from_server(blocked_for=100)
    assert rate_limit.acquire(1_000) == 0


def test_a_client_knows_what_it_has_taken_of_the_limit() -> None:
    """Two tasks share the limit, and each counts its own requests; a refund is what the partner did not charge."""
    clock, store = StandingClock(), InMemoryStore()
    first, second = (RateLimiter(rate=5, capacity=10, store=store, clock=clock) for _ in range(2))
    first.acquire(3)
    first.acquire(4)
    first.update_from_server(refund=2)
    assert first.acquire(1_000, max_wait=1) > 1

    assert first.use() == (5, 5, 10)
    assert second.use() == (0, 5, 10)
    first.update_from_server(rate=50, capacity=100)
    assert first.use() == (5, 50, 100)
    assert NoRateLimit().use() is None
