"""Airflow raises ``max_tries`` when a task is cleared.

See ``clear_task_instances`` in its ``models/taskinstance.py``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.datasets.finished import finished_manifest, is_of, is_retry, origin_of
from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.writer import DatasetWriter


@pytest.fixture(autouse=True)
def _staging(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))


def context(try_number: int = 1, max_tries: int | None = 2) -> dict[str, Any]:
    tries = {"try_number": try_number, "max_tries": max_tries}
    return {"ti": SimpleNamespace(dag_id="dag", task_id="task", run_id="run", map_index=-1, **tries)}


@pytest.mark.parametrize(
    ("max_tries", "work", "is_found"), [(2, ["a"], True), (3, ["a"], False), (2, ["b"], False), (None, ["a"], False)]
)
def test_a_dataset_of_the_same_work_and_tries_is_found(max_tries: int | None, work: Any, is_found: bool) -> None:
    first = context(max_tries=None if max_tries is None else 2)
    writer = DatasetWriter(dataset_uri(first), source="s", resource="r", origin=origin_of(first, ["a"]))
    writer.append([{"id": 1}])
    writer.commit()
    retry = context(2, max_tries)

    assert (finished_manifest(retry, origin_of(retry, work)) is not None) == is_found


def test_what_the_killed_try_has_left_of_its_progress_is_removed(tmp_path: Any) -> None:
    writer = DatasetWriter(dataset_uri(context()), source="s", resource="r", origin=origin_of(context(), 1))
    writer.commit()
    folder = tmp_path / "dag/task/run/-1"
    for name in ("progress.json", "journal.json"):
        (folder / name).write_text("{}")

    assert finished_manifest(context(2), origin_of(context(2), 1))
    assert [path.name for path in folder.iterdir()] == ["manifest.json"]


def test_only_some_values_are_compared_by_choice() -> None:
    assert is_of({"query": "a", "max_tries": 1}, {"query": "a", "max_tries": 2}, ["query"])
    assert not is_of({"query": "a", "max_tries": 1}, {"query": "a", "max_tries": 2})
    assert not is_of(None, {"query": "a"})


def test_the_first_try_is_no_retry() -> None:
    """What is stored then is of a deleted run with the same id, such as ``airflow dags test`` leaves."""
    assert not is_retry(context(1))
    assert is_retry(context(2))
