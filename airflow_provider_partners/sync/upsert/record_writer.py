"""Writing one record: create or update it, and what to do about the three answers that are no refusal of the record.

It exists already (409), its id is no longer valid (404), it names unknown products: each is mended once, then it counts
as a refusal. Every other error is the caller's. Knows no batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.outcomes import Outcome, RecordKind, rejected_outcome
from airflow_provider_partners.sync.upsert.lookup import UpsertLookup
from airflow_provider_partners.sync.upsert.plan import WritePlan
from airflow_provider_partners.sync.upsert.store import unknown_products, yotpo_id


@dataclass(slots=True)
class RecordUpsert:
    """One record on its way.

    :param record: as it was given
    :param payload: the payload Yotpo should have
    :param products: payloads of the products it names, by external id
    :param outcome: the outcome, where it was known before anything was sent
    """

    external_id: str
    record: Mapping[str, Any]
    payload: dict[str, Any] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plan: WritePlan | None = None
    yotpo_id: int | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordWriter:
    """How records of one kind are planned and written.

    :param create: sends a new record; Yotpo's id of it
    :param update: sends the differing properties
    :param create_missing_products: creates the products a refusal names
    """

    record_kind: RecordKind
    lookup: UpsertLookup
    plan: Callable[[Mapping[str, Any], Record | None], WritePlan]
    create: Callable[[dict[str, Any]], int]
    update: Callable[[int, dict[str, Any]], None]
    create_missing_products: Callable[[list[str], Mapping[str, Mapping[str, Any]]], None] | None = None

    def set_plan(self, upsert: RecordUpsert, present: Record | None) -> WritePlan:
        """Plan a job against what Yotpo has."""
        upsert.yotpo_id = yotpo_id(present) if present is not None else None
        upsert.plan = self.plan(upsert.payload, present)
        return upsert.plan

    def planned_outcome(self, upsert: RecordUpsert) -> Outcome:
        """What would become of a planned job."""
        action = {"create": "would_create", "update": "would_update"}.get(
            self._require_plan(upsert).action, "unchanged"
        )
        return self._outcome(upsert, action)

    def write(self, upsert: RecordUpsert) -> Outcome:
        """Carry out a planned job."""
        mended: set[str] = set()
        while True:
            try:
                return self._send(upsert)
            except RejectedError as error:
                try:
                    cause = self._recover(upsert, error, mended)
                except RejectedError as further:
                    return self.reject(upsert, further)
                if cause is None:
                    return self.reject(upsert, error)
                mended.add(cause)

    def reject(self, upsert: RecordUpsert, reason: str | RejectedError) -> Outcome:
        """The outcome of a job that is set aside."""
        return rejected_outcome(
            self.record_kind,
            upsert.external_id,
            upsert.record,
            reason,
            yotpo_id=upsert.yotpo_id,
            suppressed=upsert.suppressed,
            notes=upsert.notes,
        )

    def _send(self, upsert: RecordUpsert) -> Outcome:
        plan = self._require_plan(upsert)
        if plan.action == "create":
            upsert.yotpo_id = self.create(plan.payload)
            return self._outcome(upsert, "created")
        if plan.action == "update" and upsert.yotpo_id is not None:
            self.update(upsert.yotpo_id, plan.payload)
            return self._outcome(upsert, "updated")
        return self._outcome(upsert, "unchanged")

    def _recover(self, upsert: RecordUpsert, error: RejectedError, recovered: set[str]) -> str | None:
        """Remove the cause of an answer; its name, or None where it is a refusal or was mended before."""
        action = self._require_plan(upsert).action
        products = unknown_products(error)
        if products is not None and self.create_missing_products is not None and "products" not in recovered:
            self.create_missing_products(products or list(upsert.products), upsert.products)
            upsert.notes.append("products that Yotpo didn't know were created again")
            return "products"
        if isinstance(error, ConflictError) and action == "create" and "conflict" not in recovered:
            present = self.lookup.after_conflict(upsert.external_id)
            if present is None:
                message = (
                    f"Yotpo says that this {self.record_kind} exists (409), and doesn't find it by its external id"
                )
                raise RejectedError(message, partner=error.partner, status=409, request_id=error.request_id)
            self.set_plan(upsert, present)
            return "conflict"
        if isinstance(error, NotFoundError) and products is None and action == "update" and "id" not in recovered:
            self.set_plan(upsert, self.lookup.one(upsert.external_id))
            return "id"
        return None

    def _require_plan(self, upsert: RecordUpsert) -> WritePlan:
        if upsert.plan is None:
            message = f"the {self.record_kind} was not planned"
            raise ValueError(message)
        return upsert.plan

    def _outcome(self, upsert: RecordUpsert, action: Any) -> Outcome:
        return Outcome(
            self.record_kind,
            upsert.external_id,
            action,
            yotpo_id=upsert.yotpo_id,
            suppressed=upsert.suppressed,
            changed=list(self._require_plan(upsert).changed),
            notes=upsert.notes,
        )
