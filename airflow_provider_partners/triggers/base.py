"""What the partners' triggers share: asking now and then until there is something to tell, and telling it once.

The clients are synchronous, so each question runs in a thread; everything that may take long is waited for on the loop.
Must not know what is asked.
"""

from __future__ import annotations

import asyncio
import random
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_partners._compat import in_thread
from airflow_provider_partners.exceptions import AuthenticationError, ConfigurationError, PartnersError, ThrottledError
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.hooks.yotpo import YotpoHook

EventPayload = dict[str, Any]
"""What a trigger tells: ``status`` and what belongs to it, as JSON."""

DONE, FAILED, TIMEOUT, ERROR = "done", "failed", "timeout", "error"
STATUSES = frozenset({DONE, FAILED, TIMEOUT, ERROR})
"""All that an event's ``status`` can be: it came about; it never will; not in time; the partner couldn't be asked."""

FATAL, EXHAUSTED = "fatal", "exhausted"
"""The ``kind`` of an :data:`ERROR`: asking again is of no use; it failed too often in a row."""

HOOKS: Mapping[str, type[PartnerHook[Any]]] = {
    hook.conn_type: hook for hook in (ShopifyAdminHook, ShopifyPartnerHook, VoucherifyHook, YofiHook, YotpoHook)
}
"""A trigger's row in the database names a connection's type, and nothing else is ever imported for it."""

MIN_PAUSE = 1.0
"""Seconds; whatever interval was asked for, a partner is not asked more often."""
_FIRST_PAUSE = 2.0
_PAUSE_GROWTH = 1.5
_MAX_BACKOFF = 600.0
_FATAL_ERRORS = (ConfigurationError, AuthenticationError)


def growing_pauses(interval: float) -> Iterator[float]:
    """Seconds between two questions: short at first, since small jobs end soon, growing up to the interval.

    :param interval: the longest pause
    """
    longest = max(interval, MIN_PAUSE)
    pause = min(_FIRST_PAUSE, longest)
    while True:
        yield pause
        pause = min(pause * _PAUSE_GROWTH, longest)


def validate_event(event: Any) -> EventPayload:
    """An event as a task gets it back.

    :param event: whatever Airflow handed to the task
    :returns: it, where its status is one of :data:`STATUSES`
    :raises PartnersError: when it is none of this module's; going on without knowing why would hide a failure
    """
    if not isinstance(event, Mapping) or event.get("status") not in STATUSES:
        status = event.get("status") if isinstance(event, Mapping) else None
        message = f"The trigger told nothing that can be understood ({type(event).__name__}, status {status!r})"
        remedy = "Look into the triggerer's log; the task's next try asks the partner itself."
        raise PartnersError(message, remedy=remedy)
    return dict(event)


class PollingTrigger(BaseTrigger):
    """Asks a partner until there is something to tell, and tells it once.

    A failure is borne ``max_failures`` times in a row, with growing pauses; a wait that the partner asks for is
    granted and is no failure.

    :param conn_type: the connection's type, such as ``shopify_admin``
    :param conn_id: the connection
    :param hook_params: what else the hook is made of, as JSON
    :param poll_interval: seconds between two questions, at most; the first ones come sooner
    :param deadline: when to stop, in seconds since 1970; never by default
    :param max_failures: questions in a row that may fail
    """

    def __init__(
        self,
        *,
        conn_type: str,
        conn_id: str,
        hook_params: Mapping[str, Any] | None = None,
        poll_interval: float = 30.0,
        deadline: float | None = None,
        max_failures: int = 10,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_type = conn_type
        self.conn_id = conn_id
        self.hook_params = dict(hook_params or {})
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.max_failures = max_failures
        self._hook: PartnerHook[Any] | None = None

    def pauses(self) -> Iterator[float]:
        """Seconds between two questions, one after the other."""
        return growing_pauses(self.poll_interval)

    @abstractmethod
    def poll(self, client: Any) -> EventPayload | None:
        """Ask once, in a thread.

        :param client: of the hook
        :returns: what to tell; ``None`` to ask again later
        """

    def event(self, status: str, message: str = "") -> EventPayload:
        """What is told.

        :param status: one of :data:`STATUSES`
        :param message: why, for people
        """
        return {"status": status, "message": message}

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON: Airflow stores it and makes it anew in another process."""
        return {
            "conn_type": self.conn_type,
            "conn_id": self.conn_id,
            "hook_params": self.hook_params,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "max_failures": self.max_failures,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """As Airflow stores it."""
        kind = type(self)
        return f"{kind.__module__}.{kind.__qualname__}", self.arguments()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is something to tell."""
        try:
            event = await self._poll_until_event()
        finally:
            await self.cleanup()
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def cleanup(self) -> None:
        """Let go of the network."""
        if self._hook is not None:
            self._hook.close()

    async def poll_in_thread(self) -> EventPayload | None:
        """Ask once, off the loop."""
        return await in_thread(lambda: self.poll(self.client()))

    def client(self) -> Any:
        """The client; made, and its connection looked up, in the thread that first needs it.

        :raises ConfigurationError: when the type of the connection is unknown, or the connection is
        """
        if self._hook is None:
            if self.conn_type not in HOOKS:
                message = f"There is no hook for connections of type '{self.conn_type}'"
                raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(HOOKS))}.")
            hook = HOOKS[self.conn_type](self.conn_id, **self.hook_params)
            hook.short_timeouts = True
            self._hook = hook
        return self._hook.get_conn()

    async def _poll_until_event(self) -> EventPayload:
        failures, steps = 0, self.pauses()
        pause = next(steps)
        while True:
            await asyncio.sleep(self._next_sleep(pause))
            try:
                event = await self.poll_in_thread()
            except ThrottledError as error:
                self.log.info("%s", error)
                pause = max(error.retry_after, next(steps))
            except _FATAL_ERRORS as error:
                return {**self.event(ERROR, str(error)), "kind": FATAL}
            except Exception as error:  # noqa: BLE001  # whatever fails here must reach the task as an event
                failures += 1
                # An error of some other library may hold anything.
                reason = str(error) if isinstance(error, PartnersError) else type(error).__name__
                if failures >= self.max_failures:
                    message = f"asking failed {failures} times in a row, at last with: {reason}"
                    return {**self.event(ERROR, message), "kind": EXHAUSTED}
                pause = min(next(steps) * 2.0**failures, max(_MAX_BACKOFF, self.poll_interval))
                self.log.warning("Asking failed, %d of %d times: %s", failures, self.max_failures, reason)
            else:
                if event is not None:
                    return event
                failures, pause = 0, next(steps)
            if self._seconds_left() <= 0:
                return self.event(TIMEOUT, "it didn't come about in the time allowed")

    def _seconds_left(self) -> float:
        return float("inf") if self.deadline is None else self.deadline - time.time()

    def _next_sleep(self, pause: float) -> float:
        """The pause, spread so that triggers that were started together part, and cut where the time is up before."""
        return max(min(pause * random.uniform(0.9, 1.1), self._seconds_left()), MIN_PAUSE / 2)
