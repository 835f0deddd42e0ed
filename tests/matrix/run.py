"""Run one wheel on every supported Airflow and Python, with the packages that were new when that Airflow was released.

``make matrix`` runs all cells, ``make matrix CELLS="3.0.6-py3.11 lowest"`` some. Each cell has its own environment in
``.venv/matrix``. There ``check.py`` checks the provider, its connection forms and its Dags, and the demo runs the main
Dag three times against the sandbox. The orders in Yotpo must then be the same in every cell.
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
"""Airflow version to a date two weeks after its release, and to its Python versions. No newer package is installed."""

ORDERS = "8"
COMPARED_FIELDS = ("external_id", "order_name", "total_price", "payment_status", "custom_properties")
"""Fields of an order without timestamps, which depend on the clock of the run."""


@dataclass(frozen=True)
class Cell:
    """One combination of Airflow and Python.

    :param lowest: install the lowest versions of the dependencies that the package allows
    """

    airflow: str
    python: str
    lowest: bool = False

    @property
    def name(self) -> str:
        return "lowest" if self.lowest else f"{self.airflow}-py{self.python}"


CELLS = [Cell(airflow, python) for airflow, (_, pythons) in RELEASES.items() for python in pythons]
CELLS.append(Cell("3.0.6", "3.11", lowest=True))


def main() -> int:
    """Run the requested cells, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"of: {' '.join(cell.name for cell in CELLS)}")
    requested = parser.parse_args().cells
    if unknown := sorted(set(requested) - {cell.name for cell in CELLS}):
        parser.error(f"there is no cell {', '.join(unknown)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(FOLDER / "wheel", ignore_errors=True)
    subprocess.run([*uv(), "build", "--wheel", "--out-dir", str(FOLDER / "wheel"), str(ROOT)], check=True)
    (wheel,) = (FOLDER / "wheel").glob("*.whl")
    results, digests = {}, {}
    for cell in CELLS:
        if requested and cell.name not in requested:
            continue
        results[cell.name], digest = run(cell, wheel)
        if digest:
            digests[cell.name] = digest
        print(f"{cell.name:<14} {results[cell.name]}", flush=True)
    if len(set(digests.values())) > 1:
        print(f"the main Dag wrote different orders: {digests}")
        return 1
    failed = [name for name, result in results.items() if result.startswith("failed")]
    passed = list(results.values()).count("passed")
    skipped = len(results) - passed - len(failed)
    print(
        f"{passed} cells passed, {len(failed)} failed, {skipped} were not run; logs are in {FOLDER.relative_to(ROOT)}"
    )
    # On a machine with some of the Pythons, the other cells are not run. CI has all, and who names a cell wants it.
    return 1 if failed or (skipped and (requested or os.environ.get("CI"))) else 0


def run(cell: Cell, wheel: Path) -> tuple[str, str | None]:
    """Run one cell, and return its result and a digest of the orders that its main Dag wrote to Yotpo."""
    log, home = FOLDER / f"{cell.name}.log", FOLDER / f"{cell.name}-home"
    venv = FOLDER / cell.name
    shutil.rmtree(home, ignore_errors=True)
    date, _ = RELEASES[cell.airflow]
    resolution = ["--resolution", "lowest-direct"] if cell.lowest else []
    python = str(venv / "bin" / "python")
    requirements = [f"apache-airflow=={cell.airflow}", f"airflow-provider-partners[sandbox] @ {wheel.as_uri()}"]
    steps = {
        "install": [*uv(), "pip", "install", "--python", python, "--exclude-newer", date, *resolution, *requirements],
        "provider, forms, Dags": [python, str(HERE / "check.py"), str(ROOT / "dags"), cell.airflow],
        "main Dag": [
            *(python, "-m", "airflow_provider_partners.sandbox.demo", "--orders", ORDERS),
            *("--dags", str(ROOT / "dags"), "--home", str(home)),
        ],
    }
    with log.open("w") as out:
        create_venv = [*uv(), "venv", "--clear", "--python", cell.python, str(venv)]
        if subprocess.run(create_venv, stdout=out, stderr=out, check=False).returncode:
            return f"not run: no Python {cell.python} on this machine", None
        for name, command in steps.items():
            out.write(f"--- {name}\n")
            out.flush()
            variables = None if name == "install" else environment(home)
            if subprocess.run(command, stdout=out, stderr=out, env=variables, check=False).returncode:
                return f"failed at: {name}", None
    return "passed", orders_digest(home)


def environment(home: Path) -> dict[str, str]:
    """Return the variables of a cell: its own Airflow home, and none of the caller's Airflow variables."""
    inherited = {name: value for name, value in os.environ.items() if not re.match("AIRFLOW|PYTHONPATH", name)}
    return {**inherited, "AIRFLOW_HOME": str(home / "checked"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}


def orders_digest(home: Path) -> str:
    """Return the number of orders in the sandbox's Yotpo, and a hash of the compared fields."""
    (path,) = home.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            "SELECT shop, body FROM documents WHERE partner = 'yotpo' AND kind = 'order'"
        ).fetchall()
    orders = sorted(
        json.dumps([shop, *({name: json.loads(body).get(name)} for name in COMPARED_FIELDS)], sort_keys=True)
        for shop, body in rows
    )
    return f"{len(orders)} orders {hashlib.sha256(json.dumps(orders).encode()).hexdigest()[:12]}"


def uv() -> list[str]:
    """Return the command of the tool that creates environments."""
    return [sys.executable, "-m", "uv", "--quiet"]


if __name__ == "__main__":
    sys.exit(main())
