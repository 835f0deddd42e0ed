"""How old a dataset is: the time of its newest record.

A published folder is replaced from time to time. So the folder's manifest is read at each look, and the records only
when they are others than before.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.manifest import load_manifest, stored_reference
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, DatasetFolder
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.records import get_path

__all__ = ["DatasetTimes", "default_time_field"]


class DatasetTimes:
    """Reads the time of the newest record of datasets, and remembers it as long as the dataset is the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], datetime | None] = {}

    def newest(self, uri: str, time_field: str | None = None) -> tuple[DatasetRef | None, datetime | None]:
        """Return the reference of the dataset in a folder, and the time of its newest record.

        :param uri: the folder, such as that of ``uri=`` of an extract operator
        :param time_field: dotted path of a record's time; the time field of the list by default
        :returns: ``None`` for what does not exist: a dataset in the folder, or a record with a time
        :raises ConfigurationError: when the list has no time field, or no record has this one
        :raises DatasetError: when the dataset is not readable
        """
        folder = DatasetFolder(uri)
        manifest = load_manifest(folder)
        if manifest is None:
            if MANIFEST_FILE in folder.file_names():
                message = f"The dataset {uri} is not readable: its manifest is damaged"
                raise DatasetError(message, remedy="Run the task again that publishes it.")
            return None, None
        reference = stored_reference(manifest)
        field = time_field or default_time_field(reference.source, reference.resource)
        key = (f"{uri} {reference.sha256}", field)
        if key not in self._known:
            self._known = {key: self._newest_record(folder, manifest["parts"], field)}
        return reference, self._known[key]

    @staticmethod
    def _newest_record(folder: DatasetFolder, parts: Any, field: str) -> datetime | None:
        newest, records = None, 0
        for part in parts:
            for record in folder.read_records(part, [field.partition(".")[0]]):
                records += 1
                time = _parse(get_path(record, field))
                if time is not None and (newest is None or time > newest):
                    newest = time
        if records and newest is None:
            message = f"No record of {folder.uri} has a time in '{field}'"
            raise ConfigurationError(message, remedy="Set 'time_field' to the field of the records' time.")
        return newest


def default_time_field(source: str, resource: str) -> str:
    """Return the field with a record's time, from the partner's table of lists.

    :param source: the partner
    :param resource: the list
    :raises ConfigurationError: when there is none
    """
    name = f"airflow_provider_partners.api.{source}"
    listed = None
    if source.isidentifier() and find_spec(name) is not None and find_spec(f"{name}.resources") is not None:
        listed = import_module(f"{name}.resources").RESOURCES.get(resource)
    # Voucherify names the time of a window and the record's field apart; Yofi's returns have a date without a filter.
    for attribute in ("record_time_field", "time_field", "date_field"):
        if field := getattr(listed, attribute, None):
            return str(field)
    message = f"{source} {resource} has no time field"
    raise ConfigurationError(message, remedy="Set 'time_field' to the field of the records' time.")


def _parse(value: Any) -> datetime | None:
    """Return a record's time: ISO 8601 text, or seconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return timestamps.from_epoch(value)
        except (ValueError, OverflowError, OSError):
            return None
    return timestamps.try_parse(value)
