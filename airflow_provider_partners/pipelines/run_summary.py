"""The summary of an order run: one entry per lane, the totals, and a table for the log.

It is built from the dataset references that a lane's tasks returned; a task without one has failed. This module knows
no Airflow and reads no dataset.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypedDict

from airflow_provider_partners.failures import NO_CAUSE, REMEDY_LABEL, by_cause, first_of, wrapped
from airflow_provider_partners.sync.outcomes import text_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "LaneSummary",
    "RunSummary",
    "build_lane_summary",
    "build_run_summary",
    "format_failures",
    "format_summary_table",
]

COUNT_COLUMNS = (
    "read",
    "created",
    "updated",
    "unchanged",
    "stale",
    "suppressed",
    "left_out",
    "too_old",
    "rejected",
    "noted",
    "api_calls",
)
RARE_COLUMNS = frozenset({"stale", "too_old", "noted"})
"""Columns that the table leaves out while they are zero."""

PLANNED_COLUMNS = ("would_create", "would_update")
REASON_TITLES = {
    "suppressions": "No review request, orders by reason (an order may have several)",
    "left_outs": "Left out, orders by reason",
    "rejections": "Rejected, orders by reason",
    "notes": "Noted, orders by note (an order may have several)",
    "found": "Yotpo differed from Shopify, differences by kind",
}

MAX_IDLE_LINES = 10
"""Lanes without changes that the table names. More of them become one line."""

COLUMN_TITLES = {"suppressed": "of which suppressed", "too_old": "of which too old"}
"""Titles of the columns whose orders are counted in another column as well."""


class _Counts(TypedDict):
    read: int
    """Orders read from Shopify."""
    created: int
    updated: int
    unchanged: int
    stale: int
    """Orders of which Yotpo has newer data already."""
    would_create: int
    """Orders that a dry run would create."""
    would_update: int
    """Orders that a dry run would update."""
    suppressed: int
    """Orders without a review request."""
    left_out: int
    """Orders that the mapping options, or the transform, exclude."""
    too_old: int
    """Orders that are too old for a review request, sent or left out."""
    rejected: int
    """Orders that can't be mapped, or that Yotpo refused."""
    noted: int
    """Notes on orders: what Yotpo keeps although Shopify has it no longer, and products that were created first."""
    api_calls: int
    suppressions: dict[str, int]
    """Suppressed orders by reason."""
    left_outs: dict[str, int]
    """Excluded orders by reason."""
    rejections: dict[str, int]
    """Rejected orders by reason."""
    notes: dict[str, int]
    """Notes on orders, by note."""
    found: dict[str, int]
    """Differences between Yotpo and Shopify by state and by field, in a reconciliation."""


class LaneSummary(_Counts):
    """Summary of one lane: the result of its last task."""

    shop: str
    since: str
    """Start of the lane's window."""
    until: str
    """End of the lane's window."""
    failed: str | None
    """The task at which the lane stopped; ``None`` for a successful lane."""
    error: dict[str, Any] | None
    """Why: the fields of :class:`~airflow_provider_partners.observability.report.model.TaskError`."""
    warning: str | None
    """Why it is not known whether there was something to do, so that the steps ran; ``None`` if it is known."""
    no_changes: bool
    """True if no order has changed in the window, so that no step ran."""
    found_by: str | None
    """The partner whose answer shows that, as a connection type."""
    dry_run: bool
    lane: str
    """Name in the table: the shop, and the start of the window if the shop has several lanes."""
    rejects: list[str]
    """The datasets of the orders that were left out, cannot be mapped, or that Yotpo refused."""


GapsByShop = dict[str, list[dict[str, str]]]
"""By shop, the time ranges that no run has read: ``{"a.myshopify.com": [{"since": "…", "until": "…"}]}``."""


class RunSummary(TypedDict):
    """Summary of a run: the result of the task ``summarize``."""

    dry_run: bool
    lanes: list[LaneSummary]
    total: _Counts
    failed: dict[str, str]
    """By failed lane, the task at which it stopped."""
    gaps: GapsByShop
    """What no run has read, for the Dags that keep watermarks."""
    table: str
    """The summary as text."""


def build_lane_summary(
    shop: str,
    results: Mapping[str, Any],
    *,
    since: str = "",
    until: str = "",
    dry_run: bool = False,
    begun: Mapping[str, Any] | None = None,
    api_calls: int | None = None,
) -> LaneSummary:
    """Return the summary of one lane: what it did over all tries of its tasks.

    :param results: its tasks in order, each with the dataset reference or list that it returned; ``None`` if it failed
    :param since: start of its window, which distinguishes the lanes of one shop
    :param until: end of its window
    :param dry_run: True if nothing was to be written
    :param begun: summary of the outcomes that the upsert of orders has stored, if it failed
    :param api_calls: calls over all tries; by default those of the tries that returned something
    """
    extra = {name: _extra(reference) for name, reference in results.items()}
    build, orders = extra.get("build", {}), extra.get("upsert_orders", {}).get("summary") or begun or {}
    notes: dict[str, int] = orders.get("notes", {})
    rejections = Counter(build.get("rejections", {})) + Counter(orders.get("rejections", {}))
    # A task that failed because of too many rejects returns its counts anyway.
    failed = (name for name, result in results.items() if result is None or extra[name].get("over_threshold"))
    return {
        "shop": shop,
        "since": since,
        "until": until,
        "lane": shop,
        "rejects": [rejects["uri"] for task in extra.values() if (rejects := task.get("rejects"))],
        "failed": next(failed, None),
        "error": None,
        "warning": None,
        "no_changes": False,
        "found_by": None,
        "dry_run": dry_run,
        "read": (results.get("extract_orders") or {}).get("records", 0),
        "created": orders.get("created", 0),
        "updated": orders.get("updated", 0),
        "unchanged": orders.get("unchanged", 0),
        "stale": orders.get("stale", 0),
        "would_create": orders.get("would_create", 0),
        "would_update": orders.get("would_update", 0),
        "suppressed": build.get("suppressed", 0),
        "left_out": build.get("left_out", 0),
        "too_old": build.get("too_old", 0),
        "rejected": build.get("rejected", 0) + orders.get("rejected", 0),
        "suppressions": build.get("suppressions", {}),
        "left_outs": build.get("left_outs", {}),
        "rejections": dict(rejections),
        "noted": sum(notes.values()),
        "notes": notes,
        "found": extra.get("reconcile", {}).get("found", {}),
        "api_calls": _requests(extra.values()) if api_calls is None else api_calls,
    }


def build_run_summary(
    summaries: Iterable[LaneSummary | None],
    lanes: Sequence[tuple[str, str]],
    *,
    dry_run: bool = False,
    until: Mapping[tuple[str, str], str] | None = None,
    last_step: str = "summarize_lane",
) -> RunSummary:
    """Return the summary of a run.

    :param summaries: the lanes' summaries; ``None`` for a lane without one. That of a lane in which there was nothing
        to do needs no counts
    :param lanes: shop and window start of every lane of the run, so that none is missing from the table
    :param dry_run: True if nothing was to be written
    :param until: ends of the windows, by lane
    :param last_step: where a lane without a summary has failed
    """
    ends = until or {}
    summary_by_lane = {(summary["shop"], summary["since"]): summary for summary in summaries if summary}
    lane_summaries: list[Any] = [
        {
            **build_lane_summary(shop, {}, since=since, until=ends.get((shop, since), ""), dry_run=dry_run),
            **(summary_by_lane.get((shop, since)) or {"failed": last_step}),
        }
        for shop, since in lanes
    ]
    has_windows = len({shop for shop, _ in lanes}) < len(lanes)
    for lane in lane_summaries:
        lane["lane"] = f"{lane['shop']} {lane['since'][:16]}" if has_windows else lane["shop"]
    total: Any = {name: sum(lane[name] for lane in lane_summaries) for name in (*COUNT_COLUMNS, *PLANNED_COLUMNS)}
    for reasons in REASON_TITLES:
        total[reasons] = dict(sum((Counter(lane[reasons]) for lane in lane_summaries), Counter()).most_common())
    summary: RunSummary = {
        "dry_run": dry_run,
        "lanes": lane_summaries,
        "total": total,
        "failed": {lane["lane"]: lane["failed"] for lane in lane_summaries if lane["failed"]},
        "gaps": {},
        "table": "",
    }
    return with_table(summary)


def with_table(summary: RunSummary, *, gaps: GapsByShop | None = None) -> RunSummary:
    """Return a summary with its table.

    :param gaps: what no run has read
    """
    complete: RunSummary = {**summary, "gaps": gaps or summary["gaps"]}
    return {**complete, "table": format_summary_table(complete)}


def format_failures(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield short lines for each failed lane: the lane, the task, the cause, and what to do."""
    for lane in summary["lanes"]:
        if lane["failed"]:
            error = lane.get("error") or {}
            yield from wrapped(f"{lane['lane']} at {lane['failed']}: {error.get('message') or NO_CAUSE}")
            yield from wrapped(error.get("remedy") or "See the log of that task.", first=f"  {REMEDY_LABEL}")


def format_warnings(lanes: Sequence[LaneSummary]) -> Iterator[str]:
    """Yield short lines for each warning: how many lanes have it, which, and what it is."""
    for warning, having in by_cause((lane["warning"], lane["lane"]) for lane in lanes if lane["warning"]):
        count = f"{len(having)} of {len(lanes)} lanes ran without knowing whether orders have changed"
        yield from wrapped(f"{count}: {warning}")
        yield from wrapped(first_of(having), first="  ")


def format_gaps(gaps: GapsByShop) -> Iterator[str]:
    """Yield a text for each gap."""
    for shop, shop_gaps in gaps.items():
        for gap in shop_gaps:
            yield f"{shop} from {gap['since']} to {gap['until']}"


def format_summary_table(summary: RunSummary) -> str:
    """Return the summary of a run as lines of text."""
    total: Any = summary["total"]
    counted = [name for name in COUNT_COLUMNS[3:] if name not in RARE_COLUMNS or total[name]]
    columns = ("read", *(PLANNED_COLUMNS if summary["dry_run"] else ("created", "updated")), *counted)
    # The state comes before the counts: the log viewer of a window of 1440 pixels does not show the last columns.
    rows = [["lane", "state", *(COLUMN_TITLES.get(name, name.replace("_", " ")) for name in columns)]]
    rows += [_table_row(name, lane, columns, state) for name, lane, state in _table_lanes(summary["lanes"])]
    rows.append(_table_row("total", total, columns, f"{len(summary['failed'])} failed"))
    lines = [*_window_lines(summary), *text_table(rows, left={0, 1}, rule=True)]
    for reasons, title in REASON_TITLES.items():
        lanes: list[Any] = list(summary["lanes"])
        counts = [(count, lane["lane"], reason) for lane in lanes for reason, count in lane[reasons].items()]
        if counts:
            lines += [f"{title}:", *(f"  {count:>6}  {lane}: {reason}" for count, lane, reason in counts)]
    if reject_lines := [f"{lane['lane']}: {uri}" for lane in summary["lanes"] for uri in lane["rejects"]]:
        lines += ["Rejected and left out, stored in:", *(f"  {line}" for line in reject_lines)]
    if failure_lines := list(format_failures(summary)):
        lines += ["Failed:", *(f"  {line}" for line in failure_lines)]
    if warning_lines := list(format_warnings(summary["lanes"])):
        lines += ["Warnings:", *(f"  {line}" for line in warning_lines)]
    if gap_lines := list(format_gaps(summary["gaps"])):
        lines += ["Read by no run:", *(f"          {line}" for line in gap_lines)]
    if not summary["lanes"]:
        lines.append("No shop to sync: no routed shop has the app installed.")
    if summary["dry_run"]:
        lines.append("Dry run: nothing was written.")
    return "\n".join(lines)


def _table_lanes(lanes: Sequence[LaneSummary]) -> Iterator[tuple[str, Any, str]]:
    """Yield the name, the counts and the state of each line. Many lanes without changes are one line."""
    idle = [lane for lane in lanes if lane["no_changes"]]
    are_folded = len(idle) > MAX_IDLE_LINES
    for lane in lanes:
        if not (are_folded and lane["no_changes"]):
            yield lane["lane"], lane, _format_state(lane)
    if are_folded:
        names: tuple[Any, ...] = (*COUNT_COLUMNS, *PLANNED_COLUMNS)
        yield f"{len(idle)} lanes", {name: sum(lane[name] for lane in idle) for name in names}, "no changes"  # type: ignore[literal-required]


def _window_lines(summary: RunSummary) -> list[str]:
    """Return the window of the lanes, or from where to where their windows go."""
    windows = {(lane["since"], lane["until"]) for lane in summary["lanes"] if lane["since"] and lane["until"]}
    if not windows:
        return []
    since, until = min(since for since, _ in windows), max(until for _, until in windows)
    label = "Window" if len(windows) == 1 else f"{len(windows)} windows"
    return [f"{label}: {since} to {until}", "Counts are of all tries; a cleared step counts orders from zero.", ""]


def _requests(extras: Iterable[Mapping[str, Any]]) -> int:
    return sum(extra.get("api", {}).get("requests", 0) for extra in extras)


def _extra(result: Any) -> dict[str, Any]:
    """Return what a dataset's reference holds besides; nothing for other results."""
    return (result.get("extra") if isinstance(result, dict) else None) or {}


def _format_state(lane: LaneSummary) -> str:
    if lane["failed"]:
        return f"failed at {lane['failed']}"
    return "no changes" if lane["no_changes"] else "done"


def _table_row(name: str, counts: Mapping[str, Any], columns: Sequence[str], state: str) -> list[str]:
    return [name, state, *(str(counts[column]) for column in columns)]
