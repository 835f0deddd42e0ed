"""Every sensor by Airflow's ``dags test``: on the worker, rescheduled and deferred; and failures after a deferral."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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

WORLD = {"seed": 23, "shops": 1, "orders": 30}
FOLDER = str(Path(__file__).parent / "sensor_dags")
NUMBERS = count(1)


class Scene:
    """The world as a Dag's run needs it."""

    def __init__(self, world: Any) -> None:
        self.world, self.changes = world, Changes(world.sandbox)
        self.shop = next(iter(store["shop"] for store in world.sandbox.credentials["yotpo"].values()))
        self.store = world.store_of(self.shop)
        self.order = f"waited-for-{next(NUMBERS)}"

    def export(self) -> str:
        """A new export, which is made once it was asked for a few times."""
        keys = self.world.sandbox.credentials["voucherify"]
        url = f"{self.world.served.url}/voucherify"
        with VoucherifyClient(application_id=keys["app_id"], secret_key=keys["secret_key"], base_url=url) as client:
            return client.job("redemptions").submit()

    def toggle_the_app(self) -> None:
        """The shop uninstalls the app, or installs it again."""
        facts = self.world.sandbox.store.get("shopify_admin", self.shop, "shop", self.shop)
        (self.changes.uninstall if facts["installed"] else self.changes.install)(self.shop)

    def place_the_order(self) -> None:
        """The order that is waited for comes to Yotpo."""
        secret = self.world.sandbox.credentials["yotpo"][self.store]["secret"]
        with YotpoClient(store_id=self.store, secret=secret, base_url=f"{self.world.served.url}/yotpo") as client:
            product = f"product-{self.order}"
            client.create_product({"external_id": product, "name": "A lamp", "url": "https://a.example/lamp"})
            client.create_order({
                "external_id": self.order,
                "order_date": "2026-05-01T10:20:30Z",
                "line_items": [{"external_product_id": product, "quantity": 1}],
            })

    def test(self, dag: str, **conf: Any) -> tuple[Any, dict[str, dict[str, Any]], dict[str, Any]]:
        """Run a Dag once; its process, each task's row, and what each task returned."""
        asked = {
            "since": datetime.now(UTC).isoformat(),
            "shop": self.shop,
            "app": credentials.APP_ID,
            "yotpo": next(name for name in self._connections() if name.startswith("yotpo_")),
            "order": self.order,
            "export": self.export(),
            **conf,
        }
        done = self.world.airflow("dags", "test", dag, "--conf", json.dumps(asked), AIRFLOW__CORE__DAGS_FOLDER=FOLDER)
        run = "(SELECT run_id FROM dag_run WHERE dag_id = ? ORDER BY id DESC LIMIT 1)"
        rows = self.world.rows(
            f"SELECT task_id, state, try_number FROM task_instance WHERE dag_id = ? AND run_id = {run}", dag, dag
        )
        values = self.world.rows(
            f"SELECT task_id, value FROM xcom WHERE key = 'return_value' AND dag_id = ? AND run_id = {run}", dag, dag
        )
        tasks = {task: {"state": state, "tries": tries} for task, state, tries in rows}
        return done, tasks, {task: json.loads(value) for task, value in values}

    def _connections(self) -> list[str]:
        prefix = "AIRFLOW_CONN_"
        return [name.removeprefix(prefix).lower() for name in self.world.environment if name.startswith(prefix)]

    @contextmanager
    def after_the_first_look(self, happenings: dict[str, Callable[[], Any]]) -> Iterator[list[str]]:
        """Let something happen as soon as an operation was called; gives the operations that were."""
        before, over, happened = dict(self.world.sandbox.calls), threading.Event(), []

        def watch() -> None:
            left = dict(happenings)
            while left and not over.wait(0.05):
                for name, count_ in dict(self.world.sandbox.calls).items():
                    operation = next((each for each in left if name.endswith(each)), None)
                    if operation and count_ > before.get(name, 0):
                        time.sleep(0.3)  # the look that was counted is still being answered
                        left.pop(operation)()
                        happened.append(operation)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield happened
        finally:
            over.set()
            thread.join()


RESCHEDULED = pytest.param(
    "reschedule",
    marks=pytest.mark.skipif(not RESCHEDULES, reason="dags test of Airflow 3.0 dies of any rescheduled sensor"),
)


@pytest.mark.parametrize("mode", ["poke", RESCHEDULED, "deferrable"])
def test_each_sensor_waits_until_it_happens_and_tells_what(world: Any, mode: str) -> None:
    scene = Scene(world)
    happenings = {
        "claims.list": lambda: scene.changes.create_yofi_records(scene.shop, "claims", 1),
        "shopify_partner//graphql": scene.toggle_the_app,
        "redemptions.list": lambda: scene.changes.redeem(1),
        "orders.list": scene.place_the_order,
    }

    with scene.after_the_first_look(happenings) as happened:
        done, tasks, found = scene.test(f"sensors_{mode}")

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
    assert sorted(happened) == sorted(happenings)
    assert {task: row["state"] for task, row in tasks.items()} == dict.fromkeys(
        ["yofi", "shopify", "redemption", "export", "yotpo"], "success"
    )
    assert {row["tries"] for row in tasks.values()} == {1}
    assert [found[task]["records"] for task in ("yofi", "shopify", "redemption")] == [1, 1, 1]
    assert found["yofi"]["ids"][0].startswith("clm_")
    assert scene.shop not in json.dumps(found)
    assert found["export"]["status"] == "DONE"
    assert found["yotpo"]["ids"] == [scene.order]
    log = done.stdout + done.stderr
    assert ("DEFERRED" in log) == (mode == "deferrable")


def test_failures_after_a_deferral_end_as_they_should(world: Any) -> None:
    scene = Scene(world)
    switches = world.sandbox.switches
    switches["voucherify.export_outcome"] = "ERROR"
    try:
        with scene.after_the_first_look({
            "campaigns.list": lambda: switches.update({"voucherify.missing_permissions": ["campaigns"]})
        }):
            done, tasks, _ = scene.test("sensors_failing")
    finally:
        switches.update({"voucherify.export_outcome": "DONE", "voucherify.missing_permissions": []})

    log = done.stdout + done.stderr
    assert done.returncode != 0
    assert log.count("DEFERRED") >= 6
    assert tasks == {
        "late_soft": {"state": "skipped", "tries": 1},
        "late_never": {"state": "skipped", "tries": 1},
        "late": {"state": "failed", "tries": 1},
        "try_too_long": {"state": "failed", "tries": 2},
        "export_soft": {"state": "skipped", "tries": 1},
        "refused_later": {"state": "failed", "tries": 1},
    }
