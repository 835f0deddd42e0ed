"""Summaries as a table of text, for the log of a task. Formats and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_partners.sync.outcomes import ACTIONS, OutcomeSummary


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
