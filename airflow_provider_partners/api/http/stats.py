"""Counting what a client sent and waited for, for logs, links and tests. Must not know what was sent."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any


class RequestStats:
    """Counters that threads share.

    ::

        {"requests": 12, "retries": 1, "throttled": 1, "waited": 2.5, "by_label": {"orders.create": 12}}
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests = 0
        self.retries = 0
        self.throttled = 0
        self.waited = 0.0
        self.by_label: Counter[str] = Counter()

    def on_request(self, label: str) -> None:
        """Count a request that goes out.

        :param label: the operation's name
        """
        with self._lock:
            self.requests += 1
            self.by_label[label] += 1

    def on_retry(self) -> None:
        """Count a request that is to be sent again after a transient fault."""
        with self._lock:
            self.retries += 1

    def on_throttle(self) -> None:
        """Count a request that the partner refused as too many."""
        with self._lock:
            self.throttled += 1

    def on_wait(self, seconds: float) -> None:
        """Count a wait, for the budget or before a repetition.

        :param seconds: how long
        """
        with self._lock:
            self.waited += seconds

    def snapshot(self) -> dict[str, Any]:
        """The counts of this moment, as JSON."""
        with self._lock:
            return {
                "requests": self.requests,
                "retries": self.retries,
                "throttled": self.throttled,
                "waited": round(self.waited, 3),
                "by_label": dict(self.by_label),
            }
