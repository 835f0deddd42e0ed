"""Compare Yotpo's orders with the built ones: same, missing, stale, different or extra.

The comparison is the plan of the upsert itself, so an order that is "same" here is one that the upsert would not write.
Memory does not grow with the number of orders, because Yotpo's orders lie in a temporary file.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from airflow_provider_partners import timestamps
from airflow_provider_partners.files import ScratchFolder, make_private_file
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.upsert.plan import plan_write
from airflow_provider_partners.sync.values import text

OrderState = Literal["same", "missing", "stale", "different", "extra"]

REPAIRABLE: frozenset[OrderState] = frozenset({"missing", "stale", "different"})
"""The states that an upsert repairs. An extra order stays: Yotpo has no call that deletes one."""


@dataclass(frozen=True, slots=True)
class OrderDifference:
    """The state of one order.

    :param external_id: the merchant's id
    :param state: ``missing`` in Yotpo. ``stale``: it differs, and Shopify's order changed after Yotpo's. ``different``:
        it differs although Yotpo's is newer, so another writer or another mapping wrote it. ``extra``: only Yotpo has
        it
    :param fields: the properties that differ
    :param reason: why an extra order is not among the built ones
    :param built: the built order
    """

    external_id: str
    state: OrderState
    fields: list[str] = field(default_factory=list)
    reason: str = ""
    built: Record | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the record of a dataset of differences, without customers' data."""
        record = asdict(self)
        del record["built"]
        return record


def reconcile_orders(
    built: Iterable[Record],
    yotpo_orders: Iterable[Record],
    *,
    excluded: Mapping[str, str] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[OrderDifference]:
    """Yield the state of each order of either side, those of ``built`` first.

    :param built: records of :func:`~airflow_provider_partners.sync.build.build_orders`
    :param yotpo_orders: orders as Yotpo returns them
    :param excluded: why orders of Shopify were not built, by external id
    :param spill_dir: where the temporary file is made; the system's temporary folder by default
    """
    scratch = ScratchFolder("comparison", base=spill_dir)
    with (
        scratch as folder,
        scratch.errors(),
        closing(sqlite3.connect(make_private_file(folder / "yotpo_orders.sqlite"), isolation_level=None)) as database,
    ):
        database.executescript("""
            PRAGMA journal_mode = OFF;
            PRAGMA synchronous = OFF;
            CREATE TABLE yotpo_order (id TEXT PRIMARY KEY, body TEXT, seen INTEGER DEFAULT 0) WITHOUT ROWID;
        """)
        yield from _store_yotpo_orders(database, yotpo_orders)
        for record in built:
            yield _compare(database, record)
        for (external_id,) in database.execute("SELECT id FROM yotpo_order WHERE NOT seen ORDER BY id"):
            yield OrderDifference(
                external_id, "extra", reason=(excluded or {}).get(external_id, "Shopify has no such order here")
            )


def _store_yotpo_orders(database: sqlite3.Connection, yotpo_orders: Iterable[Record]) -> Iterator[OrderDifference]:
    """Store Yotpo's orders, and yield those that come twice, which Yotpo's API should refuse."""
    database.execute("BEGIN")
    for order in yotpo_orders:
        external_id = text(order.get("external_id")) or f"without external id: {order.get('yotpo_id')}"
        row = (external_id, json.dumps(order))
        if not database.execute("INSERT OR IGNORE INTO yotpo_order (id, body) VALUES (?, ?)", row).rowcount:
            yield OrderDifference(external_id, "extra", reason="Yotpo has it twice")
    database.execute("COMMIT")


def _compare(database: sqlite3.Connection, built_order: Record) -> OrderDifference:
    external_id = str(built_order["external_id"])
    row = database.execute("SELECT body FROM yotpo_order WHERE id = ?", (external_id,)).fetchone()
    if row is None:
        return OrderDifference(external_id, "missing", built=built_order)
    database.execute("UPDATE yotpo_order SET seen = 1 WHERE id = ?", (external_id,))
    present = json.loads(row[0])
    plan = plan_write(built_order["order"], present)
    if plan.action == "unchanged":
        return OrderDifference(external_id, "same")
    return OrderDifference(external_id, _state_by_age(built_order, present), sorted(plan.changed), built=built_order)


def _state_by_age(built_order: Record, present: Record) -> OrderState:
    changed_at = timestamps.try_parse(built_order.get("changed_at"))
    written_at = timestamps.try_parse(present.get("updated_at"))
    return "stale" if changed_at is None or written_at is None or written_at < changed_at else "different"
