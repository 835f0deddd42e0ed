"""The backfill Dag: every window of every shop is a lane of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum
import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 17, "shops": 2, "orders": 20}
DAG = "yofi_shopify_to_yotpo_backfill"


def window(days: int = 200) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window_days": 90,
    }


@pytest.fixture(scope="module")
def first_run(airflow: Any) -> Any:
    """The first run. For the second shop, orders are old after two months: the sandbox has those of five months."""
    routes = json.loads(airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    routes[1]["options"] = {"old_after_months": 2}
    airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"] = json.dumps(routes)
    return airflow.run(dag_id=DAG, conf=window())


def test_every_window_of_every_shop_is_a_lane(airflow: Any, first_run: Any) -> None:
    assert first_run.succeeded, first_run.log[-6000:]
    shops = {lane["shop"] for lane in first_run.summary["lanes"]}
    assert len(first_run.summary["lanes"]) == 3 * len(shops) == 6
    assert len({lane["since"] for lane in first_run.summary["lanes"]}) == 3
    # A lane whose orders did not change has no tasks, and so no label.
    changed = [lane for lane in first_run.summary["lanes"] if not lane.get("no_changes")]
    assert len(changed) >= 5
    assert {f"{lane['shop']} {lane['since'][:10]}" for lane in changed} <= first_run.labels
    assert {label.partition(" ")[0] for label in first_run.labels} == shops
    report, _ = airflow.reports()[-1]
    windows = {(lane["shop"], lane["window"]["since"]): lane["counts"]["created"] for lane in report["lanes"]}
    assert windows == {(lane["shop"], lane["since"]): lane["created"] for lane in first_run.summary["lanes"]}


def test_the_windows_together_hold_every_order_once(airflow: Any, first_run: Any) -> None:
    for shop in {lane["shop"] for lane in first_run.summary["lanes"]}:
        reads = sum(lane["read"] for lane in first_run.summary["lanes"] if lane["shop"] == shop)
        assert reads == len(airflow.documents("shopify_admin", shop, "order"))
    assert first_run.total["created"] == first_run.called("orders.create") > 0


@pytest.mark.covers("yotpo.order.order_date.six_months")
def test_orders_that_are_too_old_for_a_review_request_are_counted(airflow: Any, first_run: Any) -> None:
    """By ``createdAt`` of the sandbox's orders. Test orders and those without a line to review are not built."""
    young, old = (lane["shop"] for lane in first_run.summary["lanes"][::3])
    now = datetime.now(UTC)
    limit = pendulum.instance(now).subtract(months=2)
    documents = airflow.documents("shopify_admin", old, "order")
    placed_before = sum(datetime.fromisoformat(document["createdAt"]) < limit for document in documents)

    counted = dict.fromkeys((young, old), 0)
    left_out = 0
    for lane in first_run.summary["lanes"]:
        counted[lane["shop"]] += lane["too_old"]
        left_out += lane["left_out"] if lane["shop"] == old else 0
    assert counted[young] == 0
    assert 0 < placed_before - left_out <= counted[old] <= placed_before
    assert "of which too old" in first_run.summary["table"]
    assert first_run.total["notes"]["too old for a review request"] == counted[old]


def test_the_hourly_dag_then_writes_nothing(airflow: Any, first_run: Any) -> None:
    run = airflow.run()

    assert run.succeeded, run.log[-6000:]
    assert (run.total["created"], run.total["updated"], run.writes) == (0, 0, 0)


def test_a_backfill_without_a_window_names_the_missing_param(airflow: Any) -> None:
    process = airflow.run_command("dags", "test", DAG)

    assert process.returncode != 0
    assert "since" in process.stdout + process.stderr


def test_an_unknown_key_in_the_conf_is_refused(airflow: Any) -> None:
    process = airflow.run_command("dags", "test", DAG, "--conf", json.dumps({**window(), "window_day": 5}))

    assert process.returncode != 0
    assert "unknown param 'window_day': did you mean 'window_days'?" in process.stdout + process.stderr
