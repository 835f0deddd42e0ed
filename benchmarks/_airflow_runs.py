"""Run a Dag in an Airflow on this machine, and measure what the run costs: CPU time of everything, memory, health."""

from __future__ import annotations

import random
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from local_airflow import ROLES, LocalAirflow
from services import cpu_seconds, ended_cpu_seconds, proportional_size, tree
from services import process_table as read_processes

from airflow_provider_partners.sandbox import credentials

SEED = 7


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

    def peak(self, name: str) -> float:
        """Return the highest size."""
        return max(getattr(sample, name) for sample in self.samples)


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
