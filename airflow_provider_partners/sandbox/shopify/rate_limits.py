"""Shopify's rate limits: points that refill (Admin API), and requests per second (Partner API).

Both get their clock from the caller, so that tests need not wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

Clock = Callable[[], float]

#: Plan: (size of the bucket in points, points restored per second). Standard and Plus are recorded. Advanced and
#: Enterprise restore 200 and 2,000 according to the documentation; their size follows from the same ratio.
PLANS = {
    "standard": (2_000, 100),
    "advanced": (4_000, 200),
    "plus": (20_000, 1_000),
    "enterprise": (40_000, 2_000),
}


class PointBucket:
    """The points of one app on one shop."""

    def __init__(self, maximum: float, restore_rate: float, *, clock: Clock = time.monotonic) -> None:
        self.maximum = maximum
        self.restore_rate = restore_rate
        self._clock = clock
        self._points = float(maximum)
        self._at = clock()
        self._lock = threading.Lock()

    def take(self, points: float) -> bool:
        """Take points if enough are available."""
        with self._lock:
            self._refill()
            if points > self._points:
                return False
            self._points -= points
            return True

    def refund(self, points: float) -> None:
        """Return the difference between the requested and the actual cost."""
        with self._lock:
            self._refill()
            self._points = min(self.maximum, self._points + points)

    def status(self) -> dict[str, float]:
        """Return the ``throttleStatus`` of a response."""
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": self.maximum,
                "currentlyAvailable": int(self._points),
                "restoreRate": self.restore_rate,
            }

    def resize(self, maximum: float, restore_rate: float) -> None:
        """Apply the limits of another plan; spent points stay spent."""
        with self._lock:
            self._refill()
            self._points = max(0.0, self._points + maximum - self.maximum)
            self.maximum, self.restore_rate = maximum, restore_rate

    def _refill(self) -> None:
        now = self._clock()
        self._points = min(self.maximum, self._points + (now - self._at) * self.restore_rate)
        self._at = now


class RequestLimiter:
    """Limits requests over any period of one second.

    Shopify does not document the shape of its window; this is the strictest.
    """

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._granted: deque[float] = deque()
        self._lock = threading.Lock()

    def acquire(self, per_second: int) -> bool:
        """Return True if one more request may pass now; rejected requests do not count."""
        with self._lock:
            now = self._clock()
            while self._granted and self._granted[0] <= now - 1:
                self._granted.popleft()
            if len(self._granted) >= per_second:
                return False
            self._granted.append(now)
            return True
