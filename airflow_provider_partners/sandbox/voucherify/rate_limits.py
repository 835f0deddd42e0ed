"""Voucherify's rate limit: calls per minute, hour or billing cycle, with headers on every response.

It runs by the machine's clock: clients get the epoch second of the next allowed call and wait by their own clock.
Source: https://docs.voucherify.io/guides/limits
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_partners.sandbox.voucherify.errors import ApiError

_PERIODS = {"minute": 60.0, "hour": 3600.0}
#: Period of the limit per IP address of client-side calls, in seconds.
CLIENT_PERIOD = 5.0
_MESSAGE = "Too many requests hit the API too quickly."


@dataclass(frozen=True, kw_only=True)
class RateLimitStatus:
    """The state of one bucket.

    :param next_at: epoch second of the next allowed call
    :param now: epoch seconds
    """

    allowed: bool
    limit: int
    remaining: int
    next_at: float
    now: float
    type: str

    def headers(self) -> dict[str, str]:
        """Return the headers of every response."""
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(self.remaining),
            "X-Rate-Limit-Retry": str(math.ceil(self.next_at)),
        }

    def error(self, retry_after: float | None = None) -> ApiError:
        """Return the 429, with the seconds to wait and the bucket that is empty.

        :param retry_after: seconds to send instead of the real ones
        """
        wait = self.next_at - self.now if retry_after is None else retry_after
        retry_headers = {"Retry-After": str(max(1, math.ceil(wait))), "X-Rate-Limit-Type": self.type}
        return ApiError(429, {"code": 429, "message": _MESSAGE}, headers=self.headers() | retry_headers)


class RateLimiter:
    """Counts calls in fixed windows, one count per bucket.

    :param clock: epoch seconds
    """

    def __init__(self, *, clock: Callable[[], float], switches: Mapping[str, Any]) -> None:
        self._clock = clock
        self._switches = switches
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, int]] = {}

    def calls(self, *, consume: bool = True) -> RateLimitStatus | None:
        """Count one call of the project; return ``None`` without a limit.

        :param consume: False: return the state without counting
        """
        limit, type_ = self._switches["voucherify.rate_limit"], self._switches["voucherify.rate_type"]
        return self._bucket("calls", limit, type_, consume=consume)

    def bulk(self) -> RateLimitStatus | None:
        """Count one bulk call of the project, in a bucket of its own."""
        return self._bucket("bulk", self._switches["voucherify.bulk_rate_limit"], "bulk_api_calls", consume=True)

    def client_side(self, address: str) -> RateLimitStatus | None:
        """Count one client-side call of an IP address."""
        limit = self._switches["voucherify.client_rate_limit"]
        return self._bucket(f"client {address}", limit, "api_calls", consume=True, period=CLIENT_PERIOD)

    def _bucket(
        self, name: str, limit: int | None, type_: str, *, consume: bool, period: float | None = None
    ) -> RateLimitStatus | None:
        if not limit:
            return None
        with self._lock:
            now = self._clock()
            start, end = self._window(now, type_, period)
            window_start, used = self._used.get(name, (start, 0))
            if window_start != start:
                used = 0
            allowed = used < limit
            if consume and allowed:
                used += 1
            self._used[name] = (start, used)
        remaining = limit - used
        next_at = math.floor(now) if remaining else end
        return RateLimitStatus(allowed=allowed, limit=limit, remaining=remaining, next_at=next_at, now=now, type=type_)

    def _window(self, now: float, type_: str, period: float | None) -> tuple[float, float]:
        if type_ == "api_calls_cycle":
            first = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            following = (first + timedelta(days=32)).replace(day=1)
            return first.timestamp(), following.timestamp()
        name = "voucherify.bulk_rate_period" if type_ == "bulk_api_calls" else "voucherify.rate_period"
        configured = self._switches[name]
        seconds = period or _PERIODS.get(configured) or float(configured)
        start = math.floor(now / seconds) * seconds
        return start, start + seconds
