"""Clocks for tests that must not wait."""

from __future__ import annotations

from airflow_provider_partners.api.clock import Clock


class TurningClock(Clock):
    """Time passes only by waiting, or by turning it forward.

    :param now: where it begins, in epoch seconds
    """

    def __init__(self, now: float = 1_780_000_000.0) -> None:
        self.now = now
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += max(seconds, 0)
