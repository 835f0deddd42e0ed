"""Records by their keys, in a temporary SQLite database: memory does not grow with their number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from airflow_provider_partners.files import ScratchFolder, make_private_file
from airflow_provider_partners.records import Record, is_plain
from airflow_provider_partners.sync.values import exact_number

__all__ = ["RecordSpill"]

RECORDS_PER_TRANSACTION = 1000


class RecordSpill:
    """Keeps records until they are looked up by their keys. A context manager; leaving it deletes the records.

    :param purpose: what the records are for, in the folder's name and in errors
    :param base: where the folder is made; the system's temporary folder by default
    """

    def __init__(self, purpose: str, *, base: str | Path | None = None) -> None:
        self._scratch = ScratchFolder(purpose, base=base)
        self._open = ExitStack()
        self._database: sqlite3.Connection

    def __enter__(self) -> Self:
        """Create the database."""
        with ExitStack() as stack:
            folder = stack.enter_context(self._scratch)
            stack.enter_context(self._scratch.errors())
            path = make_private_file(folder / "records.sqlite")
            self._database = stack.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            # The file is deleted in any case, so nothing has to survive a crash. The cache stays at 8 MB.
            self._database.executescript("""
                PRAGMA journal_mode = OFF;
                PRAGMA synchronous = OFF;
                PRAGMA cache_size = -8192;
                CREATE TABLE record (
                    id INTEGER PRIMARY KEY, kind TEXT, record_id TEXT, body TEXT, UNIQUE (kind, record_id)
                );
                CREATE TABLE related (key TEXT, record INTEGER, PRIMARY KEY (key, record)) WITHOUT ROWID;
                CREATE TABLE claimed (key TEXT PRIMARY KEY, owner TEXT) WITHOUT ROWID;
            """)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Delete the database, and translate errors of the disk."""
        self._open.__exit__(kind, error, traceback)

    def store(
        self,
        kind: str,
        records: Iterable[Record],
        *,
        keys: Callable[[Record], list[str]],
        record_id: Callable[[Record], str | None] = lambda record: None,
    ) -> None:
        """Keep records. Of those with one id, the last counts.

        :param kind: what they are
        :param keys: returns the keys of a record; one without keys is not kept
        :param record_id: returns the id of a record; ``None`` for one that no other replaces
        """
        remaining = iter(records)
        while batch := list(islice(remaining, RECORDS_PER_TRANSACTION)):
            self._database.execute("BEGIN")
            for record in batch:
                if record_keys := keys(record):
                    self._insert(kind, record_id(record), record, record_keys)
            self._database.execute("COMMIT")

    def _insert(self, kind: str, record_id: str | None, record: Record, keys: list[str]) -> None:
        ((row,),) = self._database.execute(
            "INSERT INTO record (kind, record_id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, record_id) DO UPDATE SET body = excluded.body RETURNING id",
            (kind, record_id, _encode(record)),
        ).fetchall()
        self._database.executemany("INSERT OR IGNORE INTO related VALUES (?, ?)", [(key, row) for key in keys])

    def claim(self, key: str, owner: str) -> str:
        """Return the owner of a key: the first one that has claimed it."""
        self._database.execute("INSERT OR IGNORE INTO claimed VALUES (?, ?)", (key, owner))
        ((first,),) = self._database.execute("SELECT owner FROM claimed WHERE key = ?", (key,))
        return str(first)

    def has(self, kind: str) -> bool:
        """Return True if records of a kind are kept."""
        ((found,),) = self._database.execute("SELECT EXISTS (SELECT 1 FROM record WHERE kind = ?)", (kind,))
        return bool(found)

    def related(self, keys: Sequence[str]) -> dict[str, list[tuple[int, str, Any]]]:
        """Return number, kind and body of the records with these keys, by key."""
        placeholders = ",".join("?" * len(keys))
        related: dict[str, list[tuple[int, str, Any]]] = {}
        rows = self._database.execute(
            "SELECT related.key, record.id, kind, body FROM related JOIN record ON record.id = related.record "  # noqa: S608
            f"WHERE related.key IN ({placeholders}) ORDER BY record.id",
            keys,
        )
        for key, number, kind, body in rows:
            related.setdefault(key, []).append((number, kind, _decode(body)))
        return related

    def groups(self) -> Iterator[list[Any]]:
        """Yield the records of each key, by the place of its first record."""
        keys = self._database.execute("SELECT key, MIN(record) AS first FROM related GROUP BY key ORDER BY first")
        for key, _ in keys:
            bodies = self._database.execute(
                "SELECT body FROM related JOIN record ON record.id = related.record WHERE key = ? ORDER BY record.id",
                (key,),
            )
            yield [_decode(body) for (body,) in bodies]


def _encode(record: Record) -> bytes | str:
    """Return a record as bytes that orjson has written; as text if only ``json`` keeps all of it."""
    try:
        encoded = orjson.dumps(record)
    except TypeError:
        return json.dumps(record, default=_as_json)
    return encoded if is_plain([record]) else json.dumps(record, default=_as_json)


def _decode(body: bytes | str) -> Any:
    return orjson.loads(body) if isinstance(body, bytes) else json.loads(body)


def _as_json(value: Any) -> Any:
    """Return a value of Python's that JSON doesn't have, as a database or a file may give it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return exact_number(value) if isinstance(value, Decimal) else str(value)
