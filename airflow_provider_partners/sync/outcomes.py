"""The outcome of each record, rejects that can be replayed, and the summary that decides whether a task fails."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, Self, TypedDict

from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, RejectedError, RejectThresholdError
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.records import Record

RecordKind = Literal["order", "product", "fulfillment", "customer"]
Action = Literal["created", "updated", "unchanged", "rejected", "stale", "would_create", "would_update", "accepted"]

ACTIONS: tuple[Action, ...] = (
    "created",
    "updated",
    "unchanged",
    "rejected",
    "stale",
    "would_create",
    "would_update",
    "accepted",
)
EXAMPLES_PER_REASON = 5
"""External ids that are kept as examples of a reason for rejection."""

MAX_REASONS = 20
"""Different reasons that a summary counts apart; further ones are counted together."""

OTHER_REASONS = "other reasons"


class ValueChange(TypedDict):
    """One value of a record before and after a write, as short text; personal values are masked."""

    name: str
    """Path of the field, such as ``line_items[81].quantity``."""
    before: str | None
    after: str | None


class Rejection(TypedDict):
    """Why a record was rejected: the value of the key ``rejected`` of a reject."""

    kind: RecordKind
    external_id: str
    reason: str
    status: int | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one record.

    :param external_id: the merchant's id
    :param yotpo_id: Yotpo's id, if known
    :param reason: why the record was rejected, or is stale
    :param rule: the reason without what differs between records, for counting; ``None`` if only its words are known
    :param suppressed: why the review request is suppressed
    :param changed: properties that were (or would be) updated
    :param notes: what a reader should know besides: products that were created first, and what Yotpo keeps although
        the record no longer has it. After a colon there may be ids
    :param order_id: for a fulfillment, the merchant's id of its order
    :param values: what was (or would be) written, value by value, with what Yotpo had before
    :param reject: for a rejected record, all that a replay needs (customers' data: keep it out of logs)
    """

    kind: RecordKind
    external_id: str
    action: Action
    yotpo_id: int | None = None
    reason: str | None = None
    suppressed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    rule: str | None = None
    order_id: str | None = None
    values: list[ValueChange] = field(default_factory=list, compare=False)
    reject: Record | None = field(default=None, repr=False, compare=False)

    @property
    def key(self) -> str:
        """What identifies the record: a fulfillment's id is unique within its order alone."""
        return self.external_id if self.order_id is None else f"{self.order_id}/{self.external_id}"

    def to_dict(self) -> dict[str, Any]:
        """Return the record of a dataset of outcomes. The reject goes into a dataset of its own."""
        return {
            "kind": self.kind,
            "external_id": self.external_id,
            "action": self.action,
            "yotpo_id": self.yotpo_id,
            "reason": self.reason,
            "suppressed": self.suppressed,
            "changed": self.changed,
            "notes": self.notes,
            "rule": self.rule,
            "order_id": self.order_id,
            "values": self.values,
        }


class WriteJournal(Protocol):
    """Remembers what a task is about to write, until its outcomes are stored."""

    def earlier(self, key: str) -> Record | None:
        """Return the outcome that an earlier try was about to reach for a record; ``None`` if it has not begun it."""

    def begin(self, outcomes: Mapping[str, Record]) -> None:
        """Store the outcomes that are about to be reached, by the key of the record."""


WRITTEN: Mapping[str, Action] = {
    "create": "created",
    "update": "updated",
    "would_create": "created",
    "would_update": "updated",
}
"""The outcome of each planned write."""


def earlier_outcome(journal: WriteJournal | None, key: str) -> Outcome | None:
    """Return the outcome that an earlier try was about to reach for a record."""
    stored = journal.earlier(key) if journal is not None else None
    return Outcome(**stored) if stored is not None else None


def as_begun(outcome: Outcome, begun: Outcome | None) -> Outcome:
    """Return the outcome of a record that an earlier try has begun to write: the one that it was about to reach.

    The call of the earlier try may have arrived, and then there is nothing left to write.

    :param begun: from :func:`earlier_outcome`
    """
    if begun is None or outcome.action not in {"created", "updated", "unchanged"}:
        return outcome
    return replace(begun, yotpo_id=outcome.yotpo_id)


def rejected_outcome(
    kind: RecordKind, external_id: str, record: Mapping[str, Any], reason: str | PartnersError, **fields: Any
) -> Outcome:
    """Return the outcome of a rejected record, with the record for a replay.

    :param record: the upsert's input. The reject is the same with a key ``rejected``, which a replay ignores. What is
        no object becomes its ``value``
    :param fields: further fields of the outcome
    """
    error = reason if isinstance(reason, PartnersError) else None
    message = error.message if error else str(reason)
    rejection: Rejection = {
        "kind": kind,
        "external_id": external_id,
        "reason": message,
        "status": error.status if error else None,
        "request_id": error.request_id if error else None,
    }
    rule = error.rule if isinstance(error, RejectedError) else None
    reject = {**(record if isinstance(record, Mapping) else {"value": record}), "rejected": rejection}
    return Outcome(kind, external_id, "rejected", reason=message, rule=rule, reject=reject, **fields)


@dataclass(slots=True)
class OutcomeSummary:
    """Counts of outcomes. Its size does not grow with the number of records, so it can go into XCom.

    :param counts: outcomes by action
    :param suppressed: orders without a review request
    :param suppressions: reasons for suppression, without scores
    :param rejections: reasons for rejection, without ids and numbers
    :param examples: some external ids for each reason for rejection
    :param changes: how often each property was updated
    :param notes: outcomes by note, without ids
    """

    counts: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    suppressions: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Self:
        """Return the summary of outcomes."""
        summary = cls()
        for outcome in outcomes:
            summary.add(outcome)
        return summary

    @property
    def total(self) -> int:
        """All outcomes."""
        return self.counts.total()

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.counts[outcome.action] += 1
        # Most outcomes have neither, and an update by nothing takes its time, too.
        if outcome.changed:
            self.changes.update(outcome.changed)
        if outcome.notes:
            self.notes.update({note.partition(":")[0] for note in outcome.notes})
        if outcome.suppressed:
            self.suppressed += 1
            # Several scores of one category count once per order.
            self.suppressions.update({mask_score(reason) for reason in outcome.suppressed})
        if outcome.action == "rejected":
            reason = count_reason(self.rejections, outcome.rule or mask_numbers(outcome.reason or "no reason given"))
            examples = self.examples.setdefault(reason, [])
            if len(examples) < EXAMPLES_PER_REASON:
                examples.append(outcome.external_id)

    def merge(self, other: OutcomeSummary) -> None:
        """Add the counts of another summary."""
        self.counts.update(other.counts)
        self.suppressed += other.suppressed
        self.suppressions.update(other.suppressions)
        self.changes.update(other.changes)
        self.notes.update(other.notes)
        for reason, count in other.rejections.items():
            known = count_reason(self.rejections, reason, count)
            self.examples[known] = [*self.examples.get(known, []), *other.examples.get(reason, [])][
                :EXAMPLES_PER_REASON
            ]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON for XCom: the count of every action, then the rest."""
        return {
            "total": self.total,
            **{action: self.counts[action] for action in ACTIONS},
            "suppressed": self.suppressed,
            "suppressions": dict(self.suppressions.most_common()),
            "rejections": dict(self.rejections.most_common()),
            "examples": self.examples,
            "changes": dict(self.changes.most_common()),
            "notes": dict(self.notes.most_common()),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Return the summary that :meth:`to_dict` wrote."""
        return cls(
            counts=Counter({action: value[action] for action in ACTIONS if value.get(action)}),
            suppressed=value.get("suppressed", 0),
            suppressions=Counter(value.get("suppressions", {})),
            rejections=Counter(value.get("rejections", {})),
            examples={reason: list(ids) for reason, ids in value.get("examples", {}).items()},
            changes=Counter(value.get("changes", {})),
            notes=Counter(value.get("notes", {})),
        )


def count_reason(counts: Counter[str], reason: str, count: int = 1) -> str:
    """Count a reason, or after :data:`MAX_REASONS` different ones the others together. Return what was counted.

    An author's own reason may differ for each record, and XCom takes no list of all of them.
    """
    counted = reason if reason in counts or len(counts) < MAX_REASONS else OTHER_REASONS
    counts[counted] += count
    return counted


def mask_score(reason: str) -> str:
    """Return a reason for suppression without the order's score: ``return_abuse >= 0.8 (return_predictions)``."""
    return re.sub(r" -?\d[\d.e+-]* (>=)", r" \1", reason)


def mask_numbers(reason: str) -> str:
    """Return a partner's reason without long numbers and quoted values, so that equal reasons count together."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|(?<![\w-])[\w-]*\d{3,}[\w-]*", "…", " ".join(reason.split()))[:200]


def check_threshold(summary: OutcomeSummary, max_rejects: float, *, floor: int = 0) -> None:
    """Raise an error when too many records were rejected.

    :param max_rejects: most rejected records: an ``int`` is a count, a ``float`` a share (``0.05`` = 5 %)
    :param floor: rejected records that a share above 0 allows in any case
    :raises RejectThresholdError: with the most frequent reasons
    :raises ConfigurationError: when ``max_rejects`` is negative, or a share above 1
    """
    is_share = isinstance(max_rejects, float)
    if isinstance(max_rejects, bool) or max_rejects < 0 or (is_share and max_rejects > 1):
        message = f"max_rejects is {max_rejects!r}"
        raise ConfigurationError(message, remedy="Give a number of records (an integer) or a share from 0.0 to 1.0.")
    count, total = summary.counts["rejected"], summary.total
    has_floor = is_share and max_rejects > 0 and floor > 0
    if count <= (max_rejects * total if is_share else max_rejects) or (has_floor and count <= floor):
        return
    limit = f"{max_rejects:.1%}" if is_share else f"{max_rejects}"
    limit += f", or {floor} in any case," if has_floor else ""
    reasons = "; ".join(f"{number}x {reason}" for reason, number in summary.rejections.most_common(3))
    message = f"{count} of {total} records were rejected, and {limit} are allowed: {reasons}"
    raise RejectThresholdError(
        message, remedy=f"Mend the cause, then send them again by the Dag {REPLAY_DAG_ID}; or raise max_rejects."
    )


def format_summary(
    summaries: OutcomeSummary | Mapping[str, OutcomeSummary | Mapping[str, Any]], *, label: str = "shop"
) -> str:
    """Return summaries as a table for the log: one line per name, one for all, then the reasons.

    The columns created, updated, unchanged and rejected are always shown, others only where a count is above zero.

    :param summaries: one, or several by name; as objects or as the dicts of XCom
    :param label: what the names are
    """
    by_name = _summaries_by_name(summaries)
    total = OutcomeSummary()
    for summary in by_name.values():
        total.merge(summary)
    columns = [action for action in ACTIONS if action in ACTIONS[:4] or total.counts[action]]
    header = [label, *columns, "suppressed", "total"]
    rows = [_summary_row(name, summary, columns) for name, summary in by_name.items()]
    if len(rows) != 1 or "" in by_name:
        rows = [*(row for row in rows if row[0]), _summary_row("all", total, columns)]
    lines = text_table([header, *rows])
    titles = {"Rejected": total.rejections, "Suppressed": total.suppressions, "Note": total.notes}
    for title, reasons in titles.items():
        for reason, count in reasons.most_common():
            examples = ", ".join(total.examples.get(reason, []))
            lines.append(f"{title}: {count}x {reason}" + (f" (such as {examples})" if examples else ""))
    return "\n".join(lines)


def _summaries_by_name(
    summaries: OutcomeSummary | Mapping[str, OutcomeSummary | Mapping[str, Any]],
) -> dict[str, OutcomeSummary]:
    if isinstance(summaries, OutcomeSummary):
        return {"": summaries}
    return {
        name: value if isinstance(value, OutcomeSummary) else OutcomeSummary.from_dict(value)
        for name, value in summaries.items()
    }


def _summary_row(name: str, summary: OutcomeSummary, columns: list[Any]) -> list[str]:
    return [name, *(str(summary.counts[column]) for column in columns), str(summary.suppressed), str(summary.total)]


def text_table(rows: Sequence[Sequence[str]], *, left: Container[int] = (0,), rule: bool = False) -> list[str]:
    """Return one line per row, with numbers to the right.

    :param left: the columns whose text is to the left
    :param rule: add a line of dashes below the first row
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if rule:
        rows = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return ["  ".join(_align(row, widths, left)).rstrip() for row in rows]


def _align(row: Sequence[str], widths: Sequence[int], left: Container[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if column in left else cell.rjust(width)
