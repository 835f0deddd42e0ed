"""The sandbox's store: documents per partner, shop and kind; switches; call counts.

One SQLite database contains everything, so that a test, a second process or a user can inspect it. The partner
packages read and write documents through :class:`Store` and do not know each other.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

Document = dict[str, Any]
_Items = TypeVar("_Items", bound=Sized)

#: Maximum number of parsed documents in memory, over all partners and shops.
MAX_CACHED_DOCUMENTS = 100_000
#: Number of documents that are read and parsed at a time. Documents that are parsed together share the strings of
#: their field names, which saves memory.
_CHUNK = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    partner TEXT NOT NULL, shop TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    at TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (partner, shop, kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_at ON documents (partner, shop, kind, at);
"""

# Of all stores, and held while the process forks: what another thread has locked at that time stays locked in the new
# process, and SQLite's own locks are the process's, too.
_LOCK = threading.RLock()
os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)


class ListCache:
    """A least-recently-used cache of lists. Safe to use from several threads.

    :param max_items: maximum number of items in all lists; the list used last stays, however long it is
    """

    def __init__(self, max_items: int) -> None:
        self._max_items = max_items
        self._lock = threading.RLock()
        self._lists: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    def get(self, key: Hashable, revision: Hashable, make: Callable[[], _Items]) -> _Items:
        """Return the list of a key; build it again if its revision has changed."""
        with self._lock:
            kept = self._lists.pop(key, None)
            if kept is None or kept[0] != revision:
                kept = (revision, make())
            self._lists[key] = kept
            item_count = sum(len(items) for _, items in self._lists.values())
            while item_count > self._max_items and len(self._lists) > 1:
                item_count -= len(self._lists.popitem(last=False)[1][1])
        items: _Items = kept[1]
        return items


def _close(db: sqlite3.Connection, lock: threading.RLock) -> None:
    # A statement may run in another thread, and Python leaves the order to us: https://docs.python.org/3/library/sqlite3.html
    with lock:
        db.close()


class Store:
    """Documents in SQLite, safe to use from several threads.

    A document is JSON, named by partner (``shopify_admin``), shop (``a.myshopify.com``, or ``""`` where there is none),
    kind (``order``) and id; ``at`` is the ISO timestamp (UTC, ``Z``) that orders the documents of its kind.

    :param path: the SQLite file; other processes may have it open, too
    :param max_cached: maximum number of documents that :meth:`cached` keeps parsed
    """

    def __init__(self, path: Path | str = ":memory:", *, max_cached: int = MAX_CACHED_DOCUMENTS) -> None:
        self._lock = _LOCK
        self._parsed = ListCache(max_cached)
        self._path = str(path)
        self._folder: Path | None = None
        self._written: Counter[tuple[str, str, str]] = Counter()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        # Close the database when the store is garbage-collected.
        self.close = weakref.finalize(self, _close, self._db, self._lock)

    def folder(self) -> Path:
        """Return the folder for files that the partners create.

        It is beside the database; a store in memory uses a temporary folder and removes it.
        """
        with self._lock:
            if self._folder is None and self._path == ":memory:":
                self._folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            elif self._folder is None:
                self._folder = Path(f"{self._path}.files")
                self._folder.mkdir(exist_ok=True)
            return self._folder

    def put(self, partner: str, shop: str, kind: str, id: str, body: Document, *, at: str) -> None:  # noqa: A002
        """Add or replace one document."""
        self.put_many(partner, shop, kind, [(id, at, body)])

    def put_many(self, partner: str, shop: str, kind: str, documents: Iterable[tuple[str, str, Document]]) -> None:
        """Add or replace documents, passed as ``(id, at, body)``."""
        texts = ((id_, at, json.dumps(body, ensure_ascii=False)) for id_, at, body in documents)
        self.put_texts(partner, shop, kind, texts)

    def put_texts(self, partner: str, shop: str, kind: str, documents: Iterable[tuple[str, str, str]]) -> None:
        """Add or replace documents, passed as ``(id, at, JSON)``."""
        self.put_lists(partner, {(shop, kind): documents})

    def put_lists(self, partner: str, lists: Mapping[tuple[str, str], Iterable[tuple[str, str, str]]]) -> None:
        """Add or replace documents of many kinds in one transaction.

        :param lists: the documents as ``(id, at, JSON)``, by shop and kind
        """
        with self._lock, self._db:
            for (shop, kind), rows in lists.items():
                self._db.executemany(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)",
                    ((partner, shop, kind, *row) for row in rows),
                )
                self._written[partner, shop, kind] += 1

    def get(self, partner: str, shop: str, kind: str, id: str) -> Document | None:  # noqa: A002
        """Return one document, or ``None``."""
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM documents WHERE partner=? AND shop=? AND kind=? AND id=?",
                (partner, shop, kind, id),
            ).fetchone()
        return json.loads(row[0]) if row else None

    def select(
        self,
        partner: str,
        shop: str,
        kind: str,
        *,
        ids: Sequence[str] | None = None,
        newest_first: bool = False,
    ) -> list[Document]:
        """Return documents of one kind ordered by ``at`` and id; with ``ids`` only those."""
        order = "DESC" if newest_first else "ASC"
        sql = "SELECT body FROM documents WHERE partner=? AND shop=? AND kind=?"
        values: list[str] = [partner, shop, kind]
        if ids is not None:
            sql += f" AND id IN ({','.join('?' * len(ids))})"
            values += ids
        with self._lock:
            rows = self._db.execute(f"{sql} ORDER BY at {order}, id {order}", values).fetchall()
        return [json.loads(row[0]) for row in rows]

    def shops(self, partner: str) -> list[str]:
        """Return the shops that have any document of this partner."""
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT shop FROM documents WHERE partner=? ORDER BY shop", (partner,))
            return [row[0] for row in rows]

    def count(self, partner: str, shop: str, kind: str) -> int:
        """Return the number of documents of one kind that a shop has."""
        with self._lock:
            row = self._db.execute(
                "SELECT count(*) FROM documents WHERE partner=? AND shop=? AND kind=?", (partner, shop, kind)
            ).fetchone()
        return int(row[0])

    def counts(self) -> dict[tuple[str, str, str], int]:
        """Return the number of documents by partner, shop and kind. It reads an index, and no document."""
        sql = "SELECT partner, shop, kind, count(*) FROM documents INDEXED BY documents_at GROUP BY partner, shop, kind"
        with self._lock:
            rows = self._db.execute(sql).fetchall()
        return {(partner, shop, kind): int(count) for partner, shop, kind, count in rows}

    def latest(self, partner: str, shop: str, kind: str, count: int) -> list[tuple[str, Document]]:
        """Return the last documents of one kind, the newest first, each with its time."""
        sql = "SELECT at, body FROM documents WHERE partner=? AND shop=? AND kind=? ORDER BY at DESC, id DESC LIMIT ?"
        with self._lock:
            rows = self._db.execute(sql, (partner, shop, kind, count)).fetchall()
        return [(at, json.loads(body)) for at, body in rows]

    def delete(self, partner: str, shop: str, kind: str, id: str) -> None:  # noqa: A002
        """Remove one document."""
        with self._lock, self._db:
            self._db.execute(
                "DELETE FROM documents WHERE partner=? AND shop=? AND kind=? AND id=?",
                (partner, shop, kind, id),
            )
            self._written[partner, shop, kind] += 1

    def revision(self, partner: str, shop: str, kind: str) -> int:
        """Return a number that grows with each write to this kind of a shop's documents.

        A write by another process to the same file counts for all kinds, because SQLite does not report what it
        changed.
        """
        with self._lock:
            (others,) = self._db.execute("PRAGMA data_version").fetchone()
            return self._written[partner, shop, kind] + int(others)

    def cached(self, partner: str, shop: str, kind: str, *, shape: str = "body") -> list[Document]:
        """Return all documents of a kind ordered by ``at`` and id, parsed once and kept until one of them is written.

        Callers and threads share the list and its contents: **read only**. The cache drops the least recently used
        lists first; the list used last stays, however long it is.

        :param shape: SQL expression over ``body`` that returns the JSON to keep of a document; the default keeps it all
        """
        with self._lock:
            revision = self.revision(partner, shop, kind)
            return self._parsed.get(
                (partner, shop, kind, shape), revision, lambda: self._parse(partner, shop, kind, shape)
            )

    def iterate(self, partner: str, shop: str, kind: str, ids: Iterable[str]) -> Iterator[Document]:
        """Yield the documents with these ids in the order of the ids, read in chunks; skip ids without a document."""
        remaining_ids = iter(ids)
        while chunk := list(islice(remaining_ids, _CHUNK)):
            placeholders = ",".join("?" * len(chunk))
            with self._lock:
                rows = self._db.execute(
                    f"SELECT id, body FROM documents WHERE partner=? AND shop=? AND kind=? AND id IN ({placeholders})",  # noqa: S608
                    (partner, shop, kind, *chunk),
                ).fetchall()
            documents = dict(zip((id_ for id_, _ in rows), _loads(body for _, body in rows), strict=True))
            yield from (documents[id_] for id_ in chunk if id_ in documents)

    def parent_ids(self, partner: str, shop: str, kind: str, name: str) -> Mapping[str, str]:
        """Map the id of each object in one of a document's lists to the id of that document; kept until one is written.

        :param name: name of the list, a member of ``body``
        """
        sql = (
            "SELECT json_extract(each.value, '$.id'), documents.id FROM documents, json_each(body, ?) AS each "
            "WHERE partner=? AND shop=? AND kind=?"
        )

        def find() -> dict[str, str]:
            return dict(self._db.execute(sql, (f"$.{name}", partner, shop, kind)).fetchall())

        with self._lock:
            revision = self.revision(partner, shop, kind)
            return self._parsed.get((partner, shop, kind, "holders", name), revision, find)

    def _parse(self, partner: str, shop: str, kind: str, shape: str) -> list[Document]:
        # Sort in Python: SQLite would read its index of times and look up each document separately, which is slower.
        cursor = self._db.execute(
            f"SELECT at, id, {shape} FROM documents WHERE partner=? AND shop=? AND kind=?",  # noqa: S608
            (partner, shop, kind),
        )
        placed: list[tuple[str, str, Document]] = []
        while rows := cursor.fetchmany(_CHUNK):
            documents = _loads(body for _, _, body in rows)
            placed += ((at, id_, document) for (at, id_, _), document in zip(rows, documents, strict=True))
        return [document for *_, document in sorted(placed, key=lambda row: row[:2])]

    def __iter__(self) -> Iterator[tuple[str, str, str, str, Document]]:
        """Yield every document as ``(partner, shop, kind, id, body)``."""
        with self._lock:
            rows = self._db.execute("SELECT partner, shop, kind, id, body FROM documents").fetchall()
        for partner, shop, kind, id_, body in rows:
            yield partner, shop, kind, id_, json.loads(body)


@dataclass(kw_only=True)
class Sandbox:
    """Everything that a partner package needs to answer a request.

    :param store: the documents
    :param credentials: what each partner accepts, see :func:`.credentials.make`
    :param switches: behaviour that is uncertain or harmful in reality, by dotted name, such as
        ``yotpo.unknown_product_status``; each partner package declares its own names with defaults
    :param now: fixed time; without it the sandbox uses the machine's clock
    :param key: signs the URLs of files
    """

    store: Store
    credentials: dict[str, Any] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    calls: Counter[str] = field(default_factory=Counter)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def clock(self) -> datetime:
        """Return the sandbox's time, aware, in UTC."""
        return self.now or datetime.now(UTC)

    def count(self, partner: str, shop: str, operation: str) -> None:
        """Count one answered call under ``partner/shop/operation``."""
        with self._lock:
            self.calls[f"{partner}/{shop}/{operation}"] += 1


def _loads(bodies: Iterable[str]) -> list[Document]:
    documents: list[Document] = json.loads(f"[{','.join(bodies)}]")
    return documents


def format_timestamp(timestamp: datetime, *, plus: timedelta = timedelta()) -> str:
    """Format a timestamp as the partners do: UTC, whole seconds, ``Z``."""
    return (timestamp + plus).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
