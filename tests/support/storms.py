"""Storms: mixtures of the sandbox's kinds of faults, drawn from a seed, and the main job in them."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from main_job import MainJob, end_state, outcomes, records, short_waits

from airflow_provider_partners.sandbox.faults import KINDS, FaultRule
from airflow_provider_partners.sandbox.server import RunningSandbox

ABSORBED = tuple(name for name, kind in KINDS.items() if kind.heals == "same_try")
"""The kinds that a single try absorbs."""

SLOW = frozenset({"no_answer", "no_answer_after", "connect_timeout"})
"""The kinds that cost real time: the client's own timeout."""

READ_TIMEOUT = 1.0
"""Seconds without a byte after which an attempt ends, where a storm has slow kinds: each of those takes as long."""

PATIENCE = 30.0
"""The same in other storms, where every request is answered. A busy machine must end no call."""

PAGE_SIZE = 5
Record = dict[str, Any]


@dataclass
class Trial:
    """What one run of the main job did, and left in Yotpo."""

    state: dict[str, dict[str, Record]]
    requests: int
    outcomes: Counter[str]
    read: dict[str, list[Record]]
    faults: Counter[str] = field(default_factory=Counter)
    waited: float = 0.0
    seconds: float = 0.0


def empty_store(running: RunningSandbox) -> None:
    """Take everything out of the Yotpo stores but the stores themselves."""
    for partner, owner, kind, key, body in list(running.sandbox.store):
        if partner == "yotpo" and kind != "store" and body.get("external_id") != "yotpo_site_reviews":
            running.sandbox.store.delete(partner, owner, kind, key)


def add_storm(running: RunningSandbox, seed: int, share: float, kinds: Sequence[str] = ABSORBED) -> list[FaultRule]:
    """Let a share of all requests fail: in some kinds, which the seed draws.

    :param share: of all requests together
    :param kinds: to draw from; at most a dozen are drawn
    """
    rng = random.Random(seed)
    drawn = rng.sample(list(kinds), min(12, len(kinds)))
    # A request that one rule lets pass meets the next.
    return [
        running.faults.add(kind=kind, times=None, share=share / len(drawn), seed=seed * 1000 + number)
        for number, kind in enumerate(drawn)
    ]


def add_single_faults(running: RunningSandbox, seed: int, kinds: Sequence[str]) -> list[FaultRule]:
    """Let each kind happen once. Those that can happen anywhere are spread: eight in a row would end a call."""
    rng = random.Random(seed)
    spread = {kind for kind in kinds if KINDS[kind].paths in {"", KINDS["html"].paths}}
    return [running.faults.add(kind=kind, times=1, after=rng.randrange(50 if kind in spread else 3)) for kind in kinds]


@contextmanager
def quiet() -> Iterator[None]:
    """Log no lines of the tasks: a storm has thousands."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def small_pages(job: MainJob) -> None:
    """Let the job's lists have many pages."""
    tasks = job.tasks

    def with_small_pages(**window: datetime | None) -> dict[str, Any]:
        lane = tasks(**window)
        for task in lane.values():
            if hasattr(task, "page_size"):
                task.page_size = PAGE_SIZE * 4 if task.task_id == "extract_redemptions" else PAGE_SIZE
        return lane

    job.tasks = with_small_pages  # type: ignore[method-assign]


def run_trial(
    running: RunningSandbox, folder: Path, *, run_id: str = "run", tries: int = 1, rules: Sequence[FaultRule] = ()
) -> Trial:
    """Run the main job, each step at most ``tries`` times, and return what it did.

    :param rules: the storm
    """
    job = MainJob(running, None, folder, parallel_calls=4)
    small_pages(job)
    before, begun = request_number(running), time.monotonic()
    is_slow = any(rule.kind in SLOW for rule in rules)
    with quiet(), short_waits(200.0, read_timeout=READ_TIMEOUT if is_slow else PATIENCE) as waits:
        random.seed(rules[0].seed if rules else 0)
        results = job.run(run_id=run_id, tries=tries)
    seconds = time.monotonic() - begun
    with quiet():
        read = {name: records(result) for name, result in results.items() if result is not None}
        counts = outcomes(results["upsert_products"]) + outcomes(results["upsert_orders"])
    return Trial(
        state=end_state(running, job.shop),
        requests=request_number(running) - before,
        outcomes=counts,
        read=read,
        faults=Counter({str(rule.kind): rule.used for rule in rules}),
        waited=waits.slept,
        seconds=seconds,
    )


def request_number(running: RunningSandbox) -> int:
    """Return how many requests the sandbox has got since its start."""
    latest = running.call_log.latest(1)
    return latest[0].number if latest else 0
