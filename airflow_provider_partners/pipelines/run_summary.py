"""What a run of the order sync tells in the end: a summary per lane, the totals, and a table of them for the log.

Made of the references that the tasks of a lane returned; a step that left none has failed. Knows no Airflow and
reads no dataset.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COUNT_COLUMNS = ("read", "created", "updated", "unchanged", "suppressed", "left_out", "rejected", "api_calls")
PLANNED_COLUMNS = ("would_create", "would_update")
REASON_TITLES = {
    "suppressions": "No review is asked for",
    "left_outs": "Left out by the mapping options",
    "rejections": "Rejected",
    "found": "Yotpo differed from Shopify",
}

SummaryDict = dict[str, Any]


def build_lane_summary(
    shop: str, results: Mapping[str, Mapping[str, Any] | None], *, since: str = "", dry_run: bool = False
) -> SummaryDict:
    """What became of one lane.

    :param shop: its shop's domain
    :param results: its steps in order, each with the dataset reference it returned; ``None`` if it failed
    :param since: the beginning of its window, which tells the lanes of one shop apart
    :param dry_run: whether nothing was to be written
    """
    extra = {name: (reference or {}).get("extra") or {} for name, reference in results.items()}
    build, orders = extra.get("build", {}), extra.get("upsert_orders", {}).get("summary", {})
    rejections = Counter(build.get("rejections", {})) + Counter(orders.get("rejections", {}))
    return {
        "shop": shop,
        "since": since,
        "failed": next((name for name, left in results.items() if left is None or _exceeds_max_rejects(left)), None),
        "dry_run": dry_run,
        "read": (results.get("extract_orders") or {}).get("records", 0),
        **{name: orders.get(name, 0) for name in ("created", "updated", "unchanged", *PLANNED_COLUMNS)},
        "suppressed": build.get("suppressed", 0),
        "left_out": build.get("left_out", 0),
        "rejected": build.get("rejected", 0) + orders.get("rejected", 0),
        "suppressions": build.get("suppressions", {}),
        "left_outs": build.get("left_outs", {}),
        "rejections": dict(rejections),
        "found": extra.get("reconcile", {}).get("found", {}),
        "api_calls": sum(step.get("api", {}).get("requests", 0) for step in extra.values()),
    }


def build_run_summary(
    summaries: Iterable[SummaryDict | None], lanes: Sequence[tuple[str, str]], *, dry_run: bool = False
) -> SummaryDict:
    """What became of all lanes.

    :param summaries: those of the lanes; ``None`` where a lane left none
    :param lanes: shop and beginning of every lane the run took, so that none is missing from the table
    :param dry_run: whether nothing was to be written
    """
    summary_by_lane = {(summary["shop"], summary["since"]): summary for summary in summaries if summary}
    lane_summaries = [
        summary_by_lane.get((shop, since)) or {**build_lane_summary(shop, {}, since=since), "failed": "summarize_lane"}
        for shop, since in lanes
    ]
    has_windows = len({shop for shop, _ in lanes}) < len(lanes)
    for row in lane_summaries:
        row["lane"] = f"{row['shop']} {row['since'][:16]}" if has_windows else row["shop"]
    total: SummaryDict = {name: sum(row[name] for row in lane_summaries) for name in (*COUNT_COLUMNS, *PLANNED_COLUMNS)}
    for reasons in REASON_TITLES:
        total[reasons] = dict(sum((Counter(row[reasons]) for row in lane_summaries), Counter()).most_common())
    summary: SummaryDict = {
        "dry_run": dry_run,
        "lanes": lane_summaries,
        "total": total,
        "failed": {row["lane"]: row["failed"] for row in lane_summaries if row["failed"]},
    }
    summary["table"] = format_summary_table(summary)
    return summary


def format_summary_table(summary: SummaryDict) -> str:
    """The summary of a run as lines of text.

    :param summary: of :func:`build_run_summary`
    """
    columns = ("read", *(PLANNED_COLUMNS if summary["dry_run"] else ("created", "updated")), *COUNT_COLUMNS[3:])
    head = ("lane", *(name.replace("_", " ") for name in columns), "state")
    rows = [_table_row(row["lane"], row, columns, _format_state(row)) for row in summary["lanes"]]
    rows.append(_table_row("total", summary["total"], columns, f"{len(summary['failed'])} failed"))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = tuple("-" * width for width in widths)
    lines = [_format_line(row, widths) for row in (head, rule, *rows)]
    for reasons, title in REASON_TITLES.items():
        reason_counts = [
            (count, row["lane"], reason) for row in summary["lanes"] for reason, count in row[reasons].items()
        ]
        if reason_counts:
            lines += [f"{title}:", *(f"  {count:>6}  {lane}: {reason}" for count, lane, reason in reason_counts)]
    if summary["dry_run"]:
        lines.append("Dry run: nothing was written.")
    return "\n".join(lines)


def _exceeds_max_rejects(reference: Mapping[str, Any]) -> bool:
    """Whether the step failed for its many rejects, of which it left the counts."""
    return bool((reference.get("extra") or {}).get("over_threshold"))


def _format_state(row: SummaryDict) -> str:
    return f"failed at {row['failed']}" if row["failed"] else "done"


def _table_row(name: str, counts: Mapping[str, int], columns: Sequence[str], state: str) -> tuple[str, ...]:
    return (name, *(str(counts[column]) for column in columns), state)


def _format_line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Text to the left, numbers to the right."""
    last = len(cells) - 1
    placed = (
        cell.ljust(width) if place in {0, last} else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(placed).rstrip()
