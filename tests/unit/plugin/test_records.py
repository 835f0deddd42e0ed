"""Tests of the datasets that the page opens: none outside of the staging folder, and only the parts that are needed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from left_reports import CUSTOMER, leave_dataset, reject

from airflow_provider_partners.datasets.location import folder_name
from airflow_provider_partners.exceptions import DatasetError
from airflow_provider_partners.observability.report.model import DatasetEntry, LaneReport, RunReport
from airflow_provider_partners.plugin import records

DAG, RUN = "orders", "manual__2026-11-30T08:00:00+00:00"


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path / "staging"))
    return tmp_path / "staging"


def entry(uri: str) -> DatasetEntry:
    return DatasetEntry(task="t", uri=uri, resource="orders")


@pytest.mark.parametrize(
    "path",
    [
        "../secrets",
        "orders/../../secrets",
        "orders/./task",
        "orders//task",
        "orders/..",
        ".reports/orders/run",
        ".versions/a",
        "orders/%2e%2e/%2e%2e/secrets",
        "orders\\..\\secrets",
        "",
    ],
)
def test_no_path_leads_out_of_the_staging_folder_or_to_what_is_no_dataset(staging: Path, path: str) -> None:
    assert records.staging_path(f"{staging}/{path}") is None
    assert records.owner_of(f"{staging}/{path}", DAG) is None


@pytest.mark.parametrize("uri", ["/etc", "file:///etc", "s3://key:secret@bucket/orders", "{staging}-2/orders/task"])
def test_another_place_is_none_of_the_staging_folder(staging: Path, uri: str) -> None:
    assert records.staging_path(uri.format(staging=staging)) is None


def test_a_report_names_a_dataset_by_its_place(staging: Path) -> None:
    inside, outside = entry(f"{staging}/orders/t/r/0"), entry("/etc")
    report = RunReport(dag_id=DAG, run_id=RUN, lanes=[LaneReport(shop="a", datasets=[inside, outside])])

    assert [records.dataset_of(report, number) for number in (0, 1, 2, -1)] == [inside, None, None, None]


def test_the_owner_of_a_dataset_is_the_dag_that_wrote_it(staging: Path) -> None:
    long = "d" * 200
    assert records.owner_of(f"{staging}/{folder_name('other dag')}/t/r/0", DAG) == "other dag"
    # A long id is cut in the folder's name, so only its own report can say whose it is.
    assert records.owner_of(f"{staging}/{folder_name(long)}/t/r/0", long) == long
    assert records.owner_of(f"{staging}/{folder_name(long)}/t/r/0", DAG) is None


def test_an_object_storage_with_the_id_of_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "s3://aws_default@bucket/partners/")

    assert records.staging_path("s3://aws_default@bucket/partners/orders/t/r/0") == "orders/t/r/0"
    assert records.staging_path("s3://aws_default@bucket/elsewhere/t/r/0") is None


def test_a_page_of_records_reads_the_parts_that_hold_it(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__PARTNERS__PART_MB", "0.000001")  # each append becomes a part
    from airflow_provider_partners.datasets.writer import DatasetWriter

    uri = f"{staging}/orders/t/r/0"
    with DatasetWriter(uri, source="yotpo", resource="orders") as writer:
        for start in range(0, 50, 10):
            writer.append([{"id": number} for number in range(start, start + 10)], position={"at": start})
        writer.commit()
    names = sorted(path.name for path in Path(uri).glob("part-*"))
    # A damaged part that the page does not need is not noticed.
    (Path(uri) / names[0]).write_bytes(gzip.compress(b"{}\n"))

    page, masked = records.read_records(entry(uri), 15, 10)
    assert [record["id"] for record in page] == list(range(15, 25))
    assert masked is True
    assert len(names) == 5
    with pytest.raises(DatasetError, match="is damaged"):
        records.read_records(entry(uri), 5, 10)


def test_personal_values_are_shown_when_the_option_allows_it(staging: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = leave_dataset(DAG, RUN, "t", "0-rejects", "orders rejects", [reject(1)])
    (masked,), is_masked = records.read_records(dataset, 0)
    monkeypatch.setenv("AIRFLOW__PARTNERS__SHOW_PERSONAL_VALUES", "True")
    (whole,), is_still_masked = records.read_records(dataset, 0)

    assert (is_masked, is_still_masked) == (True, False)
    assert whole["order"]["customer"]["email"] == CUSTOMER["email"]
    assert masked["order"]["customer"]["email"] != CUSTOMER["email"]
    assert masked["rejected"] == whole["rejected"]


def test_a_dataset_that_was_removed_is_described_by_its_report(staging: Path) -> None:
    dataset = DatasetEntry(task="t", uri=f"{staging}/orders/t/r/0", source="yotpo", resource="orders", records=3)

    description = records.describe_dataset(dataset)
    assert (description["exists"], description["records"]) == (False, 3)
    assert records.read_records(dataset, 0) == ([], True)


def test_the_manifest_is_described_without_the_place_of_the_storage(staging: Path) -> None:
    description = records.describe_dataset(leave_dataset(DAG, RUN, "t", "0", "orders", [{"id": 1}]))

    assert description["exists"] is True
    assert description["columns"] == [{"name": "id", "type": "integer"}]
    assert description["path"] == f"orders/t/{folder_name(RUN)}/0"
    assert str(staging) not in str(description)
