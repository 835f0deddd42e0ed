"""Client-side rate limit per credential. Each response corrects it.

The algorithm is GCRA (https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm). Its whole state is one number, the
*theoretical arrival time*: when the last granted request would arrive if all requests were evenly spaced. One number
fits into a file or Redis, so that parallel tasks share it (see
:mod:`~airflow_provider_partners.api.http.rate_limit_store`). Each client reads its partner's headers and calls
:meth:`RateLimit.update_from_server`.
"""

from __future__ import annotations

import math
import threading
from typing import NamedTuple, Protocol

from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore, RateLimitStore
from airflow_provider_partners.exceptions import ConfigurationError

MAX_BLOCK = 300.0
"""Seconds. A partner's refusal stops the tasks that share a rate limit for this long at most.

The refused task itself waits as long as the partner requires. The others send one request each five minutes, so that
neither a nonsensical header nor a clock that was set back stops them for long.
"""
MAX_REFILL = 7_200.0
"""Seconds until a full bucket, at most, that a partner's values may result in. Voucherify's longest one is an hour."""

TOLERANCE = 0.05
"""Share of the time between two requests by which one may be late. The rates of the clients are lower by more."""


class LimitUse(NamedTuple):
    """How much of a rate limit a client has taken."""

    used: float
    """Requests or cost points that were granted, without those that the partner gave back."""
    per_second: float
    """What the partner restores per second."""
    burst: float
    """What it allows at once after a pause."""


class RateLimit(Protocol):
    """Grants requests."""

    def use(self) -> LimitUse | None:
        """Return how much this client has taken; ``None`` if there is no limit."""

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Reserve a request.

        :param cost: requests or cost points
        :param max_wait: longest wait that the caller accepts, in seconds; if the wait is longer, nothing is reserved
        :returns: seconds to wait before sending
        """

    def postpone(self, seconds: float) -> None:
        """Make room for a request that leaves later than it was granted.

        Without it, a late request and those right after it could be more than the partner allows in a second.

        :param seconds: how much later
        """

    def update_from_server(
        self,
        *,
        available: float | None = None,
        capacity: float | None = None,
        rate: float | None = None,
        blocked_for: float | None = None,
        cost: float = 1.0,
        refund: float = 0.0,
    ) -> None:
        """Apply what the partner reports.

        :param available: points left in the partner's bucket; this only slows requests down, because it does not
            include the reservations of other tasks
        :param capacity: size of the bucket
        :param rate: points restored per second
        :param blocked_for: seconds during which the partner refuses every request; afterwards ``cost`` is available
        :param cost: cost of the refused request
        :param refund: points that were reserved but not charged
        """


class NoRateLimit:
    """No client-side limit, for an API that declares none."""

    def use(self) -> LimitUse | None:
        """Return ``None``: there is no limit."""
        return None

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Return 0: never wait."""
        return 0.0

    def postpone(self, seconds: float) -> None:
        """Do nothing: requests need no room."""

    def update_from_server(
        self,
        *,
        available: float | None = None,
        capacity: float | None = None,
        rate: float | None = None,
        blocked_for: float | None = None,
        cost: float = 1.0,
        refund: float = 0.0,
    ) -> None:
        """Do nothing. The transport waits after a refusal."""


class RateLimiter:
    """Allows ``rate`` requests per second, and a burst of ``capacity`` after a pause.

    :param rate: requests or cost points per second
    :param capacity: size of the burst; 1 spaces requests evenly
    :param store: keeps the state; in memory by default
    """

    def __init__(
        self, *, rate: float, capacity: float = 1.0, store: RateLimitStore | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        if not isinstance(rate, int | float) or not (0 < rate < math.inf and 0 < capacity < math.inf):
            message = f"a rate limit of {rate} per second with a burst of {capacity} is not possible"
            raise ConfigurationError(
                message, remedy="Both must be greater than zero and finite, as in requests_per_second=4."
            )
        self._rate = rate
        self._capacity = capacity
        self._store = store or InMemoryStore()
        self._clock = clock
        self._lock = threading.Lock()
        self._used = 0.0

    def use(self) -> LimitUse | None:
        """Return how much this client has taken. Other tasks may share the limit."""
        with self._lock:
            return LimitUse(max(self._used, 0.0), self._rate, self._capacity)

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Reserve a request. A cost above the capacity is granted too, after a longer wait."""
        now, interval, capacity = self._parameters()
        cost = min(cost, MAX_REFILL / interval)
        longest = max(MAX_BLOCK, max_wait if math.isfinite(max_wait) else 0.0) + (capacity + cost) * interval
        wait = 0.0

        def change(stored: float | None) -> float:
            nonlocal wait  # assigned again on every call: a store may call this function more than once
            arrival = _valid_arrival(stored, now, longest)
            wait = max(0.0, arrival + (cost - capacity) * interval - now)
            return arrival if wait > max_wait else arrival + cost * interval

        self._store.update(change)
        if wait <= max_wait:
            self._count(cost)
        return wait

    def postpone(self, seconds: float) -> None:
        """Move later reservations by as much, at most by the room of one request; see :meth:`RateLimit.postpone`.

        A limit with a burst has room of its own: it only refills while a request is late.
        """
        now, interval, capacity = self._parameters()
        if capacity > 1 or seconds < TOLERANCE * interval:
            return
        room, longest = min(seconds, interval), MAX_BLOCK + (capacity + 1) * interval
        self._store.update(lambda stored: _valid_arrival(stored, now, longest) + room)

    def update_from_server(
        self,
        *,
        available: float | None = None,
        capacity: float | None = None,
        rate: float | None = None,
        blocked_for: float | None = None,
        cost: float = 1.0,
        refund: float = 0.0,
    ) -> None:
        """Apply what the partner reports; see :meth:`RateLimit.update_from_server`."""
        with self._lock:
            new_rate, new_capacity = rate or self._rate, capacity or self._capacity
            if 0 < new_rate < math.inf and 0 < new_capacity <= new_rate * MAX_REFILL:
                self._rate, self._capacity = new_rate, new_capacity
        if available is None and blocked_for is None and not refund:
            return
        if refund > 0:
            self._count(-refund)
        now, interval, size = self._parameters()
        earliest = now
        if available is not None and not math.isnan(available):
            earliest = now + (size - min(max(available, 0.0), size)) * interval
        if blocked_for is not None and blocked_for > 0:
            earliest = max(earliest, now + min(blocked_for, MAX_BLOCK) + (size - cost) * interval)
        returned = min(refund, size) * interval if refund > 0 else 0.0
        longest = MAX_BLOCK + (size + cost) * interval
        self._store.update(lambda stored: max(_valid_arrival(stored, now, longest) - returned, earliest))

    def _count(self, cost: float) -> None:
        with self._lock:
            self._used += cost

    def _parameters(self) -> tuple[float, float, float]:
        with self._lock:
            return self._clock.time(), 1.0 / self._rate, self._capacity


def _valid_arrival(stored: float | None, now: float, longest: float) -> float:
    """Return the stored time, or the present if the stored one can't be right.

    :param longest: seconds ahead that requests are reserved. A later time means that the store is damaged, or that the
        clock was set back
    """
    if stored is None or not math.isfinite(stored) or stored > now + longest:
        return now
    return max(now, stored)
