"""Bring fulfillments into a Yotpo store apart from their orders.

The orders must exist. The fulfillments inside an order carry no Yotpo id, so the list of an order's fulfillments is
read where something differs. External ids match the two. Nothing else of the order is changed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.yotpo.resources import yotpo_id_of
from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.outcomes import (
    WRITTEN,
    Action,
    Outcome,
    WriteJournal,
    as_begun,
    earlier_outcome,
    rejected_outcome,
)
from airflow_provider_partners.sync.payload.models import Fulfillment, Order
from airflow_provider_partners.sync.payload.repairs import to_id
from airflow_provider_partners.sync.plain_records import is_built, merge_records, parse_fulfillments, record_id
from airflow_provider_partners.sync.staleness import ORDER, VersionGuard, VersionLog
from airflow_provider_partners.sync.upsert.changes import describe_changes
from airflow_provider_partners.sync.upsert.plan import WritePlan, index_by_merge_key, plan_write
from airflow_provider_partners.sync.upsert.record_writer import BATCH_SIZE, LISTS, is_collection, malformed_part
from airflow_provider_partners.sync.upsert.settlement import Settlement
from airflow_provider_partners.versions import Version

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient

__all__ = ["upsert_fulfillments"]

_COMPLETE: Mapping[str, Any] = {"fulfillment_date": "", "status": "", "fulfilled_items": ()}
"""An update of a fulfillment sends what changes, so nothing is missing from it."""


def upsert_fulfillments(
    client: YotpoClient,
    built_orders: Iterable[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    skip: Container[str] = (),
    workers: int = 1,
    batch_size: int = BATCH_SIZE,
    versions: VersionLog | None = None,
    journal: WriteJournal | None = None,
) -> Iterator[Outcome]:
    """Create or update the fulfillments of orders that exist in Yotpo.

    :param client: of one store
    :param built_orders: records of :func:`~airflow_provider_partners.sync.build.build_orders`, or plain ones: an order
        with its fulfillments, or a fulfillment with its order's id as ``order_external_id``. Several records of one
        order in a batch, such as one per fulfillment, are merged; of those with one fulfillment, the last counts
    :param dry_run: look up and plan, write nothing
    :param skip: fulfillments to leave out, each as ``order/fulfillment`` of their external ids
    :param workers: orders in parallel; the fulfillments of one order follow each other
    :param batch_size: orders that are looked up in one call, at most 100
    :param versions: the store's log, as for ``upsert_orders``. Both share the versions of the orders
    :param journal: of the task, as for ``upsert_orders``
    :returns: one outcome for each fulfillment. A rejected one can be replayed here or with its order
    """
    lookup = client.lookup("orders")
    guard = VersionGuard(versions, "order", dry_run=dry_run)
    records_of_orders = (
        record if malformed_part(record) or is_built(record) else parse_fulfillments(record) for record in built_orders
    )
    remaining = (
        record for record in records_of_orders if _malformed_part(record) or _fulfillments_to_write(record, skip)
    )

    def rewrite(record: Mapping[str, Any]) -> bool:
        order = lookup.find_one(record_id(record))
        outcomes = _OrderFulfillments(client, guard, record, order).upsert(
            _fulfillments_to_write(record, ()), dry_run=False
        )
        return any(outcome.action in {"created", "updated"} for outcome in outcomes)

    settlement = Settlement(guard, rewrite)
    while records := list(islice(remaining, min(batch_size, BATCH_SIZE))):
        for record in records:
            if reason := _malformed_part(record):
                yield rejected_outcome("fulfillment", "", record, reason)
        batch = _merged_records(record for record in records if not _malformed_part(record))
        versions_of = {record_id(record): record.get("version") or {} for record in batch}
        guard.claim(versions_of)
        guard.begin(versions_of)
        orders = lookup.find([record_id(record) for record in batch], workers=workers)

        def upsert(
            record: Mapping[str, Any], orders: dict[str, Record] = orders, *, dry_run: bool = dry_run
        ) -> list[Outcome]:
            order = orders.get(record_id(record))
            fulfillments = _fulfillments_to_write(record, skip)
            return _OrderFulfillments(client, guard, record, order, journal).upsert(fulfillments, dry_run=dry_run)

        if journal is not None:
            plans = [outcome for record in batch for outcome in upsert(record, dry_run=True)]
            journal.begin({each.key: _begun(each, journal) for each in plans if each.action in WRITTEN})

        for outcomes in settlement.results(upsert, batch, sent=_sent_version, workers=workers):
            yield from outcomes


def _begun(planned: Outcome, journal: WriteJournal) -> Record:
    """Return the outcome that a planned write will have, or was about to have in an earlier try."""
    return (earlier_outcome(journal, planned.key) or replace(planned, action=WRITTEN[planned.action])).to_dict()


def _sent_version(record: Mapping[str, Any]) -> tuple[str, Version]:
    # A call of any of its fulfillments, in this try or an earlier one.
    return record_id(record), record.get("version") or {}


def _malformed_part(record: Any) -> str | None:
    """Return why the fulfillments of a record can't be read, without its data; ``None`` if they can."""
    if reason := malformed_part(record):
        return reason
    order = record.get("order") or {}
    if not isinstance(order, Mapping):
        return "order: must be an object"
    if record.get("partial") and not record_id(record):
        return "order_external_id: required"
    fulfillments = order.get("fulfillments")
    if fulfillments is not None and not is_collection(fulfillments, LISTS, Mapping):
        return "order.fulfillments: must be a list of objects"
    return None


def _merged_records(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one record per order, with the fulfillments of all its records."""
    merged: dict[str, Mapping[str, Any]] = {}
    for record in records:
        external_id = record_id(record)
        earlier = merged.get(external_id)
        if earlier is not None:
            fulfillments = {
                str(fulfillment.get("external_id")): fulfillment
                for fulfillment in (*_fulfillments_to_write(earlier, ()), *_fulfillments_to_write(record, ()))
            }
            if record.get("partial"):
                both = [earlier.get("order") or {}, record.get("order") or {}]
                fulfillments = index_by_merge_key(merge_records(both).get("fulfillments"), "fulfillments")
            record = {**record, "order": {**record["order"], "fulfillments": list(fulfillments.values())}}
        merged[external_id] = record
    return list(merged.values())


def _fulfillments_to_write(record: Mapping[str, Any], skip: Container[str]) -> list[dict[str, Any]]:
    order = record.get("order")
    fulfillments = order.get("fulfillments") or [] if isinstance(order, Mapping) else []
    order_id = record_id(record)
    return [each for each in fulfillments if f"{order_id}/{to_id(each.get('external_id'))}" not in skip]


class _OrderFulfillments:
    """The fulfillments of one order.

    :param order: Yotpo's order, ``None`` when Yotpo doesn't have it
    :param journal: of the task
    """

    def __init__(
        self,
        client: YotpoClient,
        guard: VersionGuard,
        record: Mapping[str, Any],
        order: Record | None,
        journal: WriteJournal | None = None,
    ) -> None:
        self._client = client
        self._guard = guard
        self._record = record
        self._order = order
        self._journal = journal
        self._order_external_id = record_id(record)
        self._fulfillments: dict[str, Any] | None = None

    def upsert(self, fulfillments: list[dict[str, Any]], *, dry_run: bool) -> list[Outcome]:
        """Return each fulfillment's outcome."""
        embedded = index_by_merge_key((self._order or {}).get("fulfillments"), "fulfillments")
        return [self._upsert_one(fulfillment, embedded, dry_run=dry_run) for fulfillment in fulfillments]

    def _upsert_one(self, payload: dict[str, Any], embedded: Mapping[str, Any], *, dry_run: bool) -> Outcome:
        comparison = self._guard.compare_again(self._order_external_id, self._record.get("version") or {})
        # A fulfillment depends on the order alone; what Yofi has found since does not matter.
        if comparison.is_forgotten or ORDER in comparison.newer_sources:
            return self._stale_outcome(payload, comparison.reason)
        if self._order is None:
            return self._reject(payload, "its order isn't in Yotpo: upsert orders before their fulfillments")
        try:
            payload = Fulfillment.validate_body(payload, "partial").payload()
            plan = self._plan(payload, embedded.get(str(payload.get("external_id"))))
        except RejectedError as error:
            return self._reject(payload, error)
        unchanged = self._outcome(payload, "unchanged", plan)
        begun = earlier_outcome(self._journal, unchanged.key)
        if plan.action == "unchanged" and (begun is None or dry_run):
            return unchanged
        if dry_run:
            present = embedded.get(str(payload.get("external_id")))
            action: Action = "would_create" if plan.action == "create" else "would_update"
            return self._outcome(payload, action, plan, present=present)
        try:
            # Only the order's list has the id of what an earlier try has written.
            return as_begun(self._write(payload), begun)
        except RejectedError as error:
            return self._reject(payload, error)

    def _plan(self, payload: dict[str, Any], present: Record | None) -> WritePlan:
        """Return the write of a fulfillment.

        :raises RejectedError: when it is new, and lacks what Yotpo needs, or names products that the order lacks
        """
        plan = plan_write(payload, present, partial_of=Fulfillment if self._record.get("partial") else None)
        if plan.action == "create":
            Fulfillment.validate_body(plan.payload, "create")
        Order.check_update({"fulfillments": [{**_COMPLETE, **plan.payload}]}, self._order or {})
        return plan

    def _write(self, payload: dict[str, Any], *, is_retry: bool = False) -> Outcome:
        """Create or update by the order's list of fulfillments; once more where the list was out of date."""
        order_id = self._order_id()
        present = self._by_external_id().get(str(payload["external_id"]))
        plan = self._plan(payload, present)
        try:
            if present is None:
                yotpo_id = self._client.create_fulfillment(order_id, plan.payload)
                return self._outcome(payload, "created", plan, yotpo_id)
            yotpo_id = yotpo_id_of(present)
            if plan.action == "update":
                self._client.update_fulfillment(order_id, yotpo_id, plan.payload)
                return self._outcome(payload, "updated", plan, yotpo_id, present=present)
            return self._outcome(payload, "unchanged", plan, yotpo_id)
        except (ConflictError, NotFoundError):
            if is_retry:
                raise
            self._fulfillments = None
            return self._write(payload, is_retry=True)

    def _by_external_id(self) -> dict[str, Any]:
        if self._fulfillments is None:
            self._fulfillments = index_by_merge_key(self._client.fulfillments(self._order_id()), "fulfillments")
        return self._fulfillments

    def _order_id(self) -> int:
        return yotpo_id_of(self._order or {})

    def _outcome(
        self,
        payload: dict[str, Any],
        action: Action,
        plan: WritePlan,
        yotpo_id: int | None = None,
        *,
        present: Record | None = None,
    ) -> Outcome:
        changed = list(plan.changed)
        return Outcome(
            "fulfillment",
            str(payload["external_id"]),
            action,
            yotpo_id=yotpo_id,
            changed=changed,
            notes=list(self._record.get("notes") or ()) if self._record.get("partial") else [],
            order_id=self._order_external_id,
            values=[] if action == "unchanged" else describe_changes(plan, present, kind="fulfillment"),
        )

    def _stale_outcome(self, payload: dict[str, Any], reason: str) -> Outcome:
        external_id = str(payload.get("external_id"))
        return Outcome("fulfillment", external_id, "stale", reason=reason, order_id=self._order_external_id)

    def _reject(self, payload: dict[str, Any], reason: str | RejectedError) -> Outcome:
        # The reject holds the whole order: fulfillments of it that are right cost nothing when it is replayed.
        external_id = str(to_id(payload.get("external_id")))
        return rejected_outcome("fulfillment", external_id, self._record, reason, order_id=self._order_external_id)
