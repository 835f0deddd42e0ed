"""The Dag that compares Yotpo with Shopify: it finds every change that was made in Yotpo, and repairs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 13, "shops": 1, "orders": 60}
DAG = "yotpo_reconcile"


def window() -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@pytest.fixture(scope="module")
def synced_store(airflow: Any) -> str:
    """The shop's store, with all of its orders."""
    run = airflow.run(conf=window())
    assert run.succeeded, run.log[-6000:]
    return airflow.store_of(run.summary["lanes"][0]["shop"])


def orders(airflow: Any, store: str) -> list[dict[str, Any]]:
    return airflow.documents("yotpo", store, "order")


def put(airflow: Any, store: str, order: dict[str, Any]) -> None:
    airflow.sandbox.store.put("yotpo", store, "order", str(order["yotpo_id"]), order, at=order["order_date"])


def test_after_a_sync_nothing_differs(airflow: Any, synced_store: str) -> None:
    run = airflow.run(dag_id=DAG, conf=window())

    assert run.succeeded, run.log[-6000:]
    assert run.total["found"] == {}
    assert run.writes == 0


def test_a_dry_run_counts_differences_by_state_and_field_and_repairs_nothing(airflow: Any, synced_store: str) -> None:
    missing, stale, different, *_ = sorted(orders(airflow, synced_store), key=lambda order: order["external_id"])
    airflow.sandbox.store.delete("yotpo", synced_store, "order", str(missing["yotpo_id"]))
    airflow.sandbox.store.delete("yotpo", synced_store, "order_key", missing["external_id"])
    put(airflow, synced_store, {**stale, "order_name": "#stale", "updated_at": "2026-01-01T00:00:00"})
    later = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S")
    put(airflow, synced_store, {**different, "payment_method": "barter", "updated_at": later})
    put(airflow, synced_store, {**different, "external_id": "999", "yotpo_id": different["yotpo_id"] + 1_000_000})

    run = airflow.run(dag_id=DAG, conf={**window(), "dry_run": True})

    assert run.succeeded, run.log[-6000:]
    assert run.total["found"] == {
        "missing": 1,
        "stale": 1,
        "stale: order_name": 1,
        "different": 1,
        "different: payment_method": 1,
        "extra": 1,
    }
    assert run.writes == 0
    assert "stale: order_name" in run.log
    report, page = airflow.reports()[-1]
    changes = {
        change["name"]: change for lane in report["lanes"] for each in lane["samples"] for change in each["changes"]
    }
    for name, before, after in (
        ("order_name", "#stale", stale["order_name"]),
        ("payment_method", "barter", different["payment_method"]),
    ):
        assert changes[name] == {"name": name, "before": before, "after": after}
    assert "Plan: Orders to Yotpo" in page


def test_repairable_differences_are_repaired_once(airflow: Any, synced_store: str) -> None:
    run = airflow.run(dag_id=DAG, conf=window())

    assert run.succeeded, run.log[-6000:]
    assert (run.total["created"], run.total["updated"]) == (1, 2)
    assert run.writes == 3

    next_run = airflow.run(dag_id=DAG, conf=window())
    assert next_run.total["found"] == {"extra": 1}
    assert next_run.writes == 0
