"""The operator that runs all steps of several lanes in one task."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator

from airflow_provider_partners._compat import AirflowRescheduleException, utcnow
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.exceptions import PartnersError, ThrottledError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.hooks.lookups import remembered_connections
from airflow_provider_partners.hooks.memory import shared_memory
from airflow_provider_partners.links import ReportLink
from airflow_provider_partners.observability.activity import TaskActivity, dataset_references
from airflow_provider_partners.observability.openlineage import operator_lineage
from airflow_provider_partners.operators.base import PartnerOperator
from airflow_provider_partners.pipelines.lanes.changes import find_changes
from airflow_provider_partners.pipelines.lanes.lane_run import LaneEnd, LaneRun, lane_uri
from airflow_provider_partners.pipelines.lanes.lane_summary import sum_up_unchanged
from airflow_provider_partners.pipelines.lanes.progress import BatchProgress, LaneProgress, lane_fingerprint
from airflow_provider_partners.pipelines.lanes.steps import load_steps
from airflow_provider_partners.pipelines.run_summary import format_failures
from airflow_provider_partners.task_errors import SHORTEST_PAUSE, FatalTaskError, PartnerTaskError, as_task_error

__all__ = ["LanesOperator"]

log = logging.getLogger(__name__)


class LanesOperator(BaseOperator):
    """Runs all steps of several lanes, one lane after the other, and returns where their summaries are stored.

    One lane's failure does not stop the others. The task fails in the end if a lane failed, and its next try runs only
    what has not finished: neither a finished lane nor a finished step runs again. A lane that waits for a partner lets
    the others run first; then the task gives its slot back until the partner is ready. A lane in which the last try was
    killed or stopped runs last, so that it keeps no other from running. ``execution_timeout`` of the Dag's default
    arguments limits each step, as it would limit a task.

    :param batch: which lanes: their numbers in the list of lanes, and a label (templated)
    :param lanes_task_id: the task that returns the lanes with their windows
    :param steps: import path of the lanes' :class:`~airflow_provider_partners.pipelines.lanes.steps.LaneSteps`
    """

    template_fields: Sequence[str] = ("batch",)
    operator_extra_links = (ReportLink(),)
    ui_color = "#e6f1fb"
    _running: LaneRun | None = None
    _is_stopped: bool = False

    def __init__(self, *, batch: Mapping[str, Any], lanes_task_id: str, steps: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.batch = batch
        self.lanes_task_id = lanes_task_id
        self.steps = steps
        self._lineage: list[tuple[TaskActivity, list[Any]]] = []

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the lanes that have not finished.

        :returns: where their summaries are, for :func:`~.progress.summaries_at`
        :raises FatalTaskError: when lanes failed, and no retry can mend any of them
        :raises PartnerTaskError: when lanes failed
        :raises AirflowRescheduleException: when a lane waits for a partner
        """
        try:
            with remembered_connections(), shared_memory():
                return self._run_all(context)
        except PartnersError as error:  # of the list of lanes, or of what is stored about them
            raise as_task_error(error, context) from None

    def _run_all(self, context: Any) -> dict[str, Any]:
        ti = context["ti"]
        lanes = self._read_lanes(ti)
        is_first_start = ti.try_number == 1 and not context.get("task_reschedule_count")
        uri = dataset_uri(context)
        batch = BatchProgress(uri, max_tries=ti.max_tries, is_first_start=is_first_start)
        place = {"uri": uri, "generation": batch.generation, "group": ti.task_id, "lanes": [*lanes]}
        # A task that fails or is killed returns nothing, and the summary of the run needs the lanes that are done.
        ti.xcom_push(key="return_value", value=place)
        progress = {
            number: LaneProgress(
                lane_uri(context, group=ti.task_id, number=number), fingerprint=lane_fingerprint(lane), batch=batch
            )
            for number, lane in lanes.items()
        }
        summaries = {number: each.summary for number, each in progress.items() if each.summary}
        summaries |= self._find_unchanged(lanes, progress, batch)
        ends = []
        remaining = [number for number in lanes if number not in summaries]
        for number in sorted(remaining, key=lambda number: progress[number].is_interrupted):
            if self._is_stopped:
                message = f"The task was stopped before {lanes[number]['shop']}"
                raise PartnerTaskError(message)
            end = self._run(context, number, lanes[number], progress.pop(number))
            summaries[number] = end.summary
            ends.append(end)
        if any(end.has_failed or end.continues_at for end in ends):
            _raise_unfinished(ends, len(lanes))
        batch.finish([summaries[number] for number in sorted(summaries)])
        return place

    def on_kill(self) -> None:
        """Stop the running step, and begin no other."""
        self._is_stopped = True
        if self._running is not None:
            self._running.stop()

    def _read_lanes(self, ti: Any) -> dict[int, dict[str, Any]]:
        """Return the lanes of this task by their number in the run."""
        lanes = ti.xcom_pull(task_ids=self.lanes_task_id, map_indexes=-1)
        return {number: dict(lanes[number]) for number in self.batch["lanes"]}

    def _find_unchanged(
        self,
        lanes: Mapping[int, dict[str, Any]],
        progress: Mapping[int, LaneProgress],
        batch: BatchProgress,
    ) -> dict[int, Any]:
        """Return the summaries of the lanes in which there is nothing to do."""
        is_changed = load_steps(self.steps).is_changed
        known = {number: batch.unchanged(lane_fingerprint(lane)) for number, lane in lanes.items()}
        summaries = {number: summary for number, summary in known.items() if summary}
        new = [n for n, each in progress.items() if is_changed and not each.has_begun and n not in summaries]
        added = {}
        for number, answer in zip(new, find_changes([lanes[n] for n in new], is_changed), strict=True):
            progress[number].found_by = answer.found_by
            if not answer.may_have_changes:
                log.info("%s: no order has changed", lanes[number]["shop"])
                summary = sum_up_unchanged(lanes[number], answer.found_by)
                summaries[number] = added[lane_fingerprint(lanes[number])] = summary
        batch.add_unchanged(added)
        return summaries

    def _run(
        self,
        context: Mapping[str, Any],
        number: int,
        lane: Mapping[str, Any],
        progress: LaneProgress,
    ) -> LaneEnd:
        """Run one lane, unless its failure stands."""
        ti, failure = context["ti"], progress.failure
        # A task that gives its slot back and goes on is the same try. Airflow allows more tries after a clear.
        if failure and (
            failure["try_number"] == ti.try_number or (failure["is_fatal"] and failure["max_tries"] == ti.max_tries)
        ):
            log.info("%s: failed before at %s", lane["shop"], failure["summary"]["failed"])
            return LaneEnd.of_failure(lane["shop"], failure)
        steps = load_steps(self.steps)
        run = LaneRun(steps=steps, lane=lane, number=number, group=ti.task_id, context=context, progress=progress)
        self._running = run
        try:
            return run.run()
        finally:
            self._running = None
            self._lineage += [
                (operator.activity, dataset_references(operator.input_datasets()))
                for operator in run.ran
                if isinstance(operator, PartnerOperator)
            ]

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """Return OpenLineage's inputs and outputs of all steps that ran."""
        merged = operator_lineage(None, [])
        if merged is None:
            return None
        for activity, inputs in self._lineage:
            lineage: Any = operator_lineage(activity, inputs)
            merged.inputs += lineage.inputs
            merged.outputs += lineage.outputs
        return merged

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """Return OpenLineage's inputs and outputs of the steps that ran."""
        return self.get_openlineage_facets_on_complete(task_instance)


def _raise_unfinished(ends: Sequence[LaneEnd], lanes: int) -> None:
    """Raise an error if a lane failed or waits. A lane that waits goes first: it uses up no retry of the others."""
    waits = [end.continues_at for end in ends if end.continues_at is not None]
    if waits:
        # The wait may have passed while the others ran.
        date = max(min(waits), utcnow() + SHORTEST_PAUSE)
        log.info("%d lanes wait for a partner; the task gives its slot back until %s", len(waits), date)
        raise AirflowRescheduleException(date)  # type: ignore[no-untyped-call]
    failed = [end for end in ends if end.has_failed]
    count = f"{len(failed)} of {lanes} lanes failed"
    log.error("%s:\n%s", count, "\n".join(format_failures({"lanes": [end.summary for end in failed]})))
    names = [f"{end.shop} (at {end.summary['failed']})" for end in failed]
    message = f"{count}: {first_of(names)}."
    if all(end.is_fatal for end in failed):
        raise FatalTaskError(message)
    wait = max(end.retry_after for end in failed)
    raise PartnerTaskError(message, error=ThrottledError(message, retry_after=wait) if wait else None)
