"""The part files of an unfinished dataset: each is written once, and in the end all have one schema."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_partners.datasets.formats.json_lines import (
    JSONL_SUFFIX,
    PARQUET_SUFFIX,
    PartBuffer,
    read_json_lines,
)
from airflow_provider_partners.datasets.formats.parquet import common_schema, write_parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_provider_partners.datasets.schema import Column
    from airflow_provider_partners.datasets.storage import DatasetFolder, PartEntry
    from airflow_provider_partners.records import Record

__all__ = ["PartFiles"]


class PartFiles:
    """The parts so far, and the unfinished one in memory.

    :param folder: of the dataset
    :param file_format: ``jsonl`` or ``parquet``
    :param nested: in Parquet, objects and lists are JSON text (``json``) or Arrow's structures (``struct``)
    :ivar entries: the written parts
    """

    def __init__(self, folder: DatasetFolder, *, file_format: str, nested: str) -> None:
        self._folder = folder
        self._file_format, self._nested = file_format, nested
        self._buffer = PartBuffer()
        self.entries: list[PartEntry] = []

    @property
    def records(self) -> int:
        """Number of records."""
        return sum(part["records"] for part in self.entries) + self._buffer.records

    @property
    def count(self) -> int:
        """Number of parts, also of the unfinished one."""
        return len(self.entries) + bool(self._buffer.records)

    @property
    def size(self) -> int:
        """Compressed bytes of the unfinished part."""
        return self._buffer.size

    def add(self, lines: Iterable[bytes]) -> None:
        """Add records to the unfinished part.

        :param lines: one JSON text each, without a line break
        """
        self._buffer.add(lines)

    def discard(self) -> None:
        """Forget the unfinished part."""
        self._buffer.clear()

    def read(self) -> Iterator[Record]:
        """Yield the records, with one compressed part in memory at a time."""
        for part in self.entries:
            yield from self._folder.read_records(part)
        with self._buffer.file() as content:
            unfinished = bytes(content)
        yield from read_json_lines(unfinished)

    def write(self, columns: Sequence[Column]) -> None:
        """Write the unfinished part, if it has records.

        :param columns: of the records so far
        """
        if not self._buffer.records:
            return
        entry: PartEntry = {"name": "", "records": self._buffer.records, "bytes": 0, "sha256": ""}
        name = f"part-{len(self.entries):05d}"
        with self._buffer.file() as content:
            if self._file_format == "parquet":
                part = write_parquet(partial(read_json_lines, content), columns, nested=self._nested)
                entry["schema"] = part.schema
                self._store(entry, f"{name}{PARQUET_SUFFIX}", part.content)
            else:
                self._store(entry, f"{name}{JSONL_SUFFIX}", content)
        self.entries.append(entry)
        self._buffer.clear()

    def _store(self, entry: PartEntry, name: str, content: bytes | bytearray) -> None:
        self._folder.write(name, content)
        entry.update({"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})

    def uniform(self, columns: Sequence[Column]) -> list[PartEntry]:
        """Return the parts with one schema. A Parquet part that lacks a later column is written again, wider.

        :param columns: of all records
        """
        if self._file_format != "parquet" or not self.entries:
            return self.entries
        try:
            return self._with_schema(columns, nested=True)
        except (ValueError, TypeError, OverflowError):
            return self._with_schema(columns, nested=False)

    def _with_schema(self, columns: Sequence[Column], *, nested: bool) -> list[PartEntry]:
        schema, text = common_schema((part["schema"] for part in self.entries), columns, nested=nested)
        parts: list[PartEntry] = []
        for part in self.entries:
            entry: PartEntry = {name: value for name, value in part.items() if name != "schema"}  # type: ignore[assignment]
            if part["schema"] != text:
                wider = write_parquet(partial(self._folder.read_records, part), columns, schema=schema)
                digest = hashlib.sha256(wider.content).hexdigest()[:12]
                name = f"{part['name'].removesuffix(PARQUET_SUFFIX)}-{digest}{PARQUET_SUFFIX}"
                self._store(entry, name, wider.content)
            parts.append(entry)
        return parts
