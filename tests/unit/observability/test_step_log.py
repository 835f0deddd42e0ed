"""Tests of the record of a step's tries."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from airflow_provider_partners._compat import AirflowRescheduleException, AirflowSkipException, utcnow
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.exceptions import ConfigurationError, ThrottledError
from airflow_provider_partners.observability import step_log
from airflow_provider_partners.observability.step_log import add_calls, read_tries, recorded

COUNTS: Any = {
    "requests": 3,
    "retries": 0,
    "throttled": 0,
    "waited": 0.0,
    "by_label": {},
    "seconds": 1.0,
    "limit": None,
}


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    return tmp_path


def context(*tasks: str) -> dict[str, Any]:
    task = SimpleNamespace(dag_id="orders", task_id="lane.build", run_id="manual__1", map_index=2, log_url="/log")
    return {"ti": task, "dag": SimpleNamespace(has_task=lambda task_id: task_id in (tasks or ("summarize",)))}


def tries(of: dict[str, Any]) -> Any:
    return read_tries(dataset_uri(of))


def test_each_try_adds_an_entry_with_its_calls() -> None:
    step = context()

    def fail() -> None:
        add_calls(COUNTS, api="yotpo", account="store")
        raise ConfigurationError("The connection 'x' has no secret", remedy="Put it in 'password'.")

    with pytest.raises(ConfigurationError), recorded(step):
        fail()
    with recorded(step):
        add_calls(COUNTS, api="yotpo", account="store")
        add_calls({**COUNTS, "requests": 0}, api="yofi", account="a")

    first, second = tries(step)
    assert (first["state"], second["state"]) == ("failed", "success")
    assert "The connection 'x' has no secret" in first["message"]
    assert (first["remedy"], first["log_url"], second["log_url"]) == ("Put it in 'password'.", "/log", None)
    assert first["started_at"] <= first["ended_at"] <= second["started_at"]
    assert [[call["counts"]["requests"] for call in each["calls"]] for each in (first, second)] == [[3], [3]]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AirflowSkipException("No Yofi connection is given"), "skipped"),
        (AirflowRescheduleException(utcnow()), "waiting"),
        (ThrottledError("wait", retry_after=900), "waiting"),
        (TaskDeferred(trigger=None, method_name="execute_complete"), "waiting"),
        (KeyboardInterrupt(), "failed"),
    ],
)
def test_how_a_try_ended(error: BaseException, state: str) -> None:
    with pytest.raises(type(error)), recorded(context()):
        raise error

    assert [each["state"] for each in tries(context())] == [state]


def test_the_text_of_a_foreign_error_may_hold_anything_and_is_not_kept() -> None:
    with pytest.raises(ValueError, match="jane"), recorded(context()):
        raise ValueError("jane@example.com")

    (entry,) = tries(context())
    assert entry["message"] == "The step stopped with a ValueError"


def test_steps_of_a_dag_without_a_report_leave_nothing(staging: Path) -> None:
    for other in (context("other"), {}, {"dag": object(), "ti": context()["ti"]}):
        with recorded(other):
            add_calls(COUNTS, api="yotpo", account=None)

    assert list(staging.iterdir()) == []


def test_one_try_is_recorded_once_also_when_steps_enclose_each_other() -> None:
    with recorded(context()), recorded(context()):
        add_calls(COUNTS, api="yotpo", account=None)

    assert [len(entry["calls"]) for entry in tries(context())] == [1]


def test_a_storage_that_fails_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "nowhere://bucket")

    with recorded(context()):
        pass
    with pytest.raises(ConfigurationError, match="first"), recorded(context()):
        raise ConfigurationError("first")

    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_a_step_that_waits_often_keeps_its_first_and_latest_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_log, "MAX_TRIES", 3)
    for number in range(5):
        with recorded(context()):
            add_calls({**COUNTS, "requests": number + 1}, api="yotpo", account=None)

    assert [each["calls"][0]["counts"]["requests"] for each in tries(context())] == [1, 4, 5]


def test_the_next_try_of_a_dataset_keeps_the_record() -> None:
    from airflow_provider_partners.datasets.writer import DatasetWriter

    with recorded(context()):
        pass
    writer = DatasetWriter(dataset_uri(context()), source="yotpo", resource="x", account="s", fingerprint="1")
    writer.resume()
    writer.commit()

    assert len(tries(context())) == 1
