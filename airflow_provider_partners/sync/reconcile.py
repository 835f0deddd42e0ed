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

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.upsert.plan import plan_write
from airflow_provider_partners.sync.values import parse_timestamp, text

OrderState = Literal["same", "missing", "stale", "different", "extra"]

REPAIRABLE: frozenset[OrderState] = frozenset({"missing", "stale", "different"})
"""What an upsert mends; an extra order can't be taken away from Yotpo."""


@dataclass(frozen=True, slots=True)
class OrderDifference:
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
    state: OrderState
    fields: list[str] = field(default_factory=list)
    reason: str = ""
    built: Record | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """For a file of findings, without customers' data."""
        found = asdict(self)
        del found["built"]
        return found


def reconcile_orders(
    built: Iterable[Record],
    yotpo_orders: Iterable[Record],
    *,
    excluded: Mapping[str, str] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[OrderDifference]:
    """Compare what should be in Yotpo with what is.

    :param built: orders as they should be, records of ``build``
    :param yotpo_orders: orders as Yotpo gives them
    :param excluded: why orders of Shopify were not built, by external id
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
        yield from _store_yotpo_orders(database, yotpo_orders)
        for record in built:
            yield _compare(database, record)
        for (identity,) in database.execute("SELECT id FROM held WHERE NOT seen ORDER BY id"):
            yield OrderDifference(
                identity, "extra", reason=(excluded or {}).get(identity, "Shopify has no such order here")
            )


def _store_yotpo_orders(database: sqlite3.Connection, yotpo_orders: Iterable[Record]) -> Iterator[OrderDifference]:
    """Keep what Yotpo has; tell of what it has twice, which its API should never let happen."""
    database.execute("BEGIN")
    for order in yotpo_orders:
        identity = text(order.get("external_id")) or f"without external id: {order.get('yotpo_id')}"
        row = (identity, json.dumps(order))
        if not database.execute("INSERT OR IGNORE INTO held (id, body) VALUES (?, ?)", row).rowcount:
            yield OrderDifference(identity, "extra", reason="Yotpo has it twice")
    database.execute("COMMIT")


def _compare(database: sqlite3.Connection, built_order: Record) -> OrderDifference:
    identity = str(built_order["external_id"])
    found = database.execute("SELECT body FROM held WHERE id = ?", (identity,)).fetchone()
    if found is None:
        return OrderDifference(identity, "missing", built=built_order)
    database.execute("UPDATE held SET seen = 1 WHERE id = ?", (identity,))
    present = json.loads(found[0])
    plan = plan_write(built_order["order"], present)
    if plan.action == "unchanged":
        return OrderDifference(identity, "same")
    return OrderDifference(identity, _state_by_age(built_order, present), sorted(plan.changed), built=built_order)


def _state_by_age(record: Record, present: Record) -> OrderState:
    changed, written = parse_timestamp(record.get("changed_at")), parse_timestamp(present.get("updated_at"))
    return "stale" if changed is None or written is None or written < changed else "different"
