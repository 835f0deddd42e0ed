"""Several things at once, results in order."""

from __future__ import annotations

import threading
import time

import pytest

from airflow_provider_partners.api.concurrency import map_in_order


@pytest.mark.parametrize("workers", [1, 3, 50])
def test_results_come_in_the_order_of_the_things(workers: int) -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * 2

    assert list(map_in_order(slow_first, range(10), workers=workers)) == list(range(0, 20, 2))


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_error_comes_after_the_results_before_it(workers: int) -> None:
    def fails_at_two(number: int) -> int:
        if number >= 2:
            raise ValueError(number)
        return number

    results = map_in_order(fails_at_two, range(6), workers=workers)

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match=r"^2$"):
        next(results)


def test_what_had_not_begun_at_an_error_is_not_begun_any_more() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        if number == 0:
            raise ValueError
        time.sleep(0.01)
        return number

    with pytest.raises(ValueError, match=r"^$"):
        list(map_in_order(work, range(200), workers=2))

    assert len(begun) < 100


def test_no_more_than_the_given_number_run_at_once() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return number

    list(map_in_order(work, range(20), workers=3))

    assert 1 < most <= 3


def test_one_worker_does_nothing_ahead() -> None:
    begun: list[int] = []
    results = map_in_order(lambda number: begun.append(number) or number, range(5), workers=1)

    next(results)

    assert begun == [0]
