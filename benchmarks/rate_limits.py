"""Measure what sharing a rate limit costs: processes that take requests from one limit as fast as it grants them.

    python benchmarks/rate_limits.py sql --processes 4 --rate 50 --seconds 10
    python benchmarks/rate_limits.py file

``sql`` starts a PostgreSQL on loopback. The output is one line of JSON: the share of the limit that was used, whether
any second had more than the limit, and the milliseconds of one reservation.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

_WORKER = """
import json, sys, time
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.rate_limit_store import FileStore, InMemoryStore
from airflow_provider_partners.api.http.sql_rate_limit_store import RateLimitTable, SqlStore

kind, address, rate, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
if kind == "sql":
    import psycopg
    connect = lambda: psycopg.connect(address, autocommit=True)
    store = SqlStore(RateLimitTable(connect, name="partner_rate_limits"), "benchmark")
elif kind == "sqlite":
    import sqlite3
    connect = lambda: sqlite3.connect(address)
    store = SqlStore(RateLimitTable(connect, name="partner_rate_limits", placeholder="?", keep_open=False), "benchmark")
else:
    store = FileStore(address)
limit = RateLimiter(rate=rate, store=store)
limit.update_from_server(refund=1e-9)
print("ready", flush=True)
sys.stdin.readline()
sent, costs, end = [], [], time.time() + seconds
while time.time() < end:
    began = time.perf_counter()
    wait = limit.acquire()
    costs.append(time.perf_counter() - began)
    time.sleep(wait)
    sent.append(time.time())
print(json.dumps([sent, costs]))
"""


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", choices=["sql", "sqlite", "file"])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        address = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "limits")
        if arguments.store == "sql":
            from postgres import serve_postgres

            address = stack.enter_context(serve_postgres()).dsn
        command = [sys.executable, "-c", _WORKER, arguments.store, address]
        command += [str(arguments.rate), str(arguments.seconds)]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(arguments.processes)
        ]
        for worker in workers:
            worker.stdout.readline()
        began = time.time()
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        results = [json.loads(worker.communicate()[0]) for worker in workers]
    sent = sorted(at for times, _ in results for at in times if at < began + arguments.seconds)
    costs = sorted(cost for _, values in results for cost in values)
    per_second = Counter(int(at - began) for at in sent)
    print(
        json.dumps({
            "store": arguments.store,
            "processes": arguments.processes,
            "rate": arguments.rate,
            "share_used": round(len(sent) / (arguments.rate * arguments.seconds), 3),
            "most_in_a_second": max(per_second.values()),
            "median_ms": round(1000 * costs[len(costs) // 2], 2),
            "p99_ms": round(1000 * costs[int(len(costs) * 0.99)], 2),
        })
    )


if __name__ == "__main__":
    main()
