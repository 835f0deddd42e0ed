"""What Yotpo has against what it should have: each order as the same, missing, stale, different or extra.

Both sides are compared by the very plan that the upsert executes, so what is found to be the same is what the upsert
would leave alone. Memory doesn't grow with the number of orders: Yotpo's lie in a temporary file. Changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.sync.plan import plan_write
from airflow_provider_partners.sync.reading import instant, text

State = Literal["same", "missing", "stale", "different", "extra"]

TO_REPAIR: frozenset[State] = frozenset({"missing", "stale", "different"})
"""What an upsert mends; an extra order can't be taken away from Yotpo."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One order, compared.

    :param external_id: the merchant's id
    :param state: ``missing`` in Yotpo; ``stale``: it differs, and changed in Shopify after Yotpo's copy did;
        ``different``: it differs though Yotpo's copy is newer, so that somebody else, or another mapping, wrote it;
        ``extra``: only Yotpo has it
    :param fields: the properties that differ
    :param reason: of an extra order
    :param built: the order as it should be
    """

    external_id: str
    state: State
    fields: list[str] = field(default_factory=list)
    reason: str = ""
    built: Record | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """For a file of findings, without customers' data."""
        found = asdict(self)
        del found["built"]
        return found


def reconcile(
    built: Iterable[Record],
    held: Iterable[Record],
    *,
    left_out: Mapping[str, str] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[Finding]:
    """Compare what should be in Yotpo with what is.

    :param built: orders as they should be, records of ``build``
    :param held: orders as Yotpo gives them
    :param left_out: why orders of Shopify were not built, by external id
    :param spill_dir: where the temporary file is made; the system's temporary folder by default
    :returns: a finding for each order of either side, those of ``built`` first
    """
    with (
        tempfile.TemporaryDirectory(prefix="reconcile-", dir=spill_dir, ignore_cleanup_errors=True) as folder,
        closing(sqlite3.connect(Path(folder) / "held.sqlite", isolation_level=None)) as database,
    ):
        database.executescript("""
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE held (id TEXT PRIMARY KEY, body TEXT, seen INTEGER DEFAULT 0) WITHOUT ROWID;
        """)
        yield from _doubled(database, held)
        for record in built:
            yield _compared(database, record)
        for (identity,) in database.execute("SELECT id FROM held WHERE NOT seen ORDER BY id"):
            yield Finding(identity, "extra", reason=(left_out or {}).get(identity, "Shopify has no such order here"))


def _doubled(database: sqlite3.Connection, held: Iterable[Record]) -> Iterator[Finding]:
    """Keep what Yotpo has; tell of what it has twice, which its API should never let happen."""
    database.execute("BEGIN")
    for order in held:
        identity = text(order.get("external_id")) or f"without external id: {order.get('yotpo_id')}"
        row = (identity, json.dumps(order))
        if not database.execute("INSERT OR IGNORE INTO held (id, body) VALUES (?, ?)", row).rowcount:
            yield Finding(identity, "extra", reason="Yotpo has it twice")
    database.execute("COMMIT")


def _compared(database: sqlite3.Connection, record: Record) -> Finding:
    identity = str(record["external_id"])
    found = database.execute("SELECT body FROM held WHERE id = ?", (identity,)).fetchone()
    if found is None:
        return Finding(identity, "missing", built=record)
    database.execute("UPDATE held SET seen = 1 WHERE id = ?", (identity,))
    present = json.loads(found[0])
    plan = plan_write(record["order"], present)
    if plan.action == "unchanged":
        return Finding(identity, "same")
    return Finding(identity, _age(record, present), sorted(plan.changed), built=record)


def _age(record: Record, present: Record) -> State:
    changed, written = instant(record.get("changed_at")), instant(present.get("updated_at"))
    return "stale" if changed is None or written is None or written < changed else "different"
