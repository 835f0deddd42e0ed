"""Clocks for tests that must not wait."""

from __future__ import annotations

from airflow_provider_partners.api.clock import Clock


class TurningClock(Clock):
    """A clock whose time passes only when somebody sleeps, or when a test changes ``now``.

    :param now: first timestamp, in epoch seconds
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


class StandingClock(Clock):
    """A clock that stands still until a test changes ``now``."""

    now = 1_000.0

    def time(self) -> float:
        return self.now
