"""Break the connection of one request. ASGI has no message for this, so uvicorn's transport is used."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import Any

from starlette.types import Message, Receive, Send

__all__ = ["BrokenBody", "BufferedAnswer", "DripBody", "break_connection", "wait"]

_PIECES = 10
_RESET = struct.pack("ii", 1, 0)


def _transport(send: Send) -> Any:
    """Return the connection. It is in the object that ``send`` is bound to."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        msg = "only uvicorn's connections can be dropped, and only by the outermost middleware"
        raise RuntimeError(msg)
    return transport


def abort(send: Send, *, reset: bool) -> None:
    """Close the connection at once.

    :param reset: with a reset (RST) instead of an orderly end (FIN)
    """
    transport = _transport(send)
    connection = transport.get_extra_info("socket")
    if reset and connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


async def break_connection(receive: Receive, send: Send, *, reset: bool = False) -> None:
    """Close the connection without sending a byte; return when it is closed."""
    abort(send, reset=reset)
    while (await receive())["type"] != "http.disconnect":
        pass


async def wait(seconds: float, receive: Receive) -> bool:
    """Wait, but not longer than the client does.

    :param receive: of a request that was read completely
    :returns: False if the client has closed the connection
    """
    disconnected = asyncio.ensure_future(_disconnected(receive))
    done, _ = await asyncio.wait({disconnected}, timeout=seconds)
    disconnected.cancel()
    return not done


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class BufferedAnswer:
    """Collects an answer, and passes it on after its last message as :meth:`deliver` does."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.start: Message = {}
        self.body = b""

    async def __call__(self, message: Message) -> None:
        """Collect one message."""
        if message["type"] == "http.response.start":
            self.start = message
            return
        self.body += message.get("body", b"")
        if not message.get("more_body"):
            await self.deliver()

    async def deliver(self) -> None:
        """Send the answer with a length that fits."""
        await self.send_start(len(self.body))
        await self._send({"type": "http.response.body", "body": self.body})

    async def send_start(self, length: int) -> None:
        """Send status and headers."""
        headers = [(name, value) for name, value in self.start["headers"] if name.lower() != b"content-length"]
        await self._send({**self.start, "headers": [*headers, (b"content-length", str(length).encode())]})


class BrokenBody(BufferedAnswer):
    """Announces the whole body, sends a part of it, and closes the connection.

    :param share: of the body that arrives
    :param reset: close it with a reset
    """

    def __init__(self, send: Send, share: float, *, reset: bool) -> None:
        super().__init__(send)
        self._share = share
        self._reset = reset

    async def deliver(self) -> None:
        """Send the part, and close the connection."""
        await self.send_start(max(1, len(self.body)))
        part = self.body[: int(len(self.body) * self._share)]
        if part:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        # What the system has not sent yet would be lost with a reset, even the status.
        await asyncio.sleep(0.005)
        abort(self._send, reset=self._reset)


class DripBody(BufferedAnswer):
    """Sends the body in small pieces.

    :param seconds: until the last piece
    """

    def __init__(self, send: Send, seconds: float) -> None:
        super().__init__(send)
        self._pause = seconds / _PIECES

    async def deliver(self) -> None:
        """Send the pieces."""
        await self.send_start(len(self.body))
        size = max(1, -(-len(self.body) // _PIECES))
        for begin in range(0, len(self.body), size):
            await asyncio.sleep(self._pause)
            piece = self.body[begin : begin + size]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})
