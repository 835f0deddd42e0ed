"""Per test file, a running sandbox and an Airflow home, to run Dags as a user does."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from airflow_commands import AirflowCommands

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.server import RunningSandbox, serve
from airflow_provider_partners.sandbox.world import build as seed

ROOT = Path(__file__).parents[2]
DAG_ID = "yofi_shopify_to_yotpo"


@dataclass(frozen=True)
class Run:
    """One run of a Dag: its log, its summary, and the states of its tasks by ``(task id, map index)``."""

    succeeded: bool
    log: str
    summary: dict[str, Any]
    states: dict[tuple[str, int], str]
    labels: set[str]
    calls: Counter[str]  # answered by the sandbox during the run, by ``partner/shop/operation``

    @property
    def total(self) -> dict[str, Any]:
        return self.summary["total"]

    def called(self, *operations: str) -> int:
        """How often Yotpo was called."""
        return sum(
            count for name, count in self.calls.items() if name.startswith("yotpo/") and name.endswith(operations)
        )

    @property
    def writes(self) -> int:
        return self.called(".create", ".update")


@dataclass
class SandboxedAirflow:
    """An Airflow home with the connections of a running sandbox."""

    running: RunningSandbox
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    commands: AirflowCommands | None = None

    @property
    def sandbox(self) -> Any:
        return self.running.sandbox

    def run_command(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """Run one ``airflow`` command; ``changes`` to the environment, where ``None`` removes a variable."""
        if self.commands is None:
            self.commands = AirflowCommands(self.environment)
        return self.commands.run(*arguments, **changes)

    def run(self, *date: str, dag_id: str = DAG_ID, conf: dict[str, Any] | None = None, **changes: str | None) -> Run:
        """Run a Dag once: at a date, or by default for the orders of the last 200 days."""
        now = datetime.now(UTC)
        window = {"since": _iso(now - timedelta(days=200)), "until": _iso(now + timedelta(minutes=1))}
        arguments = [*date] if date else ["--conf", json.dumps({**window, **(conf or {})})]
        before = Counter(self.sandbox.calls)
        done = self.run_command("dags", "test", dag_id, *arguments, **changes)
        runs = self.query_database("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")
        assert runs, done.stdout[-4000:] + done.stderr[-4000:]
        run_id = runs[0][0]
        summaries = self.query_database(
            "SELECT value FROM xcom WHERE run_id = ? AND task_id = 'summarize' AND key = 'return_value'", run_id
        )
        tasks = self.query_database(
            "SELECT task_id, map_index, state, rendered_map_index FROM task_instance WHERE run_id = ?", run_id
        )
        return Run(
            succeeded=done.returncode == 0,
            log=done.stdout + done.stderr,
            summary=json.loads(summaries[0][0]) if summaries else {},
            states={(task, index): state for task, index, state, _ in tasks},
            labels={label for task, _, _, label in tasks if task.startswith("lane.") and label},
            calls=Counter(self.sandbox.calls) - before,
        )

    def query_database(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            return database.execute(query, values).fetchall()

    def execute(self, statement: str, *values: str) -> None:
        """Change Airflow's database, as a run in another process would."""
        with closing(sqlite3.connect(self.home / "airflow.db")) as database, database:
            database.execute(statement, values)

    def store_of(self, shop: str) -> str:
        return next(id_ for id_, store in self.sandbox.credentials["yotpo"].items() if store["shop"] == shop)

    def yotpo_orders(self, shop: str) -> list[dict[str, Any]]:
        """Every order of a shop's store, read page by page over HTTP without this package's client."""
        store = self.store_of(shop)
        base = f"{self.running.url}/yotpo/core/v3/stores/{store}"
        orders: list[dict[str, Any]] = []
        with httpx.Client() as client:
            secret = self.sandbox.credentials["yotpo"][store]["secret"]
            token = client.post(f"{base}/access_tokens", json={"secret": secret}).json()["access_token"]
            params: dict[str, Any] = {"limit": 100}
            while True:
                page = client.get(f"{base}/orders", params=params, headers={"X-Yotpo-Token": token}).json()
                orders += page["orders"]
                if not (cursor := page["pagination"].get("next_page_info")):
                    return orders
                params = {"limit": 100, "page_info": cursor}

    def reports(self) -> list[tuple[dict[str, Any], str]]:
        """The reports of the runs with their pages, the oldest first."""
        folder = Path(self.environment.get("AIRFLOW__PARTNERS__STAGING_URI") or self.home / "partners" / "staging")
        files = sorted((folder / ".reports").glob("*/*/report.json"), key=lambda file: file.stat().st_mtime)
        return [(json.loads(file.read_text()), file.with_name("report.html").read_text()) for file in files]

    def control(self, method: str, path: str) -> dict[str, Any]:
        """One call of the sandbox's control API."""
        answer = httpx.request(method, f"{self.running.url}/_sandbox{path}")
        answer.raise_for_status()
        return answer.json()

    def documents(self, partner: str, shop: str, kind: str) -> list[dict[str, Any]]:
        return self.sandbox.store.select(partner, shop, kind)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's empty database, made once."""
    home = tmp_path_factory.mktemp("migrated")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-m", "airflow", "db", "migrate"],
        env={**kept, "AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return home / "airflow.db"


@pytest.fixture(scope="module")
def airflow(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_database: Path
) -> Iterator[SandboxedAirflow]:
    """An Airflow home with the sandbox that the test file describes in ``SANDBOX``."""
    parameters = request.module.SANDBOX
    home = tmp_path_factory.mktemp("airflow")
    sandbox = seed.build(path=home / "sandbox.sqlite", **parameters)
    with serve(sandbox) as running:
        sandbox.switches["yotpo.rate_limit"] = 0
        variables = credentials.environment(running.url, seed=parameters["seed"], shops=parameters["shops"])
        airflow = SandboxedAirflow(running, home)
        airflow.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **_without_yotpo_limit(variables),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # One key for the commands and for a triggerer, which is a process of its own.
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
            "AIRFLOW__PARTNERS__BUDGET_URI": (home / "budgets").as_uri(),
        }
        shutil.copy(migrated_database, home / "airflow.db")
        yield airflow
        if airflow.commands:
            airflow.commands.close()
    sandbox.store.close()


def _without_yotpo_limit(environment: dict[str, str]) -> dict[str, str]:
    """Remove Yotpo's rate limit from the connections: other tests cover it, and it takes time."""
    changed = {}
    for name, value in environment.items():
        if name.startswith("AIRFLOW_CONN_YOTPO"):
            connection = json.loads(value)
            connection["extra"] = {**(connection.get("extra") or {}), "requests_per_second": 1000}
            value = json.dumps(connection)
        changed[name] = value
    return changed


def _iso(timestamp: datetime) -> str:
    return timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")
