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
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from _airflow_runs import SEED, Measurement, Result
from _results import Plot, Table, Target, parser, save
from local_airflow import run_airflow
from postgres import serve_postgres
from services import Services, run_services, wait_until

from airflow_provider_partners.sandbox import credentials

SHAPES = {
    "nine": "nine tasks for every shop",
    "step": "nine tasks for a shop with changes",
    "shop": "a task for several shops",
}
_MINUTES = 15
_FLAT = 1.1
_SIZES: dict[str, dict[str, int]] = {
    "small": {"runs": 1, "idle_shops": 10, "shops": 40, "nine_shops": 0, "step_shops": 0},
    "large": {"runs": 1, "idle_shops": 20, "shops": 1000, "nine_shops": 0, "step_shops": 1000},
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
    repeated = [result for result in many if result.shape == "shop"]
    if repeated:
        first = repeated[0]
        unhealthy = sum(result.unhealthy for result in repeated)
        what = f"{first.shops:,} shops, {first.changed} of them with new orders, the longest of {len(repeated)} runs"
        healthy = "healthy" if not unhealthy else f"{unhealthy} times unhealthy"
        longest = max(result.wall for result in repeated)
        succeeded = all(result.state == "success" for result in repeated)
        yield Target(
            what,
            f"under {_MINUTES} minutes on two cores",
            f"{longest / 60:.1f} minutes, scheduler {healthy}",
            succeeded and not unhealthy and longest < _MINUTES * 60,
        )
    if len(repeated) > 1:
        yield _flatness(repeated[0], repeated[-1])


def _flatness(first: Result, last: Result) -> Target:
    """Return whether a later run of the same processes needs more memory. In the first one, they load and fill up."""
    names = {"the scheduler": "scheduler", "the largest task": "largest_task", "all processes": "airflow"}
    ratios = {label: last.peak(name) / first.peak(name) for label, name in names.items()}
    measured = ", ".join(f"{label} {ratio:.2f} times" for label, ratio in ratios.items())
    what = f"{last.shops:,} shops, a second run: the highest memory, beside that of the first run"
    return Target(what, f"flat: at most {_FLAT} times", measured, max(ratios.values()) <= _FLAT)


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
        for run, result in zip(("first run", "second run"), many, strict=False)
        if result.shape == many[0].shape
        for label, name in ((f"scheduler, {run}", "scheduler"), (f"largest task, {run}", "largest_task"))
    }
    title = f"Memory in two runs of {many[0].shops:,} shops"
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
            runs = 2 if shape == "shop" else 1
            many += run_phase(Phase(shops, shapes=(shape,), runs=runs, changed=options.changed), **measure)
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
