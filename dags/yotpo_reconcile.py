"""Daily: what Yotpo has against what Shopify has, over the orders of the last days; repaired, and reported.

Every order that was placed in the range is built as ``yofi_shopify_to_yotpo`` builds it and compared with Yotpo's:
missing, stale (changed in Shopify after Yotpo's copy), different by field, or extra. What an upsert can mend is mended;
extra orders are reported only, since Yotpo can't delete any. With the param ``dry_run`` nothing is written.

It also brings what came late: predictions and claims of orders that didn't change any more. Needs what
``yofi_shopify_to_yotpo`` needs.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task, task_group
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import windows
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.operators.yotpo import YotpoExtractOperator, YotpoReconcileOrdersOperator
from airflow_provider_partners.pipelines.order_sync import (
    APP_ID_TEMPLATE,
    TIME_SCHEMA,
    build_order_tasks,
    fail_on_failed_shops,
    select_shops,
    shared_params,
    summarize,
    summarize_tasks,
    upsert_order_tasks,
    with_lookbacks,
)
from airflow_provider_partners.retry_policy import default_args
from airflow_provider_partners.task_errors import translate_errors

log = logging.getLogger(__name__)


@task
def choose_range() -> list[dict[str, str]]:
    """The orders placed from ``since`` to ``until``, or in the last ``days`` of the run's interval."""
    context: Any = get_current_context()
    asked = context["params"]
    with translate_errors(context):
        placed = windows.resolve(
            since=asked["since"], until=asked["until"], context=context, lookback=timedelta(days=asked["days"])
        )
    log.info("Orders placed in %s", placed)
    # An order changes after it was placed, so all changes from then on are asked for.
    changed = windows.Window(placed.since, max(placed.until, datetime.now(UTC)))
    told = placed.to_dict()
    query = f"created_at:>='{told['since']}' AND created_at:<'{told['until']}'"
    return [{**with_lookbacks(changed), "query": query, "placed_until": told["until"]}]


@task_group(group_id="lane")
def reconcile_lane(
    shop: Any,
    shopify_conn_id: Any,
    yofi_conn_id: Any,
    yotpo_conn_id: Any,
    voucherify_conn_id: Any,
    since: Any,
    until: Any,
    claims_since: Any,
    redemptions_since: Any,
    query: Any,
    placed_until: Any,
) -> Any:
    """One shop: built, compared with what its store has, repaired."""
    steps = build_order_tasks(
        shop=shop,
        shopify_admin_conn_id=shopify_conn_id,
        yofi_conn_id=yofi_conn_id,
        voucherify_conn_id=voucherify_conn_id,
        since=since,
        until=until,
        claims_since=claims_since,
        redemptions_since=redemptions_since,
        query=query,
    )
    stored = YotpoExtractOperator(
        task_id="extract_yotpo_orders",
        resource="orders",
        since=since,
        until=placed_until,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template="{{ task.yotpo_conn_id }}",
    )
    compare = YotpoReconcileOrdersOperator(
        task_id="reconcile",
        built=steps[-1].output,
        yotpo_orders=stored.output,
        map_index_template="{{ task.built.extra.shop }}",
    )
    steps += [stored, compare, *upsert_order_tasks(compare.output, yotpo_conn_id=yotpo_conn_id)]
    return summarize_tasks(steps, shop=shop, since=since, voucherify_conn_id=voucherify_conn_id)


@task(retries=0)
def confirm(summary: dict[str, Any]) -> None:
    """Fail the run where a lane failed."""
    fail_on_failed_shops(summary)


with DAG(
    dag_id="yotpo_reconcile",
    schedule=CronTriggerTimetable("30 3 * * *", timezone="UTC", interval=timedelta(days=1)),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=2, retry_delay=timedelta(minutes=1)),
    params={
        "since": Param(None, description="Orders placed from this moment, instead of the last days", **TIME_SCHEMA),
        "until": Param(None, description="Orders placed before this moment; needs 'since'", **TIME_SCHEMA),
        "days": Param(14, description="Days before the run's own that are compared too", type="integer", minimum=0),
        **shared_params(),
    },
    tags=["partners", "shopify", "yofi", "yotpo", "voucherify"],
    doc_md=__doc__,
) as dag:
    installed = ShopifyPartnerActiveShopsOperator(task_id="active_shops", app_id=APP_ID_TEMPLATE)
    lanes = select_shops(installed.output, choose_range())
    confirm(summarize(lanes, reconcile_lane.expand_kwargs(lanes)))
