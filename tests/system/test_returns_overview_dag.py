"""The Dag of ``@task`` functions, plain and asynchronous ones, by Airflow's command against the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 7, "shops": 2, "orders": 20}
SHOPS = ["aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com"]


def test_each_shop_is_reported_with_what_the_sandbox_holds(world: Any) -> None:
    done = world.airflow("dags", "test", "returns_overview", "--conf", json.dumps({"days": 400, "shops": SHOPS}))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    ((value,),) = world.rows("SELECT value FROM xcom WHERE task_id = 'report' AND key = 'return_value'")
    told = json.loads(value)
    assert sorted(told) == SHOPS
    assert sum(counts["returns"] for counts in told.values()) > 0
    for shop, counts in told.items():
        returns = [row["attributes"] for row in world.documents("yofi", shop, "return")]
        assert counts == {
            "returns": len(returns),
            "orders": len({row["order_id"] for row in returns}),
            "customers": len({row["customer_id"] for row in returns}),
        }, shop


def test_nothing_but_references_and_counts_goes_through_xcom(world: Any) -> None:
    values = world.rows("SELECT value FROM xcom WHERE dag_id = 'returns_overview'")
    assert values
    assert not [value for (value,) in values if "@" in str(value)]
