"""The report of a run as a value: plain JSON, versioned, without records.

A report holds counts, reasons, ids of orders and URIs of datasets. Values of orders are in its samples alone, and those
that are personal are masked unless the run's param ``personal_values`` is set. It never holds a secret. Its size does
not grow with the number of orders: samples are cut, and the full lists stay in the datasets that it names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from airflow_provider_partners.failures import by_cause

__all__ = [
    "COUNTS",
    "REPORT_VERSION",
    "ApiCalls",
    "DatasetEntry",
    "FieldChange",
    "Gap",
    "LaneReport",
    "Reason",
    "RecordSample",
    "RunReport",
    "ScoreBand",
    "StepReport",
    "TaskError",
]

REPORT_VERSION = 1
"""Version of the JSON. A reader ignores keys that it does not know, and takes the default of a missing one."""

COUNTS = (
    "read",
    "created",
    "updated",
    "unchanged",
    "stale",
    "would_create",
    "would_update",
    "suppressed",
    "left_out",
    "too_old",
    "rejected",
    "noted",
    "api_calls",
)
"""The names of a lane's counts. ``suppressed`` and ``too_old`` are contained in the others."""

State = Literal["success", "failed", "skipped"]


class _Json:
    """A dataclass as plain JSON and back."""

    def to_dict(self) -> dict[str, Any]:
        """Return the value as plain JSON."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Return the value that :meth:`to_dict` wrote, of this version or another."""
        hints = _hints(cls)  # type: ignore[arg-type]
        known = {each.name for each in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: _parse(hints[name], part) for name, part in value.items() if name in known})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _parse(hint: Any, value: Any) -> Any:
    """Return a JSON value with the dataclasses that its type names."""
    if value is None:
        return None
    arguments = get_args(hint)
    if get_origin(hint) is list:
        return [_parse(arguments[0], each) for each in value]
    if get_origin(hint) is dict:
        return {name: _parse(arguments[1], each) for name, each in value.items()}
    models = [each for each in (hint, *arguments) if isinstance(each, type) and is_dataclass(each)]
    return models[0].from_dict(value) if models else value  # type: ignore[attr-defined]


@dataclass(slots=True, kw_only=True)
class Reason(_Json):
    """Orders with one reason.

    :param examples: some of their ids
    """

    text: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class ScoreBand(_Json):
    """Orders that one prediction suppressed.

    :param category: the prediction, such as ``return_abuse``
    :param source: the list that it comes from, such as ``customer_predictions``
    :param threshold: the score from which the policy suppresses
    :param orders: how many orders it suppressed; an order with several predictions counts in each
    :param lowest: the lowest score
    :param highest: the highest score
    :param histogram: orders by score in twenty bands of 0.05, from 0.0 to 1.0
    """

    category: str
    source: str
    threshold: float
    orders: int = 0
    lowest: float = 1.0
    highest: float = 0.0
    histogram: list[int] = field(default_factory=lambda: [0] * 20)


@dataclass(slots=True, kw_only=True)
class FieldChange(_Json):
    """One value of a record before and after the write, as text.

    :param name: path of the field, such as ``line_items[81].quantity``
    :param before: what Yotpo had; ``None`` if it had nothing
    :param after: what was, or would be, sent
    """

    name: str
    before: str | None = None
    after: str | None = None


@dataclass(slots=True, kw_only=True)
class RecordSample(_Json):
    """One record of a lane, for a reader who wants to see what happened.

    :param action: how it ended, as in ``OutcomeSummary``; ``left_out`` for an order that was not sent
    :param reason: why it was rejected, left out or is stale
    :param changes: values before and after
    """

    external_id: str
    action: str
    yotpo_id: int | None = None
    reason: str | None = None
    suppressed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: list[FieldChange] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class DatasetEntry(_Json):
    """A dataset of the lane.

    :param task: the step that wrote it
    :param source: the partner, such as ``shopify_admin``
    :param resource: the list, such as ``orders`` or ``orders rejects``
    :param account: the shop, store or project
    :param window: ``{"since": …, "until": …}``, or ``None``
    """

    task: str
    uri: str
    source: str = ""
    resource: str = ""
    account: str | None = None
    window: dict[str, str] | None = None
    records: int = 0
    bytes: int = 0

    @property
    def is_rejects(self) -> bool:
        """True for a dataset of orders that could not be sent."""
        return self.resource.endswith(("rejects", "unbuilt orders"))


@dataclass(slots=True, kw_only=True)
class ApiCalls(_Json):
    """A lane's calls of one partner, over all tries of its tasks.

    :param partner: the connection type, such as ``yotpo``
    :param account: the shop, store or project
    :param requests: sent requests, with retries
    :param throttled: requests that the partner refused because of its rate limit
    :param waited: seconds waited for the rate limit and before retries
    :param seconds: seconds from the client's start to its end
    :param limit_per_second: calls, or cost points, that the partner allows each second; ``None`` if it declares none
    :param limit_burst: calls, or cost points, that it allows at once after a pause
    :param limit_refilled: what further clients took at once, because the steps before them had left a pause
    :param used: what was taken of the limit, in calls or cost points
    :param by_operation: requests by operation, such as ``{"orders.create": 12}``
    """

    partner: str
    account: str | None = None
    requests: int = 0
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0
    seconds: float = 0.0
    limit_per_second: float | None = None
    limit_burst: float | None = None
    limit_refilled: float = 0.0
    used: float = 0.0
    by_operation: dict[str, int] = field(default_factory=dict)

    @property
    def limit_share(self) -> float | None:
        """The share of the limit that was taken: 1.0 is all that the partner allows in this time."""
        if not self.limit_per_second or not self.seconds:
            return None
        allowed = self.limit_per_second * self.seconds + (self.limit_burst or 0.0) + self.limit_refilled
        return self.used / allowed


@dataclass(slots=True, kw_only=True)
class TaskError(_Json):
    """Why a step failed.

    :param task: the step, without its group
    :param message: the error's first line
    :param remedy: what to do
    :param log_url: its log in Airflow, as a path of the webserver
    """

    task: str
    message: str
    remedy: str | None = None
    log_url: str | None = None


@dataclass(slots=True, kw_only=True)
class StepReport(_Json):
    """One step of a lane.

    :param state: ``success``, ``warning``, ``failed``, ``skipped``, ``waiting`` (the partner requires a wait) or
        ``not_started``
    :param started_at: start of its first try, as ISO 8601 text
    :param ended_at: end of its last try
    :param seconds: time that its tries ran
    :param tries: how many there were
    :param note: why it was skipped, or what the warning is
    """

    task: str
    state: str = "success"
    started_at: str | None = None
    ended_at: str | None = None
    seconds: float = 0.0
    tries: int = 0
    note: str | None = None


@dataclass(slots=True, kw_only=True)
class Gap(_Json):
    """A time range of a shop that no run has read."""

    shop: str
    since: str
    until: str


@dataclass(slots=True, kw_only=True)
class LaneReport(_Json):
    """One shop in one window.

    :param name: the shop, and the start of the window if the shop has several lanes
    :param window: ``{"since": …, "until": …}``
    :param failed_at: the step at which it stopped
    :param error: why
    :param map_index: which of the mapped lanes it is, for links into Airflow
    :param connections: connection ids by partner
    :param counts: by the names of :data:`COUNTS`
    :param suppressed_by_action: suppressed orders by how they ended
    :param suppressions: orders without a review request, by reason; an order may have several
    :param scores: the predictions that suppressed
    :param left_outs: orders that are not sent, by reason
    :param rejections: rejected orders, by reason
    :param notes: notes on orders
    :param found: differences that a reconciliation found
    :param changed: updated orders by property
    :param samples: some orders of each kind
    :param datasets: what its steps wrote
    :param no_changes: True if no order has changed in the window, so that no step ran
    """

    shop: str
    name: str = ""
    window: dict[str, str] | None = None
    state: State = "success"
    failed_at: str | None = None
    error: TaskError | None = None
    map_index: int = -1
    connections: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    suppressed_by_action: dict[str, int] = field(default_factory=dict)
    suppressions: list[Reason] = field(default_factory=list)
    scores: list[ScoreBand] = field(default_factory=list)
    left_outs: list[Reason] = field(default_factory=list)
    rejections: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)
    found: list[Reason] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)
    samples: list[RecordSample] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    api: list[ApiCalls] = field(default_factory=list)
    datasets: list[DatasetEntry] = field(default_factory=list)
    no_changes: bool = False

    @property
    def rejects(self) -> list[DatasetEntry]:
        """The datasets of orders that could not be sent."""
        return [dataset for dataset in self.datasets if dataset.is_rejects]


@dataclass(slots=True, kw_only=True)
class RunReport(_Json):
    """What one run of a Dag did.

    :param title: what the Dag does, in a few words
    :param state: ``failed`` if a lane failed, or a step before the lanes
    :param dry_run: True for a plan: nothing was written
    :param personal_values: True if personal values are not masked
    :param written_at: when the report was written, as ISO 8601 text
    :param started_at: when the run started
    :param params: the run's params that say what it covers
    :param error: why no lane could be chosen
    :param gaps: what no run has read
    :param dag_url: the Dag in Airflow, as a path of the webserver
    :param run_url: the run in Airflow, as a path of the webserver
    :param version: of the JSON
    """

    dag_id: str
    run_id: str
    title: str = ""
    state: State = "success"
    dry_run: bool = False
    personal_values: bool = False
    written_at: str = ""
    started_at: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    error: TaskError | None = None
    lanes: list[LaneReport] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    dag_url: str | None = None
    run_url: str | None = None
    version: int = REPORT_VERSION

    @property
    def total(self) -> dict[str, int]:
        """The counts of all lanes."""
        total = Counter(dict.fromkeys(COUNTS, 0))
        for lane in self.lanes:
            total.update(lane.counts)
        return dict(total)

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The warnings of steps, the most frequent first: each with its ``task``, ``message`` and ``lanes``."""
        found = by_cause(
            ((step.task, step.note or ""), lane.name or lane.shop)
            for lane in self.lanes
            for step in lane.steps
            if step.state == "warning"
        )
        return [{"task": task, "message": message, "lanes": lanes} for (task, message), lanes in found]

    @property
    def shops(self) -> list[str]:
        """The shops of the run."""
        return list(dict.fromkeys(lane.shop for lane in self.lanes))
