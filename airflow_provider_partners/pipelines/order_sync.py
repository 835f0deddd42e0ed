"""The order sync as parts of a Dag: which lanes a run takes, a lane from Shopify to Yotpo, and what is said in the end.

A lane is one shop in one window. The Dags of the order sync are made of these parts and differ in their windows; a Dag
of one's own can be made of them too::

    lanes = choose_lanes(installed.output, [window])
    summary = summarize(lanes, order_lane.expand_kwargs(lanes))

Knows no partner's API; what it knows of Airflow is the TaskFlow API.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Param, Variable, get_current_context, task, task_group

from airflow_provider_partners import settings
from airflow_provider_partners.operators.base import PartnerTaskError, parse_bool, translate_errors
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.pipelines import routing, run_summary
from airflow_provider_partners.windows import Window

log = logging.getLogger(__name__)

TIME_SCHEMA: Mapping[str, Any] = {"type": ["null", "string"], "format": "date-time"}
"""The schema of a param that is a time, or nothing."""

DRY_RUN_TEMPLATE = "{{ params.dry_run }}"
APP_ID_TEMPLATE = "{{ var.value.get('partner_app_id', '') }}"

REDEMPTIONS_TASK_ID = "extract_redemptions"
"""The step that is skipped for a shop whose route names no Voucherify connection."""

_SHOP_LABEL = "{{ task.shop }}"
_BUILT_LABEL = "{{ task.built.extra.shop }}"
_SINCE_LABEL = "{{ ' ' ~ task.%s[:10] if params.get('window_days') else '' }}"
"""Where a shop has several lanes, they are told apart by the first day of their windows."""


def shared_params() -> dict[str, Param]:
    """The params that the Dags of the order sync share: ``shops`` and ``dry_run``."""
    listed: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
    return {
        "shops": Param(None, description="Shops to take; all by default", **listed),
        "dry_run": Param(False, description="Plan, but write nothing to Yotpo", type="boolean"),
    }


def with_lookbacks(window: Window) -> dict[str, str]:
    """A window of orders as a lane takes it, with the earlier beginnings of what is read beside them.

    :param window: of the orders' changes
    """
    claims_since = min(window.since, window.until - settings.claims_lookback())
    redemptions_since = window.since - settings.coupons_lookback()
    return {
        **window.to_dict(),
        "claims_since": Window(claims_since, window.until).to_dict()["since"],
        "redemptions_since": Window(redemptions_since, window.until).to_dict()["since"],
    }


@task
def select_shops(
    installed: Sequence[str] | None, windows: Sequence[Mapping[str, str]] | None = None
) -> list[dict[str, str | None]]:
    """Which shops are taken, each with the connections of its route, once for every window.

    :param installed: domains of the shops that have the app; None takes every routed shop
    :param windows: as :func:`with_lookbacks` gives them; None where each shop is yet to have its own
    """
    context: Any = get_current_context()
    with translate_errors(context):
        routes = routing.parse_routes(Variable.get(routing.ROUTES_VARIABLE, default=None))
        selected = routing.select_lanes(routes, installed=installed, shops=context["params"]["shops"])
    for shop in selected.without_route:
        log.warning("%s has the app installed, but no route in the Variable %s", shop, routing.ROUTES_VARIABLE)
    for shop in selected.not_installed:
        log.info("%s has a route, but not the app installed: it is left out", shop)
    log.info("%d shops are taken", len(selected.lanes))
    return [{**lane, **window} for lane in selected.lanes for window in windows or [{}]]


def build_order_tasks(
    *,
    shop: Any,
    shopify_admin_conn_id: Any,
    yofi_conn_id: Any,
    voucherify_conn_id: Any,
    since: Any,
    until: Any,
    claims_since: Any,
    redemptions_since: Any,
    query: Any = None,
    order_ids: Any = None,
) -> list[BaseOperator]:
    """The steps of a lane up to its built orders, which are the last one's output.

    :param query: a search that the orders must meet besides their window
    :param order_ids: the orders themselves, whenever they changed; the window is of what is read beside them then
    """
    selection = {"since": since, "until": until} if order_ids is None else {"match": {"id": order_ids}}
    orders = ShopifyAdminExtractOperator(
        task_id="extract_orders",
        resource="orders",
        shop=shop,
        **selection,
        query=query,
        shopify_admin_conn_id=shopify_admin_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "since",
    )
    # Yofi's returns can't be asked by time, and an old order may come back today: those of known orders it is.
    returns = YofiExtractOperator(
        task_id="extract_returns",
        resource="returns",
        shop=shop,
        match={"order_id": {"dataset": orders.output, "field": "legacyResourceId"}},
        yofi_conn_id=yofi_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "match.order_id.dataset.window.since",
    )
    # A customer's predictions count for orders too that nothing has come back of yet.
    customers = YofiExtractOperator(
        task_id="extract_customers",
        resource="customers",
        shop=shop,
        match={"customer_id": {"dataset": orders.output, "field": "customer.legacyResourceId"}},
        yofi_conn_id=yofi_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "match.customer_id.dataset.window.since",
    )
    claims = YofiExtractOperator(
        task_id="extract_claims",
        resource="claims",
        shop=shop,
        since=claims_since,
        until=until,
        yofi_conn_id=yofi_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "since",
    )
    redemptions = VoucherifyExtractOperator(
        task_id=REDEMPTIONS_TASK_ID,
        resource="redemptions",
        since=redemptions_since,
        until=until,
        voucherify_conn_id=voucherify_conn_id,
        skip_without_connection=True,
        map_index_template="{{ task.voucherify_conn_id or 'no Voucherify' }}" + _SINCE_LABEL % "since",
    )
    build = YotpoBuildOrdersOperator(
        task_id="build",
        orders=orders.output,
        returns=returns.output,
        claims=claims.output,
        customers=customers.output,
        redemptions=redemptions.output,
        shop=shop,
        # A shop without Voucherify has its redemptions skipped.
        trigger_rule="none_failed",
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "orders.window.since",
    )
    return [orders, returns, customers, claims, redemptions, build]


def upsert_order_tasks(built: Any, *, yotpo_conn_id: Any) -> list[BaseOperator]:
    """The steps of a lane that write: products first.

    :param built: the output of a step that gives built orders
    """
    products = YotpoUpsertProductsOperator(
        task_id="upsert_products",
        built=built,
        dry_run=DRY_RUN_TEMPLATE,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template=_BUILT_LABEL + _SINCE_LABEL % "built.window.since",
    )
    orders = YotpoUpsertOrdersOperator(
        task_id="upsert_orders",
        built=built,
        dry_run=DRY_RUN_TEMPLATE,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template=_BUILT_LABEL + _SINCE_LABEL % "built.window.since",
    )
    products >> orders
    return [products, orders]


def summarize_tasks(tasks: Sequence[BaseOperator], *, shop: Any, since: Any, voucherify_conn_id: Any) -> Any:
    """The last step of a lane: what became of it.

    :param tasks: all before, in order
    """
    return summarize_lane(
        shop=shop,
        since=since,
        optional_connections={REDEMPTIONS_TASK_ID: voucherify_conn_id},
        results={step.task_id.rpartition(".")[2]: step.output for step in tasks},
    )


@task_group(group_id="lane")
def order_lane(
    shop: Any,
    shopify_admin_conn_id: Any,
    yofi_conn_id: Any,
    yotpo_conn_id: Any,
    voucherify_conn_id: Any,
    since: Any,
    until: Any,
    claims_since: Any,
    redemptions_since: Any,
) -> Any:
    """One shop in one window, from Shopify to Yotpo. Mapped over the lanes of :func:`choose_lanes`."""
    tasks = build_order_tasks(
        shop=shop,
        shopify_admin_conn_id=shopify_admin_conn_id,
        yofi_conn_id=yofi_conn_id,
        voucherify_conn_id=voucherify_conn_id,
        since=since,
        until=until,
        claims_since=claims_since,
        redemptions_since=redemptions_since,
    )
    tasks += upsert_order_tasks(tasks[-1].output, yotpo_conn_id=yotpo_conn_id)
    return summarize_tasks(tasks, shop=shop, since=since, voucherify_conn_id=voucherify_conn_id)


@task(
    multiple_outputs=False,
    trigger_rule="all_done",
    map_index_template="{{ task.op_kwargs['shop'] }}" + _SINCE_LABEL % "op_kwargs['since']",
)
def summarize_lane(
    shop: str, since: str, optional_connections: Mapping[str, Any], results: Mapping[str, Any]
) -> dict[str, Any]:
    """What became of one lane, whether it got through or not.

    :param shop: its shop
    :param since: the beginning of its window
    :param optional_connections: by step, the connection without which it is skipped
    :param results: by step, what it returned
    """
    context: Any = get_current_context()
    run_results = {step: left for step, left in results.items() if optional_connections.get(step, step)}
    return run_summary.build_lane_summary(
        shop, run_results, since=since, dry_run=parse_bool(context["params"]["dry_run"], "dry_run")
    )


@task(multiple_outputs=False, trigger_rule="all_done")
def summarize(lanes: Any, summaries: Any) -> dict[str, Any]:
    """A table over all lanes, in the log and as this task's result.

    :param lanes: of :func:`choose_lanes`
    :param summaries: of the mapped :func:`order_lane`
    """
    context: Any = get_current_context()
    # Of a group with a single lane, Airflow hands on the one result instead of a list of it.
    lane_summaries = [summaries] if isinstance(summaries, dict) else list(summaries or [])
    summary = run_summary.build_run_summary(
        lane_summaries,
        [(lane["shop"], lane["since"]) for lane in lanes or []],
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
    )
    log.info("Summary:\n%s", summary["table"])
    return summary


def fail_on_failed_shops(summary: Mapping[str, Any]) -> None:
    """Fail the task where a lane failed.

    :param summary: of :func:`summarize`
    :raises PartnerTaskError: naming the lanes, and the step each of them got to
    """
    if summary["failed"]:
        failed = ", ".join(f"{lane} (at {step})" for lane, step in summary["failed"].items())
        message = f"{len(summary['failed'])} of {len(summary['lanes'])} lanes failed: {failed}. See their logs."
        raise PartnerTaskError(message)
