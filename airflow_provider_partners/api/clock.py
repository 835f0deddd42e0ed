"""Time as the wire sees it, so that tests can turn it forward. Knows nothing else."""

from __future__ import annotations

import time


class Clock:
    """The system's clock; tests hand in one whose ``sleep`` advances its own time."""

    def monotonic(self) -> float:
        """Seconds that never go back, for durations and deadlines."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970 in UTC, comparable between processes and with the partners' headers."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait.

        :param seconds: how long; nothing happens for zero or less
        """
        if seconds > 0:
            time.sleep(seconds)


SYSTEM_CLOCK = Clock()
"""The clock of everything that is not a test."""
