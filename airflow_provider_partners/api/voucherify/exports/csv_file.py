"""The rows of an exported file: fetched to disk once, read from there page by page in bounded memory.

The file's header holds display labels (``Voucher Type``), so its cells belong to the fields by their position. Must not
know where the file comes from, nor what its fields mean.
"""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.records import Record

PAGE_SIZE = 1000
"""Rows of one page."""

_MAX_CELL_LENGTH = 16 * 2**20
"""Characters; details and metadata may be long, but a quote that never ends must not fill the memory."""

METADATA = "metadata"
"""The field that stands for one column for each key of the metadata's schema."""


class ExportCsv:
    """Pages of one file; it is removed once the last one was read, or when nobody holds this any more.

    :param fetch: writes the file to a path; goes on with what is there of an earlier try
    :param name: of the file, unique
    :param fields: the fields in the file's order
    :param transform: what a row becomes; ``None`` leaves it out
    :param page_size: rows of one page
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
        weakref.finalize(self, self._file.clear)

    def page(self, cursor: Cursor) -> Page:
        """A page from a row on; reading on from the page before costs nothing, any other place is skipped to.

        :param cursor: ``{"row": 2000}``
        :raises UnexpectedResponseError: when the file can't be understood
        """
        begin = int(cursor.get("row", 0))
        with self._lock:
            try:
                records = self._read(begin)
            except (csv.Error, UnicodeDecodeError) as error:
                self._records = None
                message = f"the exported file can't be read behind row {self._position}: {_describe_error(error)}"
                raise _unexpected(message) from None
            except BaseException:
                # What raised has ended; read on, it would pass for the end of the file.
                self._records = None
                raise
            if len(records) < self._page_size:
                self._records = None
                self._file.clear()
                following = None
            else:
                following = {"row": begin + len(records)}
        transformed = (self._transform(record) for record in records)
        return Page([record for record in transformed if record is not None], following)

    def _read(self, begin: int) -> list[Record]:
        if self._records is None or self._position != begin:
            path = self._file.path(self._name)
            if not self._file.is_complete:
                self._fetch(path)
                self._file.is_complete = True
            self._records, self._position = self._parse(self._file.open()), 0
            skipped = sum(1 for _ in islice(self._records, begin))
            if skipped < begin:
                message = f"the exported file has {skipped} rows, but {begin} of them were read before"
                raise _unexpected(message)
            self._position = begin
        records = list(islice(self._records, self._page_size))
        self._position += len(records)
        return records

    def _parse(self, file: TextIO) -> Iterator[Record]:
        csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_LENGTH))
        lines = csv.reader(file, strict=True)
        header = next(lines, None)
        if header is None:
            message = "the exported file is empty: not even a header"
            raise _unexpected(message)
        columns = _columns(self._fields, header)
        for number, cells in enumerate(lines, start=1):
            if not cells:
                if len(header) > 1:
                    continue
                cells = [""]  # an empty value of the only column is an empty line
            if len(cells) != len(header):
                message = f"row {number} of the exported file has {len(cells)} cells, its header {len(header)}"
                raise _unexpected(message)
            yield _record(columns, cells)


class _TemporaryFile:
    """A folder for one file, made when it is needed. Known to the finalizer, so it must not know its owner."""

    def __init__(self) -> None:
        self.is_complete = False
        self._folder: Path | None = None
        self._path: Path | None = None
        self._file: TextIO | None = None

    def path(self, name: str) -> Path:
        if self._path is None:
            self._folder = Path(tempfile.mkdtemp(prefix="voucherify-export-"))
            self._path = self._folder / f"{name}.csv"
        return self._path

    def open(self) -> TextIO:
        if self._path is None:
            message = "there is no file"
            raise UnexpectedResponseError(message)
        if self._file is not None:
            self._file.close()
        self._file = self._path.open(encoding="utf-8-sig", newline="")
        return self._file

    def clear(self) -> None:
        file, folder = self._file, self._folder
        self._file, self._folder, self._path, self.is_complete = None, None, None, False
        if file is not None:
            file.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


Column = tuple[str, str | None]
"""A field, and the key within it where it has one column for each."""


def _columns(fields: tuple[str, ...], header: list[str]) -> list[Column]:
    """What each cell of a row is.

    :raises UnexpectedResponseError: when there are more or fewer cells than fields
    """
    metadata_count = len(header) - len(fields) + 1 if METADATA in fields else None
    if (metadata_count is None and len(header) != len(fields)) or (metadata_count is not None and metadata_count < 0):
        message = f"the exported file has {len(header)} columns, but {len(fields)} fields were asked for"
        raise _unexpected(message)
    names = [_field_name(label) for label in header]
    if sorted(names) == sorted(fields):
        # Labels that are the very fields say it best, should they ever come in another order.
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


def _describe_error(error: Exception) -> str:
    """Without the text of a decoding error, which may hold a piece of the file."""
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)


def _unexpected(message: str) -> UnexpectedResponseError:
    return UnexpectedResponseError(message, partner="Voucherify")
