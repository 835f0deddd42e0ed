"""The Dag that sends rejected orders again: what Yotpo refused, and what could not be built."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.system

SANDBOX = {"seed": 13, "shops": 1, "orders": 30}
DAG = "yotpo_replay_rejects"
ORDER_DAG = "yofi_shopify_to_yotpo"

TRANSFORM = '''
"""A transform of the merchant's own, with a mistake in it while a file exists."""
import pathlib


def apply(payload, *, order, context):
    if pathlib.Path(__file__).with_name("mistake").exists() and payload["external_id"].endswith(("1", "5")):
        return {**payload, "currency": "dollars"}
    return payload
'''


@pytest.fixture(scope="module", autouse=True)
def mistake(airflow: Any) -> Path:
    """A mistake in the mapping of some orders. It is mended when the file is removed."""
    folder = airflow.home / "code"
    folder.mkdir()
    (folder / "merchants_own.py").write_text(TRANSFORM)
    (folder / "mistake").touch()
    routes = json.loads(airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"])
    routes = [{**route, "transform": "merchants_own:apply"} for route in routes]
    airflow.environment["AIRFLOW_VAR_PARTNER_SHOP_ROUTES"] = json.dumps(routes)
    airflow.environment["PYTHONPATH"] = str(folder)
    return folder / "mistake"


def replay(airflow: Any, **params: Any) -> Any:
    """One run of the Dag; a run of it has no window."""
    return airflow.run("--conf", json.dumps(params), dag_id=DAG)


def order_run_ids(airflow: Any) -> list[str]:
    rows = airflow.query_database("SELECT run_id FROM dag_run WHERE dag_id = ? ORDER BY id", ORDER_DAG)
    return [run_id for (run_id,) in rows]


@pytest.fixture(scope="module")
def rejecting_run(airflow: Any, mistake: Path) -> Any:
    """A run in which some orders can't be built, and Yotpo refuses three others.

    The response is Yotpo's for an invalid body, https://core-api.yotpo.com/reference/response-codes.
    """
    body = {"errors": [{"code": 400, "message": "currency is not supported by this store"}]}
    refusal = {"path_prefix": "/yotpo", "path_regex": "/orders$", "method": "POST", "status": 400, "body": body}
    airflow.running.faults.add(times=3, **refusal)
    now = datetime.now(UTC)
    window = {"since": f"{now - timedelta(days=200):%Y-%m-%dT%H:%M:%SZ}", "until": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    return airflow.run(conf=window, AIRFLOW__PARTNERS__REJECT_FLOOR="20")


def test_rejects_are_named_with_the_dag_that_sends_them_again(airflow: Any, rejecting_run: Any) -> None:
    assert rejecting_run.succeeded, rejecting_run.log[-6000:]
    assert rejecting_run.total["rejected"] > 3
    (run_id,) = order_run_ids(airflow)
    log = " ".join(rejecting_run.log.split())
    assert f"trigger the Dag {DAG} with the params run={run_id} and dag_id={ORDER_DAG}" in log


def test_a_plan_sends_nothing_and_closes_nothing(airflow: Any, rejecting_run: Any) -> None:
    (run_id,) = order_run_ids(airflow)
    planned = replay(airflow, run=run_id, dry_run=True)
    assert planned.summary["total"]["read"] == rejecting_run.total["rejected"]
    assert planned.total["would_create"] == 3
    assert planned.writes == 0


def test_what_is_not_mended_is_rejected_again_and_stays_open(airflow: Any, rejecting_run: Any) -> None:
    """The three that Yotpo refused arrive; those that the merchant's own code breaks do not."""
    (run_id,) = order_run_ids(airflow)
    before = len(airflow.yotpo_orders(rejecting_run.summary["lanes"][0]["shop"]))
    half = replay(airflow, run=run_id)
    assert not half.succeeded
    assert half.total["created"] == 3
    assert len(airflow.yotpo_orders(rejecting_run.summary["lanes"][0]["shop"])) == before + 3
    assert re.search(rf"{rejecting_run.total['rejected'] - 3} orders were rejected again", half.log)


def test_after_the_cause_is_mended_the_rest_is_sent_once(airflow: Any, rejecting_run: Any, mistake: Path) -> None:
    shop = rejecting_run.summary["lanes"][0]["shop"]
    mistake.unlink()

    mended = replay(airflow, shop=shop)
    assert mended.succeeded, mended.log[-6000:]
    assert mended.total["read"] == mended.total["created"] == rejecting_run.total["rejected"] - 3

    ids = [order["external_id"] for order in airflow.yotpo_orders(shop)]
    assert len(ids) == len(set(ids)) == rejecting_run.total["read"] - rejecting_run.total["left_out"]

    second = replay(airflow, shop=shop)
    assert second.succeeded, second.log[-6000:]
    assert not second.calls
    assert "has no open rejects" in second.log


def test_a_run_without_a_run_and_a_shop_is_refused(airflow: Any, rejecting_run: Any) -> None:
    refused = replay(airflow)
    assert not refused.succeeded
    assert "The run names neither a run nor a shop" in refused.log
    assert not refused.calls
