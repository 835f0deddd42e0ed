"""Bring fulfillments into a Yotpo store by themselves, for those who sync them apart from their orders.

The orders must be there. Fulfillments inside an order carry no Yotpo id (schema of a reader of live stores), so an
order whose fulfillments differ is asked for their list, and they are told apart by external id. Doesn't touch anything
else of an order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from airflow_provider_partners.api.concurrency import map_in_order
from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.outcomes import Outcome, rejected_outcome
from airflow_provider_partners.sync.payload.models import Fulfillment
from airflow_provider_partners.sync.upsert.lookup import LOOKUP_BATCH_SIZE, UpsertLookup
from airflow_provider_partners.sync.upsert.plan import WritePlan, index_by_merge_key, plan_write
from airflow_provider_partners.sync.upsert.store import YotpoStore, yotpo_id


def upsert_fulfillments(
    client: YotpoStore,
    built_orders: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = LOOKUP_BATCH_SIZE,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Outcome]:
    """Create or update the fulfillments of orders that are in Yotpo already.

    :param built_orders: records of ``build``
    :param dry_run: look up and plan, write nothing
    :param skip: external ids of fulfillments that are left alone
    :param workers: orders side by side; the fulfillments of one follow each other
    :returns: one outcome for each fulfillment; a rejected one can be replayed here or with its order
    """
    lookup = UpsertLookup(resource_name="orders", find=client.orders, sleep=sleep, workers=workers)
    rest = (record for record in built_orders if _fulfillments_to_write(record, skip))
    while rows := list(islice(rest, min(batch_size, LOOKUP_BATCH_SIZE))):
        batch = list({str(row.get("external_id")): row for row in rows}.values())
        orders = lookup.batch([str(row.get("external_id")) for row in batch])

        def of_order(record: Mapping[str, Any], orders: dict[str, Record] = orders) -> list[Outcome]:
            order = orders.get(str(record.get("external_id")))
            return _OrderFulfillments(client, record, order).upsert(
                _fulfillments_to_write(record, skip), dry_run=dry_run
            )

        for outcomes in map_in_order(of_order, batch, workers=workers):
            yield from outcomes


def _fulfillments_to_write(record: Mapping[str, Any], skip: Container[str]) -> list[dict[str, Any]]:
    order = record.get("order")
    rows = order.get("fulfillments") or [] if isinstance(order, Mapping) else []
    return [row for row in rows if str(row.get("external_id")) not in skip]


class _OrderFulfillments:
    """The fulfillments of one order.

    :param order: as Yotpo gives it; None when it has none
    """

    def __init__(self, client: YotpoStore, record: Mapping[str, Any], order: Record | None) -> None:
        self._client = client
        self._record = record
        self._order = order
        self._fulfillments: dict[str, Any] | None = None

    def upsert(self, wanted: list[dict[str, Any]], *, dry_run: bool) -> list[Outcome]:
        """Each fulfillment's outcome."""
        if self._order is None:
            reason = "its order isn't in Yotpo: upsert orders before their fulfillments"
            return [self._reject(row, reason) for row in wanted]
        embedded = index_by_merge_key(self._order.get("fulfillments"), "fulfillments")
        return [self._upsert_one(row, embedded, dry_run=dry_run) for row in wanted]

    def _upsert_one(self, wanted: dict[str, Any], embedded: Mapping[str, Any], *, dry_run: bool) -> Outcome:
        if violations := Fulfillment.violations(wanted):
            return self._reject(wanted, f"breaks Yotpo's rules: {'; '.join(violations)}")
        plan = plan_write(wanted, embedded.get(str(wanted["external_id"])))
        if plan.action == "unchanged":
            return self._outcome(wanted, "unchanged", plan)
        if dry_run:
            return self._outcome(wanted, "would_create" if plan.action == "create" else "would_update", plan)
        try:
            return self._write(wanted)
        except RejectedError as error:
            return self._reject(wanted, error)

    def _write(self, wanted: dict[str, Any], *, is_retry: bool = False) -> Outcome:
        """Create or update by the list of the order's fulfillments; once more where the list was out of date."""
        order, key = self._order_id(), str(wanted["external_id"])
        present = self._by_external_id().get(key)
        plan = plan_write(wanted, present)
        try:
            if present is None:
                number = self._client.create_fulfillment(order, plan.payload)
                return self._outcome(wanted, "created", plan, number)
            number = yotpo_id(present)
            if plan.action == "update":
                self._client.update_fulfillment(order, number, plan.payload)
                return self._outcome(wanted, "updated", plan, number)
            return self._outcome(wanted, "unchanged", plan, number)
        except (ConflictError, NotFoundError):
            if is_retry:
                raise
            self._fulfillments = None
            return self._write(wanted, is_retry=True)

    def _by_external_id(self) -> dict[str, Any]:
        if self._fulfillments is None:
            self._fulfillments = index_by_merge_key(self._client.fulfillments(self._order_id()), "fulfillments")
        return self._fulfillments

    def _order_id(self) -> int:
        return yotpo_id(self._order or {})

    def _outcome(self, wanted: dict[str, Any], action: Any, plan: WritePlan, number: int | None = None) -> Outcome:
        changed = list(plan.changed)
        return Outcome("fulfillment", str(wanted["external_id"]), action, yotpo_id=number, changed=changed)

    def _reject(self, wanted: dict[str, Any], reason: str | RejectedError) -> Outcome:
        """Set aside with its whole order: what was right about that costs nothing when it is replayed."""
        return rejected_outcome("fulfillment", str(wanted.get("external_id")), self._record, reason)
