"""Old staged datasets go; what an active run has or reads, what is published, and what is not ours, stays."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
from airflow.sdk.io import attach

from airflow_provider_partners.datasets import leases
from airflow_provider_partners.datasets.location import dataset_uri, version_log_uri
from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import read_dataset
from airflow_provider_partners.datasets.retention import remove_old_datasets
from airflow_provider_partners.datasets.storage import STATE_FILES, DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter

RUN = "scheduled__2026-05-01T00:00:00+00:00"


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    return tmp_path / "staging"


def context(dag_id: str = "orders", run_id: str = RUN, task_id: str = "extract", map_index: int = -1) -> dict[str, Any]:
    return {"ti": SimpleNamespace(dag_id=dag_id, task_id=task_id, run_id=run_id, map_index=map_index)}


def write(of: dict[str, Any], suffix: str = "") -> Any:
    writer = DatasetWriter(dataset_uri(of, suffix), source="yofi", resource="claims")
    writer.append([{"id": 1}])
    DatasetFolder(dataset_uri(of, "window")).write_json("window.json", {})
    return writer.commit()


def age(folder: Path, days: float = 40) -> None:
    then = time.time() - days * 86_400
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def remove(active: dict[str, set[str]] | None = None, *, dry_run: bool = False, days: float = 30) -> Any:
    return remove_old_datasets(
        older_than=datetime.now(UTC) - timedelta(days=days),
        active_runs=lambda dag_id, run_ids: (active or {}).get(dag_id, set()) & set(run_ids),
        dry_run=dry_run,
    )


def test_the_datasets_of_an_old_run_are_removed(staging: Path) -> None:
    write(context())
    write(context(), "rejects")
    write(context(map_index=3))
    age(staging)
    young = write(context(run_id="manual__2"))
    summary = remove()
    assert (summary.runs, summary.files) == (1, 8)
    assert summary.bytes > 100
    assert list(read_dataset(young)) == [{"id": 1}]
    assert [path.name for path in (staging / "orders" / "extract").iterdir()] == ["manual__2"]


def test_a_dry_run_removes_nothing(staging: Path) -> None:
    reference = write(context())
    age(staging)
    assert remove(dry_run=True).runs == 1
    assert list(read_dataset(reference)) == [{"id": 1}]


def test_a_folder_with_one_young_file_is_kept(staging: Path) -> None:
    write(context())
    age(staging)
    write(context(map_index=1))
    assert remove().to_dict() == {"runs": 0, "files": 0, "bytes": 0, "kept": {}}


def test_what_an_active_run_has_is_kept(staging: Path) -> None:
    """A run whose task runs, is deferred, rescheduled or up for retry is itself queued or running."""
    reference = write(context())
    write(context(run_id="ended"))
    age(staging)
    summary = remove({"orders": {RUN}})
    assert (summary.runs, dict(summary.kept)) == (1, {"active": 1})
    assert list(read_dataset(reference)) == [{"id": 1}]


def test_what_a_task_of_another_active_run_reads_is_kept(staging: Path) -> None:
    reference = write(context())
    reader = context(dag_id="reader", run_id="r1")
    assert leases.take(reader, [reference.uri]) is True
    age(staging)
    assert dict(remove({"reader": {"r1"}}).kept) == {"leased": 1}
    assert list(read_dataset(reference)) == [{"id": 1}]
    assert remove({"reader": {"r2"}}).runs == 1
    assert leases.read_leases() == []


def test_a_task_that_begins_to_read_while_the_retention_runs_keeps_its_dataset(staging: Path) -> None:
    write(context(dag_id="a"))
    reference, reader = write(context(dag_id="b")), context(dag_id="reader", run_id="r1")
    age(staging)

    def active_runs(dag_id: str, run_ids: list[str]) -> set[str]:
        if dag_id == "a":
            leases.take(reader, [reference.uri])
        return {"r1"} & set(run_ids)

    summary = remove_old_datasets(older_than=datetime.now(UTC) - timedelta(days=30), active_runs=active_runs)

    assert (summary.runs, dict(summary.kept)) == (1, {"leased": 1})
    assert list(read_dataset(reference)) == [{"id": 1}]


def test_a_released_lease_holds_nothing(staging: Path) -> None:
    reference, reader = write(context()), context(dag_id="reader", run_id="r1")
    leases.take(reader, [reference.uri])
    leases.release(reader)
    age(staging)
    assert remove({"reader": {"r1"}}).runs == 1


def test_a_dataset_outside_of_the_staging_folder_needs_no_lease(staging: Path, tmp_path: Path) -> None:
    assert leases.take(context(), [str(tmp_path / "elsewhere")]) is False
    assert leases.read_leases() == []


def test_published_datasets_and_version_logs_stay(staging: Path) -> None:
    moved = publish_dataset(write(context()), str(staging / "published" / "claims" / "all" / "day"))
    log = DatasetFolder(version_log_uri("store"))
    log.write("claims.jsonl.gz", b"x")
    age(staging)
    summary = remove()
    assert dict(summary.kept) == {"published": 1}
    assert list(read_dataset(moved)) == [{"id": 1}]
    assert log.file_names() == ["claims.jsonl.gz"]


@pytest.mark.parametrize("name", ["-1/budget.xlsx", "notes.txt", "-1/deeper/part-00000.jsonl.gz"])
def test_a_folder_with_other_files_stays(staging: Path, name: str) -> None:
    reference = write(context())
    other = Path(reference.uri).parent / name
    other.parent.mkdir(exist_ok=True)
    other.write_bytes(b"x")
    age(staging)
    assert dict(remove().kept) == {"foreign": 1}
    assert list(read_dataset(reference)) == [{"id": 1}]


def test_a_folder_that_a_task_has_emptied_goes_with_the_others(staging: Path) -> None:
    """A build without rejects leaves the folder of its rejects empty on a local disk."""
    reference = write(context())
    folder = Path(reference.uri)
    (folder.parent / f"{folder.name}-rejects").mkdir()
    age(staging)
    summary = remove()
    assert (summary.runs, dict(summary.kept)) == (1, {})
    assert not folder.parent.exists()


@pytest.mark.parametrize("name", sorted(STATE_FILES))
def test_what_tasks_remember_goes_with_their_run(staging: Path, name: str) -> None:
    DatasetFolder(dataset_uri(context(task_id="lane"))).write_json(name, {})
    age(staging)
    summary = remove()
    assert (summary.runs, dict(summary.kept)) == (1, {})
    assert not [path for path in staging.rglob("*") if path.is_file()]


def test_a_run_with_an_unknown_id_stays(staging: Path) -> None:
    reference = write(context(run_id="x" * 300))
    age(staging)
    assert dict(remove().kept) == {"unknown": 1}
    assert list(read_dataset(reference)) == [{"id": 1}]


def test_no_staging_folder_is_no_error(staging: Path) -> None:
    assert remove().runs == 0


def test_object_storage_is_cleaned_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "memory://bucket/staging")
    store = fsspec.filesystem("memory")
    attach("memory", fs=store)
    try:
        write(context())
        young = write(context(run_id="young"))
        for name, file in store.store.items():
            if "young" not in name:
                file.created = datetime.now(UTC) - timedelta(days=40)
        summary = remove()
        assert (summary.runs, summary.files) == (1, 3)
        assert list(read_dataset(young)) == [{"id": 1}]
        assert not [name for name in store.store if "scheduled" in name]
    finally:
        store.store.clear()
