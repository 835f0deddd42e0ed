"""Airflow gets a home of its own before anything imports it, one per test process."""

from __future__ import annotations

import os
import tempfile

import pytest

os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "True"
for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__PARTNERS__"))]:
    del os.environ[name]


@pytest.fixture
def quick_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat refused credentials without a pause. The pauses themselves are tested in ``test_call``."""
    from airflow_provider_partners.api.http import call

    monkeypatch.setattr(call, "REFUSAL_PAUSES", (0.0, 0.0))
