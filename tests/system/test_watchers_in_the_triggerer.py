"""Watchers in Airflow's own triggerer, which is killed and started again; and the Dag that answers to them."""

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

WORLD = {"seed": 7, "shops": 1, "orders": 40}
SHOP = credentials.routes(1)[0]["shop"]
DAG_ID = "yofi_new_returns"
RETURNS, CLAIMS = f"/yofi/{SHOP}/returns/create?count=", f"/yofi/{SHOP}/claims/create?count="


@pytest.fixture(scope="module")
def watched(world):
    """The world, with the shop watched and the Dag read."""
    world.environment |= {
        "AIRFLOW__PARTNERS__WATCHED_SHOPS": SHOP,
        "AIRFLOW__PARTNERS__WATCH_SECONDS": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret-of-this-test-alone-0123456789abcdef",
    }
    done = world.airflow("dags", "reserialize")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return world


@contextmanager
def triggerer(world) -> Iterator[None]:
    """Airflow's triggerer, which is killed with all that it has started."""
    with (world.home / "triggerer.log").open("a") as log:
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        process = subprocess.Popen(command, env=world.environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def until(condition: Callable[[], object], seconds: float = 150.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't come about"
        time.sleep(0.3)


def told(world, list_: str) -> list[str]:
    """The ids that were told of, each as often as it was."""
    rows = world.rows(
        "SELECT e.extra FROM asset_event e JOIN asset a ON a.id = e.asset_id WHERE a.uri = ? ORDER BY e.id",
        f"yofi://{SHOP}/new_{list_}",
    )
    return [name for (extra,) in rows for name in json.loads(extra)["payload"]["ids"]]


def read(world) -> Counter[str]:
    return Counter({name.rpartition("/")[2]: calls for name, calls in world.sandbox.calls.items() if "yofi/" in name})


def looked(world, times: int = 2) -> None:
    """Wait until both lists were read so many times more."""
    before = read(world)
    until(lambda: all(read(world)[name] >= before[name] + times for name in ("returns.list", "claims.list")))


def created(world, path: str) -> list[dict[str, str]]:
    return world.control("POST", path)["created"]


def test_what_comes_is_told_once_through_the_death_of_the_triggerer(watched):
    with triggerer(watched):
        looked(watched)
        made = created(watched, RETURNS + "2")
        until(lambda: len(told(watched, "returns")) >= 2)
        looked(watched, 3)
    assert sorted(told(watched, "returns")) == sorted(row["id"] for row in made)
    assert told(watched, "claims") == []
    if not hasattr(YofiNewReturnsTrigger(), "asset_state_store"):
        pytest.skip("this Airflow keeps no positions")
    made += created(watched, RETURNS + "1")
    with triggerer(watched):
        until(lambda: len(told(watched, "returns")) >= 3)
        looked(watched, 3)
    assert sorted(told(watched, "returns")) == sorted(row["id"] for row in made)


def test_the_dag_takes_the_orders_concerned_and_writes_nothing_twice(watched):
    time.sleep(1.1)  # Yofi's times are whole seconds: what the other test made must lie before these
    since = datetime.now(UTC).replace(microsecond=0)
    made = created(watched, RETURNS + "3") + created(watched, CLAIMS + "2")
    window = {"since": since.isoformat(), "until": (since + timedelta(minutes=1)).isoformat()}
    first = watched.run(dag_id=DAG_ID, conf=window)
    assert first.succeeded, first.log[-3000:]
    assert first.total["read"] == len({row["order"] for row in made})
    # An order that no review can be asked for is left out, here as in the hourly Dag.
    assert first.total["created"] + first.total["left_out"] == first.total["read"]
    assert first.total["created"]
    again = watched.run(dag_id=DAG_ID, conf=window)
    assert again.succeeded, again.log[-3000:]
    assert again.total["read"] == first.total["read"]
    assert again.total["created"] == again.total["updated"] == 0
