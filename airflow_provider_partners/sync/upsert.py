"""Bring orders and products into a Yotpo store: look up a batch, plan, write what differs, tell the outcome of each.

Nothing is doubled and nothing is written that is already there, so a run can be repeated at any time. Errors that
concern the run and not a record (credentials, throttling, network) go to the caller; outcomes given before stay true.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from airflow_provider_partners.sync.catalogue import Catalogue
from airflow_provider_partners.sync.lookup import LOOKUP_SIZE, Lookup
from airflow_provider_partners.sync.models import Order, Product
from airflow_provider_partners.sync.outcomes import Outcome
from airflow_provider_partners.sync.payload import PayloadError
from airflow_provider_partners.sync.plan import plan_write
from airflow_provider_partners.sync.side_by_side import in_order
from airflow_provider_partners.sync.store import YotpoStore
from airflow_provider_partners.sync.upsert_fulfillments import upsert_fulfillments
from airflow_provider_partners.sync.writing import Job, Writer

__all__ = ["upsert_fulfillments", "upsert_orders", "upsert_products"]

Sleep = Callable[[float], None]


def upsert_orders(
    client: YotpoStore,
    built: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    done: Container[str] = (),
    workers: int = 1,
    with_fulfillments: bool = True,
    batch_size: int = LOOKUP_SIZE,
    sleep: Sleep = time.sleep,
) -> Iterator[Outcome]:
    """Create or update orders with their line items and fulfillments, and the products they need.

    An order that comes twice is sent as it came last. New orders cost one call each and two per batch, unchanged ones
    one per batch.

    :param client: of one store
    :param built: records of ``build``, or rejects of an earlier run
    :param dry_run: look up and plan, write nothing
    :param done: external ids that are left alone without a call, such as those an earlier try has dealt with
    :param workers: writes side by side within a batch. They concern different orders; outcomes keep their order
    :param with_fulfillments: False leaves fulfillments to :func:`upsert_fulfillments`
    :param batch_size: orders looked up in one call, at most 100
    :param sleep: for the short waits after a conflict
    :returns: one outcome for each order, as soon as it is known
    """
    catalogue = Catalogue(client, sleep=sleep, workers=workers)
    writer = Writer(
        kind="order",
        lookup=Lookup(what="orders", find=client.orders, sleep=sleep, workers=workers),
        plan=plan_write,
        create=client.create_order,
        update=client.update_order,
        restore=catalogue.restore,
    )
    for batch in _batches(built, done, batch_size):
        jobs = [_order_job(writer, record, with_fulfillments=with_fulfillments) for record in batch]
        sound = _planned(writer, jobs)
        for job in sound:
            if job.yotpo_id is not None:
                catalogue.note(_products_at_yotpo(job))
        _provide_products(catalogue, sound, dry_run=dry_run)
        yield from in_order(lambda job: _order_outcome(writer, catalogue, job, dry_run), jobs, workers=workers)


def upsert_products(
    client: YotpoStore,
    products: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = LOOKUP_SIZE,
    sleep: Sleep = time.sleep,
) -> Iterator[Outcome]:
    """Create or update products.

    :param products: payloads; one that comes twice is sent as it came last
    :param skip: external ids that are left alone without a call
    """
    writer = Writer(
        kind="product",
        lookup=Lookup(what="products", find=client.products, sleep=sleep, workers=workers),
        plan=plan_write,
        create=client.create_product,
        update=client.update_product,
    )
    for batch in _batches(products, skip, batch_size):
        jobs = [_product_job(writer, record) for record in batch]
        _planned(writer, jobs)
        act = writer.rehearse if dry_run else writer.write
        yield from in_order(lambda job, act=act: job.verdict or act(job), jobs, workers=workers)  # type: ignore[misc]


def _batches(
    records: Iterable[Mapping[str, Any]], leave: Container[str], size: int
) -> Iterator[list[Mapping[str, Any]]]:
    """Records in batches, each external id once per batch: the last one, at its place."""
    wanted = (record for record in records if str(record.get("external_id")) not in leave)
    while rows := list(islice(wanted, min(size, LOOKUP_SIZE))):
        last = {str(row.get("external_id") or id(row)): place for place, row in enumerate(rows)}
        yield [row for place, row in enumerate(rows) if last[str(row.get("external_id") or id(row))] == place]


def _order_job(writer: Writer, record: Mapping[str, Any], *, with_fulfillments: bool) -> Job:
    payload = record.get("order")
    wanted = dict(payload) if isinstance(payload, Mapping) else {}
    if not with_fulfillments:
        wanted.pop("fulfillments", None)
    job = Job(
        str(record.get("external_id") or ""),
        record,
        wanted,
        {str(row["external_id"]): dict(row) for row in record.get("products") or () if row.get("external_id")},
        list(record.get("suppressed") or ()),
    )
    return _checked(writer, job, Order)


def _product_job(writer: Writer, record: Mapping[str, Any]) -> Job:
    wanted = {name: value for name, value in record.items() if name != "rejected" and value is not None}
    return _checked(writer, Job(str(record.get("external_id") or ""), record, wanted), Product)


def _checked(writer: Writer, job: Job, model: type[Order | Product]) -> Job:
    """The job, set aside already where its payload breaks the rules."""
    try:
        model.checked(job.wanted)
    except PayloadError as error:
        job.verdict = writer.refuse(job, error)
    else:
        if job.wanted["external_id"] != job.external_id:
            job.verdict = writer.refuse(job, "external_id: differs from that of the payload")
    return job


def _planned(writer: Writer, jobs: list[Job]) -> list[Job]:
    """Look up and plan the jobs that are sound; these."""
    sound = [job for job in jobs if job.verdict is None]
    present = writer.lookup.batch([job.external_id for job in sound]) if sound else {}
    for job in sound:
        writer.prepare(job, present.get(job.external_id))
    return sound


def _products_at_yotpo(job: Job) -> list[str]:
    """Products that an order at Yotpo surely names: those of its wanted lines, where no line differs."""
    changed = job.plan.changed if job.plan else ()
    return [] if "line_items" in changed else _named(job)


def _named(job: Job) -> list[str]:
    return [str(line["external_product_id"]) for line in job.wanted.get("line_items") or ()]


def _provide_products(catalogue: Catalogue, jobs: list[Job], *, dry_run: bool) -> None:
    """Create the products that orders to be written need and the store hasn't."""
    needing = [job for job in jobs if job.plan and "line_items" in job.plan.payload]
    if not (missing := set(catalogue.missing(key for job in needing for key in _named(job)))):
        return
    payloads: dict[str, Mapping[str, Any]] = {}
    for job in needing:
        lacking = [key for key in _named(job) if key in missing]
        if lacking:
            job.notes.append(f"products {'to create' if dry_run else 'created'} first: {', '.join(lacking[:20])}")
        payloads.update({key: job.products.get(key, {"external_id": key}) for key in lacking})
    if not dry_run:
        catalogue.create(payloads)


def _order_outcome(writer: Writer, catalogue: Catalogue, job: Job, dry_run: bool) -> Outcome:
    if job.verdict is not None:
        return job.verdict
    if dry_run:
        return writer.rehearse(job)
    needs = _named(job) if job.plan and "line_items" in job.plan.payload else ()
    if fault := catalogue.fault(needs):
        return writer.refuse(job, fault)
    return writer.write(job)
