"""Orders with what Yofi and others know of them, in bounded memory: orders stream through, the rest lies in a file.

The side tables (returns, claims, customers, redemptions) are written to a temporary SQLite database by the keys that
orders have, then each order asks for its own. Decides nothing; knows only the fields that join.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.values import decode_json, id_tail, items, shopify_id, text

ORDERS_PER_QUERY = 100
"""Orders whose related records are asked for in one go."""

RECORDS_PER_TRANSACTION = 1000


@dataclass(frozen=True, slots=True)
class OrderContext:
    """What is known of an order besides itself.

    :param returns: Yofi's returns of it
    :param claims: Yofi's claims, with ``of_order``: whether the claim names this order or only its customer made it
    :param customer: Yofi's customer
    :param redemptions: what matters of Voucherify's redemptions of it
    """

    returns: tuple[Record, ...] = ()
    claims: tuple[Record, ...] = ()
    customer: Record | None = None
    redemptions: tuple[Record, ...] = ()


def join_orders(
    orders: Iterable[Record],
    *,
    returns: Iterable[Record] = (),
    claims: Iterable[Record] = (),
    customers: Iterable[Record] = (),
    redemptions: Iterable[Record] = (),
    spill_dir: str | Path | None = None,
) -> Iterator[tuple[Record, OrderContext]]:
    """Each order with its context, in the orders' own order.

    A record that comes twice counts once, as it came last.

    :param orders: of Shopify's Admin API
    :param returns: by ``order_id``, else by ``order_name``
    :param claims: by the orders that ``claim_items`` name, and by ``customer_id``
    :param customers: by ``customer_id``, which is Shopify's
    :param redemptions: as ``CouponPolicy.relevant`` gives them, by their own ``keys``
    :param spill_dir: where the temporary database is made; the system's temporary folder by default
    """
    sides = {"return": returns, "claim": claims, "customer": customers, "redemption": redemptions}
    with (
        tempfile.TemporaryDirectory(prefix="join-", dir=spill_dir, ignore_cleanup_errors=True) as folder,
        closing(_open_database(Path(folder) / "related.sqlite")) as database,
    ):
        for kind, records in sides.items():
            _store(database, kind, records, KEY_FUNCTIONS[kind])
        rest = iter(orders)
        while batch := list(islice(rest, ORDERS_PER_QUERY)):
            yield from _with_context(database, batch)


def keys_of_order_reference(record: Record) -> list[str]:
    """The keys of a record that names its order by ``order_id`` (the shop's order id) or else ``order_name``."""
    if number := id_tail(record.get("order_id")):
        return [f"order:{number}"]
    name = text(record.get("order_name"))
    return [f"name:{name}"] if name else []


def keys_of_claim(claim: Record) -> list[str]:
    """The keys of a claim: the orders its items name, itself, and its customer."""
    keys = keys_of_order_reference(claim)
    listed = decode_json(claim.get("claim_items"))
    for item in items(listed):
        keys += keys_of_order_reference(item)
    if isinstance(listed, list):
        keys += [f"order:{id_tail(item)}" for item in listed if isinstance(item, str | int)]
    return [*dict.fromkeys(keys), *keys_of_customer(claim)]


def keys_of_customer(record: Record) -> list[str]:
    """The key of a record of a customer, by Shopify's customer id."""
    number = id_tail(record.get("customer_id"))
    return [f"customer:{number}"] if number else []


def precomputed_keys(record: Record) -> list[str]:
    """The keys that a record brings along."""
    keys: list[str] = record["keys"]
    return keys


KEY_FUNCTIONS: dict[str, Callable[[Record], list[str]]] = {
    "return": keys_of_order_reference,
    "claim": keys_of_claim,
    "customer": keys_of_customer,
    "redemption": precomputed_keys,
}
"""What each kind is found by."""


def _open_database(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    # Thrown away in any case, so nothing has to survive a crash; the cache stays at 8 MB whatever the size.
    database.executescript("""
        PRAGMA journal_mode = OFF;
        PRAGMA synchronous = OFF;
        PRAGMA cache_size = -8192;
        CREATE TABLE record (id INTEGER PRIMARY KEY, kind TEXT, identity TEXT, body TEXT, UNIQUE (kind, identity));
        CREATE TABLE related (key TEXT, record INTEGER, PRIMARY KEY (key, record)) WITHOUT ROWID;
    """)
    return database


def _store(
    database: sqlite3.Connection, kind: str, records: Iterable[Record], keys: Callable[[Record], list[str]]
) -> None:
    numbered = enumerate(records)
    while batch := list(islice(numbered, RECORDS_PER_TRANSACTION)):
        database.execute("BEGIN")
        for number, record in batch:
            if not (found := keys(record)):
                continue
            identity = _record_id(kind, record) or f"#{number}"
            ((row,),) = database.execute(
                "INSERT INTO record (kind, identity, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, identity) DO UPDATE SET body = excluded.body RETURNING id",
                (kind, identity, json.dumps(record)),
            ).fetchall()
            database.executemany("INSERT OR IGNORE INTO related VALUES (?, ?)", [(key, row) for key in found])
        database.execute("COMMIT")


def _record_id(kind: str, record: Record) -> str | None:
    if kind == "customer":
        return text(record.get("customer_id"))
    return text(record.get("id")) or text(record.get("entity_id"))


def _with_context(database: sqlite3.Connection, batch: list[Record]) -> Iterator[tuple[Record, OrderContext]]:
    wanted = [_keys_of_order(order) for order in batch]
    related = _related_records(database, sorted({key for keys in wanted for key in keys}))
    for order, keys in zip(batch, wanted, strict=True):
        rows: dict[tuple[str, int], Record] = {}
        for key in keys:
            for number, kind, body in related.get(key, ()):
                of_order = not key.startswith("customer:")
                if of_order or kind in {"claim", "customer"}:
                    rows.setdefault((kind, number), {**body, "of_order": of_order} if kind == "claim" else body)
        found = {kind: tuple(row for (own, _), row in rows.items() if own == kind) for kind in KEY_FUNCTIONS}
        customer = found["customer"][-1] if found["customer"] else None
        yield order, OrderContext(found["return"], found["claim"], customer, found["redemption"])


def _keys_of_order(order: Record) -> list[str]:
    number, name, customer = shopify_id(order), text(order.get("name")), shopify_id(order.get("customer"))
    keys = {"order": number, "name": name, "customer": customer}
    return [f"{kind}:{value}" for kind, value in keys.items() if value]


def _related_records(database: sqlite3.Connection, keys: list[str]) -> dict[str, list[tuple[int, str, Any]]]:
    marks = ",".join("?" * len(keys))
    found: dict[str, list[tuple[int, str, Any]]] = {}
    rows = database.execute(
        "SELECT related.key, record.id, kind, body FROM related JOIN record ON record.id = related.record "  # noqa: S608
        f"WHERE related.key IN ({marks}) ORDER BY record.id",
        keys,
    )
    for key, number, kind, body in rows:
        found.setdefault(key, []).append((number, kind, json.loads(body)))
    return found
