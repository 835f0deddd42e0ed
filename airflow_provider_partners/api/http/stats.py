"""Counters of what a client sent and waited for, used by logs, metrics, reports and tests."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.rate_limit import LimitUse


class LimitCounts(TypedDict):
    """What a client has taken of its rate limit, as JSON; see :class:`~.rate_limit.LimitUse`."""

    used: float
    per_second: float
    burst: float


class RequestCounts(TypedDict):
    """Counts of a client, as JSON.

    :param requests: sent requests, with retries
    :param retries: requests that were sent again after a transient failure
    :param throttled: requests that the partner refused because of its rate limit
    :param waited: seconds waited for the rate limit and before retries
    :param by_label: sent requests by operation, such as ``{"orders.create": 12}``
    :param seconds: time since the client was made
    :param limit: what was taken of the rate limit; ``None`` if the partner has none
    """

    requests: int
    retries: int
    throttled: int
    waited: float
    by_label: dict[str, int]
    seconds: float
    limit: LimitCounts | None


class RequestStats:
    """Counters that threads share; see :class:`RequestCounts`.

    :param limit_use: returns what was taken of the rate limit
    :param clock: returns the time in seconds
    """

    def __init__(
        self,
        *,
        limit_use: Callable[[], LimitUse | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._limit_use = limit_use
        self._clock = clock
        self._started = clock()
        self.requests = 0
        self.retries = 0
        self.throttled = 0
        self.waited = 0.0
        self.by_label: Counter[str] = Counter()
        self.has_answered = False
        """Whether the host has answered as the API does."""

    def on_answer(self) -> None:
        """Note that the host has answered as the API does."""
        self.has_answered = True

    def on_request(self, label: str) -> None:
        """Count a sent request.

        :param label: name of the operation
        """
        with self._lock:
            self.requests += 1
            self.by_label[label] += 1

    def on_retry(self) -> None:
        """Count a retry after a transient failure."""
        with self._lock:
            self.retries += 1

    def on_throttle(self) -> None:
        """Count a request that the partner refused because of its rate limit."""
        with self._lock:
            self.throttled += 1

    def on_wait(self, seconds: float) -> None:
        """Count seconds waited for the rate limit or before a retry."""
        with self._lock:
            self.waited += seconds

    def snapshot(self) -> RequestCounts:
        """Return the current counts as JSON."""
        limit = self._limit_use()
        with self._lock:
            return {
                "requests": self.requests,
                "retries": self.retries,
                "throttled": self.throttled,
                "waited": round(self.waited, 3),
                "by_label": dict(self.by_label),
                "seconds": round(self._clock() - self._started, 3),
                "limit": {"used": limit.used, "per_second": limit.per_second, "burst": limit.burst} if limit else None,
            }
