"""Base class of the provider's triggers: poll a partner until there is an event, emit it once, and end.

The clients are synchronous, so each poll runs in a thread; the event loop does all the waiting. This module knows no
condition and no job.
"""

from __future__ import annotations

import asyncio
import random
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_partners._compat import in_thread
from airflow_provider_partners.exceptions import (
    ConfigurationError,
    FatalError,
    NotDefinedError,
    PartnersError,
    ThrottledError,
)
from airflow_provider_partners.get_provider_info import get_provider_info

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from airflow_provider_partners.hooks.base import PartnerHook

__all__ = ["PollingTrigger", "growing_pauses", "hook_class", "polling_hook", "validate_event"]

T = TypeVar("T")

EventPayload = dict[str, Any]
"""The payload of a trigger's event, as JSON: ``status`` and what belongs to it."""

DONE, FAILED, TIMEOUT, ERROR = "done", "failed", "timeout", "error"
STATUSES = frozenset({DONE, FAILED, TIMEOUT, ERROR})
"""Every ``status`` of an event: it happened; it never will; not in time; the partner could not be reached."""

FATAL, EXHAUSTED = "fatal", "exhausted"
"""The ``kind`` of an :data:`ERROR`: a retry cannot help; polling failed too often in a row.

A :data:`TIMEOUT` is ``fatal`` if the connection was not found until the end.
"""

MIN_PAUSE = 1.0
"""Shortest pause between two polls in seconds, whatever the interval is."""
_FIRST_PAUSE = 2.0
_PAUSE_GROWTH = 1.5
_MAX_BACKOFF = 600.0


def growing_pauses(interval: float) -> Iterator[float]:
    """Yield the pauses between polls: short at first, because small jobs end soon, then growing up to the interval.

    :param interval: the longest pause in seconds
    """
    longest = max(interval, MIN_PAUSE)
    pause = min(_FIRST_PAUSE, longest)
    while True:
        yield pause
        pause = min(pause * _PAUSE_GROWTH, longest)


def validate_event(event: Any) -> EventPayload:
    """Return the payload of an event that Airflow handed to a task.

    :raises PartnersError: when its status is none of :data:`STATUSES`; to continue would hide a failure
    """
    if not isinstance(event, Mapping) or event.get("status") not in STATUSES:
        status = event.get("status") if isinstance(event, Mapping) else None
        message = f"The trigger's event is not readable ({type(event).__name__}, status {status!r})"
        remedy = "Look into the triggerer's log; the task's next try polls the partner itself."
        raise PartnersError(message, remedy=remedy)
    return dict(event)


def hook_class(conn_type: str) -> type[PartnerHook[Any]]:
    """Return the hook class of a connection type.

    A trigger is stored with the connection type alone. The set of types is closed, so a row in Airflow's database
    cannot make the triggerer import anything else.

    :raises ConfigurationError: when this provider has no such type
    """
    declared: Any = get_provider_info()["connection-types"]
    classes = {entry["connection-type"]: entry["hook-class-name"] for entry in declared}
    if conn_type not in classes:
        message = f"There is no hook for connections of type '{conn_type}'"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(sorted(classes))}.")
    module, _, name = classes[conn_type].rpartition(".")
    cls: type[PartnerHook[Any]] = getattr(import_module(module), name)
    return cls


def polling_hook(conn_type: str, conn_id: str, params: Mapping[str, Any]) -> PartnerHook[Any]:
    """Return a hook for the triggerer.

    :param params: the hook's further arguments
    """
    hook = hook_class(conn_type)(conn_id, **params)
    # The trigger waits on the event loop, not in the client.
    hook.short_timeouts = True
    # The triggerer runs for weeks. Airflow forgets no secret and makes its pattern of all again for each new one, which
    # takes a second from the two thousandth token on: ten shops at Yofi have so many in a day. No code but ours gets
    # the client, and its errors hide the token.
    hook.masks_tokens = False
    return hook


class PollingTrigger(BaseTrigger):
    """Polls a partner until there is an event, and emits it once.

    It gives up after ``max_failures`` failed polls in a row, with growing pauses between them. A wait that the partner
    requests is no failure.

    :param conn_type: the connection's type, such as ``shopify_admin``
    :param conn_id: the connection
    :param hook_params: the hook's further arguments, as JSON
    :param poll_interval: longest pause between two polls in seconds; the first pauses are shorter
    :param deadline: when to stop, in seconds since 1970; never by default
    :param max_failures: failed polls in a row before the trigger gives up
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
        self._has_ended = False

    def pauses(self) -> Iterator[float]:
        """Yield the pauses between polls, in seconds."""
        return growing_pauses(self.poll_interval)

    @abstractmethod
    def poll(self, client: Any) -> EventPayload | None:
        """Poll once; runs in a thread.

        :param client: the hook's client
        :returns: the event's payload, or ``None`` to poll again later
        """

    def event(self, status: str, message: str = "") -> EventPayload:
        """Return an event's payload.

        :param status: one of :data:`STATUSES`
        :param message: the reason, for people
        """
        return {"status": status, "message": message}

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON: Airflow stores them and builds the trigger in another process."""
        return {
            "conn_type": self.conn_type,
            "conn_id": self.conn_id,
            "hook_params": self.hook_params,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "max_failures": self.max_failures,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments, as Airflow stores them."""
        cls = type(self)
        return f"{cls.__module__}.{cls.__qualname__}", self.arguments()

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until there is an event, and emit it."""
        self._has_ended = False
        try:
            event = await self._poll_until_event()
        finally:
            await self.cleanup()
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def cleanup(self) -> None:
        """Close the client."""
        self._has_ended = True
        self._close()

    def _close(self) -> None:
        if self._hook is not None:
            self._hook.close()

    async def poll_in_thread(self) -> EventPayload | None:
        """Poll once, off the event loop."""
        return await self.call_in_thread(self.poll)

    async def call_in_thread(self, function: Callable[[Any], T]) -> T:
        """Return what a function returns of the client, off the event loop.

        A thread goes on after its trigger was stopped, and may only then build the client. So it closes it itself.
        """

        def call() -> T:
            try:
                return function(self.client())
            finally:
                if self._has_ended:
                    self._close()

        return await in_thread(call)

    def client(self) -> Any:
        """Return the client; the first call looks up the connection, so it runs in a thread.

        :raises ConfigurationError: when the connection or its type is unknown
        """
        if self._hook is None:
            self._hook = polling_hook(self.conn_type, self.conn_id, self.hook_params)
        return self._hook.get_conn()

    async def _poll_until_event(self) -> EventPayload:
        failures, steps = 0, self.pauses()
        last_error: Exception | None = None
        pause = next(steps)
        while True:
            await asyncio.sleep(self._next_sleep(pause))
            try:
                event = await self.poll_in_thread()
            except ThrottledError as error:
                self.log.info("%s", error)
                pause = max(error.retry_after, next(steps))
            except FatalError as error:
                return {**self.event(ERROR, str(error)), "kind": FATAL}
            except Exception as error:  # noqa: BLE001  # every failure must reach the task as an event
                failures, last_error = failures + 1, error
                reason = _reason(error)
                if failures >= self.max_failures:
                    message = f"polling failed {failures} times in a row; the last error: {reason}"
                    return {**self.event(ERROR, message), "kind": EXHAUSTED}
                pause = min(next(steps) * 2.0**failures, max(_MAX_BACKOFF, self.poll_interval))
                self.log.warning("Polling failed, %d of %d times: %s", failures, self.max_failures, reason)
            else:
                if event is not None:
                    return event
                failures, pause, last_error = 0, next(steps), None
            if self._seconds_left() <= 0:
                return self._timeout_event(last_error)

    def _timeout_event(self, last_error: Exception | None) -> EventPayload:
        message = "it did not happen within the time allowed"
        if last_error is None:
            return self.event(TIMEOUT, message)
        event = self.event(TIMEOUT, f"{message}; the last error: {_reason(last_error)}")
        return {**event, "kind": FATAL} if isinstance(last_error, NotDefinedError) else event

    def _seconds_left(self) -> float:
        return float("inf") if self.deadline is None else self.deadline - time.time()

    def _next_sleep(self, pause: float) -> float:
        """Return the pause with some jitter, so that triggers don't poll in step, cut at the deadline."""
        return max(min(pause * random.uniform(0.9, 1.1), self._seconds_left()), MIN_PAUSE / 2)


def _reason(error: Exception) -> str:
    """Return why a poll failed. The text of another library's error may hold customers' data."""
    return str(error) if isinstance(error, PartnersError) else type(error).__name__
