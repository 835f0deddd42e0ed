"""Leases: which staged datasets a task reads, so that the retention removes none of them.

A task may read a dataset of another run, also of another Dag. Its own run folder does not show that. So an operator
writes a lease before it reads, one file per task of a run, and removes it when it has succeeded. The lease of a task
that waits, retries or was killed stays. It holds as long as Airflow has the run among the queued and running ones.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from airflow_provider_partners.datasets.location import is_task_folder, leases_uri
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import PartnersError

__all__ = ["Lease", "read_leases", "release", "take"]

log = logging.getLogger("airflow_provider_partners.datasets")


class Lease(NamedTuple):
    """What a task of a run reads.

    :param name: the lease's file
    :param dag_id: the Dag of the task
    :param run_id: the run of the task
    :param uris: the folders of the datasets
    """

    name: str
    dag_id: str
    run_id: str
    uris: tuple[str, ...]


def take(context: Mapping[str, Any], uris: Iterable[str]) -> bool:
    """Write the lease of a task. A failure of the storage is logged: the task itself may succeed.

    :param context: the task's context
    :param uris: the folders of the datasets that it reads; those outside of the staging folder need no lease
    :returns: whether there is something to release
    """
    staged = sorted({uri for uri in uris if is_task_folder(uri)})
    task = context.get("ti")
    if not staged or task is None:
        return False
    lease = {"dag_id": task.dag_id, "run_id": task.run_id, "uris": staged}
    try:
        DatasetFolder(leases_uri()).write_json(_file_name(task), lease)
    except PartnersError as error:
        log.warning("The retention may remove the datasets that this task reads, since no lease is written: %s", error)
        return False
    return True


def release(context: Mapping[str, Any]) -> None:
    """Remove the lease of a task that has succeeded. What is left, the retention removes."""
    try:
        DatasetFolder(leases_uri()).remove(_file_name(context["ti"]))
    except PartnersError as error:
        log.info("The lease of this task could not be removed: %s", error)


def read_leases() -> list[Lease]:
    """Return all leases."""
    folder, leases = DatasetFolder(leases_uri()), []
    for name in folder.file_names():
        stored = folder.read_json(name)
        if isinstance(stored, Mapping):
            leases.append(Lease(name, stored["dag_id"], stored["run_id"], tuple(stored["uris"])))
    return leases


def _file_name(task: Any) -> str:
    identity = json.dumps([task.dag_id, task.task_id, task.run_id, getattr(task, "map_index", -1)])
    return f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"
