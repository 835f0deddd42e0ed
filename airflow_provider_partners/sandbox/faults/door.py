"""The door of the server: for a while, new connections are refused, or nobody accepts them.

Both happen in the kernel, as they do to a client in reality: it gets a reset for its first packet, or no answer to it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["Door"]

_BACKLOG = 256
_FILLERS = 4


class Door:
    """Closes and opens the listening socket of a running server.

    ``close`` runs in the server's loop, and any thread may call ``open``. The address stays bound meanwhile, so that no
    other process gets the port.
    """

    def __init__(self) -> None:
        self._server: Any = None
        self._make_protocol: Callable[[], asyncio.Protocol] | None = None
        self._address: Any = None
        self._family = socket.AF_INET
        self._bound: socket.socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._wake: Callable[[], object] = lambda: None

    def attach(self, server: Any, listener: socket.socket, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        """Take over the listening socket of a server.

        :param server: uvicorn's server, whose ``servers`` accept the connections
        :param make_protocol: makes the protocol of a new connection
        """
        self._server, self._make_protocol = server, make_protocol
        self._address, self._family = listener.getsockname(), listener.family

    def detach(self) -> None:
        """Leave the server alone."""
        self._server = None
        if (bound := self._bound) is not None:
            self._bound = None
            bound.close()

    def open(self) -> None:
        """Let connections in again, if the door is closed."""
        if (bound := self._bound) is not None:
            # The system queues connections from here on. The server takes them when its loop wakes.
            bound.listen(_BACKLOG)
            self._wake()

    async def close(self, seconds: float, *, silent: bool) -> None:
        """Let no connection in for some seconds; return at once.

        :param silent: let the first packet of a connection go unanswered instead of refusing it
        """
        if self._server is None or (self._opening is not None and not self._opening.done()):
            return
        for accepting in self._server.servers:
            accepting.close()
        bound = socket.socket(self._family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The system refuses connections to an address that is bound and not listened to.
        bound.bind(self._address)
        fillers: list[socket.socket] = []
        if silent:
            # The queue of connections that nobody accepts is full, so the first packet of another gets no answer.
            bound.listen(0)
            fillers = [self._connect() for _ in range(_FILLERS)]
        loop, opened = asyncio.get_running_loop(), asyncio.Event()
        self._wake = partial(loop.call_soon_threadsafe, opened.set)
        self._opening = loop.create_task(self._open(bound, seconds, fillers, opened))
        self._bound = bound

    async def _open(
        self, bound: socket.socket, seconds: float, fillers: list[socket.socket], opened: asyncio.Event
    ) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(opened.wait(), seconds)
        for filler in fillers:
            filler.close()
        if self._server is None or self._make_protocol is None or self._server.should_exit:
            bound.close()
        else:
            loop = asyncio.get_running_loop()
            self._server.servers = [await loop.create_server(self._make_protocol, sock=bound, backlog=_BACKLOG)]
        self._bound = None

    def _connect(self) -> socket.socket:
        filler = socket.socket(self._family)
        filler.setblocking(False)
        with suppress(BlockingIOError):
            filler.connect(self._address)
        return filler
