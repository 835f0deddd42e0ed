"""Why a step failed, for the tasks after it. Airflow hands on what a task returns, and a failed task returns nothing.

Each try of a step leaves an entry beside the step's dataset, see
:mod:`~airflow_provider_partners.observability.step_log`. A task that sums up reads it there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.observability.report.model import TaskError
from airflow_provider_partners.observability.step_log import read_tries

__all__ = ["read_error"]

log = logging.getLogger(__name__)


def read_error(context: Mapping[str, Any], step: str, *, in_group: bool = True) -> dict[str, Any] | None:
    """Return the error of a step's last try as JSON; ``None`` if it left none.

    :param context: of a task of the same run
    :param step: id of the step, without its group
    :param in_group: the step is in the group of the calling task, in the same mapped instance
    """
    this = context["ti"]
    group = this.task_id.rpartition(".")[0] if in_group else ""
    instance = SimpleNamespace(
        dag_id=this.dag_id,
        run_id=this.run_id,
        task_id=f"{group}.{step}" if group else step,
        map_index=this.map_index if in_group else -1,
    )
    try:
        tries = read_tries(dataset_uri({"ti": instance}))
    except PartnersError as error:
        log.warning("The error of '%s' can't be read: %s", step, error)
        return None
    if not tries or not tries[-1]["message"]:
        return None
    last = tries[-1]
    return TaskError(task=step, message=last["message"] or "", remedy=last["remedy"], log_url=last["log_url"]).to_dict()
