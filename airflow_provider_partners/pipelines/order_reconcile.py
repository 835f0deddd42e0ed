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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, get_current_context, task
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
from airflow_provider_partners.pipelines._dag_page import LANE_FAILED
from airflow_provider_partners.pipelines.order_arguments import OrderArguments
from airflow_provider_partners.pipelines.shop_selection import select_shops
from airflow_provider_partners.task_errors import translate_errors

__all__ = ["order_reconcile_dag"]

log = logging.getLogger(__name__)

DAILY = CronTriggerTimetable("30 3 * * *", timezone="UTC", interval=timedelta(days=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileLane(steps.Lane):
    """A lane with the range in which its orders were placed."""

    query: Any
    placed_until: Any


RECONCILE_LANE = steps.LaneSteps(
    path=f"{__name__}:RECONCILE_LANE",
    kind=ReconcileLane,
    steps=(
        *steps.order_steps(query=lambda lane: lane.query),
        steps.Step(
            name="extract_yotpo_orders",
            operator=YotpoExtractOperator,
            arguments=lambda lane, _results: {
                "resource": "orders",
                "since": lane.since,
                "until": lane.placed_until,
                "yotpo_conn_id": lane.yotpo_conn_id,
                "for_shop": lane.shop,
            },
            label="{{ task.for_shop }}",
        ),
        steps.Step(
            name="reconcile",
            operator=YotpoReconcileOrdersOperator,
            arguments=lambda _lane, results: {
                "built": results["build"],
                "yotpo_orders": results["extract_yotpo_orders"],
            },
            label="{{ task.built.extra.shop }}",
        ),
        *steps.upsert_steps("reconcile"),
    ),
)
"""One shop: build its orders, compare them with its store, repair the differences."""


@dag_factory
def order_reconcile_dag(
    *,
    dag_id: str = "yotpo_reconcile",
    schedule: Any = DAILY,
    app_id: str = APP_ID_TEMPLATE,
    shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
    arguments: OrderArguments,
    **dag_args: Any,
) -> DAG:
    """Return the Dag that compares Yotpo's orders with Shopify's.

    The arguments are those of :func:`~airflow_provider_partners.pipelines.order_sync.order_sync_dag`. Give both the
    same, or this Dag reports differences that are none.

    :param arguments: the fields of :class:`~airflow_provider_partners.pipelines.order_arguments.OrderArguments`, each
        as an argument of its own
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
        window = steps.with_lookbacks(changed, **arguments.lookbacks)
        return [{**window, "query": query, "placed_until": bounds["until"]}]

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
        on_failure=LANE_FAILED,
        dag_args=dag_args,
    ) as dag:
        installed = ShopifyPartnerActiveShopsOperator(
            task_id="active_shops", app_id=app_id, shopify_partner_conn_id=shopify_partner_conn_id
        )
        chosen = choose_range()
        # The conf is checked before anything is read.
        chosen >> installed
        lanes = select_shops(installed.output, chosen, **arguments.selection())
        results = {"choose_range": chosen, "active_shops": installed.output, "select_shops": lanes}
        mapped = steps.map_lanes(RECONCILE_LANE, lanes, **arguments.mapping)
        confirm(steps.summarize(results, lanes, mapped), lanes)
    return dag
