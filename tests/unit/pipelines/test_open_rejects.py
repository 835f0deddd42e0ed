"""The rejects that runs have left: found in the datasets, closed by a replay, each once."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.sdk.execution_time.context import set_current_context

from airflow_provider_partners.datasets.location import dataset_uri
from airflow_provider_partners.datasets.reader import published_dataset
from airflow_provider_partners.datasets.storage import MANIFEST_FILE, DatasetFolder
from airflow_provider_partners.datasets.writer import DatasetWriter
from airflow_provider_partners.pipelines import open_rejects
from airflow_provider_partners.pipelines.open_rejects import close_rejects, find_open_rejects
from airflow_provider_partners.pipelines.replay_rejects import rejected_orders

SHOP, DAG = "a.myshopify.com", "sync"


@pytest.fixture(autouse=True)
def staging(monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", tmp_path.as_uri())
    return tmp_path


def leave(records, *, run="r1", task="lane.upsert_orders", resource="orders", map_index=0, shop=SHOP, dry_run=False):
    """Leave the datasets of a task that rejected records, as the upsert and build operators write them."""
    ti = SimpleNamespace(dag_id=DAG, task_id=task, run_id=run, map_index=map_index)
    names = (
        ("built orders", "unbuilt orders")
        if task.endswith("build")
        else (f"{resource} outcomes", f"{resource} rejects")
    )
    references = []
    for suffix, name, rows in (("", names[0], [{"x": 1}]), ("rejects", names[1], records)):
        with DatasetWriter(dataset_uri({"ti": ti}, suffix), source="yotpo", resource=name, account="store") as writer:
            writer.append(rows)
            extra = {} if suffix else {"shop": shop, "dry_run": dry_run}
            references.append(writer.commit(extra=extra))
    return references[1]


def reject(external_id):
    return {"external_id": external_id, "order": {}, "rejected": {"kind": "order", "external_id": external_id}}


def open_ids(**arguments):
    return sorted(external_id for rejects in find_open_rejects(DAG, **arguments) for external_id in rejects.ids)


def test_rejects_of_yotpo_and_of_the_build_are_found_by_run_and_by_shop():
    leave([reject("1"), reject("2")])
    leave([{"external_id": "3", "reason": "no date", "left_out": False}], task="lane.build")
    leave([reject("4")], run="scheduled__2026-11-30T13:00:00+00:00", shop="b.myshopify.com", map_index=1)
    assert open_ids() == ["1", "2", "3", "4"]
    assert open_ids(run_id="r1") == ["1", "2", "3"]
    assert open_ids(run_id="scheduled__2026-11-30T13:00:00+00:00") == ["4"]
    assert open_ids(shop="b.myshopify.com") == ["4"]
    assert open_ids(run_id="another") == []


def test_each_lane_of_a_replay_reads_the_rejects_of_its_own_shop_alone(monkeypatch):
    """A replay of a run with 1,000 shops would read a million datasets otherwise."""
    for index in range(5):
        leave([reject(str(index))], map_index=index, shop=f"{index}.myshopify.com")
    found = find_open_rejects(DAG)
    read = []
    monkeypatch.setattr(open_rejects, "published_dataset", lambda uri: read.append(uri) or published_dataset(uri))
    with set_current_context({"params": {}}):
        for rejects in found:
            assert rejected_orders.function(rejects.shop, [rejects.reference.uri]) == rejects.ids
    assert len(read) == len(set(read)) == 2 * len(found)


def test_the_records_of_other_shops_are_not_read(monkeypatch):
    leave([reject("1")])
    leave([reject("2")], map_index=1, shop="b.myshopify.com")
    read = []
    monkeypatch.setattr(open_rejects, "read_dataset", lambda reference: read.append(reference) or [])
    find_open_rejects(DAG, shop="b.myshopify.com")
    assert [reference.uri.endswith("/1-rejects") for reference in read] == [True]


def test_what_the_mapping_leaves_out_on_purpose_is_no_reject():
    leave([{"external_id": "3", "reason": "a test order", "left_out": True}], task="lane.build")
    assert open_ids() == []


def test_a_plan_leaves_no_rejects():
    leave([reject("1")], dry_run=True)
    assert open_ids() == []


def test_a_closed_reject_is_not_found_again():
    leave([reject("1"), reject("2"), reject("3")])
    (found,) = find_open_rejects(DAG)
    assert close_rejects(found, ["1", "9"]) == 1
    assert open_ids() == ["2", "3"]
    (found,) = find_open_rejects(DAG)
    assert close_rejects(found, ["2"]) == 1
    assert open_ids() == ["3"]


def test_records_and_manifest_stay_as_they_are():
    reference = leave([reject("1")])
    before = DatasetFolder(reference.uri).read_json(MANIFEST_FILE)
    close_rejects(find_open_rejects(DAG)[0], ["1"])
    assert DatasetFolder(reference.uri).read_json(MANIFEST_FILE) == before


def test_rejected_products_are_of_another_kind():
    leave([{"external_id": "p1", "rejected": {"kind": "product", "external_id": "p1"}}], resource="products")
    assert [(rejects.kind, rejects.ids) for rejects in find_open_rejects(DAG)] == [("products", ["p1"])]


def test_a_dataset_without_its_manifest_is_not_finished(staging):
    reference = leave([reject("1")])
    (staging / reference.uri.removeprefix(staging.as_uri() + "/") / MANIFEST_FILE).unlink()
    assert open_ids() == []


def test_a_dag_without_datasets_has_none():
    assert find_open_rejects("another") == []
