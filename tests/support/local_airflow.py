"""Airflow's own services on loopback: api-server, dag-processor, scheduler with its LocalExecutor, and triggerer.

The metadata database is the given PostgreSQL. Everything else is in one folder.
"""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from postgres import PostgresServer
from services import Services, free_port, wait_until

__all__ = ["ROLES", "LocalAirflow", "run_airflow"]

ROLES = ("api-server", "dag-processor", "scheduler", "triggerer")


@dataclass
class LocalAirflow:
    """A running Airflow.

    :param url: the address of its API
    :param database: its metadata
    """

    url: str
    home: Path
    database: PostgresServer
    environment: dict[str, str]
    services: Services

    def __post_init__(self) -> None:
        self._client = httpx.Client(base_url=self.url, timeout=60)

    def health(self) -> dict[str, Any]:
        """Return Airflow's own report of its health."""
        answer = self._client.get("/api/v2/monitor/health")
        answer.raise_for_status()
        return dict(answer.json())

    def request(self, method: str, path: str, **arguments: Any) -> Any:
        """Call Airflow's public API."""
        if "Authorization" not in self._client.headers:
            token = self._client.get("/auth/token")
            token.raise_for_status()
            self._client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        answer = self._client.request(method, path, **arguments)
        answer.raise_for_status()
        return answer.json()

    def trigger(self, dag_id: str, *, run_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Start a run without a logical date, as soon as Airflow knows the Dag."""
        query = "SELECT 1 FROM serialized_dag WHERE dag_id = %s"
        wait_until(lambda: self.database.query(query, dag_id), seconds=180, what=f"Airflow knows {dag_id}", every=1)
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        self.request("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body)

    def state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a run, from the database, so that it costs Airflow nothing."""
        rows = self.database.query("SELECT state FROM dag_run WHERE dag_id = %s AND run_id = %s", dag_id, run_id)
        return str(rows[0][0]) if rows else ""

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """Return what a task returned."""
        rows = self.database.query(
            "SELECT value FROM xcom WHERE dag_id = %s AND run_id = %s AND task_id = %s AND key = 'return_value'",
            *(dag_id, run_id, task_id),
        )
        value = rows[0][0] if rows else None
        return json.loads(value) if isinstance(value, str) else value


@contextmanager
def run_airflow(
    home: Path, *, dags: Path, database: PostgresServer, services: Services, variables: Mapping[str, str]
) -> Iterator[LocalAirflow]:
    """Start Airflow, and wait until it is healthy. The services end with their owner.

    :param variables: further variables of the environment, such as connections
    """
    port = free_port()
    python = [sys.executable, "-m", "airflow"]
    environment = {
        **variables,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://tester@127.0.0.1:{database.port}/{database.database}"
        ),
        "AIRFLOW__PARTNERS__BUDGET_URI": (home / "budgets").as_uri(),
        "AIRFLOW__PARTNERS__STAGING_URI": (home / "datasets").as_uri(),
    }
    migrated = subprocess.run([*python, "db", "migrate"], env=environment, capture_output=True, text=True)
    if migrated.returncode:
        raise RuntimeError(migrated.stdout[-2000:] + migrated.stderr[-2000:])
    # The servers of logs would listen on every address.
    options = {
        "api-server": ["--host", "127.0.0.1", "--port", str(port)],
        "scheduler": ["--skip-serve-logs"],
        "triggerer": ["--skip-serve-logs"],
    }
    for role in ROLES:
        services.start(role, [*python, role, *options.get(role, ())], environment)
    airflow = LocalAirflow(f"http://127.0.0.1:{port}", home, database, environment, services)
    wait_until(lambda: _is_healthy(airflow), seconds=240, what="Airflow is healthy", every=1)
    yield airflow


def _is_healthy(airflow: LocalAirflow) -> bool:
    airflow.services.check()
    try:
        health = airflow.health()
    except httpx.HTTPError:
        return False
    return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
