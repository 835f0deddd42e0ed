"""The rejects that runs of a Dag have left and that no replay has closed yet.

They are found in the datasets themselves: beside each dataset of an upsert or a build, the rejects have a folder of
their own. A replay notes there which records it has closed, in ``replayed.json``. The retention removes both together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.listing import child_folders, find_files
from airflow_provider_partners.datasets.location import folder_name, read_folder_name
from airflow_provider_partners.datasets.reader import published_dataset, read_dataset
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import REPLAYED_FILE, DatasetFolder
from airflow_provider_partners.exceptions import DatasetError

__all__ = [
    "ORDERS",
    "PRODUCTS",
    "OpenRejects",
    "close_rejects",
    "find_open_rejects",
    "open_ids",
    "read_open_rejects",
]

ORDERS, PRODUCTS = "orders", "products"

_KINDS = {"orders rejects": ORDERS, "unbuilt orders": ORDERS, "products rejects": PRODUCTS}
"""Datasets of rejects, and what their records are."""

_MANIFEST = re.compile(r"(?P<run>[^/]+)/(?P<index>-?\d+)-rejects/manifest\.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRejects:
    """Rejected records of one task that no replay has closed.

    :param shop: whose records they are
    :param kind: ``orders`` or ``products``
    :param run_id: the run that rejected them
    :param task_id: the task that did
    :param ids: their external ids
    :param reference: the dataset of rejects
    """

    shop: str
    kind: str
    run_id: str | None
    task_id: str | None
    ids: list[str]
    reference: DatasetRef


def find_open_rejects(dag_id: str, *, run_id: str | None = None, shop: str | None = None) -> list[OpenRejects]:
    """Return the rejects that runs of a Dag have left and no replay has closed.

    Plans (``dry_run``) leave none. Orders that the mapping leaves out on purpose are none.

    :param run_id: of one run; by default of all whose datasets are there
    :param shop: of one shop; by default of all
    :raises StorageError: when the storage fails
    """
    folder = f"{settings.staging_uri().rstrip('/')}/{folder_name(dag_id)}"
    return [
        rejects
        for task_folder in child_folders(folder)
        for uri in _reject_folders(task_folder, run_id)
        if (rejects := read_open_rejects(uri, shop=shop)) is not None and rejects.ids
    ]


def read_open_rejects(uri: str, *, shop: str | None = None) -> OpenRejects | None:
    """Return the rejects of one task that no replay has closed; ``None`` if there is no such dataset.

    :param uri: the folder of the rejects
    :param shop: whose rejects are read; by default those of any
    """
    task_folder, run, name = uri.rsplit("/", 2)
    rejects, written = _read(uri), _read(f"{task_folder}/{run}/{name.removesuffix('-rejects')}")
    if rejects is None or written is None or rejects.resource not in _KINDS or written.extra.get("dry_run"):
        return None
    found = written.extra.get("shop")
    if not isinstance(found, str) or shop not in {None, found}:
        return None
    return OpenRejects(
        shop=found,
        kind=_KINDS[rejects.resource],
        run_id=read_folder_name(run),
        task_id=read_folder_name(task_folder.rpartition("/")[2]),
        ids=open_ids(rejects),
        reference=rejects,
    )


def close_rejects(rejects: OpenRejects, ids: Iterable[str]) -> int:
    """Note that records are settled, so that no replay takes them again. Return how many of the rejects these are.

    :param ids: external ids; those of other records are ignored
    """
    closed = set(rejects.ids) & set(ids)
    if closed:
        folder = DatasetFolder(rejects.reference.uri)
        folder.write_json(REPLAYED_FILE, {"closed": sorted(closed | _closed_ids(folder))})
    return len(closed)


def _reject_folders(task_folder: str, run_id: str | None) -> Iterator[str]:
    """Yield the folders of rejects that a task has left in all of its runs, or in one."""
    run_folder = None if run_id is None else folder_name(run_id)
    below = task_folder if run_folder is None else f"{task_folder}/{run_folder}"
    for name in sorted(find_files(below)):
        found = _MANIFEST.fullmatch(name if run_folder is None else f"{run_folder}/{name}")
        if found is not None:
            yield f"{task_folder}/{found['run']}/{found['index']}-rejects"


def _read(uri: str) -> DatasetRef | None:
    """Return the dataset in a folder; ``None`` if there is none, or if it was removed since."""
    try:
        return published_dataset(uri)
    except DatasetError:
        return None


def open_ids(rejects: DatasetRef) -> list[str]:
    """Return the ids of a dataset's rejects that no replay has closed."""
    closed = _closed_ids(DatasetFolder(rejects.uri))
    try:
        ids = [_external_id(record) for record in read_dataset(rejects)]
    except DatasetError:
        return []
    return sorted({each for each in ids if each} - closed)


def _external_id(record: dict[str, Any]) -> str | None:
    """Return the id of a reject; ``None`` for an order that the mapping leaves out on purpose."""
    if record.get("left_out"):
        return None
    rejection = record.get("rejected")
    value = (rejection if isinstance(rejection, dict) else record).get("external_id")
    return str(value) if value else None


def _closed_ids(folder: DatasetFolder) -> set[str]:
    value = folder.read_json(REPLAYED_FILE)
    return set(value.get("closed") or ()) if isinstance(value, dict) else set()
