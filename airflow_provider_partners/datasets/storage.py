"""The files of one dataset, on local disk or in object storage.

A file is written completely or not at all: on local disk under a temporary name and then renamed, in object storage by
a single upload. A reader never sees half a file. Every error of the storage becomes one line that names the folder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from airflow_provider_partners.datasets.formats.json_lines import PARQUET_SUFFIX, read_json_lines
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError, PartnersError
from airflow_provider_partners.files import (
    first_line,
    make_private_folder,
    remove_stale_temporary,
    storage_error,
    write_file,
)

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath
    from fsspec import AbstractFileSystem

    from airflow_provider_partners.records import Record

MANIFEST_FILE = "manifest.json"
PROGRESS_FILE = "progress.json"
JOB_FILE = "job.json"
"""Checkpoint of the job that fills the dataset, see :mod:`airflow_provider_partners.datasets.job_checkpoint`."""

JOURNAL_FILE = "journal.json"
"""What is about to be written to a store, see :mod:`airflow_provider_partners.datasets.write_journal`."""

LOAD_FILE = "load.json"
"""What a load into a table returns, see :mod:`airflow_provider_partners.operators.sql.load`."""

TRIES_FILE = "tries.json"
"""The tries of the step that writes the dataset, see :mod:`airflow_provider_partners.observability.step_log`."""

REPLAYED_FILE = "replayed.json"
"""In a folder of rejects: the records that a replay has closed, see
:mod:`airflow_provider_partners.pipelines.open_rejects`.
"""

WINDOW_FILE = "window.json"
"""The window that the run's first try chose, in a folder beside the dataset's, see
:mod:`airflow_provider_partners.operators.extract`.
"""

CALL_FILE = "call.json"
"""What was sent, in a folder beside the dataset's, from the sending to the end of the task, see
:mod:`airflow_provider_partners.operators.request`.
"""

FAILURES_FILE = "failures.json"
"""The failed checks of a sensor, see :mod:`airflow_provider_partners.sensors.failure_count`."""

LANE_FILE, LANES_FILE = "lane.json", "lanes.json"
"""How far a lane and a task of several lanes have come, see :mod:`airflow_provider_partners.pipelines.lanes.progress`.
"""

STATE_FILES = frozenset({
    MANIFEST_FILE,
    PROGRESS_FILE,
    JOB_FILE,
    JOURNAL_FILE,
    LOAD_FILE,
    TRIES_FILE,
    REPLAYED_FILE,
    WINDOW_FILE,
    CALL_FILE,
    FAILURES_FILE,
    LANE_FILE,
    LANES_FILE,
})
"""All files that tasks keep in their folders besides records. The retention keeps a folder with any other file."""

PROBE_FILE = ".probe.tmp"
"""What :meth:`DatasetFolder.check_writable` writes. The name is the same for all, so that a killed task leaves one."""

UNREADABLE_REMEDY = (
    "The task that wrote it ran where this one can't see its files (another worker without shared storage), or they "
    "were removed since. Set [partners] staging_uri to a shared volume or object storage, such as s3://bucket/staging."
)

DAMAGED_REMEDY = "Clear the task that wrote it, so that it is written again."


class PartEntry(TypedDict):
    """A part file as the manifest and the progress file list it."""

    name: str
    records: int
    bytes: int
    """Compressed size."""
    sha256: str
    schema: NotRequired[str]
    """The Arrow schema of a Parquet part, while the dataset is unfinished."""


_FILESYSTEM_PACKAGES = {
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "s3a": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    "gcs": "apache-airflow-providers-google",
    "abfs": "apache-airflow-providers-microsoft-azure",
    "abfss": "apache-airflow-providers-microsoft-azure",
    "adl": "apache-airflow-providers-microsoft-azure",
    "hdfs": "apache-airflow-providers-apache-hdfs",
    "sftp": "apache-airflow-providers-sftp[sshfs]",
}
"""What to install for a scheme.

See https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/objectstorage.html.
"""


def storage_path(uri: str) -> ObjectStoragePath:
    """Return the path of a URI; a plain path is a local one.

    :raises ConfigurationError: when it is no text, or no filesystem is installed for its scheme
    """
    from airflow.sdk import ObjectStoragePath

    if not isinstance(uri, str) or not uri:
        message = (
            f"'uri' is {'empty' if uri == '' else f'a {type(uri).__name__}'}, and the folder of a dataset is needed"
        )
        raise ConfigurationError(message, remedy="Pass a path or a URI, such as s3://bucket/folder.")
    try:
        return ObjectStoragePath(uri if "://" in uri else f"file://{os.path.abspath(uri)}")
    except (ImportError, ValueError) as error:
        raise _no_filesystem(uri, error) from None


def _no_filesystem(uri: str, error: Exception) -> ConfigurationError:
    scheme = uri.partition("://")[0]
    package = _FILESYSTEM_PACKAGES.get(scheme)
    remedy = f"Install {package} on every worker." if package else "Use a local folder, s3://, gs:// or abfs://."
    return ConfigurationError(f"{uri} can't be opened: {first_line(error)}", remedy=remedy)


class _RemoteFolder:
    """A folder in object storage, with one request for each operation.

    The methods of a path need more: they look for the bucket before they write, for the file before they read or
    remove it, and for a folder before they list it. Object storage charges and waits for each request. A path also
    takes what its filesystem remembers for what is there, although tasks of other workers write as well.

    :param path: the folder; its filesystem is opened with the first operation
    """

    def __init__(self, path: ObjectStoragePath) -> None:
        self._path = path
        self._folder = path.path.rstrip("/")
        self._is_object_store = path.protocol in _OBJECT_STORES
        # s3fs looks up the size of a file first, unless a part of it is wanted. This part is all of it.
        self._all: Mapping[str, int] = {"start": 0} if path.protocol in {"s3", "s3a"} else {}

    @cached_property
    def _fs(self) -> AbstractFileSystem:
        return open_filesystem(self._path)

    def write(self, name: str, content: bytes) -> None:
        file = f"{self._folder}/{name}"
        try:
            self._fs.pipe_file(file, content)
        except FileNotFoundError:
            if self._is_object_store:
                raise  # There is no such bucket: a folder is nothing that could be missing.
            self._fs.makedirs(self._folder, exist_ok=True)
            self._fs.pipe_file(file, content)

    def read(self, name: str) -> bytes:
        file = f"{self._folder}/{name}"
        try:
            content: bytes = self._fs.cat_file(file, **self._all)
        except FileNotFoundError:
            raise
        except OSError as error:
            if not self._all or error.errno != errno.EINVAL:
                raise
            content = self._fs.cat_file(file)  # An empty file has no part.
        return content

    def remove(self, name: str) -> None:
        # Some storages say that a file was missing, and others don't.
        with suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._folder}/{name}")

    def names(self) -> list[str]:
        self._fs.invalidate_cache(self._folder)
        try:
            found = [str(path).rstrip("/") for path in self._fs.ls(self._folder, detail=False)]
        except FileNotFoundError:
            return []
        # Some tools leave an empty object with the name of the folder.
        return sorted(path.rpartition("/")[2] for path in found if path.strip("/") != self._folder.strip("/"))


def open_filesystem(path: ObjectStoragePath) -> AbstractFileSystem:
    """Return the filesystem of a path: that of Airflow, with the path's connection, or fsspec's own.

    :raises ImportError: when the package of its scheme is not installed
    """
    try:
        return path.fs
    except ValueError:
        # No provider has this scheme.
        if path.conn_id:
            raise
    from upath import UPath

    return UPath(f"{path.protocol}://{path.path}").fs


_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "adl"})


class DatasetFolder:
    """The folder of one dataset. Nothing is read or created until a method is called.

    Each method raises ``ConfigurationError`` for a filesystem that isn't installed or a place that may not be written,
    and ``StorageError`` for any other failure of the storage.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        path = storage_path(uri)
        self._local = Path(path.path) if path.protocol in {"", "file", "local"} else None
        self._remote = _RemoteFolder(path)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Translate errors of the storage, except that of a missing file."""
        try:
            yield
        except (FileNotFoundError, PartnersError):
            raise
        except ImportError as error:
            raise _no_filesystem(self.uri, error) from None
        except Exception as error:
            # Each storage has errors of its own, and Airflow has some for the storage's connection.
            raise storage_error(self.uri, error) from error

    def _read_bytes(self, name: str) -> bytes:
        return self._remote.read(name) if self._local is None else (self._local / name).read_bytes()

    def write(self, name: str, content: bytes | bytearray) -> None:
        """Write one file, completely or not at all."""
        try:
            with self._errors():
                if self._local is None:
                    # Filesystems take bytes, and some of them nothing else.
                    self._remote.write(name, bytes(content))
                else:
                    make_private_folder(self._local)
                    write_file(self._local / name, content)
        except FileNotFoundError as error:
            # A bucket that doesn't exist, or a folder that somebody removes at the same time.
            raise storage_error(self.uri, error) from error

    def check_writable(self) -> None:
        """Write and remove a file, so that a wrong place is noticed before there is something to store."""
        self.write(PROBE_FILE, b"")
        self.remove(PROBE_FILE)

    def read(self, name: str) -> bytes:
        """Read one file.

        :raises DatasetError: when it does not exist
        """
        try:
            with self._errors():
                return self._read_bytes(name)
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
            raise DatasetError(message, remedy=DAMAGED_REMEDY)
        return content

    def read_records(self, part: PartEntry, fields: Sequence[str] | None = None) -> Iterator[Record]:
        """Yield the records of one part. The compressed file is in memory, and a few of its records.

        :param fields: the fields at the top of a record that are needed; Parquet reads no others
        :raises DatasetError: when the file is missing or has another hash
        """
        content = self.read_part(part)
        if part["name"].endswith(PARQUET_SUFFIX):
            from airflow_provider_partners.datasets.formats.parquet import read_parquet

            records = read_parquet(content, fields)
        else:
            records = read_json_lines(content)
        count = 0
        for record in records:
            count += 1
            yield record
        if count != part["records"]:
            message = f"{part['name']} of the dataset {self.uri} has {count} records, not {part['records']}"
            raise DatasetError(message, remedy=DAMAGED_REMEDY)

    def read_json(self, name: str) -> Any | None:
        """Read one JSON file; ``None`` if it is missing or incomplete."""
        try:
            with self._errors():
                content = self._read_bytes(name)
            return json.loads(content)
        except (FileNotFoundError, ValueError):
            return None

    def write_json(self, name: str, value: Any) -> None:
        """Write one JSON file, completely or not at all.

        Everything but ASCII is escaped, so that half of a surrogate pair in a cursor is read back as it was.
        """
        self.write(name, json.dumps(value, indent=1).encode())

    def remove(self, *names: str) -> None:
        """Delete files; a missing one is ignored."""
        with self._errors():
            for name in names:
                if self._local is None:
                    self._remote.remove(name)
                else:
                    (self._local / name).unlink(missing_ok=True)

    def remove_temporaries(self) -> None:
        """Remove the temporary files that a killed writer has left. Object storage has none."""
        if self._local is not None:
            self.file_names()

    def remove_all(self) -> None:
        """Delete the folder with its files. Folders in it stay."""
        self.remove(*(name for name in self.file_names() if self._local is None or not (self._local / name).is_dir()))
        self.remove_if_empty()

    def remove_if_empty(self) -> None:
        """Delete the folder, unless something is in it. In object storage an empty folder is nothing."""
        with suppress(OSError):
            if self._local is not None:
                self._local.rmdir()

    def file_names(self) -> list[str]:
        """Return the names of the files and folders in it, sorted. Temporary files of killed writers are removed."""
        with self._errors():
            if self._local is None:
                return self._remote.names()
            paths = list(self._local.iterdir()) if self._local.exists() else []
            return sorted(path.name for path in paths if not remove_stale_temporary(path))
