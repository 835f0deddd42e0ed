"""The main Dag in Airflow: lanes, failures, gaps, and the errors of a run."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.system

SANDBOX = {"seed": 7, "shops": 2, "orders": 8}
A, B, C = "aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com", "velvet-ember.myshopify.com"
WRONG = json.dumps({"conn_type": "yotpo", "login": "x"})
"""A connection without a secret. It fails at once; one that is missing is left to the task's retries."""


@pytest.fixture(scope="module")
def routes(airflow: Any) -> list[dict[str, Any]]:
    """The routes of the sandbox. B has Shopify and Yotpo alone."""
    routes = json.loads(airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    for route in routes:
        if route["shop"] == B:
            del route["yofi_conn_id"], route["voucherify_conn_id"]
    return routes


@pytest.fixture(scope="module")
def first_run(airflow: Any, routes: list[dict[str, Any]]) -> Any:
    """The first run, for which every order is new."""
    airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"] = json.dumps(routes)
    return airflow.run()


def test_the_log_has_the_table_and_tasks_are_labelled_with_their_shops(first_run: Any) -> None:
    assert first_run.succeeded, first_run.log[-6000:]
    assert first_run.labels == {A, B}
    assert [lane["shop"] for lane in first_run.summary["lanes"]] == [A, B]
    assert first_run.summary["table"].splitlines()[0] in first_run.log


def test_the_run_leaves_a_report_that_agrees_with_what_yotpo_holds(first_run: Any, airflow: Any) -> None:
    """Counts and prices come from Yotpo's stores, read over HTTP without this package."""
    report, page = airflow.reports()[0]

    assert (report["dag_id"], report["state"], report["dry_run"]) == ("yofi_shopify_to_yotpo", "success", False)
    assert [lane["shop"] for lane in report["lanes"]] == [A, B]
    for lane in report["lanes"]:
        held = {order["external_id"]: order for order in airflow.yotpo_orders(lane["shop"])}
        assert lane["counts"]["created"] == len(held) > 0
        created = [sample for sample in lane["samples"] if sample["action"] == "created"]
        assert created
        for sample in created:
            values = {each["name"]: each["after"] for each in sample["changes"]}
            assert float(values["total_price"]) == float(held[sample["external_id"]]["total_price"])
            assert values["customer"] == "•••"
        steps = {step["task"]: step["state"] for step in lane["steps"]}
        assert steps["upsert_orders"] == "success"
        assert steps["extract_returns"] == ("skipped" if lane["shop"] == B else "success")
        calls = {each["partner"]: each["requests"] for each in lane["api"]}
        assert sum(calls.values()) == lane["counts"]["api_calls"]
        store = airflow.store_of(lane["shop"])
        served = sum(count for name, count in first_run.calls.items() if name.startswith(f"yotpo/{store}/"))
        served += sum(count for name, count in first_run.calls.items() if name.startswith(f"yotpo/{lane['shop']}/"))
        assert calls["yotpo"] == served > 0
        for order in held.values():
            for value in (order["customer"].get("email"), (order.get("billing_address") or {}).get("address1")):
                assert not value or value not in page
    assert page.startswith("<!doctype html>")
    assert f"{airflow.home}/partners/staging/.reports/" in first_run.log


def test_shopify_and_yotpo_alone_are_a_whole_lane(first_run: Any, airflow: Any) -> None:
    lane = next(lane for lane in first_run.summary["lanes"] if lane["shop"] == B)
    assert (lane["failed"], lane["rejected"]) == (None, 0)
    assert lane["created"] == len(airflow.yotpo_orders(B)) > 0
    lists = ("extract_returns", "extract_customers", "extract_claims", "extract_redemptions")
    assert {first_run.states[f"lane.{name}", 1] for name in lists} == {"skipped"}
    assert {first_run.states[f"lane.{name}", 0] for name in lists} == {"success"}
    assert not [name for name in first_run.calls if name.startswith(f"yofi/{B}/")]
    assert [name for name in first_run.calls if name.startswith(f"yofi/{A}/")]


def test_a_routed_shop_without_the_app_is_skipped_with_a_log_line(first_run: Any) -> None:
    assert f"{C} has a route, but the app is not installed" in first_run.log


def test_a_failed_lane_fails_the_run_but_not_the_other_lanes(first_run: Any, airflow: Any) -> None:
    failed_run = airflow.run(AIRFLOW_CONN_YOTPO_MAISON_LUMIERE=WRONG)

    assert not failed_run.succeeded
    assert failed_run.summary["failed"] == {B: "upsert_products"}
    assert failed_run.states["lane.upsert_orders", 0] == "success"
    assert failed_run.states["lane.upsert_orders", 1] == "upstream_failed"
    assert "The connection 'yotpo_maison_lumiere' has no api secret" in failed_run.log
    report, page = airflow.reports()[-1]
    assert report["state"] == "failed"
    lane = next(lane for lane in report["lanes"] if lane["shop"] == B)
    assert (lane["failed_at"], lane["error"]["task"]) == ("upsert_products", "upsert_products")
    assert "has no api secret" in lane["error"]["message"]
    assert "has no api secret" in html.unescape(page)
    assert next(lane for lane in report["lanes"] if lane["shop"] == A)["state"] == "success"


def test_a_gap_in_the_schedule_is_covered_by_the_next_run(first_run: Any, airflow: Any) -> None:
    """Two runs of an hour, a day apart. The sandbox has no orders in those days, so both are quick and empty."""
    assert airflow.run("2026-01-05T10:00:00+00:00").succeeded

    next_run = airflow.run("2026-01-06T10:00:00+00:00")

    assert next_run.succeeded, next_run.log[-6000:]
    assert "[2026-01-05T08:00:00Z, 2026-01-06T10:00:00Z)" in next_run.log
    assert (next_run.total["read"], next_run.total["created"], next_run.total["rejected"]) == (0, 0, 0)


def test_a_failed_shop_keeps_its_gap_and_does_not_delay_others(first_run: Any, airflow: Any) -> None:
    """The day after the runs above, B's connection is wrong; the day after that it is right again.

    It is that of Shopify: a shop without changes needs no other.
    """
    wrong = json.dumps({"conn_type": "shopify_admin", "host": f"https://{B}"})
    assert not airflow.run("2026-01-07T10:00:00+00:00", AIRFLOW_CONN_SHOPIFY_ADMIN_MAISON_LUMIERE=wrong).succeeded
    assert watermarks(airflow) == {A: "2026-01-07T10:00:00Z", B: "2026-01-06T10:00:00Z"}

    next_run = airflow.run("2026-01-08T10:00:00+00:00")

    assert f"{A}: this run reads [2026-01-07T08:00:00Z, 2026-01-08T10:00:00Z)" in next_run.log
    assert f"{B}: this run reads [2026-01-06T08:00:00Z, 2026-01-08T10:00:00Z)" in next_run.log
    assert watermarks(airflow) == dict.fromkeys((A, B), "2026-01-08T10:00:00Z")


def test_the_first_gap_of_a_shop_that_never_succeeded_is_recorded(first_run: Any, airflow: Any) -> None:
    """Shop C has uninstalled the app, so its token is refused."""
    assert C not in watermarks(airflow)

    airflow.run("2026-01-09T10:00:00+00:00", conf=None, AIRFLOW_VAR_PARTNER_APP_ID="none")

    assert watermarks(airflow)[C] == "2026-01-09T07:00:00Z"
    assert watermarks(airflow)[A] == "2026-01-09T10:00:00Z"


def test_a_window_given_by_hand_moves_no_watermark(first_run: Any, airflow: Any) -> None:
    """The first run's window ends long after the days of the runs above."""
    assert first_run.succeeded
    assert max(watermarks(airflow).values()) == "2026-01-09T10:00:00Z"


def test_an_outage_beyond_the_catch_up_limit_fails_the_run_until_the_backfill_has_read_the_gap(
    first_run: Any, airflow: Any
) -> None:
    """The last run was eleven days ago, and the catch-up limit is three days."""
    run = airflow.run("2026-01-20T10:00:00+00:00")

    gap = [{"since": "2026-01-09T10:00:00Z", "until": "2026-01-17T10:00:00Z"}]
    assert not run.succeeded
    assert run.summary["failed"] == {}
    assert run.summary["gaps"] == {A: gap, B: gap}
    assert f"Read by no run:\n          {A} from 2026-01-09T10:00:00Z to 2026-01-17T10:00:00Z" in run.summary["table"]
    assert "Run yofi_shopify_to_yotpo_backfill with 'since' 2026-01-09T10:00:00Z" in run.log
    assert watermarks(airflow)[A] == "2026-01-20T10:00:00Z"
    assert stored(airflow, "gaps:") == {A: gap, B: gap}

    conf = {"since": "2026-01-09T00:00:00Z", "until": "2026-01-18T00:00:00Z"}
    backfill = airflow.run(dag_id="yofi_shopify_to_yotpo_backfill", conf=conf)

    assert backfill.succeeded, backfill.log[-6000:]
    assert stored(airflow, "gaps:") == {A: [], B: []}


def watermarks(airflow: Any) -> dict[str, str]:
    """The watermarks of the shops, from Airflow's database."""
    return stored(airflow, "watermark:")


def stored(airflow: Any, prefix: str) -> dict[str, Any]:
    """What the asset keeps for the shops, from Airflow's database."""
    rows = airflow.query_database(
        "SELECT key, value FROM asset_state_store JOIN asset ON asset.id = asset_id WHERE name = 'partner_order_sync'"
    )
    return next((json.loads(value) for key, value in rows if key == f"{prefix}*"), {})


def test_a_wrong_route_is_one_error_that_names_the_field(first_run: Any, airflow: Any) -> None:
    run = airflow.run(AIRFLOW_VAR_PARTNER_SHOP_ROUTES=json.dumps([{"shop": A}]))

    assert not run.succeeded
    assert "The step 'select_shops' did not succeed, so this run has not done its work" in run.log
    assert run.states["select_shops", -1] == "failed"
    assert f"wrong route 1 ({A}): 'shopify_conn_id' is missing; 'yotpo_conn_id' is missing" in run.log
    report, page = airflow.reports()[-1]
    assert (report["state"], report["lanes"], report["error"]["task"]) == ("failed", [], "select_shops")
    assert f"wrong route 1 ({A})" in html.unescape(page)


def test_a_missing_variable_is_one_error_with_the_remedy(first_run: Any, airflow: Any, tmp_path: Path) -> None:
    """It is left to the retries, because Airflow answers the same while its API server fails. Here there are none."""
    dag_file = "from airflow_provider_partners.pipelines import order_sync_dag\n"
    (tmp_path / "no_retries.py").write_text(f"{dag_file}dag = order_sync_dag(default_args={{'retries': 0}})\n")
    folder = {"AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path)}
    run = airflow.run(AIRFLOW_VAR_PARTNER_SHOP_ROUTES=None, **folder)

    assert run.states["select_shops", -1] == "failed"
    assert "Airflow did not find the Variable 'partner_shop_routes'. Set it to a JSON list of routes" in run.log
    assert "a retry helps" in run.log


def test_a_requested_shop_without_a_route_is_named(first_run: Any, airflow: Any) -> None:
    run = airflow.run(conf={"shops": ["nobody.myshopify.com"]})

    assert run.states["select_shops", -1] == "failed"
    assert "names shops without a route: nobody.myshopify.com" in run.log


def test_routes_of_a_file_are_taken_each_in_its_pool(
    first_run: Any, airflow: Any, routes: list[dict[str, Any]], tmp_path: Path
) -> None:
    """Without an app every routed shop is taken. C has uninstalled it, so its token is refused and its lane fails.

    B's route names a pool, so that its lane is in a group of its own.
    """
    in_pool = [{**route, **({"pool": "big shops"} if route["shop"] == B else {})} for route in routes]
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump(in_pool))
    dag_file = "from airflow_provider_partners.pipelines import order_sync_dag\n"
    source = str(tmp_path / "routes.yaml")
    (tmp_path / "from_file.py").write_text(f"{dag_file}dag = order_sync_dag(routes={source!r})\n")

    run = airflow.run(
        AIRFLOW_VAR_PARTNER_SHOP_ROUTES=None,
        AIRFLOW_VAR_PARTNER_APP_ID="none",
        AIRFLOW__CORE__DAGS_FOLDER=str(tmp_path),
    )

    assert [lane["shop"] for lane in run.summary["lanes"]] == [A, B, C]
    assert run.summary["failed"] == {C: "extract_orders"}
    assert run.total["unchanged"] == first_run.total["created"] > 0
    assert (run.states["lane.build", 0], run.states["lane_big_shops.build", 0]) == ("success", "success")
    pools = airflow.query_database("SELECT DISTINCT task_id, pool FROM task_instance WHERE pool = 'big shops'")
    assert {task_id.partition(".")[0] for task_id, _ in pools} == {"lane_big_shops"}


def test_a_run_without_a_shop_fails_unless_the_dag_allows_it(first_run: Any, airflow: Any, tmp_path: Path) -> None:
    """C has a route, and has uninstalled the app."""
    run = airflow.run(conf={"shops": [C]})

    assert not run.succeeded
    assert run.states["select_shops", -1] == "failed"
    assert (
        "No routed shop has the app installed, so there is nothing to sync. Check the routes, the app's id" in run.log
    )

    dag_file = "from airflow_provider_partners.pipelines import order_sync_dag\n"
    (tmp_path / "skips.py").write_text(f"{dag_file}dag = order_sync_dag(on_no_shops='skip')\n")
    allowed = airflow.run(conf={"shops": [C]}, AIRFLOW__CORE__DAGS_FOLDER=str(tmp_path))

    assert allowed.succeeded, allowed.log[-4000:]
    assert (allowed.states["summarize", -1], allowed.states["confirm", -1]) == ("success", "skipped")
    assert "No shop to sync: no routed shop has the app installed." in allowed.summary["table"]


def test_an_unknown_key_in_the_conf_is_refused_before_anything_is_read(first_run: Any, airflow: Any) -> None:
    run = airflow.run(conf={"dryrun": True})

    assert not run.succeeded
    assert run.states["check_params", -1] == "failed"
    assert run.states["active_shops", -1] == "upstream_failed"
    assert "unknown param 'dryrun': did you mean 'dry_run'?" in run.log
    assert not run.calls
