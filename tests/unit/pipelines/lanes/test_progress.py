"""How far the lanes of a task have come: a retry continues, and so does a failed task that is cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_partners.pipelines.lanes.progress import (
    BatchProgress,
    LaneProgress,
    lane_fingerprint,
    summaries_at,
)

LANE = {"shop": "a.myshopify.com", "since": "2026-05-01T00:00:00Z", "options": {"gift_cards": "include"}}


def begin(folder: Path, *, max_tries: int = 2, is_first_start: bool = False) -> BatchProgress:
    return BatchProgress(str(folder / "batch"), max_tries=max_tries, is_first_start=is_first_start)


def lane(folder: Path, batch: BatchProgress, **changes: object) -> LaneProgress:
    return LaneProgress(str(folder / "lane"), fingerprint=lane_fingerprint({**LANE, **changes}), batch=batch)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    batch = begin(tmp_path)
    progress = lane(tmp_path, batch)
    assert not progress.has_begun
    batch.add_unchanged({"other": {"no_changes": True}})
    progress.add_step("extract_orders", "success", {"uri": "/x"})
    progress.update(failure={"try_number": 1})
    return tmp_path


def test_a_retry_has_the_finished_steps_and_the_lanes_without_changes(stored: Path) -> None:
    batch = begin(stored)
    progress = lane(stored, batch)
    assert (batch.is_resumed, progress.has_begun) == (True, True)
    assert progress.steps == {"extract_orders": {"state": "success", "result": {"uri": "/x"}}}
    assert progress.failure == {"try_number": 1}
    assert batch.unchanged("other") == {"no_changes": True}
    assert batch.unchanged("another") is None


def test_a_failed_task_that_is_cleared_continues(stored: Path) -> None:
    batch = begin(stored, max_tries=5)
    assert batch.is_resumed
    assert lane(stored, batch).steps


def test_a_task_that_succeeded_and_is_cleared_starts_over(stored: Path) -> None:
    begin(stored).finish([])
    again = begin(stored, max_tries=5)
    assert not lane(stored, again).has_begun
    assert again.unchanged("other") is None
    again.add_unchanged({})
    assert not lane(stored, begin(stored, max_tries=5)).has_begun


def test_a_lane_with_another_window_or_other_options_starts_over(stored: Path) -> None:
    assert not lane(stored, begin(stored), since="2026-05-02T00:00:00Z").has_begun
    assert not lane(stored, begin(stored), options={}).has_begun


@pytest.mark.parametrize("is_done", [True, False])
def test_the_first_try_takes_nothing_from_a_deleted_run_with_the_same_id(stored: Path, is_done: bool) -> None:
    """``airflow dags test`` clears the run of its date, and starts it again under the same id (``DAG.test``)."""
    if is_done:
        begin(stored).finish([])
    again = begin(stored, is_first_start=True)
    assert not lane(stored, again).has_begun
    assert again.unchanged("other") is None
    # The first try may be killed before it stores anything else.
    retry = begin(stored)
    assert not lane(stored, retry).has_begun
    assert retry.unchanged("other") is None


def summaries(folder: Path, generation: int) -> list[object]:
    other = {"shop": "b.myshopify.com"}
    lanes = {str(folder / "lane"): LANE, str(folder / "other"): other}
    return list(summaries_at(str(folder / "batch"), generation=generation, lanes=lanes))


def test_the_summaries_of_a_task_are_those_of_its_lanes_until_it_is_done(tmp_path: Path) -> None:
    batch = begin(tmp_path)
    progress = lane(tmp_path, batch)
    assert summaries(tmp_path, 1) == []
    batch.add_unchanged({lane_fingerprint({"shop": "b.myshopify.com"}): {"no_changes": True}})
    progress.update(is_running=True)
    assert summaries(tmp_path, 1) == [{"no_changes": True}]
    progress.update(failure={"summary": {"failed": "build"}}, is_running=False)
    assert summaries(tmp_path, 1) == [{"failed": "build"}, {"no_changes": True}]
    progress.update(is_running=True)
    assert summaries(tmp_path, 1) == [{"no_changes": True}], "a try that was killed has failed elsewhere"
    progress.update(summary={"failed": None}, failure=None, is_running=False)
    assert summaries(tmp_path, 1) == [{"failed": None}, {"no_changes": True}]
    batch.finish([{"shop": "a"}, {"shop": "b"}])
    assert summaries(tmp_path, 1) == [{"shop": "a"}, {"shop": "b"}]


def test_the_summaries_of_another_generation_do_not_count(tmp_path: Path) -> None:
    begin(tmp_path).finish([{"shop": "a"}])
    cleared = begin(tmp_path, max_tries=5)
    assert cleared.generation == 2
    assert (summaries(tmp_path, 1), summaries(tmp_path, 2)) == ([], [])
