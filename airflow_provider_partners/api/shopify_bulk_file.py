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

    from airflow_provider_partners.api.messages import Record

PARENT = "__parentId"

Connections = dict[str, "Mapping[str, str]"]
"""By an object's type, the types of the lines that belong to it, and the field in which they are listed."""

_NOTED_AT_ONCE = 1_000
_LOOKED_UP_AT_ONCE = 500
_TYPE = re.compile(r"gid://shopify/(\w+)/")
_REMEDY = "Submit another bulk operation (a retry does); if it says so again, ask page by page."


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    :param place: of its first byte
    :param record: what it holds, without the parent's id
    :param parent: the id of what it belongs to; ``None`` for an object of the list itself
    """

    place: int
    record: Record
    parent: str | None

    @property
    def id(self) -> str:
        """Its global id."""
        return str(self.record["id"])


def lines(path: Path, *, cut_short: bool = False) -> Iterator[Line]:
    """The lines of a file, one in memory at a time.

    :param path: the file
    :param cut_short: whether the last line may be broken off; it is left out then
    :raises UnexpectedResponseError: when a line is no object with an id
    """
    place = 0
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            begin, place = place, place + len(text)
            if not text.strip():
                continue
            line = _line(begin, text)
            if line is not None:
                yield line
            elif not cut_short or text.endswith(b"\n"):
                message = f"line {number} of the bulk operation's file is no object with an id"
                raise UnexpectedResponseError(message, remedy=_REMEDY)


class JoinedFile:
    """The objects of a file, in its order, each with its inner lists; a context manager.

    One thread at a time may use it, whichever.

    :param path: the file
    :param index: where the database is made
    :param connections: which lines belong into which field of which objects
    :param wanted: whether an object is to be given; all by default
    :param cut_short: whether the last line may be broken off
    :raises UnexpectedResponseError: when lines belong to nothing in the file, or to no known connection
    """

    def __init__(
        self,
        path: Path,
        index: Path,
        *,
        connections: Connections,
        wanted: Callable[[Record], bool] | None = None,
        cut_short: bool = False,
    ) -> None:
        self.lines = 0
        self.roots = 0
        self._connections = connections
        self._database = _database(index)
        self._file = path.open("rb")
        try:
            self._note(lines(path, cut_short=cut_short), wanted)
            self._refuse_strays(tolerated=wanted is not None)
            ((self._objects,),) = self._database.execute("SELECT count(*) FROM root").fetchall()
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        """How many objects there are."""
        return int(self._objects)

    def read(self, at: int, size: int) -> list[Record]:
        """Some objects, with their inner lists.

        :param at: how many objects to pass over
        :param size: how many to give at most
        """
        found = self._database.execute("SELECT place FROM root WHERE at >= ? ORDER BY at LIMIT ?", (at + 1, size))
        roots = [self._at(place) for (place,) in found.fetchall()]
        above = roots
        while above:
            above = self._put_in(above)
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

    def _note(self, found: Iterable[Line], wanted: Callable[[Record], bool] | None) -> None:
        # Only ids and places are kept, a batch at a time; an unwanted object's id is empty.
        rest = (
            ("" if line.parent is None and wanted and not wanted(line.record) else line.id, line.place, line.parent)
            for line in found
        )
        while batch := list(islice(rest, _NOTED_AT_ONCE)):
            roots = [(gid, place) for gid, place, parent in batch if parent is None]
            self.lines += len(batch)
            self.roots += len(roots)
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

    def _refuse_strays(self, *, tolerated: bool) -> None:
        if tolerated:
            return
        ((stray,),) = self._database.execute(
            "SELECT count(*) FROM part WHERE parent NOT IN (SELECT id FROM root) "
            "AND parent NOT IN (SELECT id FROM part)"
        ).fetchall()
        if stray:
            message = f"{stray} lines of the bulk operation's file belong to objects that are not in it"
            raise UnexpectedResponseError(message, remedy=_REMEDY)

    def _put_in(self, above: list[Line]) -> list[Line]:
        """List what belongs to objects in their fields; gives what was put in."""
        owners = {line.id: line for line in above}
        for line in above:
            line.record.update({name: [] for name in self._connections.get(_type(line.id), {}).values()})
        places = []
        for some in batches(owners, _LOOKED_UP_AT_ONCE):
            marks = ",".join("?" * len(some))
            found = self._database.execute(f"SELECT place FROM part WHERE parent IN ({marks})", some)  # noqa: S608
            places += [place for (place,) in found]
        within = [self._at(place) for place in sorted(places)]
        for line in within:
            owner = owners[str(line.parent)]
            name = self._connections.get(_type(owner.id), {}).get(_type(line.id))
            if name is None:
                message = (
                    f"the bulk operation's file has a {_type(line.id)} in a {_type(owner.id)}, which was not asked"
                )
                raise UnexpectedResponseError(message, remedy=_REMEDY)
            owner.record[name].append(line.record)
        return within

    def _at(self, place: int) -> Line:
        self._file.seek(place)
        line = _line(place, self._file.readline())
        if line is None:
            message = "the bulk operation's file was changed while it was read"
            raise UnexpectedResponseError(message, remedy=_REMEDY)
        return line


def _line(place: int, text: bytes) -> Line | None:
    try:
        record: Any = json.loads(text)
    except ValueError:
        return None
    if not isinstance(record, dict) or not isinstance(record.get("id"), str):
        return None
    parent = record.pop(PARENT, None)
    return Line(place, record, None if parent is None else str(parent))


def _type(gid: str) -> str:
    found = _TYPE.match(gid)
    return found.group(1) if found else "?"


def _database(path: Path) -> sqlite3.Connection:
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
