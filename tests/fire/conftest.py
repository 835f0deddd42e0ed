"""Tests whose every case is a seed: a few by default, many with ``--seeds``.

A test with an argument ``seed`` runs once per seed, which is its id: ``pytest tests/fire/test_chaos.py --seeds 200 -k
"[137]"`` runs one case alone. A module may set ``SEEDS``, its number of seeds without the option, or the seeds.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

DEFAULT_SEEDS = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, default=None, help="how many seeds each test under tests/fire runs with")
    parser.addoption("--object-storage", action="store_true", help="run the kills with a staging folder in a bucket")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        # Without an argument below this folder, pytest reads this file after the command line.
        seeds = metafunc.config.getoption("seeds", None)
        if seeds is None:
            seeds = getattr(metafunc.module, "SEEDS", DEFAULT_SEEDS)
        metafunc.parametrize("seed", range(seeds) if isinstance(seeds, int) else seeds, ids=str)


@pytest.fixture(autouse=True, scope="module")
def _restored_environment() -> Iterator[None]:
    """Forget the connections and settings of a module's jobs."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, without ``--seeds``, the tests with the fixture ``long_form``: they would be skipped by the dozen."""
    if config.getoption("seeds", None) is not None:
        return
    long = [item for item in items if "long_form" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=long)
    left_out = set(long)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def long_form() -> None:
    """Mark a test that runs in the long form alone."""


@pytest.fixture
def run_model(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that runs a state machine of Hypothesis from a seed."""
    is_long = request.config.getoption("seeds", None) is not None
    phases = [hypothesis.Phase.generate, *([hypothesis.Phase.shrink] if is_long else [])]

    def run(machine: type[RuleBasedStateMachine], seed: int, *, examples: int, long_examples: int, steps: int) -> None:
        run_state_machine_as_test(
            hypothesis.seed(seed)(type("Seeded", (machine,), {})),
            settings=hypothesis.settings(
                max_examples=long_examples if is_long else examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                report_multiple_bugs=False,
                phases=phases,
                suppress_health_check=list(hypothesis.HealthCheck),
            ),
        )

    return run


@pytest.fixture
def fire_row(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Return a function that adds a row, by column, to the table at the end of the long form."""

    def add(**columns: Any) -> None:
        record_property("fire_row", columns)

    return add


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the rows of each test as a table, with the test's own name for the case."""
    if config.getoption("seeds", None) is None:
        return
    tables: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            rows = [value for name, value in getattr(report, "user_properties", ()) if name == "fire_row"]
            if report.when == "call" and rows:
                name, _, case = report.nodeid.rpartition("[")
                tables[name].append((case.rstrip("]") + ("" if outcome == "passed" else " FAILED"), rows[-1]))
    for name, rows in tables.items():
        terminalreporter.section(name)
        terminalreporter.write_line("\t".join(["case", *rows[0][1]]))
        for case, row in rows:
            terminalreporter.write_line("\t".join([case, *map(str, row.values())]))
