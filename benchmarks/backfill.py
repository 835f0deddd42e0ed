"""What a backfill by bulk operation costs: submit, wait, rows, dataset; memory that must not grow with it, orders a
second.

Run it as ``python benchmarks/backfill.py --orders 100000``. The sandbox makes a shop and serves it from a process of
its own, without limits of points; a fresh process is the client's side, so that its peak of memory (the system's
resident set, Airflow's part included) is that of one backfill. With ``--traced`` Python's own peak (tracemalloc) is
measured as well, in a run apart, since measuring slows down. A tenth of the orders goes first, for comparison. Most of
the time is the sandbox's, and grows when others use the machine; the client's own is its seconds of processor.
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
CAREFUL = 1_000
"""Orders that are made one by one, with all their oddities; the others follow them."""


def make(path: Path, count: int) -> int:
    """A world whose one shop has so many orders; its line items."""
    sandbox = build(path=path, seed=SEED, shops=1, orders=CAREFUL, now=NOW)
    shop = next(iter(sandbox.credentials["shopify_admin"]))
    grow(sandbox.store, shop=shop, orders=count - CAREFUL, seed=SEED, now=NOW)
    shape = "json_object('lines', json_array_length(body, '$.lineItems'))"
    lines: int = sum(order["lines"] for order in sandbox.store.cached("shopify_admin", shop, "order", shape=shape))
    sandbox.store.close()
    return lines


@contextmanager
def served(path: Path) -> Iterator[str]:
    """The world's address."""
    told = path.with_name("port")
    told.unlink(missing_ok=True)
    options = {"--database": path, "--orders": CAREFUL, "--shops": 1, "--seed": SEED, "--now": NOW.isoformat()}
    arguments = [str(part) for pair in options.items() for part in pair]
    command = [sys.executable, "-m", "airflow_provider_partners.sandbox", "serve", "--port", "0", "--port-file", told]
    with subprocess.Popen([*map(str, command), *arguments], stdout=subprocess.DEVNULL) as server:
        try:
            while not told.exists():
                if server.poll() is not None:
                    sys.exit("the sandbox did not start")
                time.sleep(0.05)
            url = f"http://127.0.0.1:{told.read_text().strip()}"
            httpx.post(f"{url}/_sandbox/switches", json={"shopify_admin.bucket": [10**9, 10**9]}).raise_for_status()
            yield url
        finally:
            server.terminate()


def backfill(url: str, folder: Path, *, traced: bool) -> dict[str, Any]:
    """One backfill, on the client's side; what it gave and cost."""
    from airflow_provider_partners.api.async_job import JobState
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
    from airflow_provider_partners.datasets.job_checkpoint import collect, resume_or_submit
    from airflow_provider_partners.datasets.reader import read_dataset
    from airflow_provider_partners.sandbox import credentials

    shop, known = next(iter(credentials.make(SEED, 1)["shopify_admin"].items()))
    before, begun, worked, steps = resident(), time.perf_counter(), time.process_time(), {}
    if traced:
        tracemalloc.start()
    with ShopifyAdminClient(shop=shop, access_token=known["token"], base_url=f"{url}/shopify-admin/{shop}") as client:
        job = client.job("orders", since=SINCE, until=NOW)
        status = resume_or_submit(job, str(folder), now=NOW)
        while status.state is JobState.RUNNING:
            time.sleep(0.5)
            status = resume_or_submit(job, str(folder), now=NOW)
        steps["waited"] = time.perf_counter() - begun
        reference = collect(job, status.job_id, str(folder))
    taken, steps["own"] = time.perf_counter() - begun, time.process_time() - worked
    peaks = {"resident": resident("VmHWM"), "before": before}
    if traced:
        peaks["python"] = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
    seen: Counter[str] = Counter()
    lines = 0
    for order in read_dataset(reference.to_dict()):
        seen[order["id"]] += 1
        lines += len(order["lineItems"])
    found = {"orders": len(seen), "doubled": seen.total() - len(seen), "lines": lines}
    return {**found, "parts": reference.parts, "bytes": reference.bytes, "seconds": taken, **steps, **peaks}


def resident(name: str = "VmRSS") -> float:
    """Memory in MB of the process as Linux counts it, now or (``VmHWM``) at its peak."""
    rows = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(rows[name].split()[0]) * 1024 / 1e6


def measured(url: str, folder: Path, *, traced: bool = False) -> dict[str, Any]:
    """One backfill in a fresh process."""
    command = [sys.executable, __file__, "--client", url, "--folder", str(folder), *(["--traced"] if traced else [])]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(answer.splitlines()[-1])
    return found


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--traced", action="store_true", help="Python's own peak, too")
    given = parser.parse_args()
    if given.client:
        print(json.dumps(backfill(given.client, given.folder, traced=given.traced)))
        return
    titles = (
        "orders",
        "lines",
        "job s",
        "rows s",
        "orders/s",
        "own CPU s",
        "files MB",
        "RSS before",
        "RSS peak",
        "Python peak",
    )
    print("".join(f"{title:>12}" for title in titles), flush=True)
    tables = []
    for count in (given.orders // 10, given.orders):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            lines = make(folder / "world.sqlite", count)
            with served(folder / "world.sqlite") as url:
                found = measured(url, folder / "dataset")
                traced = measured(url, folder / "traced", traced=True) if given.traced else found
        for each in (found, traced):
            if (each["orders"], each["doubled"], each["lines"]) != (count, 0, lines):
                sys.exit(f"{count} orders with {lines} lines were there; {each}")
        rows = found["seconds"] - found["waited"]
        figures = {
            "job": found["waited"],
            "rows": rows,
            "rate": count / found["seconds"],
            "own": found["own"],
            "files": found["bytes"] / 1e6,
            "before": found["before"],
            "resident": found["resident"],
            "python": traced.get("python", 0.0),
        }
        tables.append({
            **figures,
            "rows/s": count / rows,
            "own/s": count / found["own"],
            "grown": found["resident"] - found["before"],
        })
        shown = "".join(f"{figure:>12.1f}" for figure in figures.values())
        print(f"{count:>12}{lines:>12}{shown}", flush=True)
    few, many = tables
    print("ten times the orders, as ratios:")
    compared = {
        "rate": "orders/s of the whole",
        "rows/s": "orders/s from file to dataset",
        "own/s": "orders per own second of processor",
        "resident": "peak of resident memory",
        "grown": "the same without what was there before",
        **({"python": "peak of Python's own memory"} if given.traced else {}),
    }
    for name, text in compared.items():
        print(f"{text:>40}: {many[name] / few[name]:.2f}")


if __name__ == "__main__":
    main()
