"""Hourly: the orders of every shop that has the app, to Yotpo, without review requests where Yofi sees abuse.

Each shop is a lane of its own: its changed orders from Shopify, what Yofi knows of them, both joined and mapped, then
products and orders written to its Yotpo store. A lane that fails leaves the others alone: the summary names it, and
the next run begins where the last run ended that covered every shop.

Needs the Variable ``partner_shop_routes`` and the connections it names. The Variable ``partner_app_id``
(``gid://partners/App/…``) is optional: without it every routed shop is taken.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, Variable, get_current_context, task, task_group
from airflow.timetables.trigger import CronTriggerTimetable

from airflow_provider_partners import catchup, routing, run_summary, settings, windows
from airflow_provider_partners.operators.base import PartnerTaskError, flag, translated
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.shopify_partner import ShopifyPartnerActiveShopsOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)

log = logging.getLogger(__name__)

COVERED = "covered_until"
"""Under this key ``confirm`` notes how far a run has truly got."""

TIME = {"type": ["null", "string"], "format": "date-time"}
SHOP = "{{ task.shop }}"
DRY_RUN = "{{ params.dry_run }}"


@task(multiple_outputs=True)
def choose_window() -> dict[str, str]:
    """Which changes are read: those of ``since`` and ``until``, or of the interval and what no run covered."""
    context: Any = get_current_context()
    params, lookback = context["params"], settings.lookback()
    with translated(context):
        window = windows.resolve(since=params["since"], until=params["until"], context=context, lookback=lookback)
        if not params["since"]:
            # With a map index it is the latest value alone, without one a list of those of all runs.
            covered = context["ti"].xcom_pull(task_ids="confirm", key=COVERED, include_prior_dates=True, map_indexes=-1)
            window, warning = catchup.reach_back(
                window, covered_until=covered, lookback=lookback, limit=settings.catchup()
            )
            if warning:
                log.warning(warning)
        log.info("This run reads %s", window)
        claims = windows.Window(min(window.since, window.until - settings.claims_lookback()), window.until)
        return {**window.to_dict(), "claims_since": claims.to_dict()["since"]}


@task
def choose_lanes(installed: list[str] | None) -> list[dict[str, str | None]]:
    """Which shops are taken, each with the connections of its route."""
    context: Any = get_current_context()
    with translated(context):
        routes = routing.parse_routes(Variable.get(routing.VARIABLE, default=None))
        found = routing.lanes(routes, installed=installed, shops=context["params"]["shops"])
    for shop in found.unrouted:
        log.warning("%s has the app installed, but no route in the Variable %s", shop, routing.VARIABLE)
    for shop in found.left_out:
        log.info("%s has a route, but not the app installed: it is left out", shop)
    log.info("%d shops are taken", len(found.lanes))
    return found.lanes


@task(multiple_outputs=False, trigger_rule="all_done", map_index_template="{{ task.op_kwargs['shop'] }}")
def summarize_shop(shop: str, steps: dict[str, Any]) -> dict[str, Any]:
    """What became of one shop, whether its lane got through or not."""
    context: Any = get_current_context()
    return run_summary.shop_summary(shop, steps, dry_run=flag(context["params"]["dry_run"], "dry_run"))


@task(multiple_outputs=False, trigger_rule="all_done")
def summarize(lanes: Any, summaries: Any) -> dict[str, Any]:
    """A table over all shops, in the log and as this task's result."""
    context: Any = get_current_context()
    # Of a group with a single lane, Airflow hands on the one result instead of a list of it.
    of_lanes = [summaries] if isinstance(summaries, dict) else list(summaries or [])
    summary = run_summary.run_summary(
        of_lanes,
        [lane["shop"] for lane in lanes or []],
        dry_run=flag(context["params"]["dry_run"], "dry_run"),
    )
    log.info("Summary:\n%s", summary["table"])
    return summary


@task(retries=0)
def confirm(summary: dict[str, Any], window: dict[str, str], lanes: list[Any]) -> None:
    """Fail the run where a lane failed; otherwise note how far it got, so that the next one leaves no gap."""
    context: Any = get_current_context()
    params = context["params"]
    if summary["failed"]:
        failed = ", ".join(f"{shop} (at {step})" for shop, step in summary["failed"].items())
        message = f"{len(summary['failed'])} of {len(lanes)} shops failed: {failed}. See the logs of their lanes."
        raise PartnerTaskError(message)
    if not (summary["dry_run"] or params["since"] or params["until"] or params["shops"]):
        context["ti"].xcom_push(key=COVERED, value=window["until"])


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
        "shops": Param(
            None,
            description="Shops to take; all by default",
            type=["null", "array"],
            items={"type": "string"},
        ),
        "dry_run": Param(False, description="Plan, but write nothing to Yotpo", type="boolean"),
    },
    tags=["partners", "shopify", "yofi", "yotpo"],
    doc_md=__doc__,
) as dag:
    window = choose_window()
    installed = ShopifyPartnerActiveShopsOperator(
        task_id="active_shops", app_id="{{ var.value.get('partner_app_id', '') }}"
    )
    lanes = choose_lanes(installed.output)

    @task_group(group_id="lane")
    def lane(
        shop: Any, shopify_conn_id: Any, yofi_conn_id: Any, yotpo_conn_id: Any, voucherify_conn_id: Any = None
    ) -> Any:
        """One shop, from Shopify to Yotpo."""
        orders = ShopifyAdminExtractOperator(
            task_id="extract_orders",
            resource="orders",
            shop=shop,
            since=window["since"],
            until=window["until"],
            shopify_admin_conn_id=shopify_conn_id,
            map_index_template=SHOP,
        )
        # Yofi's returns can't be asked by time, and an old order may come back today: those of known orders it is.
        returns = YofiExtractOperator(
            task_id="extract_returns",
            resource="returns",
            shop=shop,
            match={"order_id": {"dataset": orders.output, "field": "legacyResourceId"}},
            yofi_conn_id=yofi_conn_id,
            map_index_template=SHOP,
        )
        # A customer's predictions count for orders too that nothing has come back of yet.
        customers = YofiExtractOperator(
            task_id="extract_customers",
            resource="customers",
            shop=shop,
            match={"customer_id": {"dataset": orders.output, "field": "customer.legacyResourceId"}},
            yofi_conn_id=yofi_conn_id,
            map_index_template=SHOP,
        )
        claims = YofiExtractOperator(
            task_id="extract_claims",
            resource="claims",
            shop=shop,
            since=window["claims_since"],
            until=window["until"],
            yofi_conn_id=yofi_conn_id,
            map_index_template=SHOP,
        )
        build = YotpoBuildOrdersOperator(
            task_id="build",
            orders=orders.output,
            returns=returns.output,
            claims=claims.output,
            customers=customers.output,
            shop=shop,
            map_index_template=SHOP,
        )
        upsert_products = YotpoUpsertProductsOperator(
            task_id="upsert_products",
            built=build.output,
            dry_run=DRY_RUN,
            yotpo_conn_id=yotpo_conn_id,
            map_index_template="{{ task.built['extra']['shop'] }}",
        )
        upsert_orders = YotpoUpsertOrdersOperator(
            task_id="upsert_orders",
            built=build.output,
            dry_run=DRY_RUN,
            yotpo_conn_id=yotpo_conn_id,
            map_index_template="{{ task.built['extra']['shop'] }}",
        )
        upsert_products >> upsert_orders
        steps = (orders, returns, customers, claims, build, upsert_products, upsert_orders)
        return summarize_shop(shop=shop, steps={step.label: step.output for step in steps})

    summary = summarize(lanes, lane.expand_kwargs(lanes))
    confirm(summary, window, lanes)
