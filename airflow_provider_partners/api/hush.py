"""Keeps the HTTP library from logging our calls, since it would log whole addresses, queries included.

Other users of the library in the same process go on being logged. Must not know the library: its loggers are known
by name.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_sending = threading.local()


class _OwnCalls(logging.Filter):
    """Drops what is logged while one of our own calls is under way in this thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_sending, "now", False)


_OWN_CALLS = _OwnCalls()
_TALKATIVE = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


def hush() -> None:
    """Have the library's loggers pass over our calls from now on."""
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_OWN_CALLS)  # the same filter is added but once


@contextmanager
def hushed() -> Iterator[None]:
    """What happens inside is one of our calls."""
    _sending.now = True
    try:
        yield
    finally:
        _sending.now = False
