"""Each step of each product Dag breaks in turn, and the run fails and names it.

The steps that read from the partners return fixed results. Everything that sums up runs for real. The rules are those
of Airflow's documentation ("Trigger rules", and "Dag runs": a run fails if a leaf task is in the state ``failed`` or
``upstream_failed``).
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from airflow.sdk import DAG
from airflow.sdk.execution_time.context import set_current_context

from airflow_provider_partners import pipelines
from airflow_provider_partners.pipelines import lanes, partner_finance
from airflow_provider_partners.pipelines.run_summary import build_lane_summary
from airflow_provider_partners.windows import Window

SHOP = "a.myshopify.com"
NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = lanes.with_lookbacks(Window(NOW - timedelta(hours=1), NOW))
LANE = {
    "shop": SHOP,
    "shopify_admin_conn_id": "shopify_a",
    "yofi_conn_id": "yofi_a",
    "yotpo_conn_id": "yotpo_a",
    "voucherify_conn_id": "voucherify_a",
    "query": "q",
    "placed_until": WINDOW["until"],
    "rejects": ["/staging/orders/lane.build/run/0-rejects"],
    "found_by": None,
    **WINDOW,
}
DAYS = {name: {**WINDOW, "uri": f"file:///days/{name}/day=1"} for name in ("transactions", "app_events")}
DATASET = {"resource": "campaigns", "records": 1, "extra": {}}
RESULTS = {
    "check_params": [],
    "active_shops": [SHOP],
    "select_shops": [LANE],
    "choose_lanes": [LANE],
    "choose_shops": [LANE],
    "choose_windows": [LANE],
    "choose_range": [WINDOW],
    "batch_shops": [{"lanes": [0], "label": SHOP}],
    "find_changes": [[{"lane": 0, "found_by": None}]],
    "select_lane": [LANE],
    "batch_lane": [{"lanes": [0], "label": SHOP}],
    "lane": [build_lane_summary(SHOP, {}, since=WINDOW["since"], until=WINDOW["until"])],
    "lane.affected_orders": ["1"],
    "lane.rejected_orders": ["1"],
    "choose_lists": [{"resource": "campaigns"}],
    "lists": [DATASET],
    "lists_below": [{**DATASET, "resource": "campaign_transactions"}],
    "choose_destination": "file:///days",
    **{f"days_of_{name}": [day] for name, day in DAYS.items()},
    **{f"extract_{name}": [{**DATASET, **day}] for name, day in DAYS.items()},
    "overview.look_up": {"shop": SHOP, "returns": 1, "orders": 1, "customers": 1},
}
PARAMS = {
    "yofi_shopify_to_yotpo_backfill": {"since": WINDOW["since"], "until": WINDOW["until"]},
    "voucherify_extract": {"below": ["campaign_transactions"]},
}
NAMES = {
    "lists": "campaigns",
    "lists_below": "campaign_transactions",
    "extract_transactions": "/transactions/day=1",
    "extract_app_events": "/app_events/day=1",
    "extract_returns": SHOP,
    "look_up": SHOP,
}
"""What the error names instead of the step: the list, the day or the shop that is missing."""

SUMMING_UP = ("summarize", "summarize_lane", "confirm", "report", "choose_below")
"""These run for real."""


def overview_dag() -> DAG:
    path = Path(__file__).parents[2] / "dags" / "returns_overview.py"
    spec = importlib.util.spec_from_file_location("returns_overview", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.dag


BY_SHOP = ("order_sync_dag", "order_backfill_dag", "order_reconcile_dag", "new_returns_dag", "replay_rejects_dag")
FACTORIES = {
    **{name: getattr(pipelines, name) for name in pipelines.__all__ if name not in BY_SHOP},
    **{
        f"{name}_by_{kind}": partial(getattr(pipelines, name), granularity=kind)
        for name in BY_SHOP
        for kind in ("step", "shop")
    },
    "returns_overview": overview_dag,
}
STEPS = [(name, task) for name, factory in FACTORIES.items() for task in factory().task_ids if task != "find_changes"]


@dataclass
class Run:
    """A run of a Dag: the states of its tasks, what they returned, and the errors of those that ran for real."""

    dag: DAG
    broken: str | None = None
    states: dict[str, str] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(self.states[task.task_id] in {"failed", "upstream_failed"} for task in self.dag.leaves)

    def start(self) -> Run:
        params = {name: self.dag.params.get_param(name).value for name in self.dag.params}
        params |= PARAMS.get(self.dag.dag_id, {})
        task_instance = SimpleNamespace(xcom_push=lambda **_: None, xcom_pull=self.pull)
        task_instance.dag_id, task_instance.run_id = self.dag.dag_id, "manual__1"
        context: Any = {"params": params, "ti": task_instance, "outlet_events": defaultdict(MagicMock), "dag": self.dag}
        with set_current_context(context):
            for task in self.dag.topological_sort():
                task_instance.task_id, task_instance.map_index = task.task_id, 0 if "." in task.task_id else -1
                self.states[task.task_id] = self.end_state(task)
        return self

    def pull(self, *, task_ids: str, key: str, **_: Any) -> Any:
        """Return the moment at which the windows were chosen; no watermark is stored."""
        return WINDOW["until"] if (task_ids, key) == ("choose_windows", "began") else None

    def end_state(self, task: Any) -> str:
        before = {self.states[name] for name in task.upstream_task_ids}
        if task.trigger_rule != "all_done" and before & {"failed", "upstream_failed"}:
            return "upstream_failed"
        if task.task_id == self.broken:
            return "failed"
        if task.task_id.rpartition(".")[2] not in SUMMING_UP:
            self.results[task.task_id] = RESULTS.get(task.task_id, DATASET)
            return "success"
        try:
            arguments = self.resolve(task.op_kwargs)
            positional = [self.resolve(value) for value in task.op_args]
            self.results[task.task_id] = task.python_callable(*positional, **arguments)
        except Exception as error:
            self.errors.append(str(error))
            return "failed"
        return "success"

    def resolve(self, value: Any) -> Any:
        """Return an argument as a task gets it: ``None`` for a result that is missing."""
        if isinstance(value, dict):
            return {name: self.resolve(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [self.resolve(entry) for entry in value]
        if type(value).__name__ == "MappedArgument":
            return LANE[value._key]
        if not hasattr(value, "operator"):
            return value
        result = self.results.get(value.operator.task_id)
        # Airflow raises an error for a missing XCom of another key.
        assert value.key == "return_value"
        return result


@pytest.fixture(autouse=True)
def _without_datasets(monkeypatch, tmp_path):
    """The days' sums are read from datasets, which are not at stake here. Reports have a folder of their own."""
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    summary = {"records": 1, "days": {"read": 1, "new": [], "restated": []}}
    monkeypatch.setattr(partner_finance, "_summarize_list", lambda *_: summary)


@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_a_run_in_which_nothing_breaks_succeeds(factory):
    run = Run(factory()).start()
    assert not run.errors
    assert set(run.states.values()) == {"success"}


@pytest.mark.parametrize("factory", [pipelines.order_sync_dag, pipelines.order_backfill_dag])
def test_a_run_that_does_not_know_which_shops_have_changes_takes_all(factory):
    """What fails there has nothing to do with the other shops. The lanes of its own read their orders themselves."""
    run = Run(factory(granularity="step"), broken="find_changes").start()
    assert run.states.pop("find_changes") == "failed"
    assert not run.errors
    assert set(run.states.values()) == {"success"}


@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}-{step}" for name, step in STEPS])
def test_a_run_in_which_a_step_breaks_fails_and_names_it(name, step):
    run = Run(FACTORIES[name](), broken=step).start()
    assert run.states[step] == "failed"
    assert run.failed
    # The last step, and the only one of the retention, say themselves what is wrong.
    if step not in {"summarize", "confirm", "report", "remove"}:
        short = step.rpartition(".")[2]
        assert any(short in error or NAMES.get(short, short) in error for error in run.errors)
