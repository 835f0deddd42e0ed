"""One wheel on every supported Airflow and Python, with what could be installed when that Airflow came out.

``make matrix`` runs all cells, ``make matrix CELLS="3.0.6-py3.11 lowest"`` some. Each has an environment of its own
below ``.venv/matrix``, in which ``check.py`` looks at the provider, its forms and Dags, and the demo runs the main Dag
three times against the sandbox. What the Dag has left in Yotpo must be the same in every cell.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FOLDER = ROOT / ".venv" / "matrix"

RELEASES = {
    "3.0.6": ("2025-09-12", ("3.11", "3.12")),
    "3.1.8": ("2026-03-25", ("3.11", "3.12", "3.13")),
    "3.2.2": ("2026-06-12", ("3.11", "3.12", "3.13")),
    "3.3.0": ("2026-07-20", ("3.11", "3.12", "3.13")),
    "3.3.2": ("2026-10-01", ("3.11", "3.12", "3.13")),
}
"""Airflow to the day, two weeks after its release, behind which nothing newer is installed, and to its Pythons."""

ORDERS = "8"
TOLD = ("external_id", "order_name", "total_price", "payment_status", "custom_properties")
"""What is compared of an order; its times follow the clock of the run."""


@dataclass(frozen=True)
class Cell:
    """One combination."""

    airflow: str
    python: str
    lowest: bool = False

    @property
    def name(self) -> str:
        return "lowest" if self.lowest else f"{self.airflow}-py{self.python}"


CELLS = [Cell(airflow, python) for airflow, (_, pythons) in RELEASES.items() for python in pythons]
CELLS.append(Cell("3.0.6", "3.11", lowest=True))


def main() -> int:
    """Run the cells that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"of: {' '.join(cell.name for cell in CELLS)}")
    asked = parser.parse_args().cells
    if unknown := sorted(set(asked) - {cell.name for cell in CELLS}):
        parser.error(f"there is no cell {', '.join(unknown)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER / "wheel", ignore_errors=True)
    subprocess.run([*uv(), "build", "--wheel", "--out-dir", str(FOLDER / "wheel"), str(ROOT)], check=True)
    (wheel,) = (FOLDER / "wheel").glob("*.whl")
    results, left = {}, {}
    for cell in CELLS:
        if asked and cell.name not in asked:
            continue
        results[cell.name], digest = run(cell, wheel)
        if digest:
            left[cell.name] = digest
        print(f"{cell.name:<14} {results[cell.name]}", flush=True)
    if len(set(left.values())) > 1:
        print(f"the main Dag left different orders: {left}")
        return 1
    bad = [name for name, result in results.items() if result.startswith("failed")]
    well = list(results.values()).count("well")
    missed = len(results) - well - len(bad)
    print(f"{well} cells are well, {len(bad)} failed, {missed} were not run; logs are in {FOLDER.relative_to(ROOT)}")
    return 1 if bad else 0


def run(cell: Cell, wheel: Path) -> tuple[str, str | None]:
    """One cell: what became of it, and a digest of what its main Dag left in Yotpo."""
    log, home = FOLDER / f"{cell.name}.log", FOLDER / f"{cell.name}-home"
    place = FOLDER / cell.name
    shutil.rmtree(home, ignore_errors=True)
    day, _ = RELEASES[cell.airflow]
    newest = ["--resolution", "lowest-direct"] if cell.lowest else []
    python = str(place / "bin" / "python")
    wanted = [f"apache-airflow=={cell.airflow}", f"airflow-provider-partners[sandbox] @ {wheel.as_uri()}"]
    steps = {
        "install": [*uv(), "pip", "install", "--python", python, "--exclude-newer", day, *newest, *wanted],
        "provider, forms, Dags": [python, str(HERE / "check.py"), str(ROOT / "dags"), cell.airflow],
        "main Dag": [
            *(python, "-m", "airflow_provider_partners.sandbox.demo", "--orders", ORDERS),
            *("--dags", str(ROOT / "dags"), "--home", str(home)),
        ],
    }
    with log.open("w") as out:
        made = [*uv(), "venv", "--clear", "--python", cell.python, str(place)]
        if subprocess.run(made, stdout=out, stderr=out, check=False).returncode:
            return f"not run: no Python {cell.python} on this machine", None
        for name, command in steps.items():
            out.write(f"--- {name}\n")
            out.flush()
            own = None if name == "install" else environment(home)
            if subprocess.run(command, stdout=out, stderr=out, env=own, check=False).returncode:
                return f"failed at: {name}", None
    return "well", digest_of(home)


def environment(home: Path) -> dict[str, str]:
    """Nothing of the caller's Airflow, and a home of the cell's own."""
    kept = {name: value for name, value in os.environ.items() if not re.match("AIRFLOW|PYTHONPATH", name)}
    return {**kept, "AIRFLOW_HOME": str(home / "checked"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


def digest_of(home: Path) -> str:
    """The orders that Yotpo holds, by what doesn't follow the clock."""
    (path,) = home.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT shop, body FROM documents WHERE partner = 'yotpo' AND kind = 'order'"
        ).fetchall()
    told = sorted(
        json.dumps([shop, *({name: json.loads(body).get(name)} for name in TOLD)], sort_keys=True)
        for shop, body in rows
    )
    return f"{len(told)} orders {hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]}"


def uv() -> list[str]:
    """The tool that makes environments."""
    return [sys.executable, "-m", "uv", "--quiet"]


if __name__ == "__main__":
    sys.exit(main())
