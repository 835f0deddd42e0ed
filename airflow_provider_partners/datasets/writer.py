"""Writing a dataset: part after part, each once and whole, the manifest last.

A page of an extraction becomes a part, and progress is noted after it (fingerprint of the request, position, latest
parts): a retry after a crash goes on behind the last whole page. A dataset that was finished is never resumed but
replaced. Nothing counts until the manifest is there.

Progress is noted whole each time, since object storage can't append; so it must stay short however long the list. The
facts of every hundred parts move on to a file of their own, which isn't touched again.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.storage import JOB_FILE, MANIFEST_FILE, PROGRESS_FILE, DatasetFolder

if TYPE_CHECKING:
    from airflow_provider_partners.api.extraction import Extraction
    from airflow_provider_partners.records import Record
    from airflow_provider_partners.windows import Window

FORMAT_VERSION = 2
"""Version of the layout; another one is never resumed."""

PARTS_PER_LIST = 100
"""Parts whose facts one file lists."""

MAX_FIELDS = 500
"""Fields whose names are noted; a list that has more of them uses names as values."""

_JSON_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object", list: "array"}

_END_POSITION: dict[str, Any] = {"end": True}
"""The position behind the last page: everything is written but the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a dataset has come.

    :param records: records written so far, those of an earlier try included
    :param parts: parts so far
    :param total: records in all, where the API tells
    :param seconds: since this try began
    :param resumed_records: records that an earlier try had written
    """

    records: int
    parts: int
    total: int | None
    seconds: float
    resumed_records: int

    @property
    def rate(self) -> float:
        """Records per second of this try."""
        return (self.records - self.resumed_records) / self.seconds if self.seconds > 0 else 0.0


class DatasetWriter:
    """Writes one dataset into a folder.

    :param uri: the dataset's folder
    :param source: the partner
    :param resource: the list
    :param fingerprint: what was asked; progress of another request is not taken up
    :param window: the stretch of time it covers
    """

    def __init__(
        self, uri: str, *, source: str, resource: str, fingerprint: str = "", window: Window | None = None
    ) -> None:
        self._folder = DatasetFolder(uri)
        self._header = {"format": FORMAT_VERSION, "source": source, "resource": resource, "fingerprint": fingerprint}
        self._window = window.to_dict() if window else None
        self._parts: list[dict[str, Any]] = []
        self._part_lists = 0
        self._records = 0
        self._fields: dict[str, str] = {}

    @property
    def records(self) -> int:
        """Records written so far."""
        return self._records

    @property
    def parts(self) -> int:
        """Parts written so far."""
        return len(self._parts)

    def resume(self) -> dict[str, Any] | None:
        """Take up an unfinished try of the same request, or begin anew.

        :returns: the position to go on from; ``None`` at the beginning
        """
        progress = self._folder.read_json(PROGRESS_FILE)
        names = self._folder.file_names()
        same = progress is not None and {key: progress.get(key) for key in self._header} == self._header
        parts = self._load_parts(progress) if progress and same and MANIFEST_FILE not in names else None
        if progress is None or parts is None:
            self._folder.remove(*(name for name in names if name != JOB_FILE))
            return None
        self._parts, self._part_lists = parts, progress["lists"]
        self._records = sum(part["records"] for part in parts)
        self._fields = dict(progress.get("fields") or {})
        position: dict[str, Any] | None = progress["position"]
        return position

    def _load_parts(self, progress: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The parts that an earlier try had noted; ``None`` where a list of them is missing or not whole."""
        parts: list[dict[str, Any]] = []
        for number in range(progress["lists"]):
            listed = self._folder.read_json(_part_list_name(number))
            if not isinstance(listed, list) or len(listed) != PARTS_PER_LIST:
                return None
            parts += listed
        return parts + list(progress["parts"])

    def append(self, records: Iterable[Record], *, position: Mapping[str, Any] | None = None) -> None:
        """Write one part and note the progress; no records make no part.

        :param records: the records, at most as many as fit in memory at once
        :param position: where to go on behind them
        """
        lines = []
        for record in records:
            lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
            self._note_fields(record)
        if lines:
            name = f"part-{len(self._parts):05d}.jsonl.gz"
            # No time stamp and no name inside, so that the same records give the same bytes.
            content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=6, mtime=0)
            self._folder.write(name, content)
            digest = hashlib.sha256(content).hexdigest()
            self._parts.append({"name": name, "records": len(lines), "bytes": len(content), "sha256": digest})
            self._records += len(lines)
        if position is not None:
            self._save_progress(position)

    def _note_fields(self, record: Record) -> None:
        """Remember the names of a record's fields, and their types from the first values; no value itself."""
        for name, value in record.items():
            if self._fields.get(name, "null") == "null" and (name in self._fields or len(self._fields) < MAX_FIELDS):
                self._fields[name] = _JSON_TYPES.get(type(value), "null" if value is None else "string")

    def _save_progress(self, position: Mapping[str, Any]) -> None:
        """Note the progress. What isn't noted when the task dies is written again, over the same names."""
        while len(self._parts) >= (self._part_lists + 1) * PARTS_PER_LIST:
            begin = self._part_lists * PARTS_PER_LIST
            self._folder.write_json(_part_list_name(self._part_lists), self._parts[begin : begin + PARTS_PER_LIST])
            self._part_lists += 1
        latest = self._parts[self._part_lists * PARTS_PER_LIST :]
        noted = {"position": position, "lists": self._part_lists, "parts": latest, "fields": self._fields}
        self._folder.write_json(PROGRESS_FILE, {**self._header, **noted})

    def written_records(self) -> Iterator[Record]:
        """The records written so far, those of an earlier try included, one part in memory at a time."""
        for part in self._parts:
            yield from self._folder.read_records(part)

    def commit(self, *, extra: Mapping[str, Any] | None = None) -> DatasetRef:
        """Write the manifest; from now on the dataset counts.

        :param extra: counts to hand on with the reference
        """
        reference = DatasetRef(
            uri=self._folder.uri,
            source=str(self._header["source"]),
            resource=str(self._header["resource"]),
            window=self._window,
            records=self.records,
            parts=self.parts,
            bytes=sum(part["bytes"] for part in self._parts),
            sha256=hashlib.sha256("".join(part["sha256"] for part in self._parts).encode()).hexdigest(),
            extra=dict(extra or {}),
            fields=dict(self._fields),
        )
        facts = {"parts": self._parts, "fields": self._fields, "reference": reference.to_dict()}
        self._folder.write_json(MANIFEST_FILE, {**self._header, **facts})
        self._folder.remove(PROGRESS_FILE, *map(_part_list_name, range(self._part_lists)))
        return reference


def _part_list_name(number: int) -> str:
    return f"parts-{number:05d}.json"


def write_dataset(
    extraction: Extraction,
    *,
    uri: str,
    workers: int = 1,
    on_page: Callable[[Progress], None] | None = None,
    extra: Callable[[], Mapping[str, Any]] | None = None,
) -> DatasetRef:
    """Fetch an extraction into a dataset, resuming an unfinished try of the same request.

    :param extraction: what to fetch
    :param uri: the dataset's folder
    :param workers: pages fetched side by side, where the list allows it; they are committed in order
    :param on_page: told after each page
    :param extra: asked at the end for counts to hand on with the reference
    """
    writer = DatasetWriter(
        uri,
        source=extraction.source,
        resource=extraction.resource,
        fingerprint=extraction.fingerprint,
        window=extraction.window,
    )
    position = writer.resume()
    resumed, begun = writer.records, time.monotonic()
    steps = () if position == _END_POSITION else extraction.pages(position=position, workers=workers)
    for step in steps:
        writer.append(step.records, position=_END_POSITION if step.position is None else step.position)
        if on_page:
            seconds = time.monotonic() - begun
            on_page(
                Progress(
                    records=writer.records,
                    parts=writer.parts,
                    total=step.total,
                    seconds=seconds,
                    resumed_records=resumed,
                )
            )
    return writer.commit(extra={**(extra() if extra else {}), **({"resumed": resumed} if resumed else {})})
