"""No lower bound of a dependency has a known vulnerability that concerns this provider.

The advisories are those of the CVE list; ``tests/release/advisories.py`` names each. ``make advisories`` also looks
them up where an advisory service is reached.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def advisories() -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location("advisories", ROOT / "tests" / "release" / "advisories.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["advisories"] = module
    spec.loader.exec_module(module)
    return module


def test_no_lower_bound_is_vulnerable(advisories: ModuleType) -> None:
    bounds = advisories.lower_bounds((ROOT / "pyproject.toml").read_text())
    assert {"httpx", "pyjwt", "pydantic", "starlette", "pyarrow", "redis"} <= bounds.keys()
    assert [each for each in advisories.affected(bounds) if not each.accepted] == []


def test_a_vulnerable_lower_bound_is_found(advisories: ModuleType) -> None:
    found = {each.id for each in advisories.affected({"pyjwt": "2.10.0", "starlette": "0.39", "pyarrow": "14.0.1"})}
    assert {"CVE-2024-53861", "CVE-2024-47874", "CVE-2025-54121"} <= found
    assert "CVE-2023-47248" not in found
