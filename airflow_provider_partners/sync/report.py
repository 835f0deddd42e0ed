"""Summaries as a table of text, for the log of a task. Formats and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_partners.sync.outcomes import ACTIONS, Summary


def format_summary(summaries: Summary | Mapping[str, Summary | Mapping[str, Any]], *, label: str = "shop") -> str:
    """One line per shop (or whatever the keys are) and one for all of them, then the reasons.

    Columns without a count anywhere are left out, except the four that every run is read by.

    :param summaries: one, or several by name; as objects or as the dicts that XCom holds
    :param label: what the names are
    """
    by_name = _by_name(summaries)
    everything = Summary()
    for summary in by_name.values():
        everything.merge(summary)
    always = ACTIONS[:4]
    columns = [action for action in ACTIONS if action in always or everything.counts[action]]
    header = [label, *columns, "suppressed", "total"]
    rows = [_row(name, summary, columns) for name, summary in by_name.items()]
    if len(rows) != 1 or "" in by_name:
        rows = [*(row for row in rows if row[0]), _row("all", everything, columns)]
    lines = _table([header, *rows])
    for title, reasons in (("Rejected", everything.rejections), ("Suppressed", everything.suppressions)):
        for reason, count in reasons.most_common():
            examples = ", ".join(everything.examples.get(reason, []))
            lines.append(f"{title}: {count}x {reason}" + (f" (such as {examples})" if examples else ""))
    return "\n".join(lines)


def _by_name(summaries: Summary | Mapping[str, Summary | Mapping[str, Any]]) -> dict[str, Summary]:
    if isinstance(summaries, Summary):
        return {"": summaries}
    return {
        name: value if isinstance(value, Summary) else Summary.from_dict(value) for name, value in summaries.items()
    }


def _row(name: str, summary: Summary, columns: list[Any]) -> list[str]:
    return [name, *(str(summary.counts[column]) for column in columns), str(summary.suppressed), str(summary.total)]


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ])
        for row in rows
    ]
