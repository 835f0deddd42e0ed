"""The task that runs several lanes: a stopped task stops its step, and its lineage is that of all steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_partners._compat import AirflowRescheduleException, utcnow
from airflow_provider_partners.exceptions import DatasetError, FatalError
from airflow_provider_partners.observability.activity import TaskActivity
from airflow_provider_partners.pipelines.lanes import Lane, LanesOperator, LaneSteps, Step
from airflow_provider_partners.pipelines.lanes.lane_run import LaneEnd
from airflow_provider_partners.pipelines.lanes.one_task import _raise_unfinished
from airflow_provider_partners.pipelines.lanes.run_report import _flatten
from airflow_provider_partners.pipelines.run_summary import build_lane_summary
from airflow_provider_partners.task_errors import FatalTaskError, PartnerTaskError

A, B, C = "a.myshopify.com", "b.myshopify.com", "c.myshopify.com"
WINDOW = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}


def operator() -> Any:
    return LanesOperator(task_id="lane", batch={"lanes": [0], "label": A}, lanes_task_id="lanes", steps="x:Y")


def failed(shop: str = A, **fields: Any) -> LaneEnd:
    summary = {**build_lane_summary(shop, {}), "failed": "build"}
    return LaneEnd(shop=shop, summary=summary, has_failed=True, **fields)


def test_a_stopped_task_stops_the_running_step() -> None:
    """Airflow calls ``on_kill`` of the task that it knows."""
    task, stopped = operator(), []
    task.on_kill()
    task._running = SimpleNamespace(stop=lambda: stopped.append(1))
    task.on_kill()
    assert stopped == [1]


@task
def note(shop: str) -> str:
    RAN.append(shop)
    ENDS.get(shop, lambda: None)()
    return shop


STEPS = LaneSteps(
    path=f"{__name__}:STEPS",
    steps=(Step(name="note", operator=note, arguments=lambda lane, _results: {"shop": lane.shop}),),
)
ENDS: dict[str, Callable[[], None]] = {}
RAN: list[str] = []


@pytest.fixture
def _staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    yield
    ENDS.clear()


LANES = [{**dict.fromkeys(Lane.__dataclass_fields__), "shop": shop, **WINDOW} for shop in (A, B, C)]
PUSHED: list[Any] = []


def run(task: LanesOperator, *, try_number: int = 1, max_tries: int = 2, reschedules: int = 0) -> list[str]:
    """Run a task with the lanes of A, B and C; return the shops whose step ran."""
    lanes = LANES
    identity = {"dag_id": "dag", "task_id": "lane", "run_id": "run", "map_index": 0, "log_url": ""}
    instance = SimpleNamespace(**identity, try_number=try_number, max_tries=max_tries)
    instance.xcom_pull, instance.xcom_push = lambda **_: lanes, lambda value, **_: PUSHED.append(value)
    task.batch, task.steps = {"lanes": [0, 1, 2]}, STEPS.path
    RAN.clear()
    PUSHED.clear()
    with suppress(PartnerTaskError, FatalTaskError, KeyboardInterrupt):
        task.execute({
            "ti": instance,
            "dag": DAG("dag", schedule=None),
            "params": {"dry_run": False},
            "task_reschedule_count": reschedules,
        })
    return [*RAN]


def fail(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


@pytest.mark.usefixtures("_staging")
def test_a_lane_that_kills_its_task_keeps_no_other_from_running() -> None:
    ENDS[A] = fail(KeyboardInterrupt())
    assert run(operator()) == [A]
    assert run(operator(), try_number=2) == [B, C, A]
    assert run(operator(), try_number=3) == [A]


def ended() -> dict[str, Any]:
    """Return by shop where the lane failed that has a summary, as the task that sums up reads it."""
    context = {"ti": SimpleNamespace(dag_id="dag", task_id="summarize", run_id="run", map_index=-1)}
    found = list(_flatten([*PUSHED[-1:], None], context, LANES))
    return {summary["shop"]: summary["failed"] for summary in found}


@pytest.mark.usefixtures("_staging")
def test_the_summaries_of_a_task_are_found_however_it_ends() -> None:
    """A killed task has only what it pushed before; Airflow removes that when the next try starts."""
    ENDS[B] = fail(KeyboardInterrupt())
    run(operator())
    assert ended() == {A: None}
    ENDS[B] = fail(FatalError("a refused credential"))
    run(operator(), try_number=2)
    assert ended() == {A: None, B: "note", C: None}
    del ENDS[B]
    run(operator(), try_number=3, max_tries=5)
    assert ended() == {A: None, B: None, C: None}


@pytest.mark.usefixtures("_staging")
def test_xcom_gets_one_short_value_and_no_summary() -> None:
    task = operator()
    run(task)
    assert [{"uri": PUSHED[0]["uri"], "generation": 1, "group": "lane", "lanes": [0, 1, 2]}] == PUSHED


@pytest.mark.usefixtures("_staging")
def test_a_stopped_task_begins_no_other_lane() -> None:
    task = operator()
    ENDS[A] = task.on_kill
    assert run(task) == [A]
    task._is_stopped = True
    assert run(task, try_number=2) == []


@pytest.mark.usefixtures("_staging")
def test_a_clear_lasts_until_the_lane_has_run_again() -> None:
    """Airflow then allows more tries. The first one of them may be killed before it comes to the lane."""
    ENDS[B] = fail(FatalError("a refused credential"))
    assert run(operator()) == [A, B, C]
    assert run(operator(), try_number=2) == []
    del ENDS[B]
    stopped = operator()
    stopped._is_stopped = True
    assert run(stopped, try_number=3, max_tries=5) == []
    assert run(operator(), try_number=4, max_tries=5) == [B]


@pytest.mark.usefixtures("_staging")
def test_a_new_run_with_the_id_of_a_deleted_one_runs_every_lane() -> None:
    """A step that is a task of its own takes nothing from it either: its first try begins from the beginning."""
    ENDS[B] = fail(FatalError("a refused credential"))
    assert run(operator()) == [A, B, C]
    assert run(operator(), reschedules=1) == []
    del ENDS[B]
    assert run(operator()) == [A, B, C]
    assert run(operator()) == [A, B, C]


def test_what_is_stored_about_the_lanes_fails_the_task_as_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    for error, kind in ((FatalError("no permission"), FatalTaskError), (DatasetError("gone"), PartnerTaskError)):
        monkeypatch.setattr(LanesOperator, "_run_all", lambda *_, error=error: fail(error)())
        with pytest.raises(kind):
            operator().execute({})


def test_the_lineage_is_that_of_all_steps() -> None:
    pytest.importorskip("airflow.providers.openlineage")
    task = operator()
    for shop in (A, B):
        activity = TaskActivity(api="shopify_admin", account=shop)
        activity.set_list_read("orders", 3)
        written = TaskActivity(api="yotpo", account=f"store-of-{shop}")
        written.set_list_written("orders", 2)
        task._lineage += [(activity, []), (written, [])]
    lineage = task.get_openlineage_facets_on_failure(None)
    assert [(each.namespace, each.name) for each in lineage.inputs] == [
        (f"shopify-admin://{shop}", "orders") for shop in (A, B)
    ] or [each.name for each in lineage.inputs] == ["orders", "orders"]
    assert len(lineage.outputs) == 2


def test_a_lane_that_waits_goes_before_one_that_failed() -> None:
    with pytest.raises(AirflowRescheduleException):
        _raise_unfinished([failed(), LaneEnd(shop=B, continues_at=utcnow())], 2)


@pytest.mark.parametrize("minutes", [-10, 0, 10])
def test_a_wait_that_has_passed_meanwhile_is_no_reason_to_start_again_at_once(minutes: int) -> None:
    """Otherwise the task may fail as killed from outside: https://github.com/apache/airflow/issues/71172."""
    now = utcnow()
    with pytest.raises(AirflowRescheduleException) as raised:
        _raise_unfinished([LaneEnd(shop=B, continues_at=now + timedelta(minutes=minutes))], 1)
    error: Any = raised.value
    wait = error.reschedule_date - now
    assert wait >= timedelta(seconds=30)
    assert wait < timedelta(seconds=35) or minutes == 10


def test_one_failure_that_a_retry_may_mend_is_enough_for_a_retry() -> None:
    with pytest.raises(PartnerTaskError, match=rf"2 of 3 lanes failed: {A} \(at build\), {B} \(at build\)\."):
        _raise_unfinished([failed(is_fatal=True), failed(B)], 3)
    with pytest.raises(FatalTaskError, match="1 of 3 lanes failed"):
        _raise_unfinished([failed(is_fatal=True)], 3)


def test_a_thousand_lanes_that_failed_are_an_error_that_can_be_read() -> None:
    with pytest.raises(PartnerTaskError, match=r"1000 of 1000 lanes failed: .* and 990 more\.$") as raised:
        _raise_unfinished([failed(f"{number}.myshopify.com") for number in range(1000)], 1000)
    assert len(str(raised.value)) < 600


def test_the_longest_wait_that_a_partner_requires_is_kept() -> None:
    with pytest.raises(PartnerTaskError) as raised:
        _raise_unfinished([failed(retry_after=10.0), failed(B, retry_after=90.0)], 2)
    error: Any = raised.value.error
    assert error.retry_after == 90
