"""Hourly: the orders of every shop that has the app, to Yotpo, without review requests where Yofi sees abuse.

Each shop is a lane of its own: its changed orders from Shopify, what Yofi knows of them, which of them used a coupon
where the route names a Voucherify connection, all joined and mapped, then products and orders written to its Yotpo
store. A lane that fails leaves the others alone: the summary names it, and the next run begins where the last run
ended that covered every shop.

Needs the Variable ``partner_shop_routes`` and the connections it names. The Variable ``partner_app_id``
(``gid://partners/App/…``) is optional: without it every routed shop is taken.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import catchup, settings, windows
from airflow_provider_partners.operators.base import translated
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.order_sync import (
    APP_ID,
    TIME,
    choose_lanes,
    order_lane,
    params,
    refuse_failures,
    summarize,
    with_margins,
)

log = logging.getLogger(__name__)

COVERED = "covered_until"
"""Under this key ``confirm`` notes how far a run has truly got."""


@task
def choose_window() -> list[dict[str, str]]:
    """Which changes are read: those of ``since`` and ``until``, or of the interval and what no run covered."""
    context: Any = get_current_context()
    asked, lookback = context["params"], settings.lookback()
    with translated(context):
        window = windows.resolve(since=asked["since"], until=asked["until"], context=context, lookback=lookback)
        if not asked["since"]:
            # With a map index it is the latest value alone, without one a list of those of all runs.
            covered = context["ti"].xcom_pull(task_ids="confirm", key=COVERED, include_prior_dates=True, map_indexes=-1)
            window, warning = catchup.reach_back(
                window, covered_until=covered, lookback=lookback, limit=settings.catchup()
            )
            if warning:
                log.warning(warning)
        log.info("This run reads %s", window)
        return [with_margins(window)]


@task(retries=0)
def confirm(summary: dict[str, Any], chosen: list[dict[str, str]]) -> None:
    """Fail the run where a lane failed; otherwise note how far it got, so that the next one leaves no gap."""
    context: Any = get_current_context()
    asked = context["params"]
    refuse_failures(summary)
    if not (summary["dry_run"] or asked["since"] or asked["until"] or asked["shops"]):
        context["ti"].xcom_push(key=COVERED, value=chosen[0]["until"])


with DAG(
    dag_id="yofi_shopify_to_yotpo",
    # A cron string alone would give runs an empty interval in Airflow 3.
    schedule=CronTriggerTimetable("0 * * * *", timezone="UTC", interval=timedelta(hours=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    params={
        "since": Param(None, description="First moment to read, instead of the interval's start", **TIME),
        "until": Param(None, description="First moment not to read any more; needs 'since'", **TIME),
        **params(),
    },
    tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
    doc_md=__doc__,
) as dag:
    window = choose_window()
    installed = ShopifyPartnerActiveShopsOperator(task_id="active_shops", app_id=APP_ID)
    lanes = choose_lanes(installed.output, window)
    confirm(summarize(lanes, order_lane.expand_kwargs(lanes)), window)
