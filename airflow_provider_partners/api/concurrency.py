"""Several calls at once, their results in order, and a first error that stops the rest. Knows nothing of the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def map_in_order(function: Callable[[T], R], items: Sequence[T], *, workers: int) -> Iterator[R]:
    """Do something with each thing, up to ``workers`` at once, and give the results in the order of the things.

    The first error, in that order, is raised after every earlier result was given; what has not begun by then is not
    begun any more.

    :param workers: 1 does one after the other in the caller's own thread
    """
    if workers <= 1 or len(items) <= 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(max_workers=min(workers, len(items)), thread_name_prefix="upsert")
    try:
        for future in [pool.submit(function, thing) for thing in items]:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
