"""Bring orders into a Yotpo store: look up a batch, plan each order, write what differs, and report each outcome.

Nothing is written twice and nothing that is there already, so a run can be repeated at any time. Errors that concern
the run and not a record (credentials, throttling, network) go to the caller. Earlier outcomes stay true.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.clock import SYSTEM_CLOCK
from airflow_provider_partners.sync.old_orders import OLD_AFTER_MONTHS, age_note, is_too_old
from airflow_provider_partners.sync.outcomes import Outcome, WriteJournal
from airflow_provider_partners.sync.payload.models import Order
from airflow_provider_partners.sync.plain_records import PlainOrder, is_built, parse_order, record_id
from airflow_provider_partners.sync.staleness import VersionGuard, VersionLog
from airflow_provider_partners.sync.upsert.catalog import ProductCatalog
from airflow_provider_partners.sync.upsert.record_writer import (
    BATCH_SIZE,
    RecordUpsert,
    RecordWriter,
    Sleep,
    malformed_part,
    record_batches,
)
from airflow_provider_partners.sync.upsert.settlement import Settlement, sent_version

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient

__all__ = ["upsert_orders"]


def upsert_orders(
    client: YotpoClient,
    built_orders: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    with_fulfillments: bool = True,
    batch_size: int = BATCH_SIZE,
    sleep: Sleep = SYSTEM_CLOCK.sleep,
    versions: VersionLog | None = None,
    journal: WriteJournal | None = None,
    personal_values: bool = False,
) -> Iterator[Outcome]:
    """Create or update orders with their line items and fulfillments, and the products they need.

    Of built records with one external id, the last counts; plain ones are merged. A new order costs one call, and a
    batch of them two more. A batch of unchanged orders costs one call.

    :param client: of one store
    :param built_orders: records of :func:`~airflow_provider_partners.sync.build.build_orders`, plain orders (see
        :mod:`airflow_provider_partners.sync.plain_records`), or rejects of an earlier run. A plain record of an order
        that Yotpo has needs no more than its id and what changes
    :param dry_run: look up and plan, write nothing
    :param skip: external ids to leave out without a call, such as those that an earlier try has written
    :param workers: parallel writes within a batch. They concern different orders, and outcomes keep their order
    :param with_fulfillments: False leaves fulfillments to
        :func:`~airflow_provider_partners.sync.upsert.fulfillments.upsert_fulfillments`
    :param batch_size: orders that are looked up in one call, at most 100
    :param sleep: waits a number of seconds after a conflict
    :param versions: the store's log, by which an order that is older than what was written ends as stale; ``None``
        writes without comparing
    :param journal: remembers what is about to be written, so that a retry after a kill knows the outcomes of calls that
        have arrived; ``None`` calls their records unchanged
    :param personal_values: do not mask personal values in what outcomes say of the values before and after
    :returns: one outcome for each order, as soon as it is known
    """
    catalog = ProductCatalog(client, sleep=sleep, workers=workers, dry_run=dry_run)
    writer = RecordWriter(
        record_kind="order",
        model=Order,
        guard=VersionGuard(versions, "order", dry_run=dry_run),
        lookup=client.lookup("orders"),
        create=client.create_order,
        update=client.update_order,
        create_missing_products=catalog.create_missing,
        sleep=sleep,
        workers=workers,
        personal_values=personal_values,
        journal=journal,
    )

    def rewrite(record: Mapping[str, Any]) -> bool:
        return writer.rewrite(_order_upsert(record, with_fulfillments=with_fulfillments))

    settlement = Settlement(writer.guard, rewrite)
    for batch in record_batches(built_orders, skip=skip, size=batch_size, envelope="order"):
        upserts = [
            writer.malformed_upsert(record, reason)
            if (reason := malformed_part(record))
            else _order_upsert(record, with_fulfillments=with_fulfillments)
            for record in batch
        ]
        for upsert in upserts:
            writer.validate(upsert)
        planned = writer.plan_batch(upserts)
        for upsert in planned:
            if upsert.yotpo_id is not None:
                catalog.mark_known(_products_at_yotpo(upsert))
        missing = _missing_products(catalog, planned)
        notes = partial(_product_notes, catalog, missing, dry_run=dry_run)
        writer.begin(planned, notes)
        catalog.create(missing)
        for upsert in planned:
            upsert.notes += notes(upsert)
        write = partial(_upsert_order, writer, catalog, dry_run=dry_run)
        yield from settlement.results(write, upserts, sent=sent_version, workers=workers)


def _order_upsert(record: Mapping[str, Any], *, with_fulfillments: bool) -> RecordUpsert:
    if is_built(record):
        order = record.get("order")
        plain = PlainOrder(dict(order) if isinstance(order, Mapping) else {})
        plain.products = {
            str(product["external_id"]): dict(product)
            for product in record.get("products") or ()
            if product.get("external_id")
        }
    else:
        plain = parse_order(record)
    if not with_fulfillments:
        plain.payload.pop("fulfillments", None)
    return RecordUpsert(
        external_id=record_id(record, "order"),
        record=record,
        payload=plain.payload,
        products=plain.products,
        suppressed=list(record.get("suppressed") or ()),
        notes=[*plain.notes, *_age_notes(record, plain.payload)],
        version=record.get("version") or {},
        unmanaged=frozenset() if with_fulfillments else frozenset({"fulfillments"}),
        is_partial=not is_built(record),
    )


def _age_notes(record: Mapping[str, Any], payload: Mapping[str, Any]) -> list[str]:
    """Return the note of an order that is too old for a review request. A built order has it from its build."""
    if is_built(record):
        return list(record.get("outcome_notes") or ())
    is_old = is_too_old(payload.get("order_date"), now=datetime.now(UTC), months=OLD_AFTER_MONTHS)
    return [age_note(OLD_AFTER_MONTHS)] if is_old else []


def _products_at_yotpo(upsert: RecordUpsert) -> list[str]:
    """Return products that surely exist: those of the order's lines, if Yotpo's order has the same lines."""
    changed = upsert.plan.changed if upsert.plan else ()
    return [] if "line_items" in changed else _product_ids(upsert)


def _product_ids(upsert: RecordUpsert) -> list[str]:
    return [str(line["external_product_id"]) for line in upsert.payload.get("line_items") or ()]


def _sends_lines(upsert: RecordUpsert) -> bool:
    return upsert.plan is not None and "line_items" in upsert.plan.payload


def _missing_products(catalog: ProductCatalog, upserts: list[RecordUpsert]) -> dict[str, Mapping[str, Any]]:
    """Return the payloads of the products that the orders to write name and the store lacks, by external id."""
    with_lines = [upsert for upsert in upserts if _sends_lines(upsert)]
    missing = set(catalog.missing(product for upsert in with_lines for product in _product_ids(upsert)))
    payloads: dict[str, Mapping[str, Any]] = {}
    for upsert in with_lines:
        for product in _product_ids(upsert):
            payload = upsert.products.get(product, {})
            # An order may bring its product without a name, and another one the same product with it.
            if product in missing and (payload.get("name") or product not in payloads):
                payloads[product] = payload
    return payloads


def _product_notes(
    catalog: ProductCatalog, missing: Container[str], upsert: RecordUpsert, *, dry_run: bool
) -> list[str]:
    """Return the note about the products of an order that are created first."""
    products = _product_ids(upsert) if _sends_lines(upsert) else ()
    created = [each for each in products if each in missing and catalog.error_for([each]) is None]
    return [f"products {'to create' if dry_run else 'created'} first: {', '.join(created[:20])}"] if created else []


def _upsert_order(writer: RecordWriter, catalog: ProductCatalog, upsert: RecordUpsert, *, dry_run: bool) -> Outcome:
    if upsert.outcome is not None:
        return upsert.outcome
    if error := catalog.error_for(_product_ids(upsert) if _sends_lines(upsert) else ()):
        return writer.reject(upsert, error)
    return writer.planned_outcome(upsert) if dry_run else writer.write(upsert)
