"""The lanes of a Dag in this process: its own tasks with their mapped arguments, without a scheduler and its database.

What Airflow's scheduler does is done here by its documented rules: a task waits for the tasks before it, and its
trigger rule decides by their states (https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html). A
failed task instance has another try while tries are left; a fatal error leaves none.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow.sdk import DAG
from task_instance import TaskInstance, xcom_name

from airflow_provider_partners._compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    run_nested,
)
from airflow_provider_partners.observability.report.store import read_report
from airflow_provider_partners.pipelines.lanes import ORDER_LANE, mapping
from airflow_provider_partners.pipelines.lanes.run_report import build_summary
from airflow_provider_partners.sandbox.handle import PartnersSandbox
from airflow_provider_partners.sandbox.server import RunningSandbox

__all__ = ["InProcessRun", "routed_lanes"]

Json = dict[str, Any]
_MET = {
    "all_success": lambda states: states <= {"success"},
    "none_failed": lambda states: states <= {"success", "skipped"},
    "all_done": lambda _states: True,
}


@dataclass
class InProcessRun:
    """One run of a Dag's lanes.

    :param dag: an order Dag
    :param lanes_task: the task that would have returned the lanes with their windows
    :param lanes: what it would have returned
    """

    running: RunningSandbox
    dag: DAG
    lanes_task: str
    lanes: list[Json]
    folder: str
    run_id: str = "run"
    params: Json = field(default_factory=dict)
    xcoms: Json = field(default_factory=dict)
    states: dict[tuple[str, int], str] = field(default_factory=dict)
    errors: dict[tuple[str, int], BaseException] = field(default_factory=dict)
    reschedules: int = 0

    def __post_init__(self) -> None:
        handle = PartnersSandbox(self.running)
        os.environ.update(handle.environment)
        os.environ["AIRFLOW__PARTNERS__STAGING_URI"] = self.folder
        os.environ["AIRFLOW__PARTNERS__BUDGET_URI"] = "memory://"
        self.xcoms[xcom_name(self.lanes_task)] = self.lanes

    def run_step_by_step(self, *, shops_per_task: int = 25, tries: int = 1) -> Json:
        """Run the tasks of each lane, which are mapped; return the summary of the run."""
        found = None
        selected = self.lanes
        if self.dag.has_task("find_changes"):
            batches = mapping.batch_lanes.function(self.lanes, shops_per_task)
            found = [mapping.find_changed.function(self.lanes, ORDER_LANE.path, batch) for batch in batches]
            selected = json.loads(json.dumps(mapping.select_lanes.function(self.lanes, None, batches, found)))
            self.xcoms[xcom_name("select_lane")] = selected
        tasks = [task for task in self.dag.topological_sort() if task.task_id.startswith("lane.")]
        for index in range(len(selected)):
            for task in tasks:
                self._run(
                    task,
                    index,
                    tries=tries,
                    upstream={each: index for each in self.dag.task_ids if each.startswith("lane.")},
                )
        summaries = [self.xcoms.get(xcom_name("lane.summarize_lane", index)) for index in range(len(selected))]
        return self.summarize([found, summaries])

    def run_shop_by_shop(
        self, *, shops_per_task: int = 25, tries: int = 1, first_try: int = 1, cleared: int = 0
    ) -> Json:
        """Run the mapped task with several lanes each; return the summary of the run.

        :param tries: how many tries each task has
        :param first_try: number of the first one
        :param cleared: how many tries more Airflow allows, after somebody has cleared the task
        """
        batches = mapping.batch_lanes.function(self.lanes, shops_per_task)
        for index, batch in enumerate(batches):
            task = self.dag.get_task("lane").unmap({"batch": batch})
            self._run(task, index, tries=tries, first_try=first_try, max_tries=tries - 1 + cleared)
        return self.summarize([self.xcoms.get(xcom_name("lane", index)) for index in range(len(batches))])

    def summarize(self, summaries: Any) -> Json:
        context = self.context(
            TaskInstance(self.xcoms, dag_id=self.dag.dag_id, run_id=self.run_id, task_id="summarize")
        )
        return json.loads(json.dumps(build_summary(context, self.lanes, summaries)))

    def report(self) -> Json:
        report = read_report(self.dag.dag_id, self.run_id)
        assert report is not None
        return report.to_dict()

    def context(self, instance: TaskInstance) -> Json:
        params = {
            "dry_run": False,
            "personal_values": False,
            "shops": None,
            "since": None,
            "until": None,
            **self.params,
        }
        return {"ti": instance, "task_instance": instance, "dag": self.dag, "run_id": self.run_id, "params": params}

    def _run(
        self,
        task: Any,
        index: int,
        *,
        tries: int,
        first_try: int = 1,
        max_tries: int | None = None,
        upstream: Any = None,
    ) -> None:
        key = (task.task_id, index)
        before = {
            self.states.get((each, index), "success") for each in task.upstream_task_ids if each.startswith("lane.")
        }
        rule = str(getattr(task.trigger_rule, "value", task.trigger_rule))
        if not _MET[rule](before):
            self.states[key] = "upstream_failed" if before & {"failed", "upstream_failed"} else "skipped"
            return
        for number in range(first_try, first_try + tries):
            instance = TaskInstance(
                self.xcoms, dag_id=self.dag.dag_id, run_id=self.run_id, task_id=task.task_id, map_index=index,
                try_number=number, max_tries=tries - 1 if max_tries is None else max_tries,
                _upstream_map_indexes=upstream,
            )  # fmt: skip
            self.states[key] = self._try(task, instance)
            if self.states[key] != "up_for_retry":
                return
        self.states[key] = "failed"

    def _try(self, task: Any, instance: TaskInstance) -> str:
        key = (instance.task_id, instance.map_index)
        for count in range(50):
            self.xcoms.pop(xcom_name(*key), None)
            own, context = copy.copy(task), {**self.context(instance), "task_reschedule_count": count}
            context["task"] = own
            own.render_template_fields(context, self.dag.get_template_env())
            try:
                result = run_nested(own, context)
            except AirflowRescheduleException:
                self.reschedules += 1
                continue
            except AirflowSkipException:
                return "skipped"
            except AirflowFailException as error:
                self.errors[key] = error
                return "failed"
            except Exception as error:
                self.errors[key] = error
                return "up_for_retry"
            self.errors.pop(key, None)
            instance.xcom_push("return_value", result)
            return "success"
        message = "The task gives its slot back again and again"
        raise AssertionError(message)


def routed_lanes(running: RunningSandbox, window: Mapping[str, Any], **changes: Mapping[str, Any]) -> list[Json]:
    """Return a lane for each shop of the sandbox.

    :param window: from ``with_lookbacks``
    :param changes: of routes, by the first word of the shop's name
    """
    from airflow_provider_partners.pipelines import routing
    from airflow_provider_partners.pipelines.routing.sources import read_routes

    routes: Sequence[Json] = PartnersSandbox(running).variables["partner_shop_routes"]
    changed = [{**route, **changes.get(route["shop"].split("-")[0], {})} for route in routes]
    kept = [{name: value for name, value in route.items() if value is not None} for route in changed]
    return [{**lane, **window} for lane in routing.select_lanes(read_routes(kept)).lanes]
