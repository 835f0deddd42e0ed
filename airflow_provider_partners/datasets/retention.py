"""Remove staged datasets that are old enough and that nobody needs.

A folder of a run is removed when all of this holds: its newest file is older than the limit; Airflow has the run
neither queued nor running, so that none of its tasks runs, waits or will be retried; no task of another queued or
running run holds a lease of one of its datasets; and it holds nothing but the files of datasets. Published datasets and
version logs are never touched, wherever they lie. What is not certain is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.leases import read_leases
from airflow_provider_partners.datasets.listing import child_folders, find_files, modified_at
from airflow_provider_partners.datasets.location import leases_uri, read_folder_name
from airflow_provider_partners.datasets.manifest import PART_NAME
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, STATE_FILES, DatasetFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ActiveRuns", "RetentionSummary", "remove_old_datasets"]

ActiveRuns = Callable[[str, list[str]], set[str]]
"""Returns those of a Dag's runs that are queued or running, by the Dag's id and the runs' ids."""

_OWN_FILE = re.compile(r"parts-[0-9]{5}\.json|\..+\.tmp")
"""Files of a dataset's folder besides its parts and :data:`STATE_FILES`."""


@dataclass(slots=True)
class RetentionSummary:
    """What the retention has done.

    :param runs: folders of runs that were removed, or would be
    :param files: files in them
    :param bytes: their size
    :param kept: why old folders were kept: ``active``, ``leased``, ``published``, ``foreign`` or ``unknown``
    """

    runs: int = 0
    files: int = 0
    bytes: int = 0
    kept: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for XCom."""
        return {"runs": self.runs, "files": self.files, "bytes": self.bytes, "kept": dict(self.kept)}


@dataclass(frozen=True, slots=True)
class _RunFolder:
    """The datasets that one task of a run has written."""

    uri: str
    dag_id: str | None
    run_id: str | None
    files: Mapping[str, Mapping[str, Any]]
    """What the storage says of each file, by its path below the folder."""

    @property
    def folders(self) -> set[str]:
        return {name.rpartition("/")[0] for name in self.files}

    def is_older_than(self, limit: datetime) -> bool:
        times = [modified_at(info) for info in self.files.values()]
        return bool(times) and all(time is not None and time < limit for time in times)

    def reason_to_keep(self) -> str | None:
        """Return why the folder is kept whatever its run does; ``None`` if it is not."""
        if any(_is_foreign(name) for name in self.files):
            return "foreign"
        manifests = (DatasetFolder(f"{self.uri}/{folder}").read_json(MANIFEST_FILE) for folder in self.folders)
        if any(isinstance(manifest, dict) and "published_by" in manifest for manifest in manifests):
            return "published"
        return "unknown" if self.dag_id is None or self.run_id is None else None


def remove_old_datasets(
    *, older_than: datetime, active_runs: ActiveRuns, dry_run: bool = False, info: Callable[..., None] | None = None
) -> RetentionSummary:
    """Remove staged datasets.

    :param older_than: the newest file of a run's folder must be older than this
    :param active_runs: finds out from Airflow
    :param dry_run: count only
    :param info: the logger's method, called for each folder
    :raises ConfigurationError: when the staging folder can't be read
    """
    summary = RetentionSummary()
    for dag_folder in child_folders(settings.staging_uri().rstrip("/")):
        if dag_folder.rpartition("/")[2].startswith("."):
            continue
        old = [run for run in _run_folders(dag_folder) if run.is_older_than(older_than)]
        # Again for each Dag: to list the folders of all may take long, and a task may begin to read in the meantime.
        leased = _leased_uris(active_runs, dry_run=dry_run) if old else set()
        removable = []
        for run in old:
            reason = run.reason_to_keep()
            if reason is None and any(_is_below(uri, run.uri) for uri in leased):
                reason = "leased"
            if reason is None:
                removable.append(run)
            else:
                summary.kept[reason] += 1
        _remove_runs(removable, active_runs, summary, dry_run=dry_run, info=info)
    return summary


def _remove_runs(
    runs: list[_RunFolder],
    active_runs: ActiveRuns,
    summary: RetentionSummary,
    *,
    dry_run: bool,
    info: Callable[..., None] | None,
) -> None:
    """Remove the folders of one Dag, without those of active runs. Airflow says which, right before."""
    ids = sorted({run.run_id for run in runs if run.run_id})
    dag_id = next((run.dag_id for run in runs), None)
    active = active_runs(dag_id, ids) if dag_id and ids else set()
    for run in runs:
        if run.run_id in active:
            summary.kept["active"] += 1
            continue
        if not dry_run:
            for folder in run.folders:
                DatasetFolder(f"{run.uri}/{folder}").remove_all()
            for folder in child_folders(run.uri):
                # A task without rejects has removed its files from their folder.
                DatasetFolder(folder).remove_if_empty()
            DatasetFolder(run.uri).remove_all()
        summary.runs += 1
        summary.files += len(run.files)
        summary.bytes += sum(int(details.get("size") or 0) for details in run.files.values())
        if info:
            info("%s %s, %d files", "Would remove" if dry_run else "Removed", run.uri, len(run.files))


def _leased_uris(active_runs: ActiveRuns, *, dry_run: bool) -> set[str]:
    """Return the datasets that tasks of active runs read. The leases of other runs are removed."""
    leases, leased, ended = read_leases(), set[str](), []
    runs: dict[str, set[str]] = {}
    for lease in leases:
        runs.setdefault(lease.dag_id, set()).add(lease.run_id)
    active = {dag_id: active_runs(dag_id, sorted(ids)) for dag_id, ids in runs.items()}
    for lease in leases:
        if lease.run_id in active[lease.dag_id]:
            leased.update(lease.uris)
        else:
            ended.append(lease.name)
    if ended and not dry_run:
        DatasetFolder(leases_uri()).remove(*ended)
    return leased


def _run_folders(dag_folder: str) -> Iterator[_RunFolder]:
    dag_id = read_folder_name(dag_folder.rpartition("/")[2])
    for task_folder in child_folders(dag_folder):
        for folder in child_folders(task_folder):
            yield _RunFolder(folder, dag_id, read_folder_name(folder.rpartition("/")[2]), find_files(folder))


def _is_foreign(name: str) -> bool:
    """Return True for a file that no dataset has, or that lies deeper or higher than a dataset's."""
    folder, _, file = name.rpartition("/")
    return not folder or "/" in folder or not _is_own(file)


def _is_own(file: str) -> bool:
    return file in STATE_FILES or bool(PART_NAME.fullmatch(file) or _OWN_FILE.fullmatch(file))


def _is_below(uri: str, folder: str) -> bool:
    return uri == folder or uri.startswith(f"{folder}/")
