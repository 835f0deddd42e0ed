"""The main Dag run by Airflow's own command in a home of its own, against the sandbox over real HTTP."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from airflow_provider_partners.sandbox.credentials import environment
from airflow_provider_partners.sandbox.seed import build
from airflow_provider_partners.sandbox.server import serve

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system")]

DAG = "yofi_shopify_to_yotpo"
DAGS = Path(__file__).parents[2] / "dags"
WINDOW = {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
A, B, C = "aurora-apparel.myshopify.com", "maison-lumiere.myshopify.com", "velvet-ember.myshopify.com"
WRITES = ("create", "update")


class Airflow:
    """An Airflow in a folder: runs the Dag and tells what became of its tasks."""

    def __init__(self, home, variables):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        self.home, self.environment = (
            home,
            {
                **kept,
                **variables,
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__PARTNERS__BUDGET_URI": (home / "budgets").as_uri(),
            },
        )
        self.command("db", "migrate", check=True)

    def command(self, *arguments, check=False, **changes):
        environment = {name: value for name, value in {**self.environment, **changes}.items() if value is not None}
        return subprocess.run(
            [sys.executable, "-m", "airflow", *arguments], env=environment, check=check, capture_output=True, text=True
        )

    def run(self, *date, conf=None, **changes):
        """Run the Dag once; gives the summary, the states of its tasks, and what it printed."""
        arguments = ["dags", "test", DAG, *date, *(["--conf", json.dumps(conf)] if conf else [])]
        done = self.command(*arguments, **changes)
        run_id = self.rows("SELECT run_id FROM dag_run ORDER BY id DESC LIMIT 1")[0][0]
        (value,) = self.rows(
            "SELECT value FROM xcom WHERE run_id = ? AND task_id = 'summarize' AND key = 'return_value'", run_id
        )[0]
        states = self.rows(
            "SELECT task_id, map_index, state, rendered_map_index FROM task_instance WHERE run_id = ?", run_id
        )
        return Run(done, json.loads(value), states)

    def rows(self, query, *values):
        with closing(sqlite3.connect(self.home / "airflow.db")) as database:
            return database.execute(query, values).fetchall()


class Run:
    def __init__(self, done, summary, states):
        self.succeeded, self.log, self.summary = done.returncode == 0, done.stdout + done.stderr, summary
        self.total, self.states = summary["total"], {(task, index): state for task, index, state, _ in states}
        self.labels = {label for task, _, _, label in states if task.startswith("lane.") and label}


@pytest.fixture(scope="module")
def sandbox():
    world = build(path=":memory:", seed=7, shops=2, orders=8, now=None)
    with serve(world) as running:
        yield running
    world.store.close()


@pytest.fixture(scope="module")
def airflow(sandbox, tmp_path_factory):
    return Airflow(tmp_path_factory.mktemp("airflow"), environment(sandbox.url, seed=7, shops=2))


@pytest.fixture(scope="module")
def first(airflow):
    """The run that everything is new to."""
    return airflow.run(conf=WINDOW)


@pytest.fixture
def writes(sandbox):
    """How often something was written to Yotpo since the test began."""
    before = dict(sandbox.sandbox.calls)

    def count():
        after = dict(sandbox.sandbox.calls)
        return sum(
            number - before.get(name, 0)
            for name, number in after.items()
            if name.startswith("yotpo/") and name.endswith(WRITES)
        )

    return count


def test_every_order_of_every_routed_shop_arrives(first):
    assert first.succeeded, first.log
    assert first.total["read"] == 16
    assert first.total["created"] == 16 - first.total["left_out"] > 0
    assert first.total["rejected"] == 0
    assert [row["shop"] for row in first.summary["shops"]] == [A, B]


def test_the_log_shows_the_table_and_tasks_bear_the_names_of_shops(first):
    assert first.labels == {A, B}
    assert first.summary["table"].splitlines()[0] in first.log


def test_neither_secrets_nor_personal_data_are_in_xcom_or_the_log(first, airflow, sandbox):
    credentials = sandbox.sandbox.credentials
    secrets = [credentials["yofi"]["secret"], *(store["secret"] for store in credentials["yotpo"].values())]
    mails = {
        body["email"]
        for partner, _, kind, _, body in sandbox.sandbox.store
        if partner == "shopify_admin" and kind == "order" and body.get("email")
    }
    kept = " ".join(str(value) for (value,) in airflow.rows("SELECT value FROM xcom")) + first.log
    assert mails
    assert not [text for text in (*secrets, *mails) if text in kept]


def test_the_same_window_again_writes_nothing(first, airflow, writes):
    again = airflow.run(conf=WINDOW)
    assert again.succeeded, again.log
    assert (again.total["created"], again.total["updated"]) == (0, 0)
    assert again.total["unchanged"] == first.total["created"]
    assert writes() == 0


def test_a_lane_that_fails_leaves_the_others_alone_and_fails_the_run(first, airflow):
    broken = airflow.run(conf=WINDOW, AIRFLOW_CONN_YOTPO_MAISON_LUMIERE=None)
    assert not broken.succeeded
    assert broken.summary["failed"] == {B: "upsert_products"}
    assert broken.states["lane.upsert_orders", 0] == "success"
    assert broken.states["lane.upsert_orders", 1] == "upstream_failed"
    assert "The connection 'yotpo_maison_lumiere' isn't defined" in broken.log


def test_a_dry_run_of_one_shop_writes_nothing(first, airflow, writes, sandbox):
    planned = airflow.run(conf={**WINDOW, "shops": [A], "dry_run": True})
    assert planned.succeeded, planned.log
    assert [row["shop"] for row in planned.summary["shops"]] == [A]
    assert planned.summary["dry_run"]
    assert writes() == 0


def test_a_gap_in_the_schedule_is_covered_by_the_next_run(first, airflow):
    """Two runs a day apart, of an hour each; nothing was placed in those days, so both are quick and empty."""
    assert airflow.run("2026-01-05T10:00:00+00:00").succeeded
    after = airflow.run("2026-01-06T10:00:00+00:00")
    assert after.succeeded, after.log
    assert "[2026-01-05T08:00:00Z, 2026-01-06T10:00:00Z)" in after.log
    assert (after.total["read"], after.total["created"], after.total["rejected"]) == (0, 0, 0)


def test_a_wrong_route_is_one_error_that_names_the_field(first, airflow):
    wrong = airflow.run(conf=WINDOW, AIRFLOW_VAR_PARTNER_SHOP_ROUTES=json.dumps([{"shop": A}]))
    assert not wrong.succeeded
    assert wrong.states["choose_lanes", -1] == "failed"
    assert f"wrong route 1 ({A}): 'shopify_conn_id' is missing; 'yofi_conn_id' is missing" in wrong.log


def test_without_an_app_every_routed_shop_is_taken(first, airflow):
    """The third one has uninstalled the app, so its token is refused: a failure of its lane alone, told as such."""
    found = airflow.run(conf=WINDOW, AIRFLOW_VAR_PARTNER_APP_ID=None)
    assert [row["shop"] for row in found.summary["shops"]] == [A, B, C]
    assert found.summary["failed"] == {C: "extract_orders"}
    assert found.total["unchanged"] == first.total["created"]


def test_a_routed_shop_without_the_app_is_left_out_with_a_line(first):
    assert f"{C} has a route, but not the app installed" in first.log
