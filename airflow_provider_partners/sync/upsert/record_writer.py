"""Write one record: create or update it, and recover from three responses that are no rejection of the record.

The record exists already (409), its Yotpo id is no longer valid (404), or it names unknown products. Each is recovered
from once; the second time it is a rejection. Any other error goes to the caller, because it concerns the whole run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_partners.api.clock import SYSTEM_CLOCK
from airflow_provider_partners.api.yotpo.errors import UnknownProductsError
from airflow_provider_partners.api.yotpo.lookup import RecordLookup
from airflow_provider_partners.api.yotpo.resources import MAX_LOOKUP_IDS, yotpo_id_of
from airflow_provider_partners.exceptions import ConflictError, NotFoundError, RejectedError
from airflow_provider_partners.records import Record
from airflow_provider_partners.sync.outcomes import (
    WRITTEN,
    Action,
    Outcome,
    RecordKind,
    WriteJournal,
    as_begun,
    earlier_outcome,
    rejected_outcome,
)
from airflow_provider_partners.sync.payload.base import Payload, PayloadError
from airflow_provider_partners.sync.plain_records import is_built, merge_records, record_id, unwrap
from airflow_provider_partners.sync.staleness import Comparison, VersionGuard
from airflow_provider_partners.sync.upsert.changes import describe_changes
from airflow_provider_partners.sync.upsert.plan import WritePlan, plan_write
from airflow_provider_partners.versions import Version

Sleep = Callable[[float], None]
"""Waits a number of seconds."""

BATCH_SIZE = MAX_LOOKUP_IDS
"""Records that are looked up in one call."""


LISTS = (list, tuple)
"""Types of a list in a record."""

_PARTS: Mapping[str, tuple[Any, type, str]] = {
    "version": (Mapping, str, "an object with texts"),
    "products": (LISTS, Mapping, "a list of objects"),
    "suppressed": (LISTS, str, "a list of texts"),
}
"""What an upsert reads of a built record besides its payload: the type, that of its members, and both in words."""


def malformed_part(record: Any) -> str | None:
    """Return why a record can't be read, without its data; ``None`` if it can."""
    if not isinstance(record, Mapping):
        return "the record: must be an object"
    if isinstance(reason := record.get("unmappable"), str):
        return reason
    for name, (kind, member, description) in _PARTS.items():
        value = record.get(name)
        if value is not None and not is_collection(value, kind, member):
            return f"{name}: must be {description}"
    return None


def is_collection(value: Any, kind: Any, member: type) -> bool:
    """Return True if a value has this type, and each of its members (the values of a mapping) the other."""
    if not isinstance(value, kind):
        return False
    return all(isinstance(each, member) for each in (value.values() if isinstance(value, Mapping) else value))


@dataclass(slots=True)
class RecordUpsert:
    """One record between its input and its outcome.

    :param record: the input record
    :param payload: what Yotpo should have
    :param products: payloads of the products it names, by external id
    :param unmanaged: properties that another write takes care of
    :param is_partial: True if the payload may hold no more than what changes
    :param version: what the record was built from; empty if unknown
    :param comparison: of the version with what other tasks have written
    :param present: the record as Yotpo had it when the write was planned
    :param outcome: the outcome of a record that is rejected or stale before anything is sent
    :param begun: the outcome that an earlier try was about to reach
    :param is_sent: True once a call of it was, or may have been, on its way
    """

    external_id: str
    record: Mapping[str, Any]
    payload: dict[str, Any] = field(default_factory=dict)
    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unmanaged: frozenset[str] = frozenset()
    is_partial: bool = False
    version: Version = field(default_factory=dict)
    comparison: Comparison = field(default_factory=Comparison)
    plan: WritePlan | None = None
    yotpo_id: int | None = None
    present: Record | None = field(default=None, repr=False)
    outcome: Outcome | None = None
    begun: Outcome | None = None
    is_sent: bool = False


def _no_notes(_upsert: RecordUpsert) -> Sequence[str]:
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordWriter:
    """Validates, plans and writes the records of one kind.

    :param model: of a payload
    :param guard: says which records are older than what other tasks have written
    :param lookup: finds the records that Yotpo has
    :param create: creates a record and returns Yotpo's id of it
    :param update: changes the properties that differ
    :param check_create: raises ``RejectedError`` for a payload that is not to be created
    :param create_missing_products: creates the products that Yotpo called unknown
    :param workers: parallel lookups where the filter takes no list of ids
    :param personal_values: do not mask personal values in outcomes
    :param journal: of the task; ``None`` remembers nothing for a retry
    """

    record_kind: RecordKind
    model: type[Payload]
    guard: VersionGuard
    lookup: RecordLookup
    create: Callable[[dict[str, Any]], int]
    update: Callable[[int, dict[str, Any]], None]
    check_create: Callable[[Mapping[str, Any]], None] | None = None
    create_missing_products: Callable[[list[str], Mapping[str, Mapping[str, Any]]], None] | None = None
    sleep: Sleep = SYSTEM_CLOCK.sleep
    workers: int = 1
    personal_values: bool = False
    journal: WriteJournal | None = None

    def malformed_upsert(self, record: Any, reason: str) -> RecordUpsert:
        """Return the rejected upsert of a record that can't be read."""
        upsert = RecordUpsert(external_id=record_id(record), record=record)
        upsert.outcome = self.reject(upsert, reason)
        return upsert

    def validate(self, upsert: RecordUpsert) -> None:
        """Repair the payload, and reject a record that breaks Yotpo's rules, before any call.

        What only a create requires is checked when the record turns out to be new.
        """
        if upsert.outcome is not None:
            return
        try:
            upsert.payload = self.model.validate_body(upsert.payload, "partial").payload()
        except PayloadError as error:
            upsert.outcome = self.reject(upsert, error)
        else:
            if upsert.payload["external_id"] != upsert.external_id:
                upsert.outcome = self.reject(upsert, "external_id: differs from that of the payload")

    def plan_batch(self, upserts: Sequence[RecordUpsert]) -> list[RecordUpsert]:
        """Claim the records' versions, look up the valid and fresh ones in one call, plan them, and return them."""
        comparisons = self.guard.claim({upsert.external_id: upsert.version for upsert in upserts})
        for upsert in upserts:
            upsert.comparison = comparisons[upsert.external_id]
            upsert.is_sent = self.guard.was_sent(upsert.external_id, upsert.version)
            if upsert.outcome is None and upsert.comparison.is_stale:
                upsert.outcome = self._stale_outcome(upsert)
        fresh = [upsert for upsert in upserts if upsert.outcome is None]
        present = self.lookup.find([upsert.external_id for upsert in fresh], workers=self.workers)
        for upsert in fresh:
            self._set_plan(upsert, present.get(upsert.external_id))
            upsert.begun = earlier_outcome(self.journal, upsert.external_id)
        return [upsert for upsert in fresh if upsert.outcome is None]

    def begin(
        self, planned: Sequence[RecordUpsert], notes: Callable[[RecordUpsert], Sequence[str]] = _no_notes
    ) -> None:
        """Store what is about to be sent, for the next try. Call it before the first call.

        :param planned: from :meth:`plan_batch`
        :param notes: returns further notes of a record's outcome
        """
        writes = [upsert for upsert in planned if _plan_of(upsert).action != "unchanged"]
        self.guard.begin({upsert.external_id: upsert.version for upsert in writes})
        if self.journal is not None:
            outcomes = [
                upsert.begun or self._outcome(upsert, WRITTEN[_plan_of(upsert).action], notes(upsert))
                for upsert in writes
            ]
            self.journal.begin({outcome.key: outcome.to_dict() for outcome in outcomes})

    def rewrite(self, upsert: RecordUpsert) -> bool:
        """Write what Yotpo lacks of a build that may have been replaced. Return True if there was something to send."""
        self.validate(upsert)
        upsert.comparison = self.guard.compare_again(upsert.external_id, upsert.version)
        if upsert.outcome is None and not upsert.comparison.is_stale:
            self._set_plan(upsert, self.lookup.find_one(upsert.external_id))
        if upsert.outcome is not None or upsert.plan is None or upsert.plan.action == "unchanged":
            return False
        return self.write(upsert).action in {"created", "updated"}

    def planned_outcome(self, upsert: RecordUpsert) -> Outcome:
        """Return what a write would do, without a call."""
        actions: Mapping[str, Action] = {"create": "would_create", "update": "would_update"}
        return self._outcome(upsert, actions.get(_plan_of(upsert).action, "unchanged"))

    def write(self, upsert: RecordUpsert) -> Outcome:
        """Carry out the plan of a record and return the outcome."""
        recovered: set[str] = set()
        while True:
            try:
                return as_begun(self._send(upsert), upsert.begun)
            except RejectedError as error:
                try:
                    cause = self._recover(upsert, error, recovered)
                except RejectedError as second_error:
                    return self.reject(upsert, second_error)
                if cause is None:
                    return self.reject(upsert, error)
                recovered.add(cause)

    def reject(self, upsert: RecordUpsert, reason: str | RejectedError) -> Outcome:
        """Return the outcome of a record that Yotpo, or a rule, refuses."""
        return rejected_outcome(
            self.record_kind,
            upsert.external_id,
            upsert.record,
            reason,
            yotpo_id=upsert.yotpo_id,
            suppressed=upsert.suppressed,
            notes=upsert.notes,
        )

    def _set_plan(self, upsert: RecordUpsert, present: Record | None) -> None:
        upsert.yotpo_id = yotpo_id_of(present) if present is not None else None
        upsert.present = present
        payload = upsert.comparison.newer_part(upsert.payload, present)
        if payload is None:
            upsert.outcome = self._stale_outcome(upsert)
            return
        partial_of = self.model if upsert.is_partial else None
        upsert.plan = plan_write(payload, present, unmanaged=upsert.unmanaged, partial_of=partial_of)
        try:
            self._check(upsert.plan, present)
        except RejectedError as error:
            upsert.outcome = self.reject(upsert, error)

    def _check(self, plan: WritePlan, present: Record | None) -> None:
        """Check that Yotpo would take the planned write.

        :raises RejectedError: when it would not
        """
        if plan.action == "create":
            self.model.validate_body(plan.payload, "create")
            if self.check_create is not None:
                self.check_create(plan.payload)
        elif plan.action == "update" and present is not None:
            self.model.check_update(plan.payload, present)

    def _send(self, upsert: RecordUpsert) -> Outcome:
        comparison = self.guard.compare_again(upsert.external_id, upsert.version)
        if comparison != upsert.comparison:
            upsert.comparison = comparison
            self._set_plan(upsert, self.lookup.find_one(upsert.external_id))
        if upsert.outcome is not None:
            return upsert.outcome
        plan = _plan_of(upsert)
        upsert.is_sent = upsert.is_sent or plan.action != "unchanged"
        if plan.action == "create":
            upsert.yotpo_id = self.create(plan.payload)
            return self._outcome(upsert, "created")
        if plan.action == "update" and upsert.yotpo_id is not None:
            self.update(upsert.yotpo_id, plan.payload)
            return self._outcome(upsert, "updated")
        return self._outcome(upsert, "unchanged")

    def _recover(self, upsert: RecordUpsert, error: RejectedError, recovered: set[str]) -> str | None:
        """Remove the cause of an error and return its name; ``None`` for a rejection, or a cause removed before."""
        action = _plan_of(upsert).action
        if isinstance(error, UnknownProductsError):
            if self.create_missing_products is None or "products" in recovered:
                return None
            self.create_missing_products(error.products or list(upsert.products), upsert.products)
            upsert.notes.append("products that Yotpo didn't know were created again")
            return "products"
        if isinstance(error, ConflictError) and action == "create" and "conflict" not in recovered:
            present = self.lookup.find_after_conflict(upsert.external_id, sleep=self.sleep)
            if present is None:
                message = (
                    f"Yotpo says that this {self.record_kind} exists (409), and doesn't find it by its external id"
                )
                raise RejectedError(message, partner=error.partner, status=409, request_id=error.request_id)
            self._set_plan(upsert, present)
            return "conflict"
        if isinstance(error, NotFoundError) and action == "update" and "id" not in recovered:
            self._set_plan(upsert, self.lookup.find_one(upsert.external_id))
            return "id"
        return None

    def _stale_outcome(self, upsert: RecordUpsert) -> Outcome:
        return Outcome(
            self.record_kind,
            upsert.external_id,
            "stale",
            yotpo_id=upsert.yotpo_id,
            reason=upsert.comparison.reason,
        )

    def _outcome(self, upsert: RecordUpsert, action: Action, notes: Sequence[str] = ()) -> Outcome:
        partly = [f"written in part, because {upsert.comparison.reason}"] if upsert.comparison.newer_sources else []
        return Outcome(
            self.record_kind,
            upsert.external_id,
            action,
            yotpo_id=upsert.yotpo_id,
            suppressed=upsert.suppressed,
            changed=list(_plan_of(upsert).changed),
            notes=[*_plan_of(upsert).notes, *upsert.notes, *notes, *partly],
            values=describe_changes(
                _plan_of(upsert), upsert.present, kind=self.record_kind, personal_values=self.personal_values
            ),
        )


def _plan_of(upsert: RecordUpsert) -> WritePlan:
    if upsert.plan is None:
        message = f"the record {upsert.external_id} was not planned"
        raise ValueError(message)
    return upsert.plan


def record_batches(
    records: Iterable[Mapping[str, Any]], *, skip: Container[str], size: int, envelope: str
) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the records in batches. Of built records with one external id in a batch, only the last stays.

    Plain records may each hold a part of what changes, so they are merged.

    :param skip: external ids to leave out. If it counts them, so many records of each: a built record and a plain one
        of the same order are written one after the other, and an earlier try may have finished the first alone
    :param size: records per batch, at most 100
    :param envelope: the key below which a plain record may have its properties
    """
    counts = Counter(skip) if isinstance(skip, Mapping) else None

    def is_finished(record: Any) -> bool:
        external_id = record_id(record, envelope)
        if counts is None:
            # Records without an id look alike, so none of them is known to be written.
            return bool(external_id) and external_id in skip
        counts[external_id] -= 1
        return counts[external_id] >= 0

    remaining = (record for record in records if not is_finished(record))
    while batch := list(islice(remaining, min(size, BATCH_SIZE))):
        groups: dict[Any, list[Mapping[str, Any]]] = {}
        for index, record in enumerate(batch):
            groups.setdefault(record_id(record, envelope) or index, []).append(record)
        # By the place of the last record of each.
        last = {id(record): index for index, record in enumerate(batch)}
        ordered = sorted(groups.values(), key=lambda group: last[id(group[-1])])
        yield [_one_of(group, envelope) for group in ordered]


def _one_of(group: list[Mapping[str, Any]], envelope: str) -> Mapping[str, Any]:
    """Return one record for those with one external id."""
    if len(group) == 1 or any(is_built(record) or record.get("version") or malformed_part(record) for record in group):
        return group[-1]
    return merge_records(unwrap(record, envelope) for record in group)
