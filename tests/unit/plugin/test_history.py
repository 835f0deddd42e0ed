"""Tests of what the reports of a Dag say together."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from left_reports import leave_dataset, reject

from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.failures import REPLAY_DAG_ID
from airflow_provider_partners.observability.report import LaneReport, RunReport, report_uri, reported_dags
from airflow_provider_partners.observability.report.model import Gap
from airflow_provider_partners.observability.report.store import write_report
from airflow_provider_partners.pipelines.open_rejects import ORDERS, OpenRejects, close_rejects
from airflow_provider_partners.plugin import history
from airflow_provider_partners.plugin.history import History, digest_report, read_history

DAG = "orders"
SHOP, OTHER = "a.myshopify.com", "b.myshopify.com"


@pytest.fixture(autouse=True)
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))
    return tmp_path


def leave(hour: int, *lanes: LaneReport, dag_id: str = DAG, **fields: Any) -> str:
    """Write the report of the run that started at an hour, and return the run's id."""
    run_id = f"run-{hour}"
    report = RunReport(dag_id=dag_id, run_id=run_id, started_at=at(hour), lanes=list(lanes), **fields)
    write_report(report, "")
    seconds = datetime(2026, 11, 30, hour, 5, tzinfo=UTC).timestamp()
    os.utime(Path(report_uri(dag_id, run_id)) / "report.json", (seconds, seconds))
    return run_id


def lane(since: int, until: int, shop: str = SHOP, **fields: Any) -> LaneReport:
    return LaneReport(shop=shop, window={"since": at(since), "until": at(until)}, **fields)


def rejected(hour: int, *numbers: int, dag_id: str = DAG) -> LaneReport:
    """Return a lane with rejects, which are beside the dataset of outcomes as an upsert writes them."""
    dataset = leave_dataset(dag_id, f"run-{hour}", "t", "0-rejects", "orders rejects", [reject(n) for n in numbers])
    return lane(hour - 1, hour, counts={"rejected": len(numbers)}, datasets=[dataset])


def at(hour: int) -> str:
    return f"2026-11-30T{hour:02}:00:00Z"


def test_the_runs_come_newest_first_with_the_shops_in_order() -> None:
    leave(8, lane(7, 8, OTHER), lane(7, 8), title="Orders")
    leave(9, lane(8, 9))
    history = read_history(DAG)

    assert [run["run_id"] for run in history.runs] == ["run-9", "run-8"]
    assert history.shops == [SHOP, OTHER]
    assert history.title == "Orders"


def test_a_shop_is_read_up_to_the_end_of_its_last_successful_window() -> None:
    leave(8, lane(7, 8))
    leave(9, lane(8, 9))
    leave(10, lane(9, 10, state="failed"))
    leave(11, lane(9, 11), dry_run=True)

    assert read_history(DAG).overview(SHOP)["covered_until"] == at(9)


def test_a_window_that_ends_in_the_future_is_read_up_to_the_start_of_the_run() -> None:
    # The Dag's own watermark moves no further, see docs: a run reads what is there when it starts.
    leave(8, lane(7, 20))

    assert read_history(DAG).overview(SHOP)["covered_until"] == at(8)


def test_a_backfill_of_the_past_moves_nothing_back() -> None:
    leave(8, lane(7, 8))
    leave(9, lane(1, 2))

    assert read_history(DAG).overview(SHOP)["covered_until"] == at(8)


def test_a_shop_that_never_succeeded_is_covered_by_nothing() -> None:
    leave(8, lane(7, 8, state="failed"))

    assert read_history(DAG).overview(SHOP)["covered_until"] is None


def test_the_gaps_of_a_shop_are_those_of_its_newest_run() -> None:
    gap, old = Gap(shop=SHOP, since=at(1), until=at(2)), Gap(shop=SHOP, since=at(3), until=at(4))
    leave(7, lane(6, 7), gaps=[gap, old])
    leave(8, lane(7, 8), gaps=[gap])
    leave(9, lane(8, 9, OTHER), gaps=[])

    history = read_history(DAG)
    assert history.overview(SHOP)["gaps"] == [{"shop": SHOP, "since": at(1), "until": at(2)}]
    assert history.overview(OTHER)["gaps"] == []


def test_an_order_that_several_runs_rejected_is_open_once() -> None:
    leave(8, rejected(8, 1, 2))
    leave(9, rejected(9, 2, 3))

    history = read_history(DAG)
    assert history.overview(SHOP)["open_rejects"] == 3
    assert [(each.run_id, sorted(each.ids)) for each in history.open_rejects_of(SHOP)] == [
        ("run-9", ["5002", "5003"]),
        ("run-8", ["5001", "5002"]),
    ]


def test_what_a_replay_has_closed_is_not_open() -> None:
    leaving = rejected(8, 1, 2)
    leave(8, leaving)
    read_history(DAG)
    reference = published_dataset(leaving.datasets[0].uri)
    rejects = OpenRejects(
        shop=SHOP, kind=ORDERS, run_id="run-8", task_id="t", ids=["5001", "5002"], reference=reference
    )
    close_rejects(rejects, ["5001"])

    assert read_history(DAG).overview(SHOP)["open_rejects"] == 1
    close_rejects(rejects, ["5002"])
    assert read_history(DAG).open_rejects == []


def test_a_plan_leaves_no_open_rejects() -> None:
    leave(8, rejected(8, 1), dry_run=True)

    assert read_history(DAG).overview(SHOP)["open_rejects"] == 0


def test_the_replay_dag_has_none_of_its_own() -> None:
    # What it rejects again is still open in the run that it came from.
    leave(8, rejected(8, 1, dag_id=REPLAY_DAG_ID), dag_id=REPLAY_DAG_ID)

    assert read_history(REPLAY_DAG_ID).overview(SHOP)["open_rejects"] == 0


def test_rejects_whose_dataset_was_removed_are_not_open(staging: Path) -> None:
    leaving = rejected(8, 1)
    leave(8, leaving)
    (Path(leaving.datasets[0].uri) / "manifest.json").unlink()

    assert read_history(DAG).overview(SHOP)["open_rejects"] == 0


def test_a_report_is_read_once_and_again_when_it_is_written_again(staging: Path) -> None:
    leave(8, lane(7, 8))
    first = read_history(DAG).runs[0]
    assert read_history(DAG).runs[0] is first

    leave(8, lane(7, 8, state="failed"))
    path = Path(report_uri(DAG, "run-8")) / "report.json"
    os.utime(path, (1_900_000_000, 1_900_000_000))
    assert read_history(DAG).runs[0]["lanes"][0]["state"] == "failed"


def test_a_report_that_speaks_for_another_run_is_left_out(staging: Path) -> None:
    leave(8, lane(7, 8))
    folder = Path(report_uri(DAG, "run-8"))
    other = Path(report_uri("other", "run-8"))
    other.mkdir(parents=True)
    (other / "report.json").write_bytes((folder / "report.json").read_bytes())
    (folder / "report.json").write_text("{}")

    assert list(read_history("other").runs) == []
    assert list(read_history(DAG).runs) == []


def test_runs_and_dags_with_long_ids_are_shown_too() -> None:
    """Airflow's columns ``dag_id`` and ``run_id`` hold 250 characters; the name of a folder is cut before."""
    dag_id, run_id = "d" * 250, "r" * 250
    report = RunReport(dag_id=dag_id, run_id=run_id, started_at=at(8), lanes=[rejected(8, 1, dag_id=dag_id)])
    write_report(report, "")

    assert reported_dags() == [dag_id]
    assert [run["run_id"] for run in read_history(dag_id).runs] == [run_id]


def test_a_digest_names_no_folder(staging: Path) -> None:
    leave(8, rejected(8, 1))

    assert str(staging) not in str(read_history(DAG).runs)


def test_reports_are_read_up_to_a_number_of_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of 1,000 shops an hour must neither fill the memory of the API server, nor keep the page waiting."""
    for hour in range(1, 13):
        leave(hour, lane(hour - 1, hour), lane(hour - 1, hour, OTHER))
    monkeypatch.setattr(history, "MOST_LANES", 5)
    assert [run["run_id"] for run in read_history(DAG).runs] == ["run-12", "run-11", "run-10"]
    monkeypatch.setattr(history, "MOST_LANES", 1)
    assert [run["run_id"] for run in read_history(DAG).runs] == ["run-12"]


def test_memory_keeps_the_digests_of_a_number_of_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = history._Memory()
    monkeypatch.setattr(history, "_memory", memory)
    monkeypatch.setattr(history, "_MOST_REMEMBERED", 7)
    for hour in range(1, 7):
        leave(hour, lane(hour - 1, hour), lane(hour - 1, hour, OTHER))
    assert len(read_history(DAG).runs) == len(read_history(DAG).runs) == 6
    assert (len(memory._reports), memory._lanes) == (2, 6)


def test_equal_parts_of_lanes_are_in_memory_once() -> None:
    run = digest_report(
        RunReport(
            dag_id=DAG, run_id="r", lanes=[lane(7, 8, f"{n}.myshopify.com", counts={"read": 0}) for n in range(9)]
        )
    )
    for name in ("window", "counts", "api", "rejections"):
        assert len({id(each[name]) for each in run["lanes"]}) == 1


def test_all_shops_are_described_in_one_pass_over_the_lanes() -> None:
    passes = []

    class Lanes(list[Any]):
        def __iter__(self) -> Any:
            passes.append(1)
            return super().__iter__()

    lanes = [
        digest_report(RunReport(dag_id=DAG, run_id="r", lanes=[lane(7, 8, f"{n}.myshopify.com")])) for n in range(9)
    ]
    run = {**lanes[0], "started_at": at(8), "lanes": Lanes(each["lanes"][0] for each in lanes)}
    found = History(dag_id=DAG, runs=[run, run])
    assert [found.overview(shop)["covered_until"] for shop in found.shops] == [at(8)] * 9
    assert len(passes) == 2
