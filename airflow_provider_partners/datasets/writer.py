"""Write a dataset: one part file per page, each written once, and the manifest last.

After each page the progress is saved: the request's fingerprint, the position and the latest parts. A retry after a
crash resumes after the last complete page. A finished dataset is replaced, never resumed. A dataset counts only once
its manifest exists.

Object storage cannot append to a file, so the progress file is rewritten after each page. It must stay short for any
length of list. Therefore the entries of every hundred parts move to a file of their own, which does not change again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.location import is_task_folder
from airflow_provider_partners.datasets.manifest import describe_list, hash_parts, is_other_list
from airflow_provider_partners.datasets.progress import Progress
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.schema import SchemaObserver
from airflow_provider_partners.datasets.storage import JOB_FILE, MANIFEST_FILE, PROGRESS_FILE, DatasetFolder, PartEntry
from airflow_provider_partners.exceptions import ConfigurationError, DatasetError
from airflow_provider_partners.records import encode_text

if TYPE_CHECKING:
    from airflow_provider_partners.api.extraction import Extraction, ResumePosition
    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

FORMAT_VERSION = 4
"""Version of the layout; a dataset of another version is never resumed."""

PARTS_PER_LIST = 100
"""Parts whose entries one list file holds."""

_JSON_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object", list: "array"}

_END_POSITION: dict[str, Any] = {"end": True}
"""The position after the last page: only the manifest is missing."""


class DatasetWriter:
    """Writes one dataset into a folder.

    :param uri: the dataset's folder
    :param source: the partner
    :param resource: the list
    :param account: the shop, store, organization or project; ``None`` if it is unknown
    :param fingerprint: identifies the request; progress of another request is not resumed
    :param window: the time range of the records
    :param columns: the declared columns; others are observed in the records
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
    ) -> None:
        self._folder = DatasetFolder(uri)
        self._source, self._resource, self._account = source, resource, account
        self._header: dict[str, Any] = {
            "format": FORMAT_VERSION,
            "source": source,
            "resource": resource,
            "account": account,
            "fingerprint": fingerprint,
        }
        self._window = window.to_dict() if window else None
        self._parts: list[PartEntry] = []
        self._part_lists = 0
        self._records = 0
        self._schema = SchemaObserver(columns or ())
        self._read_at = timestamps.isoformat(datetime.now(UTC))

    @property
    def records(self) -> int:
        """Number of records written so far."""
        return self._records

    @property
    def parts(self) -> int:
        """Number of parts written so far."""
        return len(self._parts)

    def resume(self) -> dict[str, Any] | None:
        """Resume an unfinished try of the same request, or remove old files and start from the beginning.

        :returns: the position to continue from; ``None`` for the beginning
        :raises ConfigurationError: when the folder can't be written, or holds the records of another list or account
        """
        self._folder.check_writable()
        progress = self._folder.read_json(PROGRESS_FILE)
        names = self._folder.file_names()
        self._check_owner(progress, names)
        same_request = progress is not None and {key: progress.get(key) for key in self._header} == self._header
        parts = self._load_parts(progress) if progress and same_request and MANIFEST_FILE not in names else None
        if progress is None or parts is None or not {part["name"] for part in parts} <= set(names):
            self._folder.remove(*(name for name in names if name != JOB_FILE))
            return None
        self._parts, self._part_lists = parts, progress["lists"]
        self._records = sum(part["records"] for part in parts)
        self._schema.restore(progress["schema"])
        self._read_at = progress.get("read_at") or self._read_at
        position: dict[str, Any] | None = progress["position"]
        return position

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

    def _load_parts(self, progress: Mapping[str, Any]) -> list[PartEntry] | None:
        """Return the parts of an earlier try; ``None`` if a list file of them is missing or incomplete."""
        parts: list[PartEntry] = []
        for number in range(progress["lists"]):
            part_list = self._folder.read_json(_part_list_name(number))
            if not isinstance(part_list, list) or len(part_list) != PARTS_PER_LIST:
                return None
            parts += part_list
        return parts + list(progress["parts"])

    def append(self, records: Iterable[Record], *, position: Mapping[str, Any] | None = None) -> None:
        """Write one part and save the progress. An empty iterable writes no part.

        :param records: no more than fit in memory at once
        :param position: where a retry continues after these records; ``None`` saves no progress
        :raises DatasetError: when a record is no JSON object; none of these records is written then
        """
        lines = []
        for record in records:
            try:
                lines.append(_to_json(record))
            except (TypeError, ValueError, RecursionError):
                raise self._unstorable(record, self._records + len(lines) + 1) from None
            self._schema.observe(record)
        if lines:
            name = f"part-{len(self._parts):05d}.jsonl.gz"
            # No timestamp and no name inside, so that the same records give the same bytes.
            content = gzip.compress(encode_text("".join(f"{line}\n" for line in lines)), compresslevel=6, mtime=0)
            self._folder.write(name, content)
            digest = hashlib.sha256(content).hexdigest()
            self._parts.append({"name": name, "records": len(lines), "bytes": len(content), "sha256": digest})
            self._records += len(lines)
        if position is not None:
            self._save_progress(position)

    def _unstorable(self, record: Any, number: int) -> DatasetError:
        """Return the error of a record that is no JSON object. It shows types, never a value."""
        fault = f"it is a {type(record).__name__}"
        if isinstance(record, dict):
            name = next((name for name, value in record.items() if not _is_storable(name, value)), None)
            fault = f"its field {name!r} holds what JSON has no form for"
            if isinstance(name, str) and type(record[name]) not in _JSON_TYPES:
                fault = f"its field {name!r} is a {type(record[name]).__name__}"
        message = f"Record {number} of {self._resource!r} can't be stored: {fault}"
        remedy = "A record is a dict of JSON values: text, numbers, booleans, lists and dicts; times as ISO 8601 text."
        return DatasetError(message, remedy=remedy)

    def _save_progress(self, position: Mapping[str, Any]) -> None:
        """Save the progress. A part missing in it after a crash is written again, under the same name."""
        while len(self._parts) >= (self._part_lists + 1) * PARTS_PER_LIST:
            start = self._part_lists * PARTS_PER_LIST
            self._folder.write_json(_part_list_name(self._part_lists), self._parts[start : start + PARTS_PER_LIST])
            self._part_lists += 1
        latest = self._parts[self._part_lists * PARTS_PER_LIST :]
        progress = {
            "position": position,
            "lists": self._part_lists,
            "parts": latest,
            "schema": self._schema.to_dict(),
            "read_at": self._read_at,
        }
        self._folder.write_json(PROGRESS_FILE, {**self._header, **progress})

    def written_records(self) -> Iterator[Record]:
        """Yield the records written so far, also by earlier tries, with one part in memory at a time."""
        for part in self._parts:
            yield from self._folder.read_records(part)

    def commit(self, *, extra: Mapping[str, Any] | None = None, read_at: str | None = None) -> DatasetRef:
        """Write the manifest, which finishes the dataset, and return its reference.

        :param extra: counts that become part of the reference
        :param read_at: when the partner read its records; by default when the first try began to write
        """
        reference = DatasetRef(
            uri=self._folder.uri,
            source=self._source,
            resource=self._resource,
            account=self._account,
            window=self._window,
            read_at=read_at or self._read_at,
            records=self.records,
            parts=self.parts,
            bytes=sum(part["bytes"] for part in self._parts),
            sha256=hash_parts(self._parts),
            extra=dict(extra or {}),
            fields={column.name: column.type for column in self._schema.columns},
        )
        manifest = {
            **self._header,
            "parts": self._parts,
            "columns": [column.to_dict() for column in self._schema.columns],
            "widened": self._schema.widened,
            "reference": reference.to_dict(),
        }
        self._folder.write_json(MANIFEST_FILE, manifest)
        self._folder.remove(PROGRESS_FILE, *map(_part_list_name, range(self._part_lists)))
        return reference


def _to_json(record: Any) -> str:
    if not isinstance(record, dict) or not all(isinstance(name, str) for name in record):
        message = "no JSON object"
        raise TypeError(message)
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _is_storable(name: Any, value: Any) -> bool:
    try:
        _to_json({name: value})
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _part_list_name(number: int) -> str:
    return f"parts-{number:05d}.json"


def write_dataset(
    extraction: Extraction,
    *,
    uri: str,
    workers: int = 1,
    on_page: Callable[[Progress], None] | None = None,
    extra: Callable[[], Mapping[str, Any]] | None = None,
    read_at: str | None = None,
) -> DatasetRef:
    """Fetch an extraction into a dataset, and resume an unfinished try of the same request.

    :param uri: the dataset's folder
    :param workers: pages fetched in parallel, where the list allows it; they are written in order
    :param on_page: called after each page
    :param extra: called at the end; its counts become part of the reference
    :param read_at: when the partner read the records; by default when the first try began
    """
    writer = DatasetWriter(
        uri,
        source=extraction.source,
        resource=extraction.resource,
        account=extraction.account,
        fingerprint=extraction.fingerprint,
        window=extraction.window,
    )
    position = cast("ResumePosition | None", writer.resume())
    resumed, started = writer.records, time.monotonic()
    pages = () if position == _END_POSITION else extraction.pages(position=position, workers=workers)
    for page in pages:
        writer.append(page.records, position=_END_POSITION if page.position is None else page.position)
        if on_page:
            progress = Progress(
                records=writer.records,
                parts=writer.parts,
                total=page.total,
                seconds=time.monotonic() - started,
                resumed_records=resumed,
            )
            on_page(progress)
    counts = {**(extra() if extra else {}), **({"resumed": resumed} if resumed else {})}
    return writer.commit(extra=counts, read_at=read_at)
