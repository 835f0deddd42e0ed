from __future__ import annotations

import subprocess
import sys

import pytest
from airflow.sdk import Asset

from airflow_provider_partners import assets
from airflow_provider_partners.datasets.reference import DatasetRef
from airflow_provider_partners.observability.activity import PartnerList, TaskActivity, dataset_references
from airflow_provider_partners.observability.openlineage import dataset_name, list_name, operator_lineage
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import YotpoBuildOrdersOperator, YotpoReplayRejectsOperator

REFERENCE = DatasetRef(
    uri="s3://aws_default@bucket/partners/dag/orders/run-1/-1",
    source="shopify_admin",
    resource="orders",
    records=3,
    parts=1,
    bytes=120,
    sha256="ab" * 32,
    fields={"id": "string", "lineItems": "json"},
)


@pytest.fixture(autouse=True)
def _staging(monkeypatch):
    monkeypatch.setenv("AIRFLOW__PARTNERS__STAGING_URI", "s3://aws_default@bucket/partners")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://aws_default@bucket/partners/dag/group.orders/run-1/-1", ("s3://bucket", "partners/dag/group.orders")),
        ("s3://aws_default@bucket/partners/dag/orders/run-1/12", ("s3://bucket", "partners/dag/orders")),
        ("s3://aws_default@bucket/partners/dag/orders/r/-1-rejects", ("s3://bucket", "partners/dag/orders/rejects")),
        ("s3://aws_default@bucket/warehouse/orders/day=2026-11-01", ("s3://bucket", "warehouse/orders/day=2026-11-01")),
        ("s3://aws_default@bucket/partners/finance/transactions", ("s3://bucket", "partners/finance/transactions")),
        ("gcs://bucket/x/", ("gs://bucket", "x")),
        ("file:///opt/data/orders/", ("file", "/opt/data/orders")),
        ("/opt/data/orders", ("file", "/opt/data/orders")),
    ],
)
def test_a_dataset_keeps_its_name_from_run_to_run(uri, name):
    assert dataset_name(uri) == name


@pytest.mark.parametrize(
    ("api", "account", "resource"),
    [
        ("shopify_admin", "A.myshopify.com", "orders"),
        ("yotpo", "Store1", "orders"),
        ("shopify_partner", "1", "any events"),
    ],
)
def test_a_list_has_the_same_name_as_its_asset(api, account, resource):
    pytest.importorskip("openlineage.client")
    uri = assets.asset_uri(api, account, resource)
    assert Asset(uri).uri == uri
    converted = assets.convert_asset_to_openlineage(Asset(uri), None)
    assert list_name(PartnerList(api, account, resource)) == (converted.namespace, converted.name)


def test_references_are_found_among_the_arguments():
    reference = REFERENCE.to_dict()
    assert dataset_references([None, "{{ x }}", reference, reference, {"uri": "x"}, [reference]]) == [REFERENCE]


def test_the_input_datasets_are_known_before_the_task_runs():
    pytest.importorskip("airflow.providers.openlineage")
    task = YotpoBuildOrdersOperator(task_id="t", orders=REFERENCE.to_dict(), shop="a.myshopify.com")
    lineage = task.get_openlineage_facets_on_start()
    assert [(one.namespace, one.name) for one in lineage.inputs] == [("s3://bucket", "partners/dag/orders")]
    assert lineage.inputs[0].inputFacets["inputStatistics"].rowCount == 3
    assert lineage.outputs == []


def test_unrendered_arguments_are_no_error():
    pytest.importorskip("airflow.providers.openlineage")
    for task in (
        YofiExtractOperator(task_id="t", resource="claims", match={"order_id": {"dataset": "{{ x }}", "field": "id"}}),
        YofiExtractOperator(task_id="t", resource="claims", match="{{ x }}"),
        YotpoReplayRejectsOperator(task_id="t", rejects="{{ x }}"),
    ):
        assert task.get_openlineage_facets_on_start().inputs == []
        assert task.get_openlineage_facets_on_failure(None).outputs == []


def test_the_data_source_is_the_manifest_without_the_connection():
    pytest.importorskip("airflow.providers.openlineage")
    lineage = operator_lineage(TaskActivity(datasets_written=[REFERENCE]), [])
    facets = lineage.outputs[0].facets
    assert facets["dataSource"].uri == "s3://bucket/partners/dag/orders/run-1/-1/manifest.json"
    assert facets["version"].datasetVersion == REFERENCE.sha256
    assert {field.name: field.type for field in facets["schema"].fields} == REFERENCE.fields


def test_without_openlineage_there_is_no_lineage_and_no_error():
    code = """
import sys
sys.modules["airflow.providers.openlineage.extractors"] = None
sys.modules["openlineage.client"] = None
from airflow_provider_partners.operators.yofi import YofiExtractOperator
task = YofiExtractOperator(task_id="t", resource="claims")
assert task.get_openlineage_facets_on_start() is None
assert task.get_openlineage_facets_on_complete(None) is None
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
