"""Hourly: sync the orders of every shop to Yotpo, without a review request where Yofi sees abuse.

Each shop is a lane of its own. A lane reads the shop's changed orders from Shopify, what Yofi knows about them, and the
used coupons if the route has a Voucherify connection. It joins and maps them, then writes products and orders to the
shop's Yotpo store. A failed lane does not stop the others. The summary names it, and the next run of that shop starts
where the last successful one ended. The end of each shop is a watermark in the state store of the asset
``partner_order_sync``, and before Airflow 3.3 in XComs of the task ``confirm``.

The Dag needs the Variable ``partner_shop_routes`` and the connections that it names. The Variable ``partner_app_id``
(``gid://partners/App/…``) is optional: without it, a run takes every routed shop.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Asset, Param, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import settings, timestamps, watermarks, windows
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines._dag import APP_ID_TEMPLATE, TIME_SCHEMA, create_dag, reject_unknown_params
from airflow_provider_partners.task_errors import translate_errors

if TYPE_CHECKING:
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

__all__ = ["order_sync_dag"]

log = logging.getLogger(__name__)

# Airflow 3 gives the runs of a plain cron string an empty interval.
HOURLY = CronTriggerTimetable("0 * * * *", timezone="UTC", interval=timedelta(hours=1))

WATERMARK_ASSET = Asset("partner_order_sync")
"""Keeps the watermarks of the shops. From Airflow 3.3 on, schedule a Dag on it that follows a successful run."""


def order_sync_dag(
    *,
    dag_id: str = "yofi_shopify_to_yotpo",
    schedule: Any = HOURLY,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
    catchup_limit: timedelta = timedelta(hours=72),
    claims_lookback: timedelta = steps.CLAIMS_LOOKBACK,
    coupons_lookback: timedelta = steps.COUPONS_LOOKBACK,
    app_id: str = APP_ID_TEMPLATE,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    asset: Asset = WATERMARK_ASSET,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that syncs orders to Yotpo.

    :param schedule: a timetable that gives each run an interval; see ``HOURLY``
    :param options: options of the mapping
    :param policy: when the review request of an order is suppressed
    :param coupon_policy: which redemptions count as an order's coupons
    :param catchup_limit: how far back a run reads, per shop, to cover earlier runs that failed or never ran
    :param claims_lookback: how old a claim may be to count
    :param coupons_lookback: how long before the orders' window redemptions are read. An older order keeps its coupon
        fields
    :param app_id: the app that a shop must have installed; by default the Variable ``partner_app_id``
    :param shopify_partner_conn_id: connection that lists the installed shops
    :param asset: keeps the watermarks; two Dags that sync the same shop need one each
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    assets = watermarks.watermark_assets(asset)

    @task(retries=0)
    def check_params() -> None:
        """Refuse a run with an unknown key in its conf, before anything is read or written."""
        context: Any = get_current_context()
        with translate_errors(context):
            reject_unknown_params(context)

    @task(inlets=assets)
    def choose_windows(lanes: Any) -> list[dict[str, Any]]:
        """Return the lanes with their windows: ``since`` to ``until``, or the interval and what was not covered."""
        context: Any = get_current_context()
        with translate_errors(context):
            chosen = _choose_windows(context, lanes, asset=asset, catchup_limit=catchup_limit)
            lookbacks = {"claims_lookback": claims_lookback, "coupons_lookback": coupons_lookback}
            return [{**lane, **steps.with_lookbacks(window, **lookbacks)} for lane, window in chosen]

    @task(retries=0, outlets=assets)
    def confirm(summary: Any, lanes: Any) -> None:
        """Advance the watermark of each shop, so that the next run leaves no gap; fail if a lane failed."""
        context: Any = get_current_context()
        _advance_watermarks(context, summary, lanes, asset=asset)
        for outlet in assets:
            context["outlet_events"][outlet].extra = {"shops": len(lanes), "dry_run": summary["dry_run"]}
        steps.fail_on_failed_shops(summary)

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
        dag_args=dag_args,
    ) as dag:
        installed = ShopifyPartnerActiveShopsOperator(
            task_id="active_shops", app_id=app_id, shopify_partner_conn_id=shopify_partner_conn_id
        )
        check_params() >> installed
        lanes = choose_windows(steps.select_shops(installed.output))
        lane = steps.create_lane(options=options, policy=policy, coupon_policy=coupon_policy)
        confirm(steps.summarize(lanes, lane.expand_kwargs(lanes)), lanes)
    return dag


def _watermark(context: Mapping[str, Any], shop: str, asset: Asset) -> watermarks.Watermark:
    """Return the watermark of a shop: its orders are in Yotpo up to here. Only the task ``confirm`` moves it."""
    return watermarks.Watermark(shop, watermarks.watermark_stores(context, asset, task_id="confirm"))


def _choose_windows(
    context: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]], *, asset: Asset, catchup_limit: timedelta
) -> list[tuple[Mapping[str, Any], windows.Window]]:
    params, lookback, now = context["params"], settings.lookback(), datetime.now(UTC).replace(microsecond=0)
    chosen = []
    for lane in lanes:
        watermark = None if params["since"] else _watermark(context, lane["shop"], asset).get()
        window = windows.resolve(
            since=params["since"],
            until=params["until"],
            context=context,
            lookback=lookback,
            # For a run without an interval: a new shop starts at the catch-up limit.
            initial_since=now - (lookback if watermark else catchup_limit),
            now=now,
        )
        window, warning = watermarks.extend_to_watermark(
            window, watermark=watermark, lookback=lookback, max_lookback=catchup_limit
        )
        if warning:
            log.warning("%s: %s", lane["shop"], warning)
        log.info("%s: this run reads %s", lane["shop"], window)
        chosen.append((lane, window))
    return chosen


def _advance_watermarks(
    context: Mapping[str, Any], summary: Mapping[str, Any], lanes: Sequence[Mapping[str, Any]], *, asset: Asset
) -> None:
    params = context["params"]
    if summary["dry_run"] or params["since"] or params["until"]:
        return
    failed = {lane["shop"] for lane in summary["lanes"] if lane["failed"]}
    for lane in lanes:
        # For a shop that never succeeded, remember where its gap starts.
        covered_until = lane["since"] if lane["shop"] in failed else lane["until"]
        _watermark(context, lane["shop"], asset).advance(timestamps.parse(covered_until, "until"))
