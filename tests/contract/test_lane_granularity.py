"""A lane does the same, whether each of its steps is a task or one task runs them all.

What is right is what the tasks of the step-wise Dag do: they are Airflow's own mapped tasks, run by its rules. Yotpo's
state is read from the sandbox's store, and its calls from the sandbox's log.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.execution_time.context import set_current_context
from lanes_in_process import InProcessRun, routed_lanes
from main_job import end_state, short_waits
from sandbox import run_sandbox
from task_instance import TaskInstance, xcom_name

from airflow_provider_partners._compat import AirflowFailException
from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
from airflow_provider_partners.datasets.retention import remove_old_datasets
from airflow_provider_partners.exceptions import ThrottledError, TransientError
from airflow_provider_partners.operators.yotpo import YotpoBuildOrdersOperator, YotpoUpsertOrdersOperator
from airflow_provider_partners.pipelines import (
    new_returns_dag,
    order_reconcile_dag,
    order_sync_dag,
    replay_rejects_dag,
)
from airflow_provider_partners.pipelines.lanes import with_lookbacks
from airflow_provider_partners.pipelines.open_rejects import find_open_rejects
from airflow_provider_partners.sandbox.server import RunningSandbox
from airflow_provider_partners.task_errors import PartnerTaskError
from airflow_provider_partners.windows import Window

NOW = datetime.now(UTC).replace(microsecond=0)
WINDOW = with_lookbacks(Window(NOW - timedelta(days=40), NOW))
QUIET = with_lookbacks(Window(NOW - timedelta(minutes=2), NOW - timedelta(minutes=1)))
"""The sandbox has no order that changed in this minute."""

GRAPHQL = "shopify_admin/%s/graphql"
WITHOUT_SECRET = json.dumps({"conn_type": "yotpo", "login": "x"})
REJECTING, WITHOUT_YOFI, UNPAID, UNCHANGED, UNINSTALLED = (
    "aurora-apparel.myshopify.com",
    "maison-lumiere.myshopify.com",
    "kettle-and-crumb.myshopify.com",
    "tsukimi-goods.myshopify.com",
    "velvet-ember.myshopify.com",
)
"""The shops: one with an order that Yotpo refuses, one with Shopify and Yotpo alone, one whose Yotpo connection has no
secret, one without changes, and one that has uninstalled the app, so that its token is refused."""


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    before = dict(os.environ)
    # One call at a time, so that a fault meets the same order in every run.
    os.environ["AIRFLOW__PARTNERS__PARALLEL_CALLS"] = "1"
    with short_waits():
        yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with new_sandbox() as running:
        yield running


def new_sandbox() -> Any:
    limits = {"yotpo.rate_limit": 0, "voucherify.rate_limit": 0}
    return run_sandbox(seed=11, shops=4, orders=12, now=NOW, switches=limits)


def start(running: RunningSandbox, folder: Path, granularity: str = "shop", *shops: str) -> InProcessRun:
    """A run of some shops. Without a name, of the five above."""
    routes = {"maison": {"yofi_conn_id": None, "voucherify_conn_id": None}}
    lanes = [lane for lane in routed_lanes(running, WINDOW, **routes) if not shops or lane["shop"] in shops]
    if not shops:
        lanes = [{**lane, **(QUIET if lane["shop"] == UNCHANGED else {})} for lane in lanes]
    return InProcessRun(running, order_sync_dag(granularity=granularity), "choose_windows", lanes, str(folder))


def refuse_orders(running: RunningSandbox, shop: str, times: int = 1) -> None:
    """The response is Yotpo's for an invalid body, https://core-api.yotpo.com/reference/response-codes."""
    store = next(id_ for id_, store in running.sandbox.credentials["yotpo"].items() if store["shop"] == shop)
    body = {"errors": [{"code": 400, "message": "currency is not supported by this store"}]}
    running.faults.add(
        times=times,
        path_prefix=f"/yotpo/core/v3/stores/{store}",
        path_regex="/orders$",
        method="POST",
        status=400,
        body=body,
    )


def comparable_lane(lane: dict[str, Any]) -> dict[str, Any]:
    """A lane of a report without times and places, which differ between two runs, and without shared calls."""
    calls = ("partner", "account", "retries", "throttled")
    return {
        **{name: value for name, value in lane.items() if name not in {"map_index", "error"}},
        "counts": {**lane["counts"], "api_calls": lane["counts"]["api_calls"] - shared_calls(lane)},
        "error": lane["error"] and {name: lane["error"][name] for name in ("task", "message", "remedy")},
        "steps": [{name: step[name] for name in ("task", "state", "tries", "note")} for step in lane["steps"]],
        "api": [
            {
                **{name: each[name] for name in calls},
                "used": each["used"] - sum(each["by_operation"].get(name, 0) for name in SHARED),
                "by_operation": {name: count for name, count in each["by_operation"].items() if name not in SHARED},
            }
            for each in lane["api"]
        ],
        "datasets": [
            {**each, "uri": each["uri"].rpartition("/lane.")[2].split("/")[0], "bytes": 0} for each in lane["datasets"]
        ],
    }


SHARED = ("token", "products.lookup")
"""Calls that one step saves another in the same process: a token, and the look-up of products that it has written."""


def shared_calls(lane: dict[str, Any]) -> int:
    """How many of them a report's lane has."""
    return sum(each["by_operation"].get(name, 0) for each in lane["api"] for name in SHARED)


def other_calls(running: RunningSandbox) -> dict[str, int]:
    calls = running.sandbox.calls
    return {name: n for name, n in calls.items() if n and not re.search(r"/token$|^yotpo/.*/products.list$", name)}


def comparable_summary(summary: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """A summary without places, and without shared calls."""
    shared = {lane["shop"]: shared_calls(lane) for lane in report["lanes"]}

    def without_place(lane: dict[str, Any]) -> dict[str, Any]:
        error = lane["error"] and {**lane["error"], "log_url": None}
        return {
            **lane,
            "error": error,
            "api_calls": lane["api_calls"] - shared[lane["shop"]],
            "rejects": [uri.rpartition("/lane.")[2].split("/")[0] for uri in lane["rejects"]],
        }

    lanes = [without_place(lane) for lane in summary["lanes"]]
    total = {**summary["total"], "api_calls": summary["total"]["api_calls"] - sum(shared.values())}
    return {**{name: value for name, value in summary.items() if name != "table"}, "lanes": lanes, "total": total}


def test_both_granularities_end_in_the_same_state_summary_and_report(tmp_path: Path) -> None:
    found, shared = {}, {}
    for granularity in ("step", "shop"):
        with new_sandbox() as running:
            run = start(running, tmp_path / granularity, granularity)
            os.environ["AIRFLOW_CONN_YOTPO_KETTLE_AND_CRUMB"] = WITHOUT_SECRET
            refuse_orders(running, REJECTING)
            summary = run.run_step_by_step() if granularity == "step" else run.run_shop_by_shop()
            report = run.report()
            found[granularity] = (
                {shop: end_state(running, shop) for shop in (REJECTING, WITHOUT_YOFI, UNPAID, UNCHANGED)},
                comparable_summary(summary, report),
                [comparable_lane(lane) for lane in report["lanes"]],
                other_calls(running),
            )
            shared[granularity] = [yotpo_calls(running, name) for name in ("token", "products.list")]
            lanes = {lane["shop"]: lane for lane in summary["lanes"]}
            assert summary["failed"] == {UNPAID: "upsert_products", UNINSTALLED: "extract_orders"}
            assert (lanes[REJECTING]["rejected"], lanes[REJECTING]["created"] > 3) == (1, True)
            assert (lanes[UNCHANGED]["no_changes"], lanes[UNCHANGED]["api_calls"]) == (True, 1)
            assert lanes[WITHOUT_YOFI]["created"] == len(end_state(running, WITHOUT_YOFI)["order"]) > 0
            assert_nothing_is_kept(tmp_path / granularity)
    state, summary, report, calls = zip(*found.values(), strict=True)
    assert state[0] == state[1]
    assert summary[0] == summary[1]
    assert report[0] == report[1]
    assert calls[0] == calls[1]
    # Products and orders are two tasks, or two steps of one task. There, the second knows what the first has found out.
    assert shared["step"] == [[2, 2], [2, 2]]
    assert shared["shop"] == [[1, 1], [1, 1]]


def assert_nothing_is_kept(folder: Path) -> None:
    """What a run leaves, the retention removes; it keeps any folder with a file that it does not know."""
    removed = remove_old_datasets(older_than=datetime.now(UTC) + timedelta(days=1), active_runs=lambda *_: set())
    assert (removed.runs > 0, dict(removed.kept)) == (True, {})
    runs = [path for path in folder.rglob("*.json") if not path.relative_to(folder).parts[0].startswith(".")]
    assert runs == []


def yotpo_calls(running: RunningSandbox, name: str) -> list[int]:
    """The calls of an operation at each store."""
    return sorted(count for call, count in running.sandbox.calls.items() if re.match(f"yotpo/.*/{name}$", call))


def new_returns(running: RunningSandbox) -> tuple[Any, str, dict[str, Any]]:
    return new_returns_dag, "choose_lanes", {}


def reconciliation(running: RunningSandbox) -> tuple[Any, str, dict[str, Any]]:
    return (
        order_reconcile_dag,
        "select_shops",
        {"query": "created_at:>='2020-01-01T00:00:00Z'", "placed_until": WINDOW["until"]},
    )


@pytest.mark.parametrize("kind", [new_returns, reconciliation])
def test_the_other_dags_do_the_same_in_both_granularities(kind: Any, tmp_path: Path) -> None:
    found = []
    for granularity in ("step", "shop"):
        with new_sandbox() as running:
            factory, lanes_task, fields = kind(running)
            lanes = [
                {**lane, **fields}
                for lane in routed_lanes(running, WINDOW)
                if lane["shop"] in {REJECTING, WITHOUT_YOFI}
            ]
            dag, folder = factory(granularity=granularity), str(tmp_path / granularity)
            run = InProcessRun(running, dag, lanes_task, lanes, folder)
            summary = run.run_step_by_step() if granularity == "step" else run.run_shop_by_shop()
            assert (summary["failed"], run.errors) == ({}, {})
            assert summary["total"]["created"] > 0
            state = {shop: end_state(running, shop) for shop in (REJECTING, WITHOUT_YOFI)}
            lanes = [comparable_lane(lane) for lane in run.report()["lanes"]]
            totals = comparable_summary(summary, run.report())
            found.append((state, totals, lanes, other_calls(running)))
    assert found[0] == found[1]


def run_in(granularity: str, run: InProcessRun) -> dict[str, Any]:
    return run.run_step_by_step() if granularity == "step" else run.run_shop_by_shop()


def replay(running: RunningSandbox, folder: Path, granularity: str, run_id: str) -> InProcessRun:
    """A replay of the rejects of the run ``run``; its first task chooses the shops by what is stored."""
    dag = replay_rejects_dag(granularity=granularity)
    run = InProcessRun(running, dag, "choose_shops", [], str(folder), run_id=run_id)
    run.params = {"run": "run", "shop": None, "dag_id": "yofi_shopify_to_yotpo", "dry_run": False}
    chooses: Any = dag.get_task("choose_shops")
    params = {**dag.params.dump(), **run.params}
    instance = TaskInstance(run.xcoms, dag_id=dag.dag_id, run_id=run_id, task_id="choose_shops", try_number=1)
    with set_current_context({**run.context(instance), "params": params, "dag_run": None}):
        chosen = chooses.python_callable(*chooses.op_args, **chooses.op_kwargs)
    # Claims and coupons are read as far back as for the run that rejected. The end is the present, which is another one
    # for each replay.
    assert {lane["since"] for lane in chosen} == {WINDOW["since"]}
    lanes = [{**lane, "until": WINDOW["until"]} for lane in json.loads(json.dumps(chosen))]
    run.lanes = run.xcoms[xcom_name("choose_shops")] = lanes
    return run


def open_rejects() -> dict[str, list[str]]:
    """The ids of the open rejects of the first run, by shop."""
    found = find_open_rejects("yofi_shopify_to_yotpo", run_id="run")
    return {rejects.shop: sorted(rejects.ids) for rejects in found}


def test_a_replay_does_the_same_in_both_granularities(tmp_path: Path) -> None:
    """Two orders of one shop and one of another are rejected; the replay sends two, and Yotpo refuses one again."""
    found = []
    for granularity in ("step", "shop"):
        folder = tmp_path / granularity
        with new_sandbox() as running:
            refuse_orders(running, REJECTING, times=2)
            refuse_orders(running, WITHOUT_YOFI)
            first = start(running, folder, granularity, REJECTING, WITHOUT_YOFI, UNPAID)
            assert run_in(granularity, first)["total"]["rejected"] == 3
            rejected = open_rejects()
            assert {shop: len(ids) for shop, ids in rejected.items()} == {REJECTING: 2, WITHOUT_YOFI: 1}

            refuse_orders(running, REJECTING)
            again = replay(running, folder, granularity, "replay-1")
            # The third shop has no rejects.
            assert {lane["shop"] for lane in again.lanes} == {REJECTING, WITHOUT_YOFI}
            running.sandbox.calls.clear()
            summary, report = run_in(granularity, again), again.report()
            left, calls = open_rejects(), other_calls(running)
            assert (again.errors, summary["failed"]) == ({}, {})
            assert (summary["total"]["created"], summary["total"]["rejected"]) == (2, 1)
            assert len(left[REJECTING]) == 1
            assert set(left[REJECTING]) < set(rejected[REJECTING])

            # What has arrived is not sent a second time.
            last = replay(running, folder, granularity, "replay-2")
            assert [lane["shop"] for lane in last.lanes] == [REJECTING]
            assert run_in(granularity, last)["total"]["created"] == 1
            assert open_rejects() == {}
            found.append({
                "Yotpo": {shop: end_state(running, shop) for shop in (REJECTING, WITHOUT_YOFI, UNPAID)},
                "rejects": (rejected, left),
                "summary": comparable_summary(summary, report),
                "lanes": [comparable_lane(lane) for lane in report["lanes"]],
                "calls": calls,
            })
    assert found[0] == found[1]


def test_a_plan_writes_nothing_in_either_granularity(running: RunningSandbox, tmp_path: Path) -> None:
    """``dry_run`` is a template of the steps, which each renders with the params of its run."""
    planned = []
    for granularity in ("step", "shop"):
        run = start(running, tmp_path / granularity, granularity, WITHOUT_YOFI)
        run.params = {"dry_run": True}
        summary = run.run_step_by_step() if granularity == "step" else run.run_shop_by_shop()
        assert (summary["dry_run"], summary["total"]["created"]) == (True, 0)
        planned.append(summary["total"]["would_create"])
    assert planned[0] == planned[1] > 0
    assert not [name for name in running.sandbox.calls if name.endswith((".create", ".update"))]


def interrupt(monkeypatch: pytest.MonkeyPatch, error: Exception, *, shop: str, after: int = 3) -> None:
    """Fail the upsert of a shop's orders once, after some of them."""
    original, state = YotpoUpsertOrdersOperator.upsert, {"is_due": True}

    def upsert(self: Any, *arguments: Any, **options: Any) -> Any:
        for number, outcome in enumerate(original(self, *arguments, **options), start=1):
            yield outcome
            if number == after and state["is_due"] and self.orders["extra"]["shop"] == shop:
                state["is_due"] = False
                raise error

    monkeypatch.setattr(YotpoUpsertOrdersOperator, "upsert", upsert)


def calls_since(running: RunningSandbox, before: Counter[str]) -> Counter[str]:
    return Counter(running.sandbox.calls) - before


def test_a_retry_continues_inside_of_the_step_where_the_last_try_stopped(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(running, tmp_path, "shop", REJECTING, WITHOUT_YOFI)
    interrupt(monkeypatch, TransientError("Yotpo answers no more"), shop=REJECTING)
    summary = run.run_shop_by_shop(tries=2)
    calls = Counter(running.sandbox.calls)

    assert run.states == {("lane", 0): "success"}
    assert summary["failed"] == {}
    held = {shop: end_state(running, shop) for shop in (REJECTING, WITHOUT_YOFI)}
    for lane in summary["lanes"]:
        # What was on its way when the try stopped, the next one finds in Yotpo.
        assert lane["created"] + lane["unchanged"] == len(held[lane["shop"]]["order"]) > 3
    (lane,) = [lane for lane in run.report()["lanes"] if lane["shop"] == REJECTING]
    assert {step["task"]: step["tries"] for step in lane["steps"] if step["tries"] != 1} == {"upsert_orders": 2}
    assert sum(each["requests"] for each in lane["api"]) == lane["counts"]["api_calls"]

    with new_sandbox() as calm:
        start(calm, tmp_path / "calm", "shop", REJECTING, WITHOUT_YOFI).run_shop_by_shop()
        assert held == {shop: end_state(calm, shop) for shop in held}
        more = calls - Counter(calm.sandbox.calls)
    # The second try needs a token, as none is stored, and looks up the orders that it does not know to be written.
    assert {name.rpartition("/")[2]: count for name, count in more.items()} == {"token": 1, "orders.list": 1}


def test_a_retry_leaves_out_what_no_retry_mends_and_what_is_done(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(running, tmp_path)
    os.environ["AIRFLOW_CONN_YOTPO_KETTLE_AND_CRUMB"] = WITHOUT_SECRET
    interrupt(monkeypatch, TransientError("Yotpo answers no more"), shop=REJECTING)
    run.run_shop_by_shop()
    assert isinstance(run.errors["lane", 0], PartnerTaskError)
    assert "3 of 5 lanes failed" in str(run.errors["lane", 0])

    before = Counter(running.sandbox.calls)
    summary = run.run_shop_by_shop(first_try=2)

    assert isinstance(run.errors["lane", 0], AirflowFailException)
    assert summary["failed"] == {UNPAID: "upsert_products", UNINSTALLED: "extract_orders"}
    assert {name.split("/")[0] for name in calls_since(running, before)} == {"yotpo"}
    assert len({name.split("/")[1] for name in calls_since(running, before)}) == 1


def test_a_failed_task_that_is_cleared_continues_and_one_that_succeeded_starts_over(
    running: RunningSandbox, tmp_path: Path
) -> None:
    run = start(running, tmp_path, "shop", WITHOUT_YOFI, UNPAID)
    connection = os.environ["AIRFLOW_CONN_YOTPO_KETTLE_AND_CRUMB"]
    os.environ["AIRFLOW_CONN_YOTPO_KETTLE_AND_CRUMB"] = WITHOUT_SECRET
    assert run.run_shop_by_shop()["failed"] == {UNPAID: "upsert_products"}
    first = Counter(running.sandbox.calls)

    os.environ["AIRFLOW_CONN_YOTPO_KETTLE_AND_CRUMB"] = connection
    before = Counter(running.sandbox.calls)
    summary = run.run_shop_by_shop(first_try=2, cleared=1)
    assert summary["failed"] == {}
    assert not [name for name in calls_since(running, before) if not name.startswith("yotpo/")]
    assert summary["lanes"][1]["created"] == len(end_state(running, UNPAID)["order"]) > 0

    before = Counter(running.sandbox.calls)
    again = run.run_shop_by_shop(first_try=3, cleared=2)
    assert again["total"]["unchanged"] == summary["total"]["created"]
    for shop in (WITHOUT_YOFI, UNPAID):
        assert calls_since(running, before)[GRAPHQL % shop] == first[GRAPHQL % shop] > 0


def test_a_task_that_was_killed_after_its_last_lane_repeats_nothing(running: RunningSandbox, tmp_path: Path) -> None:
    run = start(running, tmp_path, "shop", WITHOUT_YOFI, UNCHANGED)
    run.lanes[1].update(QUIET)
    summary = run.run_shop_by_shop()
    before = Counter(running.sandbox.calls)

    assert run.run_shop_by_shop(first_try=2) == summary
    assert not calls_since(running, before)


def test_a_lane_that_waits_for_a_partner_lets_the_others_run_and_uses_up_no_retry(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(running, tmp_path, "shop", REJECTING, WITHOUT_YOFI)
    interrupt(monkeypatch, ThrottledError("Yotpo is closed for an hour", retry_after=3600), shop=REJECTING)
    summary = run.run_shop_by_shop()

    assert (run.reschedules, run.states) == (1, {("lane", 0): "success"})
    assert [lane["failed"] for lane in summary["lanes"]] == [None, None]
    # Only the writing to the one store has a second part.
    tokens = {name: count for name, count in running.sandbox.calls.items() if name.endswith("/token")}
    assert sorted(tokens.values()) == [1, 2]
    for lane in run.report()["lanes"]:
        assert {step["tries"] for step in lane["steps"] if step["state"] != "skipped"} == {1}


def test_a_wait_that_may_not_give_the_slot_back_is_what_the_retry_policy_waits_for(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__MAX_RESCHEDULES", "0")
    run = start(running, tmp_path, "shop", WITHOUT_YOFI)
    interrupt(monkeypatch, ThrottledError("Yotpo is closed for an hour", retry_after=3600), shop=WITHOUT_YOFI)
    run.run_shop_by_shop()

    error: Any = run.errors["lane", 0]
    assert error.error.retry_after == 3600


def test_a_bulk_operation_does_not_hold_the_slot(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ShopifyAdminClient, "prefers_job", lambda *_arguments, **_options: True)
    run = start(running, tmp_path, "shop", REJECTING, WITHOUT_YOFI)
    summary = run.run_shop_by_shop()

    assert run.states == {("lane", 0): "success"}
    assert run.reschedules > 0
    for summarized, lane in zip(summary["lanes"], run.report()["lanes"], strict=True):
        assert summarized["created"] == len(end_state(running, lane["shop"])["order"]) > 0
        assert next(each for each in lane["api"] if each["partner"] == "shopify_admin")["by_operation"]["bulk.run"] == 1


def test_a_job_that_fails_each_time_uses_up_the_tries(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The try that has submitted a job ends with it. Only the next one submits another, as a deferred task does."""
    original = ShopifyAdminClient.job

    def failing_job(self: Any, *arguments: Any, **query: Any) -> Any:
        running.sandbox.switches["shopify_admin.bulk_failure"] = {"code": "INTERNAL_SERVER_ERROR", "after": 0}
        return original(self, *arguments, **query)

    monkeypatch.setattr(ShopifyAdminClient, "prefers_job", lambda *_arguments, **_options: True)
    monkeypatch.setattr(ShopifyAdminClient, "job", failing_job)
    run = start(running, tmp_path, "shop", WITHOUT_YOFI)
    summary = run.run_shop_by_shop(tries=2)

    assert (run.states, summary["failed"]) == ({("lane", 0): "failed"}, {WITHOUT_YOFI: "extract_orders"})
    (lane,) = run.report()["lanes"]
    (shopify,) = (each for each in lane["api"] if each["partner"] == "shopify_admin")
    assert shopify["by_operation"]["bulk.run"] == 2


def test_a_mistake_in_one_lane_stops_no_other(
    running: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that this package does not raise itself, such as one in a merchant's own function."""
    original = YotpoBuildOrdersOperator.run

    def run_build(self: Any, context: Any) -> Any:
        if self.shop == REJECTING:
            raise ZeroDivisionError
        return original(self, context)

    monkeypatch.setattr(YotpoBuildOrdersOperator, "run", run_build)
    run = start(running, tmp_path, "shop", REJECTING, WITHOUT_YOFI)
    summary = run.run_shop_by_shop()

    assert summary["failed"] == {REJECTING: "build"}
    assert summary["lanes"][0]["error"]["message"] == "The step stopped with a ZeroDivisionError"
    assert summary["lanes"][1]["created"] > 0


@pytest.mark.parametrize("granularity", ["shop", "step"])
def test_a_request_that_fails_is_a_warning_and_no_answer(
    running: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    granularity: str,
) -> None:
    def fail(*_arguments: Any, **_options: Any) -> bool:
        raise TransientError("Shopify answers no more")

    run = start(running, tmp_path, granularity, UNCHANGED)
    run.lanes[0].update(QUIET)
    monkeypatch.setattr(ShopifyAdminClient, "has_records", fail)
    summary = run_in(granularity, run)

    assert summary["failed"] == {}
    first = run.report()["lanes"][0]["steps"][0]
    assert (first["task"], first["state"], first["note"]) == ("find_changes", "warning", "Shopify answers no more")
    assert "1 of 1 lanes ran without knowing whether orders have changed: Shopify answers no more" in summary["table"]
    assert (summary["lanes"][0]["no_changes"], summary["lanes"][0]["read"]) == (False, 0)
    assert [step["task"] for step in run.report()["lanes"][0]["steps"]][-1] == "upsert_orders"
    assert "it is not known whether orders have changed" in caplog.text
