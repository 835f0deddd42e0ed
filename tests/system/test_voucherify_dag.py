"""The Dag that extracts Voucherify's lists, and the lists nested below the short ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_partners.datasets.reader import read_dataset

pytestmark = pytest.mark.system

SANDBOX = {"seed": 19, "shops": 1, "orders": 30}
DAG = "voucherify_extract"


def references(airflow: Any, task: str) -> dict[str, Any]:
    rows = airflow.query_database(
        "SELECT value FROM xcom WHERE dag_id = ? AND task_id = ? AND key = 'return_value' AND run_id = "
        "(SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)",
        DAG,
        task,
    )
    return {reference["resource"]: reference for (value,) in rows if (reference := json.loads(value))}


def test_every_list_of_the_project_is_completely_in_a_dataset(airflow: Any) -> None:
    process = airflow.run_command("dags", "test", DAG, "--conf", json.dumps({"whole": True, "below": ["product_skus"]}))

    assert process.returncode == 0, process.stdout[-6000:] + process.stderr[-3000:]
    lists = references(airflow, "lists")
    assert len(lists) >= 28
    for name, reference in lists.items():
        stored = {str(record.get("id", record)) for record in airflow.documents("voucherify", "", name)}
        assert {str(record.get("id", record)) for record in read_dataset(reference)} == stored, name
    below = references(airflow, "lists_below")
    products = [record["id"] for record in airflow.documents("voucherify", "", "products")]
    skus = {record["id"] for product in products for record in airflow.documents("voucherify", product, "product_skus")}
    assert {record["id"] for record in read_dataset(below["product_skus"])} == skus != set()


def test_a_failed_list_is_named_and_does_not_stop_the_others(airflow: Any) -> None:
    airflow.sandbox.switches["voucherify.missing_permissions"] = ["campaigns"]
    conf = {"whole": True, "lists": ["campaigns", "rewards"], "below": []}

    process = airflow.run_command("dags", "test", DAG, "--conf", json.dumps(conf))

    assert process.returncode != 0
    assert "1 lists failed: campaigns" in process.stdout + process.stderr
    assert set(references(airflow, "lists")) == {"rewards"}
