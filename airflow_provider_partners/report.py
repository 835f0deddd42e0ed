"""What a run tells in the end: a summary per shop, the totals, and a table of them for the log.

Made of the references that the tasks of a lane returned; a step that left none has failed. Knows no Airflow
and reads no dataset.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

COUNTS = ("read", "created", "updated", "unchanged", "suppressed", "rejected", "api_calls")
PLANNED = ("would_create", "would_update")
REASONS = ("suppressed_reasons", "rejected_reasons")

Report = dict[str, Any]


def lane_report(shop: str, steps: Mapping[str, Mapping[str, Any] | None], *, dry_run: bool = False) -> Report:
    """What became of one shop.

    :param shop: its domain
    :param steps: the steps of its lane in order, each with the dataset reference it returned; ``None`` if it
        failed
    :param dry_run: whether nothing was to be written
    """
    failed = next((name for name, reference in steps.items() if reference is None), None)
    extra = {name: (reference or {}).get("extra") or {} for name, reference in steps.items()}
    orders, build = extra.get("upsert_orders", {}), extra.get("build", {})
    report: Report = {
        "shop": shop,
        "failed": failed,
        "dry_run": dry_run,
        "read": (steps.get("extract_orders") or {}).get("records", 0),
        **{
            name: orders.get("counts", {}).get(name, 0)
            for name in ("created", "updated", "unchanged", *PLANNED)
        },
        "suppressed": build.get("suppressed", 0),
        "rejected": build.get("rejected", 0) + orders.get("counts", {}).get("rejected", 0),
        "suppressed_reasons": dict(build.get("suppressed_reasons", {})),
        "rejected_reasons": dict(
            Counter(build.get("rejected_reasons", {})) + Counter(orders.get("rejected_reasons", {}))
        ),
        "products": dict(extra.get("upsert_products", {}).get("counts", {})),
        "api_calls": sum(step.get("api", {}).get("requests", 0) for step in extra.values()),
    }
    return report


def run_report(reports: Iterable[Report | None], shops: Sequence[str], *, dry_run: bool = False) -> Report:
    """What became of all shops.

    :param reports: those of the lanes; ``None`` where a lane left none
    :param shops: every shop the run took, so that none is missing from the table
    :param dry_run: whether nothing was to be written
    """
    by_shop = {report["shop"]: report for report in reports if report}
    rows = [by_shop.get(shop) or {**lane_report(shop, {}), "failed": "summarize_shop"} for shop in shops]
    total: Report = {name: sum(row[name] for row in rows) for name in (*COUNTS, *PLANNED)}
    for reasons in REASONS:
        total[reasons] = dict(sum((Counter(row[reasons]) for row in rows), Counter()).most_common())
    report: Report = {
        "dry_run": dry_run,
        "shops": rows,
        "total": total,
        "failed": {row["shop"]: row["failed"] for row in rows if row["failed"]},
    }
    report["table"] = table(report)
    return report


def table(report: Report) -> str:
    """The report as lines of text.

    :param report: of :func:`run_report`
    """
    columns = ("read", *(PLANNED if report["dry_run"] else ("created", "updated")), *COUNTS[3:])
    head = ("shop", *(name.replace("_", " ") for name in columns), "state")
    rows = [
        (
            row["shop"],
            *(str(row[name]) for name in columns),
            f"failed at {row['failed']}" if row["failed"] else "done",
        )
        for row in report["shops"]
    ]
    rows.append((
        "total",
        *(str(report["total"][name]) for name in columns),
        f"{len(report['failed'])} failed",
    ))
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        _line(head, widths),
        "  ".join("-" * width for width in widths),
        *(_line(row, widths) for row in rows),
    ]
    for reasons in REASONS:
        found = [
            f"  {count:>6}  {row['shop']}: {reason}"
            for row in report["shops"]
            for reason, count in row[reasons].items()
        ]
        if found:
            lines += [f"{reasons.split('_', maxsplit=1)[0]} because of:", *found]
    if report["dry_run"]:
        lines.append("Dry run: nothing was written.")
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Text to the left, numbers to the right."""
    last = len(cells) - 1
    placed = (
        cell.ljust(width) if place in {0, last} else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(placed).rstrip()
