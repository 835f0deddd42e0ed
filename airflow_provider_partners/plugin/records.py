"""The datasets that a report names: their manifests, and their records page by page."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from airflow_provider_partners import settings
from airflow_provider_partners.datasets.location import folder_name, read_folder_name
from airflow_provider_partners.datasets.manifest import Manifest, load_manifest
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.masking import mask_record
from airflow_provider_partners.observability.report.model import DatasetEntry, RunReport

__all__ = ["PAGE_SIZE", "dataset_of", "datasets_of", "describe_dataset", "owner_of", "read_records"]

PAGE_SIZE = 25
_LARGEST_PAGE = 200


def datasets_of(report: RunReport) -> list[tuple[str, DatasetEntry]]:
    """Return the datasets of a run with the shop of each. A request names one by its place in this list."""
    return [(lane.shop, dataset) for lane in report.lanes for dataset in lane.datasets]


def dataset_of(report: RunReport, number: int) -> DatasetEntry | None:
    """Return one dataset of a run; ``None`` if it has no such one, or if that is outside of the staging folder."""
    datasets = datasets_of(report)
    if not 0 <= number < len(datasets):
        return None
    dataset = datasets[number][1]
    return None if staging_path(dataset.uri) is None else dataset


def staging_path(uri: str) -> str | None:
    """Return the path of a dataset below the staging folder; ``None`` if it is outside.

    A report is a file, and a file may be changed: what it names is not trusted.
    """
    root = f"{settings.staging_uri().rstrip('/')}/"
    if not uri.startswith(root):
        return None
    path = uri[len(root) :]
    # A folder's name never has a percent sign or a backslash, so nothing can hide in them.
    if unquote(path) != path or "\\" in path or posixpath.normpath(path) != path or path.startswith((".", "/")):
        return None
    return path


def owner_of(uri: str, dag_id: str) -> str | None:
    """Return the Dag that a dataset belongs to; ``None`` if that is unknown.

    :param dag_id: the Dag whose report names the dataset
    """
    path = staging_path(uri)
    if path is None:
        return None
    folder = path.partition("/")[0]
    return dag_id if folder == folder_name(dag_id) else read_folder_name(folder)


def describe_dataset(dataset: DatasetEntry) -> dict[str, Any]:
    """Return what the manifest says, without the address of the storage. ``exists`` is false if there is none."""
    manifest = _manifest(dataset)
    description: dict[str, Any] = {
        "exists": manifest is not None,
        "path": staging_path(dataset.uri),
        "source": dataset.source,
        "resource": dataset.resource,
        "account": dataset.account,
        "window": dataset.window,
        "task": dataset.task,
        "records": dataset.records,
        "bytes": dataset.bytes,
        "is_rejects": dataset.is_rejects,
    }
    if manifest is not None:
        reference = manifest["reference"]
        description |= {name: reference[name] for name in ("records", "bytes", "parts", "window", "sha256")}
        description |= {
            "read_at": reference.get("read_at"),
            "columns": manifest["columns"],
            "file_format": manifest.get("file_format", "jsonl"),
        }
    return description


def read_records(dataset: DatasetEntry, offset: int, limit: int = PAGE_SIZE) -> tuple[list[Any], bool]:
    """Return some records of a dataset, and whether they are masked. Only the parts that hold them are read.

    :raises DatasetError: when a part is missing or damaged
    """
    manifest = _manifest(dataset)
    records = list(_select(dataset.uri, manifest, offset, min(limit, _LARGEST_PAGE))) if manifest else []
    if settings.show_personal_values():
        return records, False
    return [mask_record(record, resource=dataset.resource) for record in records], True


def _select(uri: str, manifest: Manifest, offset: int, limit: int) -> Iterator[Any]:
    folder, start = DatasetFolder(uri), 0
    for part in manifest["parts"]:
        end = start + part["records"]
        if end > offset and start < offset + limit:
            for number, record in enumerate(folder.read_records(part), start):
                if offset <= number < offset + limit:
                    yield record
        start = end


def _manifest(dataset: DatasetEntry) -> Manifest | None:
    try:
        return load_manifest(DatasetFolder(dataset.uri))
    except PartnersError:
        return None
