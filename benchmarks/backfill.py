"""Measure the time and memory of a backfill by bulk operation, from the submission to the written dataset.

Run it as ``python benchmarks/backfill.py``. It measures a tenth of the orders first, for comparison:
the rate should stay the same, and the memory should not grow with the number of orders.

The sandbox runs in a process of its own, without a rate limit. The client runs in a new process, so its peak memory
(resident set, with Airflow) is that of one backfill. ``--traced`` adds Python's own peak (tracemalloc), measured in a
separate run because tracing is slow. The sandbox takes most of the time; the client's share is in its CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from _results import Table, Target, parser, save

from airflow_provider_partners.sandbox.world.build import build
from airflow_provider_partners.sandbox.world.scale import grow

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SINCE = datetime(2022, 1, 1, tzinfo=UTC)
SEED = 7
SEEDED_ORDERS = 1_000
"""Orders that the sandbox builds one by one, with all special cases; the others are copies of them."""


def build_shop(path: Path, count: int) -> int:
    """Build a sandbox with one shop of so many orders, and return the number of line items."""
    sandbox = build(path=path, seed=SEED, shops=1, orders=SEEDED_ORDERS, now=NOW)
    shop = next(iter(sandbox.credentials["shopify_admin"]))
    grow(sandbox.store, shop=shop, orders=count - SEEDED_ORDERS, seed=SEED, now=NOW)
    shape = "json_object('lines', json_array_length(body, '$.lineItems'))"
    lines: int = sum(order["lines"] for order in sandbox.store.cached("shopify_admin", shop, "order", shape=shape))
    sandbox.store.close()
    return lines


@contextmanager
def sandbox_process(path: Path) -> Iterator[str]:
    """Serve a sandbox in a process of its own, and return its URL."""
    port_file = path.with_name("port")
    port_file.unlink(missing_ok=True)
    options = {"--database": path, "--orders": SEEDED_ORDERS, "--shops": 1, "--seed": SEED, "--now": NOW.isoformat()}
    arguments = [str(part) for pair in options.items() for part in pair]
    command = [
        sys.executable,
        "-m",
        "airflow_provider_partners.sandbox",
        "serve",
        "--port",
        "0",
        "--port-file",
        port_file,
    ]
    with subprocess.Popen([*map(str, command), *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            while not port_file.exists():
                if server.poll() is not None:
                    sys.exit("the sandbox did not start")
                time.sleep(0.05)
            url = f"http://127.0.0.1:{port_file.read_text().strip()}"
            httpx.post(f"{url}/_sandbox/switches", json={"shopify_admin.bucket": [10**9, 10**9]}).raise_for_status()
            yield url
        finally:
            server.terminate()


def backfill(url: str, folder: Path, *, traced: bool) -> dict[str, Any]:
    """Run one backfill as the client, and return its figures."""
    from airflow_provider_partners.api.async_job import JobState
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
    from airflow_provider_partners.datasets.job_checkpoint import collect, resume_or_submit
    from airflow_provider_partners.datasets.reader import read_dataset
    from airflow_provider_partners.sandbox import credentials

    shop, accepted = next(iter(credentials.make(SEED, 1)["shopify_admin"].items()))
    memory_before = resident()
    start, cpu_start = time.perf_counter(), time.process_time()
    if traced:
        tracemalloc.start()
    with ShopifyAdminClient(
        shop=shop, access_token=accepted["token"], base_url=f"{url}/shopify-admin/{shop}"
    ) as client:
        job = client.job("orders", since=SINCE, until=NOW)
        status = resume_or_submit(job, str(folder), now=NOW)
        while status.state is JobState.RUNNING:
            time.sleep(0.5)
            status = resume_or_submit(job, str(folder), now=NOW)
        job_seconds = time.perf_counter() - start
        reference = collect(job, status.job_id, str(folder))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
    resident_peak, python_peak = resident("VmHWM"), 0.0
    if traced:
        python_peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    ids: Counter[str] = Counter()
    lines = 0
    for order in read_dataset(reference.to_dict()):
        ids[order["id"]] += 1
        lines += len(order["lineItems"])
    return {
        "orders": len(ids),
        "duplicates": ids.total() - len(ids),
        "lines": lines,
        "bytes": reference.bytes,
        "seconds": seconds,
        "job_seconds": job_seconds,
        "cpu_seconds": cpu_seconds,
        "memory_before": memory_before,
        "resident_peak": resident_peak,
        "python_peak": python_peak,
    }


def resident(name: str = "VmRSS") -> float:
    """Return the resident memory of the process in MB, now or (``VmHWM``) at its peak."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields[name].split()[0]) * 1024 / 1e6


def measure(url: str, folder: Path, *, traced: bool = False) -> dict[str, Any]:
    """Run one backfill in a new process, and return its figures."""
    command = [sys.executable, __file__, "--client", url, "--folder", str(folder), *(["--traced"] if traced else [])]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    figures: dict[str, Any] = json.loads(output.splitlines()[-1])
    return figures


ORDERS = {"small": 5_000, "large": 200_000}


def main() -> None:
    """Measure a tenth of the orders and all of them, and compare."""
    command_line = parser(__doc__)
    command_line.add_argument("--client", help=argparse.SUPPRESS)
    command_line.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    command_line.add_argument("--traced", action="store_true", help="measure Python's own peak, too")
    arguments = command_line.parse_args()
    if arguments.client:
        print(json.dumps(backfill(arguments.client, arguments.folder, traced=arguments.traced)))
        return
    count = ORDERS[arguments.size]
    few, many = (_measured(size, traced=arguments.traced) for size in (count // 10, count))
    rate, growth = many["cpu rate"] / few["cpu rate"], many["resident peak"] / few["resident peak"]
    shown = {
        "orders": "orders",
        "job seconds": "job, s",
        "file seconds": "file, s",
        "rate": "orders a second",
        "cpu rate": "orders a CPU second of the client",
        "megabytes": "dataset, MB",
        "resident peak": "resident peak, MB",
        **({"python peak": "Python's peak, MB"} if arguments.traced else {}),
    }
    save(
        "backfill",
        size=arguments.size,
        targets=[
            Target(
                "backfill of ten times the orders by a bulk operation",
                "the same rate of the client (0.8 or more), flat memory (1.2 times or less)",
                f"{rate:.2f} of the rate, {growth:.2f} of the memory",
                reached=rate >= 0.8 and growth <= 1.2,
            )
        ],
        tables=[
            Table(
                "A backfill from the submission to the written dataset; the sandbox takes most of the time",
                list(shown.values()),
                [[round(each[name], 1) for name in shown] for each in (few, many)],
            )
        ],
    )


def _measured(count: int, *, traced: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        lines = build_shop(folder / "sandbox.sqlite", count)
        with sandbox_process(folder / "sandbox.sqlite") as url:
            result = measure(url, folder / "dataset")
            python = measure(url, folder / "traced", traced=True) if traced else result
    for each in (result, python):
        if (each["orders"], each["duplicates"], each["lines"]) != (count, 0, lines):
            sys.exit(f"the shop has {count} orders with {lines} lines, but the result is {each}")
    return {
        "orders": count,
        "job seconds": result["job_seconds"],
        "file seconds": result["seconds"] - result["job_seconds"],
        "rate": count / result["seconds"],
        "cpu rate": count / result["cpu_seconds"],
        "megabytes": result["bytes"] / 1e6,
        "resident peak": result["resident_peak"],
        "python peak": python["python_peak"],
    }


if __name__ == "__main__":
    main()
