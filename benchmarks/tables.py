"""Rows a second and peak memory of tables and files: 10,000 to 1,000,000 rows in and out.

Each measurement is a process of its own, which the kernel's count of its memory (``ru_maxrss``) covers alone. The
databases are a PostgreSQL on loopback and an SQLite file. A row has ten columns: an order with a decimal, timestamps
and a JSON list. Preparation and imports are left out.

.. code-block:: shell

    python benchmarks/tables.py --size large
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from _results import Table, parser, save

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

SIZES = {"small": (10_000, 100_000), "large": (10_000, 100_000, 1_000_000)}

_SELECT = """
    SELECT n AS id, 'order-' || n AS name, 'customer' || n || '@example.com' AS email,
           timestamptz '2026-01-01Z' + n * interval '1 second' AS created_at,
           timestamptz '2026-02-01Z' + n * interval '1 second' AS updated_at,
           (n % 100000) / 100.0 AS total, n % 7 AS items, n % 2 = 0 AS paid, 'EUR' AS currency,
           jsonb_build_array(jsonb_build_object('sku', 'sku-' || n % 500, 'quantity', n % 3)) AS lines
    FROM generate_series(1, {rows}) AS n
"""

TYPES = {
    "id": "integer",
    "created_at": "timestamp",
    "updated_at": "timestamp",
    "total": "decimal",
    "items": "integer",
    "paid": "boolean",
    "lines": "json",
}


def order(number: int) -> dict[str, Any]:
    """Return one row."""
    minutes, seconds = divmod(number, 60)
    hours, minutes = divmod(minutes, 60)
    time_of_day = f"{hours % 24:02d}:{minutes:02d}:{seconds:02d}Z"
    return {
        "id": number,
        "name": f"order-{number}",
        "email": f"customer{number}@example.com",
        "created_at": f"2026-01-01T{time_of_day}",
        "updated_at": f"2026-02-01T{time_of_day}",
        "total": f"{number % 100_000 / 100:.2f}",
        "items": number % 7,
        "paid": number % 2 == 0,
        "currency": "EUR",
        "lines": [{"sku": f"sku-{number % 500}", "quantity": number % 3}],
    }


def context() -> dict[str, Any]:
    """Return the context of a task."""
    return {"ti": SimpleNamespace(dag_id="benchmark", task_id="load", run_id="run", map_index=-1)}


def read_sql(folder: Path, rows: int) -> None:
    """Read from PostgreSQL."""
    from airflow_provider_partners import SqlToDatasetOperator

    operator = SqlToDatasetOperator(task_id="read", conn_id="warehouse", sql=_SELECT.format(rows=rows))
    lap("SQL in: PostgreSQL", rows, operator)


def read_csv(folder: Path, rows: int) -> None:
    """Read a CSV file."""
    with (folder / "orders.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(order(0)))
        writer.writeheader()
        writer.writerows({**order(number), "lines": json.dumps(order(number)["lines"])} for number in range(rows))
    _read_files(folder / "orders.csv", rows, "CSV", types=TYPES)


def read_jsonl(folder: Path, rows: int) -> None:
    """Read a file of JSON lines."""
    with (folder / "orders.jsonl").open("w") as file:
        file.writelines(f"{json.dumps(order(number))}\n" for number in range(rows))
    _read_files(folder / "orders.jsonl", rows, "JSON lines")


def read_parquet(folder: Path, rows: int) -> None:
    """Read a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetWriter(folder / "orders.parquet", pa.Table.from_pylist([order(0)]).schema) as writer:
        for start in range(0, rows, 10_000):
            writer.write_table(pa.Table.from_pylist([order(number) for number in range(start, start + 10_000)]))
    _read_files(folder / "orders.parquet", rows, "Parquet")


def _read_files(path: Path, rows: int, label: str, **arguments: Any) -> None:
    from airflow_provider_partners import FilesToDatasetOperator

    lap(f"files in: {label}", rows, FilesToDatasetOperator(task_id="read", uri=str(path), **arguments))


def load_postgres(folder: Path, rows: int) -> None:
    """Merge into PostgreSQL twice, and append."""
    _load(folder, rows, "warehouse", "PostgreSQL")


def load_sqlite(folder: Path, rows: int) -> None:
    """Merge into SQLite twice, and append."""
    _load(folder, rows, "lite", "SQLite")


def _load(folder: Path, rows: int, conn_id: str, label: str) -> None:
    from airflow_provider_partners import DatasetToSqlOperator, DatasetWriter
    from airflow_provider_partners.datasets import Column

    columns = [Column(name, kind) for name, kind in TYPES.items()]  # type: ignore[arg-type]
    writer = DatasetWriter(str(folder / "dataset"), source="shop", resource="orders", columns=columns)
    writer.resume()
    for start in range(0, rows, 5_000):
        writer.append([order(number) for number in range(start, start + 5_000)])
    reference = writer.commit().to_dict()
    table = f"orders_{conn_id}_{rows}"
    merge: dict[str, Any] = {"dataset": reference, "conn_id": conn_id, "table": table, "keys": ["id"]}
    append = {"dataset": reference, "conn_id": conn_id, "table": f"{table}_appended", "mode": "append"}
    for kind, arguments in (("merge, all new", merge), ("merge, all there", merge), ("append", append)):
        lap(f"out to {label}: {kind}", rows, DatasetToSqlOperator(task_id="load", **arguments))


MEASUREMENTS = (read_sql, read_csv, read_jsonl, read_parquet, load_postgres, load_sqlite)


def lap(label: str, rows: int, operator: Any) -> None:
    """Run an operator, and print its seconds and the kilobytes of the process so far."""
    start = time.perf_counter()
    records = operator.execute(context())["records"]
    seconds = time.perf_counter() - start
    assert records == rows, f"{records} of {rows}"
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"LAP {json.dumps({'label': label, 'seconds': seconds, 'kilobytes': kilobytes})}")


def measure(name: str, rows: int) -> None:
    """Run one measurement."""
    from airflow_provider_partners.hooks.database import find_database

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIRFLOW__PARTNERS__STAGING_URI"] = f"{folder}/staging"
        os.environ["AIRFLOW_CONN_LITE"] = json.dumps({"conn_type": "sqlite", "host": f"{folder}/lite.db"})
        for conn_id in ("warehouse", "lite"):
            find_database(conn_id)  # imports the drivers
        next(each for each in MEASUREMENTS if each.__name__ == name)(Path(folder), rows)


def main() -> None:
    """Measure everything."""
    from postgres import serve_postgres

    arguments = parser(__doc__).parse_args()
    sizes = SIZES[arguments.size]
    rows: list[list[str]] = []
    with serve_postgres() as server, tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "AIRFLOW_HOME": home,
            "AIRFLOW_CONN_WAREHOUSE": server.airflow_connection(),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        for each in MEASUREMENTS:
            cells: dict[str, list[str]] = {}
            for size in sizes:
                code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import tables"
                command = [sys.executable, "-c", f"{code}; tables.measure({each.__name__!r}, {size})"]
                output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
                for line in output.splitlines():
                    if line.startswith("LAP "):
                        result = json.loads(line.removeprefix("LAP "))
                        cell = f"{size / result['seconds']:,.0f} a second, {result['kilobytes'] // 1024} MB"
                        cells.setdefault(result["label"], []).append(cell)
            rows += [[label, *measured] for label, measured in cells.items()]
    columns = ["what", *(f"{size:,}" for size in sizes)]
    save("tables", size=arguments.size, tables=[Table("Rows a second, and the process's peak memory", columns, rows)])


if __name__ == "__main__":
    main()
