"""Lanes as tasks: a task for each step, mapped over the lanes; or a task for several lanes, with all of their steps."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from airflow.sdk import get_current_context, task, task_group

from airflow_provider_partners import settings
from airflow_provider_partners.pipelines import run_summary
from airflow_provider_partners.pipelines._dag import require_results
from airflow_provider_partners.pipelines.lanes.changes import find_changes
from airflow_provider_partners.pipelines.lanes.lane_summary import (
    BATCH_SHOPS,
    FIND_CHANGES,
    SUMMARIZE_LANE,
    connections_of,
    needed_connections,
    sum_up,
    sum_up_unchanged,
)
from airflow_provider_partners.pipelines.lanes.one_task import LanesOperator
from airflow_provider_partners.pipelines.lanes.steps import SINCE_LABEL, LaneSteps, load_steps
from airflow_provider_partners.pipelines.order_arguments import DEFAULT_GRANULARITY, SHOPS_PER_TASK, Granularity
from airflow_provider_partners.pipelines.routing.placements import LANE_GROUP, Placement
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["MappedLanes", "map_lanes"]


log = logging.getLogger(__name__)


class MappedLanes(NamedTuple):
    """Lanes as tasks.

    :param summaries: what they return
    :param before: tasks that come before them, each with its output
    """

    summaries: Any
    before: Mapping[str, Any]


def map_lanes(
    steps: LaneSteps,
    lanes: Any,
    placements: Sequence[Placement] = (),
    *,
    granularity: Granularity = DEFAULT_GRANULARITY,
    shops_per_task: int = SHOPS_PER_TASK,
) -> Any:
    """Map the steps of a lane over the lanes; those in a pool or queue of their own get tasks of their own.

    :param steps: what a lane does
    :param lanes: the output of the task that returns the lanes with their windows
    :param placements: the pools and queues that routes name
    :param granularity: ``step`` for a task per step and lane, ``shop`` for a task that runs all steps of several lanes
    :param shops_per_task: how many lanes a task takes at most: with ``shop``, all of their steps; with ``step``, the
        requests that find out whether there is something to do
    """
    before: dict[str, Any] = {}
    summaries: list[Any] = []
    batches: Any = None
    found: Any = None
    if granularity == "step" and steps.is_changed:
        batches = before[BATCH_SHOPS] = batch_lanes.override(task_id=BATCH_SHOPS)(lanes, shops_per_task)
        found = find_changed.partial(lanes=lanes, steps=steps.path).expand(batch=batches)
        summaries.append(found)
    for placement in (Placement(), *placements):
        chosen, group_id = placement.to_dict() if placements else None, placement.group_id
        selected = lanes
        if granularity == "shop":
            selected = before[f"batch_{group_id}"] = batch_lanes.override(task_id=f"batch_{group_id}")(
                lanes, shops_per_task, chosen
            )
            summaries.append(_map_batches(steps, lanes, selected, placement))
            continue
        if chosen is not None or found is not None:
            # The shops of a batch that failed are not known to be without changes, and the other batches go on.
            rule = "all_success" if found is None else "all_done"
            selected = before[f"select_{group_id}"] = select_lanes.override(
                task_id=f"select_{group_id}", trigger_rule=rule
            )(lanes, chosen, batches, found)
        group = _lane_group(steps).override(group_id=group_id, default_args=placement.default_args)
        summaries.append(group.expand_kwargs(selected))
    return MappedLanes(summaries, before)


@task(task_id=FIND_CHANGES, map_index_template="{{ task.op_kwargs['batch']['label'] }}")
def find_changed(lanes: Sequence[Mapping[str, Any]], steps: str, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each lane of a batch its number, and its summary if it has nothing to do.

    For a lane that may have something to do, return the request that has found this out.

    :param lanes: the lanes of the run with their windows
    :param steps: import path of what they do
    :param batch: from :func:`batch_lanes`
    """
    numbers = batch["lanes"]
    found: list[dict[str, Any]] = []
    answers = find_changes([lanes[number] for number in numbers], load_steps(steps).is_changed)
    for number, answer in zip(numbers, answers, strict=True):
        if answer.may_have_changes:
            found.append({"lane": number, "found_by": answer.found_by})
        else:
            log.info("%s: no order has changed", lanes[number]["shop"])
            found.append({"lane": number, "unchanged": sum_up_unchanged(lanes[number], answer.found_by)})
    return found


@task
def select_lanes(
    lanes: Sequence[Mapping[str, Any]],
    placement: Mapping[str, Any] | None = None,
    batches: Sequence[Mapping[str, Any]] | None = None,
    found: Iterable[Sequence[Mapping[str, Any]]] | None = None,
) -> list[dict[str, Any]]:
    """Return the lanes whose steps run.

    :param placement: only those in this pool and queue
    :param batches: which lanes were to be looked at, from :func:`batch_lanes`
    :param found: what :func:`find_changed` returned for each batch. What is not known of a lane counts as changed
    :raises FatalTaskError: when it was not decided which lanes are looked at, so all of them would count
    """
    if found is not None and batches is None:
        context: Any = get_current_context()
        with translate_errors(context):
            require_results({BATCH_SHOPS: batches}, context)
    known = {answer["lane"]: answer for answers in found or () for answer in answers}
    selected = [
        {**lane, "found_by": known.get(number, {}).get("found_by")}
        for number, lane in enumerate(lanes)
        if "unchanged" not in known.get(number, {}) and _is_placed(lane, placement)
    ]
    _warn_if_too_many(selected)
    return selected


def _warn_if_too_many(lanes: Sequence[Any]) -> None:
    """Say why Airflow's API server will refuse what this task returns: its own error names neither cause nor remedy."""
    limit = settings.max_map_length()
    if len(lanes) > limit:
        log.warning(
            "The run has %d lanes with steps to run. Airflow maps a task over %d at most, and fails this task. Set "
            "granularity='shop' at the Dag; or raise [core] max_map_length of the API server.", len(lanes), limit,
        )  # fmt: skip


@task
def batch_lanes(
    lanes: Sequence[Mapping[str, Any]], shops_per_task: int, placement: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return which lanes each task runs: their numbers, and a label with their shops.

    :param lanes: the lanes with their windows
    :param shops_per_task: how many one task runs at most
    :param placement: the pool and queue of the lanes; ``None`` takes all
    """
    own = [number for number, lane in enumerate(lanes) if _is_placed(lane, placement)]
    count = -(-len(own) // shops_per_task)
    batches = [own[len(own) * part // count : len(own) * (part + 1) // count] for part in range(count)]
    return [{"lanes": batch, "label": _label([lanes[number]["shop"] for number in batch])} for batch in batches]


def _is_placed(lane: Mapping[str, Any], placement: Mapping[str, Any] | None) -> bool:
    return placement is None or Placement.of(lane) == Placement.of(placement)


def _label(shops: Sequence[str]) -> str:
    """Return the name of a batch: its shop, or the first one and how many more."""
    different = [*dict.fromkeys(shops)]
    return different[0] if len(different) == 1 else f"{different[0]} and {len(different) - 1} more"


def _map_batches(steps: LaneSteps, lanes: Any, batches: Any, placement: Placement) -> Any:
    mapped = LanesOperator.partial(
        task_id=placement.group_id,
        lanes_task_id=lanes.operator.task_id,
        steps=steps.path,
        map_index_template="{{ task.batch['label'] }}",
        # That of the default arguments limits each step: a lane that hangs takes no time from the others.
        execution_timeout=None,
        **placement.default_args,
    ).expand(batch=batches)
    return mapped.output


def _lane_group(steps: LaneSteps) -> Any:
    """Return the task group of one lane, to be mapped.

    Airflow reads the names of the mapped arguments from the function's signature, so the group's function has one
    parameter for each field of the lane.
    """

    def lane(**arguments: Any) -> Any:
        """One shop in one window, from Shopify to Yotpo."""
        return _create_tasks(steps, steps.kind(**arguments))

    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in steps.lane_fields]
    lane.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return task_group(group_id=LANE_GROUP)(lane)


def _create_tasks(steps: LaneSteps, lane: Any) -> Any:
    """Create a task for each step and the one that sums up; return the output of the last one."""
    results: dict[str, Any] = {}
    for step in steps.steps:
        created = step.create(lane, results)
        output = created if step.is_function else created.output
        for name in step.after:
            results[name].operator >> output.operator
        results[step.name] = output
    needs = dict(steps.needs())
    return summarize_lane(
        shop=lane.shop,
        since=lane.since,
        until=lane.until,
        needs=needs,
        needed=needed_connections(lane, needs),
        connections=connections_of(lane),
        results=results,
        found_by=lane.found_by,
    )


@task(
    task_id=SUMMARIZE_LANE,
    multiple_outputs=False,
    trigger_rule="all_done",
    map_index_template="{{ task.op_kwargs['shop'] }}" + SINCE_LABEL % "op_kwargs['since']",
)
def summarize_lane(
    shop: str,
    since: str,
    needed: Mapping[str, Any],
    results: Mapping[str, Any],
    until: str = "",
    needs: Mapping[str, str] | None = None,
    connections: Mapping[str, Any] | None = None,
    found_by: Any = None,
) -> run_summary.LaneSummary:
    """Return the summary of one lane, also when one of its tasks failed, and store its report.

    The parameters are those of :func:`~airflow_provider_partners.pipelines.lanes.lane_summary.sum_up`.
    """
    context: Any = get_current_context()
    return sum_up(
        context,
        shop=shop,
        since=since,
        until=until,
        needs=needs or {},
        needed=needed,
        connections=connections or {},
        results=results,
        found_by=found_by,
    )
