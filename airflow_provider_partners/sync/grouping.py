"""Plain records, one for each id: several records of one id become one, wherever they stand.

A retry skips the ids that an earlier try has finished, so all that belongs to an id has to be written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.columns import PARENT_ID, ColumnMapping
from airflow_provider_partners.sync.payload.repairs import to_id, to_phone
from airflow_provider_partners.sync.plain_records import is_built, merge_records, record_id, unwrap
from airflow_provider_partners.sync.spill import RecordSpill

__all__ = ["group_records"]

ENVELOPES: Mapping[str, str] = {
    "orders": "order",
    "products": "product",
    "fulfillments": "fulfillment",
    "customers": "customer",
}
"""The key below which a request's body has a record, by the kind of record."""


def group_records(
    kind: str,
    records: Iterable[Any],
    *,
    columns: Mapping[str, Any] | None = None,
    spill_dir: str | Path | None = None,
) -> Iterator[Any]:
    """Yield built records as they come, then one plain record for each id, by the place of its first one.

    Memory does not grow with the number of records.

    :param kind: ``orders``, ``products``, ``fulfillments`` or ``customers``
    :param records: built or plain records; rows of a table, if there are ``columns``
    :param columns: the mapping of Yotpo's properties to the columns, see
        :mod:`airflow_provider_partners.sync.columns`
    :param spill_dir: where the temporary database is made; the system's temporary folder by default
    :raises ConfigurationError: when ``columns`` are wrong, or name a column that no row has
    """
    mapping = ColumnMapping.parse(kind, columns) if columns else None
    return _grouped(kind, records, mapping, spill_dir)


def _grouped(
    kind: str, records: Iterable[Any], mapping: ColumnMapping | None, spill_dir: str | Path | None
) -> Iterator[Any]:
    read: Callable[[Record], Record] = mapping.read if mapping else lambda record: unwrap(record, ENVELOPES[kind])
    apart: list[Any] = []

    def plain(remaining: Iterable[Any]) -> Iterator[Record]:
        for number, record in enumerate(remaining):
            if not isinstance(record, Mapping) or (not mapping and _stays_apart(record)):
                apart.append(record)
                continue
            part = read(dict(record))
            external_id = group_key(kind, part)
            key = f"id {external_id}" if external_id else f"number {number}"
            yield {"key": key, "record": record}

    with RecordSpill("grouping", base=spill_dir) as spill:
        spilled = plain(records)
        while True:
            spill.store("plain", _until_apart(spilled, apart), keys=lambda each: [each["key"]])
            if not apart:
                break
            yield from apart
            apart.clear()
        if mapping:
            mapping.check_columns()
        for group in spill.groups():
            rows = [each["record"] for each in group]
            if mapping:
                yield mapping.assemble((mapping.read(row), row) for row in rows)
            else:
                yield rows[0] if len(rows) == 1 else merge_records(map(read, rows))


def _until_apart(spilled: Iterator[Record], apart: list[Any]) -> Iterator[Record]:
    """Yield records until some have come that are not kept, so that those don't wait for the end."""
    for record in spilled:
        yield record
        if len(apart) >= 100:
            return


def _stays_apart(record: Mapping[str, Any]) -> bool:
    """Return True for a record that is complete by itself, and that no other adds to."""
    return is_built(record) or "version" in record or "products" in record or "unmappable" in record


def group_key(kind: str, record: Mapping[str, Any]) -> str:
    """Return what a plain record shares with others of the same order, product or customer; empty if it has no id."""
    if kind == "fulfillments" and "fulfillments" not in record:
        parent, external_id = to_id(record.get(PARENT_ID)), record_id(record)
        return f"{parent}/{external_id}" if parent and external_id else ""
    if kind == "customers" and not record_id(record):
        email, number = record.get("email"), record.get("phone_number")
        # A customer is the same one in every spelling of the address.
        return f"email:{str(email).strip().lower()}" if email else f"phone_number:{to_phone(number)}" if number else ""
    return record_id(record)
