"""Summaries as a table of text, for the log of a task. Formats and nothing else.

What became of each record, the rejects that can be replayed, and the sums that decide whether a task fails.

Knows nothing of how a record was written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, RejectThresholdError
from airflow_provider_partners.records import Record

RecordKind = Literal["order", "product", "fulfillment"]
Action = Literal["created", "updated", "unchanged", "rejected", "would_create", "would_update"]

ACTIONS: tuple[Action, ...] = ("created", "updated", "unchanged", "rejected", "would_create", "would_update")
EXAMPLES_PER_REASON = 5
"""How many ids are kept as examples of a reason for rejection."""

MAX_REASONS = 20
"""How many different reasons a summary tells apart; the rest is counted together."""

OTHER_REASONS = "other reasons"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record.

    :param external_id: the merchant's id
    :param yotpo_id: Yotpo's id, where it is known
    :param reason: why it was rejected
    :param suppressed: why no review is asked for
    :param changed: properties that were (or would be) updated
    :param notes: what happened on the way, such as products that were created first
    :param reject: for a rejected record: all that is needed to try it again (customers' data: keep it out of logs)
    """

    kind: RecordKind
    external_id: str
    action: Action
    yotpo_id: int | None = None
    reason: str | None = None
    suppressed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reject: Record | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """For a file of outcomes; without the reject record, which goes into a file of its own."""
        return {
            "kind": self.kind,
            "external_id": self.external_id,
            "action": self.action,
            "yotpo_id": self.yotpo_id,
            "reason": self.reason,
            "suppressed": self.suppressed,
            "changed": self.changed,
            "notes": self.notes,
        }


def rejected_outcome(
    kind: RecordKind, external_id: str, record: Mapping[str, Any], reason: str | PartnersError, **details: Any
) -> Outcome:
    """The outcome of a record that was refused, with the record to be replayed.

    :param record: as it was given to the upsert; handed back with a key ``rejected`` added, which a replay ignores
    """
    fault = reason if isinstance(reason, PartnersError) else None
    words = fault.message if fault else str(reason)
    told = {
        "kind": kind,
        "external_id": external_id,
        "reason": words,
        "status": fault.status if fault else None,
        "request_id": fault.request_id if fault else None,
    }
    return Outcome(kind, external_id, "rejected", reason=words, reject={**record, "rejected": told}, **details)


@dataclass(slots=True)
class OutcomeSummary:
    """Counts of outcomes. Size doesn't grow with the number of records, so it can go into XCom.

    :param counts: outcomes by action
    :param suppressed: orders without a review request
    :param suppressions: reasons for that, scores left out
    :param rejections: reasons for rejection, ids and numbers left out
    :param examples: some external ids of each reason for rejection
    :param changes: how often each property was updated
    """

    counts: Counter[str] = field(default_factory=Counter)
    suppressed: int = 0
    suppressions: Counter[str] = field(default_factory=Counter)
    rejections: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Self:
        """The summary of outcomes, which are read to the end."""
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
        self.changes.update(outcome.changed)
        if outcome.suppressed:
            self.suppressed += 1
            # Once per order, however many scores say the same.
            self.suppressions.update({mask_score(reason) for reason in outcome.suppressed})
        if outcome.action == "rejected":
            reason = mask_numbers(outcome.reason or "no reason given")
            if reason not in self.rejections and len(self.rejections) >= MAX_REASONS:
                reason = OTHER_REASONS
            self.rejections[reason] += 1
            examples = self.examples.setdefault(reason, [])
            if len(examples) < EXAMPLES_PER_REASON:
                examples.append(outcome.external_id)

    def merge(self, other: OutcomeSummary) -> None:
        """Add the counts of another task."""
        self.counts.update(other.counts)
        self.suppressed += other.suppressed
        self.suppressions.update(other.suppressions)
        self.changes.update(other.changes)
        for reason, count in other.rejections.items():
            known = reason if reason in self.rejections or len(self.rejections) < MAX_REASONS else OTHER_REASONS
            self.rejections[known] += count
            self.examples[known] = [*self.examples.get(known, []), *other.examples.get(reason, [])][
                :EXAMPLES_PER_REASON
            ]

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for XCom: every action with its count, then the rest."""
        return {
            "total": self.total,
            **{action: self.counts[action] for action in ACTIONS},
            "suppressed": self.suppressed,
            "suppressions": dict(self.suppressions.most_common()),
            "rejections": dict(self.rejections.most_common()),
            "examples": self.examples,
            "changes": dict(self.changes.most_common()),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """The summary that :meth:`to_dict` wrote."""
        return cls(
            counts=Counter({action: value[action] for action in ACTIONS if value.get(action)}),
            suppressed=value.get("suppressed", 0),
            suppressions=Counter(value.get("suppressions", {})),
            rejections=Counter(value.get("rejections", {})),
            examples={reason: list(ids) for reason, ids in value.get("examples", {}).items()},
            changes=Counter(value.get("changes", {})),
        )


def mask_score(reason: str) -> str:
    """A reason for suppression without this order's score: ``return_abuse >= 0.8 (return_predictions)``."""
    return re.sub(r" -?\d[\d.e+-]* (>=)", r" \1", reason)


def mask_numbers(reason: str) -> str:
    """A reason for rejection that groups: long numbers and quoted values are replaced."""
    return re.sub(r"'[^']*'|\"[^\"]*\"|\b[\w-]*\d{3,}[\w-]*", "…", " ".join(reason.split()))[:200]


def check_threshold(summary: OutcomeSummary, max_rejects: float) -> None:
    """Fail when too much was rejected.

    :param max_rejects: how many rejected records are borne: an integer is a number of records, a float a share of all
        (``0.05`` is one in twenty)
    :raises RejectThresholdError: with the commonest reasons
    :raises ConfigurationError: when it is negative, or a share above 1
    """
    is_share = isinstance(max_rejects, float)
    if isinstance(max_rejects, bool) or max_rejects < 0 or (is_share and max_rejects > 1):
        message = f"max_rejects is {max_rejects!r}"
        raise ConfigurationError(message, remedy="Give a number of records (an integer) or a share from 0.0 to 1.0.")
    count, total = summary.counts["rejected"], summary.total
    if count <= (max_rejects * total if is_share else max_rejects):
        return
    borne = f"{max_rejects:.1%}" if is_share else f"{max_rejects}"
    reasons = "; ".join(f"{number}x {reason}" for reason, number in summary.rejections.most_common(3))
    message = f"{count} of {total} records were rejected, and {borne} are allowed: {reasons}"
    raise RejectThresholdError(
        message, remedy="Read the file of rejects, mend the cause, then replay it; or raise max_rejects."
    )


def format_summary(
    summaries: OutcomeSummary | Mapping[str, OutcomeSummary | Mapping[str, Any]], *, label: str = "shop"
) -> str:
    """One line per shop (or whatever the keys are) and one for all of them, then the reasons.

    Columns without a count anywhere are left out, except the four that every run is read by.

    :param summaries: one, or several by name; as objects or as the dicts that XCom holds
    :param label: what the names are
    """
    by_name = _summaries_by_name(summaries)
    everything = OutcomeSummary()
    for summary in by_name.values():
        everything.merge(summary)
    always = ACTIONS[:4]
    columns = [action for action in ACTIONS if action in always or everything.counts[action]]
    header = [label, *columns, "suppressed", "total"]
    rows = [_summary_row(name, summary, columns) for name, summary in by_name.items()]
    if len(rows) != 1 or "" in by_name:
        rows = [*(row for row in rows if row[0]), _summary_row("all", everything, columns)]
    lines = text_table([header, *rows])
    for title, reasons in (("Rejected", everything.rejections), ("Suppressed", everything.suppressions)):
        for reason, count in reasons.most_common():
            examples = ", ".join(everything.examples.get(reason, []))
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


def text_table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ])
        for row in rows
    ]
