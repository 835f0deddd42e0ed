"""The staging folder in object storage: the main job over ``s3://``, with Airflow's own filesystem and moto's server.

moto implements Amazon's API and is not ours. The requests are counted by the server, under the names of Amazon's
documentation (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html).
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from airflow.sdk import DAG
from main_job import STEPS, MainJob, end_state, records
from s3_server import BUCKET, S3Server, serve_s3

from airflow_provider_partners.api.extraction import Extraction, Segment
from airflow_provider_partners.api.pagination.page import Cursor, Page
from airflow_provider_partners.datasets.list_writer import write_dataset
from airflow_provider_partners.datasets.progress import Progress
from airflow_provider_partners.datasets.publish import publish_dataset
from airflow_provider_partners.datasets.reader import published_dataset, read_dataset
from airflow_provider_partners.datasets.retention import remove_old_datasets
from airflow_provider_partners.datasets.storage import DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.exceptions import StorageError, TransientError
from airflow_provider_partners.observability.report import store as reports
from airflow_provider_partners.observability.report.model import LaneReport, RunReport
from airflow_provider_partners.operators.files import FilesToDatasetOperator
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.sandbox.handle import run_sandbox

ORDERS = 12
EXTRACTS = [step for step in STEPS if step.startswith("extract_")]


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    before = dict(os.environ)
    with serve_s3() as server:
        os.environ.update(server.environment)
        yield server
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def folder(s3: S3Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A staging folder of the test's own. Requests are counted from here on."""
    uri = s3.uri(f"{request.node.name}/staging")
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", uri)
    s3.requests()
    return uri


class List:
    """A list of numbered pages with 50 records each, of which one fails once."""

    def __init__(self, pages: int, *, fail_at: int | None = None) -> None:
        self.pages, self.fail_at, self.fetched = pages, fail_at, list[int]()

    def fetch(self, cursor: Cursor) -> Page:
        number = cursor.get("page", 0)
        if number == self.fail_at:
            self.fail_at = None
            message = "the network is down"
            raise TransientError(message)
        self.fetched.append(number)
        following = {"page": number + 1} if number + 1 < self.pages else None
        return Page(records=[{"id": number * 50 + place} for place in range(50)], next=following)

    def extraction(self) -> Extraction:
        segment = Segment(name="all", fetch=self.fetch)
        return Extraction(source="yofi", resource="claims", key=("id",), request={}, segments=[segment])


def without_times(reference: Any) -> list[dict[str, Any]]:
    """Return a step's records without what says when they were read."""
    changing = {"read_at", "version", "window_start", "window_end"}
    return [{name: value for name, value in each.items() if name not in changing} for each in records(reference)]


class RunJob(NamedTuple):
    """The main job, run once: results and counted requests by step, and what Yotpo holds."""

    results: dict[str, Any]
    counts: dict[str, Counter[str]]
    state: dict[str, Any]


@pytest.fixture(scope="module")
def jobs(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunJob]:
    """The job over a disk and over object storage, and over object storage with four times the orders."""
    places = {
        "disk": (ORDERS, str(tmp_path_factory.mktemp("staging"))),
        "s3": (ORDERS, s3.uri("jobs/s3")),
        "larger": (4 * ORDERS, s3.uri("jobs/larger")),
    }
    done = {}
    for name, (orders, place) in places.items():
        results, counts = {}, {}
        with run_sandbox(orders=orders, shops=1) as running:
            job = MainJob(running, folder=place)
            # A window whose end is in the past is not stored, and the end of a second is in the past soon.
            until = running.sandbox.clock() + timedelta(hours=1)
            s3.requests()
            for step in STEPS:
                results[step] = job.step(step, until=until)
                counts[step] = s3.counts()
            done[name] = RunJob(results, counts, end_state(running, job.shop))
    return done


def test_the_main_job_writes_the_same_over_object_storage_as_over_a_disk(s3: S3Server, jobs: dict[str, RunJob]) -> None:
    assert jobs["s3"].state == jobs["disk"].state
    assert jobs["s3"].state["order"]
    for step in STEPS[:6]:
        assert without_times(jobs["s3"].results[step]) == without_times(jobs["disk"].results[step])
    assert not any(jobs["disk"].counts.values())
    assert s3.uploads() == []
    assert [key for key in s3.objects() if key.endswith((".tmp", "progress.json"))] == []
    assert [key for key in s3.objects() if "/.leases/" in key] == []


def test_requests_of_a_step_do_not_grow_with_its_records(jobs: dict[str, RunJob]) -> None:
    counts = jobs["s3"].counts
    assert jobs["larger"].counts == counts
    for step in EXTRACTS:
        # The window, a test whether the folder can be written, one part, the manifest. No part is read back.
        assert counts[step]["PutObject"] <= 4
        assert counts[step]["ListObjects"] <= 2
        assert counts[step]["GetObject"] <= 3
    unexpected = {"HeadObject", "HeadBucket", "CreateBucket", "CreateMultipartUpload"}
    assert not unexpected & {name for each in counts.values() for name in each}


def test_a_retry_continues_after_the_committed_parts_and_reads_none_of_them(s3: S3Server, folder: str) -> None:
    pages = List(8, fail_at=5)
    options: dict[str, Any] = {"uri": f"{folder}/dataset"}
    os.environ["AIRFLOW__PARTNERS__PART_MB"] = "0.000001"
    try:
        with pytest.raises(TransientError):
            write_dataset(pages.extraction(), **options)
        first = s3.counts()
        seen: list[Progress] = []
        reference = write_dataset(pages.extraction(), on_page=seen.append, **options)
        second = s3.counts()
    finally:
        del os.environ["AIRFLOW__PARTNERS__PART_MB"]
    assert pages.fetched == list(range(8))
    assert seen[0].resumed_records == 5 * 50
    # The probe, each part and the progress after it. The failure saves the progress once more, and the retry writes the
    # manifest.
    assert first["PutObject"] == 1 + 2 * 5 + 1
    assert second["PutObject"] == 1 + 2 * 3 + 1
    # One look at the folder and one at its progress, whatever the number of parts.
    assert (second["ListObjects"], second["GetObject"]) == (1, 1)
    assert [each["id"] for each in read_dataset(reference)] == list(range(400))
    assert s3.counts()["GetObject"] == 1 + 8


def test_a_part_that_no_progress_lists_is_removed_by_the_retry(s3: S3Server, folder: str) -> None:
    """A worker was killed between the part and the progress."""
    pages = List(3, fail_at=1)
    with pytest.raises(TransientError):
        write_dataset(pages.extraction(), uri=f"{folder}/dataset")
    DatasetFolder(f"{folder}/dataset").write("part-00001.jsonl.gz", b"unfinished")
    reference = write_dataset(pages.extraction(), uri=f"{folder}/dataset")
    assert [each["id"] for each in read_dataset(reference)] == list(range(150))


def test_a_large_file_is_uploaded_in_pieces(s3: S3Server, folder: str) -> None:
    """Amazon's limit of one PUT is 5 GB; s3fs sends more than 100 MB as a multipart upload."""
    content = bytes(101 << 20)
    DatasetFolder(folder).write("large", content)
    counts = s3.counts()
    assert (counts["CreateMultipartUpload"], counts["CompleteMultipartUpload"]) == (1, 1)
    assert counts["UploadPart"] > 1
    assert DatasetFolder(folder).read("large") == content
    DatasetFolder(folder).remove("large")
    assert s3.uploads() == []


def test_what_another_worker_writes_is_seen_at_once(s3: S3Server, folder: str) -> None:
    """s3fs remembers lists of files, and a remembered file, for the life of its process."""
    ours, theirs = DatasetFolder(folder), DatasetFolder(s3.uri(folder.partition(f"{BUCKET}/")[2]))
    assert ours.file_names() == []
    from s3fs import S3FileSystem

    other = S3FileSystem(
        key="testing", secret="testing", endpoint_url=s3.url, skip_instance_cache=True, use_listings_cache=False
    )
    key = f"{BUCKET}/{folder.partition(f'{BUCKET}/')[2]}"
    other.pipe_file(f"{key}/one.json", b"1")
    assert ours.file_names() == theirs.file_names() == ["one.json"]
    other.pipe_file(f"{key}/one.json", b"[22, 33]")
    assert ours.read_json("one.json") == [22, 33]
    other.rm_file(f"{key}/one.json")
    assert ours.read_json("one.json") is None
    assert ours.file_names() == []


def test_missing_and_empty_files_are_no_errors_of_the_storage(s3: S3Server, folder: str) -> None:
    dataset = DatasetFolder(folder)
    dataset.write("empty.json", b"")
    assert dataset.read("empty.json") == b""
    assert dataset.read_json("empty.json") is None
    assert dataset.read_json("missing.json") is None
    dataset.remove("missing.json")
    dataset.remove_all()
    assert dataset.file_names() == []


def test_a_bucket_that_does_not_exist_is_an_error_and_is_not_created(s3: S3Server) -> None:
    writer = DatasetWriter(s3.uri("x").replace(BUCKET, "mistyped"), source="yofi", resource="claims")
    s3.requests()
    with pytest.raises(StorageError, match=r"mistyped.*can't be read or written") as error:
        writer.resume()
    assert "\n" not in str(error.value.message)
    assert "CreateBucket" not in s3.counts()


def test_a_path_without_a_connection_uses_the_machine_s_own_credentials(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables are those of Amazon's SDKs (https://docs.aws.amazon.com/sdkref/latest/guide/)."""
    monkeypatch.setattr("airflow.sdk.io.store._STORE_CACHE", {})
    variables = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": s3.url}
    for name, value in {**variables, "AWS_DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    reference = write_dataset(List(2).extraction(), uri=f"s3://{BUCKET}/own/dataset")
    assert len(list(read_dataset(reference))) == 100
    assert [key for key in s3.objects() if key.startswith("own/")] == [
        "own/dataset/manifest.json",
        "own/dataset/part-00000.jsonl.gz",
    ]


def test_a_published_dataset_is_replaced_in_place(s3: S3Server, folder: str) -> None:
    target = f"{folder}-published/claims"
    for pages in (1, 2):
        publish_dataset(write_dataset(List(pages).extraction(), uri=f"{folder}/{pages}"), target)
        assert len(list(read_dataset(published_dataset(target)))) == pages * 50
    s3.requests()
    again = publish_dataset(write_dataset(List(2).extraction(), uri=f"{folder}/3"), target)
    assert again.extra["changed"] is False
    assert len([key for key in s3.objects() if "-published/" in key]) == 2


def test_the_retention_removes_old_runs_and_nothing_else(s3: S3Server, folder: str) -> None:
    for run in ("old", "kept"):
        write_dataset(List(1).extraction(), uri=f"{folder}/dag/extract/{run}/-1")
    reports.write_report(RunReport(dag_id="dag", run_id="old"), "<p>page</p>")
    before = [key for key in s3.objects() if "/extract/kept/" in key or "/.reports/" in key]
    now = datetime.now(UTC)

    def clean(older_than: datetime) -> Any:
        return remove_old_datasets(older_than=older_than, active_runs=lambda dag_id, runs: {"kept"} & set(runs))

    assert clean(now - timedelta(days=1)).runs == 0
    summary = clean(now + timedelta(minutes=1))
    assert (summary.runs, dict(summary.kept)) == (1, {"active": 1})
    root = folder.partition(f"{BUCKET}/")[2]
    assert [key for key in s3.objects() if key.startswith(f"{root}/")] == before


def test_reports_are_written_listed_and_removed(s3: S3Server, folder: str) -> None:
    written = RunReport(dag_id="orders", run_id="run", lanes=[LaneReport(shop="a.myshopify.com", counts={"read": 3})])
    reports.write_lane("orders", "run", written.lanes[0])
    assert reports.read_lanes("orders", "run") == written.lanes
    reports.write_report(written, "<p>Café</p>")
    assert reports.read_report("orders", "run") == written
    assert [(entry.dag_id, entry.run_id) for entry in reports.list_reports()] == [("orders", "run")]
    assert reports.remove_reports(older_than=datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert reports.list_reports() == []


def test_an_export_keeps_its_job_in_object_storage_until_it_is_done(s3: S3Server, folder: str) -> None:
    with run_sandbox(orders=ORDERS, shops=1) as running:
        job = MainJob(running, folder=folder)
        conn_id = job.route["voucherify_conn_id"]
        dag = DAG(job.dag_id, schedule=None)
        until = running.sandbox.clock()
        window = {"since": (until - timedelta(days=200)).isoformat(), "until": until.isoformat()}
        options = {"voucherify_conn_id": conn_id, "resource": "redemptions", "dag": dag, **window}
        export = VoucherifyExtractOperator(task_id="export", mode="export", poll_interval=0.05, **options)
        paged = VoucherifyExtractOperator(task_id="paged", mode="paged", **options)
        s3.requests()
        exported = job.execute(export)
        seen = s3.requests()
        expected = job.execute(paged)
    assert {each["id"] for each in records(exported)} == {each["id"] for each in records(expected)}
    assert ("PutObject", "job.json") in [(operation, key.rpartition("/")[2]) for operation, key in seen]
    assert [key for key in s3.objects() if key.endswith("job.json")] == []


def test_files_of_a_bucket_become_a_dataset(s3: S3Server, folder: str) -> None:
    names = ["a", "b"]
    for name in names:
        text = io.StringIO()
        csv.writer(text).writerows([["id", "name"], *([f"{name}{number}", "Zoë"] for number in range(3))])
        DatasetFolder(f"{folder}-files").write(f"{name}.csv", text.getvalue().encode())
    dag = DAG("files", schedule=None)
    task = FilesToDatasetOperator(dag=dag, task_id="files", uri=f"{folder}-files/*.csv", resource="people")
    with run_sandbox(orders=1, shops=1) as running:
        reference = MainJob(running, folder=folder).execute(task)
    assert [each["id"] for each in records(reference)] == ["a0", "a1", "a2", "b0", "b1", "b2"]
