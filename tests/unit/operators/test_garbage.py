"""The collector while records stream: https://docs.python.org/3/library/gc.html#gc.freeze."""

from __future__ import annotations

import gc
import weakref

import pytest

from airflow_provider_partners.operators.garbage import NEW_OBJECTS, frozen_heap


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_before_is_not_walked_and_what_comes_is_collected() -> None:
    with frozen_heap():
        assert gc.get_freeze_count() > 0
        lost = weakref.ref(Circle())
        gc.collect()
        assert lost() is None
    assert gc.get_freeze_count() == 0


def test_what_was_garbage_before_is_collected_after() -> None:
    gc.collect()
    gc.disable()
    try:
        lost = weakref.ref(Circle())
        with frozen_heap():
            gc.collect()
            assert lost() is not None
        gc.collect()
        assert lost() is None
    finally:
        gc.enable()


def test_records_in_memory_start_no_collection_and_cycles_start_one() -> None:
    """``threshold0`` counts what is new and still there: https://docs.python.org/3/library/gc.html#gc.set_threshold."""
    with frozen_heap():
        before = gc.get_stats()[0]["collections"]
        records = [{"id": str(number), "lines": []} for number in range(NEW_OBJECTS // 4)]
        assert gc.get_stats()[0]["collections"] == before
        lost = weakref.ref(Circle())
        records += [{"id": str(number), "lines": []} for number in range(NEW_OBJECTS)]
        assert lost() is None
        assert len(records) == NEW_OBJECTS // 4 + NEW_OBJECTS


def test_an_error_ends_it() -> None:
    thresholds = gc.get_threshold()
    with pytest.raises(ValueError, match="no"), frozen_heap():
        raise ValueError("no")
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == thresholds
