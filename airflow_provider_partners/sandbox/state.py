"""What the sandbox remembers: documents per partner, shop and kind; switches; call counts.

One SQLite database holds everything, so that a test, a second process or a curious user can look at it. The partner
modules read and write documents through :class:`Store`; they know nothing of each other.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    partner TEXT NOT NULL, shop TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL,
    at TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (partner, shop, kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS documents_at ON documents (partner, shop, kind, at);
"""


class Store:
    """Documents in SQLite, safe to use from several threads.

    A document is JSON, named by partner (``shopify_admin``), shop (``a.myshopify.com``, or ``""`` where there is none),
    kind (``order``) and id; ``at`` is the ISO time (UTC, ``Z``) by which its kind is listed.
    """

    def __init__(self, path: Path | str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        # A store that is let go of closes its database, so that none is left open.
        self.close = weakref.finalize(self, self._db.close)

    def put(self, partner: str, shop: str, kind: str, id: str, body: Document, *, at: str) -> None:  # noqa: A002
        """Add or replace one document."""
        self.put_many(partner, shop, kind, [(id, at, body)])

    def put_many(self, partner: str, shop: str, kind: str, rows: Iterable[tuple[str, str, Document]]) -> None:
        """Add or replace documents given as ``(id, at, body)``."""
        with self._lock, self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?)",
                ((partner, shop, kind, id_, at, json.dumps(body, ensure_ascii=False)) for id_, at, body in rows),
            )

    def get(self, partner: str, shop: str, kind: str, id: str) -> Document | None:  # noqa: A002
        """One document, or ``None``."""
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
        """Documents of one kind ordered by ``at`` then id; with ``ids`` only those."""
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
        """The shops that have any document of this partner."""
        with self._lock:
            rows = self._db.execute("SELECT DISTINCT shop FROM documents WHERE partner=? ORDER BY shop", (partner,))
            return [row[0] for row in rows]

    def count(self, partner: str, shop: str, kind: str) -> int:
        """How many documents of one kind a shop has."""
        with self._lock:
            row = self._db.execute(
                "SELECT count(*) FROM documents WHERE partner=? AND shop=? AND kind=?", (partner, shop, kind)
            ).fetchone()
        return int(row[0])

    def delete(self, partner: str, shop: str, kind: str, id: str) -> None:  # noqa: A002
        """Remove one document."""
        with self._lock, self._db:
            self._db.execute(
                "DELETE FROM documents WHERE partner=? AND shop=? AND kind=? AND id=?",
                (partner, shop, kind, id),
            )

    def __iter__(self) -> Iterator[tuple[str, str, str, str, Document]]:
        """Every document as ``(partner, shop, kind, id, body)``."""
        with self._lock:
            rows = self._db.execute("SELECT partner, shop, kind, id, body FROM documents").fetchall()
        for partner, shop, kind, id_, body in rows:
            yield partner, shop, kind, id_, json.loads(body)


@dataclass(kw_only=True)
class Sandbox:
    """All that a partner module needs to answer a request.

    :param store: the documents
    :param credentials: what each partner accepts, see ``seed.py``
    :param switches: behaviour that is uncertain or harmful in reality, by dotted name, such as
        ``yotpo.unknown_product_status``; each partner module declares its own names with defaults
    :param now: fixed time; without it the machine's clock is used
    """

    store: Store
    credentials: dict[str, Any] = field(default_factory=dict)
    switches: dict[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    calls: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def clock(self) -> datetime:
        """The sandbox's time, aware, in UTC."""
        return self.now or datetime.now(UTC)

    def count(self, partner: str, shop: str, operation: str) -> None:
        """Count one answered call under ``partner/shop/operation``."""
        with self._lock:
            self.calls[f"{partner}/{shop}/{operation}"] += 1


def iso(moment: datetime, *, plus: timedelta = timedelta()) -> str:
    """A time as the partners write it: UTC, whole seconds, ``Z``."""
    return (moment + plus).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
