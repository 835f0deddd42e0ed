"""How fast to ask: a budget per credential, kept before every request and corrected by what the partner says.

The budget is one number, the *theoretical arrival time* (GCRA): when the last request granted would arrive
if all came evenly spaced. One number can be kept in a file or in Redis, so parallel tasks share it (``ledgers``).
Must not know HTTP; each API's client reads its partner's headers into :meth:`RateLimit.update_from_server`.
"""

from __future__ import annotations

import math
import threading
from typing import Protocol

from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore, RateLimitStore
from airflow_provider_partners.exceptions import ConfigurationError

MAX_BLOCK = 86_400.0
"""Seconds. An arrival time further away is taken for a ruined ledger, or a clock that was set back."""


class RateLimit(Protocol):
    """Grants requests."""

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Take a turn.

        :param cost: requests or points
        :param max_wait: the longest wait that the caller would sit out; beyond it nothing is taken
        :returns: seconds to wait before sending; the turn is reserved already, unless it exceeds ``max_wait``
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
        """Believe the partner.

        :param available: what is left in its bucket; only ever slows down, since other tasks' turns are not
            in it
        :param capacity: the bucket's size
        :param rate: what it restores per second
        :param blocked_for: seconds during which it will refuse everyone; afterwards ``cost`` is available
        :param cost: what the refused request costs
        :param refund: what was reserved but not charged
        """


class NoRateLimit:
    """No budget: for an API that declares no limit."""

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Never wait.

        :param cost: ignored
        :param max_wait: ignored
        """
        return 0.0

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
        """Take no note; the transport waits for its own refusals."""


class RateLimiter:
    """So many per second, with a burst of ``capacity``.

    :param rate: requests or points per second
    :param capacity: what may be taken at once after a pause; 1 spaces requests evenly
    :param store: where the number is kept; in memory by default
    :param clock: the time
    """

    def __init__(
        self, *, rate: float, capacity: float = 1.0, store: RateLimitStore | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        if not (0 < rate < math.inf and 0 < capacity < math.inf):
            message = f"a budget of {rate} per second with a burst of {capacity} grants nothing, or has no bound"
            raise ConfigurationError(message, remedy="Both must be greater than zero, as in requests_per_second=4.")
        self._rate = rate
        self._capacity = capacity
        self._store = store or InMemoryStore()
        self._clock = clock
        self._lock = threading.Lock()

    def acquire(self, cost: float = 1.0, *, max_wait: float = math.inf) -> float:
        """Take a turn.

        :param cost: requests or points; more than the capacity is granted too, and paid for by waiting
        :param max_wait: the longest wait that the caller would sit out; beyond it nothing is taken
        :returns: seconds to wait before sending
        """
        now, interval, capacity = self._parameters()
        wait = 0.0

        def change(stored: float | None) -> float:
            nonlocal wait  # set anew each time: a ledger may have to try more than once
            arrival = _valid_arrival(stored, now)
            wait = max(0.0, arrival + (cost - capacity) * interval - now)
            return arrival if wait > max_wait else arrival + cost * interval

        self._store.update(change)
        return wait

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
        """Believe the partner; see :meth:`RateLimit.update_from_server` for the parameters."""
        with self._lock:
            self._rate = rate if rate and 0 < rate < math.inf else self._rate
            self._capacity = capacity if capacity and 0 < capacity < math.inf else self._capacity
        if available is None and blocked_for is None and not refund:
            return
        now, interval, size = self._parameters()
        least = now
        if available is not None:
            least = now + (size - min(max(available, 0.0), size)) * interval
        if blocked_for is not None:
            # Half of the longest, so that it is never mistaken for a ruined ledger.
            least = max(least, now + min(blocked_for, MAX_BLOCK / 2) + (size - cost) * interval)
        self._store.update(lambda stored: max(_valid_arrival(stored, now) - refund * interval, least))

    def _parameters(self) -> tuple[float, float, float]:
        with self._lock:
            return self._clock.time(), 1.0 / self._rate, self._capacity


def _valid_arrival(stored: float | None, now: float) -> float:
    if stored is None or not math.isfinite(stored) or stored > now + MAX_BLOCK:
        return now
    return max(now, stored)
