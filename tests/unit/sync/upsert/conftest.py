"""A Yotpo store in memory for every test of the upsert."""

from __future__ import annotations

import pytest
from fakes.yotpo_store import FakeYotpoStore


@pytest.fixture
def store() -> FakeYotpoStore:
    return FakeYotpoStore()
