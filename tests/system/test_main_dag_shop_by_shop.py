"""The main Dag with ``granularity="shop"``: one task runs all steps of several shops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 7, "shops": 2, "orders": 8}
A, B = "aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com"
WRONG = json.dumps({"conn_type": "yotpo", "login": "x"})
"""A connection without a secret. It fails at once, and no retry mends it."""


@pytest.fixture(scope="module")
def first_run(airflow: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A window by hand. B has Shopify and Yotpo alone."""
    folder: Path = tmp_path_factory.mktemp("dags")
    (folder / "shop_by_shop.py").write_text(
        "from airflow_provider_partners.pipelines import order_sync_dag\n"
        'dag = order_sync_dag(granularity="shop", shops_per_task=2)\n'
    )
    routes = json.loads(airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    for route in routes:
        if route["shop"] == B:
            del route["yofi_conn_id"], route["voucherify_conn_id"]
    airflow.environment |= {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW_VAR_PARTNER_SHOP_ROUTES": json.dumps(routes),
    }
    return airflow.run()


def test_one_task_writes_the_orders_of_both_shops(first_run: Any, airflow: Any) -> None:
    """The counts come from Yotpo's stores, read over HTTP without this package."""
    assert first_run.succeeded, first_run.log[-6000:]
    assert first_run.states["lane", 0] == "success"
    assert not [task for task, _ in first_run.states if task.startswith("lane.")]
    lanes = first_run.summary["lanes"]
    assert [lane["shop"] for lane in lanes] == [A, B]
    for lane in lanes:
        assert (lane["failed"], lane["rejected"]) == (None, 0)
        assert lane["created"] == len(airflow.yotpo_orders(lane["shop"])) > 0
    labels = airflow.query_database("SELECT rendered_map_index FROM task_instance WHERE task_id = 'lane'")
    assert labels == [(f"{A} and 1 more",)]


def test_the_report_has_each_step_of_each_shop(first_run: Any, airflow: Any) -> None:
    report, _ = airflow.reports()[0]
    assert report["state"] == "success"
    for lane in report["lanes"]:
        states = {step["task"]: step["state"] for step in lane["steps"]}
        assert states["upsert_orders"] == "success"
        assert states["extract_returns"] == ("skipped" if lane["shop"] == B else "success")
        calls = {each["partner"]: each["requests"] for each in lane["api"]}
        assert sum(calls.values()) == lane["counts"]["api_calls"]
        served = sum(
            count for name, count in first_run.calls.items() if name.startswith(f"shopify_admin/{lane['shop']}/")
        )
        assert calls["shopify_admin"] == served > 0


def test_shops_without_changes_cost_one_call_each(first_run: Any, airflow: Any) -> None:
    """The sandbox has no orders in this hour. It is more than 60 days ago, so the token's scopes are read, too."""
    run = airflow.run("2026-01-05T10:00:00+00:00")

    assert run.succeeded, run.log[-6000:]
    assert [lane["no_changes"] for lane in run.summary["lanes"]] == [True, True]
    assert run.total["api_calls"] == 4
    assert {name: count for name, count in run.calls.items() if not name.startswith("shopify_partner/")} == {
        f"shopify_admin/{shop}/graphql": 2 for shop in (A, B)
    }
    assert watermarks(airflow) == dict.fromkeys((A, B), "2026-01-05T10:00:00Z")
    report, page = airflow.reports()[-1]
    assert [lane["no_changes"] for lane in report["lanes"]] == [True, True]
    assert "no order changed" in page


def test_a_failed_shop_stops_no_other_and_keeps_its_watermark(first_run: Any, airflow: Any) -> None:
    run = airflow.run(AIRFLOW_CONN_YOTPO_AURORA_APPAREL=WRONG)

    assert not run.succeeded
    assert run.summary["failed"] == {A: "upsert_products"}
    assert run.states["lane", 0] == "failed"
    a, b = run.summary["lanes"]
    assert b["unchanged"] == len(airflow.yotpo_orders(B))
    assert "has no api secret" in a["error"]["message"]
    assert "1 of 2 lanes failed" in run.log


def watermarks(airflow: Any) -> dict[str, str]:
    """The watermarks of the shops, from Airflow's database."""
    rows = airflow.query_database(
        "SELECT key, value FROM asset_state_store JOIN asset ON asset.id = asset_id WHERE name = 'partner_order_sync'"
    )
    return next((json.loads(value) for key, value in rows if key == "watermark:*"), {})
