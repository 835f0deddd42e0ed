"""What a killed step has shown: a report for each case, and a table of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kill_steps import STEPS
from kills import Point

__all__ = ["Case", "Report", "format_table"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case: which step is killed where, in one or two tries.

    :param each_page: whether each page is committed, as if it were large or slow; otherwise all at the end
    """

    seed: int
    step: str
    points: tuple[Point, ...]
    each_page: bool

    def __str__(self) -> str:
        """Return the step and the points."""
        return f"{self.step} killed at {' and '.join(map(str, self.points))}"


@dataclass
class Report:
    """What a case has shown.

    :param differences: what is not as without the kill
    :param refetched: committed pages that the retry fetched again
    :param left: files that the retry left
    """

    kills: int = 0
    differences: list[str] = field(default_factory=list)
    refetched: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        """All of it, as lines."""
        return [
            *self.differences,
            *(f"fetched again: {each}" for each in self.refetched),
            *(f"left: {each}" for each in self.left),
        ]


_KINDS = {
    "partner": re.compile(r"request|answer|half a body|body"),
    "commit": re.compile(r".*(part|progress|manifest|checkpoint|version|window)"),
    "database": re.compile(r".* in (a table|a scratch database|PostgreSQL)"),
    "end": re.compile(r"end"),
    "other files": re.compile(r".*"),
}
"""Kinds of points in the table. The first that matches counts."""


def format_table(reports: Sequence[tuple[Case, Report]]) -> str:
    """Return the cases by step and kind of point: kills, and what they have shown."""
    rows: dict[tuple[str, str], list[int]] = {}
    for case, report in reports:
        kind = next(name for name, pattern in _KINDS.items() if pattern.fullmatch(case.points[0].kind))
        row = rows.setdefault((case.step, kind), [0, 0, 0, 0, 0])
        counts = [1, report.kills, *(len(each) for each in (report.differences, report.refetched, report.left))]
        row[:] = [one + other for one, other in zip(row, counts, strict=True)]
    total = [sum(column) for column in zip(*rows.values(), strict=True)] or [0] * 5
    order = [*STEPS]
    lines = [f"{'step':24}{'killed at':14}{'cases':>7}{'kills':>7}{'differences':>13}{'refetched':>11}{'left':>6}"]
    for (step, kind), row in sorted(rows.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
        lines.append(f"{step:24}{kind:14}{row[0]:7}{row[1]:7}{row[2]:13}{row[3]:11}{row[4]:6}")
    lines.append(f"{'all':38}{total[0]:7}{total[1]:7}{total[2]:13}{total[3]:11}{total[4]:6}")
    return "\n".join(lines)
