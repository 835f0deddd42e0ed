"""The connections that the clients of this process open, and whether they are closed."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

__all__ = ["all_closed", "collect_connections"]

_PATIENCE = 60.0
"""Seconds that a thread whose result nobody needs may take to end its request."""


@contextmanager
def collect_connections() -> Iterator[list[socket.socket]]:
    """Yield the sockets that are opened meanwhile. The list keeps Python's collector from closing them."""
    connect, opened = socket.create_connection, []

    def create_connection(*arguments: Any, **options: Any) -> socket.socket:
        opened.append(connect(*arguments, **options))
        return opened[-1]

    with mock.patch.object(socket, "create_connection", create_connection):
        yield opened


@contextmanager
def all_closed() -> Iterator[None]:
    """Fail if a connection that is opened meanwhile stays open."""
    with collect_connections() as opened:
        yield
        give_up_at = time.monotonic() + _PATIENCE
        while (left := [each for each in opened if each.fileno() != -1]) and time.monotonic() < give_up_at:
            time.sleep(0.01)
    assert not left, f"{len(left)} of {len(opened)} connections are open: {left}"
