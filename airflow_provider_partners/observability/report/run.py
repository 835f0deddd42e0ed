"""Write the reports of a run's lanes, and of the run, from its tasks.

A report must never fail a run that succeeded, nor hide a failure: whatever goes wrong here is logged as a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

from airflow_provider_partners import _compat, timestamps
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.observability.report.model import (
    COUNTS,
    ApiCalls,
    Gap,
    LaneReport,
    RunReport,
    TaskError,
)
from airflow_provider_partners.observability.step_log import TryEntry, read_tries

__all__ = ["airflow_url", "page_url", "step_tries", "step_uri", "store_lane", "write_run"]

log = logging.getLogger(__name__)

SHOWN_PARAMS = ("since", "until", "days", "window_days", "shops", "dry_run", "run_id", "run", "shop", "dag_id")
"""The params that say what a run covers. Others are the author's own, and may hold anything."""


def store_lane(
    context: Mapping[str, Any],
    summary: Mapping[str, Any],
    results: Mapping[str, Any],
    *,
    window: Mapping[str, str],
    absent: Mapping[str, str],
    connections: Mapping[str, str] | None = None,
    found_by: Mapping[str, list[TryEntry]] | None = None,
) -> None:
    """Store the report of one lane, in the lane's last task.

    :param context: of that task
    :param summary: of the lane
    :param results: by step in order, what it returned
    :param window: of the lane
    :param absent: steps that the shop's route leaves out, each with the connection that it lacks
    :param connections: connection ids by partner
    :param found_by: tries of a step before the lane's own
    """
    from airflow_provider_partners.observability.report.lane import LaneFacts, build_lane_report
    from airflow_provider_partners.observability.report.store import write_lane

    with _never_failing("The report of this lane was not stored"):
        task, before = context["ti"], found_by or {}
        error = summary.get("error")
        facts = LaneFacts(
            shop=summary["shop"],
            window=window,
            results={**before, **results},
            tries={**before, **{step: step_tries(task, step) for step in results if step not in absent}},
            absent=absent,
            counts={name: summary[name] for name in COUNTS if name in summary},
            failed_at=summary["failed"],
            error=TaskError.from_dict(error) if error else None,
            reasons={name: summary[name] for name in ("suppressions", "left_outs", "rejections", "notes", "found")},
            connections=connections or {},
            map_index=getattr(task, "map_index", -1),
            unfinished=step_uri(task, "upsert_orders") if "upsert_orders" in results else None,
        )
        write_lane(task.dag_id, task.run_id, build_lane_report(facts))


def write_run(
    context: Mapping[str, Any],
    *,
    title: str,
    summary: Mapping[str, Any] | None = None,
    lanes: Sequence[Mapping[str, Any]] = (),
    error: Mapping[str, Any] | None = None,
) -> str | None:
    """Write the report of a run, and return where its page is; ``None`` if it could not be written.

    :param context: of the task that sums up
    :param title: what the Dag does
    :param summary: of the run; without one, no lane could be chosen
    :param lanes: the lanes with their windows
    :param error: why no lane could be chosen
    """
    from airflow_provider_partners.observability.report.html import render_page
    from airflow_provider_partners.observability.report.store import read_lanes, write_report

    with _never_failing("The report of this run was not written"):
        task, params = context["ti"], context.get("params") or {}
        stored = {_lane_key(lane.shop, lane.window): lane for lane in read_lanes(task.dag_id, task.run_id)}
        ends = {(lane["shop"], lane["since"]): lane["until"] for lane in lanes}
        known = summary or {"lanes": [], "failed": {}, "gaps": {}, "dry_run": params.get("dry_run") is True}
        report = RunReport(
            dag_id=task.dag_id,
            run_id=task.run_id,
            title=title,
            state="failed" if error or known["failed"] else "success" if known["lanes"] else "skipped",
            dry_run=bool(known["dry_run"]),
            personal_values=params.get("personal_values") is True,
            written_at=timestamps.isoformat(datetime.now(UTC).replace(microsecond=0)),
            started_at=_text_of_time(getattr(context.get("dag_run"), "start_date", None)),
            params={name: params[name] for name in SHOWN_PARAMS if params.get(name) is not None},
            error=TaskError.from_dict(error) if error else None,
            lanes=[_lane(lane, stored, ends) for lane in known["lanes"]],
            gaps=[Gap(shop=shop, **gap) for shop, gaps in known["gaps"].items() for gap in gaps],
            dag_url=airflow_url(f"/dags/{quote(task.dag_id)}"),
            run_url=airflow_url(f"/dags/{quote(task.dag_id)}/runs/{quote(task.run_id)}"),
        )
        uri = write_report(report, render_page(report))
        log.info("The report of this run: %s", uri)
        return uri
    return None


def page_url(dag_id: str, run_id: str) -> str:
    """Return the URL at which Airflow serves the page of a report; before Airflow 3.1, the place of its file."""
    from airflow_provider_partners.observability.report.store import PAGE_FILE, report_uri

    if _compat.PLUGIN_PAGES:
        return airflow_url(f"/partners/run?{urlencode({'dag_id': dag_id, 'run_id': run_id})}")
    uri = f"{report_uri(dag_id, run_id)}/{PAGE_FILE}"
    return uri if "://" in uri else f"file://{quote(uri)}"


def airflow_url(path: str) -> str:
    """Return a page of Airflow: an address if ``[api] base_url`` is set, else a path of the server."""
    return f"{str(_compat.conf.get('api', 'base_url', fallback='') or '').rstrip('/')}{path}"


def step_tries(task: Any, step: str) -> list[TryEntry]:
    """Return the tries of a step; see :func:`step_uri`."""
    return read_tries(step_uri(task, step))


def step_uri(task: Any, step: str, *, in_group: bool = True, map_index: int = -1) -> str:
    """Return the folder of a step of the same run.

    :param task: the task instance of the calling task
    :param step: id of the step, without its group
    :param in_group: the step is in the group of the calling task, in the same mapped instance
    :param map_index: of a mapped step outside of the group
    """
    group = task.task_id.rpartition(".")[0] if in_group else ""
    instance = SimpleNamespace(
        dag_id=task.dag_id,
        run_id=task.run_id,
        task_id=f"{group}.{step}" if group else step,
        map_index=getattr(task, "map_index", -1) if in_group else map_index,
    )
    return dataset_uri({"ti": instance})


def _lane(
    summary: Mapping[str, Any], stored: Mapping[tuple[str, str], LaneReport], ends: Mapping[tuple[str, str], str]
) -> LaneReport:
    """Return the stored report of a lane, or what its summary says."""
    report = stored.get((summary["shop"], summary["since"]))
    if report is None or not _is_of_try(report, summary):
        until = ends.get((summary["shop"], summary["since"]), "")
        error = summary.get("error") or (
            {"task": summary["failed"], "message": _NO_ERROR} if summary["failed"] else None
        )
        report = LaneReport(
            shop=summary["shop"],
            window={"since": summary["since"], "until": until} if summary["since"] else None,
            state="failed" if summary["failed"] else "success",
            failed_at=summary["failed"],
            error=TaskError.from_dict(error) if error else None,
            counts={name: summary[name] for name in COUNTS if name in summary},
        )
        if summary.get("no_changes"):
            # One request found out that there is nothing to do. That is all there is to know about the lane.
            report.no_changes, calls = True, summary.get("api_calls", 0)
            report.api = [ApiCalls(partner=summary["found_by"], account=summary["shop"], requests=calls)]
    report.name = summary["lane"]
    return report


def _is_of_try(report: LaneReport, summary: Mapping[str, Any]) -> bool:
    """Return True if a lane's report and its summary are of the same try: a cleared run leaves older reports."""
    counts = {name: summary[name] for name in COUNTS if name in summary}
    no_changes = bool(summary.get("no_changes"))
    return (report.failed_at, report.no_changes, report.counts) == (summary["failed"], no_changes, counts)


_NO_ERROR = "The step left no error. It was stopped from outside, or it never started."


def _lane_key(shop: str, window: Mapping[str, str] | None) -> tuple[str, str]:
    return shop, (window or {}).get("since", "")


def _text_of_time(value: Any) -> str | None:
    time = timestamps.try_parse(value)
    return timestamps.isoformat(time.replace(microsecond=0)) if time else None


@contextmanager
def _never_failing(message: str) -> Iterator[None]:
    try:
        yield
    except Exception:  # the run's own end is what counts
        log.warning("%s", message, exc_info=True)
