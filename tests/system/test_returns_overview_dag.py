"""The example Dag of synchronous and asynchronous ``@task`` functions, against the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 7, "shops": 2, "orders": 20}
SHOPS = ["aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com"]
UNINSTALLED = "velvet-ember.myshopify.com"


def run_dag(airflow: Any, **changes: str) -> tuple[bool, dict[str, Any], str]:
    """Run the Dag with the sandbox's own routes; return whether it succeeded, its report and its log."""
    process = airflow.run_command("dags", "test", "returns_overview", "--conf", json.dumps({"days": 400}), **changes)
    ((value,),) = airflow.query_database(
        "SELECT value FROM xcom WHERE task_id = 'report' AND key = 'return_value' "
        "AND run_id = (SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1)"
    )
    return process.returncode == 0, json.loads(value), process.stdout + process.stderr


def test_each_shop_that_has_the_app_is_reported_with_the_sandbox_s_counts(airflow: Any) -> None:
    succeeded, report, log = run_dag(airflow)

    assert succeeded, log[-6000:]
    assert f"{UNINSTALLED} has a route, but the app is not installed" in log
    assert sorted(report) == SHOPS
    assert sum(counts["returns"] for counts in report.values()) > 0
    for shop, counts in report.items():
        returns = [record["attributes"] for record in airflow.documents("yofi", shop, "return")]
        assert counts == {
            "returns": len(returns),
            "orders": len({record["order_id"] for record in returns}),
            "customers": len({record["customer_id"] for record in returns}),
        }, shop


def test_a_shop_that_fails_is_named_and_the_others_are_reported(airflow: Any) -> None:
    """A shop that has uninstalled the app refuses its token."""
    succeeded, report, log = run_dag(airflow, AIRFLOW_VAR_PARTNER_APP_ID="none")

    assert not succeeded
    assert sorted(report) == SHOPS
    assert f"1 of 3 shops failed: {UNINSTALLED}" in log


def test_nothing_but_references_and_counts_goes_through_xcom(airflow: Any) -> None:
    values = airflow.query_database("SELECT value FROM xcom WHERE dag_id = 'returns_overview'")
    assert values
    assert not [value for (value,) in values if "@" in str(value)]
