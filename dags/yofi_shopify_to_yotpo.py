"""Hourly: the orders of every shop that has the app, to Yotpo, without review requests where Yofi sees abuse.

Each shop is a lane of its own: its changed orders from Shopify, what Yofi knows of them, which of them used a coupon
where the route names a Voucherify connection, all joined and mapped, then products and orders written to its Yotpo
store. A lane that fails leaves the others alone: the summary names it, and the next run begins, for that shop, where it
was covered last. Up to where each shop is covered is kept in the state store of the asset ``partner_order_sync``, and
before Airflow 3.3 in XComs of ``confirm``.

Needs the Variable ``partner_shop_routes`` and the connections it names. The Variable ``partner_app_id``
(``gid://partners/App/…``) is optional: without it every routed shop is taken.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import settings, watermarks, windows
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.pipelines.order_sync import (
    APP_ID_TEMPLATE,
    TIME_SCHEMA,
    fail_on_failed_shops,
    order_lane,
    select_shops,
    shared_params,
    summarize,
    with_lookbacks,
)
from airflow_provider_partners.retry_policy import default_args
from airflow_provider_partners.task_errors import translate_errors

log = logging.getLogger(__name__)

SYNCED = Asset("partner_order_sync")
"""Keeps the watermarks of the shops. From Airflow 3.3 on, schedule on it what follows a run that got through whole."""

KEEPERS = watermarks.watermark_assets(SYNCED)


def watermark(context: Any, shop: str) -> watermarks.Watermark:
    """Up to where a shop's orders are in Yotpo. Only ``confirm`` moves it."""
    return watermarks.Watermark(shop, watermarks.watermark_stores(context, SYNCED, task_id="confirm"))


@task(inlets=KEEPERS)
def choose_windows(lanes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which changes are read: those of ``since`` and ``until``, or of the interval and what was not covered before."""
    context: Any = get_current_context()
    asked, lookback, limit = context["params"], settings.lookback(), settings.catchup()
    now, chosen = datetime.now(UTC).replace(microsecond=0), []
    with translate_errors(context):
        for lane in lanes:
            covered = None if asked["since"] else watermark(context, lane["shop"]).get()
            window = windows.resolve(
                since=asked["since"],
                until=asked["until"],
                context=context,
                lookback=lookback,
                # For a run without an interval: of a shop that is new, as much as is caught up with at most.
                initial_since=now - (lookback if covered else limit),
                now=now,
            )
            window, warning = watermarks.extend_to_watermark(
                window, watermark=covered, lookback=lookback, max_lookback=limit
            )
            if warning:
                log.warning("%s: %s", lane["shop"], warning)
            log.info("%s: this run reads %s", lane["shop"], window)
            chosen.append({**lane, **with_lookbacks(window)})
    return chosen


@task(retries=0, outlets=KEEPERS)
def confirm(summary: dict[str, Any], lanes: list[dict[str, Any]]) -> None:
    """Note how far each shop got, so that the next run leaves no gap; fail the run where a lane failed."""
    context: Any = get_current_context()
    asked = context["params"]
    if not (summary["dry_run"] or asked["since"] or asked["until"]):
        failed = {row["shop"] for row in summary["lanes"] if row["failed"]}
        for lane in lanes:
            # Of a shop that never got through, where its gap begins.
            to = lane["since"] if lane["shop"] in failed else lane["until"]
            watermark(context, lane["shop"]).advance(windows.parse_timestamp(to, "until"))
    for asset in KEEPERS:
        context["outlet_events"][asset].extra = {"shops": len(lanes), "dry_run": summary["dry_run"]}
    fail_on_failed_shops(summary)


with DAG(
    dag_id="yofi_shopify_to_yotpo",
    # A cron string alone would give runs an empty interval in Airflow 3.
    schedule=CronTriggerTimetable("0 * * * *", timezone="UTC", interval=timedelta(hours=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=2, retry_delay=timedelta(minutes=1)),
    params={
        "since": Param(None, description="First moment to read, instead of the interval's start", **TIME_SCHEMA),
        "until": Param(None, description="First moment not to read any more; needs 'since'", **TIME_SCHEMA),
        **shared_params(),
    },
    tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
    doc_md=__doc__,
) as dag:
    installed = ShopifyPartnerActiveShopsOperator(task_id="active_shops", app_id=APP_ID_TEMPLATE)
    lanes = choose_windows(select_shops(installed.output))
    confirm(summarize(lanes, order_lane.expand_kwargs(lanes)), lanes)
