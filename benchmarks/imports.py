"""Measure what an import in a Dag file costs over ``airflow.sdk``, beside operators of Airflow's own providers.

Run it as ``python benchmarks/imports.py``. A process imports ``airflow.sdk`` with ``DAG`` and ``BaseOperator``, which
every Dag file needs. Each import runs in a fork of it, as the Dag processor forks for each file. So every fork loads
what it imports for the first time, with bytecode files. The figure is the median of the CPU time of many forks.

It also measures a process that begins: what Airflow loads of the package in each of its processes (provider
information, plugin, command line), beside the start of Airflow itself.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from _forks import in_fork
from _results import Table, Target, parser, save

TO_REACH = 50.0
"""Milliseconds that one operator may cost."""
BESIDE = (
    "from airflow.providers.standard.operators.python import PythonOperator",
    "from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator",
    "from airflow.providers.postgres.hooks.postgres import PostgresHook",
)
"""Imports of Airflow's own providers, in the same run."""
PROCESS_PARTS = (
    ("provider information", "from airflow_provider_partners.get_provider_info import get_provider_info as run"),
    ("plugin", "from airflow_provider_partners.plugin.registration import PartnersPlugin as run"),
    ("commands", "from airflow_provider_partners.cli.airflow_group import get_cli_commands as run"),
)
"""What Airflow calls at the start of its processes."""


def main() -> None:
    """Measure every public name, and what each process loads."""
    arguments = parser(__doc__).parse_args()
    runs = 9 if arguments.size == "small" else 41
    import airflow.sdk  # noqa: F401
    from airflow.sdk import DAG, BaseOperator  # noqa: F401

    import airflow_provider_partners
    from airflow_provider_partners import pipelines

    # As Airflow's DagFileProcessorManager does before it forks: no collection walks through all of Airflow's objects.
    gc.freeze()

    package = airflow_provider_partners.__name__
    singles = {name: f"from {package} import {name}" for name in sorted(airflow_provider_partners.__all__)}
    factories = {name: f"from {package}.pipelines import {name}" for name in sorted(pipelines.__all__)}
    groups = {
        "one operator": {name: line for name, line in singles.items() if name.endswith("Operator")},
        "one sensor": {name: line for name, line in singles.items() if name.endswith("Sensor")},
        "one trigger": {name: line for name, line in singles.items() if name.endswith("Trigger")},
        "one hook": {name: line for name, line in singles.items() if name.endswith("Hook")},
        "one Dag factory": {name: line for name, line in factories.items() if name.endswith("_dag")},
    }
    rows: list[list[Any]] = []
    slowest = 0.0
    for group, lines in groups.items():
        costs = {name: _milliseconds(line, runs) for name, line in lines.items()}
        name = max(costs, key=costs.__getitem__)
        rows.append([group, len(costs), round(statistics.median(costs.values()), 1), round(costs[name], 1), name])
        slowest = max(slowest, costs[name]) if group == "one operator" else slowest
    everything = _milliseconds(f"from {package} import *", runs)
    rows.append(["every public name", len(singles), round(everything, 1), round(everything, 1), ""])
    for line in BESIDE:
        cost = _milliseconds(line, runs)
        rows.append([f"Airflow's `{line.rpartition(' ')[2]}`", 1, round(cost, 1), round(cost, 1), ""])
    own = [[name, _process_part(line, runs)] for name, line in PROCESS_PARTS]
    start = _start(3)
    save(
        "imports",
        size=arguments.size,
        targets=[
            Target(
                "import of one operator in a Dag file",
                f"at most {TO_REACH:.0f} ms over `airflow.sdk`",
                f"{rows[0][2]} ms, the slowest {slowest:.1f} ms",
                reached=slowest <= TO_REACH,
            )
        ],
        tables=[
            Table("CPU time of an import, in milliseconds", ["import", "names", "median", "slowest", "which"], rows),
            Table(
                f"CPU time at the start of a process, in milliseconds; `import airflow.sdk` alone takes {start:.0f} ms",
                ["part", "milliseconds"],
                [[name, round(cost, 1)] for name, cost in own],
            ),
        ],
    )


def _milliseconds(line: str, runs: int) -> float:
    return statistics.median(_forked(lambda: exec(line, {})) for _ in range(runs))


def _process_part(line: str, runs: int) -> float:
    def load() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "airflow_provider_partners"]:
            del sys.modules[name]
        names: dict[str, Any] = {}
        exec(line, names)
        names["run"]()

    return statistics.median(_forked(load) for _ in range(runs))


def _forked(action: Callable[[], Any]) -> float:
    """Return the milliseconds of CPU time that an action takes in a fork of this process."""

    def measure() -> float:
        began = time.process_time()
        action()
        return 1000 * (time.process_time() - began)

    return float(in_fork(measure))


def _start(runs: int) -> float:
    code = "import time; import airflow.sdk; from airflow.sdk import DAG; print(1000 * time.process_time())"
    return statistics.median(float(_output([sys.executable, "-c", code])) for _ in range(runs))


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
