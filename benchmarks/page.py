"""Write the figures of ``results`` into ``docs/performance.md``, and the plots into ``docs/images``.

Run it after a benchmark: ``python benchmarks/page.py``. Each part of the page is between two comments,
``<!-- benchmark: name -->`` and ``<!-- end of benchmark -->``. A test checks that the page is current.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from _plots import svg
from _results import RESULTS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
_BLOCK = re.compile(r"(<!-- benchmark: (?P<name>[a-z_]+) -->\n).*?(<!-- end of benchmark -->)", re.DOTALL)
_ORDER = ("shops", "rate_limits", "yotpo_calls", "imports", "parsing", "datasets", "storage", "join", "growth")
"""The order of the benchmarks in the first table; others follow by name."""
_COMMANDS = {"cluster": ".venv/cluster/bin/python tests/cluster/run.py --save"}
"""How to run what is no script of this folder."""
_MOST_COLUMNS = 9
"""A table with more of them is wider than the page. It is turned if it has fewer rows than columns."""


def results() -> dict[str, dict[str, Any]]:
    """Return the stored results by benchmark."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    return dict(sorted(found.items(), key=lambda item: [*_ORDER, item[0]].index(item[0])))


def page(text: str, measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page with the current figures between its comments.

    :param text: the page as it is
    :param measured: see :func:`results`
    """

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        content = summary(measured) if name == "all" else section(name, measured.get(name))
        return f"{match[1]}\n{content}\n\n{match[3]}"

    return _BLOCK.sub(block, text)


def summary(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of what was to be reached."""
    rows = [
        (target["what"], target["to_reach"], target["measured"], "yes" if target["reached"] else "**no**")
        for result in measured.values()
        for target in result["targets"]
    ]
    return table(("what", "to reach", "measured", "reached"), rows) if rows else "No benchmark has been run yet."


def section(name: str, result: Mapping[str, Any] | None) -> str:
    """Return the figures of one benchmark.

    :param name: the benchmark
    :param result: what it stored; ``None`` if it was never run
    """
    if result is None:
        return f"Not measured yet: run `{_COMMANDS.get(name, f'make bench ONLY={name}')}`."
    parts = []
    for shown in result["tables"]:
        lines = [shown["columns"], *shown["rows"]]
        if len(shown["columns"]) > _MOST_COLUMNS and len(lines) <= len(shown["columns"]):
            lines = list(zip(*lines, strict=True))
        parts += [f"{shown['caption']}:", table(lines[0], lines[1:])]
    for plot in result["plots"]:
        parts.append(f"![{description(plot)}](images/performance-{plot['name']}.svg)")
    host = result["machine"]
    parts.append(
        f"Measured on {result['measured']}, size `{result['size']}`: {host['cores']} cores, {host['memory_gb']} GB, "
        f"load {host['load']}, Python {host['python']}, Airflow {host['airflow']}."
    )
    return "\n\n".join(parts)


def description(plot: Mapping[str, Any]) -> str:
    """Return what a plot shows, for readers who can't see it."""
    return f"{plot['title']}: {plot['y']} over {plot['x']}, a line for each of {', '.join(plot['series'])}"


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value).replace("|", r"\|")


def main() -> None:
    """Write the page and its plots."""
    measured = results()
    PAGE.write_text(page(PAGE.read_text(), measured))
    for result in measured.values():
        for plot in result["plots"]:
            (DOCS / "images" / f"performance-{plot['name']}.svg").write_text(svg(plot, description(plot)))


if __name__ == "__main__":
    main()
