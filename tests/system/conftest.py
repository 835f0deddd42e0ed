"""One world for all system tests: the sandbox, an Airflow home, and a way to run a Dag as a user does."""

from __future__ import annotations

import json
import os
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

from airflow_provider_partners.sandbox import credentials, seed
from airflow_provider_partners.sandbox.server import Served, serve

ROOT = Path(__file__).parents[2]
DAG_ID = "yofi_shopify_to_yotpo"
SHOPS, ORDERS, SEED = 3, 40, 11


@dataclass
class World:
    """The sandbox with an Airflow that knows it."""

    served: Served
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    last_calls: Counter[str] = field(default_factory=Counter)  # counted by the sandbox up to the end of a run

    @property
    def sandbox(self) -> Any:
        return self.served.sandbox

    def window(self) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "since": (now - timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "until": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def airflow(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.environment | environment, capture_output=True, text=True, timeout=540,
        )  # fmt: skip

    def run(self, conf: dict[str, Any] | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the main Dag once, by default over all orders."""
        wanted = self.window() if conf is None else conf
        done = self.airflow("dags", "test", DAG_ID, "--conf", json.dumps(wanted), **environment)
        self.last_calls = Counter(self.sandbox.calls)
        return done

    def summary(self) -> dict[str, Any]:
        """What the last run's summary task returned."""
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            (value,) = database.execute(
                "SELECT value FROM xcom WHERE dag_id = ? AND task_id = 'summarize' AND key = 'return_value' "
                "ORDER BY timestamp DESC LIMIT 1",
                (DAG_ID,),
            ).fetchone()
        found = json.loads(value)
        return json.loads(found) if isinstance(found, str) else found

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
                    break
                params = {"limit": 100, "page_info": cursor}
        return orders

    def xcoms(self) -> list[str]:
        """Every value that travelled through XCom, as text."""
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            return [str(value) for (value,) in database.execute("SELECT value FROM xcom")]

    def control(self, method: str, path: str) -> dict[str, Any]:
        """One call of the sandbox's control API."""
        answer = httpx.request(method, f"{self.served.url}/_sandbox{path}")
        answer.raise_for_status()
        return answer.json()

    def documents(self, partner: str, shop: str, kind: str) -> list[dict[str, Any]]:
        return self.sandbox.store.select(partner, shop, kind)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("airflow")
    sandbox = seed.build(path=home / "sandbox.sqlite", seed=SEED, shops=SHOPS, orders=ORDERS)
    with serve(sandbox) as served:
        sandbox.switches["yotpo.rate_limit"] = 0
        world = World(served, home)
        world.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            **_unhurried(credentials.environment(served.url, seed=SEED, shops=SHOPS)),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        done = world.airflow("db", "migrate")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        yield world


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
