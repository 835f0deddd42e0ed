"""What a message says about a run: how it ended, which lanes failed and why, what was written, and a link.

It is made from what the run has left: the result of its task ``summarize``, or else its report. Both hold counts,
reasons and errors, and neither secrets nor customers' data. It works in a task, in a callback of the Dag (which Airflow
runs in the Dag processor), and in the triggerer, where Airflow passes little more than the ids of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote

from jinja2 import pass_context

from airflow_provider_partners.failures import REMEDY_LABEL
from airflow_provider_partners.observability.report.run import airflow_url

__all__ = ["LaneFailure", "RunMessage", "partner_summary"]

log = logging.getLogger(__name__)

SUMMARY_TASK_ID = "summarize"

_COUNTS = (
    "read",
    "created",
    "updated",
    "unchanged",
    "stale",
    "would_create",
    "would_update",
    "suppressed",
    "left_out",
    "rejected",
)
MOST_FAILURES = 20
"""Failed lanes that a text names. A chat refuses or cuts a longer message: Slack's limit is 40,000 characters."""

_ALWAYS_SHOWN = frozenset({"read", "created", "updated", "rejected"})

_REASONS = {"success": "success", "timed_out": "timed out"}
"""What Airflow gives as the reason of a Dag's callback, and the state in the message. Any other reason is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneFailure:
    """A lane that failed, or the step before the lanes that did.

    :param lane: the shop, and the start of the window if the shop has several lanes
    :param task: the step
    :param message: what failed
    :param remedy: what to do
    """

    lane: str | None
    task: str | None
    message: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMessage:
    """What a message says about a run.

    :param dag_id: of the Dag
    :param run_id: of the run
    :param state: ``success``, ``failed``, ``timed out`` or ``late``
    :param dry_run: True for a plan: nothing was written
    :param failures: why it failed
    :param lanes: how many lanes the run had
    :param counts: orders by what became of them
    :param gaps: time ranges that no run has read, as text
    :param url: the run in Airflow
    """

    dag_id: str
    run_id: str
    state: str
    dry_run: bool = False
    failures: list[LaneFailure] = field(default_factory=list)
    lanes: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    url: str | None = None

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> RunMessage:
        """Return the message about a run.

        :param context: of a task, of a Dag's callback, or of a missed deadline
        """
        dag_id, run_id = _run_of(context)
        found = _from_summary(context) or _from_report(dag_id, run_id)
        state = _state_of(context, has_failures=bool(found.get("failures")))
        return cls(dag_id=dag_id, run_id=run_id, state=state, url=_run_url(dag_id, run_id), **found)

    @property
    def title(self) -> str:
        """One line: the Dag, and how its run ended."""
        failed = f": {len(self.failures)} of {self.lanes} lanes failed" if self.failures and self.lanes else ""
        return f"{self.dag_id} {'is ' if self.state == 'late' else ''}{self.state}{failed}"

    @property
    def text(self) -> str:
        """The message as plain text."""
        return "\n".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """Return the message as JSON, with its text."""
        return {"text": self.text, "title": self.title, **asdict(self)}

    def _lines(self) -> Iterator[str]:
        yield self.title
        for failure in self.failures[:MOST_FAILURES]:
            where = f"{failure.lane or ''}{' at ' if failure.lane and failure.task else ''}{failure.task or ''}"
            # Not wrapped: a chat has its own width.
            yield f"{where}: {failure.message or 'it left no error, see its log'}"
            if failure.remedy:
                yield f"  {REMEDY_LABEL}{failure.remedy}"
        if (more := len(self.failures) - MOST_FAILURES) > 0:
            yield f"and {more} more, see the report of the run"
        if self.lanes:
            shown = [name for name in _COUNTS if self.counts.get(name) or name in _ALWAYS_SHOWN]
            counts = ", ".join(f"{self.counts.get(name, 0)} {name.replace('_', ' ')}" for name in shown)
            yield f"Orders: {counts}{' (dry run: nothing was written)' if self.dry_run else ''}"
        for gap in self.gaps:
            yield f"Read by no run: {gap}"
        yield f"Run: {self.url or self.run_id}"


@pass_context
def partner_summary(context: Mapping[str, Any]) -> str:
    """Return the text about a run, for templates of any notifier.

    The product's Dags have it among their macros. In a Dag of your own, add it to ``user_defined_macros``.
    """
    return RunMessage.of(context).text


def _run_of(context: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of the Dag and the run. The context of a deadline holds the run as a dict."""
    run, ti = context.get("dag_run"), context.get("ti")
    dag_id = _read(run, "dag_id") or _read(ti, "dag_id") or _read(context.get("dag"), "dag_id")
    run_id = _read(run, "run_id") or _read(run, "dag_run_id") or context.get("run_id") or _read(ti, "run_id")
    return str(dag_id or "unknown"), str(run_id or "unknown")


def _state_of(context: Mapping[str, Any], *, has_failures: bool) -> str:
    if context.get("deadline"):
        return "late"
    if reason := context.get("reason"):
        return _REASONS.get(str(reason), "failed")
    state = str(_read(context.get("ti"), "state") or "")
    return "failed" if has_failures or context.get("exception") or state.endswith("failed") else "success"


def _from_summary(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the result of the task ``summarize`` says; nothing if it can't be read."""
    pull: Callable[..., Any] | None = getattr(context.get("ti"), "xcom_pull", None)
    if pull is None:
        return {}
    try:
        summary = pull(task_ids=SUMMARY_TASK_ID)
    except Exception:  # a message about a failure must not fail because of it
        log.debug("The summary of the run can't be read", exc_info=True)
        return {}
    if not isinstance(summary, Mapping) or "lanes" not in summary:
        return {}
    failures = []
    for lane in summary["lanes"]:
        if lane.get("failed"):
            error = lane.get("error") or {}
            failures.append(_failure(lane.get("lane"), lane["failed"], error.get("message"), error.get("remedy")))
    return {
        "dry_run": bool(summary.get("dry_run")),
        "failures": failures,
        "lanes": len(summary["lanes"]),
        "counts": _counts(summary.get("total") or {}),
        "gaps": [
            f"{shop} from {gap['since']} to {gap['until']}"
            for shop, gaps in (summary.get("gaps") or {}).items()
            for gap in gaps
        ],
    }


def _from_report(dag_id: str, run_id: str) -> dict[str, Any]:
    """Return what the report of the run says; nothing if there is none, or if it can't be read here."""
    from airflow_provider_partners.observability.report.store import read_report

    try:
        report = read_report(dag_id, run_id)
    except Exception:  # as above
        log.debug("The report of the run can't be read", exc_info=True)
        return {}
    if report is None:
        return {}
    failures = []
    if report.error is not None:
        failures.append(_failure(None, report.error.task, report.error.message, report.error.remedy))
    for lane in report.lanes:
        if lane.state == "failed" or lane.failed_at:
            message, remedy = (lane.error.message, lane.error.remedy) if lane.error else (None, None)
            failures.append(_failure(lane.name or lane.shop, lane.failed_at, message, remedy))
    return {
        "dry_run": report.dry_run,
        "failures": failures,
        "lanes": len(report.lanes),
        "counts": _counts(report.total),
        "gaps": [f"{gap.shop} from {gap.since} to {gap.until}" for gap in report.gaps],
    }


def _failure(lane: str | None, task: str | None, message: str | None, remedy: str | None) -> LaneFailure:
    return LaneFailure(lane=lane, task=task, message=message, remedy=remedy)


def _counts(total: Mapping[str, Any]) -> dict[str, int]:
    return {name: int(total.get(name) or 0) for name in _COUNTS}


def _run_url(dag_id: str, run_id: str) -> str | None:
    """Return the run in Airflow; ``None`` unless ``[api] base_url`` is set."""
    url = airflow_url(f"/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}")
    return url if "://" in url else None


def _read(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
