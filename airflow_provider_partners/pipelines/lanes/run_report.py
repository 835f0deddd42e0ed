"""The end of a run of lanes: its summary, its report, and whether it failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context, task

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.exceptions import FatalError
from airflow_provider_partners.failures import first_of
from airflow_provider_partners.links import ReportLink
from airflow_provider_partners.observability.report import run as report
from airflow_provider_partners.observability.step_log import REPORT_TASK_ID
from airflow_provider_partners.pipelines import run_summary, step_errors
from airflow_provider_partners.pipelines._dag import reject_unknown_params, require_results
from airflow_provider_partners.pipelines.lanes.lane_run import lane_uri
from airflow_provider_partners.pipelines.lanes.lane_summary import SUMMARIZE_LANE
from airflow_provider_partners.pipelines.lanes.progress import summaries_at
from airflow_provider_partners.pipelines.routing.placements import LANE_GROUP
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.lanes.mapping import MappedLanes

__all__ = [
    "build_summary",
    "fail_on_failed_shops",
    "link_report",
    "reject_unknown_params",
    "require_lanes_chosen",
    "require_results",
    "summarize",
]

log = logging.getLogger(__name__)

REPORT_TITLE = "Orders to Yotpo"
"""Title of the reports of the order Dags."""


@task(task_id=REPORT_TASK_ID, multiple_outputs=False, trigger_rule="all_done")
def _summarize(results: Mapping[str, Any], lanes: Any, summaries: Any) -> run_summary.RunSummary:
    """Return the summary of a run, log it as a table, and write the report of the run.

    Fail if a step before the lanes did not succeed.
    """
    context: Any = get_current_context()
    with translate_errors(context):
        require_lanes_chosen(results, context)
        return build_summary(context, lanes, summaries)


def summarize(results: Mapping[str, Any], lanes: Any, mapped: MappedLanes) -> Any:
    """Return the task that returns the summary of a run, logs it as a table, and writes the report of the run.

    It fails if a step before the lanes did not succeed.

    :param results: the steps before the lanes, in order, each with its result
    :param lanes: the lanes with their windows
    :param mapped: from :func:`~airflow_provider_partners.pipelines.lanes.mapping.map_lanes`
    """
    return link_report(_summarize({**results, **mapped.before}, lanes, mapped.summaries))


def link_report(summary: Any) -> Any:
    """Give a task the link to the report of its run, and return its output as it is."""
    summary.operator.operator_extra_links = (ReportLink(),)
    return summary


def require_lanes_chosen(results: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Raise an error if a step before the lanes has no result, and write a report that says so.

    :param results: the steps before the lanes, in order, each with its result
    :raises FatalError: with the first step that did not succeed
    """
    try:
        require_results(results, context)
    except FatalError as error:
        failed = next((name for name, result in results.items() if result is None), "")
        cause = step_errors.read_error(context, failed, in_group=False) or {
            "task": failed,
            "message": error.message,
            "remedy": error.remedy,
        }
        report.write_run(context, title=REPORT_TITLE, error=cause)
        raise


def build_summary(
    context: Mapping[str, Any],
    lanes: Sequence[Mapping[str, Any]],
    summaries: Any,
    *,
    find_gaps: Callable[[run_summary.RunSummary], run_summary.GapsByShop] | None = None,
) -> run_summary.RunSummary:
    """Return the summary of a run, log it as a table, and write the report of the run.

    :param lanes: the lanes with their windows
    :param summaries: the result of the mapped lanes
    :param find_gaps: returns what no run has read, from the summary
    """
    summary = run_summary.build_run_summary(
        list(_flatten(summaries, context, lanes)),
        [(lane["shop"], lane["since"]) for lane in lanes],
        until={(lane["shop"], lane["since"]): lane["until"] for lane in lanes},
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
        last_step=_last_step(context),
    )
    if find_gaps is not None:
        summary = run_summary.with_table(summary, gaps=find_gaps(summary))
    log.info("Summary:\n%s", summary["table"])
    report.write_run(context, title=REPORT_TITLE, summary=summary, lanes=lanes)
    return summary


def _last_step(context: Mapping[str, Any]) -> str:
    """Return the task that would have returned the summary of a lane."""
    tasks = getattr(context.get("dag"), "task_ids", ())
    return SUMMARIZE_LANE if any(task.endswith(f".{SUMMARIZE_LANE}") for task in tasks) else LANE_GROUP


def _flatten(summaries: Any, context: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
    """Yield the summaries of all tasks. For a single lane, Airflow passes its result instead of a list.

    What is known of a lane before its steps run has no summary, unless there is nothing to do. A task of several lanes
    has stored theirs.
    """
    if isinstance(summaries, Mapping):
        if "shop" in summaries:
            yield summaries
        elif "unchanged" in summaries:
            yield summaries["unchanged"]
        elif "generation" in summaries:
            own = {
                lane_uri(context, group=summaries["group"], number=number): lanes[number]
                for number in summaries["lanes"]
            }
            yield from summaries_at(summaries["uri"], generation=summaries["generation"], lanes=own)
    elif not isinstance(summaries, str) and summaries is not None:
        for each in summaries:
            yield from _flatten(each, context, lanes)


def fail_on_failed_shops(summary: Mapping[str, Any]) -> None:
    """Fail the task if a lane failed, and skip it if there was no lane.

    :param summary: the result of :func:`summarize`
    :raises PartnerTaskError: with the lanes, and the task at which each of them stopped
    :raises AirflowSkipException: when the run had no shop, and the Dag allows that
    """
    if not summary["lanes"]:
        message = "This run had no shop to sync. See the log of the task that selects the shops."
        raise AirflowSkipException(message)
    if summary["failed"]:
        count = f"{len(summary['failed'])} of {len(summary['lanes'])} lanes failed"
        log.error("%s:\n%s", count, "\n".join(run_summary.format_failures(summary)))
        failed = [f"{lane} (at {task_id})" for lane, task_id in summary["failed"].items()]
        message = f"{count}: {first_of(failed)}."
        raise PartnerTaskError(message)
