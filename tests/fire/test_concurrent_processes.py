"""Processes write builds of several ages to one store at once, with the real operators over real HTTP.

The sandbox answers as Yotpo's documents say: an external id is unique, and an update merges
(https://core-api.yotpo.com/reference/orders). Two calls of older builds are on their way until the newest is written.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from main_job import STEPS, MainJob, end_state, outcomes
from sandbox import run_sandbox

from airflow_provider_partners.sandbox.faults import injection
from airflow_provider_partners.sandbox.handle import PartnersSandbox
from airflow_provider_partners.sandbox.store import format_timestamp
from airflow_provider_partners.sandbox.world.shop import PARTNER as SHOPIFY

SEEDS = 1
AGES = 2
WRITERS = ("hourly", "second")
UPSERTS = STEPS[-2:]


def test_the_newest_of_the_builds_stays(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    switches = {"yotpo.rate_limit": 0, "shopify_admin.bucket": (10**6, 10**6)}
    with run_sandbox(shops=1, orders=8, switches=switches) as running:
        job = MainJob(running, folder=tmp_path)
        for age in range(AGES):
            job.run(run_id=f"build-{age}", steps=STEPS[:-2])
            _raise_totals(running, job.shop)
        job.run(run_id=f"build-{AGES}", steps=STEPS[:-2])
        _upsert(running, tmp_path, "first", job.results["build-0"], 0)

        work = [(dag_id, age) for dag_id in WRITERS for age in range(AGES + 1)]
        rng.shuffle(work)
        # The first calls are those of older builds, and they are on their way until the newest has been written.
        work.sort(key=lambda each: each[1] == AGES)
        sandbox = PartnersSandbox(running)
        slow = sandbox.fault(path_prefix="/yotpo", path_regex="/orders/", method="PATCH", delay=60.0, times=2)
        arrival = threading.Event()

        async def wait(*_: Any) -> bool:
            return await asyncio.to_thread(arrival.wait)

        monkeypatch.setattr(injection.wire, "wait", wait)
        fork = multiprocessing.get_context("fork")
        processes = []
        for dag_id, age in work:
            while age == AGES and not slow.used:
                assert any(process.is_alive() for process in processes)
                time.sleep(0.05)
            arguments = (running, tmp_path, dag_id, job.results[f"build-{age}"], age)
            processes.append(fork.Process(target=_write, args=arguments))
            processes[-1].start()
        for process, (_, age) in zip(processes, work, strict=True):
            if age == AGES:
                process.join(120)
        arrival.set()
        for process in processes:
            process.join(120)

        sandbox.clear_faults()
        assert [process.exitcode for process in processes] == [0] * len(work)
        end_state(running, job.shop)  # Nothing is there twice.
        planned = _upsert(running, tmp_path, "plan", job.results[f"build-{AGES}"], AGES, dry_run=True)
        assert planned.keys() == {"unchanged"}


def _raise_totals(running: Any, shop: str) -> None:
    """Change the total of each order in the shop."""
    store, at = running.sandbox.store, format_timestamp(running.sandbox.clock())
    for order in store.select(SHOPIFY, shop, "order"):
        total = order["totalPriceSet"]
        amounts = {name: {**money, "amount": str(float(money["amount"]) + 1)} for name, money in total.items()}
        changed = {**order, "totalPriceSet": amounts, "updatedAt": at}
        store.put(SHOPIFY, shop, "order", order["id"], changed, at=at)


def _write(*arguments: Any) -> None:
    _upsert(*arguments)


def _upsert(
    running: Any, folder: Path, dag_id: str, results: dict[str, Any], age: int, *, dry_run: bool = False
) -> Counter[str]:
    """Write a build as the tasks of one run do."""
    job = MainJob(running, folder=folder, dag_id=dag_id)
    job.results[f"write-{age}"] = dict(results)
    ended = job.run(run_id=f"write-{age}", steps=UPSERTS, dry_run=dry_run, tries=3)
    return outcomes(ended["upsert_orders"]) + outcomes(ended["upsert_products"])
