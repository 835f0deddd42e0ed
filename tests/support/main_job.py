"""The main job in this process: the lane of the order Dags with its real operators, without a scheduler.

The tasks and their arguments are those of :data:`airflow_provider_partners.pipelines.lanes.ORDER_LANE`. Only the
scheduler's part is done here: the order of the tasks, their templates, XComs and states.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from airflow.sdk import DAG
from task_instance import TaskInstance

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.api import clock as clock_module
from airflow_provider_partners.api.http.options import Timeouts
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.hooks.base import PartnerHook
from airflow_provider_partners.pipelines import lanes, routing
from airflow_provider_partners.pipelines.lanes.order_lane import ORDER_LANE
from airflow_provider_partners.pipelines.routing.sources import read_routes
from airflow_provider_partners.sandbox.handle import PartnersSandbox
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.windows import Window

__all__ = ["STEPS", "MainJob", "end_state", "records", "short_waits"]

STEPS = tuple(step.name for step in ORDER_LANE.steps)
Record = dict[str, Any]


class StateStore(dict[str, Any]):
    """Airflow's state store of a task: it outlives the try."""

    def set(self, key: str, value: Any, **_: Any) -> None:
        self[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.pop(key, None)


class MainJob:
    """The main job of one shop.

    :param running: the sandbox
    :param shop: domain of a routed shop; the first one by default
    :param folder: of the staged datasets and rate limits
    :param settings: of the section ``[partners]``
    :param dag_id: names the folders, so that two Dags may share a staging folder
    """

    def __init__(
        self,
        running: RunningSandbox,
        shop: str | None = None,
        folder: Path | str = ".",
        *,
        dag_id: str = "yofi_shopify_to_yotpo",
        **settings: Any,
    ) -> None:
        self.running = running
        self.dag_id = dag_id
        handle = PartnersSandbox(running)
        self.environment = {
            **handle.environment,
            "AIRFLOW__PARTNERS__STAGING_URI": str(folder),
            "AIRFLOW__PARTNERS__BUDGET_URI": "memory://",
            **{f"AIRFLOW__PARTNERS__{name.upper()}": str(value) for name, value in settings.items()},
        }
        routes = handle.variables["partner_shop_routes"]
        self.shop = shop or routes[0]["shop"]
        (self.route,) = routing.select_lanes(read_routes(routes), shops=[self.shop]).lanes
        self.results: dict[str, dict[str, Any]] = {}
        self.states: dict[tuple[str, str], StateStore] = {}
        self.context: dict[str, Any] = {}
        """Further entries of each task's context."""
        self.max_tries: int | None = None
        """Airflow's, which grows when a task is cleared. Without it, each try may be that of a cleared task."""

    def run(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        run_id: str = "run",
        try_number: int = 1,
        steps: Sequence[str] | None = None,
        *,
        dry_run: bool = False,
        tries: int = 1,
    ) -> dict[str, Any]:
        """Run steps one after the other; return each one's result, which is ``None`` for a skipped one.

        :param since: of the orders' window; 200 days before ``until`` by default
        :param until: the sandbox's time by default
        :param steps: names of :data:`STEPS`; all by default
        :param tries: how often a step may be tried, from ``try_number`` on
        """
        window = {"since": since, "until": until, "run_id": run_id, "dry_run": dry_run}
        return {name: self._try(name, try_number, tries, window) for name in steps or STEPS}

    def _try(self, name: str, try_number: int, tries: int, window: Mapping[str, Any]) -> Any:
        for attempt in range(try_number, try_number + tries - 1):
            try:
                return self.step(name, try_number=attempt, **window)
            except Exception:
                continue
        return self.step(name, try_number=try_number + tries - 1, **window)

    def step(
        self,
        name: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        run_id: str = "run",
        try_number: int = 1,
        dry_run: bool = False,
    ) -> Any:
        """Run one try of one step, as its task does, and return what it returns through XCom."""
        os.environ.update(self.environment)
        # Airflow renders a copy of the task for each try.
        task = self.tasks(since=since, until=until)[name]
        results = self.results.setdefault(run_id, {})
        return self.execute(task, results=results, run_id=run_id, try_number=try_number, dry_run=dry_run)

    def tasks(self, *, since: datetime | None = None, until: datetime | None = None) -> dict[str, Any]:
        """Return the tasks of the lane for a window, by step."""
        until = until or self.running.sandbox.clock()
        window = Window(since or until - timedelta(days=200), until)
        arguments = {**self.route, **lanes.with_lookbacks(window)}
        outputs: dict[str, Any] = {}
        with DAG(self.dag_id, schedule=None, params=lanes.shared_params()):
            lane = lanes.Lane(**{name: arguments[name] for name in ORDER_LANE.lane_fields if name in arguments})
            for step in ORDER_LANE.steps:
                outputs[step.name] = step.create(lane, outputs).output
        return {name: output.operator for name, output in outputs.items()}

    def execute(
        self,
        task: Any,
        *,
        results: dict[str, Any] | None = None,
        run_id: str = "run",
        try_number: int = 1,
        **params: Any,
    ) -> Any:
        """Run one try of any operator with this job's connections, and keep its result as XCom does.

        :param results: of the run's other tasks
        """
        os.environ.update(self.environment)
        if not task.has_dag():
            task.dag = DAG(self.dag_id, schedule=None, params=lanes.shared_params())
        results = self.results.setdefault(run_id, {}) if results is None else results
        identity = {"dag_id": self.dag_id, "task_id": task.task_id, "run_id": run_id, "try_number": try_number}
        ti = TaskInstance(results, task=task, max_tries=self.max_tries, **identity)
        context = {
            "ti": ti,
            "task": task,
            "dag": getattr(task, "dag", None),
            "run_id": run_id,
            "params": {"dry_run": False, "personal_values": False, "shops": None, **params},
            "task_state_store": self.states.setdefault((run_id, task.task_id), StateStore()),
            **self.context,
        }
        results.pop(task.task_id, None)
        task.render_template_fields(context)
        try:
            result = task.execute(context)
        except AirflowSkipException:
            return None
        ti.xcom_push("return_value", result)
        return results[task.task_id]


def records(reference: Mapping[str, Any]) -> list[Record]:
    """Return the records of a step's dataset."""
    return list(read_dataset(reference))


def outcomes(reference: Mapping[str, Any]) -> Counter[str]:
    """Return how often each action is in the outcomes of an upsert."""
    return Counter(str(record["action"]) for record in records(reference))


def end_state(running: RunningSandbox, shop: str) -> dict[str, dict[str, Record]]:
    """Return what a shop's Yotpo store holds, by kind and external id, without what the store numbers and dates.

    Two records of one external id are an error: something was sent twice.
    """
    sandbox = running.sandbox
    store_id = next(store_id for store_id, store in sandbox.credentials["yotpo"].items() if store["shop"] == shop)
    state: dict[str, dict[str, Record]] = {}
    for kind in ("order", "fulfillment", "product", "variant"):
        state[kind] = {}
        for record in sandbox.store.select("yotpo", store_id, kind):
            key = str(record["external_id"])
            if kind == "fulfillment":
                key = f"{_order_of(sandbox, store_id, record)}/{key}"
            assert key not in state[kind], f"{kind} {key} is stored twice"
            state[kind][key] = _without_numbers(record)
    return state


def _order_of(sandbox: Any, store_id: str, fulfillment: Record) -> str:
    order = sandbox.store.get("yotpo", store_id, "order", str(fulfillment.get("order_id", "")))
    return str(order["external_id"]) if order else str(fulfillment.get("order_external_id", ""))


_NUMBERS = frozenset({"yotpo_id", "id", "order_id", "product_id", "created_at", "updated_at"})


def _without_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_numbers(each) for name, each in value.items() if name not in _NUMBERS and name[0] != "_"}
    if isinstance(value, list):
        return [_without_numbers(each) for each in value]
    return value


class _ShortTime:
    """The module ``time`` as the clock of the clients sees it: a sleep takes a part of its time.

    What a thread doesn't sleep passes for it anyway, so that its deadlines are as they would be.

    :param factor: how much shorter a sleep is
    """

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._skipped = threading.local()
        self.slept = 0.0
        """Seconds that all threads were to sleep."""

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._factor)
        self._skipped.seconds = self._offset() + seconds * (1 - 1 / self._factor)
        self.slept += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._offset()

    def time(self) -> float:
        return time.time()

    def _offset(self) -> float:
        return float(getattr(self._skipped, "seconds", 0.0))


@contextmanager
def short_waits(factor: float = 100.0, *, read_timeout: float | None = None) -> Iterator[_ShortTime]:
    """Let the clients of this process wait a part of the time, and count what they were to wait.

    :param factor: how much shorter a wait is
    :param read_timeout: real seconds without a byte after which an attempt ends; the clients' own by default
    """
    short_time = _ShortTime(factor)
    client_options = PartnerHook.client_options

    def with_timeouts(self: Any, *credential: str) -> Any:
        options = client_options(self, *credential)
        return replace(options, timeouts=Timeouts(connect=read_timeout or 1, read=read_timeout or 1, write=5, pool=30))

    with mock.patch.object(clock_module, "time", short_time):
        if read_timeout is None:
            yield short_time
        else:
            with mock.patch.object(PartnerHook, "client_options", with_timeouts):
                yield short_time


def utc(text: str) -> datetime:
    """Return the aware datetime of ISO 8601 text, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
