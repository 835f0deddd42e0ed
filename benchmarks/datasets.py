"""Measure writing and reading datasets: records a second of one core, peak memory, and objects by part size.

Run it as ``python benchmarks/datasets.py``. Each measurement runs in a process of its own, so that its peak memory is
its own. A record is parsed out of a page as a partner sends it, checked against its columns, and written; the figure is
the CPU time of all three. The rows *json* do the same with the standard library's ``json`` in place of orjson.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from _results import Table, Target, parser, save

from airflow_provider_partners import records
from airflow_provider_partners.datasets import writer as writer_module
from airflow_provider_partners.datasets.formats import json_lines
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter

PAGE = 100
TO_REACH = 40_000
COLUMNS = [
    Column("id", "string"),
    Column("total", "decimal"),
    Column("createdAt", "timestamp"),
    Column("test", "boolean"),
    Column("customer", "json"),
    Column("lineItems", "json"),
]
CASES = (
    ("json", "jsonl", 32_000_000),
    # With a part of one byte, each page is a part of its own.
    ("orjson", "jsonl", 1),
    ("orjson", "jsonl", 4_000_000),
    ("orjson", "jsonl", 32_000_000),
    ("orjson", "parquet", 4_000_000),
    ("orjson", "parquet", 32_000_000),
)


def make_order(number: int) -> dict[str, Any]:
    """Return an order of about 0.7 kB."""
    lines = [
        {"id": f"gid://shopify/LineItem/{number * 3 + line}", "sku": f"SKU-{number % 997}-{line}", "quantity": line + 1}
        for line in range(3)
    ]
    return {
        "id": f"gid://shopify/Order/{number}",
        "total": f"{number % 1000}.{number % 100:02}",
        "createdAt": f"2026-05-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
        "test": False,
        # Customers' texts compress less than a repeated one would.
        "note": random.Random(number).randbytes(160).hex(),
        "customer": {"id": f"gid://shopify/Customer/{number % 5003}", "email": f"customer{number % 5003}@example.com"},
        "lineItems": lines,
    }


@contextmanager
def library(name: str) -> Iterator[None]:
    """Read and write JSON with a library.

    :param name: ``orjson``, or ``json`` for the functions that the package falls back on
    """
    if name == "orjson":
        yield
        return

    def to_lines(values: Any) -> list[bytes]:
        return list(map(records._to_json_line, values))  # noqa: SLF001

    with (
        mock.patch.object(records, "parse_json", records._parse_any_json),  # noqa: SLF001
        mock.patch.object(writer_module, "to_json_lines", to_lines),
        mock.patch.object(json_lines, "_parse_line", json.loads),
    ):
        yield


def measure(count: int, name: str, file_format: str, part_size: int) -> dict[str, Any]:
    """Write and read one dataset, and return the figures."""
    objects = 0
    write = DatasetFolder.write

    def counted(self: DatasetFolder, name: str, content: bytes) -> None:
        nonlocal objects
        objects += 1
        write(self, name, content)

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(DatasetFolder, "write", counted),
        library(name),
    ):
        writer = DatasetWriter(
            str(Path(folder) / "d"),
            source="shopify_admin",
            resource="orders",
            columns=COLUMNS,
            file_format=file_format,
            part_size=part_size,
            part_seconds=3600,
        )
        writer.resume()
        written = 0.0
        for start in range(0, count, PAGE):
            page = json.dumps({"orders": [make_order(number) for number in range(start, start + PAGE)]}).encode()
            began = time.process_time()
            writer.append(records.parse_json(page)["orders"], position={"page": start})
            written += time.process_time() - began
        began = time.process_time()
        reference = writer.commit()
        written += time.process_time() - began
        began = time.process_time()
        found = sum(1 for _ in read_dataset(reference))
        read = time.process_time() - began
    return {
        "records": found,
        "written": found / written,
        "read": found / read,
        "bytes": reference.bytes,
        "parts": reference.parts,
        "objects": objects,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Measure each library, format and part size."""
    arguments = parser(__doc__)
    arguments.add_argument("--one", nargs=4, metavar=("COUNT", "LIBRARY", "FORMAT", "BYTES"), help="measure only this")
    given = arguments.parse_args()
    if given.one:
        count, name, file_format, size = given.one
        measure(PAGE, name, file_format, int(size))  # What is loaded with the first dataset doesn't count.
        print(json.dumps(measure(int(count), name, file_format, int(size))))
        return
    count = {"small": 20_000, "large": 500_000}[given.size]
    rows: list[list[Any]] = []
    results = []
    for name, file_format, part_size in CASES:
        command = [sys.executable, __file__, "--one", str(count), name, file_format, str(part_size)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        results.append(found)
        rows.append([
            name,
            file_format,
            "a page" if part_size == 1 else f"{part_size // 1_000_000} MB",
            round(found["written"]),
            f"{found['written'] / results[0]['written']:.2f}",
            round(found["read"]),
            f"{found['read'] / results[0]['read']:.2f}",
            found["objects"],
            f"{found['bytes'] / 1e6:.1f}",
            round(found["peak"]),
        ])
    standard, orjson = results[0], results[3]
    ratio = orjson["written"] / standard["written"]
    save(
        "datasets",
        size=given.size,
        targets=[
            Target(
                "records parsed, checked and written",
                f"at least {TO_REACH:,} a second and core",
                f"{orjson['written']:,.0f}, {ratio:.2f} times as many as with json",
                orjson["written"] >= TO_REACH,
            )
        ],
        tables=[
            Table(
                f"Parsing, checking and writing {count:,} orders of about 0.7 kB, and reading them; rates are of CPU "
                "time, and ratios are to the first measurement",
                [
                    "library",
                    "format",
                    "part",
                    "records a second written",
                    "ratio",
                    "records a second read",
                    "ratio",
                    "objects written",
                    "MB",
                    "peak MB",
                ],
                rows,
            )
        ],
    )


if __name__ == "__main__":
    main()
