"""Read an export's CSV file page by page, from disk, in bounded memory.

The header holds display labels (``Voucher Type``) instead of field names, as in the sample of
https://docs.voucherify.io/api-reference/exports/export-object. So cells belong to the fields by position.

An export says neither how many rows nor how many bytes its file has. So a file that was cut on its way shows this by
its last line alone: an open quote, too few cells, or no line end. A cut between two lines doesn't show.
"""

from __future__ import annotations

import csv
import hashlib
import os
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_partners.api.job_files import DamagedFileError, read_undamaged
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.files import BoundedLines, ScratchFolder, make_private_file

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

PAGE_SIZE = 1000
"""Records of one page."""

_MAX_CELL_LENGTH = 16 * 2**20
"""Characters. Details and metadata may be long, but a quote that never closes must not fill the memory."""

_MAX_ROW_LENGTH = 64_000_000
"""Characters of a row with all its cells, as the bytes of one response."""

METADATA = "metadata"
"""The field that becomes one column for each key of the metadata schema."""


class ExportCsv:
    """Pages of one export file. The local copy is deleted after the last page, or with this object.

    :param fetch: writes the file to a path; may continue a partial download
    :param name: identifies the content
    :param fields: the fields, in the order of the file's columns
    :param transform: called with each record; returns what to keep of it, or ``None`` to drop it
    """

    def __init__(
        self,
        *,
        fetch: Callable[[Path], Any],
        name: str,
        fields: Sequence[str],
        transform: Callable[[Record], Record | None],
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._fetch = fetch
        self._name = name
        self._fields = tuple(fields)
        self._transform = transform
        self._page_size = page_size
        self._lock = threading.Lock()
        self._file = _TemporaryFile()
        self._records: Iterator[Record] | None = None
        self._position = 0
        weakref.finalize(self, self._file.delete)

    def page(self, cursor: Cursor) -> Page:
        """Return a page. The next page costs nothing extra; any other one skips through the file from its start.

        :param cursor: ``{"row": 2000}``
        :raises UnexpectedResponseError: when the file is not such a CSV file
        """
        start = int(cursor.get("row", 0))
        with self._lock:
            records = read_undamaged(partial(self._read, start))
            if len(records) < self._page_size:
                self._records = None
                self._file.delete()
                following = None
            else:
                following = {"row": start + len(records)}
        transformed = (self._transform(record) for record in records)
        return Page([record for record in transformed if record is not None], following)

    def _read(self, start: int) -> list[Record]:
        try:
            if self._records is None or self._position != start:
                self._open(start)
            records = list(islice(self._records or (), self._page_size))
        except BaseException as error:
            # A generator that raised is exhausted; reading on would look like the end of the file.
            self._records = None
            if isinstance(error, DamagedFileError):
                self._file.delete()
            raise
        self._position += len(records)
        return records

    def _open(self, start: int) -> None:
        """Open the file at a row, and fetch it before if it is not there."""
        with self._file.errors():
            path = self._file.path(self._name)
            if not self._file.is_complete:
                self._fetch_whole(path)
                self._file.is_complete = True
        self._records, self._position = self._parse(self._file.open()), 0
        skipped = sum(1 for _ in islice(self._records, start))
        if skipped < start:
            message = f"the exported file has {skipped} rows, but {start} were already read"
            raise _damaged(message)
        self._position = start

    def _fetch_whole(self, path: Path) -> None:
        """Fetch the file. One whose last line has no end is fetched twice, and must be the same then.

        Whether Voucherify ends the last line is not documented, and the published sample does not.
        """
        self._fetch(path)
        if _ends_with_a_line(path):
            return
        first = _digest(path)
        path.write_bytes(b"")
        self._fetch(path)
        if not _ends_with_a_line(path) and _digest(path) != first:
            message = "the exported file was cut on its way, or changes from one download to the next"
            raise _damaged(message)

    def _parse(self, file: TextIO) -> Iterator[Record]:
        try:
            yield from self._rows(file)
        except (csv.Error, UnicodeDecodeError) as error:
            message = f"the exported file can't be read after row {self._position}: {_describe_error(error)}"
            raise _damaged(message) from None

    def _rows(self, file: TextIO) -> Iterator[Record]:
        csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_LENGTH))
        lines = BoundedLines(file, _MAX_ROW_LENGTH, _too_long)
        rows = csv.reader(lines, strict=True)
        header = next(rows, None)
        if header is None:
            message = "the exported file is empty: not even a header"
            raise _damaged(message)
        columns = _columns(self._fields, header)
        for number, cells in enumerate(rows, start=1):
            lines.next_record()
            if not cells:
                if len(header) > 1:
                    continue
                cells = [""]  # with a single column, an empty value is an empty line
            if len(cells) != len(header):
                message = f"row {number} of the exported file has {len(cells)} cells, its header {len(header)}"
                raise _damaged(message)
            yield _record(columns, cells)


class _TemporaryFile:
    """A folder with one file, created on demand. The finalizer of ``ExportCsv`` holds it, so it must not refer back."""

    def __init__(self) -> None:
        self.is_complete = False
        self._folder = ScratchFolder("export")
        self.errors = self._folder.errors
        self._path: Path | None = None
        self._file: TextIO | None = None

    def path(self, name: str) -> Path:
        if self._path is None:
            # The name comes from an answer, so it could lead to another folder.
            digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()
            self._path = make_private_file(self._folder.open() / f"{digest[:16]}.csv")
        return self._path

    def open(self) -> TextIO:
        if self._path is None:
            message = "there is no file"
            raise UnexpectedResponseError(message)
        if self._file is not None:
            self._file.close()
        self._file = self._path.open(encoding="utf-8-sig", newline="")
        return self._file

    def delete(self) -> None:
        file = self._file
        self._file, self._path, self.is_complete = None, None, False
        if file is not None:
            file.close()
        self._folder.close()


Column = tuple[str, str | None]
"""A field, and the metadata key when the field has one column per key."""


def _columns(fields: tuple[str, ...], header: list[str]) -> list[Column]:
    """Return what each cell of a row holds.

    :raises UnexpectedResponseError: when the file has more or fewer columns than the export has fields
    """
    metadata_count = len(header) - len(fields) + 1 if METADATA in fields else None
    is_wrong_length = len(header) != len(fields) if metadata_count is None else metadata_count < 0
    if is_wrong_length:
        message = f"the exported file has {len(header)} columns, but the export has {len(fields)} fields"
        raise _damaged(message)
    names = [_field_name(label) for label in header]
    if sorted(names) == sorted(fields):
        # Labels that equal the fields are more reliable than positions.
        return [(name, None) for name in names]
    columns: list[Column] = []
    for name in fields:
        if name == METADATA and metadata_count is not None:
            labels = header[len(columns) : len(columns) + metadata_count]
            columns += [(METADATA, label.removeprefix(f"{METADATA}.")) for label in labels]
        else:
            columns.append((name, None))
    return columns


def _record(columns: list[Column], cells: list[str]) -> Record:
    record: Record = {}
    for (name, key), cell in zip(columns, cells, strict=True):
        if key is None:
            record[name] = cell or None
        else:
            record.setdefault(name, {})[key] = cell or None
    return record


def _field_name(label: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "_", label.lower()).strip("_")


def _ends_with_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        return file.read() in {b"\n", b""}


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _describe_error(error: Exception) -> str:
    # The text of a decoding error may hold a part of the file.
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _too_long(number: int) -> UnexpectedResponseError:
    message = f"the exported file has a row of more than {_MAX_ROW_LENGTH:,} characters, up to line {number}"
    return UnexpectedResponseError(message, partner="Voucherify")


def _damaged(message: str) -> DamagedFileError:
    return DamagedFileError(message, partner="Voucherify")
