"""Daily: compare Yotpo's orders of the last days with Shopify's, repair the differences, and report them.

The Dag builds every order that was placed in the range as ``yofi_shopify_to_yotpo`` does, and compares it with Yotpo's
copy. An order can be missing, stale (changed in Shopify after Yotpo's copy), different in some fields, or extra. The
Dag repairs what an upsert can repair. It only reports extra orders, because Yotpo can't delete orders. With the param
``dry_run`` it writes nothing. A run without a logical date takes the last 24 hours as its day.

The Dag also brings late data: predictions and claims of orders that no longer change. It needs what
``yofi_shopify_to_yotpo`` needs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, get_current_context, task, task_group
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import windows
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.operators.yotpo import YotpoExtractOperator, YotpoReconcileOrdersOperator
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines._dag import (
    APP_ID_TEMPLATE,
    TIME_SCHEMA,
    create_dag,
    dag_factory,
    reject_unknown_params,
)
from airflow_provider_partners.task_errors import translate_errors

if TYPE_CHECKING:
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

__all__ = ["order_reconcile_dag"]

log = logging.getLogger(__name__)

DAILY = CronTriggerTimetable("30 3 * * *", timezone="UTC", interval=timedelta(days=1))


@dag_factory
def order_reconcile_dag(
    *,
    dag_id: str = "yotpo_reconcile",
    schedule: Any = DAILY,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
    claims_lookback: timedelta = steps.CLAIMS_LOOKBACK,
    coupons_lookback: timedelta = steps.COUPONS_LOOKBACK,
    personal_data: bool = True,
    app_id: str = APP_ID_TEMPLATE,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that compares Yotpo's orders with Shopify's.

    The arguments are those of :func:`~airflow_provider_partners.pipelines.order_sync.order_sync_dag`. Give both the
    same options and policies, or this Dag reports differences that are none.

    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """

    @task
    def choose_range() -> list[dict[str, str]]:
        """Return the range of the orders: placed from ``since`` to ``until``, or in the last ``days``."""
        context: Any = get_current_context()
        params = context["params"]
        with translate_errors(context):
            reject_unknown_params(context)
            now, days = datetime.now(UTC).replace(microsecond=0), timedelta(days=params["days"])
            placed = windows.resolve(
                since=params["since"],
                until=params["until"],
                context=context,
                lookback=days,
                initial_since=now - timedelta(days=1) - days,
                now=now,
            )
        log.info("Orders placed in %s", placed)
        # An order changes after it was placed, so read all changes from then on.
        changed = windows.Window(placed.since, max(placed.until, now))
        bounds = placed.to_dict()
        query = f"created_at:>='{bounds['since']}' AND created_at:<'{bounds['until']}'"
        lookbacks = {"claims_lookback": claims_lookback, "coupons_lookback": coupons_lookback}
        return [{**steps.with_lookbacks(changed, **lookbacks), "query": query, "placed_until": bounds["until"]}]

    @task_group(group_id="lane")
    def reconcile_lane(
        shop: Any,
        shopify_admin_conn_id: Any,
        yofi_conn_id: Any,
        yotpo_conn_id: Any,
        voucherify_conn_id: Any,
        since: Any,
        until: Any,
        claims_since: Any,
        redemptions_since: Any,
        personal_data: Any,
        query: Any,
        placed_until: Any,
    ) -> Any:
        """One shop: build its orders, compare them with its store, repair the differences."""
        tasks = steps.build_order_tasks(
            shop=shop,
            shopify_admin_conn_id=shopify_admin_conn_id,
            yofi_conn_id=yofi_conn_id,
            voucherify_conn_id=voucherify_conn_id,
            since=since,
            until=until,
            claims_since=claims_since,
            redemptions_since=redemptions_since,
            personal_data=personal_data,
            query=query,
            options=options,
            policy=policy,
            coupon_policy=coupon_policy,
        )
        yotpo_orders = YotpoExtractOperator(
            task_id="extract_yotpo_orders",
            resource="orders",
            since=since,
            until=placed_until,
            yotpo_conn_id=yotpo_conn_id,
            map_index_template="{{ task.yotpo_conn_id }}",
        )
        compare = YotpoReconcileOrdersOperator(
            task_id="reconcile",
            built=tasks[-1].output,
            yotpo_orders=yotpo_orders.output,
            map_index_template="{{ task.built.extra.shop }}",
        )
        tasks += [yotpo_orders, compare, *steps.upsert_order_tasks(compare.output, yotpo_conn_id=yotpo_conn_id)]
        return steps.summarize_tasks(tasks, shop=shop, since=since, voucherify_conn_id=voucherify_conn_id)

    @task(retries=0)
    def confirm(summary: Any, lanes: Any) -> None:
        """Fail the run if a lane failed, or if no lanes could be chosen."""
        steps.fail_on_failed_shops(summary)

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(None, description="Compare orders placed from here on, instead of 'days'", **TIME_SCHEMA),
            "until": Param(None, description="Compare orders placed before this; needs 'since'", **TIME_SCHEMA),
            "days": Param(14, description="Days before the run's own that are compared too", type="integer", minimum=0),
            **steps.shared_params(),
        },
        tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
        doc_md=__doc__,
        dag_args=dag_args,
    ) as dag:
        installed = ShopifyPartnerActiveShopsOperator(
            task_id="active_shops", app_id=app_id, shopify_partner_conn_id=shopify_partner_conn_id
        )
        chosen = choose_range()
        # The conf is checked before anything is read.
        chosen >> installed
        lanes = steps.select_shops(installed.output, chosen, personal_data=personal_data)
        results = {"choose_range": chosen, "active_shops": installed.output, "select_shops": lanes}
        confirm(steps.summarize(results, lanes, reconcile_lane.expand_kwargs(lanes)), lanes)
    return dag
