"""Python's garbage collection while records stream through a task."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["frozen_heap"]

NEW_OBJECTS = 50_000
"""Dicts, lists and the like that are new and still there, after which a collection begins: some 20 MB at most."""


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Keep what is in memory already out of the collector's sight, for the enclosed block.

    Each full collection walks all objects: Airflow and its libraries are some hundred thousand. A stream of records
    makes so many objects that a full one comes every few hundred records, which was a quarter of a build's CPU time.
    See https://docs.python.org/3/library/gc.html#gc.freeze.

    Records have no cycles, so they go without the collector. By default it looks for cycles with every 700 objects that
    are new and still there, which a batch of records has many times over. That was a seventh of a build's CPU time.
    Within the block it waits for :data:`NEW_OBJECTS`, so memory stays flat.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
