"""Every sensor with ``airflow dags test``: on the worker, rescheduled and deferred; and failures after a deferral."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_partners._compat import RESCHEDULES
from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.api.yotpo.client import YotpoClient
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.world.changes.shop import Changes

pytestmark = pytest.mark.system

SANDBOX = {"seed": 23, "shops": 1, "orders": 30}
FOLDER = str(Path(__file__).parent / "sensor_dags")
NUMBERS = count(1)


class Scenario:
    """The records that a run of the sensors waits for."""

    def __init__(self, airflow: Any) -> None:
        self.airflow, self.changes = airflow, Changes(airflow.sandbox)
        self.shop = next(iter(store["shop"] for store in airflow.sandbox.credentials["yotpo"].values()))
        self.store = airflow.store_of(self.shop)
        self.order = f"awaited-{next(NUMBERS)}"

    def export(self) -> str:
        """Submit an export, which is done after a few status requests; return its id."""
        keys = self.airflow.sandbox.credentials["voucherify"]
        url = f"{self.airflow.running.url}/voucherify"
        with VoucherifyClient(application_id=keys["app_id"], secret_key=keys["secret_key"], base_url=url) as client:
            return client.job("redemptions").submit()

    def toggle_app(self) -> None:
        """Let the shop uninstall the app, or install it again."""
        shop_data = self.airflow.sandbox.store.get("shopify_admin", self.shop, "shop", self.shop)
        (self.changes.uninstall if shop_data["installed"] else self.changes.install)(self.shop)

    def place_order(self) -> None:
        """Create the awaited order in Yotpo."""
        secret = self.airflow.sandbox.credentials["yotpo"][self.store]["secret"]
        with YotpoClient(store_id=self.store, secret=secret, base_url=f"{self.airflow.running.url}/yotpo") as client:
            product = f"product-{self.order}"
            client.create_product({"external_id": product, "name": "A lamp", "url": "https://a.example/lamp"})
            client.create_order({
                "external_id": self.order,
                "order_date": "2026-05-01T10:20:30Z",
                "line_items": [{"external_product_id": product, "quantity": 1}],
            })

    def run_dag(self, dag_id: str, **conf: Any) -> tuple[Any, dict[str, dict[str, Any]], dict[str, Any]]:
        """Run a Dag once; return its process, the state and tries of each task, and the tasks' results."""
        conf_values = {
            # Yofi counts whole seconds, and the first check may come within one of them.
            "since": (datetime.now(UTC) - timedelta(seconds=1)).isoformat(),
            "shop": self.shop,
            "app": credentials.APP_ID,
            "yotpo": next(name for name in self._connections() if name.startswith("yotpo_")),
            "order": self.order,
            "export": self.export(),
            **conf,
        }
        process = self.airflow.run_command(
            "dags", "test", dag_id, "--conf", json.dumps(conf_values), AIRFLOW__CORE__DAGS_FOLDER=FOLDER
        )
        run = "(SELECT run_id FROM dag_run WHERE dag_id = ? ORDER BY id DESC LIMIT 1)"
        states = self.airflow.query_database(
            f"SELECT task_id, state, try_number FROM task_instance WHERE dag_id = ? AND run_id = {run}", dag_id, dag_id
        )
        values = self.airflow.query_database(
            f"SELECT task_id, value FROM xcom WHERE key = 'return_value' AND dag_id = ? AND run_id = {run}",
            dag_id,
            dag_id,
        )
        tasks = {task: {"state": state, "tries": tries} for task, state, tries in states}
        return process, tasks, {task: json.loads(value) for task, value in values}

    def _connections(self) -> list[str]:
        prefix = "AIRFLOW_CONN_"
        return [name.removeprefix(prefix).lower() for name in self.airflow.environment if name.startswith(prefix)]

    @contextmanager
    def after_the_first_check(self, actions: dict[str, Callable[[], Any]]) -> Iterator[list[str]]:
        """Run a function after the first call of its operation; yield the operations that were called."""
        before, finished, called = dict(self.airflow.sandbox.calls), threading.Event(), []

        def run_actions() -> None:
            pending = dict(actions)
            while pending and not finished.wait(0.05):
                for name, count_ in dict(self.airflow.sandbox.calls).items():
                    operation = next((name_end for name_end in pending if name.endswith(name_end)), None)
                    if operation and count_ > before.get(name, 0):
                        time.sleep(0.3)  # the sandbox counts a call before it responds
                        pending.pop(operation)()
                        called.append(operation)

        thread = threading.Thread(target=run_actions, daemon=True)
        thread.start()
        try:
            yield called
        finally:
            finished.set()
            thread.join()


RESCHEDULED = pytest.param(
    "reschedule",
    marks=pytest.mark.skipif(not RESCHEDULES, reason="dags test of Airflow 3.0 dies of any rescheduled sensor"),
)


@pytest.mark.parametrize("mode", ["poke", RESCHEDULED, "deferrable"])
def test_each_sensor_waits_for_its_condition_and_returns_the_details(airflow: Any, mode: str) -> None:
    scenario = Scenario(airflow)
    actions = {
        "claims.list": lambda: scenario.changes.create_yofi_records(scenario.shop, "claims", 1),
        "shopify_partner//graphql": scenario.toggle_app,
        "redemptions.list": lambda: scenario.changes.redeem(1),
        "orders.list": scenario.place_order,
    }

    with scenario.after_the_first_check(actions) as called:
        process, tasks, results = scenario.run_dag(f"sensors_{mode}")

    assert process.returncode == 0, process.stdout[-8000:] + process.stderr[-4000:]
    assert sorted(called) == sorted(actions)
    assert {task: entry["state"] for task, entry in tasks.items()} == dict.fromkeys(
        ["yofi", "shopify", "redemption", "export", "yotpo"], "success"
    )
    assert {entry["tries"] for entry in tasks.values()} == {1}
    assert [results[task]["records"] for task in ("yofi", "shopify", "redemption")] == [1, 1, 1]
    assert results["yofi"]["ids"][0].startswith("clm_")
    assert scenario.shop not in json.dumps(results)
    assert results["export"]["status"] == "DONE"
    assert results["yotpo"]["ids"] == [scenario.order]
    log = process.stdout + process.stderr
    assert ("DEFERRED" in log) == (mode == "deferrable")


def test_failures_after_a_deferral_have_the_right_states(airflow: Any) -> None:
    scenario = Scenario(airflow)
    switches = airflow.sandbox.switches
    switches["voucherify.export_outcome"] = "ERROR"
    try:
        with scenario.after_the_first_check({
            "campaigns.list": lambda: switches.update({"voucherify.missing_permissions": ["campaigns"]})
        }):
            process, tasks, _ = scenario.run_dag("sensors_failing")
    finally:
        switches.update({"voucherify.export_outcome": "DONE", "voucherify.missing_permissions": []})

    log = process.stdout + process.stderr
    assert process.returncode != 0
    assert log.count("DEFERRED") >= 6
    assert tasks == {
        "late_soft": {"state": "skipped", "tries": 1},
        "late_never": {"state": "skipped", "tries": 1},
        "late": {"state": "failed", "tries": 1},
        "try_too_long": {"state": "failed", "tries": 2},
        "export_soft": {"state": "skipped", "tries": 1},
        "refused_later": {"state": "failed", "tries": 1},
    }
