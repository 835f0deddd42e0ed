"""The collector while records stream: https://docs.python.org/3/library/gc.html#gc.freeze."""

from __future__ import annotations

import gc
import weakref

import pytest

from airflow_provider_partners.operators.garbage import frozen_heap


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


def test_an_error_ends_it() -> None:
    with pytest.raises(ValueError, match="no"), frozen_heap():
        raise ValueError("no")
    assert gc.get_freeze_count() == 0
