"""Waiting until a partner's records, orders or exports are as a sensor wants them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_partners.exceptions import RejectedError, ThrottledError
from airflow_provider_partners.triggers.base import DONE, ERROR, FAILED, FATAL, MIN_PAUSE, EventPayload, PollingTrigger
from airflow_provider_partners.triggers.conditions import evaluate


class ConditionTrigger(PollingTrigger):
    """Waits until a condition of :mod:`~airflow_provider_partners.triggers.conditions` is met.

    It tells ``{"status": "done", "details": {…}}``, or ``failed``, ``timeout`` or ``error`` with a ``message``, once.
    It made nothing at the partner's, so there is nothing to take back when the waiting task is stopped.

    :param conn_type: the connection's type, such as ``yotpo``
    :param conn_id: the connection
    :param condition: the condition's name
    :param spec: what it is about, as JSON
    :param hook_params: what else the hook is made of, as JSON
    :param poll_interval: seconds between two questions
    :param max_pause: where given, pauses double from ``poll_interval`` up to so many seconds
    :param not_before: when to ask first, in seconds since 1970, where the partner asked for a wait
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param max_failures: questions in a row that may fail
    """

    def __init__(
        self,
        *,
        conn_type: str,
        conn_id: str,
        condition: str,
        spec: Mapping[str, Any] | None = None,
        hook_params: Mapping[str, Any] | None = None,
        poll_interval: float = 60.0,
        max_pause: float | None = None,
        not_before: float | None = None,
        deadline: float | None = None,
        max_failures: int = 10,
    ) -> None:
        super().__init__(
            conn_type=conn_type,
            conn_id=conn_id,
            hook_params=hook_params,
            poll_interval=poll_interval,
            deadline=deadline,
            max_failures=max_failures,
        )
        self.condition = condition
        self.spec = dict(spec or {})
        self.max_pause = max_pause
        self.not_before = not_before

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {
            **super().arguments(),
            "condition": self.condition,
            "spec": self.spec,
            "max_pause": self.max_pause,
            "not_before": self.not_before,
        }

    def pauses(self) -> Iterator[float]:
        """Seconds between two questions: a sensor's interval, which doubles where that was asked for."""
        pause = max(self.poll_interval, MIN_PAUSE)
        longest = max(self.max_pause or 0.0, pause)
        while True:
            yield pause
            pause = min(pause * 2, longest)

    async def poll_in_thread(self) -> EventPayload | None:
        """Ask once, off the loop, and not before the partner wants to be asked.

        :raises ThrottledError: when it is too early; no failure, but a wait
        """
        wait = (self.not_before or 0.0) - time.time()
        if wait > 0:
            message = f"The partner asked for a wait, of which {wait:.0f} s are left"
            raise ThrottledError(message, retry_after=wait)
        return await super().poll_in_thread()

    def poll(self, client: Any) -> EventPayload | None:
        """Look whether the condition is met."""
        try:
            result = evaluate(self.condition, client, self.spec)
        except RejectedError as error:
            # The next question would be the same one.
            return {**self.event(ERROR, str(error)), "kind": FATAL}
        if result.met:
            return {**self.event(DONE), "details": result.details}
        if result.impossible_reason:
            return {**self.event(FAILED, result.impossible_reason), "details": result.details}
        self.log.info("Not yet: %s", result.details)
        return None
