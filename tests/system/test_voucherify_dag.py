"""The Dag that extracts Voucherify's lists: all of them, once each, and what lies below the short ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_partners.datasets.reader import read_dataset

pytestmark = pytest.mark.system

WORLD = {"seed": 19, "shops": 1, "orders": 30}
DAG = "voucherify_extract"


def references(world: Any, task: str) -> dict[str, Any]:
    rows = world.rows(
        "SELECT value FROM xcom WHERE dag_id = ? AND task_id = ? AND key = 'return_value' AND run_id = "
        "(SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)",
        DAG,
        task,
    )
    return {reference["resource"]: reference for (value,) in rows if (reference := json.loads(value))}


def test_every_list_is_in_a_dataset_with_all_that_the_project_has(world: Any) -> None:
    done = world.airflow("dags", "test", DAG, "--conf", json.dumps({"whole": True, "below": ["product_skus"]}))

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    lists = references(world, "lists")
    assert len(lists) >= 28
    for name, reference in lists.items():
        held = {str(row.get("id", row)) for row in world.documents("voucherify", "", name)}
        assert {str(row.get("id", row)) for row in read_dataset(reference)} == held, name
    below = references(world, "lists_below")
    products = [row["id"] for row in world.documents("voucherify", "", "products")]
    skus = {row["id"] for product in products for row in world.documents("voucherify", product, "product_skus")}
    assert {row["id"] for row in read_dataset(below["product_skus"])} == skus != set()


def test_a_list_that_fails_is_named_and_leaves_the_others_alone(world: Any) -> None:
    world.sandbox.switches["voucherify.missing_permissions"] = ["campaigns"]
    asked = {"whole": True, "lists": ["campaigns", "rewards"], "below": []}

    done = world.airflow("dags", "test", DAG, "--conf", json.dumps(asked))

    assert done.returncode != 0
    assert "1 lists failed: campaigns" in done.stdout + done.stderr
    assert set(references(world, "lists")) == {"rewards"}
