"""Writers of one store in any order: the newest knowledge of an order wins.

A state machine of Hypothesis (https://hypothesis.readthedocs.io/en/latest/stateful.html) changes orders and returns,
builds them, and writes the builds with the real operators. It interleaves their calls, loses answers, kills workers,
retries, clears, replays and plans. The store follows Yotpo's documents, see ``fake_yotpo_store``: external ids are
unique, and an update adds lines and merges fulfillments by their ids (https://core-api.yotpo.com/reference/orders).

What the store should hold in the end, ``writers_model`` takes from the sequence itself.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from interleaved_writers import InterleavedStore, VirtualTime, interleaved, lost_call
from writers_model import (
    ORDERS,
    Build,
    Lane,
    Record,
    Task,
    World,
    last_name,
    newest_knowledge,
    newest_order,
    order_facts,
)

from airflow_provider_partners.exceptions import DatasetError, TransientError
from airflow_provider_partners.operators.yotpo import (
    YotpoReplayRejectsOperator,
    YotpoUpsertFulfillmentsOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)

SEEDS = 2
EXAMPLES, LONG_EXAMPLES, STEPS = 6, 40, 20
COUNTS = ("sequences", "tries", "stops", "lost calls", "kills", "late calls", "clears", "replays", "stale", "refused")

CHANGES = ("status", "amount", "line", "shipment", "delivered", "cancelled", "return")

number = st.integers(0, 20)


class Writers(RuleBasedStateMachine):
    """One store with all that may happen to its writers.

    :cvar counts: what has happened in all sequences
    """

    counts: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp(prefix="model-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
        self.clock = VirtualTime()
        self.world = World(self.clock)
        self.store = InterleavedStore()
        self.builds: list[Build] = []
        self.unjoined: list[Build] = []
        self.lanes: list[Lane] = []
        self.claimed: list[Build] = []
        self.orphans: list[tuple[Task, Callable[[], Any]]] = []
        self.runs = 0

    @initialize(
        look_interval=st.sampled_from([0.0, 1e9]), max_files=st.sampled_from([2, 64]), is_synced=st.sampled_from("yyn")
    )
    def open(self, look_interval: float, max_files: int, is_synced: str) -> None:
        self._stack.enter_context(
            interleaved(self._folder, self.clock, look_interval=look_interval, max_files=max_files)
        )
        if is_synced == "y":
            self._build(list(ORDERS))
            self._finish(self._start(self.builds[0], "hourly", apart=False))

    # what happens in the shop

    @rule(
        order=st.sampled_from(ORDERS),
        what=st.sampled_from(CHANGES[:-1]),
        builds=st.sampled_from(["one", "one", "all", "none"]),
    )
    def order_changes(self, order: int, what: str, builds: str) -> None:
        """An order changes, and a run reads it, or all, or none does."""
        self.world.change(order, what)
        self._build({"one": [order], "all": list(ORDERS), "none": []}[builds])

    @rule(order=st.sampled_from(ORDERS), score=st.sampled_from([0.1, 0.95]), builds=st.booleans())
    def return_changes(self, order: int, score: float, builds: bool) -> None:
        self.clock.pass_(seconds=1)
        self.world.scores[order] = score
        self._build([order] if builds else [])

    def _title_changes(self, builds: bool) -> None:
        self.world.title += "!"
        self._build(list(ORDERS) if builds else [])

    @rule(
        what=st.sampled_from(["title", "title and builds", "refuse", "refuse", "plan", "end", "end", "days"]),
        which=number,
        order=st.sampled_from(ORDERS),
    )
    def seldom(self, what: str, which: int, order: int) -> None:
        """Do what happens now and then."""
        if what.startswith("title"):
            self._title_changes("builds" in what)
        elif what == "refuse":
            self._refuse(order)
        elif what == "plan" and self.builds:
            self._plan(which, apart=bool(which % 2))
        elif what == "end":
            self._all_end()
        elif what == "days":
            self._days_pass([1, 10, 31][which % 3])

    @rule(
        order=st.sampled_from(ORDERS),
        changes=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=3),
        apart=st.booleans(),
        newest_first=st.booleans(),
        until=st.sampled_from(["its write", "its end"]),
    )
    def race(self, order: int, changes: list[str], apart: bool, newest_first: bool, until: str) -> None:
        """Let builds of one order overtake each other: the calls of all but the last are on their way."""
        for each in changes:
            self.return_changes(order, 1.05 - self.world.scores[order], builds=True) if each == "return" else None
            self.order_changes(order, each, "one") if each != "return" else None
        ages = range(len(changes))
        for age in ages if newest_first else reversed(ages):
            lane = self._start(self.builds[-1 - age], ["hourly", "second", "backfill"][age % 3], apart=apart)
            is_last = age == (ages[-1] if newest_first else 0)
            self._run(lane, until if is_last else "its write")

    def _build(self, orders: list[int]) -> None:
        if orders:
            self.begin_build(orders)
            self.end_build(-1)

    @rule(orders=st.sampled_from([[ORDERS[0]], list(ORDERS), [ORDERS[1]]]))
    def begin_build(self, orders: list[int]) -> None:
        """Read orders: by the hour, for a backfill, for a reconciliation."""
        self.runs += 1
        build = Build(self.world, self.clock, f"build-{self.runs}", orders)
        self.unjoined.append(build)

    @precondition(lambda self: self.unjoined)
    @rule(which=number)
    def end_build(self, which: int) -> None:
        build = self.unjoined.pop(which % len(self.unjoined))
        build.join(self._folder)
        self.builds.append(build)

    # what happens to writers

    @precondition(lambda self: self.builds)
    @rule(
        age=st.sampled_from([0, 0, 1, 1, 2, 3, 7]),
        dag_id=st.sampled_from(["hourly", "backfill", "second"]),
        apart=st.booleans(),
        until=st.sampled_from(["its start", "its write", "its write", "its end"]),
    )
    def start_lane(self, age: int, dag_id: str, apart: bool, until: str) -> None:
        """Write a build: the newest, or an older one."""
        lane = self._start(self.builds[-1 - age % len(self.builds)], dag_id, apart=apart)
        if until != "its start":
            self._run(lane, until)

    def _run(self, lane: Lane, until: str) -> None:
        """Run a lane to its end, or to where a write of an order or fulfillment is on its way."""
        while (task := lane.task) is not None:
            if not task.is_running:
                self._try_again(task) if task.writer is not None else task.start()
            while task.is_running:
                self._step(task)
                stop = task.writer.stop if task.writer is not None else None
                if until == "its write" and stop and stop.startswith(("before order.", "before fulfillment")):
                    return

    def _start(self, build: Build, dag_id: str, *, apart: bool, plan_only: bool = False) -> Lane:
        self.runs += 1

        def task(operator: Any, **arguments: Any) -> Task:
            return Task(self.store, dag_id, f"run-{self.runs}", operator, plan_only=plan_only, **arguments)

        tasks = [
            task(YotpoUpsertProductsOperator, products=build.reference),
            task(YotpoUpsertOrdersOperator, orders=build.reference, with_fulfillments=not apart),
        ]
        if apart:
            tasks.append(task(YotpoUpsertFulfillmentsOperator, fulfillments=build.reference))
        lane = Lane(tasks, build, is_plan=plan_only)
        self.lanes.append(lane)
        if not plan_only and build.is_remembered:
            self.claimed.append(build)
        tasks[0].start()
        return lane

    def _open_lanes(self) -> list[Lane]:
        return [lane for lane in self.lanes if lane.task is not None]

    def _running(self) -> list[Task]:
        return [lane.task for lane in self._open_lanes() if lane.task is not None and lane.task.is_running]

    @precondition(lambda self: self._running())
    @rule(which=number, stops=st.integers(1, 12))
    def run_on(self, which: int, stops: int) -> None:
        lanes = self._open_lanes()
        lane = lanes[which % len(lanes)]
        for _ in range(stops):
            task = lane.task
            if task is None:
                return
            if not task.is_running:
                self._try_again(task)
            self._step(task)

    @precondition(lambda self: self._open_lanes())
    @rule(which=number, until=st.sampled_from(["its write", "its end"]))
    def run_to(self, which: int, until: str) -> None:
        lanes = self._open_lanes()
        self._run(lanes[which % len(lanes)], until)

    @precondition(lambda self: self._running())
    @rule(which=number)
    def lose_call(self, which: int) -> None:
        """A call is lost on its way, or its answer is."""
        running = self._running()
        task = running[which % len(running)]
        stop = task.writer.stop if task.writer is not None else None
        if task.writer is not None and stop and re.match(r"(before|after) \w+( of \d+)?\.", stop):
            note(f"{task.name}: lost {stop}")
            self.counts["lost calls"] += 1
            task.writer.step(lost_call())

    @precondition(lambda self: self._running())
    @rule(which=number, arrives=st.booleans())
    def kill(self, which: int, arrives: bool) -> None:
        """Kill a worker. A call of it that is on its way may arrive, until the task is tried again."""
        running = self._running()
        task = running[which % len(running)]
        assert task.writer is not None
        call = self.store.arrivals.pop(task.writer, None)
        note(f"{task.name}: killed {task.writer.stop}, call on its way: {call is not None and arrives}")
        self.counts["kills"] += 1
        task.writer.kill()
        if call is not None and arrives:
            self.orphans.append((task, call))

    @precondition(lambda self: self.orphans)
    @rule(which=number)
    def orphan_arrives(self, which: int) -> None:
        """The last call of a killed worker arrives."""
        self._arrive(*self.orphans.pop(which % len(self.orphans)))

    def _arrive(self, task: Task, call: Callable[[], Any]) -> None:
        note(f"{task.name}: its last call arrives")
        self.counts["late calls"] += 1
        try:
            call()
        except Exception as error:
            note(f"{task.name}: it is refused ({error})")

    @precondition(lambda self: any(lane.task and lane.task.has_failed for lane in self.lanes))
    @rule(which=number)
    def retry(self, which: int) -> None:
        failed = [lane.task for lane in self.lanes if lane.task and lane.task.has_failed]
        self._try_again(failed[which % len(failed)])

    def _try_again(self, task: Task) -> None:
        # A retry comes minutes later.
        for orphan in [each for each in self.orphans if each[0] is task]:
            self.orphans.remove(orphan)
            self._arrive(*orphan)
        self.clock.pass_(minutes=5)
        note(f"{task.name}: try {task.tries + 1}")
        task.start()

    @precondition(lambda self: any(lane.task is None and not lane.is_plan for lane in self.lanes))
    @rule(which=number)
    def clear(self, which: int) -> None:
        """Run a finished run again, with its old build."""
        ended = [lane for lane in self.lanes if lane.task is None and not lane.is_plan]
        lane = ended[which % len(ended)]
        self.counts["clears"] += 1
        lane.index, lane.is_replayed = 0, False
        for task in lane.tasks:
            task.writer = None
        lane.tasks[0].start()

    def _refuse(self, order: int) -> None:
        """Yotpo refuses an order for now."""
        self.store.refused ^= {str(order)}

    @precondition(lambda self: any(self._rejects(lane) for lane in self.lanes))
    @rule(which=number)
    def replay(self, which: int) -> None:
        """Send the rejects of a run again, as they were built."""
        lanes = [lane for lane in self.lanes if self._rejects(lane)]
        self._replay(lanes[which % len(lanes)])

    @staticmethod
    def _rejects(lane: Lane) -> list[Any]:
        if lane.is_plan:
            return []
        ended = [task.writer for task in lane.tasks if task.writer is not None and task.writer.result]
        return [writer.result for writer in ended if writer.result["extra"]["rejects"]]

    def _replay(self, lane: Lane) -> None:
        self.counts["replays"] += 1
        self.runs += 1
        tasks = [
            Task(self.store, "replay", f"run-{self.runs}-{index}", YotpoReplayRejectsOperator, rejects=result)
            for index, result in enumerate(self._rejects(lane))
        ]
        tasks[0].start()
        self.lanes.append(Lane(tasks, None))

    def _plan(self, which: int, apart: bool) -> None:
        """Plan a build. Nothing is written."""
        lane = self._start(self.builds[-1 - which % len(self.builds)], "plan", apart=apart, plan_only=True)
        self._finish_plan(lane)

    def _finish_plan(self, lane: Lane) -> list[Record]:
        writes = self.store.writes
        self._finish(lane)
        assert self.store.writes == writes
        return [outcome for task in lane.tasks for outcome in task.outcomes()]

    def _finish(self, lane: Lane) -> None:
        self._run(lane, "its end")

    def _step(self, task: Task) -> None:
        assert task.writer is not None
        self.clock.pass_(seconds=0.1)
        self.counts["stops"] += 1
        task.writer.step()
        note(f"{task.name}: {task.writer.stop or 'ended'} {task.writer.error or ''}")
        error = task.writer.error
        if isinstance(error, DatasetError) and task.is_replay:
            task.writer.error = None  # The run was cleared since, and its rejects are others now, or none.
        elif error is not None and not isinstance(error, TransientError):
            raise error

    def _days_pass(self, days: int) -> None:
        if self._open_lanes():
            return
        self._all_end()
        self.clock.pass_(days=days)

    def _all_end(self) -> None:
        for lane in self._open_lanes():
            self._finish(lane)
        self.store.refused.clear()
        for lane in [lane for lane in self.lanes if self._rejects(lane) and not lane.is_replayed]:
            lane.is_replayed = True
            self._replay(lane)
        for lane in self._open_lanes():
            self._finish(lane)
        self._check()

    def _check(self) -> None:
        assert all(count == 1 for count in self.store.successes.values()), self.store.successes
        for order in {order for build in self.claimed for order in build.known}:
            self._check_order(order, [build.known[order] for build in self.claimed if order in build.known])
        self._check_products()

    def _check_products(self) -> None:
        """Each product has the name that the last reading of an order with it has found."""
        records = [record for build in self.claimed for record in build.known.values()]
        for product in {product["external_id"] for record in records for product in record["products"]}:
            name = last_name(records, product)
            assert self.store.get("product", product)["name"] == name, f"product {product}"

    def _check_order(self, order: str, known: list[Record]) -> None:
        present = self.store.get("order", order)
        assert order_facts(present) == order_facts(newest_order(known)), f"order {order}"
        last = newest_knowledge(known)
        suppressed = [record["order"]["custom_properties"]["suppress_review_request"] for record in last]
        if any(suppressed) or len({str(record["version"]) for record in last}) == 1:
            assert present["custom_properties"]["suppress_review_request"] is any(suppressed), f"order {order}"

    def teardown(self) -> None:
        self.counts["sequences"] += 1
        try:
            if self._stack is not None and self.runs:
                self._all_end()
                self._check_plan()
        finally:
            for lane in self.lanes:
                for task in lane.tasks:
                    self.counts["tries"] += task.tries
                    self._count_outcomes(task)
                    if task.is_running and task.writer is not None:
                        task.writer.kill()
            self._stack.close()

    def _count_outcomes(self, task: Task) -> None:
        if task.writer is not None and task.writer.result:
            counts = task.writer.result["extra"]["summary"]
            self.counts["stale"] += counts["stale"]
            self.counts["refused"] += counts["rejected"]

    def _check_plan(self) -> None:
        """A build of the present is written; then its plan is empty."""
        self.clock.pass_(minutes=1)
        self.begin_build(list(ORDERS))
        build = self.unjoined.pop()
        build.join(self._folder)
        self.builds.append(build)
        self._finish(self._start(build, "hourly", apart=False))
        self._check()
        for order, record in build.known.items():
            properties = self.store.get("order", order)["custom_properties"]
            assert properties == record["order"]["custom_properties"]
        outcomes = self._finish_plan(self._start(build, "plan", apart=False, plan_only=True))
        assert {outcome["action"] for outcome in outcomes} == {"unchanged"}


def test_the_newest_knowledge_wins_in_any_order(
    seed: int, run_model: Callable[..., None], fire_row: Callable[..., None]
) -> None:
    machine = type("Counted", (Writers,), {"counts": Counter()})
    run_model(machine, seed, examples=EXAMPLES, long_examples=LONG_EXAMPLES, steps=STEPS)
    fire_row(seed=seed, **{name: machine.counts[name] for name in COUNTS})
