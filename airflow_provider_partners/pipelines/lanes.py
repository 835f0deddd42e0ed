"""The steps of the order sync's Dags: which shops a run takes, one shop's tasks from Shopify to Yotpo, the summary.

A lane is one shop in one window. The Dags of the order sync consist of these steps and differ in their windows. Your
own Dag can use them too::

    lanes = select_shops(active_shops.output, [window])
    summary = summarize({"select_shops": lanes}, lanes, create_lane().expand_kwargs(lanes))

This module calls no partner's API. It uses Airflow's TaskFlow API.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Param, get_current_context, task, task_group

from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.lookups import get_variable
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.shopify_partner import EVERY_SHOP
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.pipelines import routing, run_summary
from airflow_provider_partners.pipelines._dag import reject_unknown_params, require_results
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors
from airflow_provider_partners.windows import Window

if TYPE_CHECKING:
    from airflow_provider_partners.sync.coupons import CouponPolicy
    from airflow_provider_partners.sync.options import MappingOptions
    from airflow_provider_partners.sync.suppression.policy import SuppressionPolicy

__all__ = [
    "build_order_tasks",
    "build_summary",
    "create_lane",
    "fail_on_failed_shops",
    "read_routes",
    "reject_unknown_params",
    "select_shops",
    "shared_params",
    "summarize",
    "summarize_tasks",
    "upsert_order_tasks",
    "with_lookbacks",
]

log = logging.getLogger(__name__)

DRY_RUN_TEMPLATE = "{{ params.dry_run }}"

CLAIMS_LOOKBACK = timedelta(days=30)
"""Default of ``claims_lookback``: how old a claim may be to count for an order."""

COUPONS_LOOKBACK = timedelta(days=3)
"""Default of ``coupons_lookback``: how long before the orders' window redemptions are read."""

REDEMPTIONS_TASK_ID = "extract_redemptions"
"""The task that is skipped for a shop without a Voucherify connection in its route."""

_SHOP_LABEL = "{{ task.shop }}"
_BUILT_LABEL = "{{ task.%s.extra.shop }}"
_SINCE_LABEL = "{{ ' ' ~ task.%s[:10] if params.get('window_days') else '' }}"
"""The first day of a lane's window, for Dags in which a shop has several lanes."""


def shared_params() -> dict[str, Param]:
    """Return the params of every order Dag: ``shops`` and ``dry_run``."""
    text_list: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
    return {
        "shops": Param(None, description="Shops to sync; by default all", **text_list),
        "dry_run": Param(False, description="Plan, but write nothing to Yotpo", type="boolean"),
    }


def with_lookbacks(
    window: Window, *, claims_lookback: timedelta = CLAIMS_LOOKBACK, coupons_lookback: timedelta = COUPONS_LOOKBACK
) -> dict[str, str]:
    """Return a window of orders as a lane takes it, with the earlier start of the claims and redemptions.

    :param window: window of the orders' changes
    :param claims_lookback: how old a claim may be to count, from the window's end
    :param coupons_lookback: how long before the window redemptions are read
    """
    claims_since = min(window.since, window.until - claims_lookback)
    redemptions_since = window.since - coupons_lookback
    return {
        **window.to_dict(),
        "claims_since": Window(claims_since, window.until).to_dict()["since"],
        "redemptions_since": Window(redemptions_since, window.until).to_dict()["since"],
    }


def read_routes() -> list[routing.Route]:
    """Return the routes in the Variable.

    :raises NotDefinedError: when Airflow does not find the Variable
    :raises ConfigurationError: when a route is wrong
    """
    return routing.parse_routes(get_variable(routing.ROUTES_VARIABLE, remedy=routing.ROUTES_REMEDY))


@task
def select_shops(installed: Any, windows: Any = None, *, personal_data: Any = True) -> list[dict[str, Any]]:
    """Return the run's shops with the connections of their routes, once per window.

    :param installed: domains of the shops that have the app; the text ``all`` takes every routed shop
    :param windows: windows from :func:`with_lookbacks`; ``None`` if each shop gets its own in a later task
    :param personal_data: False reads no customers' data of any shop; otherwise the shop's route decides. A template
        may render to it
    """
    context: Any = get_current_context()
    with translate_errors(context):
        require_results({"active_shops": installed})
        selected = routing.select_lanes(
            read_routes(),
            installed=None if installed == EVERY_SHOP else installed,
            shops=context["params"]["shops"],
            personal_data=personal_data is None or parse_bool(personal_data, "personal_data"),
        )
    for shop in selected.without_route:
        log.warning("%s has the app installed, but no route in the Variable %s", shop, routing.ROUTES_VARIABLE)
    for shop in selected.not_installed:
        log.info("%s has a route, but the app is not installed: the run skips it", shop)
    log.info("The run takes %d shops", len(selected.lanes))
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
    personal_data: Any = None,
    query: Any = None,
    order_ids: Any = None,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
) -> list[BaseOperator]:
    """Return the tasks of a lane up to its built orders; the last task returns their dataset.

    :param personal_data: whether to read customers' data from Shopify; by default yes
    :param query: a Shopify search that the orders must match besides the window
    :param order_ids: ids of the orders to read, whenever they changed; the window then applies to claims and
        redemptions alone
    :param options: options of the mapping
    :param policy: when the review request of an order is suppressed
    :param coupon_policy: which redemptions count as an order's coupons
    """
    selection = {"since": since, "until": until} if order_ids is None else {"match": {"id": order_ids}}
    orders = ShopifyAdminExtractOperator(
        task_id="extract_orders",
        resource="orders",
        shop=shop,
        **selection,
        query=query,
        personal_data=personal_data,
        shopify_admin_conn_id=shopify_admin_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "since",
    )
    # Yofi has no time filter for returns, and an order that changed today may have an old return: read by order.
    returns = YofiExtractOperator(
        task_id="extract_returns",
        resource="returns",
        shop=shop,
        match={"order_id": {"dataset": orders.output, "field": "legacyResourceId"}},
        yofi_conn_id=yofi_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "match.order_id.dataset.window.since",
    )
    # A customer's predictions count for orders without a return, too.
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
        options=_as_json(options),
        policy=_as_json(policy),
        coupon_policy=_as_json(coupon_policy),
        # A shop without Voucherify skips its redemptions.
        trigger_rule="none_failed",
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "orders.window.since",
    )
    return [orders, returns, customers, claims, redemptions, build]


def upsert_order_tasks(built: Any, *, yotpo_conn_id: Any) -> list[BaseOperator]:
    """Return the tasks of a lane that write to Yotpo: products first, then orders.

    :param built: output of the task that builds the orders
    """
    products = YotpoUpsertProductsOperator(
        task_id="upsert_products",
        products=built,
        plan_only=DRY_RUN_TEMPLATE,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template=_BUILT_LABEL % "products" + _SINCE_LABEL % "products.window.since",
    )
    orders = YotpoUpsertOrdersOperator(
        task_id="upsert_orders",
        orders=built,
        plan_only=DRY_RUN_TEMPLATE,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template=_BUILT_LABEL % "orders" + _SINCE_LABEL % "orders.window.since",
    )
    products >> orders
    return [products, orders]


def summarize_tasks(
    tasks: Sequence[BaseOperator],
    *,
    shop: Any,
    since: Any,
    voucherify_conn_id: Any,
    before: Mapping[str, Any] | None = None,
) -> Any:
    """Return the last task of a lane, which summarizes it.

    :param tasks: all tasks before it that return datasets, in order
    :param before: further tasks at the lane's start, by name
    """
    return summarize_lane(
        shop=shop,
        since=since,
        optional_connections={REDEMPTIONS_TASK_ID: voucherify_conn_id},
        results={**(before or {}), **{task.task_id.rpartition(".")[2]: task.output for task in tasks}},
    )


def create_lane(
    *,
    options: MappingOptions | Mapping[str, Any] | None = None,
    policy: SuppressionPolicy | Mapping[str, Any] | None = None,
    coupon_policy: CouponPolicy | Mapping[str, Any] | None = None,
) -> Any:
    """Return the task group of one lane, to be mapped over the result of :func:`select_shops`.

    :param options: options of the mapping
    :param policy: when the review request of an order is suppressed
    :param coupon_policy: which redemptions count as an order's coupons
    """

    @task_group(group_id="lane")
    def lane(
        shop: Any,
        shopify_admin_conn_id: Any,
        yofi_conn_id: Any,
        yotpo_conn_id: Any,
        voucherify_conn_id: Any,
        since: Any,
        until: Any,
        claims_since: Any,
        redemptions_since: Any,
        personal_data: Any = None,
    ) -> Any:
        """One shop in one window, from Shopify to Yotpo."""
        tasks = build_order_tasks(
            shop=shop,
            shopify_admin_conn_id=shopify_admin_conn_id,
            yofi_conn_id=yofi_conn_id,
            voucherify_conn_id=voucherify_conn_id,
            since=since,
            until=until,
            claims_since=claims_since,
            redemptions_since=redemptions_since,
            personal_data=personal_data,
            options=options,
            policy=policy,
            coupon_policy=coupon_policy,
        )
        tasks += upsert_order_tasks(tasks[-1].output, yotpo_conn_id=yotpo_conn_id)
        return summarize_tasks(tasks, shop=shop, since=since, voucherify_conn_id=voucherify_conn_id)

    return lane


@task(
    multiple_outputs=False,
    trigger_rule="all_done",
    map_index_template="{{ task.op_kwargs['shop'] }}" + _SINCE_LABEL % "op_kwargs['since']",
)
def summarize_lane(
    shop: str, since: str, optional_connections: Mapping[str, Any], results: Mapping[str, Any]
) -> run_summary.LaneSummary:
    """Return the summary of one lane, also when one of its tasks failed.

    :param since: start of its window
    :param optional_connections: by task, the connection without which the task is skipped
    :param results: by task, what it returned
    """
    context: Any = get_current_context()
    run_results = {name: result for name, result in results.items() if optional_connections.get(name, name)}
    return run_summary.build_lane_summary(
        shop, run_results, since=since, dry_run=parse_bool(context["params"]["dry_run"], "dry_run")
    )


@task(multiple_outputs=False, trigger_rule="all_done")
def summarize(results: Mapping[str, Any], lanes: Any, summaries: Any) -> run_summary.RunSummary:
    """Return the summary of a run, and log it as a table. Fail if a step before the lanes did not succeed.

    :param results: the steps before the lanes, in order, each with its result
    :param lanes: the lanes with their windows
    :param summaries: the result of the mapped lanes
    """
    context: Any = get_current_context()
    with translate_errors(context):
        require_results(results)
        return build_summary(context, lanes, summaries)


def build_summary(
    context: Mapping[str, Any],
    lanes: Sequence[Mapping[str, Any]],
    summaries: Any,
    *,
    find_gaps: Callable[[run_summary.RunSummary], run_summary.GapsByShop] | None = None,
) -> run_summary.RunSummary:
    """Return the summary of a run, and log it as a table.

    :param lanes: the lanes with their windows
    :param summaries: the result of the mapped lanes
    :param find_gaps: returns what no run has read, from the summary
    """
    # For a single lane, Airflow passes its result instead of a list.
    lane_summaries: list[Any] = [summaries] if isinstance(summaries, dict) else list(summaries or [])
    summary = run_summary.build_run_summary(
        lane_summaries,
        [(lane["shop"], lane["since"]) for lane in lanes],
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
    )
    if find_gaps is not None:
        summary = run_summary.with_table(summary, gaps=find_gaps(summary))
    log.info("Summary:\n%s", summary["table"])
    return summary


def fail_on_failed_shops(summary: Mapping[str, Any]) -> None:
    """Fail the task if a lane failed.

    :param summary: the result of :func:`summarize`
    :raises PartnerTaskError: with the lanes, and the task at which each of them stopped
    """
    if summary["failed"]:
        failed = ", ".join(f"{lane} (at {task_id})" for lane, task_id in summary["failed"].items())
        message = f"{len(summary['failed'])} of {len(summary['lanes'])} lanes failed: {failed}. See their logs."
        raise PartnerTaskError(message)


def _as_json(value: Any) -> Any:
    """Return options as the dict that a template field holds."""
    to_dict: Callable[[], dict[str, Any]] | None = getattr(value, "to_dict", None)
    return to_dict() if to_dict else value
