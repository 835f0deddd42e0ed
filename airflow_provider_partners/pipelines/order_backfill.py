"""By hand: sync the orders of a past time range to Yotpo, in windows that are mapped and can be repeated one by one.

Every shop and window is a lane of its own, as in ``yofi_shopify_to_yotpo``. Clear a failed lane, and only that lane
runs again. A window with 10,000 orders or more is read by a Shopify bulk operation. The Dag creates no duplicates in
Yotpo: windows may overlap with those of the hourly Dag, and a run may be repeated.

The Dag needs what ``yofi_shopify_to_yotpo`` needs. Without the scope ``read_all_orders``, Shopify returns the orders of
the last 60 days only.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, Param, get_current_context, task

from airflow_provider_partners import watermarks, windows
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.pipelines import lanes as steps
from airflow_provider_partners.pipelines._dag import APP_ID_TEMPLATE, create_dag, dag_factory, reject_unknown_params
from airflow_provider_partners.pipelines._dag_page import LANE_FAILED
from airflow_provider_partners.pipelines.coverage import (
    BACKFILL_DAG_ID,
    WATERMARK_ASSET,
    Coverage,
    began,
    create_summarize,
    store_began,
)
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.shop_selection import select_shops
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["order_backfill_dag"]

log = logging.getLogger(__name__)


@dag_factory
def order_backfill_dag(
    *,
    dag_id: str = BACKFILL_DAG_ID,
    schedule: Any = None,
    app_id: str = APP_ID_TEMPLATE,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    asset: Asset = WATERMARK_ASSET,
    arguments: OrderArguments,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that syncs the orders of a past time range.

    The arguments are those of :func:`~airflow_provider_partners.pipelines.order_sync.order_sync_dag`. Give both the
    same.

    :param schedule: needs values for ``since`` and ``until`` in ``params``; by default the Dag runs by hand
    :param asset: keeps the gaps of the hourly Dag. A gap that this Dag reads is removed (Airflow 3.3 and later)
    :param arguments: the fields of :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`, each
        as an argument of its own
    :param dag_args: further arguments of :class:`~airflow.sdk.DAG`
    """
    if schedule is not None and not {"since", "until"} <= (dag_args.get("params") or {}).keys():
        message = "'schedule' is given, and the params 'since' and 'until' have no default"
        remedy = "Leave 'schedule' out and run the Dag by hand, or give params={'since': '…', 'until': '…'}."
        raise ConfigurationError(message, remedy=remedy)
    summarize = create_summarize(asset)

    @task
    def choose_windows() -> list[dict[str, str]]:
        """Return the range from ``since`` to ``until`` in windows of ``window_days``, the earliest first."""
        context: Any = get_current_context()
        params = context["params"]
        with translate_errors(context):
            reject_unknown_params(context)
            full_range = windows.resolve(since=params["since"], until=params["until"])
            parts = list(full_range.split(timedelta(days=params["window_days"])))
        store_began(context, datetime.now(UTC).replace(microsecond=0))
        log.info("%s in %d windows", full_range, len(parts))
        return [steps.with_lookbacks(part, **arguments.lookbacks) for part in parts]

    @task(retries=0, inlets=watermarks.watermark_assets(asset))
    def confirm(summary: Any, lanes: Any) -> None:
        """Remove the gaps that were read. Fail if a lane failed: clear it, and it continues."""
        context: Any = get_current_context()
        with translate_errors(context):
            Coverage(context, asset).store_gaps(summary, lanes, began=began(context), moves_watermark=False)
        steps.fail_on_failed_shops(summary)

    with create_dag(
        dag_id,
        schedule=schedule,
        params={
            "since": Param(description="Start of the changes to read", type="string", format="date-time"),
            "until": Param(description="End of the changes to read", type="string", format="date-time"),
            "window_days": Param(30, description="Days that one lane covers", type="integer", minimum=1),
            **steps.shared_params(),
        },
        tags=["partners", "shopify", "yofi", "yotpo", "voucherify", "backfill"],
        doc_md=__doc__,
        on_failure=LANE_FAILED,
        dag_args=dag_args,
        task_args={"max_active_tis_per_dagrun": 4},
    ) as dag:
        installed = ShopifyPartnerActiveShopsOperator(
            task_id="active_shops", app_id=app_id, shopify_partner_conn_id=shopify_partner_conn_id
        )
        chosen = choose_windows()
        # The conf is checked before anything is read.
        chosen >> installed
        lanes = select_shops(installed.output, chosen, **arguments.selection())
        results = {"choose_windows": chosen, "active_shops": installed.output, "select_shops": lanes}
        mapped = steps.map_lanes(steps.ORDER_LANE, lanes, **arguments.mapping)
        confirm(summarize(results, lanes, mapped), lanes)
    return dag
