"""The other jobs in storms: bulk operations, exports, the Partner API, walks, reconcile, replay, sensors and watchers.

Each must read or write what it does in calm, in one try, while one request of ten fails in the kinds that a seed draws.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from job_lists import SINCE, UNTIL, bulk_orders, export_redemptions, partner_list, short_polls
from main_job import MainJob, end_state, outcomes, records, short_waits
from open_connections import all_closed
from sandbox import restored_settings, run_sandbox
from storms import ABSORBED, PATIENCE, SLOW, add_storm, empty_store, quiet, request_number

from airflow_provider_partners import (
    YofiExtractOperator,
    YotpoExtractOperator,
    YotpoReconcileOrdersOperator,
    YotpoReplayRejectsOperator,
    YotpoUpsertOrdersOperator,
)
from airflow_provider_partners.sandbox import credentials
from airflow_provider_partners.sandbox.faults import FaultRule
from airflow_provider_partners.sandbox.handle import PartnersSandbox
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyRecordsSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.task_errors import PartnerTaskError
from airflow_provider_partners.triggers.watch import poll
from airflow_provider_partners.triggers.yofi import YofiNewReturnsTrigger

SEEDS = 1
NOW = datetime(2026, 6, 1, tzinfo=UTC)
QUICK = tuple(kind for kind in ABSORBED if kind not in SLOW)
ROUNDS, ENOUGH = 6, 3
"""A small list meets a fault now and then only. So it is read some times, until it has met enough of them."""


@pytest.fixture(autouse=True)
def _no_connection_stays_open() -> Iterator[None]:
    with all_closed():
        yield


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with run_sandbox(shops=1, orders=12, now=NOW) as running:
        yield running


@pytest.fixture
def job(running: RunningSandbox, tmp_path: Path) -> MainJob:
    return MainJob(running, None, tmp_path, parallel_calls=4)


@contextmanager
def short_pauses() -> Iterator[None]:
    """Poll jobs and lists without pauses."""
    with quiet(), short_waits(200.0, read_timeout=PATIENCE), short_polls(0.01):
        yield


def yofi_list(resource: str, **arguments: Any) -> Callable[[MainJob], Any]:
    def make(job: MainJob) -> Any:
        return YofiExtractOperator(task_id=resource, resource=resource, shop=job.shop, page_size=3, **arguments)

    return make


def yotpo_list(job: MainJob) -> Any:
    return YotpoExtractOperator(
        task_id="stored",
        resource="orders",
        since=SINCE,
        until=UNTIL,
        page_size=5,
        yotpo_conn_id=job.route["yotpo_conn_id"],
    )


LISTS: dict[str, Callable[[MainJob], Any]] = {
    "bulk": bulk_orders,
    "export": export_redemptions,
    "transactions": lambda _: partner_list("transactions"),
    "app_events": lambda _: partner_list("app_events", app_id=credentials.APP_ID),
    "returns": yofi_list("returns"),
    "customers": yofi_list("customers"),
    "claims": yofi_list("claims", since=SINCE, until=UNTIL),
    "yotpo_orders": yotpo_list,
}
SUBMITTED = {"bulk": ("shopify_admin", "bulk_operation"), "export": ("voucherify", "exports")}


def plain(rows: list[dict[str, Any]]) -> list[str]:
    """Return records in a comparable form, without when they were read."""
    return sorted(repr({name: value for name, value in row.items() if name != "read_at"}) for row in rows)


def count_jobs(running: RunningSandbox, name: str) -> int:
    return sum((partner, kind) == SUBMITTED.get(name) for partner, _, kind, *_ in running.sandbox.store)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_as_in_calm(
    running: RunningSandbox, job: MainJob, name: str, seed: int, fire_row: Callable[..., None]
) -> None:
    with restored_settings(running), short_pauses():
        if name == "yotpo_orders":
            job.run(run_id="fill")
        begun = request_number(running)
        calm = records(job.execute(LISTS[name](job), run_id="calm"))
        assert calm
        storms = Storms(running, seed, calm_requests=request_number(running) - begun)
        for rules in storms:
            jobs = count_jobs(running, name)

            stormy = records(job.execute(LISTS[name](job), run_id=f"storm {storms.rounds}"))

            storms.add(rules)
            assert plain(stormy) == plain(calm)
            # After a lost answer, a job with the same query is taken for the one that was submitted.
            assert count_jobs(running, name) - jobs <= (name in SUBMITTED)
        fire_row(
            faults=storms.faults,
            rounds=storms.rounds,
            requests=storms.requests,
            extra=storms.requests - storms.rounds * storms.calm_requests,
            records=len(calm),
            kinds=" ".join(sorted(storms.kinds)),
        )


class Storms:
    """Storms over one list, until it has met enough faults; each round has a seed of its own.

    :param calm_requests: of one read without faults
    """

    def __init__(self, running: RunningSandbox, seed: int, *, calm_requests: int) -> None:
        self._running = running
        self._seed = seed
        self.calm_requests = calm_requests
        self.rounds = self.faults = self.requests = 0
        self.kinds: set[str] = set()

    def __iter__(self) -> Iterator[list[FaultRule]]:
        share = 0.1 if self.calm_requests >= 20 else 0.2
        while self.rounds < ROUNDS and self.faults < ENOUGH:
            self._running.faults.clear()
            self._before = request_number(self._running)
            self.rounds += 1
            yield add_storm(self._running, self._seed * ROUNDS + self.rounds - 1, share, QUICK)

    def add(self, rules: list[FaultRule]) -> None:
        """Count a round's faults and requests."""
        requests = request_number(self._running) - self._before
        assert requests <= 3 * self.calm_requests + 10
        self.requests += requests
        self.faults += sum(rule.used for rule in rules)
        self.kinds |= {str(rule.kind) for rule in rules if rule.used}


FILES = [("bulk", "^/shopify-files/"), ("export", "^/voucherify/download/")]


@pytest.mark.parametrize(("name", "path"), FILES)
@pytest.mark.parametrize("rule", [{"cut": 0.0}, {"kind": "cut_file"}], ids=["empty", "cut"])
def test_a_file_that_is_always_damaged_fails_clearly_and_the_next_try_ends_as_in_calm(
    running: RunningSandbox, job: MainJob, name: str, path: str, rule: dict[str, Any]
) -> None:
    with restored_settings(running), short_pauses():
        calm = records(job.execute(LISTS[name](job), run_id="calm"))
        running.faults.add(path_regex=path, times=None, **rule)
        with pytest.raises(PartnerTaskError, match="file"):
            job.execute(LISTS[name](job), run_id="damaged")
        running.faults.clear()

        assert plain(records(job.execute(LISTS[name](job), run_id="damaged", try_number=2))) == plain(calm)


@pytest.mark.parametrize(("name", "path"), FILES)
@pytest.mark.parametrize("share", [0.05, 0.9])
def test_a_file_that_is_cut_once_is_downloaded_again(
    running: RunningSandbox, job: MainJob, name: str, path: str, share: float
) -> None:
    """Its length fits, so that only the content shows it."""
    with restored_settings(running), short_pauses():
        calm = records(job.execute(LISTS[name](job), run_id="calm"))
        rule = running.faults.add(kind="cut_file", cut=share, path_regex=path)

        assert plain(records(job.execute(LISTS[name](job), run_id="cut"))) == plain(calm)
        assert rule.used == 1


@pytest.mark.parametrize("kind", ["shifting_rows", "leaving_rows"])
def test_a_walk_over_shifting_rows_leaves_out_none_that_stays(
    running: RunningSandbox, job: MainJob, kind: str, seed: int
) -> None:
    """Yofi's lists are numbered pages: https://docs.yofi.ai/yofi-on-shopify/partner-service-integration."""
    store = running.sandbox.store
    kept = store.select("yofi", job.shop, "customer")
    with restored_settings(running), short_pauses():
        add_storm(running, seed, 0.1, QUICK)
        running.faults.add(kind=kind, times=3, share=0.4, seed=seed, with_params=["page[number]"])
        try:
            read = [record["id"] for record in records(job.execute(LISTS["customers"](job)))]
            present = {record["id"] for record in store.select("yofi", job.shop, "customer")}
        finally:
            for record in store.select("yofi", job.shop, "customer"):
                store.delete("yofi", job.shop, "customer", record["id"])
            for record in kept:
                store.put("yofi", job.shop, "customer", record["id"], record, at=UNTIL)

    assert len(read) == len(set(read))
    assert {record["id"] for record in kept} & present <= set(read)


def test_a_reconciliation_finds_what_it_finds_in_calm(running: RunningSandbox, job: MainJob, seed: int) -> None:
    def found(run_id: str) -> dict[str, int]:
        stored = job.execute(yotpo_list(job), run_id=run_id)
        task = YotpoReconcileOrdersOperator(task_id="reconcile", built=job.results["run"]["build"], yotpo_orders=stored)
        return dict(job.execute(task, run_id=run_id)["extra"]["found"])

    with restored_settings(running), short_pauses():
        empty_store(running)
        job.run()
        store_id = PartnersSandbox(running).shop(job.shop).store_id
        for record in running.sandbox.store.select("yotpo", store_id or "", "order")[::4]:
            running.sandbox.store.delete("yotpo", store_id or "", "order", str(record["_id"]))
        calm = found("calm")
        add_storm(running, seed, 0.1, QUICK)

        assert found("storm") == calm
        assert calm["missing"] > 0


def test_rejects_are_sent_again_once(running: RunningSandbox, job: MainJob, seed: int) -> None:
    """Yotpo refuses orders older than six months where a switch says so: its pages disagree about it."""
    connection = {"yotpo_conn_id": job.route["yotpo_conn_id"]}
    with restored_settings(running), short_pauses():
        empty_store(running)
        job.run()
        calm = end_state(running, job.shop)
        empty_store(running)
        running.sandbox.switches["yotpo.refuse_beyond_six_months"] = True
        running.sandbox.now = NOW.replace(month=9)
        built = job.results["run"]["build"]
        task = YotpoUpsertOrdersOperator(task_id="refused", orders=built, max_rejects=1000, **connection)
        refused = job.execute(task, run_id="refused")
        running.sandbox.now = NOW
        running.sandbox.switches["yotpo.refuse_beyond_six_months"] = False
        add_storm(running, seed, 0.1, QUICK)

        task = YotpoReplayRejectsOperator(task_id="replay", rejects=refused, max_rejects=1000, **connection)
        replayed = job.execute(task, run_id="replay")

        assert outcomes(refused)["rejected"] == outcomes(replayed).total() > 0
        assert set(outcomes(replayed)) <= {"created", "unchanged", "updated"}
        state = end_state(running, job.shop)
        assert state["order"].keys() == calm["order"].keys()
        assert state["fulfillment"].keys() == calm["fulfillment"].keys()


def sensors(job: MainJob) -> list[Any]:
    project = {"voucherify_conn_id": credentials.VOUCHERIFY}
    return [
        YofiRecordsSensor(task_id="claims", resource="claims", shop=job.shop),
        YofiRecordsSensor(task_id="returns", resource="returns", shop=job.shop),
        ShopifyPartnerEventSensor(task_id="app_events", app_id=credentials.APP_ID),
        VoucherifyRecordsSensor(task_id="redemptions", resource="redemptions", **project),
    ]


def test_a_failed_check_is_never_taken_for_an_answer(running: RunningSandbox, job: MainJob, seed: int) -> None:
    with restored_settings(running), short_pauses(), mock.patch("airflow_provider_partners.sensors.base.MIN_PAUSE", 0):
        os.environ.update(job.environment)
        add_storm(running, seed, 0.5, QUICK)
        context = {"ti": SimpleNamespace(try_number=1, dag_id="d", task_id="t", run_id="r", map_index=-1)}
        for sensor in sensors(job):
            sensor.max_failures = 50
            results = [sensor.poke(context) for _ in range(8)]
            sensor.on_kill()
            done = [result for result in results if result and result.is_done]
            assert done, f"{sensor.task_id}: a check in a storm found what is there"
            assert {result.xcom_value["records"] for result in done} == {1}


def test_a_failed_poll_loses_no_event(tmp_path: Path, seed: int) -> None:
    # A world of its own: its returns become more.
    with run_sandbox(shops=1, orders=16) as running:
        watch_in_a_storm(running, MainJob(running, None, tmp_path), seed)


def watch_in_a_storm(running: RunningSandbox, job: MainJob, seed: int) -> None:
    """Create a return between two events, some times; each must be in one event."""
    handle = PartnersSandbox(running)

    async def watch(count: int) -> list[str]:
        created: list[str] = []
        seen: list[str] = []
        async with aclosing(YofiNewReturnsTrigger(shop=job.shop, poll_interval=0.1).run()) as stream:
            for _ in range(count):
                following = asyncio.ensure_future(anext(stream))
                await asyncio.sleep(0.3)
                new = await asyncio.to_thread(handle.create_return, job.shop)
                created.extend(str(record["id"]) for record in new)
                event = await asyncio.wait_for(following, 600)
                seen.extend(event.payload["ids"])  # type: ignore[attr-defined]
        assert seen == created
        return seen

    with short_pauses(), mock.patch.object(poll, "STARTUP_DELAY", 0.01):
        os.environ.update(job.environment)
        random.seed(seed)
        add_storm(running, seed, 0.4, QUICK)
        seen = asyncio.run(watch(3))

    assert len(seen) == len(set(seen)) == 3
