"""Measure how calls, time and memory grow with the number of records, from 1,000 to 1,000,000.

Run it as ``python benchmarks/growth.py --size large``. Each step runs in a process of its own, against a list server in
another one: a list is extracted into a dataset, orders are built from stored datasets (see ``join.py``), and an upsert
looks up and plans the built orders, which Yotpo has already. Calls are those that the server counts, time is CPU time
of the step, and memory is its peak.

A step has a part of each dataset in memory that it reads or writes. Parts are of 4 MB here, so that 100,000 records
fill them and memory has nothing left to grow by. ``join.py`` measures a million orders with the default of 32 MB.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any

import _list_server
import join
from _results import Plot, Table, Target, parser, save

SIZES = {"small": (1_000, 10_000, 50_000), "large": (1_000, 10_000, 100_000, 1_000_000)}
LINEAR, FLAT = 1.25, 1.25
"""How much longer a record may take, and how much more memory a step may need, at the largest size."""
STEPS = ("extract", "build", "upsert plan")
PART_MB = 4


def extract(url: str, folder: str) -> int:
    """Extract the list into a dataset, and return the number of records."""
    from airflow_provider_partners.datasets.list_writer import write_dataset

    with _client(url) as yotpo:
        return write_dataset(yotpo.extract("orders"), uri=f"{folder}/extracted").records


def plan(url: str, folder: str) -> int:
    """Look up and plan the built orders, and return the number of outcomes."""
    from airflow_provider_partners.datasets.reader import read_dataset
    from airflow_provider_partners.sync.upsert.orders import upsert_orders

    with open(f"{folder}/built.json", encoding="utf-8") as file:
        reference = json.load(file)
    with _client(url) as yotpo:
        actions = Counter(each.action for each in upsert_orders(yotpo, read_dataset(reference), dry_run=True))
    assert set(actions) == {"unchanged"}, actions
    return actions.total()


def _client(url: str) -> Any:
    from airflow_provider_partners.api.http.options import ClientOptions
    from airflow_provider_partners.api.http.rate_limit_store import InMemoryStore
    from airflow_provider_partners.api.yotpo.client import YotpoClient

    options = ClientOptions(rate_limit_store=InMemoryStore())
    return YotpoClient(store_id="s", secret="secret", base_url=url, requests_per_second=1e9, options=options)


def in_process(step: str, url: str, folder: str) -> dict[str, Any]:
    """Run a step in a process of its own, and return its figures."""
    environment = {**os.environ, "AIRFLOW__PARTNERS__STAGING_URI": f"{folder}/staging", "AIRFLOW_HOME": folder}
    command = [sys.executable, __file__, "--one", step, url, folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(count: int, folder: str) -> dict[str, dict[str, Any]]:
    """Return the figures of each step with so many records."""
    found = {}
    with _list_server.serve(count) as url:
        found["extract"] = in_process("extract", url, folder)
        found["extract"]["calls"] = _list_server.calls(url)
    found["build"] = join.measure(count, folder)
    found["build"] |= {"records": found["build"]["orders"], "calls": 0}
    reference = found["build"]["reference"]
    with open(f"{folder}/built.json", "w", encoding="utf-8") as file:
        json.dump(reference, file)
    with _list_server.serve(0, reference) as url:
        found["upsert plan"] = in_process("plan", url, folder)
        found["upsert plan"]["calls"] = _list_server.calls(url)
    for step, figures in found.items():
        print(f"{count:>9} {step:<12} {figures['cpu']:8.1f} s {figures['peak']:6.0f} MB", flush=True)
    return found


def run(step: str, url: str, folder: str) -> dict[str, Any]:
    """Run a step in this process."""
    work = {"extract": extract, "plan": plan}[step]
    began = time.process_time()
    records = work(url, folder)
    cpu = time.process_time() - began
    return {"records": records, "cpu": cpu, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Measure each size."""
    arguments = parser(__doc__)
    arguments.add_argument("--one", nargs=3, metavar=("STEP", "URL", "FOLDER"), help="run only this")
    options = arguments.parse_args()
    if options.one:
        print(json.dumps(run(*options.one)))
        return
    os.environ["AIRFLOW__PARTNERS__PART_MB"] = str(PART_MB)
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for size in SIZES[options.size]:
        with tempfile.TemporaryDirectory() as folder:
            found[size] = measure(size, folder)
        if len(found) > 2:
            # After each size: the last one takes as long as all others together, ten times.
            store(found, options.size)


def store(found: dict[int, dict[str, dict[str, Any]]], size: str) -> None:
    """Store the results of the sizes that were measured.

    :param size: ``small`` or ``large``
    """
    sizes = list(found)
    once, base, largest = found[sizes[0]], found[sizes[1]], found[sizes[-1]]

    def per_record(figures: dict[str, Any], step: str) -> float:
        """Return the CPU time of a record, without what the step costs once: the smallest size shows that."""
        return float((figures[step]["cpu"] - once[step]["cpu"]) / (figures[step]["records"] - once[step]["records"]))

    # Beside the next smaller size, since the start of a process is most of the time of the small ones.
    slower = {step: per_record(largest, step) / per_record(found[sizes[-2]], step) for step in STEPS}
    larger = {step: largest[step]["peak"] / base[step]["peak"] for step in STEPS}
    called = {step: largest[step]["calls"] / largest[step]["records"] * 1000 for step in ("extract", "upsert plan")}
    first = {step: base[step]["calls"] / base[step]["records"] * 1000 for step in called}
    rows = [
        [
            count,
            step,
            each["calls"],
            round(each["cpu"], 1),
            f"{each['cpu'] / each['records'] * 1e6:,.0f}",
            round(each["peak"]),
        ]
        for count, steps in found.items()
        for step, each in steps.items()
    ]
    worst, most = max(slower.values()), max(larger.values())
    save(
        "growth",
        size=size,
        targets=[
            Target(
                f"growth from {sizes[0]:,} to {sizes[-1]:,} records: calls",
                "linear",
                ", ".join(f"{step}: {value:.1f} a thousand records" for step, value in called.items()),
                all(called[step] <= first[step] + 0.01 for step in called),
            ),
            Target(
                f"growth from {sizes[0]:,} to {sizes[-1]:,} records: time",
                f"linear: at most {LINEAR:g} times",
                f"a record takes at most {worst:.2f} times as long",
                worst <= LINEAR,
            ),
            Target(
                f"growth from {sizes[0]:,} to {sizes[-1]:,} records: memory",
                f"flat: at most {FLAT:g} times",
                f"at most {most:.2f} times as much, {max(largest[step]['peak'] for step in STEPS):.0f} MB",
                most <= FLAT,
            ),
        ],
        tables=[
            Table(
                f"Each step in a process of its own, with parts of {PART_MB} MB",
                ["records", "step", "calls", "CPU seconds", "microseconds of CPU a record", "peak MB"],
                rows,
            )
        ],
        plots=[
            Plot(
                "growth-time",
                "CPU time by the number of records",
                "records",
                "CPU seconds",
                {step: [(size, found[size][step]["cpu"]) for size in sizes] for step in STEPS},
            ),
            Plot(
                "growth-calls",
                "Calls by the number of records",
                "records",
                "calls",
                {step: [(size, found[size][step]["calls"]) for size in sizes] for step in called},
            ),
            Plot(
                "growth-memory",
                "Peak memory by the number of records",
                "records",
                "MB",
                {step: [(size, found[size][step]["peak"]) for size in sizes] for step in STEPS},
            ),
        ],
    )


if __name__ == "__main__":
    main()
