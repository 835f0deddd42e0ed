"""Processes write builds of several ages to one store at once, with the real operators over real HTTP.

The sandbox answers as Yotpo's documents say: an external id is unique, and an update merges
(https://core-api.yotpo.com/reference/orders). Slow answers make the calls of the processes overtake each other.
"""

from __future__ import annotations

import multiprocessing
import random
from collections import Counter
from pathlib import Path
from typing import Any

from main_job import STEPS, MainJob, end_state, outcomes
from sandbox import run_sandbox

from airflow_provider_partners.sandbox.handle import PartnersSandbox

SEEDS = 1
AGES = 2
WRITERS = ("hourly", "second")
UPSERTS = STEPS[-2:]


def test_the_newest_of_the_builds_stays(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    switches = {"yotpo.rate_limit": 0, "shopify_admin.bucket": (10**6, 10**6)}
    with run_sandbox(shops=1, orders=20, switches=switches) as running:
        job = MainJob(running, folder=tmp_path)
        shop = PartnersSandbox(running).shop(job.shop)
        for age in range(AGES):
            job.run(run_id=f"build-{age}", steps=STEPS[:-2])
            shop.change_orders(6)
        job.run(run_id=f"build-{AGES}", steps=STEPS[:-2])
        slow = {"path_prefix": "/yotpo", "path_regex": "/orders", "delay": 1.5, "times": None}
        PartnersSandbox(running).fault(**slow, method="PATCH", share=0.3, seed=seed)

        work = [(dag_id, age) for dag_id in WRITERS for age in range(AGES + 1)]
        rng.shuffle(work)
        fork = multiprocessing.get_context("fork")
        processes = [
            fork.Process(target=_write, args=(running, tmp_path, dag_id, job.results[f"build-{age}"], age))
            for dag_id, age in work
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join(120)

        PartnersSandbox(running).clear_faults()
        assert [process.exitcode for process in processes] == [0] * len(work)
        end_state(running, job.shop)  # Nothing is there twice.
        planned = _upsert(running, tmp_path, "plan", job.results[f"build-{AGES}"], AGES, dry_run=True)
        assert planned.keys() == {"unchanged"}


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
