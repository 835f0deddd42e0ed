"""The Dag for a past stretch of time: every window of every shop is a lane of its own, and can be run again alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 17, "shops": 2, "orders": 20}
DAG = "yofi_shopify_to_yotpo_backfill"


def window(days: int = 200) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "since": (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "window_days": 90,
    }


@pytest.fixture(scope="module")
def first(world: Any) -> Any:
    return world.run(dag_id=DAG, conf=window())


def test_every_window_of_every_shop_is_a_lane(world: Any, first: Any) -> None:
    assert first.succeeded, first.log[-6000:]
    shops = {row["shop"] for row in first.summary["lanes"]}
    assert len(first.summary["lanes"]) == 3 * len(shops) == 6
    assert len({row["since"] for row in first.summary["lanes"]}) == 3
    assert {f"{row['shop']} {row['since'][:10]}" for row in first.summary["lanes"]} <= first.labels


def test_the_windows_together_hold_every_order_once(world: Any, first: Any) -> None:
    for shop in {row["shop"] for row in first.summary["lanes"]}:
        reads = sum(row["read"] for row in first.summary["lanes"] if row["shop"] == shop)
        assert reads == len(world.documents("shopify_admin", shop, "order"))
    assert first.total["created"] == first.called("orders.create") > 0


def test_the_hourly_dag_finds_nothing_left_to_do(world: Any, first: Any) -> None:
    run = world.run()

    assert run.succeeded, run.log[-6000:]
    assert (run.total["created"], run.total["updated"], run.writes) == (0, 0, 0)


def test_a_backfill_without_its_window_says_what_to_give(world: Any) -> None:
    done = world.airflow("dags", "test", DAG)

    assert done.returncode != 0
    assert "since" in done.stdout + done.stderr
