"""Waiting until a partner's records, orders or exports are as a sensor wants them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_partners.conditions import evaluate
from airflow_provider_partners.exceptions import RejectedError, ThrottledError
from airflow_provider_partners.triggers.base import (
    DONE,
    ERROR,
    FAILED,
    FATAL,
    SHORTEST_PAUSE,
    Event,
    PollingTrigger,
)


class ConditionTrigger(PollingTrigger):
    """Waits until a condition of :mod:`~airflow_provider_partners.conditions` is met.

    It tells ``{"status": "done", "found": {…}}``, or ``failed``, ``timeout`` or ``error`` with a ``message``, once.
    It made nothing at the partner's, so there is nothing to take back when the waiting task is stopped.

    :param hook: the connection's type, such as ``yotpo``
    :param conn_id: the connection
    :param condition: the condition's name
    :param question: what it is about, as JSON
    :param hook_params: what else the hook is made of, as JSON
    :param poll_interval: seconds between two questions
    :param longest_pause: where given, pauses double from ``poll_interval`` up to so many seconds
    :param not_before: when to ask first, in seconds since 1970, where the partner asked for a wait
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param max_failures: questions in a row that may fail
    """

    def __init__(
        self,
        *,
        hook: str,
        conn_id: str,
        condition: str,
        question: Mapping[str, Any] | None = None,
        hook_params: Mapping[str, Any] | None = None,
        poll_interval: float = 60.0,
        longest_pause: float | None = None,
        not_before: float | None = None,
        deadline: float | None = None,
        max_failures: int = 10,
    ) -> None:
        super().__init__(
            hook=hook,
            conn_id=conn_id,
            hook_params=hook_params,
            poll_interval=poll_interval,
            deadline=deadline,
            max_failures=max_failures,
        )
        self.condition = condition
        self.question = dict(question or {})
        self.longest_pause = longest_pause
        self.not_before = not_before

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {
            **super().arguments(),
            "condition": self.condition,
            "question": self.question,
            "longest_pause": self.longest_pause,
            "not_before": self.not_before,
        }

    def pauses(self) -> Iterator[float]:
        """Seconds between two questions: a sensor's interval, which doubles where that was asked for."""
        pause = max(self.poll_interval, SHORTEST_PAUSE)
        most = max(self.longest_pause or 0.0, pause)
        while True:
            yield pause
            pause = min(pause * 2, most)

    async def ask(self) -> Event | None:
        """Ask once, off the loop, and not before the partner wants to be asked.

        :raises ThrottledError: when it is too early; no failure, but a wait
        """
        early = (self.not_before or 0.0) - time.time()
        if early > 0:
            message = f"The partner asked for a wait, of which {early:.0f} s are left"
            raise ThrottledError(message, retry_after=early)
        return await super().ask()

    def poll(self, client: Any) -> Event | None:
        """Look whether the condition is met."""
        try:
            finding = evaluate(self.condition, client, self.question)
        except RejectedError as error:
            # The next question would be the same one.
            return {**self.event(ERROR, str(error)), "kind": FATAL}
        if finding.met:
            return {**self.event(DONE), "found": finding.found}
        if finding.never:
            return {**self.event(FAILED, finding.never), "found": finding.found}
        self.log.info("Not yet: %s", finding.found)
        return None
