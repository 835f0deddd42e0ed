"""Bring orders and products into a Yotpo store: look up a batch, plan, write what differs, tell the outcome of each.

Nothing is doubled and nothing is written that is already there, so a run can be repeated at any time. Errors that
concern the run and not a record (credentials, throttling, network) go to the caller; outcomes given before stay true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.sync.outcomes import Outcome
from airflow_provider_partners.sync.payload.base import PayloadError
from airflow_provider_partners.sync.payload.models import Order, Product
from airflow_provider_partners.sync.upsert.catalog import ProductCatalog
from airflow_provider_partners.sync.upsert.fulfillments import upsert_fulfillments
from airflow_provider_partners.sync.upsert.lookup import LOOKUP_BATCH_SIZE, UpsertLookup
from airflow_provider_partners.sync.upsert.plan import plan_write
from airflow_provider_partners.sync.upsert.record_writer import RecordUpsert, RecordWriter
from airflow_provider_partners.sync.upsert.store import YotpoStore

__all__ = ["upsert_fulfillments", "upsert_orders", "upsert_products"]

Sleep = Callable[[float], None]


def upsert_orders(
    client: YotpoStore,
    built_orders: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    with_fulfillments: bool = True,
    batch_size: int = LOOKUP_BATCH_SIZE,
    sleep: Sleep = time.sleep,
) -> Iterator[Outcome]:
    """Create or update orders with their line items and fulfillments, and the products they need.

    An order that comes twice is sent as it came last. New orders cost one call each and two per batch, unchanged ones
    one per batch.

    :param client: of one store
    :param built_orders: records of ``build``, or rejects of an earlier run
    :param dry_run: look up and plan, write nothing
    :param skip: external ids that are left alone without a call, such as those an earlier try has dealt with
    :param workers: writes side by side within a batch. They concern different orders; outcomes keep their order
    :param with_fulfillments: False leaves fulfillments to :func:`upsert_fulfillments`
    :param batch_size: orders looked up in one call, at most 100
    :param sleep: for the short waits after a conflict
    :returns: one outcome for each order, as soon as it is known
    """
    catalogue = ProductCatalog(client, sleep=sleep, workers=workers)
    writer = RecordWriter(
        record_kind="order",
        lookup=UpsertLookup(resource_name="orders", find=client.orders, sleep=sleep, workers=workers),
        plan=plan_write,
        create=client.create_order,
        update=client.update_order,
        create_missing_products=catalogue.create_missing,
    )
    for batch in _batches(built_orders, skip, batch_size):
        jobs = [_order_upsert(writer, record, with_fulfillments=with_fulfillments) for record in batch]
        sound = _plan(writer, jobs)
        for job in sound:
            if job.yotpo_id is not None:
                catalogue.mark_known(_known_products(job))
        _create_missing_products(catalogue, sound, dry_run=dry_run)
        yield from map_in_order(lambda job: _order_outcome(writer, catalogue, job, dry_run), jobs, workers=workers)


def upsert_products(
    client: YotpoStore,
    products: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = LOOKUP_BATCH_SIZE,
    sleep: Sleep = time.sleep,
) -> Iterator[Outcome]:
    """Create or update products.

    :param products: payloads; one that comes twice is sent as it came last
    :param skip: external ids that are left alone without a call
    """
    writer = RecordWriter(
        record_kind="product",
        lookup=UpsertLookup(resource_name="products", find=client.products, sleep=sleep, workers=workers),
        plan=plan_write,
        create=client.create_product,
        update=client.update_product,
    )
    for batch in _batches(products, skip, batch_size):
        jobs = [_product_upsert(writer, record) for record in batch]
        _plan(writer, jobs)
        act = writer.planned_outcome if dry_run else writer.write
        yield from map_in_order(lambda job, act=act: job.outcome or act(job), jobs, workers=workers)  # type: ignore[misc]


def _batches(
    records: Iterable[Mapping[str, Any]], skip: Container[str], size: int
) -> Iterator[list[Mapping[str, Any]]]:
    """Records in batches, each external id once per batch: the last one, at its place."""
    wanted = (record for record in records if str(record.get("external_id")) not in skip)
    while rows := list(islice(wanted, min(size, LOOKUP_BATCH_SIZE))):
        last = {str(row.get("external_id") or id(row)): place for place, row in enumerate(rows)}
        yield [row for place, row in enumerate(rows) if last[str(row.get("external_id") or id(row))] == place]


def _order_upsert(writer: RecordWriter, record: Mapping[str, Any], *, with_fulfillments: bool) -> RecordUpsert:
    payload = record.get("order")
    wanted = dict(payload) if isinstance(payload, Mapping) else {}
    if not with_fulfillments:
        wanted.pop("fulfillments", None)
    job = RecordUpsert(
        str(record.get("external_id") or ""),
        record,
        wanted,
        {str(row["external_id"]): dict(row) for row in record.get("products") or () if row.get("external_id")},
        list(record.get("suppressed") or ()),
    )
    return _validated(writer, job, Order)


def _product_upsert(writer: RecordWriter, record: Mapping[str, Any]) -> RecordUpsert:
    wanted = {name: value for name, value in record.items() if name != "rejected" and value is not None}
    return _validated(writer, RecordUpsert(str(record.get("external_id") or ""), record, wanted), Product)


def _validated(writer: RecordWriter, upsert: RecordUpsert, model: type[Order | Product]) -> RecordUpsert:
    """The job, set aside already where its payload breaks the rules."""
    try:
        model.validate_body(upsert.payload)
    except PayloadError as error:
        upsert.outcome = writer.reject(upsert, error)
    else:
        if upsert.payload["external_id"] != upsert.external_id:
            upsert.outcome = writer.reject(upsert, "external_id: differs from that of the payload")
    return upsert


def _plan(writer: RecordWriter, upserts: list[RecordUpsert]) -> list[RecordUpsert]:
    """Look up and plan the jobs that are sound; these."""
    sound = [job for job in upserts if job.outcome is None]
    present = writer.lookup.batch([job.external_id for job in sound]) if sound else {}
    for job in sound:
        writer.set_plan(job, present.get(job.external_id))
    return sound


def _known_products(upsert: RecordUpsert) -> list[str]:
    """Products that an order at Yotpo surely names: those of its wanted lines, where no line differs."""
    changed = upsert.plan.changed if upsert.plan else ()
    return [] if "line_items" in changed else _product_ids(upsert)


def _product_ids(upsert: RecordUpsert) -> list[str]:
    return [str(line["external_product_id"]) for line in upsert.payload.get("line_items") or ()]


def _create_missing_products(catalog: ProductCatalog, upserts: list[RecordUpsert], *, dry_run: bool) -> None:
    """Create the products that orders to be written need and the store hasn't."""
    needing = [job for job in upserts if job.plan and "line_items" in job.plan.payload]
    if not (missing := set(catalog.missing(key for job in needing for key in _product_ids(job)))):
        return
    payloads: dict[str, Mapping[str, Any]] = {}
    for job in needing:
        lacking = [key for key in _product_ids(job) if key in missing]
        if lacking:
            job.notes.append(f"products {'to create' if dry_run else 'created'} first: {', '.join(lacking[:20])}")
        payloads.update({key: job.products.get(key, {"external_id": key}) for key in lacking})
    if not dry_run:
        catalog.create(payloads)


def _order_outcome(writer: RecordWriter, catalog: ProductCatalog, upsert: RecordUpsert, dry_run: bool) -> Outcome:
    if upsert.outcome is not None:
        return upsert.outcome
    if dry_run:
        return writer.planned_outcome(upsert)
    needs = _product_ids(upsert) if upsert.plan and "line_items" in upsert.plan.payload else ()
    if fault := catalog.error_for(needs):
        return writer.reject(upsert, fault)
    return writer.write(upsert)
