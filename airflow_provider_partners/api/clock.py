"""The clock, as an object that tests can replace."""

from __future__ import annotations

import time


class Clock:
    """The system's clock. In tests, ``sleep`` advances the time instead of waiting."""

    def monotonic(self) -> float:
        """Return seconds that never go back. Use it for durations and deadlines."""
        return time.monotonic()

    def time(self) -> float:
        """Return the seconds since 1970 (UTC). They are comparable between processes and with response headers."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds. Zero and negative values return at once."""
        if seconds > 0:
            time.sleep(seconds)


SYSTEM_CLOCK = Clock()
"""The default clock."""
