"""Watch triggers in Airflow's own triggerer, which is killed and restarted; and the Dag that their events start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.triggers.yofi import YofiNewReturnsTrigger

SANDBOX = {"seed": 7, "shops": 1, "orders": 40}
SHOP = credentials.routes(1)[0]["shop"]
DAG_ID = "yofi_new_returns"
DAG_FILE = f"""
from airflow_provider_partners.pipelines import new_returns_dag

dag = new_returns_dag(watched_shops={{"{SHOP}": "yofi_default"}}, poll_interval=1.0)
"""
RETURNS, CLAIMS = f"/yofi/{SHOP}/returns/create?count=", f"/yofi/{SHOP}/claims/create?count="


@pytest.fixture(scope="module")
def watching_airflow(airflow):
    """An Airflow whose Dag file watches the shop."""
    folder = airflow.home / "dags"
    folder.mkdir()
    (folder / "new_returns.py").write_text(DAG_FILE)
    airflow.environment |= {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-this-test-alone-0123456789abcdef",
    }
    process = airflow.run_command("dags", "reserialize")
    assert process.returncode == 0, process.stdout[-2000:] + process.stderr[-2000:]
    return airflow


@contextmanager
def triggerer(airflow) -> Iterator[None]:
    """Airflow's triggerer, killed with its child processes at the end."""
    with (airflow.home / "triggerer.log").open("a") as log:
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        process = subprocess.Popen(command, env=airflow.environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def wait_until(condition: Callable[[], object], seconds: float = 150.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.3)


def event_ids(airflow, resource: str) -> list[str]:
    """The ids in the asset events, in order and with repetitions."""
    events = airflow.query_database(
        "SELECT e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id WHERE a.uri = ? ORDER BY e.id",
        f"yofi://{SHOP}/new_{resource}",
    )
    return [name for (extra,) in events for name in json.loads(extra)["payload"]["ids"]]


def read_counts(airflow) -> Counter[str]:
    return Counter({name.rpartition("/")[2]: calls for name, calls in airflow.sandbox.calls.items() if "yofi/" in name})


def wait_for_readings(airflow, times: int = 2) -> None:
    """Wait for so many further readings of both lists."""
    previous = read_counts(airflow)
    wait_until(
        lambda: all(read_counts(airflow)[name] >= previous[name] + times for name in ("returns.list", "claims.list"))
    )


def create_records(airflow, path: str) -> list[dict[str, str]]:
    return airflow.control("POST", path)["created"]


def test_new_records_have_one_event_although_the_triggerer_dies(watching_airflow):
    with triggerer(watching_airflow):
        wait_for_readings(watching_airflow)
        created = create_records(watching_airflow, RETURNS + "2")
        wait_until(lambda: len(event_ids(watching_airflow, "returns")) >= 2)
        wait_for_readings(watching_airflow, 3)
    assert sorted(event_ids(watching_airflow, "returns")) == sorted(record["id"] for record in created)
    assert event_ids(watching_airflow, "claims") == []
    if not hasattr(YofiNewReturnsTrigger(), "asset_state_store"):
        pytest.skip("this Airflow saves no positions")
    created += create_records(watching_airflow, RETURNS + "1")
    with triggerer(watching_airflow):
        wait_until(lambda: len(event_ids(watching_airflow, "returns")) >= 3)
        wait_for_readings(watching_airflow, 3)
    assert sorted(event_ids(watching_airflow, "returns")) == sorted(record["id"] for record in created)


def test_the_dag_syncs_the_affected_orders_and_writes_nothing_twice(watching_airflow):
    time.sleep(1.1)  # Yofi's times are whole seconds: the other test's records must be older
    since = datetime.now(UTC).replace(microsecond=0)
    created = create_records(watching_airflow, RETURNS + "3") + create_records(watching_airflow, CLAIMS + "2")
    window = {"since": since.isoformat(), "until": (since + timedelta(minutes=1)).isoformat()}
    first_run = watching_airflow.run(dag_id=DAG_ID, conf=window)
    assert first_run.succeeded, first_run.log[-3000:]
    assert first_run.total["read"] == len({record["order"] for record in created})
    # An order without anything to review is excluded, as in the hourly Dag.
    assert first_run.total["created"] + first_run.total["left_out"] == first_run.total["read"]
    assert first_run.total["created"]
    second_run = watching_airflow.run(dag_id=DAG_ID, conf=window)
    assert second_run.succeeded, second_run.log[-3000:]
    assert second_run.total["read"] == first_run.total["read"]
    assert second_run.total["created"] == second_run.total["updated"] == 0
