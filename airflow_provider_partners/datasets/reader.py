"""Read a dataset: only the parts that its manifest lists, each checked against its hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.datasets import lineage
from airflow_provider_partners.datasets.manifest import load_manifest, stored_reference, verify_manifest
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import PROGRESS_FILE, UNREADABLE_REMEDY, DatasetFolder
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


def read_dataset(reference: DatasetRef | Mapping[str, Any]) -> Iterator[Record]:
    """Yield the records of a dataset in the order they were written, with one compressed part in memory at a time.

    :param reference: output of the task that wrote the dataset
    :raises DatasetError: when the dataset is not readable here, is unfinished, or differs from its reference
    """
    ref = DatasetRef.from_dict(reference)
    folder = DatasetFolder(ref.uri)
    lineage.add_input(ref)
    for part in verify_manifest(ref)["parts"]:
        yield from folder.read_records(part)


def read_unfinished(uri: str) -> Iterator[Record]:
    """Yield the records of a dataset that its task has begun and not finished; nothing if there is none.

    :param uri: the dataset's folder
    :raises DatasetError: when a part is missing or damaged
    """
    folder = DatasetFolder(uri)
    progress = folder.read_json(PROGRESS_FILE)
    for part in progress["parts"] if isinstance(progress, dict) else ():
        yield from folder.read_records(part)


def published_dataset(uri: str) -> DatasetRef:
    """Return the reference of the dataset that is published in a folder.

    :param uri: the folder, as a path or a URI
    :raises DatasetError: when there is none
    """
    manifest = load_manifest(DatasetFolder(uri))
    if manifest is None:
        message = f"There is no dataset in {uri}"
        raise DatasetError(message, remedy=UNREADABLE_REMEDY)
    return stored_reference(manifest)


def read_column(reference: DatasetRef | Mapping[str, Any], field: str) -> Iterator[str]:
    """Yield one field of every record that has it, as text, each value once.

    :param reference: output of the task that wrote the dataset
    :param field: the field's name; dots lead into nested objects (``customer.legacyResourceId``)
    """
    return unique_values(read_dataset(reference), field)


def unique_values(records: Iterable[Record], field: str) -> Iterator[str]:
    """Yield one field of every record that has it, as text, each value once.

    :param field: the field's name; dots lead into nested objects
    """
    seen: set[str] = set()
    for record in records:
        value = get_path(record, field)
        if value is not None and (text := str(value)) not in seen:
            seen.add(text)
            yield text
