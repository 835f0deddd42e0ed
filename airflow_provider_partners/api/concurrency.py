"""Call a function for several items at once, with results in order; and signal a thread that its result is useless."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["call_unless_abandoned", "is_abandoned", "map_in_order"]

T = TypeVar("T")
R = TypeVar("R")


def map_in_order(function: Callable[[T], R], items: Sequence[T], *, workers: int) -> Iterator[R]:
    """Yield ``function(item)`` for each item, in the items' order, with up to ``workers`` calls at once.

    The first error, in that order, is raised after all results before it. Calls that have not started then never start.

    :param workers: 1 makes one call after the other, in the caller's own thread
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(max_workers=min(workers, len(items)), thread_name_prefix="map-in-order")
    try:
        for future in [pool.submit(function, item) for item in items]:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_thread = threading.local()


def call_unless_abandoned(abandoned: threading.Event, function: Callable[[T], R], item: T) -> R:
    """Return ``function(item)``. During the call, :func:`is_abandoned` returns the state of the event to this thread.

    :param abandoned: set when nobody needs the result any more
    """
    _thread.abandoned = abandoned
    try:
        return function(item)
    finally:
        _thread.abandoned = None


def is_abandoned() -> bool:
    """Return True if nobody needs the result of what this thread is doing."""
    abandoned: threading.Event | None = getattr(_thread, "abandoned", None)
    return abandoned is not None and abandoned.is_set()
