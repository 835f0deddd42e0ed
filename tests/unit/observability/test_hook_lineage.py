"""Lineage of ``@task`` functions, as Airflow's own collector and the OpenLineage provider take it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk import lineage as airflow_lineage
from sandbox import run_sandbox

from airflow_provider_partners.datasets.location import stable_uri
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.hooks.yotpo import YotpoHook
from airflow_provider_partners.observability.openlineage import dataset_name
from airflow_provider_partners.sandbox.credentials import environment
from airflow_provider_partners.taskflow import dataset_uri, read_column, read_dataset, write_dataset

SHOP = "aurora-apparel.myshopify.com"
SINCE, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)


@pytest.fixture
def collector(monkeypatch):
    """Airflow's collector; without a plugin that reads it, Airflow takes one that does nothing."""
    collected = airflow_lineage.HookLineageCollector()
    monkeypatch.setattr(airflow_lineage, "get_hook_lineage_collector", lambda: collected)
    return collected


@pytest.fixture(scope="module")
def running_sandbox():
    with run_sandbox(seed=7, shops=1, orders=8) as running:
        yield running


@pytest.fixture
def connections(running_sandbox, monkeypatch, tmp_path):
    for name, value in environment(running_sandbox.url, seed=7, shops=1).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", str(tmp_path))


def uris(collected):
    lineage = collected.collected_assets
    return {one.asset.uri for one in lineage.inputs}, {one.asset.uri for one in lineage.outputs}


def context(run_id="run-1"):
    return {"ti": SimpleNamespace(dag_id="dag", task_id="claims", run_id=run_id, map_index=-1)}


def test_a_list_and_its_dataset_are_collected_under_the_names_that_operators_report(collector, connections, tmp_path):
    with YofiHook(shop=SHOP) as yofi:
        extraction = yofi.extract("claims", since=SINCE, until=UNTIL)
        assert uris(collector) == (set(), set()), "an extraction reads nothing before its pages are"
        reference = write_dataset(extraction, uri=dataset_uri(context()))
    assert uris(collector) == ({f"yofi://{SHOP}/claims"}, {f"file://{tmp_path}/dag/claims"})
    list(read_dataset(reference.to_dict()))
    inputs, outputs = uris(collector)
    assert inputs == {f"yofi://{SHOP}/claims", f"file://{tmp_path}/dag/claims"}
    assert len(outputs) == 1


def test_every_run_reads_the_same_dataset_and_a_column_is_read_too(collector, connections, tmp_path):
    for run_id in ("run-1", "run-2"):
        with YofiHook(shop=SHOP) as yofi:
            extraction = yofi.extract("claims", since=SINCE, until=UNTIL)
            reference = write_dataset(extraction, uri=dataset_uri(context(run_id)))
        list(read_column(reference.to_dict(), "id"))
    (dataset,) = (one for one in collector.collected_assets.inputs if one.asset.uri.startswith("file"))
    assert (dataset.asset.uri, dataset.count) == (f"file://{tmp_path}/dag/claims", 2)


def test_what_a_client_writes_is_an_output(collector, connections):
    variables = [name for name in environment("http://x", seed=7, shops=1) if name.startswith("AIRFLOW_CONN_YOTPO")]
    conn_id = variables[0].removeprefix("AIRFLOW_CONN_").lower()
    with YotpoHook(conn_id) as yotpo:
        yotpo.orders(["1"])
        assert uris(collector) == ({f"yotpo://{yotpo.store_id.lower()}/orders"}, set())
        yotpo.upsert_customer({"external_id": "c1", "email": "a@shop.example"})
        assert uris(collector)[1] == {f"yotpo://{yotpo.store_id.lower()}/customers"}


def test_openlineage_reports_the_lists_and_the_datasets_of_a_python_task(collector, connections, monkeypatch, tmp_path):
    """The provider's ``ExtractorManager`` converts assets by the converters that providers register."""
    from airflow.providers.openlineage.extractors import manager as openlineage

    monkeypatch.setattr(openlineage, "_is_hook_lineage_collector_created", lambda: True, raising=False)
    monkeypatch.setattr("airflow.providers.common.compat.lineage.hook.get_hook_lineage_collector", lambda: collector)
    monkeypatch.setattr(openlineage, "get_hook_lineage_collector", lambda: collector, raising=False)
    with YofiHook(shop=SHOP) as yofi:
        reference = write_dataset(yofi.extract("claims", since=SINCE, until=UNTIL), uri=dataset_uri(context()))
    found = openlineage.ExtractorManager().get_hook_lineage(None, None)
    assert [(one.namespace, one.name) for one in found.inputs] == [(f"yofi://{SHOP}", "claims")]
    assert [(one.namespace, one.name) for one in found.outputs] == [dataset_name(reference.uri)]


@pytest.mark.parametrize(
    ("uri", "stable"),
    [
        ("s3://aws@bucket/staging/dag/task/run/3-rejects", "s3://bucket/staging/dag/task/rejects"),
        ("s3://aws@bucket/staging/dag/task/run/-1", "s3://bucket/staging/dag/task"),
        ("s3://aws@bucket/published/orders/", "s3://bucket/published/orders"),
        ("/data/orders", "file:///data/orders"),
    ],
)
def test_a_dataset_is_named_by_its_folder_without_run_and_connection(monkeypatch, uri, stable):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "s3://aws@bucket/staging")
    assert stable_uri(uri) == stable


def test_a_failing_collector_fails_no_task(connections, monkeypatch):
    def fail():
        raise RuntimeError("the reader is broken")

    monkeypatch.setattr(airflow_lineage, "get_hook_lineage_collector", fail)
    with YofiHook(shop=SHOP) as yofi:
        reference = write_dataset(yofi.extract("claims", since=SINCE, until=UNTIL), uri=dataset_uri(context()))
    assert sum(1 for _ in read_dataset(json.loads(json.dumps(reference.to_dict())))) == reference.records
