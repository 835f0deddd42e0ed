"""The example Dag of synchronous and asynchronous ``@task`` functions, against the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 7, "shops": 2, "orders": 20}
SHOPS = ["aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com"]


def test_each_shop_is_reported_with_the_sandbox_s_counts(airflow: Any) -> None:
    process = airflow.run_command(
        "dags", "test", "returns_overview", "--conf", json.dumps({"days": 400, "shops": SHOPS})
    )
    assert process.returncode == 0, (process.stdout + process.stderr)[-6000:]
    ((value,),) = airflow.query_database("SELECT value FROM xcom WHERE task_id = 'report' AND key = 'return_value'")
    report = json.loads(value)
    assert sorted(report) == SHOPS
    assert sum(counts["returns"] for counts in report.values()) > 0
    for shop, counts in report.items():
        returns = [record["attributes"] for record in airflow.documents("yofi", shop, "return")]
        assert counts == {
            "returns": len(returns),
            "orders": len({record["order_id"] for record in returns}),
            "customers": len({record["customer_id"] for record in returns}),
        }, shop


def test_nothing_but_references_and_counts_goes_through_xcom(airflow: Any) -> None:
    values = airflow.query_database("SELECT value FROM xcom WHERE dag_id = 'returns_overview'")
    assert values
    assert not [value for (value,) in values if "@" in str(value)]
