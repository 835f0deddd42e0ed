"""Run one wheel on every supported Airflow and Python, with the packages that were new when that Airflow was released.

``make matrix`` runs all cells, ``make matrix CELLS="3.0.6-py3.11 lowest"`` some. Each cell has its own environment in
``.venv/matrix``. There ``check.py`` checks the provider, its connection forms and its Dags, and the demo runs the main
Dag three times against the sandbox: with a task for each step, and with a task for several shops. The orders in Yotpo
must then be the same in every cell. Each cell writes its result into ``results.json`` and ``docs/versions.md``.
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
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FOLDER = ROOT / ".venv" / "matrix"
RESULTS = HERE / "results.json"
PAGE = ROOT / "docs" / "versions.md"
BLOCK = re.compile(r"(<!-- matrix -->\n).*?(<!-- end of matrix -->)", re.DOTALL)
"""The part of the page that has the results."""

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
        results[cell.name], found = run(cell, wheel)
        digests |= found
        print(f"{cell.name:<14} {results[cell.name]}", flush=True)
        save(cell.name, results[cell.name])
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


def run(cell: Cell, wheel: Path) -> tuple[str, dict[str, str]]:
    """Run one cell, and return its result and a digest of the orders that each demo wrote to Yotpo."""
    log, home, venv = FOLDER / f"{cell.name}.log", FOLDER / f"{cell.name}-home", FOLDER / cell.name
    python = str(venv / "bin" / "python")
    date, _ = RELEASES[cell.airflow]
    resolution = ["--resolution", "lowest-direct"] if cell.lowest else []
    requirements = [f"apache-airflow=={cell.airflow}", f"airflow-provider-partners[sandbox] @ {wheel.as_uri()}"]
    demos = {"main Dag": ROOT / "dags", "main Dag, a task for several shops": HERE / "dags"}
    homes = {name: home / str(number) for number, name in enumerate(demos)}
    steps = {
        "install": [*uv(), "pip", "install", "--python", python, "--exclude-newer", date, *resolution, *requirements],
        "provider, forms, Dags": [python, str(HERE / "check.py"), str(ROOT / "dags"), cell.airflow],
    }
    for name, dags in demos.items():
        command = [python, "-m", "airflow_provider_partners.sandbox.demo", "--orders", ORDERS]
        steps[name] = [*command, "--dags", str(dags), "--home", str(homes[name])]
    shutil.rmtree(home, ignore_errors=True)
    with log.open("w") as out:
        create_venv = [*uv(), "venv", "--clear", "--python", cell.python, str(venv)]
        if subprocess.run(create_venv, stdout=out, stderr=out, check=False).returncode:
            return f"not run: no Python {cell.python} on this machine", {}
        for name, command in steps.items():
            out.write(f"--- {name}\n")
            out.flush()
            variables = None if name == "install" else environment(home)
            if subprocess.run(command, stdout=out, stderr=out, env=variables, check=False).returncode:
                return f"failed at: {name}", {}
    return "passed", {f"{cell.name}, {name}": orders_digest(folder) for name, folder in homes.items()}


def save(name: str, result: str) -> None:
    """Store the result of a cell that was run, and write all stored results into the page."""
    if result.startswith("not run"):
        return
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    stored[name] = {"result": result, "measured": f"{datetime.now(UTC):%Y-%m-%d}"}
    RESULTS.write_text(
        json.dumps({cell.name: stored[cell.name] for cell in CELLS if cell.name in stored}, indent=2) + "\n"
    )
    PAGE.write_text(page(PAGE.read_text(), stored))


def page(text: str, stored: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page with a table of the results: a row for each Airflow, a column for each Python."""
    pythons = sorted({cell.python for cell in CELLS})
    rows = [["Airflow", *(f"Python {python}" for python in pythons)], ["---"] * (1 + len(pythons))]
    for airflow, lowest in dict.fromkeys((cell.airflow, cell.lowest) for cell in CELLS):
        cells = {cell.python: cell.name for cell in CELLS if (cell.airflow, cell.lowest) == (airflow, lowest)}
        label = f"{airflow}, lowest versions of the dependencies" if lowest else airflow
        rows.append([label, *(_result(stored.get(cells.get(python, ""))) for python in pythons)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return BLOCK.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", text)


def _result(stored: Mapping[str, str] | None) -> str:
    return f"{stored['result']} ({stored['measured']})" if stored else ""


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
