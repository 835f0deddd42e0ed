"""The report of one lane, from what its steps returned and left beside their datasets.

Datasets are read record by record, so memory does not grow with the number of orders: counts, and some samples.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_partners import timestamps
from airflow_provider_partners.datasets.reader import read_dataset, read_unfinished
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.datasets.source import is_reference_of_dataset
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.observability.report.model import (
    ApiCalls,
    DatasetEntry,
    FieldChange,
    LaneReport,
    Reason,
    RecordSample,
    ScoreBand,
    StepReport,
    TaskError,
)
from airflow_provider_partners.observability.step_log import TryEntry
from airflow_provider_partners.records import Record

__all__ = ["LaneFacts", "build_lane_report"]

log = logging.getLogger(__name__)

SAMPLES_PER_ACTION = 8
"""Orders of each outcome that a report shows."""

EXAMPLES_PER_REASON = 5
MAX_REASONS = 40
"""Reasons of one kind that a report counts apart."""

_OTHERS = "other reasons"
_SCORE = re.compile(r"(?P<category>\S+) (?P<score>-?[\d.e+-]+) >= (?P<threshold>[\d.e+-]+) \((?P<source>\w+)\)")
"""A reason of the suppression policy, see :class:`~airflow_provider_partners.sync.suppression.policy.Suppression`."""

_LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFacts:
    """What is known of a lane when it ends.

    :param window: ``{"since": …, "until": …}``
    :param results: what its steps returned, in order; ``None`` for one that returned nothing
    :param tries: of each step, see :mod:`airflow_provider_partners.observability.step_log`
    :param absent: steps that the shop's route leaves out, each with the connection that it lacks
    :param counts: by the names of :data:`~airflow_provider_partners.observability.report.model.COUNTS`
    :param failed_at: the step at which it stopped
    :param error: why
    :param reasons: ``found``, ``notes`` and others by reason, for the lists that no dataset explains
    :param connections: connection ids by partner
    :param unfinished: the folder in which ``upsert_orders`` has begun its outcomes, if it did not finish them
    """

    shop: str
    window: Mapping[str, str]
    results: Mapping[str, Any]
    tries: Mapping[str, list[TryEntry]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    failed_at: str | None = None
    error: TaskError | None = None
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    connections: Mapping[str, str] = field(default_factory=dict)
    map_index: int = -1
    unfinished: str | None = None


def build_lane_report(facts: LaneFacts) -> LaneReport:
    """Return the report of a lane. A dataset that can't be read any more leaves its part of the report empty."""
    report = LaneReport(
        shop=facts.shop,
        name=facts.shop,
        window={name: value for name, value in facts.window.items() if value} or None,
        state="failed" if facts.failed_at else "success",
        failed_at=facts.failed_at,
        error=_error(facts),
        map_index=facts.map_index,
        connections=dict(facts.connections),
        counts=dict(facts.counts),
        found=_reasons(facts.reasons.get("found", {})),
        steps=[_step(task, facts) for task in facts.results],
        api=_api_calls(facts),
        datasets=list(_datasets(facts.results)),
    )
    _Records(report).read(facts)
    return report


class _Records:
    """Reads the datasets of a lane once, and adds what they say to its report."""

    def __init__(self, report: LaneReport) -> None:
        self._report = report
        self._samples: Counter[str] = Counter()
        self._reasons: dict[str, dict[str, Reason]] = {}
        self._scores: dict[tuple[str, str, float], ScoreBand] = {}
        self._suppressed: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()

    def read(self, facts: LaneFacts) -> None:
        report = self._report
        for outcome in _read(facts.results.get("upsert_orders"), unfinished=facts.unfinished):
            self._add_outcome(outcome)
        for order in _read(_extra(facts.results.get("build")).get("rejects")):
            self._add_unbuilt(order)
        report.suppressed_by_action = dict(self._suppressed)
        report.changed = dict(self._changed.most_common())
        report.scores = sorted(self._scores.values(), key=lambda band: -band.orders)
        for name in ("suppressions", "left_outs", "rejections", "notes"):
            found = sorted(self._reasons.get(name, {}).values(), key=lambda reason: -reason.count)
            # A lane that failed before it wrote outcomes has the counts of its build alone.
            setattr(report, name, found or _reasons(facts.reasons.get(name, {})))

    def _add_outcome(self, outcome: Record) -> None:
        action, external_id = str(outcome.get("action")), str(outcome.get("external_id"))
        suppressed = outcome.get("suppressed") or []
        self._changed.update(outcome.get("changed") or [])
        for note in {str(note).partition(":")[0] for note in outcome.get("notes") or []}:
            self._count("notes", note, external_id)
        if action == "rejected":
            self._count("rejections", outcome.get("rule") or outcome.get("reason") or "no reason given", external_id)
        if suppressed:
            self._suppressed[action] += 1
            self._add_suppression(suppressed, external_id)
        kind = "suppressed" if suppressed else action
        if action == "unchanged" and not suppressed:
            return
        self._sample(
            kind,
            RecordSample(
                external_id=external_id,
                action=action,
                yotpo_id=outcome.get("yotpo_id"),
                reason=outcome.get("reason"),
                suppressed=list(suppressed),
                notes=list(outcome.get("notes") or []),
                changes=[FieldChange.from_dict(each) for each in outcome.get("values") or []],
            ),
        )

    def _add_suppression(self, reasons: Iterable[str], external_id: str) -> None:
        from airflow_provider_partners.sync.outcomes import mask_score

        for reason in {mask_score(reason) for reason in reasons}:
            self._count("suppressions", reason, external_id)
        # Several scores of one prediction count once for an order: the highest.
        highest: dict[tuple[str, str, float], float] = {}
        for reason in reasons:
            if match := _SCORE.fullmatch(reason):
                key = match["category"], match["source"], float(match["threshold"])
                highest[key] = max(highest.get(key, 0.0), float(match["score"]))
        for key, score in highest.items():
            category, source, threshold = key
            band = self._scores.setdefault(key, ScoreBand(category=category, source=source, threshold=threshold))
            band.orders += 1
            band.lowest, band.highest = min(band.lowest, score), max(band.highest, score)
            band.histogram[min(int(max(score, 0.0) * 20 + 1e-9), 19)] += 1

    def _add_unbuilt(self, order: Record) -> None:
        is_left_out = bool(order.get("left_out"))
        reason, external_id = str(order.get("reason") or "no reason given"), str(order.get("external_id") or "?")
        self._count("left_outs" if is_left_out else "rejections", reason, external_id)
        action = _LEFT_OUT if is_left_out else "rejected"
        self._sample(action, RecordSample(external_id=external_id, action=action, reason=reason))

    def _count(self, name: str, text: str, external_id: str) -> None:
        from airflow_provider_partners.sync.outcomes import mask_numbers

        reasons = self._reasons.setdefault(name, {})
        text = text if name == "suppressions" else mask_numbers(text)
        if text not in reasons and len(reasons) >= MAX_REASONS:
            text = _OTHERS
        reason = reasons.setdefault(text, Reason(text=text))
        reason.count += 1
        if len(reason.examples) < EXAMPLES_PER_REASON:
            reason.examples.append(external_id)

    def _sample(self, kind: str, sample: RecordSample) -> None:
        if self._samples[kind] < SAMPLES_PER_ACTION:
            self._samples[kind] += 1
            self._report.samples.append(sample)


def _read(reference: Any, *, unfinished: str | None = None) -> Iterator[Record]:
    """Yield the records of a dataset; nothing if there is none, or if it can't be read any more.

    :param unfinished: the folder of a dataset without a reference
    """
    is_finished = is_reference_of_dataset(reference)
    if not is_finished and unfinished is None:
        return
    try:
        yield from read_dataset(reference) if is_finished else read_unfinished(unfinished or "")
    except PartnersError as error:  # the run is over: a report without samples is better than none
        log.warning("The report lacks some records: %s", error)


def _reasons(counts: Mapping[str, int]) -> list[Reason]:
    return [Reason(text=text, count=count) for text, count in islice(counts.items(), MAX_REASONS)]


def _extra(reference: Any) -> Mapping[str, Any]:
    return (reference.get("extra") if isinstance(reference, Mapping) else None) or {}


def _error(facts: LaneFacts) -> TaskError | None:
    """Return why a lane failed."""
    if facts.failed_at is None or facts.error is not None:
        return facts.error
    message = "The step left no error. It was stopped from outside, or it never started."
    return TaskError(task=facts.failed_at, message=message, remedy="See its log in Airflow.")


def _step(task: str, facts: LaneFacts) -> StepReport:
    if task in facts.absent:
        note = f"the route has no '{facts.absent[task]}'"
        return StepReport(task=task, state="skipped", note=note)
    tries = facts.tries.get(task, [])
    if not tries:
        return StepReport(task=task, state="not_started" if facts.results.get(task) is None else "success")
    spans = [(timestamps.parse(each["started_at"]), timestamps.parse(each["ended_at"])) for each in tries]
    return StepReport(
        task=task,
        state=tries[-1]["state"],
        started_at=tries[0]["started_at"],
        ended_at=tries[-1]["ended_at"],
        seconds=round(sum((end - start).total_seconds() for start, end in spans), 3),
        tries=sum(each["state"] != "waiting" for each in tries) or 1,
        note=tries[-1]["message"] if tries[-1]["state"] in {"skipped", "warning"} else None,
    )


def _api_calls(facts: LaneFacts) -> list[ApiCalls]:
    """Return the calls by partner and account, over all tries of all steps."""
    by_account: dict[tuple[str, str | None], ApiCalls] = {}
    for tries in facts.tries.values():
        for call in (call for each in tries for call in each["calls"]):
            counts = call["counts"]
            calls = by_account.setdefault(
                (call["api"], call["account"]), ApiCalls(partner=call["api"], account=call["account"])
            )
            calls.requests += counts["requests"]
            calls.retries += counts["retries"]
            calls.throttled += counts["throttled"]
            calls.waited = round(calls.waited + counts["waited"], 3)
            calls.seconds = round(calls.seconds + counts["seconds"], 3)
            calls.by_operation = dict(Counter(calls.by_operation) + Counter(counts["by_label"]))
            if limit := counts["limit"]:
                if calls.limit_per_second:
                    calls.limit_refilled = round(calls.limit_refilled + min(limit["burst"], limit["used"]), 3)
                calls.used = round(calls.used + limit["used"], 3)
                calls.limit_per_second, calls.limit_burst = limit["per_second"], limit["burst"]
    return list(by_account.values())


def _datasets(results: Mapping[str, Any]) -> Iterator[DatasetEntry]:
    for task, result in results.items():
        for value in (result, _extra(result).get("rejects")):
            if is_reference_of_dataset(value):
                reference = DatasetRef.from_dict(value)
                yield DatasetEntry(
                    task=task,
                    uri=reference.uri,
                    source=reference.source,
                    resource=reference.resource,
                    account=reference.account,
                    window=dict(reference.window) if reference.window else None,
                    records=reference.records,
                    bytes=reference.bytes,
                )
