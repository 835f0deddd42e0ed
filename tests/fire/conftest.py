"""Tests whose every case is a seed: a few by default, many with ``--seeds``.

A test with an argument ``seed`` runs once per seed, which is its id: ``pytest tests/fire/test_chaos.py --seeds 200 -k
"[137]"`` runs one case alone. A module may set ``SEEDS``, its number of seeds without the option.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

DEFAULT_SEEDS = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=None, help="how many seeds each test under tests/fire runs with")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        # Without an argument below this folder, pytest reads this file after the command line.
        count = metafunc.config.getoption("seeds", None)
        if count is None:
            count = getattr(metafunc.module, "SEEDS", DEFAULT_SEEDS)
        metafunc.parametrize("seed", range(count), ids=str)


@pytest.fixture(autouse=True, scope="module")
def _restored_environment() -> Iterator[None]:
    """Forget the connections and settings of a module's jobs."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
