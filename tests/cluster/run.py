"""The services of ``docker-compose.yaml`` under fire, without Docker: ``make cluster-test SEED=7``.

PostgreSQL, Redis, api-server, scheduler, dag-processor, triggerer and two Celery workers start by the file's own
commands, with its environment, in its order, and with its health checks. The main Dag syncs the sandbox's shops. In the
middle of the run, a worker and the scheduler are killed with all of their processes, and start again as the file says.
Then:

- Nothing is lost: each shop's Yotpo store has what a run without faults gives it.
- Nothing is doubled: Yotpo accepted one creation for each order and product.
- One rate limit is kept over the workers, in Redis: no credential got more requests than it allows, and no 429. After
  the run, processes beside both workers take from one limit at the same time, all that it gives.

The seed chooses the worker, which of the two is killed first, and when. Airflow notices a dead worker by its tasks,
which send no heartbeats, after 5 minutes. What the worker had fetched and not started is queued again after 10. Here
both are a minute.
"""

from __future__ import annotations

import argparse
import atexit
import base64
import json
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from checks import Check, check_doubled, check_limits, check_lost, check_shared_limit
from compose import ComposeService, read_services
from native import Cluster
from services import run_services, tree, wait_until

from airflow_provider_partners.api.yofi.client import REQUESTS_PER_SECOND as YOFI_REQUESTS_PER_SECOND
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.handle import run_sandbox
from airflow_provider_partners.sandbox.server import RunningSandbox

ROOT = Path(__file__).parents[2]
DAG_ID = "yofi_shopify_to_yotpo"
WORLD_SEED = 7
DAYS = 200
LIMITS = {"yotpo": 5.0, "yofi": YOFI_REQUESTS_PER_SECOND, "shopify_partner": 4.0}
"""Requests a second of each Yotpo store, and of the one credential of the others.

Yotpo (guidelines, "rate limiting") and Shopify (https://shopify.dev/docs/api/partner#rate-limits) document theirs. Yofi
documents none, and the sandbox has none for it: the number is the client's own default, which all workers must share.
"""

SHARED_SECONDS = 30.0
SHARE_LIMIT = """
import sys, time
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook

begin, end = map(float, sys.argv[1:])
with ShopifyPartnerHook().get_conn() as client:
    time.sleep(max(0.0, begin - time.time()))
    calls = 0
    while time.time() < end:
        client.ping()
        calls += 1
print("calls", calls)
"""
"""Calls the Partner API as fast as its limit lets it, as the tasks of many shops of one organization do."""

SHORT_TIMEOUTS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
}


@dataclass
class Plan:
    """What a seed decides.

    :param kills: services with the share of the run's requests after which each is killed
    """

    seed: int
    kills: list[tuple[str, float]]

    @classmethod
    def of(cls, seed: int, workers: int) -> Plan:
        """Return the plan of a seed."""
        numbers = random.Random(seed)
        victims = [f"worker-{numbers.randint(1, workers)}", "scheduler"]
        numbers.shuffle(victims)
        shares = sorted(numbers.uniform(0.1, 0.8) for _ in victims)
        return cls(seed, list(zip(victims, shares, strict=True)))


@dataclass
class Report:
    """What a run found."""

    facts: dict[str, str] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Yield the lines of a Markdown table."""
        yield "| what | found | |"
        yield "|---|---|---|"
        for what, found in self.facts.items():
            yield f"| {what} | {found} | |"
        for check in self.checks:
            yield f"| {check.what} | {check.found} | {'ok' if check.passed else '**FAILED**'} |"

    @property
    def passed(self) -> bool:
        """True if every check passed."""
        return all(check.passed for check in self.checks)


def variables(folder: Path, workers: int) -> dict[str, str]:
    """Return what ``.env`` would set: the secrets, the workers, and the files of Dags and connections."""
    secret = (
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "AIRFLOW_SECRET_KEY",
        "AIRFLOW_JWT_SECRET",
        "AIRFLOW_ADMIN_PASSWORD",
    )
    return {
        **{name: secrets.token_urlsafe(48) for name in secret},
        "AIRFLOW_FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "CONNECTIONS_FILE": str(folder / "connections.env"),
        "DAGS_FOLDER": str(ROOT / "dags"),
        "WORKERS": str(workers),
        "WORKER_CONCURRENCY": "4",
    }


def compose_services(folder: Path, workers: int) -> dict[str, ComposeService]:
    """Return the services that start without a profile."""
    found = read_services(ROOT / "docker-compose.yaml", variables(folder, workers))
    return {name: service for name, service in found.items() if not service.profiles}


def run_without_faults(until: datetime, *, shops: int, orders: int) -> tuple[dict[str, Any], int]:
    """Return what each shop's Yotpo store has after the main job's steps in one process, and the number of requests."""
    from main_job import MainJob, end_state, short_waits

    world = {"seed": WORLD_SEED, "shops": shops, "orders": orders, "now": until}
    with (
        run_sandbox(**world, switches={"yotpo.rate_limit": 0}) as running,
        tempfile.TemporaryDirectory() as folder,
        short_waits(),
    ):
        running.sandbox.now = None
        states = {}
        for shop in routed_shops(shops):
            MainJob(running, shop, folder).run(until - timedelta(days=DAYS), until)
            states[shop] = end_state(running, shop)
        return states, sum(running.sandbox.calls.values())


def routed_shops(shops: int) -> list[str]:
    """Return the shops that a run syncs: the world's last route is that of a shop without the app."""
    return [route["shop"] for route in credentials.routes(shops)][:shops]


class Scenario:
    """One run with kills.

    :param requests: of the run without faults
    """

    def __init__(self, cluster: Cluster, running: RunningSandbox, plan: Plan, requests: int) -> None:
        self._cluster, self._running, self._plan, self._requests = cluster, running, plan, requests
        self._idle = {
            name: self._processes(name) for name in cluster.container_of if cluster.container_of[name].restarts
        }
        self.report = Report()

    def run(self, until: datetime) -> None:
        """Start the Dag, kill, restart, and wait for the end."""
        cluster, window = self._cluster, {"since": _iso(until - timedelta(days=DAYS)), "until": _iso(until)}
        query = "SELECT 1 FROM serialized_dag WHERE dag_id = %s"
        wait_until(lambda: self._query(query, DAG_ID), seconds=300, what="Airflow knows the Dag", every=2)
        conf = "{" + ", ".join(f'"{name}": "{value}"' for name, value in window.items()) + "}"
        cluster.execute("api-server", "airflow", "dags", "unpause", DAG_ID)
        cluster.execute("api-server", "airflow", "dags", "trigger", DAG_ID, "--run-id", "under_fire", "--conf", conf)
        began = time.monotonic()
        for victim, share in self._plan.kills:
            self._await(lambda share=share: self._share() >= share, f"{share:.0%} of the requests")
            self._kill(victim, began)
        self._await(lambda: self._state() in {"success", "failed"}, "the end of the run")
        self.report.facts["run"] = f"{self._state()} after {time.monotonic() - began:.0f} s"
        self.report.checks.append(Check("the run succeeded", self._state(), self._state() == "success"))
        self._describe_tasks()

    def check_health(self) -> None:
        """Run every service's own check."""
        names = [name for name, service in self._cluster.container_of.items() if service.health]
        unhealthy = [name for name in names if not self._cluster.is_healthy(name)]
        found = f"{len(names) - len(unhealthy)} of {len(names)}" + "".join(f", not {name}" for name in unhealthy)
        self.report.checks.append(Check("healthy by the file's checks, after the restarts", found, not unhealthy))

    def share_limit(self) -> None:
        """Let two processes beside each worker take from the limit of one credential at the same time."""
        begin = time.time() + 30  # Airflow is loaded by then.
        command = ("python", "-c", SHARE_LIMIT, str(begin), str(begin + SHARED_SECONDS))
        places = 2 * self._cluster.members("worker")
        with ThreadPoolExecutor(len(places)) as threads:
            printed = list(threads.map(lambda name: self._cluster.execute(name, *command), places))
        calls = [int(text.rpartition("calls ")[2]) for text in printed]
        self.report.checks.append(check_shared_limit(calls, LIMITS["shopify_partner"] * SHARED_SECONDS))

    def _kill(self, victim: str, began: float) -> None:
        if victim != "scheduler":
            self._await(lambda: self._processes(victim) > self._idle[victim], f"{victim} runs a task")
        (running,) = self._query("SELECT count(*) FROM task_instance WHERE state = 'running'")[0]
        share, seconds, processes = self._share(), time.monotonic() - began, self._cluster.kill(victim)
        _print(f"{seconds:.0f} s: killed {victim} with {processes} processes")
        time.sleep(1)
        self._cluster.restart(victim)
        own = "" if victim == "scheduler" else f", {_count(processes - self._idle[victim], 'task')} among them"
        killed = f"{_count(processes, 'process')}{own}; {_count(running, 'task')} ran in all"
        self.report.facts[f"{victim} killed, and started again"] = (
            f"at {seconds:.0f} s and {100 * share:.0f} % of the requests: {killed}"
        )

    def _processes(self, name: str) -> int:
        """Return how many processes a service has: a worker has one more for each task that it runs."""
        return sum(not process.ended for process in tree(self._cluster.services.running[name].pid))

    def _describe_tasks(self) -> None:
        rows = self._query(
            "SELECT count(*), count(*) FILTER (WHERE try_number > 1), max(try_number) FROM task_instance "
            "WHERE run_id = 'under_fire'"
        )
        total, retried, tries = rows[0]
        self.report.facts["tasks, of them tried again"] = f"{total}, {retried} (at most {tries} tries)"
        failed = "SELECT task_id, map_index, state, try_number FROM task_instance WHERE state = 'failed' ORDER BY 1, 2"
        for task_id, map_index, state, tries in self._query(failed):
            _print(f"{task_id}[{map_index}] is {state} after {tries} tries")
        for name in self._cluster.members("worker"):
            log = self._cluster.services.running[name].log.read_text(errors="replace")
            received = log.count(" received")
            self.report.checks.append(Check(f"tasks that {name} received", str(received), received > 0))

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: self._is_well() and condition(), seconds=3600, what=what, every=0.5)

    def _is_well(self) -> bool:
        self._cluster.services.reap()
        for name, service in self._cluster.services.running.items():
            if self._cluster.container_of[name].restarts and not service.runs:
                _print(f"{name} has ended by itself: {service.tail(500)}")
                self.report.checks.append(Check("a service that ended by itself", name, False))
                self._cluster.restart(name)
        return True

    def _share(self) -> float:
        return sum(self._running.sandbox.calls.copy().values()) / self._requests

    def _state(self) -> str:
        rows = self._query("SELECT state FROM dag_run WHERE run_id = 'under_fire'")
        return str(rows[0][0]) if rows else ""

    def _query(self, sql: str, *values: str) -> list[Any]:
        with self._cluster.connect() as connection:
            return connection.execute(sql, values or None).fetchall()


def main() -> int:
    """Run one seed, and print the table."""
    options = _parser().parse_args()
    plan = Plan.of(options.seed, options.workers)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="cluster-"))
        if not options.keep:
            # Airflow, which is imported later, writes into its home until this process ends.
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # PostgreSQL's own user goes through it
        os.environ |= {"AIRFLOW_HOME": str(folder / "harness"), "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL"}
        _print(f"seed {plan.seed}: {', '.join(f'{name} at {share:.0%}' for name, share in plan.kills)}")
        expected, requests = run_without_faults(until, shops=options.shops, orders=options.orders)
        _print(f"a run without faults: {options.shops} shops, {requests:,} requests")
        world = {"seed": WORLD_SEED, "shops": options.shops, "orders": options.orders, "now": until}
        running = stack.enter_context(run_sandbox(**world))
        running.sandbox.now = None
        running.call_log.keep(None)
        _write_connections(folder, running, options.shops)
        services = stack.enter_context(run_services(folder))
        definitions = compose_services(folder, options.workers)
        cluster = Cluster(definitions, folder, services, additions=SHORT_TIMEOUTS)
        for name in cluster.up():
            _print(f"started {name}")
        for name in [name for name, service in cluster.container_of.items() if service.health]:
            cluster.wait_healthy(name)
        _print("all services are healthy")
        scenario = Scenario(cluster, running, plan, requests)
        scenario.run(until)
        scenario.check_health()
        scenario.share_limit()
        report = finish(scenario.report, running, expected, plan, options, folder)
    print("\n".join(report.lines()))
    if options.keep:
        print(f"Everything is in {folder}")
    return 0 if report.passed else 1


def finish(
    report: Report,
    running: RunningSandbox,
    expected: Mapping[str, Any],
    plan: Plan,
    options: argparse.Namespace,
    folder: Path,
) -> Report:
    """Add the checks of what the partners saw, and store the table and the calls if that is wanted."""
    from main_job import end_state

    calls = running.call_log.latest()
    report.facts = {"seed, shops": f"{plan.seed}, {options.shops}", **report.facts, "requests": f"{len(calls):,}"}
    report.checks += check_lost({shop: end_state(running, shop) for shop in expected}, expected)
    report.checks += check_doubled(calls, expected)
    report.checks += check_limits(calls, LIMITS)
    if options.keep:
        lines = (json.dumps(asdict(call)) for call in reversed(calls))
        (folder / "calls.jsonl").write_text("\n".join(lines) + "\n")
    if options.save:
        from _results import Table, Target, save

        rows = [[what, found, ""] for what, found in report.facts.items()]
        rows += [[check.what, check.found, "ok" if check.passed else "FAILED"] for check in report.checks]
        what = f"{options.shops} shops on two workers, a worker and the scheduler killed in the middle"
        found = "all of it" if report.passed else "; ".join(c.what for c in report.checks if not c.passed)
        target = Target(what, "nothing lost, nothing doubled, one rate limit", found, report.passed)
        save("cluster", size="large", targets=[target], tables=[Table("Under fire", ["what", "found", ""], rows)])
    return report


def _write_connections(folder: Path, running: RunningSandbox, shops: int) -> None:
    """Write the file that the deployment's page writes by the sandbox's command."""
    environment = credentials.environment(running.url, seed=WORLD_SEED, shops=shops)
    (folder / "connections.env").write_text(credentials.as_shell(environment) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shops", type=int, default=50)
    parser.add_argument("--orders", type=int, default=20, help="of each shop (default: 20)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs, in the temporary folder")
    parser.add_argument("--save", action="store_true", help="store the table for the page on performance")
    return parser


def _iso(timestamp: datetime) -> str:
    return timestamp.strftime("%Y-%m-%dT%H:%M:%SZ")


def _count(number: int, word: str) -> str:
    """Return a number with its word."""
    if number == 1:
        return f"1 {word}"
    return f"{number} {word}{'es' if word.endswith('s') else 's'}"


def _print(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
