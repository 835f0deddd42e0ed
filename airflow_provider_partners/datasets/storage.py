"""Files of one dataset, on local disk or in object storage.

The one module that touches files. A file is put whole: written to a temporary name and renamed on local disk, a single
put in object storage, so that a reader never sees half of one.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import DatasetError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_partners.records import Record

MANIFEST_FILE = "manifest.json"
PROGRESS_FILE = "progress.json"
JOB_FILE = "job.json"
"""The note of the partner's job that fills the dataset; see :mod:`airflow_provider_partners.datasets.job_checkpoint`."""

UNREADABLE_REMEDY = (
    "The task that wrote it ran where this one can't see its files (another worker without shared storage), or they "
    "were removed since. Set [partners] staging_uri to a shared volume or object storage, such as s3://bucket/staging."
)


def storage_path(uri: str) -> ObjectStoragePath:
    """The folder a URI names; a plain path is a local one."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(uri if "://" in uri else f"file://{os.path.abspath(uri)}")


class DatasetFolder:
    """One dataset's folder.

    :param uri: where it is; nothing is read or made until a method is called
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._path = storage_path(uri)
        self._local = self._path.protocol in {"", "file"}

    def write(self, name: str, content: bytes) -> None:
        """Write one file, whole or not at all."""
        self._path.mkdir(parents=True, exist_ok=True)
        if not self._local:
            (self._path / name).write_bytes(content)
            return
        temporary = self._path / f".{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(self._path / name)

    def read(self, name: str) -> bytes:
        """Read one file.

        :raises DatasetError: when it is not there
        """
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            message = f"The dataset {self.uri} is not readable here: {name} is missing"
            raise DatasetError(message, remedy=UNREADABLE_REMEDY) from None

    def read_part(self, part: Mapping[str, Any]) -> bytes:
        """One part as it was written.

        :param part: as the manifest lists it
        :raises DatasetError: when it is missing, or not the one listed
        """
        content = self.read(part["name"])
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            message = f"{part['name']} of the dataset {self.uri} is damaged: its hash is not the one noted"
            raise DatasetError(message, remedy="Clear the task that wrote it, so that it is written again.")
        return content

    def read_records(self, part: Mapping[str, Any]) -> Iterator[Record]:
        """The records of one part, which is held in memory whole.

        :param part: as the manifest lists it
        :raises DatasetError: when it is missing, or not the one listed
        """
        for line in gzip.decompress(self.read_part(part)).splitlines():
            yield json.loads(line)

    def read_json(self, name: str) -> Any | None:
        """One file as JSON; ``None`` when it is missing or not whole."""
        try:
            return json.loads((self._path / name).read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def write_json(self, name: str, value: Any) -> None:
        """Write one JSON file, whole or not at all."""
        self.write(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def remove(self, *names: str) -> None:
        """Delete files that may be there."""
        for name in names:
            (self._path / name).unlink(missing_ok=True)

    def file_names(self) -> list[str]:
        """The files that are there, sorted."""
        return sorted(path.name for path in self._path.iterdir()) if self._path.exists() else []
