"""Voucherify's rate limit: so many calls per minute, hour or billing cycle, told by headers on every answer.

Time is the machine's: clients are told the epoch second of the next allowed call and wait by their own clock. It must
not know who calls, nor for what.
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
#: Client-side calls are limited by address: so many in so many seconds.
CLIENT_PERIOD = 5.0
_MESSAGE = "Too many requests hit the API too quickly."


@dataclass(frozen=True, kw_only=True)
class RateLimitStatus:
    """Where a bucket stands.

    :param next_at: epoch second at which the next call is allowed
    """

    allowed: bool
    limit: int
    remaining: int
    next_at: float
    now: float
    type: str

    def headers(self) -> dict[str, str]:
        """As they are on every answer."""
        return {
            "X-Rate-Limit-Limit": str(self.limit),
            "X-Rate-Limit-Remaining": str(self.remaining),
            "X-Rate-Limit-Retry": str(math.ceil(self.next_at)),
        }

    def refusal(self, retry_after: float | None = None) -> ApiError:
        """429, with the seconds to wait and what was used up.

        :param retry_after: other seconds to tell
        """
        wait = self.next_at - self.now if retry_after is None else retry_after
        more = {"Retry-After": str(max(1, math.ceil(wait))), "X-Rate-Limit-Type": self.type}
        return ApiError(429, {"code": 429, "message": _MESSAGE}, headers=self.headers() | more)


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
        """One call of the project; ``None`` where nothing is limited.

        :param consume: count it; else only tell where the bucket stands
        """
        return self._bucket(
            "calls", self._switches["voucherify.rate_limit"], self._switches["voucherify.rate_type"], take=consume
        )

    def bulk(self) -> RateLimitStatus | None:
        """One bulk call of the project, on top of the other bucket."""
        return self._bucket("bulk", self._switches["voucherify.bulk_rate_limit"], "bulk_api_calls", take=True)

    def client_side(self, address: str) -> RateLimitStatus | None:
        """One client-side call from an address."""
        limit = self._switches["voucherify.client_rate_limit"]
        return self._bucket(f"client {address}", limit, "api_calls", take=True, period=CLIENT_PERIOD)

    def _bucket(
        self, name: str, limit: int | None, type_: str, *, take: bool, period: float | None = None
    ) -> RateLimitStatus | None:
        if not limit:
            return None
        with self._lock:
            now = self._clock()
            start, end = self._window(now, type_, period)
            window, used = self._used.get(name, (start, 0))
            if window != start:
                used = 0
            allowed = used < limit
            if take and allowed:
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
        given = self._switches["voucherify.bulk_rate_period" if type_ == "bulk_api_calls" else "voucherify.rate_period"]
        seconds = period or _PERIODS.get(given) or float(given)
        start = math.floor(now / seconds) * seconds
        return start, start + seconds
