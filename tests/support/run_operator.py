"""Run an operator without Airflow's scheduler, against a client whose requests a test answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

INTERVAL = {
    "data_interval_start": datetime(2026, 5, 1, tzinfo=UTC),
    "data_interval_end": datetime(2026, 5, 2, tzinfo=UTC),
}

CONNECTIONS: dict[str, dict[str, Any]] = {
    "yofi": {"login": "", "password": "a-signing-secret", "extra": {"issuer": "partner-7", "subject": "svc-7"}},
    "shopify_partner": {"password": "prtapi_token", "extra": {"organization_id": "1234"}},
    "voucherify": {"login": "app-id-1234", "password": "the-secret-key"},
    "yotpo": {"login": "STORE", "password": "the-api-secret"},
}


class OperatorRunner:
    """Runs operators of one partner.

    :param hook: the partner's hook class
    :param client: called for each task, with the hook; returns the client
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, hook: Any, client: Any) -> None:
        connection = {"conn_type": hook.conn_type, **CONNECTIONS[hook.conn_type]}
        monkeypatch.setenv(f"AIRFLOW_CONN_{hook.default_conn_name.upper()}", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__PARTNERS__BUDGET_URI", "memory://")
        monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(folder))
        monkeypatch.setattr(hook, "build_client", lambda self, connection: client(self))

    def __call__(self, operator: Any) -> Any:
        task = SimpleNamespace(dag_id="dag", task_id=operator.task_id, run_id="run", map_index=-1)
        return operator.execute({"ti": task, **INTERVAL})
