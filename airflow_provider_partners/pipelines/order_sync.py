"""Hourly: sync the orders of every shop to Yotpo, without a review request where Yofi sees abuse.

Each shop is a lane of its own. A lane reads the shop's changed orders from Shopify. It reads what Yofi knows about
them, and the used coupons, if the route has connections of Yofi and Voucherify. It joins and maps them, then writes
products and orders to the shop's Yotpo store. A failed lane does not stop the others. The summary names it, and the
next run of that shop starts where the last successful one ended. The end of each shop is a watermark in the state
store of the asset ``partner_order_sync``, and before Airflow 3.3 in XComs of the task ``confirm``. After an outage
that is longer than the catch-up limit, the summary names the gap that remains, and ``confirm`` fails, until the
backfill has read it.

The Dag needs the Variable ``partner_shop_routes`` and the connections that it names. The Variable ``partner_app_id`` is
the app that a shop must have installed, ``gid://partners/App/…``, or ``none`` to take every routed shop. A run without
a logical date reads each shop from its watermark until now.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import settings, watermarks, windows
from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines._dag import (
    APP_ID_TEMPLATE,
    TIME_SCHEMA,
    create_dag,
    dag_factory,
    reject_unknown_params,
)
from airflow_provider_partners.pipelines._dag_page import HOURLY_LANE_FAILED
from airflow_provider_partners.pipelines.coverage import (
    WATERMARK_ASSET,
    Coverage,
    OnGap,
    began,
    check_on_gap,
    create_summarize,
    describe_gaps,
    moves_watermark,
    store_began,
)
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.shop_selection import select_shops
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["order_sync_dag"]

log = logging.getLogger(__name__)

# Airflow 3 gives the runs of a plain cron string an empty interval.
HOURLY = CronTriggerTimetable("0 * * * *", timezone="UTC", interval=timedelta(hours=1))


@dag_factory
def order_sync_dag(
    *,
    dag_id: str = "yofi_shopify_to_yotpo",
    schedule: Any = HOURLY,
    catchup_limit: timedelta = timedelta(hours=72),
    on_gap: OnGap = "fail",
    app_id: str = APP_ID_TEMPLATE,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    asset: Asset = WATERMARK_ASSET,
    arguments: OrderArguments,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that syncs orders to Yotpo.

    :param schedule: a timetable that gives each run an interval; see ``HOURLY``
    :param catchup_limit: how far back a run reads, per shop, to cover earlier runs that failed or never ran
    :param on_gap: whether the run fails, or only warns, while a shop has a gap that no run has read
    :param app_id: the app that a shop must have installed; by default the Variable ``partner_app_id``;
        ``none`` takes every routed shop
    :param shopify_partner_conn_id: connection that lists the installed shops
    :param asset: keeps the watermarks and gaps; two Dags that sync the same shop need one each
    :param arguments: the fields of :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`, each
        as an argument of its own
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    check_on_gap(on_gap)
    assets = watermarks.watermark_assets(asset)
    summarize = create_summarize(asset)

    @task(retries=0)
    def check_params() -> list[str]:
        """Return the params that the run sets. An unknown key is refused before anything is read or written."""
        context: Any = get_current_context()
        with translate_errors(context):
            return reject_unknown_params(context)

    @task(inlets=assets)
    def choose_windows(lanes: Any) -> list[dict[str, Any]]:
        """Return the lanes with their windows: ``since`` to ``until``, or the interval and what was not covered."""
        context: Any = get_current_context()
        with translate_errors(context):
            now = datetime.now(UTC).replace(microsecond=0)
            chosen = _choose_windows(context, lanes, asset=asset, catchup_limit=catchup_limit, now=now)
            store_began(context, now)
            return [{**lane, **steps.with_lookbacks(window, **arguments.lookbacks)} for lane, window in chosen]

    @task(retries=0, outlets=assets)
    def confirm(summary: Any, lanes: Any) -> None:
        """Store the gaps, and advance the watermark of each shop; fail if a lane failed, or for a gap."""
        context: Any = get_current_context()
        with translate_errors(context):
            coverage = Coverage(context, asset)
            is_moving = moves_watermark(context["params"])
            coverage.store_gaps(summary, lanes, began=began(context), moves_watermark=is_moving)
            if is_moving and not summary["dry_run"]:
                for line in coverage.advance(summary, lanes, began=began(context)):
                    log.info(line)
            for outlet in assets:
                gaps = {shop: gaps for shop, gaps in summary["gaps"].items() if gaps}
                extra = {"shops": len(lanes), "dry_run": summary["dry_run"], "gaps": gaps}
                context["outlet_events"][outlet].extra = extra
            steps.fail_on_failed_shops(summary)
            _report_gaps(describe_gaps(summary["gaps"]), on_gap)

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(None, description="Start of the changes to read, instead of the interval's", **TIME_SCHEMA),
            "until": Param(None, description="End of the changes to read; needs 'since'", **TIME_SCHEMA),
            **steps.shared_params(),
        },
        tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
        doc_md=__doc__,
        on_failure=HOURLY_LANE_FAILED,
        page="The main Dag|reference/main-dag",
        dag_args=dag_args,
    ) as dag:
        installed = ShopifyPartnerActiveShopsOperator(
            task_id="active_shops", app_id=app_id, shopify_partner_conn_id=shopify_partner_conn_id
        )
        checked = check_params()
        checked >> installed
        selected = select_shops(installed.output, **arguments.selection())
        lanes = choose_windows(selected)
        results = {
            "check_params": checked,
            "active_shops": installed.output,
            "select_shops": selected,
            "choose_windows": lanes,
        }
        mapped = steps.map_lanes(steps.ORDER_LANE, lanes, **arguments.mapping)
        confirm(summarize(results, lanes, mapped), lanes)
    return dag


def _report_gaps(error: PartnersError | None, on_gap: OnGap) -> None:
    if error is None:
        return
    if on_gap == "fail":
        raise error
    log.warning("%s", error)


def _choose_windows(
    context: Mapping[str, Any],
    lanes: Sequence[Mapping[str, Any]],
    *,
    asset: Asset,
    catchup_limit: timedelta,
    now: datetime,
) -> list[tuple[Mapping[str, Any], windows.Window]]:
    params, lookback = context["params"], settings.lookback()
    coverage, chosen = Coverage(context, asset), []
    for lane in lanes:
        watermark = None if params["since"] else coverage.watermark(lane["shop"]).get()
        window = windows.resolve(
            since=params["since"],
            until=params["until"],
            context=context,
            lookback=lookback,
            # For a run without an interval: a new shop starts at the catch-up limit.
            initial_since=now - (lookback if watermark else catchup_limit),
            now=now,
        )
        window, gap = watermarks.extend_to_watermark(
            window, watermark=watermark, lookback=lookback, max_lookback=catchup_limit, now=now
        )
        if gap:
            log.warning("%s: no run has read %s, which is longer ago than the catch-up limit", lane["shop"], gap)
        log.info("%s: this run reads %s", lane["shop"], window)
        chosen.append((lane, window))
    return chosen
