"""What a shop costs in the main Dag under a real scheduler: CPU time of everything, memory over time, health.

    python benchmarks/shops.py                    # a few minutes: shops with nothing new, and a run of some dozen shops
    python benchmarks/shops.py --size large       # half an hour: 1,000 shops in one hourly run

Airflow's services (api-server, dag-processor, scheduler with LocalExecutor, triggerer) and PostgreSQL run on loopback,
and the sandbox in a process of its own. Each shape of the main Dag has its own watermarks. The shapes take turns:

- ``nine``: nine tasks for every shop, whether it has changes or not. It is what the other two are compared with.
- ``step``: ``granularity="step"``, nine tasks for each shop with changes.
- ``shop``: ``granularity="shop"``, a task for several shops.

The CPU time is that of all of Airflow's processes, their children and PostgreSQL, from the start of a run to its end.
The sandbox stands in for the partners, so its time is apart. Connections are variables of the environment, and routes a
file: both cost Airflow nothing. With a secrets backend, add its look-ups.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from _results import Plot, Table, Target, parser, save
from local_airflow import ROLES, LocalAirflow, run_airflow
from postgres import serve_postgres
from services import Services, cpu_seconds, ended_cpu_seconds, proportional_size, run_services, tree, wait_until
from services import process_table as read_processes

from airflow_provider_partners.sandbox import credentials

SHAPES = {
    "nine": "nine tasks for every shop",
    "step": "nine tasks for a shop with changes",
    "shop": "a task for several shops",
}
SEED = 7
_MINUTES = 15
_SIZES: dict[str, dict[str, int]] = {
    "small": {"runs": 1, "idle_shops": 10, "shops": 40, "nine_shops": 0, "step_shops": 0},
    "large": {"runs": 2, "idle_shops": 20, "shops": 1000, "nine_shops": 100, "step_shops": 100},
}

_DAG = """
from dataclasses import replace

from airflow.sdk import Asset
from airflow_provider_partners.pipelines import lanes, order_sync_dag

if {shape!r} == "nine":
    lanes.ORDER_LANE = replace(lanes.ORDER_LANE, is_changed=None)

dag = order_sync_dag(
    dag_id="shops_{shape}",
    granularity={granularity!r},
    schedule=None,
    routes={routes!r},
    asset=Asset("shops_{shape}"),
)
"""


@dataclass(frozen=True)
class Phase:
    """What is measured with one start of all services.

    :param runs: measured runs of each shape
    :param changed: share of the shops that get new orders before each run
    """

    shops: int
    shapes: Sequence[str] = tuple(SHAPES)
    runs: int = 1
    changed: float = 0.0


@dataclass
class Sample:
    """The memory of the processes at one time, in MB, pages that others share counted in part."""

    seconds: float
    scheduler: float
    largest_task: float
    tasks: float
    airflow: float
    heartbeat_age: float | None


@dataclass
class Result:
    """What one run cost."""

    shape: str
    shops: int
    changed: int
    state: str = ""
    wall: float = 0.0
    cpu: dict[str, float] = field(default_factory=dict)
    sandbox_cpu: float = 0.0
    sandbox_calls: int = 0
    execution_calls: int = 0
    task_instances: int = 0
    xcoms: int = 0
    unhealthy: int = 0
    orders: dict[str, Any] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)

    @property
    def total(self) -> float:
        """CPU seconds of Airflow and PostgreSQL."""
        return sum(self.cpu.values())

    def span(self, name: str) -> str:
        """Return a size in the first and the last third of the run, and the highest."""
        values = [getattr(sample, name) for sample in self.samples if getattr(sample, name)]
        if not values:
            return "-"
        third = max(1, len(values) // 3)
        first, last = statistics.median(values[:third]), statistics.median(values[-third:])
        return f"{first:.0f} / {last:.0f} / {max(values):.0f}"


class Meter(threading.Thread):
    """Samples the memory and the health while a run lasts."""

    def __init__(self, airflow: LocalAirflow, *, every: float) -> None:
        super().__init__(daemon=True)
        self._airflow, self._every, self._ended = airflow, every, threading.Event()
        self.samples: list[Sample] = []
        self.unhealthy = 0

    def run(self) -> None:
        """Sample until the run ends."""
        began = time.monotonic()
        while not self._ended.wait(self._every):
            self.samples.append(self._sample(time.monotonic() - began))

    def end(self) -> None:
        """End the thread."""
        self._ended.set()
        self.join()

    def _sample(self, seconds: float) -> Sample:
        table, running = read_processes(), self._airflow.services.running
        sizes = {
            role: [proportional_size(process.pid) / 1024 for process in tree(running[role].pid, table)]
            for role in ROLES
        }
        scheduler, *tasks = sizes["scheduler"] or [0.0]
        return Sample(
            seconds=round(seconds, 1),
            scheduler=round(scheduler, 1),
            largest_task=round(max(tasks, default=0.0), 1),
            tasks=round(sum(tasks), 1),
            airflow=round(sum(map(sum, sizes.values())), 1),
            heartbeat_age=self._heartbeat_age(),
        )

    def _heartbeat_age(self) -> float | None:
        try:
            report = self._airflow.health()["scheduler"]
        except httpx.HTTPError:
            self.unhealthy += 1
            return None
        self.unhealthy += report["status"] != "healthy"
        latest = datetime.fromisoformat(report["latest_scheduler_heartbeat"])
        return round((datetime.now(UTC) - latest).total_seconds(), 1)


@contextmanager
def serve_sandbox(services: Services, folder: Path, *, shops: int) -> Iterator[str]:
    """Serve the partners' APIs in a process of their own, with a world that ended four days ago."""
    port_file = folder / "sandbox.port"
    command = [sys.executable, "-m", "airflow_provider_partners.sandbox", "serve", "--port", "0"]
    command += ["--port-file", str(port_file), "--seed", str(SEED), "--shops", str(shops), "--orders", "2"]
    # The first run of a shop reads 72 hours.
    command += ["--now", (datetime.now(UTC) - timedelta(days=4)).isoformat(timespec="seconds")]
    services.start("sandbox", command, dict(os.environ))
    wait_until(lambda: _has_text(services, port_file), seconds=600, what="the sandbox is ready", every=0.5)
    url = f"http://127.0.0.1:{port_file.read_text().strip()}"
    httpx.post(f"{url}/_sandbox/clock", json={"now": None}).raise_for_status()
    yield url


def _has_text(services: Services, file: Path) -> bool:
    services.check()
    return file.exists() and bool(file.read_text().strip())


def write_dags(folder: Path, *, shops: int, shapes: Sequence[str]) -> None:
    """Write a Dag file for each shape, and the file of routes."""
    folder.mkdir()
    routes = folder / "routes.json"
    routes.write_text(json.dumps(credentials.routes(shops)))
    for shape in shapes:
        granularity = "shop" if shape == "shop" else "step"
        text = _DAG.format(shape=shape, granularity=granularity, routes=str(routes))
        (folder / f"shops_{shape}.py").write_text(text)


def connections(url: str, shops: int) -> dict[str, str]:
    """Return the environment of Airflow's processes: what this one has, connections and Variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    partners = credentials.environment(url, seed=SEED, shops=shops)
    # Linux refuses a variable of more than 128 kB, which 1,000 routes have.
    del partners["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"]
    return {**kept, **partners}


class Measurement:
    """One Airflow with its sandbox."""

    def __init__(self, airflow: LocalAirflow, sandbox: str, *, shops: int, sample_every: float) -> None:
        self._airflow, self._shops, self._sample_every = airflow, shops, sample_every
        self._sandbox = httpx.Client(base_url=sandbox, timeout=120)
        with airflow.database.connect() as connection:
            backend = connection.execute("SELECT pg_backend_pid()").fetchone()
            assert backend
            self._postgres = read_processes()[backend[0]].parent

    def change(self, share: float, *, orders: int = 5) -> int:
        """Create orders at a share of the shops. Return at how many."""
        if not share:
            return 0
        routed = [route["shop"] for route in credentials.routes(self._shops)]
        installed = set(self._sandbox.get("/_sandbox/health").json()["shops"])
        able = [shop for shop in routed if shop in installed]
        chosen = random.Random(SEED).sample(able, round(self._shops * share))
        for shop in chosen:
            self._sandbox.post(f"/_sandbox/shopify/{shop}/orders/create?count={orders}").raise_for_status()
        return len(chosen)

    def run(self, shape: str, *, run_id: str, changed: int = 0) -> Result:
        """Run a Dag once."""
        dag_id, airflow = f"shops_{shape}", self._airflow
        result = Result(shape, self._shops, changed)
        self._sandbox.delete("/_sandbox/calls").raise_for_status()
        log = airflow.services.running["api-server"].log
        before, sandbox_before, log_before = self._cpu(), self._sandbox_cpu(), log.stat().st_size
        meter = Meter(airflow, every=self._sample_every)
        airflow.trigger(dag_id, run_id=run_id)
        began = time.monotonic()
        meter.start()
        while (state := airflow.state(dag_id, run_id)) not in {"success", "failed"}:
            airflow.services.check()
            airflow.services.reap()
            time.sleep(0.5)
        result.state, result.wall = state, time.monotonic() - began
        meter.end()
        after = self._cpu()
        result.cpu = {name: round(after[name] - before[name], 2) for name in after}
        result.sandbox_cpu = self._sandbox_cpu() - sandbox_before
        with log.open("rb") as lines:
            lines.seek(log_before)
            # Airflow's log of requests; tasks and their supervisors use this API.
            result.execution_calls = sum(b" path=/execution/" in line for line in lines)
        result.samples, result.unhealthy = meter.samples, meter.unhealthy
        self._count(result, dag_id, run_id)
        return result

    def _count(self, result: Result, dag_id: str, run_id: str) -> None:
        query = self._airflow.database.query
        result.sandbox_calls = sum(self._sandbox.get("/_sandbox/calls").json().values())
        for name, table in (("task_instances", "task_instance"), ("xcoms", "xcom")):
            rows = query(f"SELECT count(*) FROM {table} WHERE dag_id = %s AND run_id = %s", dag_id, run_id)
            setattr(result, name, rows[0][0])
        summary = self._airflow.result(dag_id, run_id, "summarize") or {}
        result.orders = {**summary.get("total", {}), "failed_lanes": len(summary.get("failed", ()))}

    def _cpu(self) -> dict[str, float]:
        table = read_processes()
        services = {role: cpu_seconds(self._airflow.services.running[role].pid, table) for role in ROLES}
        return {**services, "orphans": ended_cpu_seconds(), "postgres": cpu_seconds(self._postgres, table)}

    def _sandbox_cpu(self) -> float:
        return cpu_seconds(self._airflow.services.running["sandbox"].pid)


def run_phase(phase: Phase, *, parallelism: int, sample_every: float) -> list[Result]:
    """Start everything, measure, and stop everything."""
    results: list[Result] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shops-")))
        services = stack.enter_context(run_services(folder))
        database = stack.enter_context(serve_postgres()).create_database("airflow")
        url = stack.enter_context(serve_sandbox(services, folder, shops=phase.shops))
        write_dags(folder / "dags", shops=phase.shops, shapes=phase.shapes)
        variables = {
            **connections(url, phase.shops),
            "AIRFLOW__CORE__PARALLELISM": str(parallelism),
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(parallelism),
        }
        airflow = stack.enter_context(
            run_airflow(folder, dags=folder / "dags", database=database, services=services, variables=variables)
        )
        measurement = Measurement(airflow, url, shops=phase.shops, sample_every=sample_every)
        for number in range(phase.runs):
            for shape in phase.shapes:
                changed = measurement.change(phase.changed)
                results.append(measurement.run(shape, run_id=f"run-{number}", changed=changed))
                print(f"{phase.shops} shops, {shape}: {results[-1].wall:.0f} s", file=sys.stderr, flush=True)
    return results


def idle_ratio(results: Sequence[Result]) -> float:
    """Return the CPU time of shops with nothing new in tasks for several shops, over that of nine tasks for each."""
    medians = {
        shape: statistics.median(result.total for result in results if result.shape == shape)
        for shape in ("nine", "shop")
    }
    return medians["shop"] / medians["nine"]


def targets(idle: Sequence[Result], many: Sequence[Result]) -> Iterator[Target]:
    """Yield what was to be reached."""
    if idle:
        ratio = idle_ratio(idle)
        what = f"a shop with nothing new, of {idle[0].shops}: CPU time of everything, beside nine tasks for it"
        yield Target(what, "at most 1/5", f"1/{1 / ratio:.1f}", ratio <= 1 / 5)
    for result in many:
        if result.shape == "shop":
            what = f"{result.shops:,} shops, {result.changed} of them with new orders, one run"
            healthy = "healthy" if not result.unhealthy else f"{result.unhealthy} times unhealthy"
            measured = f"{result.wall / 60:.1f} minutes, scheduler {healthy}"
            reached = result.state == "success" and not result.unhealthy and result.wall < _MINUTES * 60
            yield Target(what, f"under {_MINUTES} minutes on two cores", measured, reached)


def table(caption: str, results: Sequence[Result], *, more: Sequence[Sequence[Any]] = ()) -> Table:
    """Return the figures of runs.

    :param more: further rows
    """
    columns = [
        *("lanes as", "shops, with new orders", "wall s", "CPU s", "CPU s a shop", "of it PostgreSQL"),
        *(
            "tasks, XComs",
            "calls of Airflow's API",
            "requests, sandbox CPU s",
            "scheduler MB*",
            "largest task MB*",
            "all MB*",
            "heartbeat s",
        ),
    ]
    rows = []
    for each in results:
        ages = [sample.heartbeat_age for sample in each.samples if sample.heartbeat_age is not None]
        rows.append([
            SHAPES[each.shape],
            f"{each.shops:,}, {each.changed}",
            round(each.wall),
            round(each.total, 1),
            round(each.total / each.shops, 2),
            round(each.cpu["postgres"] / each.shops, 2),
            f"{each.task_instances:,}, {each.xcoms:,}",
            each.execution_calls or "-",
            f"{each.sandbox_calls:,}, {each.sandbox_cpu:.1f}",
            each.span("scheduler"),
            each.span("largest_task"),
            each.span("airflow"),
            round(max(ages, default=0)),
        ])
    caption += ". Memory (*): median of the run's first third / of its last third / highest. Heartbeat: highest age"
    return Table(caption, columns, [*rows, *more])


def extrapolation(idle: Sequence[Result], shops: int) -> list[list[Any]]:
    """Return the row of a run in which each of many shops has nine tasks, from the time that some shops took."""
    seconds = statistics.median(result.total / result.shops for result in idle if result.shape == "nine")
    label = f"{SHAPES['nine']}, extrapolated from {idle[0].shops}"
    cores = os.cpu_count() or 1
    figures = [f"at least {seconds * shops / cores:,.0f}", round(seconds * shops), round(seconds, 2)]
    return [[label, f"{shops:,}, 0", *figures, *["-"] * 8]]


def plots(many: Sequence[Result]) -> list[Plot]:
    """Return memory over time."""
    series = {
        label: [(sample.seconds / 60, getattr(sample, name)) for sample in result.samples]
        for result in many[:1]
        for label, name in (("scheduler", "scheduler"), ("largest task", "largest_task"))
    }
    title = f"Memory in a run of {many[0].shops:,} shops"
    return [Plot("shops", title, "minutes", "MB", series, logarithmic=False)]


def main() -> int:
    """Measure, and store the results."""
    options = _options()
    sizes = {**_SIZES[options.size], **{name: value for name, value in vars(options).items() if value is not None}}
    measure = {"parallelism": options.parallelism, "sample_every": options.sample_every}
    idle: list[Result] = []
    if sizes["idle_shops"]:
        idle = run_phase(Phase(sizes["idle_shops"], runs=sizes["runs"]), **measure)
    many: list[Result] = []
    for shops, shape in ((sizes["shops"], "shop"), (sizes["step_shops"], "step"), (sizes["nine_shops"], "nine")):
        if shops:
            many += run_phase(Phase(shops, shapes=(shape,), changed=options.changed), **measure)
    more = extrapolation(idle, many[0].shops) if idle and many else []
    save(
        "shops",
        size=options.size,
        targets=list(targets(idle, many)),
        tables=[
            *([table("Shops with nothing new", idle)] if idle else []),
            *([table("One hourly run", many, more=more)] if many else []),
        ],
        plots=plots(many) if many else [],
    )
    if options.samples:
        options.samples.write_text(json.dumps([asdict(each) for each in (*idle, *many)], indent=1) + "\n")
    return 0 if all(each.state == "success" for each in (*idle, *many)) else 1


def _options() -> argparse.Namespace:
    command_line = parser(__doc__)
    command_line.add_argument("--runs", type=int, help="of shops with nothing new, in each shape")
    command_line.add_argument("--idle-shops", type=int, help="shops with nothing new; 0 leaves them out")
    command_line.add_argument("--shops", type=int, help="shops of the hourly run as 'shop'; 0 leaves it out")
    command_line.add_argument("--step-shops", type=int, help="shops of the same run as 'step'; 0 leaves it out")
    command_line.add_argument("--nine-shops", type=int, help="shops of the same run as 'nine'; 0 leaves it out")
    command_line.add_argument("--changed", type=float, default=0.05, help="share with new orders (default: 0.05)")
    command_line.add_argument("--parallelism", type=int, default=8, help="tasks at the same time (default: 8)")
    command_line.add_argument("--sample-every", type=float, default=5.0, help="seconds between samples (default: 5)")
    command_line.add_argument("--samples", type=Path, help="file for all figures of each run")
    return command_line.parse_args()


if __name__ == "__main__":
    sys.exit(main())
