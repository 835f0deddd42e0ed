"""The last calls that the sandbox has answered: method, path, status and time. No headers, queries or bodies.

Queries and headers may hold tokens, and bodies hold customers' data; so neither is kept.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_partners.sandbox.faults import CONTROL_PREFIX, operation

__all__ = ["Call", "CallLog", "CallLogging"]

MAX_CALLS = 500
_FAULT = ".fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call.

    :param number: counts all calls since the start
    :param at: when it arrived, by the machine's clock
    :param partner: whose API was called
    :param shop: the shop or store in the call, if it names one
    :param operation: such as ``orders.create``
    :param status: of the response; ``None`` if the connection was closed without one
    :param milliseconds: until the response was sent
    """

    number: int
    at: str
    partner: str
    shop: str
    operation: str
    method: str
    path: str
    status: int | None
    milliseconds: float


class CallLog:
    """The last calls. Safe to use from several threads.

    :param max_calls: how many are kept
    """

    def __init__(self, max_calls: int = MAX_CALLS) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=max_calls)
        self._numbers = itertools.count(1)

    def keep(self, max_calls: int | None) -> None:
        """Keep another number of calls; ``None`` keeps all from now on."""
        with self._lock:
            self._calls = deque(self._calls, maxlen=max_calls)

    def add(self, **call: Any) -> None:
        """Add a call, described by the fields of :class:`Call`."""
        with self._lock:
            self._calls.append(Call(number=next(self._numbers), **call))

    def latest(self, count: int | None = None) -> list[Call]:
        """Return the last calls, the newest first."""
        with self._lock:
            calls = list(reversed(self._calls))
        return calls if count is None else calls[:count]

    def clear(self) -> None:
        """Remove all calls. The numbers go on."""
        with self._lock:
            self._calls.clear()


class CallLogging:
    """ASGI middleware that logs each call of a partner's API. It never logs the page and the control API.

    :param app: the application that serves the partners
    """

    def __init__(self, app: ASGIApp, *, log: CallLog, clock: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and log it."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path == "/" or path.startswith(CONTROL_PREFIX):
            await self._app(scope, receive, send)
            return
        watched, started, at = _WatchedSend(send), self._clock(), datetime.now(UTC)
        try:
            await self._app(scope, receive, watched.send)
        finally:
            partner, shop, name = operation(scope["method"], path, dict(scope["headers"]))
            self._log.add(
                at=at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                partner=partner,
                shop=shop,
                operation=name.removesuffix(_FAULT),
                method=scope["method"],
                path=path,
                status=watched.status,
                milliseconds=round((self._clock() - started) * 1000, 1),
            )


class _WatchedSend:
    """Passes messages on, and remembers the response's status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    @property
    def transport(self) -> Any:
        """The server's connection, which faults drop."""
        return getattr(getattr(self._send, "__self__", None), "transport", None)

    async def send(self, message: Message) -> None:
        """Pass one message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)
