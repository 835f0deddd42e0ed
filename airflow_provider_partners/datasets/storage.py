"""The files of one dataset, on local disk or in object storage.

No other module touches files. A file is written completely or not at all: on local disk under a temporary name and
then renamed, in object storage by a single upload. A reader never sees half a file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_partners.exceptions import DatasetError

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

    from airflow_provider_partners.records import Record

MANIFEST_FILE = "manifest.json"
PROGRESS_FILE = "progress.json"
JOB_FILE = "job.json"
"""Checkpoint of the job that fills the dataset, see :mod:`airflow_provider_partners.datasets.job_checkpoint`."""

UNREADABLE_REMEDY = (
    "The task that wrote it ran where this one can't see its files (another worker without shared storage), or they "
    "were removed since. Set [partners] staging_uri to a shared volume or object storage, such as s3://bucket/staging."
)


class PartEntry(TypedDict):
    """A part file as the manifest and the progress file list it."""

    name: str
    records: int
    bytes: int
    """Compressed size."""
    sha256: str


def storage_path(uri: str) -> ObjectStoragePath:
    """Return the path of a URI; a plain path is a local one."""
    from airflow.sdk import ObjectStoragePath

    return ObjectStoragePath(uri if "://" in uri else f"file://{os.path.abspath(uri)}")


class DatasetFolder:
    """The folder of one dataset. Nothing is read or created until a method is called."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._path = storage_path(uri)
        self._is_local = self._path.protocol in {"", "file"}

    def write(self, name: str, content: bytes) -> None:
        """Write one file, completely or not at all."""
        self._path.mkdir(parents=True, exist_ok=True)
        if not self._is_local:
            (self._path / name).write_bytes(content)
            return
        temporary = self._path / f".{name}.tmp"
        temporary.write_bytes(content)
        temporary.replace(self._path / name)

    def read(self, name: str) -> bytes:
        """Read one file.

        :raises DatasetError: when it does not exist
        """
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            message = f"The dataset {self.uri} is not readable here: {name} is missing"
            raise DatasetError(message, remedy=UNREADABLE_REMEDY) from None

    def read_part(self, part: PartEntry) -> bytes:
        """Read one part file and check its hash.

        :raises DatasetError: when the file is missing or has another hash
        """
        content = self.read(part["name"])
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            message = f"{part['name']} of the dataset {self.uri} is damaged: its hash differs from the manifest's"
            raise DatasetError(message, remedy="Clear the task that wrote it, so that it is written again.")
        return content

    def read_records(self, part: PartEntry) -> Iterator[Record]:
        """Yield the records of one part; the whole part is in memory.

        :raises DatasetError: when the file is missing or has another hash
        """
        for line in gzip.decompress(self.read_part(part)).splitlines():
            yield json.loads(line)

    def read_json(self, name: str) -> Any | None:
        """Read one JSON file; ``None`` if it is missing or incomplete."""
        try:
            return json.loads((self._path / name).read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    def write_json(self, name: str, value: Any) -> None:
        """Write one JSON file, completely or not at all."""
        self.write(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def remove(self, *names: str) -> None:
        """Delete files; a missing one is ignored."""
        for name in names:
            (self._path / name).unlink(missing_ok=True)

    def file_names(self) -> list[str]:
        """Return the names of the files, sorted."""
        return sorted(path.name for path in self._path.iterdir()) if self._path.exists() else []
