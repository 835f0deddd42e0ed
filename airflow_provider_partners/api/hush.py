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

_own_requests = threading.local()


class _OwnRequestFilter(logging.Filter):
    """Drops what is logged while one of our own calls is under way in this thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_own_requests, "now", False)


_OWN_REQUEST_FILTER = _OwnRequestFilter()
_HTTP_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def silence_http_logs() -> None:
    """Have the library's loggers pass over our calls from now on."""
    for name in _HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_OWN_REQUEST_FILTER)  # the same filter is added but once


@contextmanager
def own_request() -> Iterator[None]:
    """What happens inside is one of our calls."""
    _own_requests.now = True
    try:
        yield
    finally:
        _own_requests.now = False
