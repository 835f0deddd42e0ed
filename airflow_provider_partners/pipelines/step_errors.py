"""What a failed step leaves for the tasks after it. Airflow hands on what a task returns, and that one returns nothing.

Each try of a step leaves an entry beside the step's dataset, see
:mod:`~airflow_provider_partners.observability.step_log`. A task that sums up reads it there.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_partners.datasets.reader import read_unfinished
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.failures import NO_CAUSE, REMEDY_LABEL, wrapped
from airflow_provider_partners.observability.report.model import TaskError
from airflow_provider_partners.observability.report.run import step_uri
from airflow_provider_partners.observability.step_log import read_tries
from airflow_provider_partners.sync.outcomes import Outcome, OutcomeSummary

__all__ = ["count_calls", "describe_failures", "read_begun", "read_error"]

log = logging.getLogger(__name__)


def read_error(
    context: Mapping[str, Any], step: str, *, in_group: bool = True, map_index: int = -1
) -> dict[str, Any] | None:
    """Return the error of a step's last try as JSON; ``None`` if it left none.

    :param context: of a task of the same run
    :param step: id of the step, without its group
    :param in_group: the step is in the group of the calling task, in the same mapped instance
    :param map_index: of a mapped step outside of the group
    """
    try:
        tries = read_tries(step_uri(context["ti"], step, in_group=in_group, map_index=map_index))
    except PartnersError as error:
        log.warning("The error of '%s' can't be read: %s", step, error)
        return None
    if not tries or not tries[-1]["message"]:
        return None
    last = tries[-1]
    return TaskError(task=step, message=last["message"] or "", remedy=last["remedy"], log_url=last["log_url"]).to_dict()


def describe_failures(context: Mapping[str, Any], failed: Iterable[tuple[str, str, int]]) -> str:
    """Return short lines for failed instances of mapped steps: which, the cause, and what to do.

    :param context: of a task that sums up
    :param failed: what each reads, the id of the step, and the map index
    """
    lines: list[str] = []
    for name, step, map_index in failed:
        error = read_error(context, step, in_group=False, map_index=map_index) or {}
        lines += wrapped(f"{name} at {step}: {error.get('message') or NO_CAUSE}")
        lines += wrapped(error.get("remedy") or "See the log of that task.", first=f"  {REMEDY_LABEL}")
    return "\n".join(lines)


def read_begun(context: Mapping[str, Any], results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary of the outcomes that the upsert of orders has stored without finishing.

    :param context: of a task in the same group
    :param results: by step, what it returned
    """
    if "upsert_orders" not in results or results["upsert_orders"] is not None:
        return {}
    try:
        outcomes = (Outcome(**record) for record in read_unfinished(step_uri(context["ti"], "upsert_orders")))
        return OutcomeSummary.of(outcomes).to_dict()
    except PartnersError as error:
        log.warning("What was written before the failure can't be read: %s", error)
        return {}


def count_calls(context: Mapping[str, Any], steps: Iterable[str]) -> int | None:
    """Return the calls of partners over all tries of some steps; ``None`` if no try is recorded.

    :param context: of a task in the same group
    """
    try:
        tries = [each for step in steps for each in read_tries(step_uri(context["ti"], step))]
    except PartnersError as error:
        log.warning("The calls of all tries can't be read: %s", error)
        return None
    return sum(call["counts"]["requests"] for each in tries for call in each["calls"]) if tries else None
