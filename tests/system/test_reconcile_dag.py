"""The Dag that compares Yotpo with Shopify: everything that was done to Yotpo behind its back is found, and mended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 13, "shops": 1, "orders": 60}
DAG = "yotpo_reconcile"


def window() -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(days=200)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


@pytest.fixture(scope="module")
def synced(world: Any) -> str:
    """The store of the shop, with all of its orders."""
    run = world.run(conf=window())
    assert run.succeeded, run.log[-6000:]
    return world.store_of(run.summary["lanes"][0]["shop"])


def orders(world: Any, store: str) -> list[dict[str, Any]]:
    return world.documents("yotpo", store, "order")


def put(world: Any, store: str, order: dict[str, Any]) -> None:
    world.sandbox.store.put("yotpo", store, "order", str(order["yotpo_id"]), order, at=order["order_date"])


def test_after_a_sync_nothing_differs(world: Any, synced: str) -> None:
    run = world.run(dag_id=DAG, conf=window())

    assert run.succeeded, run.log[-6000:]
    assert run.total["found"] == {}
    assert run.writes == 0


def test_everything_that_differs_is_told_by_kind_and_field_and_a_dry_run_mends_nothing(world: Any, synced: str) -> None:
    lost, aged, meddled, *_ = sorted(orders(world, synced), key=lambda order: order["external_id"])
    world.sandbox.store.delete("yotpo", synced, "order", str(lost["yotpo_id"]))
    world.sandbox.store.delete("yotpo", synced, "order_key", lost["external_id"])
    put(world, synced, {**aged, "order_name": "#aged", "updated_at": "2026-01-01T00:00:00"})
    later = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%S")
    put(world, synced, {**meddled, "payment_method": "barter", "updated_at": later})
    put(world, synced, {**meddled, "external_id": "999", "yotpo_id": meddled["yotpo_id"] + 1_000_000})

    run = world.run(dag_id=DAG, conf={**window(), "dry_run": True})

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


def test_what_can_be_mended_is_mended_once(world: Any, synced: str) -> None:
    run = world.run(dag_id=DAG, conf=window())

    assert run.succeeded, run.log[-6000:]
    assert (run.total["created"], run.total["updated"]) == (1, 2)
    assert run.writes == 3

    after = world.run(dag_id=DAG, conf=window())
    assert after.total["found"] == {"extra": 1}
    assert after.writes == 0
