"""A world per test file: the sandbox, an Airflow home, and a way to run the main Dag as a user does."""

from __future__ import annotations

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
    """One run of the Dag: what it printed, returned, and what became of its tasks by ``(task id, map index)``."""

    succeeded: bool
    log: str
    summary: dict[str, Any]
    states: dict[tuple[str, int], str]
    labels: set[str]
    calls: Counter[str]  # that the sandbox answered during the run, by ``partner/shop/operation``

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
class World:
    """The sandbox with an Airflow that knows it."""

    served: RunningSandbox
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    commands: AirflowCommands | None = None

    @property
    def sandbox(self) -> Any:
        return self.served.sandbox

    def airflow(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """Run one ``airflow`` command; ``changes`` to the environment, where ``None`` removes a variable."""
        if self.commands is None:
            self.commands = AirflowCommands(self.environment)
        return self.commands.run(*arguments, **changes)

    def run(self, *date: str, dag_id: str = DAG_ID, conf: dict[str, Any] | None = None, **changes: str | None) -> Run:
        """Run a Dag once: at a date, or by default over the orders of the last 200 days."""
        now = datetime.now(UTC)
        window = {"since": _iso(now - timedelta(days=200)), "until": _iso(now + timedelta(minutes=1))}
        asked = [*date] if date else ["--conf", json.dumps({**window, **(conf or {})})]
        before = Counter(self.sandbox.calls)
        done = self.airflow("dags", "test", dag_id, *asked, **changes)
        run_id = self.rows("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]
        value = self.rows(
            "SELECT value FROM xcom WHERE run_id = ? AND task_id = 'summarize' AND key = 'return_value'", run_id
        )[0][0]
        tasks = self.rows(
            "SELECT task_id, map_index, state, rendered_map_index FROM task_instance WHERE run_id = ?", run_id
        )
        return Run(
            succeeded=done.returncode == 0,
            log=done.stdout + done.stderr,
            summary=json.loads(value),
            states={(task, index): state for task, index, state, _ in tasks},
            labels={label for task, _, _, label in tasks if task.startswith("lane.") and label},
            calls=Counter(self.sandbox.calls) - before,
        )

    def rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            return database.execute(query, values).fetchall()

    def store_of(self, shop: str) -> str:
        return next(id_ for id_, store in self.sandbox.credentials["yotpo"].items() if store["shop"] == shop)

    def yotpo_orders(self, shop: str) -> list[dict[str, Any]]:
        """Every order of a shop's store, read page by page over HTTP as a stranger would."""
        store = self.store_of(shop)
        base = f"{self.served.url}/yotpo/core/v3/stores/{store}"
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

    def control(self, method: str, path: str) -> dict[str, Any]:
        """One call of the sandbox's control API."""
        answer = httpx.request(method, f"{self.served.url}/_sandbox{path}")
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
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_database: Path
) -> Iterator[World]:
    """The world that the test file asks for by its ``WORLD``."""
    wanted = request.module.WORLD
    home = tmp_path_factory.mktemp("airflow")
    sandbox = seed.build(path=home / "sandbox.sqlite", **wanted)
    with serve(sandbox) as served:
        sandbox.switches["yotpo.rate_limit"] = 0
        variables = credentials.environment(served.url, seed=wanted["seed"], shops=wanted["shops"])
        world = World(served, home)
        world.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **_unhurried(variables),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__PARTNERS__BUDGET_URI": (home / "budgets").as_uri(),
        }
        shutil.copy(migrated_database, home / "airflow.db")
        yield world
        if world.commands:
            world.commands.close()
    sandbox.store.close()


def _unhurried(environment: dict[str, str]) -> dict[str, str]:
    """The connections, without Yotpo's limit: it is tested elsewhere, and here it would only take time."""
    found = {}
    for name, value in environment.items():
        if name.startswith("AIRFLOW_CONN_YOTPO"):
            connection = json.loads(value)
            connection["extra"] = {**(connection.get("extra") or {}), "requests_per_second": 1000}
            value = json.dumps(connection)
        found[name] = value
    return found


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
