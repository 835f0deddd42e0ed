"""The file of a bulk operation, read as objects with their inner lists, in memory that doesn't grow with it.

A file holds an object a line. What was inside of a connection stands on lines of its own and names what it belongs to
in ``__parentId``; without grouping it may stand anywhere. So the file is gone through once, noting in a temporary
SQLite database where each line begins; afterwards objects are put together from the lines that belong to them. Must
not know what the objects are, nor where the file comes from.
"""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_partners.api.extraction import batches
from airflow_provider_partners.exceptions import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from airflow_provider_partners.records import Record

PARENT_ID_FIELD = "__parentId"

Connections = dict[str, "Mapping[str, str]"]
"""By an object's type, the types of the lines that belong to it, and the field in which they are listed."""

_INDEX_BATCH_SIZE = 1_000
_LOOKUP_BATCH_SIZE = 500
_TYPE = re.compile(r"gid://shopify/(\w+)/")
_REMEDY = "Submit another bulk operation (a retry does); if it says so again, ask page by page."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    :param offset: of its first byte
    :param record: what it holds, without the parent's id
    :param parent_id: the id of what it belongs to; ``None`` for an object of the list itself
    """

    offset: int
    record: Record
    parent_id: str | None

    @property
    def id(self) -> str:
        """Its global id."""
        return str(self.record["id"])


def read_lines(path: Path, *, allow_truncated: bool = False) -> Iterator[Line]:
    """The lines of a file, one in memory at a time.

    :param path: the file
    :param allow_truncated: whether the last line may be broken off; it is left out then
    :raises UnexpectedResponseError: when a line is no object with an id
    """
    place = 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            begin, place = place, place + len(text)
            if not text.strip():
                continue
            line = _parse_line(begin, text)
            if line is not None:
                yield line
            elif not allow_truncated or text.endswith(b"\n"):
                message = f"line {number} of the bulk operation's file is no object with an id"
                raise UnexpectedResponseError(message, remedy=_REMEDY)


class JoinedFile:
    """The objects of a file, in its order, each with its inner lists; a context manager.

    One thread at a time may use it, whichever.

    :param path: the file
    :param index: where the database is made
    :param connections: which lines belong into which field of which objects
    :param is_included: whether an object is to be given; all by default
    :param allow_truncated: whether the last line may be broken off
    :raises UnexpectedResponseError: when lines belong to nothing in the file, or to no known connection
    """

    def __init__(
        self,
        path: Path,
        index: Path,
        *,
        connections: Connections,
        is_included: Callable[[Record], bool] | None = None,
        allow_truncated: bool = False,
    ) -> None:
        self.line_count = 0
        self.root_count = 0
        self._connections = connections
        self._database = _open_index(index)
        self._file = path.open("rb")
        try:
            self._index_lines(read_lines(path, allow_truncated=allow_truncated), is_included)
            self._reject_orphans(allowed=is_included is not None)
            ((self._object_count,),) = self._database.execute("SELECT count(*) FROM root").fetchall()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """How many objects there are."""
        return int(self._object_count)

    def read(self, start: int, limit: int) -> list[Record]:
        """Some objects, with their inner lists.

        :param start: how many objects to pass over
        :param limit: how many to give at most
        """
        found = self._database.execute("SELECT place FROM root WHERE at >= ? ORDER BY at LIMIT ?", (start + 1, limit))
        roots = [self._line_at(place) for (place,) in found.fetchall()]
        above = roots
        while above:
            above = self._attach_children(above)
        return [root.record for root in roots]

    def close(self) -> None:
        """Let go of the file and the database; neither is removed."""
        self._file.close()
        self._database.close()

    def __enter__(self) -> Self:
        """The file itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()

    def _index_lines(self, lines: Iterable[Line], is_included: Callable[[Record], bool] | None) -> None:
        # Only ids and places are kept, a batch at a time; an unwanted object's id is empty.
        rest = (
            (
                "" if line.parent_id is None and is_included and not is_included(line.record) else line.id,
                line.offset,
                line.parent_id,
            )
            for line in lines
        )
        while batch := list(islice(rest, _INDEX_BATCH_SIZE)):
            roots = [(gid, place) for gid, place, parent in batch if parent is None]
            self.line_count += len(batch)
            self.root_count += len(roots)
            self._database.execute("BEGIN")
            # An object that comes again stays where it came first, as it came last.
            self._database.executemany(
                "INSERT INTO root (id, place) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET place = excluded.place",
                [(gid, place) for gid, place in roots if gid],
            )
            self._database.executemany(
                "INSERT INTO part (id, place, parent) VALUES (?, ?, ?)",
                [(gid, place, parent) for gid, place, parent in batch if parent is not None],
            )
            self._database.execute("COMMIT")

    def _reject_orphans(self, *, allowed: bool) -> None:
        if allowed:
            return
        ((stray,),) = self._database.execute(
            "SELECT count(*) FROM part WHERE parent NOT IN (SELECT id FROM root) "
            "AND parent NOT IN (SELECT id FROM part)"
        ).fetchall()
        if stray:
            message = f"{stray} lines of the bulk operation's file belong to objects that are not in it"
            raise UnexpectedResponseError(message, remedy=_REMEDY)

    def _attach_children(self, parents: list[Line]) -> list[Line]:
        """List what belongs to objects in their fields; gives what was put in."""
        owners = {line.id: line for line in parents}
        for line in parents:
            line.record.update({name: [] for name in self._connections.get(_type_of_id(line.id), {}).values()})
        places = []
        for some in batches(owners, _LOOKUP_BATCH_SIZE):
            marks = ",".join("?" * len(some))
            found = self._database.execute(f"SELECT place FROM part WHERE parent IN ({marks})", some)  # noqa: S608
            places += [place for (place,) in found]
        within = [self._line_at(place) for place in sorted(places)]
        for line in within:
            owner = owners[str(line.parent_id)]
            name = self._connections.get(_type_of_id(owner.id), {}).get(_type_of_id(line.id))
            if name is None:
                message = f"the bulk operation's file has a {_type_of_id(line.id)} in a {_type_of_id(owner.id)}, which was not asked"
                raise UnexpectedResponseError(message, remedy=_REMEDY)
            owner.record[name].append(line.record)
        return within

    def _line_at(self, offset: int) -> Line:
        self._file.seek(offset)
        line = _parse_line(offset, self._file.readline())
        if line is None:
            message = "the bulk operation's file was changed while it was read"
            raise UnexpectedResponseError(message, remedy=_REMEDY)
        return line


def _parse_line(offset: int, text: bytes) -> Line | None:
    try:
        record: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return None
    parent = record.pop(PARENT_ID_FIELD, None)
    return Line(offset, record, None if parent is None else str(parent))


def _type_of_id(gid: str) -> str:
    found = _TYPE.match(gid)
    return found.group(1) if found else "?"


def _open_index(path: Path) -> sqlite3.Connection:
    # Pages are fetched in any thread of a walk, one at a time.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    # Thrown away in any case, so nothing has to survive a crash; the cache stays at 8 MB whatever the size.
    database.executescript("""
        PRAGMA journal_mode = OFF;
        PRAGMA synchronous = OFF;
        PRAGMA cache_size = -8192;
        CREATE TABLE root (at INTEGER PRIMARY KEY, id TEXT UNIQUE, place INTEGER);
        CREATE TABLE part (parent TEXT, place INTEGER, id TEXT, PRIMARY KEY (parent, place)) WITHOUT ROWID;
    """)
    return database
