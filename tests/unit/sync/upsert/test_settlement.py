"""An older call that is on its way while a newer build is written arrives last, and the newer build stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import order_builders as make
import pytest
from fakes.yotpo_store import FakeYotpoStore

from airflow_provider_partners.datasets.version_log import VersionLog
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import TransientError
from airflow_provider_partners.sync.upsert.fulfillments import upsert_fulfillments
from airflow_provider_partners.sync.upsert.orders import upsert_orders
from airflow_provider_partners.sync.upsert.products import upsert_products

Record = dict[str, Any]


class SlowStore(FakeYotpoStore):
    """A store whose next write of a kind is on its way for so long that something else happens first.

    :ivar meanwhile: what happens, by operation
    """

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: dict[str, Callable[[], Any]] = {}

    def _write(self, operation: str, payload: Record) -> None:
        self.meanwhile.pop(operation, lambda: None)()
        super()._write(operation, payload)


def built(hour: int, returns: int | None = None, **order: Any) -> Record:
    """A build of order 1: its state of one hour, with the returns of another."""
    times = {name: f"2026-05-01T{at:02}:00:00.000000Z" for name, at in {"o": hour, "r": returns or hour}.items()}
    version = {"order": f"{times['o']}, read {times['o']}", "returns": times["r"]}
    return {**make.built(1, **order), "version": version}


class Task:
    """A task that writes one build.

    :param name: the same for every try
    """

    def __init__(self, folder: Path, store: FakeYotpoStore, name: str, record: Record) -> None:
        self._folder, self._store, self._name = folder, store, name
        writer = DatasetWriter(str(folder / name), source="yotpo", resource="built orders", fingerprint="")
        writer.resume()
        writer.append([record], position={})
        self.reference = writer.commit()
        self._record = record

    def run(self, upsert: Any = upsert_orders) -> list[str]:
        """Run a try, and return the actions."""
        log = VersionLog(
            str(self._folder / "log"),
            sources=[self.reference],
            owner=self._name,
            clock=lambda: datetime(2026, 5, 2, tzinfo=UTC),
        )
        with log as versions:
            return [outcome.action for outcome in upsert(self._store, [self._record], versions=versions)]


@pytest.fixture
def store() -> SlowStore:
    store = SlowStore()
    store.add_products("p-1")
    return store


@pytest.fixture
def task(tmp_path: Path, store: SlowStore) -> Callable[[str, Record], Task]:
    return lambda name, record: Task(tmp_path, store, name, record)


def test_the_newer_build_is_written_again_after_an_older_update(
    store: SlowStore, task: Callable[..., Task], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    task("first", built(1, total_price=1.0)).run()
    newer = task("newer", built(3, total_price=3.0))
    store.meanwhile["orders.update"] = newer.run

    assert task("older", built(2, total_price=2.0)).run() == ["updated"]

    assert [sent["total_price"] for name, sent in store.sent if name == "orders.update"] == [3.0, 2.0, 3.0]
    assert store.get("order", "1")["total_price"] == 3
    assert "1 records were written again" in caplog.text


def test_the_newer_build_is_written_after_an_older_create_that_was_refused(
    store: SlowStore, task: Callable[..., Task]
) -> None:
    newer = task("newer", built(3, total_price=3.0))
    store.meanwhile["orders.create"] = newer.run

    assert task("older", built(2, total_price=2.0)).run() == ["updated"]

    assert len(store.records["order"]) == 1
    assert store.get("order", "1")["total_price"] == 3


def test_the_next_try_looks_after_the_call_of_a_killed_one(store: SlowStore, task: Callable[..., Task]) -> None:
    """The worker ends with its call on the way. Nobody reads the answer, and the retry is stale."""
    task("first", built(1, total_price=1.0)).run()
    older, newer = task("older", built(2, total_price=2.0)), task("newer", built(3, total_price=3.0))

    class Killed(BaseException):
        pass

    def be_killed() -> None:
        raise Killed

    store.meanwhile["orders.update"] = be_killed
    with pytest.raises(Killed):
        older.run()
    newer.run()
    store.update_order(store.get("order", "1")["yotpo_id"], {"total_price": 2.0})

    assert older.run() == ["stale"]
    assert store.get("order", "1")["total_price"] == 3


def test_a_call_whose_answer_is_lost_is_looked_after_in_the_same_try(
    store: SlowStore, task: Callable[..., Task]
) -> None:
    task("first", built(1, total_price=1.0)).run()
    newer = task("newer", built(3, total_price=3.0))

    def arrive_and_fail() -> None:
        newer.run()
        store.update_order(store.get("order", "1")["yotpo_id"], {"total_price": 2.0})
        message = "the connection was reset"
        raise TransientError(message)

    store.meanwhile["orders.update"] = arrive_and_fail
    with pytest.raises(TransientError):
        task("older", built(2, total_price=2.0)).run()

    assert store.get("order", "1")["total_price"] == 3


def test_two_builds_that_each_know_something_newer_both_stay(store: SlowStore, task: Callable[..., Task]) -> None:
    """The one in flight has the newer order, and the other has the newer return."""
    unsuppressed, suppressed = ({"suppress_review_request": value} for value in (False, True))
    task("first", built(1, total_price=1.0, custom_properties=unsuppressed)).run()
    returned = task("returned", built(2, returns=9, total_price=2.0, custom_properties=suppressed))
    store.meanwhile["orders.update"] = returned.run

    task("changed", built(5, total_price=5.0, custom_properties=unsuppressed)).run()

    present = store.get("order", "1")
    assert present["total_price"] == 5
    assert present["custom_properties"]["suppress_review_request"] is True


def test_products_and_fulfillments_are_looked_after_as_orders_are(store: SlowStore, task: Callable[..., Task]) -> None:
    def record(hour: int, status: str) -> Record:
        shipped = {"external_id": "f", "fulfillment_date": "2026-03-02T08:00:00Z", "status": status}
        items = [{"external_product_id": "p-1", "quantity": 1}]
        build = built(hour, fulfillments=[{**shipped, "fulfilled_items": items}])
        return {**build, "products": [{"external_id": "p-1", "name": f"name {hour}"}]}

    first, older, newer = (
        task(name, record(hour, status))
        for name, hour, status in (("first", 1, "pending"), ("older", 2, "open"), ("newer", 3, "success"))
    )
    first.run()
    store.meanwhile["products.update"] = lambda: newer.run(upsert_products)
    older.run(upsert_products)
    # The tasks of one run share the versions of its orders.
    store.meanwhile["fulfillments.update"] = lambda: newer.run(upsert_fulfillments)
    older.run(upsert_fulfillments)

    assert store.get("product", "p-1")["name"] == "name 3"
    assert store.get("order", "1")["fulfillments"][0]["status"] == "success"


def test_without_another_task_nothing_is_looked_up_again(
    store: SlowStore, task: Callable[..., Task], tmp_path: Path
) -> None:
    task("first", built(1, total_price=1.0)).run()
    store.calls.clear()

    task("second", built(2, total_price=2.0)).run()

    assert store.calls == {"orders.list": 1, "orders.update": 1}
    assert not list((tmp_path / "log").glob("*.open.json"))


def test_a_newer_build_whose_dataset_is_gone_is_named(
    store: SlowStore, task: Callable[..., Task], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    task("first", built(1, total_price=1.0)).run()
    newer = task("newer", built(3, total_price=3.0))

    def overtake() -> None:
        newer.run()
        for file in (tmp_path / "newer").iterdir():
            file.unlink()

    store.meanwhile["orders.update"] = overtake
    task("older", built(2, total_price=2.0)).run()

    assert "A newer build can't be compared with what was just written" in caplog.text
