"""Writing one record: create or update it, and what to do about the three answers that are no refusal of the record.

It exists already (409), its id is no longer valid (404), it names unknown products: each is mended once, then it counts
as a refusal. Every other error is the caller's. Knows no batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_partners.api.messages import Record
from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError
from airflow_provider_partners.sync.lookup import Lookup
from airflow_provider_partners.sync.outcomes import Kind, Outcome, rejected
from airflow_provider_partners.sync.plan import Plan
from airflow_provider_partners.sync.store import unknown_products, yotpo_id


@dataclass(slots=True)
class Job:
    """One record on its way.

    :param record: as it was given
    :param wanted: the payload Yotpo should have
    :param products: payloads of the products it names, by external id
    :param verdict: the outcome, where it was known before anything was sent
    """

    external_id: str
    record: Mapping[str, Any]
    wanted: dict[str, Any] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plan: Plan | None = None
    yotpo_id: int | None = None
    verdict: Outcome | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Writer:
    """How records of one kind are planned and written.

    :param create: sends a new record; Yotpo's id of it
    :param update: sends the differing properties
    :param restore: creates the products a refusal names
    """

    kind: Kind
    lookup: Lookup
    plan: Callable[[Mapping[str, Any], Record | None], Plan]
    create: Callable[[dict[str, Any]], int]
    update: Callable[[int, dict[str, Any]], None]
    restore: Callable[[list[str], Mapping[str, Mapping[str, Any]]], None] | None = None

    def prepare(self, job: Job, present: Record | None) -> Plan:
        """Plan a job against what Yotpo has."""
        job.yotpo_id = yotpo_id(present) if present is not None else None
        job.plan = self.plan(job.wanted, present)
        return job.plan

    def rehearse(self, job: Job) -> Outcome:
        """What would become of a planned job."""
        action = {"create": "would_create", "update": "would_update"}.get(self._planned(job).action, "unchanged")
        return self._outcome(job, action)

    def write(self, job: Job) -> Outcome:
        """Carry out a planned job."""
        mended: set[str] = set()
        while True:
            try:
                return self._send(job)
            except RejectedError as error:
                try:
                    cause = self._mend(job, error, mended)
                except RejectedError as further:
                    return self.refuse(job, further)
                if cause is None:
                    return self.refuse(job, error)
                mended.add(cause)

    def refuse(self, job: Job, reason: str | RejectedError) -> Outcome:
        """The outcome of a job that is set aside."""
        return rejected(
            self.kind,
            job.external_id,
            job.record,
            reason,
            yotpo_id=job.yotpo_id,
            suppressed=job.suppressed,
            notes=job.notes,
        )

    def _send(self, job: Job) -> Outcome:
        plan = self._planned(job)
        if plan.action == "create":
            job.yotpo_id = self.create(plan.payload)
            return self._outcome(job, "created")
        if plan.action == "update" and job.yotpo_id is not None:
            self.update(job.yotpo_id, plan.payload)
            return self._outcome(job, "updated")
        return self._outcome(job, "unchanged")

    def _mend(self, job: Job, error: RejectedError, mended: set[str]) -> str | None:
        """Remove the cause of an answer; its name, or None where it is a refusal or was mended before."""
        action = self._planned(job).action
        products = unknown_products(error)
        if products is not None and self.restore is not None and "products" not in mended:
            self.restore(products or list(job.products), job.products)
            job.notes.append("products that Yotpo didn't know were created again")
            return "products"
        if isinstance(error, ConflictError) and action == "create" and "conflict" not in mended:
            present = self.lookup.after_conflict(job.external_id)
            if present is None:
                message = f"Yotpo says that this {self.kind} exists (409), and doesn't find it by its external id"
                raise RejectedError(message, partner=error.partner, status=409, request_id=error.request_id)
            self.prepare(job, present)
            return "conflict"
        if isinstance(error, NotFoundError) and products is None and action == "update" and "id" not in mended:
            self.prepare(job, self.lookup.one(job.external_id))
            return "id"
        return None

    def _planned(self, job: Job) -> Plan:
        if job.plan is None:
            message = f"the {self.kind} was not planned"
            raise ValueError(message)
        return job.plan

    def _outcome(self, job: Job, action: Any) -> Outcome:
        return Outcome(
            self.kind,
            job.external_id,
            action,
            yotpo_id=job.yotpo_id,
            suppressed=job.suppressed,
            changed=list(self._planned(job).changed),
            notes=job.notes,
        )
