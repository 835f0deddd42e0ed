"""Answers and files that would fill memory, stack, disk or time end with a clear error that names the limit.

The bombs come from the RFCs of what they misuse (1951 and 1952 for compression, 8259 for JSON, 4180 for CSV, 9112 for
HTTP); ``tests/support/bombs.py`` makes and serves them without this package's code. Each is read in a process of its
own with 2 GB of address space.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bombs import BOMBS

SCRIPT = Path(__file__).parents[1] / "support" / "bombs.py"
MORE_MEGABYTES = 400
"""Memory that a bomb may take above that of the idle process: some copies of the 64 MB of ``max_response_mb``."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    command = [sys.executable, str(SCRIPT), str(tmp_path_factory.mktemp("bombs"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["bomb"]: line for line in lines}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_with_a_clear_error_in_bounded_memory(results: dict[str, dict[str, Any]], bomb: str) -> None:
    result = results[bomb]
    assert "died" not in result, result
    error, expected = result["error"], result["expected"]
    assert re.search(expected, error) if expected else error == "", error
    assert result["more_mb"] < MORE_MEGABYTES, result
    assert result["seconds"] < 300, result
    assert len(error) < 1_000
