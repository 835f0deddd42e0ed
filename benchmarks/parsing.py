"""Measure how long Airflow needs to parse and serialize the product's Dag files, beside plain Dags of the same size.

Run it as ``python benchmarks/parsing.py``. A process loads what the Dag processor loads, and parses a small Dag. Then
forks of it parse the files in ``dags``, each as Airflow's ``DagBag`` does, and serialize the Dags as they are stored.
The plain Dags have as many tasks and params, of Airflow's own ``PythonOperator``. The figures are medians of CPU time.
"""

from __future__ import annotations

import gc
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _forks import in_fork
from _results import Table, Target, parser, save

DAGS = Path(__file__).parents[1] / "dags"
TO_REACH = 0.5
"""Seconds for all files together."""
_PLAIN = """
from datetime import datetime
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Param

with DAG("plain_{name}", schedule=None, start_date=datetime(2026, 1, 1), params={{
    f"param_{{number}}": Param(None, type=["null", "string"], description="A param") for number in range({params})
}}):
    for number in range({tasks}):
        PythonOperator(task_id=f"task_{{number}}", python_callable=print)
"""


def main() -> None:
    """Measure each file, all together, and plain Dags."""
    arguments = parser(__doc__).parse_args()
    runs = 5 if arguments.size == "small" else 31
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        _load_airflow(Path(home))
        files = sorted(DAGS.glob("*.py"))
        rows = [[path.name, *_figures([path], runs)] for path in files]
        parse, serialize, tasks, params = _figures(files, runs)
        plain = []
        for name, _, _, tasks_of, params_of in rows:
            plain.append(Path(home) / f"plain_{name}")
            plain[-1].write_text(_PLAIN.format(name=name.removesuffix(".py"), tasks=tasks_of, params=params_of))
        rows += [
            ["**all files in one process**", parse, serialize, tasks, params],
            ["plain Dags of the same size", *_figures(plain, runs)],
        ]
    ratio = (parse + serialize) / (rows[-1][1] + rows[-1][2])
    seconds = (parse + serialize) / 1000
    save(
        "parsing",
        size=arguments.size,
        targets=[
            Target(
                "product Dags together, parsed where Airflow is loaded",
                f"under {TO_REACH} s",
                f"{parse / 1000:.2f} s, with serialization {seconds:.2f} s: {ratio:.1f} times plain Dags of that size",
                reached=seconds < TO_REACH,
            )
        ],
        tables=[
            Table(
                "CPU time to parse and to serialize the Dag files, in milliseconds",
                ["file", "parse", "serialize", "tasks", "params"],
                [[name, round(first), round(second), *rest] for name, first, second, *rest in rows],
            )
        ],
    )


def _load_airflow(home: Path) -> None:
    import airflow.dag_processing.processor  # noqa: F401

    small = home / "small.py"
    small.write_text(_PLAIN.format(name="small", tasks=1, params=1))
    _parse([small])
    # As Airflow's DagFileProcessorManager does before it forks: no collection walks through all of Airflow's objects.
    gc.freeze()


def _figures(files: Sequence[Path], runs: int) -> tuple[float, float, int, int]:
    measured = [in_fork(lambda: _parse(files)) for _ in range(runs)]
    parse, serialize = (statistics.median(row[index] for row in measured) for index in (0, 1))
    return parse, serialize, measured[0][2], measured[0][3]


def _parse(files: Sequence[Path]) -> list[float]:
    """Return the milliseconds of parsing and of serializing, and the number of tasks and params."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    began = time.process_time()
    bags = [DagBag(dag_folder=str(path)) for path in files]
    parsed = time.process_time()
    dags = [dag for bag in bags for dag in bag.dags.values()]
    for dag in dags:
        DagSerialization.to_dict(dag)
    end = time.process_time()
    if errors := [error for bag in bags for error in bag.import_errors.values()]:
        raise RuntimeError("\n".join(errors))
    tasks, params = sum(len(dag.tasks) for dag in dags), sum(len(dag.params) for dag in dags)
    return [1000 * (parsed - began), 1000 * (end - parsed), tasks, params]


if __name__ == "__main__":
    main()
