"""One lane in a task: what the state of a step means for those after it.

The rules are Airflow's: https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/dags.html#trigger-rules.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, get_current_context, task

from airflow_provider_partners._compat import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    utcnow,
)
from airflow_provider_partners.pipelines.lanes import Lane, LaneSteps, Step
from airflow_provider_partners.pipelines.lanes.lane_run import LaneRun, StepInstance, step_context
from airflow_provider_partners.pipelines.lanes.progress import BatchProgress, LaneProgress
from airflow_provider_partners.task_errors import PartnerTaskError
from airflow_provider_partners.triggers.job import JobTrigger

WINDOW = {"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"}
LANE = {**dict.fromkeys(Lane.__dataclass_fields__), "shop": "a.myshopify.com", **WINDOW}
ENDS: dict[str, Any] = {}
RAN: list[tuple[str, Any]] = []


@task
def strict(name: str, before: Any = None) -> Any:
    return end(name, before)


@task(trigger_rule="none_failed")
def lenient(name: str, before: Any = None) -> Any:
    return end(name, before)


@task(trigger_rule="all_done")
def last(name: str, before: Any = None) -> Any:
    return end(name, before)


def end(name: str, before: Any) -> Any:
    RAN.append((name, before))
    result = ENDS.get(name, {"result": name})
    if isinstance(result, Exception):
        raise result
    return result() if callable(result) else result


def step(name: str, function: Any, *before: str) -> Step:
    def arguments(_lane: Any, results: Any) -> dict[str, Any]:
        return {"name": name, "before": {each: results[each] for each in before}}

    return Step(name=name, operator=function, arguments=arguments)


STEPS = LaneSteps(
    path=f"{__name__}:STEPS",
    steps=(
        step("first", strict),
        step("beside", strict),
        step("second", strict, "first"),
        step("joined", lenient, "second", "beside"),
        step("closed", last, "joined"),
    ),
)


@pytest.fixture(autouse=True)
def _staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    yield
    ENDS.clear()
    RAN.clear()


def run(folder: Path, **arguments: Any) -> Any:
    return create(folder, **arguments).run()


def create(
    folder: Path,
    *,
    try_number: int = 1,
    lane: dict[str, Any] = LANE,
    steps: LaneSteps = STEPS,
    **default_args: Any,
) -> LaneRun:
    instance = SimpleNamespace(
        dag_id="dag", task_id="lane", run_id="run", map_index=0, try_number=try_number, log_url="", max_tries=2
    )
    dag = DAG("dag", schedule=None, default_args=default_args)
    context = {"ti": instance, "dag": dag, "params": {"dry_run": False}, "task_reschedule_count": 20}
    batch = BatchProgress(str(folder / "batch"), max_tries=2)
    progress = LaneProgress(str(folder / "lane"), fingerprint="lane", batch=batch)
    batch.add_unchanged({})
    return LaneRun(steps=steps, lane=lane, number=3, group="lane", context=context, progress=progress)


def ran() -> list[str]:
    names = [name for name, _ in RAN]
    RAN.clear()
    return names


def test_each_step_gets_the_results_that_it_takes(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert (ended.has_failed, ended.summary["failed"]) == (False, None)
    assert dict(RAN)["joined"] == {"second": {"result": "second"}, "beside": {"result": "beside"}}
    assert ran() == ["first", "beside", "second", "joined", "closed"]


def test_a_failed_step_stops_those_after_it_alone_and_a_retry_runs_the_rest(tmp_path: Path) -> None:
    ENDS["first"] = ValueError("a mistake")
    ended = run(tmp_path)
    assert (ended.has_failed, ended.is_fatal, ended.summary["failed"]) == (True, False, "first")
    assert ran() == ["first", "beside", "closed"]

    ENDS.clear()
    assert run(tmp_path, try_number=2).summary["failed"] is None
    assert ran() == ["first", "second", "joined", "closed"]


def test_a_skipped_step_skips_those_that_need_it(tmp_path: Path) -> None:
    ENDS["first"] = AirflowSkipException("no connection")
    run(tmp_path)
    assert [name for name, _ in RAN] == ["first", "beside", "joined", "closed"]
    assert dict(RAN)["joined"] == {"second": None, "beside": {"result": "beside"}}


def test_one_error_that_no_retry_mends_decides(tmp_path: Path) -> None:
    ENDS.update(first=ValueError("a mistake"), beside=AirflowFailException("refused"))
    ended = run(tmp_path)
    assert (ended.has_failed, ended.is_fatal) == (True, True)


def test_a_step_that_lasts_too_long_fails_alone(tmp_path: Path) -> None:
    """``execution_timeout`` is a task's; that of the default arguments applies to each task of the Dag:
    https://airflow.apache.org/docs/apache-airflow/stable/core-concepts/tasks.html#timeouts.
    """
    ENDS["first"] = lambda: time.sleep(30)
    ended = run(tmp_path, execution_timeout=timedelta(seconds=0.3))
    assert (ended.has_failed, ended.is_fatal, ended.summary["failed"]) == (True, False, "first")
    assert ran() == ["first", "beside", "closed"]


def test_a_step_that_lasts_too_long_cancels_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's runner calls ``on_kill`` after a timeout."""
    stopped: list[str] = []
    monkeypatch.setattr(type(strict(name="x").operator), "on_kill", lambda self: stopped.append(self.task_id))
    ENDS["first"] = lambda: time.sleep(30)
    run(tmp_path, execution_timeout=timedelta(seconds=0.3))
    assert stopped == ["lane.first"]


def test_a_killed_try_leaves_its_lane_as_interrupted(tmp_path: Path) -> None:
    def is_interrupted() -> bool:
        batch = BatchProgress(str(tmp_path / "batch"), max_tries=2)
        return LaneProgress(str(tmp_path / "lane"), fingerprint="lane", batch=batch).is_interrupted

    def kill() -> None:
        raise KeyboardInterrupt

    ENDS["second"] = kill
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert is_interrupted()
    ENDS["second"] = ValueError("a mistake")
    run(tmp_path, try_number=2)
    assert not is_interrupted()


def test_each_step_has_waits_of_its_own(tmp_path: Path) -> None:
    """The whole task has given its slot back 20 times, for example for bulk operations."""
    counts = []

    def wait() -> None:
        counts.append(get_current_context()["task_reschedule_count"])
        raise AirflowRescheduleException(utcnow())

    ENDS["second"] = wait
    for try_number in (1, 1, 1, 2):
        assert run(tmp_path, try_number=try_number).continues_at is not None
    assert counts == [0, 1, 2, 0]


class Job(BaseOperator):
    """It defers, as an operator that waits for a partner's job, and then defers again or ends."""

    def execute(self, context: Any) -> None:
        RAN.append(("execute", None))
        self.wait()

    def execute_complete(self, context: Any, event: Any, kept: int) -> Any:
        RAN.append(("execute_complete", {**event, "kept": kept}))
        return ENDS["job"]() if "job" in ENDS else {"result": "job"}

    def wait(self) -> None:
        trigger = JobTrigger(conn_type="shopify_admin", conn_id="x", job_id="job-1", try_deadline=7.0)
        self.defer(trigger=trigger, method_name="execute_complete", kwargs={"kept": 5})


def test_a_step_that_has_deferred_goes_on_as_airflow_would_resume_it(tmp_path: Path) -> None:
    """A deferred task is resumed in the same try with its method and arguments. A retry begins from the beginning:
    https://airflow.apache.org/docs/apache-airflow/stable/authoring-and-scheduling/deferring.html.
    """
    steps = LaneSteps(path="", steps=(Step(name="job", operator=Job, arguments=lambda _lane, _results: {}),))
    ENDS["job"] = lambda: Job(task_id="job").wait()
    for _ in range(3):
        assert run(tmp_path, steps=steps).continues_at is not None
    assert [name for name, _ in RAN] == ["execute", "execute_complete", "execute_complete"]
    event = RAN[-1][1]
    assert (event["job_id"], event["try_deadline"], event["kept"]) == ("job-1", 7.0, 5)

    ENDS["job"] = lambda: int("the job has failed")
    assert run(tmp_path, steps=steps).has_failed
    assert run(tmp_path, steps=steps, try_number=2).continues_at is not None
    assert [name for name, _ in RAN][3:] == ["execute_complete", "execute"]
    del ENDS["job"]
    assert run(tmp_path, steps=steps, try_number=2).summary["failed"] is None


def test_a_stopped_lane_begins_no_other_step(tmp_path: Path) -> None:
    lane_run = create(tmp_path)

    def stop() -> None:
        lane_run.stop()
        raise ValueError("the call was cut off")

    ENDS["first"] = stop
    with pytest.raises(PartnerTaskError, match=r"stopped at a\.myshopify\.com"):
        lane_run.run()
    assert ran() == ["first"]


def test_the_values_of_a_route_are_no_templates(tmp_path: Path) -> None:
    """In a task of its own, a step gets them from XCom, and Airflow renders no result."""

    def arguments(lane: Any, _results: Any) -> dict[str, Any]:
        return {"name": "{{ params.dry_run }}", "before": lane.options}

    steps = LaneSteps(path="x:Y", steps=(Step(name="first", operator=strict, arguments=arguments),))
    context = {
        "ti": SimpleNamespace(dag_id="dag", task_id="lane", run_id="run", map_index=0, try_number=1, max_tries=0)
    }
    context |= {"dag": DAG("dag", schedule=None), "params": {"dry_run": False}}
    progress = LaneProgress(str(tmp_path / "x"), fingerprint="y", batch=BatchProgress(str(tmp_path / "b"), max_tries=0))
    lane = {**LANE, "options": {"own": "{{ params.dry_run }}"}}
    LaneRun(steps=steps, lane=lane, number=0, group="lane", context=context, progress=progress).run()
    assert RAN == [("False", {"own": "{{ params.dry_run }}"})]


def test_a_step_has_an_identity_of_its_own_and_its_xcoms_stay_in_the_task() -> None:
    running = SimpleNamespace(dag_id="dag", task_id="lane", run_id="run", map_index=0, try_number=2)
    instance = step_context({"ti": running}, group="lane", step="build", number=7)["ti"]
    assert isinstance(instance, StepInstance)
    assert (instance.task_id, instance.map_index, instance.run_id, instance.try_number) == ("lane.build", 7, "run", 2)
    instance.xcom_push(key="return_value", value={"records": 1})
    assert instance.pushed == {"return_value": {"records": 1}}
