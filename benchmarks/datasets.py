"""Measure writing and reading datasets: records a second and peak memory by format, and objects written by part size.

Run it as ``python benchmarks/datasets.py``. Each measurement runs in a process of its own, so that its peak memory is
its own. The ratios are of one run, so the machine does not matter.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.schema import Column
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter

PAGE = 100
COLUMNS = [
    Column("id", "string"),
    Column("total", "decimal"),
    Column("createdAt", "timestamp"),
    Column("test", "boolean"),
    Column("customer", "json"),
    Column("lineItems", "json"),
]


def make_order(number: int) -> dict[str, Any]:
    """Return an order of about one kilobyte."""
    lines = [
        {"id": f"gid://shopify/LineItem/{number * 3 + line}", "sku": f"SKU-{number % 997}-{line}", "quantity": line + 1}
        for line in range(3)
    ]
    return {
        "id": f"gid://shopify/Order/{number}",
        "total": f"{number % 1000}.{number % 100:02}",
        "createdAt": f"2026-05-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
        "test": False,
        "note": f"{number * 2654435761 % 2**64:x}" * 20,
        "customer": {"id": f"gid://shopify/Customer/{number % 5003}", "email": f"customer{number % 5003}@example.com"},
        "lineItems": lines,
    }


def measure(records: int, file_format: str, part_size: int) -> dict[str, Any]:
    """Write and read one dataset, and return the figures."""
    objects = 0
    write = DatasetFolder.write

    def counted(self: DatasetFolder, name: str, content: bytes) -> None:
        nonlocal objects
        objects += 1
        write(self, name, content)

    DatasetFolder.write = counted  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
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
        for start in range(0, records, PAGE):
            writer.append([make_order(number) for number in range(start, start + PAGE)], position={"page": start})
        reference = writer.commit()
        written = time.monotonic() - started
        started = time.monotonic()
        count = sum(1 for _ in read_dataset(reference))
        read = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "records": count,
        "written": records / written,
        "read": records / read,
        "bytes": reference.bytes,
        "parts": reference.parts,
        "objects": objects,
        "peak": peak,
    }


def main() -> None:
    """Measure each format and part size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="orders of about 1 kB (default: 100,000)")
    parser.add_argument("--one", nargs=2, metavar=("FORMAT", "BYTES"), help="measure only this, and print JSON")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.records, arguments.one[0], int(arguments.one[1]))))
        return
    # With a part of one byte, each page is a part of its own.
    cases = (("jsonl", 1), ("jsonl", 4_000_000), ("jsonl", 32_000_000), ("parquet", 4_000_000), ("parquet", 32_000_000))
    first: dict[str, Any] = {}
    for file_format, part_size in cases:
        command = [sys.executable, __file__, "--records", str(arguments.records), "--one", file_format, str(part_size)]
        result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        first = first or result
        size = "a page" if part_size == 1 else f"{part_size / 1e6:.0f} MB"
        print(
            f"{file_format:8}parts of {size:6}: {result['objects']:5} objects written, {result['parts']:4} parts of "
            f"{result['bytes'] / 1e6:.1f} MB in all, written {result['written'] / first['written']:.2f} and read "
            f"{result['read'] / first['read']:.2f} times as fast, peak memory {result['peak']:.0f} MB "
            f"({result['written']:,.0f} and {result['read']:,.0f} records/s)"
        )


if __name__ == "__main__":
    main()
