"""Tests of where reports are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from airflow.sdk.io import attach

from airflow_provider_partners.observability.report import store
from airflow_provider_partners.observability.report.model import LaneReport, RunReport

SHOP = "a.myshopify.com"
RUN = "scheduled__2026-05-01T10:00:00+00:00"


@pytest.fixture(params=["file", "memory"])
def staging(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A folder on the local disk, and a bucket of fsspec's own memory file system, which has no real folders."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]
    attach(protocol="memory", fs=memory)
    uri = str(tmp_path / "staging") if request.param == "file" else "memory://bucket/staging"
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", uri)
    yield uri
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def report(dag_id: str = "orders", run_id: str = RUN, **fields: Any) -> RunReport:
    return RunReport(dag_id=dag_id, run_id=run_id, lanes=[LaneReport(shop=SHOP, counts={"read": 3})], **fields)


def test_a_report_is_read_as_it_was_written_beside_its_page(staging: str) -> None:
    written = report(state="failed")
    page_uri = store.write_report(written, "<p>Café</p>")

    assert page_uri == f"{store.report_uri('orders', RUN)}/report.html"
    assert store.read_report("orders", RUN) == written
    assert store.read_page("orders", RUN) == "<p>Café</p>".encode()


def test_what_is_not_there_is_none(staging: str) -> None:
    assert store.read_report("orders", RUN) is None
    assert store.read_page("orders", RUN) is None
    assert store.list_reports() == []
    assert store.reported_dags() == []
    assert store.read_lanes("orders", RUN) == []


def test_the_folder_is_hidden_from_dags_and_no_id_leaves_it(staging: str) -> None:
    store.write_report(report("../up", "a/b"), "")

    uri = store.report_uri("../up", "a/b")
    assert uri.startswith(f"{staging}/.reports/")
    assert uri.count("/") == staging.count("/") + 3
    assert ".." not in uri.split("/")
    assert [(entry.dag_id, entry.run_id) for entry in store.list_reports()] == [("../up", "a/b")]


def test_reports_are_listed_the_newest_first_and_none_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    # A run's id does not say when it ran: the youngest here has the first name.
    for age, (dag_id, run_id) in enumerate([("orders", "a"), ("returns", "z"), ("orders", "m"), ("orders", "q")]):
        store.write_report(report(dag_id, run_id), "")
        os.utime(Path(store.report_uri(dag_id, run_id)) / "report.json", times=(1e9 - age, 1e9 - age))
    monkeypatch.setattr(store, "_read", None)

    assert [entry.run_id for entry in store.list_reports()] == ["a", "z", "m", "q"]
    assert [entry.run_id for entry in store.list_reports(dag_id="orders", limit=2)] == ["a", "m"]
    assert store.list_reports(limit=1)[0].written_at == datetime.fromtimestamp(1e9, UTC)
    assert store.reported_dags() == ["orders", "returns"]


def test_lanes_are_stored_before_the_report(staging: str) -> None:
    first = LaneReport(shop=SHOP, window={"since": "2026-05-01T00:00:00Z", "until": "2026-05-02T00:00:00Z"})
    second = LaneReport(shop=SHOP, window={"since": "2026-05-02T00:00:00Z", "until": "2026-05-03T00:00:00Z"})
    for lane in (first, second, first):
        store.write_lane("orders", RUN, lane)

    assert sorted(store.read_lanes("orders", RUN), key=lambda lane: str(lane.window)) == [first, second]
    assert store.list_reports() == []


def test_a_list_of_reports_lists_no_lane(staging: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A month of 1,000 shops an hour has 720,000 lanes. S3 returns 1,000 names a request: ``ListObjectsV2``."""
    for number in range(5):
        store.write_lane("orders", RUN, LaneReport(shop=f"{number}.myshopify.com"))
    store.write_report(report(), "")
    listed: list[str] = []
    find_files = store.find_files
    monkeypatch.setattr(store, "find_files", lambda uri: listed.extend(found := find_files(uri)) or found)

    assert len(store.list_reports(dag_id="orders")) == len(store.list_reports()) == 1
    assert {name.rpartition("/")[2] for name in listed} == {"report.json", "report.html"}
    assert store.reported_dags() == ["orders"]


def test_lanes_of_a_run_that_wrote_no_report_are_removed_when_they_are_old(staging: str) -> None:
    store.write_lane("orders", RUN, LaneReport(shop=SHOP))
    now = datetime.now(UTC)
    assert store.remove_reports(older_than=now.replace(year=now.year - 1)) == 0
    assert len(store.read_lanes("orders", RUN)) == 1
    assert store.remove_reports(older_than=now.replace(year=now.year + 1)) == 0
    assert store.read_lanes("orders", RUN) == []


def test_old_reports_are_removed_with_their_lanes(staging: str) -> None:
    store.write_lane("orders", RUN, LaneReport(shop=SHOP))
    store.write_report(report(), "")
    now = datetime.now(UTC)

    assert store.remove_reports(older_than=now.replace(year=now.year - 1)) == 0
    assert store.remove_reports(older_than=now.replace(year=now.year + 1), dry_run=True) == 1
    assert store.read_report("orders", RUN) is not None
    assert store.remove_reports(older_than=now.replace(year=now.year + 1)) == 1
    assert store.read_report("orders", RUN) is None
    assert store.read_lanes("orders", RUN) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"lanes": 3}', b"{}"])
def test_a_damaged_report_is_none(staging: str, content: bytes) -> None:
    from airflow_provider_partners.datasets.storage import DatasetFolder

    DatasetFolder(store.report_uri("orders", RUN)).write("report.json", content)

    assert store.read_report("orders", RUN) is None
