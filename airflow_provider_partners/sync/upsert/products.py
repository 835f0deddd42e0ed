"""Bring products into a Yotpo store: look up a batch, plan each product, write what differs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.clock import SYSTEM_CLOCK
from airflow_provider_partners.sync.outcomes import Outcome, WriteJournal
from airflow_provider_partners.sync.payload.models import Product
from airflow_provider_partners.sync.plain_records import record_id, unwrap
from airflow_provider_partners.sync.staleness import VersionGuard, VersionLog, product_version
from airflow_provider_partners.sync.upsert.catalog import require_name
from airflow_provider_partners.sync.upsert.record_writer import (
    BATCH_SIZE,
    LISTS,
    RecordUpsert,
    RecordWriter,
    Sleep,
    malformed_part,
    record_batches,
)
from airflow_provider_partners.sync.upsert.settlement import Settlement, sent_version

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient

__all__ = ["upsert_products"]

_EXISTING = frozenset({"created", "updated", "unchanged", "stale"})
"""The outcomes after which Yotpo has the product."""


def upsert_products(
    client: YotpoClient,
    products: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = BATCH_SIZE,
    sleep: Sleep = SYSTEM_CLOCK.sleep,
    versions: VersionLog | None = None,
    journal: WriteJournal | None = None,
) -> Iterator[Outcome]:
    """Create or update products; further parameters as those of ``upsert_orders``.

    :param products: payloads, rejects of an earlier run, or built orders, whose products are written once each
    :returns: one outcome for each product, as soon as it is known
    """
    writer = RecordWriter(
        record_kind="product",
        model=Product,
        guard=VersionGuard(versions, "product", dry_run=dry_run),
        lookup=client.lookup("products"),
        create=client.create_product,
        update=client.update_product,
        check_create=require_name,
        sleep=sleep,
        workers=workers,
        journal=journal,
    )
    settlement = Settlement(writer.guard, lambda record: writer.rewrite(_product_upsert(record)), unpack=products_of)
    for batch in record_batches(products_of(products), skip=skip, size=batch_size, envelope="product"):
        upserts = [
            writer.malformed_upsert(record, reason) if (reason := malformed_part(record)) else _product_upsert(record)
            for record in batch
        ]
        for upsert in upserts:
            writer.validate(upsert)
        writer.begin(writer.plan_batch(upserts))
        write = partial(_upsert_product, writer, dry_run=dry_run)
        for outcome in settlement.results(write, upserts, sent=sent_version, workers=workers):
            if outcome.action in _EXISTING:
                client.known_products.add(outcome.external_id)
            yield outcome


def _product_upsert(record: Mapping[str, Any]) -> RecordUpsert:
    return RecordUpsert(
        external_id=record_id(record, "product"),
        record=record,
        payload=unwrap(record, "product"),
        version=record.get("version") or {},
        is_partial=True,
    )


def _upsert_product(writer: RecordWriter, upsert: RecordUpsert, *, dry_run: bool) -> Outcome:
    if upsert.outcome is not None:
        return upsert.outcome
    return writer.planned_outcome(upsert) if dry_run else writer.write(upsert)


def products_of(records: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the products of built orders, each at its first place, and any other record as it is.

    :param records: built orders, plain products, or rejects of products
    """
    seen: set[str] = set()
    for record in records:
        if malformed_part(record) or not isinstance(record.get("products"), LISTS):
            yield record
            continue
        for product in record["products"]:
            external_id = str(product.get("external_id") or "")
            if not external_id or external_id not in seen:
                seen.add(external_id)
                yield {**product, "version": product_version(record.get("version") or {})}
