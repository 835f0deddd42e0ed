"""The main Dag's own behaviour, run by Airflow's command: lanes, failures, gaps, and what is said of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.system

WORLD = {"seed": 7, "shops": 2, "orders": 8}
A, B, C = "aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com", "velvet-ember.myshopify.com"


@pytest.fixture(scope="module")
def first(world: Any) -> Any:
    """The run that everything is new to."""
    return world.run()


def test_the_log_shows_the_table_and_tasks_bear_the_names_of_shops(first: Any) -> None:
    assert first.succeeded, first.log[-6000:]
    assert first.labels == {A, B, "voucherify_sandbox", "no Voucherify"}
    assert [row["shop"] for row in first.summary["lanes"]] == [A, B]
    assert first.summary["table"].splitlines()[0] in first.log


def test_a_routed_shop_without_the_app_is_left_out_with_a_line(first: Any) -> None:
    assert f"{C} has a route, but not the app installed" in first.log


def test_a_lane_that_fails_leaves_the_others_alone_and_fails_the_run(first: Any, world: Any) -> None:
    broken = world.run(AIRFLOW_CONN_YOTPO_MAISON_LUMIERE=None)

    assert not broken.succeeded
    assert broken.summary["failed"] == {B: "upsert_products"}
    assert broken.states["lane.upsert_orders", 0] == "success"
    assert broken.states["lane.upsert_orders", 1] == "upstream_failed"
    assert "The connection 'yotpo_maison_lumiere' isn't defined" in broken.log


def test_a_gap_in_the_schedule_is_covered_by_the_next_run(first: Any, world: Any) -> None:
    """Two runs a day apart, of an hour each; nothing was placed in those days, so both are quick and empty."""
    assert world.run("2026-01-05T10:00:00+00:00").succeeded

    after = world.run("2026-01-06T10:00:00+00:00")

    assert after.succeeded, after.log[-6000:]
    assert "[2026-01-05T08:00:00Z, 2026-01-06T10:00:00Z)" in after.log
    assert (after.total["read"], after.total["created"], after.total["rejected"]) == (0, 0, 0)


def test_a_shop_that_failed_keeps_its_gap_and_holds_the_others_not_back(first: Any, world: Any) -> None:
    """The day after the runs above: B's store can't be reached; the day after that it can."""
    assert not world.run("2026-01-07T10:00:00+00:00", AIRFLOW_CONN_YOTPO_MAISON_LUMIERE=None).succeeded
    assert watermarks(world) == {A: "2026-01-07T10:00:00Z", B: "2026-01-06T10:00:00Z"}

    after = world.run("2026-01-08T10:00:00+00:00")

    assert f"{A}: this run reads [2026-01-07T08:00:00Z, 2026-01-08T10:00:00Z)" in after.log
    assert f"{B}: this run reads [2026-01-06T08:00:00Z, 2026-01-08T10:00:00Z)" in after.log
    assert watermarks(world) == dict.fromkeys((A, B), "2026-01-08T10:00:00Z")


def test_a_shop_that_never_got_through_has_its_first_gap_noted(first: Any, world: Any) -> None:
    """The third one has uninstalled the app, so its token is refused."""
    assert C not in watermarks(world)

    world.run("2026-01-09T10:00:00+00:00", conf=None, AIRFLOW_VAR_PARTNER_APP_ID=None)

    assert watermarks(world)[C] == "2026-01-09T07:00:00Z"
    assert watermarks(world)[A] == "2026-01-09T10:00:00Z"


def test_a_window_asked_for_by_hand_moves_no_watermark(first: Any, world: Any) -> None:
    """It has ended long after the days of the runs above."""
    assert first.succeeded
    assert max(watermarks(world).values()) == "2026-01-09T10:00:00Z"


def watermarks(world: Any) -> dict[str, str]:
    """Of the shops, from where Airflow keeps them."""
    rows = world.rows(
        "SELECT key, value FROM asset_state_store JOIN asset ON asset.id = asset_id WHERE name = 'partner_order_sync'"
    )
    return {key.removeprefix("watermark:"): json.loads(value) for key, value in rows}


def test_a_wrong_route_is_one_error_that_names_the_field(first: Any, world: Any) -> None:
    wrong = world.run(AIRFLOW_VAR_PARTNER_SHOP_ROUTES=json.dumps([{"shop": A}]))

    assert not wrong.succeeded
    assert wrong.states["choose_lanes", -1] == "failed"
    assert f"wrong route 1 ({A}): 'shopify_conn_id' is missing; 'yofi_conn_id' is missing" in wrong.log


def test_a_missing_variable_is_one_error_that_says_how_to_set_it(first: Any, world: Any) -> None:
    missing = world.run(AIRFLOW_VAR_PARTNER_SHOP_ROUTES=None)

    assert missing.states["choose_lanes", -1] == "failed"
    assert "The Variable 'partner_shop_routes' isn't set. Set it to a JSON list of routes" in missing.log


def test_a_shop_that_is_asked_for_and_not_routed_is_named(first: Any, world: Any) -> None:
    asked = world.run(conf={"shops": ["nobody.myshopify.com"]})

    assert asked.states["choose_lanes", -1] == "failed"
    assert "asks for shops without a route: nobody.myshopify.com" in asked.log


def test_without_an_app_every_routed_shop_is_taken(first: Any, world: Any) -> None:
    """The third one has uninstalled the app, so its token is refused: a failure of its lane alone, told as such."""
    found = world.run(AIRFLOW_VAR_PARTNER_APP_ID=None)

    assert [row["shop"] for row in found.summary["lanes"]] == [A, B, C]
    assert found.summary["failed"] == {C: "extract_orders"}
    assert found.total["unchanged"] == first.total["created"] > 0
