"""Results of benchmarks: one JSON file each in ``results``, which ``page.py`` turns into ``docs/performance.md``.

A benchmark calls :func:`save` once, at its end, with what was to be reached, what was measured, and its figures as
tables and plots:

.. code-block:: python

    save(
        "bulk",
        size="small",
        targets=[Target("memory of 10 times the lines", "at most 1.1 times", "1.02 times", reached=True)],
        tables=[Table("Reading a bulk operation's file", ["orders", "records a second"], [[10_000, 52_100]])],
        plots=[Plot("bulk", "Records a second by size", "orders", "records a second", {"grouped": [(1e4, 5.2e4)]})],
    )

Figures should be ratios of one run, beside the shape that they are compared with. The machine and its load are stored
with them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Target:
    """One line of the page's first table.

    :param what: what is measured, such as ``Partner API from 4 processes``
    :param to_reach: the bound, in words
    :param measured: what came out, as a ratio where there is something to compare with
    :param reached: whether the bound was kept
    """

    what: str
    to_reach: str
    measured: str
    reached: bool


@dataclass(frozen=True)
class Table:
    """A table of figures.

    :param caption: what the rows are
    :param columns: their names, with units
    :param rows: the values of each row, as numbers or texts
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Plot:
    """A plot with logarithmic axes, drawn as ``docs/images/performance-<name>.svg``.

    :param name: the end of the file's name
    :param title: what it shows; it is the description for readers who can't see it, too
    :param x: the name of the horizontal axis, with the unit
    :param y: the name of the vertical axis, with the unit
    :param series: points (x, y) by the label of their line
    :param logarithmic: ``False`` for linear axes that begin at zero
    """

    name: str
    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    logarithmic: bool = True


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of command lines with ``--size``, which every benchmark has.

    :param description: the script's docstring
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--size", choices=["small", "large"], default="small", help="default: small, some minutes")
    return made


def save(
    name: str,
    *,
    size: str,
    targets: Sequence[Target] = (),
    tables: Sequence[Table] = (),
    plots: Sequence[Plot] = (),
) -> Path:
    """Write the results of a benchmark, put them into the page, and print them.

    :param name: the benchmark, as ``page.py`` knows it
    :param size: ``small`` or ``large``
    :return: the file
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    result = {
        "name": name,
        "size": size,
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "targets": [asdict(target) for target in targets],
        "tables": [asdict(table) for table in tables],
        "plots": [asdict(plot) for plot in plots],
    }
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    import page  # It imports this module.

    page.main()
    for target in targets:
        print(f"{'ok  ' if target.reached else 'MISS'} {target.what}: {target.measured} ({target.to_reach})")
    for table in tables:
        print(f"\n{table.caption}")
        for row in [table.columns, *table.rows]:
            print("  " + " | ".join(str(value) for value in row))
    return path


def machine() -> dict[str, Any]:
    """Return what the figures depend on: cores, memory, load in the last minute, and versions."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(pages * page_size / 2**30),
        "load": round(os.getloadavg()[0], 1),
        "system": platform.system(),
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "airflow": version("apache-airflow"),
    }
