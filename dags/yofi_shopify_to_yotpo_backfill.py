"""By hand: the order sync for a past stretch of time, in windows that are mapped and can be resumed one by one.

Every shop and window is a lane of its own, like those of ``yofi_shopify_to_yotpo``: clear one that failed, and only it
runs again. A window that holds 10,000 orders or more is read by one of Shopify's bulk operations. Nothing is doubled in
Yotpo, so windows may overlap with what the hourly Dag has sent, and a run may be repeated.

Needs what ``yofi_shopify_to_yotpo`` needs. Without the scope ``read_all_orders`` Shopify shows the orders of the last
60 days alone.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_provider_partners import windows
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.pipelines.order_sync import (
    APP_ID_TEMPLATE,
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


@task
def choose_windows() -> list[dict[str, str]]:
    """The stretch from ``since`` to ``until`` in windows of ``window_days``, the earliest first."""
    context: Any = get_current_context()
    asked = context["params"]
    with translate_errors(context):
        whole = windows.resolve(since=asked["since"], until=asked["until"])
        parts = list(whole.split(timedelta(days=asked["window_days"])))
    log.info("%s in %d windows", whole, len(parts))
    return [with_lookbacks(part) for part in parts]


@task(retries=0)
def confirm(summary: dict[str, Any]) -> None:
    """Fail the run where a lane failed: clear that lane, and it goes on where it stopped."""
    fail_on_failed_shops(summary)


with DAG(
    dag_id="yofi_shopify_to_yotpo_backfill",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=default_args(retries=2, retry_delay=timedelta(minutes=1), max_active_tis_per_dagrun=4),
    params={
        "since": Param(description="First moment to read", type="string", format="date-time"),
        "until": Param(description="First moment not to read any more", type="string", format="date-time"),
        "window_days": Param(30, description="Days that one lane covers", type="integer", minimum=1),
        **shared_params(),
    },
    tags=["partners", "shopify", "yofi", "yotpo", "voucherify", "backfill"],
    doc_md=__doc__,
) as dag:
    installed = ShopifyPartnerActiveShopsOperator(task_id="active_shops", app_id=APP_ID_TEMPLATE)
    lanes = select_shops(installed.output, choose_windows())
    confirm(summarize(lanes, order_lane.expand_kwargs(lanes)))
