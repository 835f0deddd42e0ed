"""Write a dataset: part files of some tens of megabytes, each written once, and the manifest last.

Records are collected in memory, compressed, until a part is large enough or old enough. With each part the progress is
saved: the request's fingerprint, the position and the parts so far. A failure saves what is collected first. So a retry
resumes after the last complete page; only after a kill it reads again what the unfinished part held. A finished dataset
is replaced, never resumed. A dataset counts only once its manifest exists.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_partners import settings, timestamps
from airflow_provider_partners.datasets import lineage
from airflow_provider_partners.datasets.formats.part_files import PartFiles
from airflow_provider_partners.datasets.location import is_task_folder
from airflow_provider_partners.datasets.manifest import PART_NAME, describe_list, hash_parts, is_other_list
from airflow_provider_partners.datasets.record_shape import StorageOptions, format_text
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.schema import MAX_FIELDS, SchemaObserver
from airflow_provider_partners.datasets.storage import (
    JOB_FILE,
    JOURNAL_FILE,
    MANIFEST_FILE,
    PROGRESS_FILE,
    TRIES_FILE,
    DatasetFolder,
)
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError, PartnersError
from airflow_provider_partners.records import UNSTORABLE, find_unstorable, to_json_lines

if TYPE_CHECKING:
    from types import TracebackType

    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

log = logging.getLogger("airflow_provider_partners.datasets")

FORMAT_VERSION = 5
"""Version of the layout; a dataset of another version is never resumed."""

_CHUNK = 1_000
"""Records that are checked together."""

_RECORD_REMEDY = "A record is a dict of JSON values: text, numbers, booleans, lists and dicts; times as ISO 8601 text."


class DatasetWriter:
    """Writes one dataset into a folder. As a context manager, it saves what is collected when the block fails.

    :param uri: the dataset's folder
    :param source: the partner
    :param resource: the list
    :param account: the shop, store, organization or project; ``None`` if it is unknown
    :param fingerprint: identifies the request; progress of another request is not resumed
    :param window: the time range of the records
    :param columns: the declared columns; others are observed in the records
    :param file_format: ``jsonl`` (gzipped JSON lines) or ``parquet``
    :param nested: in Parquet, objects and lists are JSON text (``json``) or Arrow's structures (``struct``)
    :param on_new_fields: a field without a declaration is kept (``ignore``), also logged (``warn``), or fails the
        dataset (``fail``)
    :param requested_fields: fields that a user has requested besides the declared ones, so that they are not new
    :param part_size: compressed bytes after which a part is written; ``[partners] part_mb`` by default
    :param part_seconds: seconds after which it is written in any case; ``[partners] part_seconds`` by default
    :param companions: datasets that are written along, such as rejects. They are saved and resumed in one step with
        this one, by its progress, so that a kill never leaves one of them ahead or behind
    :param has_journal: True if a ``WriteJournal`` is in the folder. It ends with the progress
    :param origin: entries of the manifest that say which query was read, and by which tries
    :param clock: returns the time in seconds
    :raises ConfigurationError: when the format is unknown, or needs a package that is not installed
    """

    def __init__(
        self,
        uri: str,
        *,
        source: str,
        resource: str,
        account: str | None = None,
        fingerprint: str = "",
        window: Window | None = None,
        columns: Sequence[Column] | None = None,
        file_format: str = "jsonl",
        nested: str = "json",
        on_new_fields: str = "ignore",
        requested_fields: Collection[str] = (),
        part_size: int | None = None,
        part_seconds: float | None = None,
        companions: Sequence[DatasetWriter] = (),
        has_journal: bool = False,
        origin: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        StorageOptions(format=file_format, nested=nested, on_new_fields=on_new_fields)
        self._folder = DatasetFolder(uri)
        self._source, self._resource, self._account = source, resource, account
        self._parts = PartFiles(self._folder, file_format=file_format, nested=nested)
        self._on_new_fields = on_new_fields
        self._header: dict[str, Any] = {
            "format": FORMAT_VERSION,
            "source": source,
            "resource": resource,
            "account": account,
            "fingerprint": fingerprint,
            "file_format": format_text(file_format, nested),
        }
        self._window = window.to_dict() if window else None
        self._part_size = settings.part_size() if part_size is None else part_size
        self._part_seconds = settings.part_seconds() if part_seconds is None else part_seconds
        self._companions = companions
        self._has_journal = has_journal
        self._origin = dict(origin or {})
        self._clock = clock
        self._saved_at = clock()
        self._position: Mapping[str, Any] | None = None
        self._schema = SchemaObserver(columns or (), limit=MAX_FIELDS if file_format == "jsonl" else math.inf)
        self._new_fields, self._requested = set[str](), frozenset(requested_fields)
        self._content = b""
        self._read_at = timestamps.isoformat(datetime.now(UTC))

    @property
    def records(self) -> int:
        """Number of records so far."""
        return self._parts.records

    @property
    def parts(self) -> int:
        """Number of parts so far, also of the unfinished one."""
        return self._parts.count

    @property
    def is_saved(self) -> bool:
        """True if all records so far are stored."""
        return self._parts.count == len(self._parts.entries)

    @property
    def read_at(self) -> str:
        """When the first try began to write."""
        return self._read_at

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Save what is collected when the block fails, so that a retry need not read it again.

        After a list that contradicts itself, remove it: a retry from a wrong position would fail likewise.
        """
        if error is None:
            return
        if isinstance(error, PartnersError) and error.restarts_list:
            self.discard()
            return
        try:
            self.save()
        except PartnersError as failure:
            log.warning("The last records of %s could not be saved; a retry reads them again: %s", self, failure)

    def __str__(self) -> str:
        """Return the list and the folder."""
        return f"{describe_list(self._source, self._resource, self._account)} in {self._folder.uri}"

    def resume(self) -> dict[str, Any] | None:
        """Resume an unfinished try of the same request, or remove old files and start from the beginning.

        :returns: the position to continue from; ``None`` for the beginning
        :raises ConfigurationError: when the folder can't be written, or holds the records of another list or account
        """
        writers = (self, *self._companions)
        progress = self._folder.read_json(PROGRESS_FILE)
        names = [DatasetWriter._look(writer, progress if writer is self else None) for writer in writers]
        states = [progress, *progress.get("companions", ())] if progress is not None else []
        fits = len(states) == len(writers) and all(map(DatasetWriter._fits, writers, states, names))
        for writer, state, found in zip(writers, states if fits else [None] * len(writers), names, strict=True):
            DatasetWriter._start_from(writer, state, found)
        return dict(self._position) if self._position is not None else None

    def _look(self, progress: Any) -> list[str]:
        """Return the names of the folder's files, after it turned out to be ours and writable."""
        self._folder.check_writable()
        names = self._folder.file_names()
        self._check_owner(progress, names)
        return names

    def _fits(self, state: Mapping[str, Any], names: Sequence[str]) -> bool:
        """Return True if stored progress is of the same request, and its parts are there."""
        same_request = {key: state.get(key) for key in self._header} == self._header
        return same_request and {part["name"] for part in state["parts"]} <= set(names)

    def _start_from(self, state: Mapping[str, Any] | None, names: Sequence[str]) -> None:
        """Continue from stored progress; without it, from the beginning. Remove the files that don't belong to it."""
        if state is None:
            kept = {JOB_FILE, TRIES_FILE, *self._journal}
            self._folder.remove(*(name for name in names if name not in kept))
            return
        # A part that the progress does not have is of an unfinished save: its records are read again. A manifest is of
        # a try that was killed before it was done with its progress.
        parts = {part["name"] for part in state["parts"]}
        self._folder.remove(
            *(name for name in names if name == MANIFEST_FILE or (PART_NAME.fullmatch(name) and name not in parts))
        )
        self._parts.entries = state["parts"]
        self._schema.restore(state["schema"])
        self._content = bytes.fromhex(state["content"])
        self._read_at = state["read_at"]
        self._position = state["position"]

    def _check_owner(self, progress: Any, names: list[str]) -> None:
        """Refuse the folder of another list or account, unless it belongs to this task: its arguments may change."""
        stored = self._folder.read_json(MANIFEST_FILE) if MANIFEST_FILE in names else progress
        if is_task_folder(self._folder.uri) or not isinstance(stored, Mapping):
            return
        owner = describe_list(stored.get("source"), stored.get("resource"), stored.get("account"))
        if is_other_list(stored, self._header):
            own = describe_list(self._source, self._resource, self._account)
            message = f"{own} can't be written to {self._folder.uri}: the folder holds {owner}"
            raise ConfigurationError(message, remedy="Give each list of each account a folder of its own.")

    def append(self, records: Iterable[Record], *, position: Mapping[str, Any] | None = None) -> None:
        """Add records. They are written once a part is complete.

        :param records: with a position no more than fit in memory at once, otherwise any number
        :param position: where a retry continues after these records; ``None`` saves no progress
        :raises DatasetError: when a record is no JSON object, or has a field that ``on_new_fields`` refuses
        """
        if position is not None:
            self._add(list(records))
            self._position = dict(position)
            if self._parts.size >= self._part_size or self._clock() - self._saved_at >= self._part_seconds:
                self.save()
            return
        iterator = iter(records)
        while chunk := list(islice(iterator, _CHUNK)):
            self._add(chunk)
            if self._parts.size >= self._part_size:
                self._write_part()

    def save(self) -> None:
        """Write the records so far as a part, and save the progress."""
        for writer in (*self._companions, self):
            DatasetWriter._write_part(writer)
        self._saved_at = self._clock()
        if self._position is None:
            return
        progress = {**self._state(), "companions": list(map(DatasetWriter._state, self._companions))}
        self._folder.write_json(PROGRESS_FILE, progress)

    def discard(self) -> None:
        """Forget what was read, so that a retry begins from the start. It removes the parts then."""
        self._parts.discard()
        try:
            self._folder.remove(PROGRESS_FILE)
        except PartnersError as failure:
            log.warning("The progress of %s could not be removed: %s", self, failure)

    @property
    def _journal(self) -> Sequence[str]:
        return (JOURNAL_FILE,) if self._has_journal else ()

    def _state(self) -> dict[str, Any]:
        return {
            **self._header,
            "position": self._position,
            "parts": self._parts.entries,
            "schema": self._schema.to_dict(),
            "content": self._content.hex(),
            "read_at": self._read_at,
        }

    def _add(self, records: Sequence[Record]) -> None:
        try:
            lines = to_json_lines(records)
        except UNSTORABLE:
            place, fault = find_unstorable(records)
            message = f"Record {self.records + place + 1} of {self._resource!r} can't be stored: {fault}"
            raise DatasetError(message, remedy=_RECORD_REMEDY) from None
        self._schema.observe_all(records)
        self._check_new_fields()
        content = self._content
        for line in lines:
            content = hashlib.sha256(content + line).digest()
        self._content = content
        self._parts.add(lines)

    def _check_new_fields(self) -> None:
        if self._on_new_fields == "ignore":
            return
        new = [name for name in self._schema.undeclared if name not in self._new_fields | self._requested]
        if not new:
            return
        self._new_fields.update(new)
        message = f"{self._source} {self._resource} has fields that are not declared: {', '.join(sorted(new))[:500]}"
        if self._on_new_fields == "fail":
            raise DatasetError(message, remedy="Leave them out with 'drop', or use on_new_fields='warn'.")
        log.warning("%s. They are kept, with the types of their values.", message)

    def _write_part(self) -> None:
        self._parts.write(self._schema.columns)

    def written_records(self) -> Iterator[Record]:
        """Yield the records so far, also those of earlier tries, with one compressed part in memory at a time."""
        yield from self._parts.read()

    def commit(self, *, extra: Mapping[str, Any] | None = None, read_at: str | None = None) -> DatasetRef:
        """Write the manifest, which finishes the dataset, and return its reference.

        :param extra: counts that become part of the reference
        :param read_at: when the partner read its records; by default when the first try began to write
        """
        self._write_part()
        parts = self._parts.uniform(self._schema.columns)
        if widened := self._schema.widened:
            wider = {column.name: column.type for column in self._schema.columns}
            changes = ", ".join(f"{name} ({kind} to {wider[name]})" for name, kind in widened.items())
            log.warning("Columns of %s became wider, since a value did not fit: %s", self, changes)
        reference = DatasetRef(
            uri=self._folder.uri,
            source=self._source,
            resource=self._resource,
            account=self._account,
            window=self._window,
            read_at=read_at or self._read_at,
            records=self.records,
            parts=len(parts),
            bytes=sum(part["bytes"] for part in parts),
            sha256=hash_parts(parts),
            extra=dict(extra or {}),
            fields={column.name: column.type for column in self._schema.columns},
        )
        manifest = {
            **self._header,
            **self._origin,
            "parts": parts,
            "columns": [column.to_dict() for column in self._schema.columns],
            "widened": widened,
            "content": self._content.hex(),
            "reference": reference.to_dict(),
        }
        self._folder.write_json(MANIFEST_FILE, manifest)
        replaced = {part["name"] for part in self._parts.entries} - {part["name"] for part in parts}
        self._folder.remove(*replaced, *self._journal, PROGRESS_FILE)
        lineage.add_output(reference)
        return reference
