"""Read the file of a bulk operation as objects with their nested lists, in constant memory.

A file holds one object a line. A node of a connection has a line of its own and names its parent in ``__parentId``.
Without grouping, this line can be anywhere in the file. So the file is read once to store the offset of each line in a
temporary SQLite database. Afterwards objects are assembled from their lines.
See https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries#download-result-data.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.api.job_files import DamagedFileError
from airflow_provider_partners.api.shopify_admin.bulk.placement import type_of_id
from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.files import BoundedLines, make_private_file
from airflow_provider_partners.records import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from airflow_provider_partners.api.shopify_admin.bulk.placement import Placement
    from airflow_provider_partners.records import Record

PARENT_ID_FIELD = "__parentId"

_INDEX_BATCH_SIZE = 1_000
_LOOKUP_BATCH_SIZE = 500
MAX_BYTES = 64_000_000
"""Bytes that are in memory at once, as in one response."""

_MIN_LINE_BYTES = 24
"""A nested line has its id and its parent's, each with its name and quotes."""

_REMEDY = "Submit another bulk operation (a retry does). If the error repeats, read page by page."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    :param offset: of its first byte
    :param record: the object, without the parent's id
    :param parent_id: ``None`` for an object of the list itself
    """

    offset: int
    record: Record
    parent_id: str | None

    @property
    def id(self) -> str:
        """The global id."""
        return str(self.record["id"])


def read_lines(path: Path, *, allow_truncated: bool = False, max_bytes: int = MAX_BYTES) -> Iterator[Line]:
    """Yield the lines of a file, one in memory at a time.

    :param allow_truncated: skip the last line if it is incomplete
    :param max_bytes: that a line may have
    :raises DamagedFileError: if a line is not an object with an id
    :raises UnexpectedResponseError: if a line is too long
    """
    next_offset = 0

    def too_long(number: int) -> UnexpectedResponseError:
        return _too_large(f"line {number} of the bulk operation's file", max_bytes)

    with path.open("rb") as file:
        lines = BoundedLines(file, max_bytes, too_long)
        for number, text in enumerate(lines, 1):
            lines.next_record()
            offset, next_offset = next_offset, next_offset + len(text)
            if not text.strip():
                continue
            line = _parse_line(offset, text)
            if line is not None:
                yield line
            elif not allow_truncated or text.endswith(b"\n"):
                message = f"line {number} of the bulk operation's file is not an object with an id"
                raise DamagedFileError(message, remedy=_REMEDY)


class JoinedFile:
    """The objects of a file, in its order and with their nested lists; a context manager.

    Any thread may use it, but only one at a time.

    :param path: the file
    :param index: path of the database to create
    :param placement: where nested lines belong
    :param is_included: return False for an object to drop it; all are kept by default
    :param allow_truncated: skip the last line if it is incomplete
    :param reads_lines: whether the nested lines are the objects to read, each by itself
    :param max_bytes: of the lines that are in memory at once
    :raises DamagedFileError: if a line belongs to no object of the file
    :raises UnexpectedResponseError: if it belongs to no known connection
    """

    def __init__(
        self,
        path: Path,
        index: Path,
        *,
        placement: Placement,
        is_included: Callable[[Record], bool] | None = None,
        allow_truncated: bool = False,
        reads_lines: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._reads_lines = reads_lines
        self._max_bytes = max_bytes
        self._loaded_bytes = 0
        self.line_count = 0
        self.root_count = 0
        self._placement = placement
        self._database = _open_index(index)
        self._file = path.open("rb")
        try:
            self._index_lines(read_lines(path, allow_truncated=allow_truncated, max_bytes=max_bytes), is_included)
            self._reject_orphans(allowed=is_included is not None)
            ((self._object_count,),) = self._database.execute("SELECT count(*) FROM root").fetchall()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """The number of objects."""
        return int(self._object_count)

    def read(self, start: int, limit: int) -> list[Record]:
        """Return some objects with their nested lists: fewer than the limit if they would fill the memory.

        :param start: number of objects to skip
        :param limit: maximum number of objects
        :raises UnexpectedResponseError: if one object alone is too large
        """
        while True:
            try:
                return self._read(start, limit)
            except _TooManyBytesError:
                if limit == 1:
                    what = "an object of the bulk operation with its nested lists"
                    raise _too_large(what, self._max_bytes) from None
                limit = max(1, limit // 4)

    def _read(self, start: int, limit: int) -> list[Record]:
        self._loaded_bytes = 0
        offsets = self._database.execute(
            "SELECT line_offset FROM root WHERE position >= ? ORDER BY position LIMIT ?", (start + 1, limit)
        ).fetchall()
        roots = [self._line_at(offset) for (offset,) in offsets]
        parents = roots
        while parents:
            parents = self._attach_children(parents)
        return [root.record for root in roots]

    def close(self) -> None:
        """Close the file and the database, without deleting them."""
        self._file.close()
        self._database.close()

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the file."""
        self.close()

    def _index_lines(self, lines: Iterable[Line], is_included: Callable[[Record], bool] | None) -> None:
        # Only ids and offsets are stored, one batch at a time. An excluded object has an empty id.
        entries = (
            (
                "" if line.parent_id is None and is_included and not is_included(line.record) else line.id,
                line.offset,
                line.parent_id,
            )
            for line in lines
        )
        while batch := list(islice(entries, _INDEX_BATCH_SIZE)):
            roots = [(gid, offset) for gid, offset, parent_id in batch if (parent_id is None) is not self._reads_lines]
            self.line_count += len(batch)
            self.root_count += sum(parent_id is None for *_, parent_id in batch)
            self._database.execute("BEGIN")
            # A repeated object keeps its first position and gets its last content.
            self._database.executemany(
                "INSERT INTO root (id, line_offset) VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET line_offset = excluded.line_offset",
                [(gid, offset) for gid, offset in roots if gid],
            )
            self._database.executemany(
                "INSERT INTO child (id, line_offset, parent_id) VALUES (?, ?, ?)",
                [
                    (gid, offset, parent_id)
                    for gid, offset, parent_id in batch
                    if parent_id is not None and not self._reads_lines
                ],
            )
            self._database.execute("COMMIT")

    def _reject_orphans(self, *, allowed: bool) -> None:
        if allowed:
            return
        ((orphans,),) = self._database.execute(
            "SELECT count(*) FROM child WHERE parent_id NOT IN (SELECT id FROM root) "
            "AND parent_id NOT IN (SELECT id FROM child)"
        ).fetchall()
        if orphans:
            message = f"{orphans} lines of the bulk operation's file belong to objects that are not in it"
            raise DamagedFileError(message, remedy=_REMEDY)

    def _attach_children(self, parents: list[Line]) -> list[Line]:
        """Add the nested lines to their parents, and return them."""
        parents_by_id = {line.id: line for line in parents}
        for line in parents:
            self._placement.prepare(line.record)
        offsets = []
        for batch in batches(parents_by_id, _LOOKUP_BATCH_SIZE):
            placeholders = ",".join("?" * len(batch))
            query = f"SELECT line_offset FROM child WHERE parent_id IN ({placeholders})"  # noqa: S608
            most = (self._max_bytes - self._loaded_bytes) // _MIN_LINE_BYTES + 1
            offsets += [offset for (offset,) in islice(self._database.execute(query, batch), most)]
            if len(offsets) >= most:
                raise _TooManyBytesError
        children = [self._line_at(offset) for offset in sorted(offsets)]
        for line in children:
            parent = parents_by_id[str(line.parent_id)]
            if not self._placement.add(parent.record, line.record):
                types = f"a {type_of_id(line.id)} in a {type_of_id(parent.id)}"
                message = f"the bulk operation's file has {types}, which was not requested"
                raise UnexpectedResponseError(message, remedy=_REMEDY)
        return children

    def _line_at(self, offset: int) -> Line:
        self._file.seek(offset)
        text = self._file.readline(self._max_bytes + 1)
        self._loaded_bytes += len(text)
        if self._loaded_bytes > self._max_bytes:
            raise _TooManyBytesError
        line = _parse_line(offset, text)
        if line is None:
            message = "the bulk operation's file was changed while it was read"
            raise UnexpectedResponseError(message, remedy=_REMEDY)
        return line


class _TooManyBytesError(Exception):
    """The objects have more bytes than may be in memory. This error never leaves the module."""


def _too_large(what: str, max_bytes: int) -> UnexpectedResponseError:
    message = f"{what} has more than {max_bytes / 1e6:,.0f} MB"
    return UnexpectedResponseError(message, remedy="Raise max_response_mb if this is right, or read fewer fields.")


def _parse_line(offset: int, text: bytes) -> Line | None:
    try:
        record: Any = parse_json(text)
    except ValueError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return None
    parent_id = record.pop(PARENT_ID_FIELD, None)
    return Line(offset, record, None if parent_id is None else str(parent_id))


def _open_index(path: Path) -> sqlite3.Connection:
    # Any worker thread may fetch a page, one at a time.
    database = sqlite3.connect(make_private_file(path), isolation_level=None, check_same_thread=False)
    # The database is deleted after use, so it need not survive a crash. The cache is limited to 8 MB.
    database.executescript("""
        PRAGMA journal_mode = OFF;
        PRAGMA synchronous = OFF;
        PRAGMA cache_size = -8192;
        CREATE TABLE root (position INTEGER PRIMARY KEY, id TEXT UNIQUE, line_offset INTEGER);
        CREATE TABLE child (
            parent_id TEXT, line_offset INTEGER, id TEXT, PRIMARY KEY (parent_id, line_offset)
        ) WITHOUT ROWID;
    """)
    return database
