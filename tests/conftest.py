"""Airflow gets a home of its own before anything imports it, one per test process."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from postgres import PostgresServer

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"
for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__PARTNERS__"))]:
    del os.environ[name]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument, as packed bytes may hold a time and workers must collect the same names."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture
def quick_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat refused credentials without a pause. The pauses themselves are tested in ``test_call``."""
    from airflow_provider_partners.api.http import call

    monkeypatch.setattr(call, "REFUSAL_PAUSES", (0.0, 0.0))


@pytest.fixture(autouse=True)
def _forget_masks() -> None:
    """Let a test mask its own secrets only: Airflow keeps them per process, and one may be a word of another test."""
    for package in ("airflow.sdk", "airflow"):
        masker = sys.modules.get(f"{package}._shared.secrets_masker")
        if masker is not None:
            masker.reset_secrets_masker()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server on loopback, one per test process."""
    from postgres import serve_postgres

    with serve_postgres() as running:
        yield running


@pytest.fixture(scope="module")
def postgres(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> PostgresServer:
    """A database of the test file's own, so that the files don't depend on their order."""
    name = re.sub(r"\W", "_", request.node.nodeid.removesuffix(".py")).lower()
    return postgres_server.create_database(name[-63:].lstrip("_0123456789"))
