"""Reading a dataset back: only what its manifest lists, checked against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, UNREADABLE_REMEDY, DatasetFolder
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.records import get_path

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record


def read_dataset(reference: DatasetRef | Mapping[str, Any]) -> Iterator[Record]:
    """The records of a dataset in the order they were written, one part in memory at a time.

    :param reference: the output of the task that wrote it
    :raises DatasetError: when it can't be seen from here, is unfinished, or differs from its reference
    """
    ref = DatasetRef.from_dict(reference)
    folder = DatasetFolder(ref.uri)
    manifest = folder.read_json(MANIFEST_FILE)
    if manifest is None:
        message = f"The dataset {ref.uri} is not readable here: it has no manifest"
        raise DatasetError(message, remedy=UNREADABLE_REMEDY)
    if manifest["reference"]["sha256"] != ref.sha256:
        message = f"The dataset {ref.uri} is not the one referred to: it was written again since"
        raise DatasetError(message, remedy="Clear the task that wrote it together with this one.")
    for part in manifest["parts"]:
        yield from folder.read_records(part)


def read_column(reference: DatasetRef | Mapping[str, Any], field: str) -> Iterator[str]:
    """One field of every record that has it, as text, each value once, in order.

    :param reference: the output of the task that wrote the dataset
    :param field: the field's name; dots lead into nested objects (``customer.legacyResourceId``)
    """
    seen: set[str] = set()
    for record in read_dataset(reference):
        value = get_path(record, field)
        if value is not None and (text := str(value)) not in seen:
            seen.add(text)
            yield text
