"""Measure how much of the partners' request limits is used, and whether a partner has to refuse a request.

.. code-block:: shell

    python benchmarks/rate_limits.py --size large
    python benchmarks/rate_limits.py --only shared

- ``stores``: 20 tasks write new orders to 20 Yotpo stores at once, each in a process of its own, over HTTP.
- ``partner``: 4 processes share one client of Shopify's Partner API, over HTTP.
- ``shared``: processes take requests from one limit as fast as it grants them: in a file, in SQLite, in PostgreSQL on
  loopback, without HTTP.

``_limit_server.py`` counts the requests in a process of its own, by the limits that the partners document.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from _forks import in_forks
from _limit_server import PARTNER_LIMIT, YOTPO_LIMIT
from _orders import yotpo_order
from _results import Table, Target, parser, save

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

STORES = 20
PARTNER_PROCESSES = 4
SHARED_RATE = 50.0
SHARED_PROCESSES = 4
TO_REACH = 0.9
ORDERS = {"small": 100, "large": 500}
SECONDS = {"small": 20.0, "large": 60.0}
PARTS = ("stores", "partner", "shared")

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
    """Run the parts, and save their figures."""
    command_line = parser(__doc__)
    command_line.add_argument("--only", choices=PARTS, help="run one part, and save nothing")
    arguments = command_line.parse_args()
    targets: list[Target] = []
    tables: list[Table] = []
    for part in [arguments.only] if arguments.only else PARTS:
        target, table = _PARTS[part](arguments.size)
        targets += target
        tables.append(table)
    if arguments.only:
        print(json.dumps([[target.__dict__ for target in targets], tables[0].rows], indent=2))
    else:
        save("rate_limits", size=arguments.size, targets=targets, tables=tables)


def stores(size: str) -> tuple[list[Target], Table]:
    """Write new orders to 20 stores at once."""
    count = ORDERS[size]
    with tempfile.TemporaryDirectory() as folder, limit_server(Path(folder)) as url:
        _in_processes([_store_task(url, number, count, Path(folder)) for number in range(STORES)])
        report = _report(url)
    times = {client: sorted(arrivals) for client, arrivals in report["arrivals"].items()}
    began, ended = min(each[0] for each in times.values()), max(each[-1] for each in times.values())
    shares = sorted(_share(each, YOTPO_LIMIT) for each in times.values())
    calls, refused = sum(map(len, times.values())), sum(report["refused"].values())
    together = sum(len(each) - 1 for each in times.values()) / sum(
        YOTPO_LIMIT * (each[-1] - each[0]) for each in times.values()
    )
    worst = max(_most_in_a_second(each) for each in times.values())
    row = [STORES, count, calls, round(ended - began, 1), _percent(together), _percent(shares[0]), worst, refused]
    return [
        Target(
            f"{STORES} stores at once with {count} new orders each",
            f"at least 90 % of {STORES} x the store's limit, one machine, no 429 of our making",
            f"{_percent(together)} of the limit, {refused} refusals in {calls:,} calls",
            reached=together >= TO_REACH and refused == 0,
        )
    ], Table(
        f"Writing to {STORES} Yotpo stores at once; {YOTPO_LIMIT} requests a second and store are allowed",
        ["stores", "orders each", "calls", "seconds", "of the limit", "slowest store", "most in a second", "refused"],
        [row],
    )


def partner(size: str) -> tuple[list[Target], Table]:
    """Read from the Partner API in four processes that share one limit."""
    seconds = SECONDS[size]
    with tempfile.TemporaryDirectory() as folder, limit_server(Path(folder)) as url:
        _in_processes([_partner_task(url, seconds, Path(folder))] * PARTNER_PROCESSES)
        report = _report(url)
    (times,), refused = report["arrivals"].values(), sum(report["refused"].values())
    share = _share(sorted(times), PARTNER_LIMIT)
    row = [PARTNER_PROCESSES, len(times), seconds, _percent(share), _most_in_a_second(sorted(times)), refused]
    return [
        Target(
            f"Partner API from {PARTNER_PROCESSES} processes",
            f"at least 90 % of {PARTNER_LIMIT} a second together, none throttled",
            f"{_percent(share)}, {refused} refusals in {len(times)} calls",
            reached=share >= TO_REACH and refused == 0,
        )
    ], Table(
        f"Processes that share a client of the Partner API; {PARTNER_LIMIT} requests a second are allowed",
        ["processes", "calls", "seconds", "of the limit", "most in a second", "refused"],
        [row],
    )


def shared(size: str) -> tuple[list[Target], Table]:
    """Take requests from one limit that processes share, without sending any."""
    rows = [_shared_in(store, SECONDS[size] / 2) for store in ("file", "sqlite", "sql")]
    return [], Table(
        f"{SHARED_PROCESSES} processes that share a limit of {SHARED_RATE:.0f} a second, by where it is stored",
        ["store", "of the limit", "most in a second", "median ms of a reservation", "99 % are below, ms"],
        rows,
    )


_PARTS: dict[str, Callable[[str], tuple[list[Target], Table]]] = {
    "stores": stores,
    "partner": partner,
    "shared": shared,
}


@contextmanager
def limit_server(folder: Path) -> Iterator[str]:
    """Serve the limits in a process of its own, and return its URL."""
    port_file = folder / "port"
    server = subprocess.Popen([sys.executable, str(Path(__file__).with_name("_limit_server.py")), str(port_file)])
    try:
        while not port_file.exists():
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text()}"
    finally:
        server.terminate()
        server.wait()


def _store_task(url: str, number: int, count: int, folder: Path) -> Callable[[], None]:
    def run() -> None:
        from airflow_provider_partners.api.http.options import ClientOptions
        from airflow_provider_partners.api.http.rate_limit_store import FileStore
        from airflow_provider_partners.api.yotpo.client import YotpoClient
        from airflow_provider_partners.sync.upsert import upsert_orders

        options = ClientOptions(rate_limit_store=FileStore(str(folder / f"store-{number}")))
        with YotpoClient(store_id=f"store{number}", secret="a-secret", base_url=url, options=options) as client:
            orders = (yotpo_order(str(number), f"product-{number % 50}") for number in range(count))
            outcomes = Counter(outcome.action for outcome in upsert_orders(client, orders, workers=4))
        if outcomes != {"created": count}:
            message = f"the outcomes are {dict(outcomes)}"
            raise RuntimeError(message)

    return run


def _partner_task(url: str, seconds: float, folder: Path) -> Callable[[], None]:
    def run() -> None:
        from airflow_provider_partners.api.http.options import ClientOptions
        from airflow_provider_partners.api.http.rate_limit_store import FileStore
        from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient

        options = ClientOptions(rate_limit_store=FileStore(str(folder / "partner")))
        with ShopifyPartnerClient(
            organization_id="1234", access_token="a-token", base_url=url, options=options
        ) as client:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                client.ping()

    return run


def _in_processes(tasks: Sequence[Callable[[], None]]) -> None:
    """Run each task in a fork of this process, and raise an error if one fails."""
    # The modules are loaded once, so that the processes begin together.
    from airflow_provider_partners.api.shopify_partner import client  # noqa: F401
    from airflow_provider_partners.api.yotpo.client import YotpoClient  # noqa: F401
    from airflow_provider_partners.sync.upsert import upsert_orders  # noqa: F401

    in_forks(tasks)


def _report(url: str) -> dict[str, Any]:
    with urlopen(f"{url}/report") as answer:
        report: dict[str, Any] = json.load(answer)
    return report


def _share(times: Sequence[float], limit: int) -> float:
    return (len(times) - 1) / (limit * (times[-1] - times[0]))


def _most_in_a_second(times: Sequence[float]) -> int:
    return max(index + 1 - bisect_left(times, at - 1 + 1e-9, 0, index + 1) for index, at in enumerate(times))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shared_in(store: str, seconds: float) -> list[Any]:
    with ExitStack() as stack:
        address = str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "limits")
        if store == "sql":
            from postgres import serve_postgres

            address = stack.enter_context(serve_postgres()).dsn
        command = [sys.executable, "-c", _WORKER, store, address, str(SHARED_RATE), str(seconds)]
        workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(SHARED_PROCESSES)
        ]
        for worker in workers:
            worker.stdout.readline()
        began = time.time()
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        results = [json.loads(worker.communicate()[0]) for worker in workers]
    sent = sorted(at for times, _ in results for at in times if at < began + seconds)
    costs = sorted(cost for _, values in results for cost in values)
    per_second = Counter(int(at - began) for at in sent)
    return [
        {"sql": "PostgreSQL", "sqlite": "SQLite"}.get(store, store),
        _percent(len(sent) / (SHARED_RATE * seconds)),
        max(per_second.values()),
        round(1000 * costs[len(costs) // 2], 2),
        round(1000 * costs[int(len(costs) * 0.99)], 2),
    ]


if __name__ == "__main__":
    main()
