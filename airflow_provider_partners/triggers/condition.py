"""Trigger of the sensors: waits until a condition is met."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_partners.exceptions import MAX_RETRY_AFTER, RejectedError, ThrottledError
from airflow_provider_partners.triggers.base import DONE, ERROR, FAILED, FATAL, MIN_PAUSE, EventPayload, PollingTrigger
from airflow_provider_partners.triggers.conditions import evaluate


class ConditionTrigger(PollingTrigger):
    """Waits until a condition of :mod:`~airflow_provider_partners.triggers.conditions` is met.

    Its event is ``{"status": "done", "details": {…}}``, or ``failed``, ``timeout`` or ``error`` with a ``message``.
    It creates nothing at the partner, so there is nothing to cancel when the waiting task is stopped.

    :param conn_type: the connection's type, such as ``yotpo``
    :param conn_id: the connection
    :param condition: the condition's name
    :param spec: the condition's :data:`~airflow_provider_partners.triggers.conditions.ConditionSpec`
    :param hook_params: the hook's further arguments, as JSON
    :param poll_interval: seconds between two polls
    :param max_pause: pauses double from ``poll_interval`` up to so many seconds; without it they stay the same
    :param not_before: earliest first poll, in seconds since 1970, when the partner requested a wait
    :param deadline: when to stop waiting, in seconds since 1970; never by default
    :param max_failures: failed polls in a row before the trigger gives up
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
        """Return the constructor's arguments as JSON."""
        return {
            **super().arguments(),
            "condition": self.condition,
            "spec": self.spec,
            "max_pause": self.max_pause,
            "not_before": self.not_before,
        }

    def pauses(self) -> Iterator[float]:
        """Yield the pauses in seconds: the sensor's interval, doubling up to ``max_pause``."""
        pause = max(self.poll_interval, MIN_PAUSE)
        longest = max(self.max_pause or 0.0, pause)
        while True:
            yield pause
            pause = min(pause * 2, longest)

    async def poll_in_thread(self) -> EventPayload | None:
        """Poll once, off the event loop, but not before ``not_before``.

        :raises ThrottledError: when it is too early, which counts as a wait and not as a failure
        """
        wait = (self.not_before or 0.0) - time.time()
        # No partner is believed to require more than an hour, so a longer wait means a clock that was set back.
        if 0 < wait <= MAX_RETRY_AFTER:
            message = f"The partner requested a wait: {wait:.0f} s remain"
            raise ThrottledError(message, retry_after=wait)
        return await super().poll_in_thread()

    def poll(self, client: Any) -> EventPayload | None:
        """Check the condition once."""
        try:
            result = evaluate(self.condition, client, self.spec)
        except RejectedError as error:
            # The next poll would send the same request.
            return {**self.event(ERROR, str(error)), "kind": FATAL}
        if result.met:
            return {**self.event(DONE), "details": result.details}
        if result.impossible_reason:
            return {**self.event(FAILED, result.impossible_reason), "details": result.details}
        self.log.info("Not yet: %s", result.details)
        return None
