"""Daily: remove staged datasets that are older than a number of days, and that no queued or running run needs.

A run's folder goes when its newest file is old enough, Airflow has the run neither queued nor running, and no task of
another such run reads its datasets. So a task that runs, waits, is deferred or will be retried keeps what it needs.
Published datasets and version logs stay. A run of a Dag whose folder holds other files stays too.
Reports of runs have an age of their own, the setting ``report_days``.

The params ``days`` and ``dry_run`` change one run. The task returns how many folders, files, bytes and reports it
removed.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_provider_partners import settings
from airflow_provider_partners._compat import utcnow
from airflow_provider_partners.pipelines._dag import create_dag, dag_factory, reject_unknown_params
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["retention_dag"]

log = logging.getLogger(__name__)

ACTIVE_STATES = ["queued", "running"]
"""The states of a run whose tasks may still do something."""

_RUNS_PER_CALL = 50
"""Ids of runs that one call to Airflow names; they are part of its URL."""


@dag_factory
def retention_dag(
    *, dag_id: str = "partner_dataset_retention", schedule: Any = "30 3 * * *", days: int | None = None, **dag_args: Any
) -> DAG:
    """Return the Dag that removes old staged datasets.

    :param days: age from which on a dataset may be removed; ``[partners] retention_days`` by default
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    schema: dict[str, Any] = {"type": ["null", "integer"], "minimum": 1}
    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "days": Param(days, description="Age in days, instead of the setting's", **schema),
            "dry_run": Param(False, description="Count what would be removed", type="boolean"),
        },
        tags=["partners"],
        doc_md=__doc__,
        dag_args=dag_args,
    ) as dag:
        remove()
    return dag


@task(multiple_outputs=False)
def remove() -> dict[str, Any]:
    """Remove old datasets, and return what was removed."""
    from airflow_provider_partners.datasets.retention import remove_old_datasets
    from airflow_provider_partners.observability.report.store import remove_reports

    context: Any = get_current_context()
    with translate_errors(context):
        reject_unknown_params(context)
        days, dry_run = context["params"]["days"] or settings.retention_days(), context["params"]["dry_run"]
        summary = remove_old_datasets(
            older_than=utcnow() - timedelta(days=days),
            active_runs=lambda dag_id, run_ids: find_active_runs(context["ti"], dag_id, run_ids),
            dry_run=dry_run,
            info=log.info,
        )
        report_days = settings.report_days()
        reports = remove_reports(older_than=utcnow() - timedelta(days=report_days), dry_run=dry_run)
        kept = ", ".join(f"{count} {reason}" for reason, count in sorted(summary.kept.items())) or "none"
        log.info(
            "%s %d folders with %d files and %d bytes that are older than %d days; old ones kept: %s",
            "Would remove" if dry_run else "Removed", summary.runs, summary.files, summary.bytes, days, kept,
        )  # fmt: skip
        log.info(
            "%s %d reports that are older than %d days", "Would remove" if dry_run else "Removed", reports, report_days
        )
        return {**summary.to_dict(), "reports": reports, "days": days, "dry_run": dry_run}


def find_active_runs(task_instance: Any, dag_id: str, run_ids: list[str]) -> set[str]:
    """Return those of a Dag's runs that are queued or running.

    Airflow counts runs of a task that it runs, and does not list them. So runs are counted together, and one by one
    only if some are active. A run that Airflow no longer has is not.

    :param task_instance: of the running task
    :param run_ids: ids of runs
    """
    active = set()
    for start in range(0, len(run_ids), _RUNS_PER_CALL):
        some = run_ids[start : start + _RUNS_PER_CALL]
        if task_instance.get_dr_count(dag_id=dag_id, run_ids=some, states=ACTIVE_STATES):
            active |= {
                run_id
                for run_id in some
                if task_instance.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=ACTIVE_STATES)
            }
    return active
