"""Measure the time and memory of a backfill by bulk operation, from the submission to the written dataset.

Run it as ``python benchmarks/backfill.py --orders 100000``. It measures a tenth of the orders first, for comparison:
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


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--traced", action="store_true", help="measure Python's own peak, too")
    arguments = parser.parse_args()
    if arguments.client:
        print(json.dumps(backfill(arguments.client, arguments.folder, traced=arguments.traced)))
        return
    titles = (
        "orders",
        "lines",
        "job s",
        "file s",
        "orders/s",
        "CPU s",
        "files MB",
        "RSS before",
        "RSS peak",
        "Python peak",
    )
    print("".join(f"{title:>12}" for title in titles), flush=True)
    results = []
    for count in (arguments.orders // 10, arguments.orders):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            lines = build_shop(folder / "sandbox.sqlite", count)
            with sandbox_process(folder / "sandbox.sqlite") as url:
                result = measure(url, folder / "dataset")
                traced = measure(url, folder / "traced", traced=True) if arguments.traced else result
        for each in (result, traced):
            if (each["orders"], each["duplicates"], each["lines"]) != (count, 0, lines):
                sys.exit(f"the shop has {count} orders with {lines} lines, but the result is {each}")
        file_seconds = result["seconds"] - result["job_seconds"]
        figures = {
            "job": result["job_seconds"],
            "file": file_seconds,
            "rate": count / result["seconds"],
            "cpu": result["cpu_seconds"],
            "megabytes": result["bytes"] / 1e6,
            "before": result["memory_before"],
            "resident": result["resident_peak"],
            "python": traced["python_peak"],
        }
        results.append({
            **figures,
            "file rate": count / file_seconds,
            "cpu rate": count / result["cpu_seconds"],
            "growth": result["resident_peak"] - result["memory_before"],
        })
        shown = "".join(f"{figure:>12.1f}" for figure in figures.values())
        print(f"{count:>12}{lines:>12}{shown}", flush=True)
    few, many = results
    print("ratios for ten times the orders:")
    ratios = {
        "rate": "orders/s in total",
        "file rate": "orders/s from file to dataset",
        "cpu rate": "orders per CPU second of the client",
        "resident": "peak of resident memory",
        "growth": "growth of resident memory",
        **({"python": "peak of Python's own memory"} if arguments.traced else {}),
    }
    for name, text in ratios.items():
        print(f"{text:>40}: {many[name] / few[name]:.2f}")


if __name__ == "__main__":
    main()
