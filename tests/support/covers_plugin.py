"""A plugin of pytest that writes which tests carry ``@pytest.mark.covers``, for ``docs/coverage_table.py``.

``python -m pytest --collect-only -p covers_plugin --covers-to FILE``, with ``tests/support`` in ``PYTHONPATH``.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from pathlib import Path

import pytest

NEVER_RUN = ("skip", "skipif", "xfail")
"""Marks of tests that may show nothing."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--covers-to", help="the file to write")


def pytest_collection_finish(session: pytest.Session) -> None:
    found = [
        {
            "test": item.nodeid.partition("[")[0],
            "covers": ids,
            "may_not_run": [name for name in NEVER_RUN if item.get_closest_marker(name)],
            "checks": checks_something(item.function),
        }
        for item in session.items
        if isinstance(item, pytest.Function)
        if (ids := [str(each) for mark in item.iter_markers("covers") for each in mark.args])
    ]
    Path(session.config.getoption("--covers-to")).write_text(json.dumps(found))


def checks_something(function: object) -> bool:
    """Return True if a test has an assertion, or expects an error."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in {"pytest.raises", "pytest.fail"})
        for node in ast.walk(tree)
    )
