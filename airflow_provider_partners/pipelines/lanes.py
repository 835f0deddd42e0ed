"""The steps of the order sync's Dags: one shop's tasks from Shopify to Yotpo, and the summary.

A lane is one shop in one window. The Dags of the order sync consist of these steps and differ in their windows.
:mod:`~airflow_provider_partners.pipelines.shop_selection` selects the shops. Your own Dag can use them too::

    lanes = select_shops(active_shops.output, [window])
    summary = summarize({"select_shops": lanes}, lanes, map_lanes(create_lane(), lanes))

This module calls no partner's API. It uses Airflow's TaskFlow API.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from airflow.sdk import BaseOperator, Param, get_current_context, task, task_group

from airflow_provider_partners._compat import AirflowSkipException
from airflow_provider_partners.arguments import parse_bool
from airflow_provider_partners.exceptions import FatalError
from airflow_provider_partners.links import ReportLink
from airflow_provider_partners.observability.report import run as report
from airflow_provider_partners.observability.step_log import REPORT_TASK_ID
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.pipelines import run_summary, step_errors
from airflow_provider_partners.pipelines._dag import reject_unknown_params, require_results
from airflow_provider_partners.pipelines.order_arguments import CLAIMS_LOOKBACK, COUPONS_LOOKBACK
from airflow_provider_partners.pipelines.routing.placements import LANE_GROUP, Placement
from airflow_provider_partners.task_errors import PartnerTaskError, translate_errors
from airflow_provider_partners.windows import Window

__all__ = [
    "Lane",
    "build_order_tasks",
    "build_summary",
    "create_lane",
    "fail_on_failed_shops",
    "lane_group",
    "link_report",
    "map_lanes",
    "reject_unknown_params",
    "require_lanes_chosen",
    "shared_params",
    "summarize",
    "summarize_tasks",
    "upsert_order_tasks",
    "with_lookbacks",
]

log = logging.getLogger(__name__)

DRY_RUN_TEMPLATE = "{{ params.dry_run }}"
PERSONAL_VALUES_TEMPLATE = "{{ params.get('personal_values', false) }}"

REPORT_TITLE = "Orders to Yotpo"
"""Title of the reports of the order Dags."""

OPTIONAL_TASKS: Mapping[str, str] = {
    "affected_orders": "yofi_conn_id",
    "extract_returns": "yofi_conn_id",
    "extract_customers": "yofi_conn_id",
    "extract_claims": "yofi_conn_id",
    "extract_redemptions": "voucherify_conn_id",
}
"""The tasks that are skipped for a shop whose route lacks a connection, each with that connection."""

_SHOP_LABEL = "{{ task.shop }}"
_BUILT_LABEL = "{{ task.%s.extra.shop }}"
_SINCE_LABEL = "{{ ' ' ~ task.%s[:10] if params.get('window_days') else '' }}"
"""The first day of a lane's window, for Dags in which a shop has several lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One shop in one window, as a mapped task group sees it: each field is an argument that Airflow resolves later.

    The fields are those of :class:`~airflow_provider_partners.pipelines.routing.routes.Route`, and the bounds of the
    windows.
    """

    shop: Any
    shopify_admin_conn_id: Any
    yofi_conn_id: Any
    yotpo_conn_id: Any
    voucherify_conn_id: Any
    personal_data: Any
    options: Any
    policy: Any
    coupon_policy: Any
    transform: Any
    predictions: Any
    fields: Any
    since: Any
    until: Any
    claims_since: Any
    redemptions_since: Any


def shared_params() -> dict[str, Param]:
    """Return the params of every order Dag: ``shops``, ``dry_run`` and ``personal_values``."""
    text_list: dict[str, Any] = {"type": ["null", "array"], "items": {"type": "string"}}
    return {
        "shops": Param(None, description="Shops to sync; by default all", **text_list),
        "dry_run": Param(False, description="Plan, but write nothing to Yotpo", type="boolean"),
        "personal_values": Param(False, description="Show personal values in the run's report", type="boolean"),
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


@task
def select_placed(lanes: Sequence[Mapping[str, Any]], placement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lanes that run in one pool and queue."""
    return [dict(lane) for lane in lanes if Placement.of(lane) == Placement.of(placement)]


def map_lanes(lane: Any, lanes: Any, placements: Sequence[Placement] = ()) -> Any:
    """Map a lane's task group over the lanes; those in a pool or queue of their own get a group of their own.

    :param lane: from :func:`lane_group`
    :param lanes: the lanes with their windows
    :param placements: the pools and queues that routes name
    :returns: the result of the group, or a list of the results of all groups
    """
    if not placements:
        return lane.expand_kwargs(lanes)
    results = []
    for placement in (Placement(), *placements):
        group_id = placement.group_id
        placed = select_placed.override(task_id=f"select_{group_id}")(lanes, placement.to_dict())
        group = lane.override(group_id=group_id, default_args=placement.default_args)
        results.append(group.expand_kwargs(placed))
    return results


def build_order_tasks(lane: Lane, *, query: Any = None, order_ids: Any = None) -> list[BaseOperator]:
    """Return the tasks of a lane up to its built orders; the last task returns their dataset.

    :param query: a Shopify search that the orders must match besides the window
    :param order_ids: ids of the orders to read, whenever they changed; the window then applies to claims and
        redemptions alone
    """
    selection: dict[str, Any] = (
        {"since": lane.since, "until": lane.until} if order_ids is None else {"match": {"id": order_ids}}
    )
    orders = ShopifyAdminExtractOperator(
        task_id="extract_orders",
        resource="orders",
        shop=lane.shop,
        **selection,
        query=query,
        personal_data=lane.personal_data,
        fields=lane.fields,
        shopify_admin_conn_id=lane.shopify_admin_conn_id,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "since",
    )
    of_yofi = {"shop": lane.shop, "yofi_conn_id": lane.yofi_conn_id, "skip_without_connection": True}
    # Yofi has no time filter for returns, and an order that changed today may have an old return: read by order.
    returns = YofiExtractOperator(
        task_id="extract_returns",
        resource="returns",
        match={"order_id": {"dataset": orders.output, "field": "legacyResourceId"}},
        **of_yofi,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "match.order_id.dataset.window.since",
    )
    # A customer's predictions count for orders without a return, too.
    customers = YofiExtractOperator(
        task_id="extract_customers",
        resource="customers",
        match={"customer_id": {"dataset": orders.output, "field": "customer.legacyResourceId"}},
        **of_yofi,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "match.customer_id.dataset.window.since",
    )
    claims = YofiExtractOperator(
        task_id="extract_claims",
        resource="claims",
        since=lane.claims_since,
        until=lane.until,
        **of_yofi,
        map_index_template=_SHOP_LABEL + _SINCE_LABEL % "since",
    )
    redemptions = VoucherifyExtractOperator(
        task_id="extract_redemptions",
        resource="redemptions",
        since=lane.redemptions_since,
        until=lane.until,
        voucherify_conn_id=lane.voucherify_conn_id,
        skip_without_connection=True,
        for_shop=lane.shop,
        map_index_template="{{ task.for_shop }}" + _SINCE_LABEL % "since",
    )
    build = YotpoBuildOrdersOperator(
        task_id="build",
        orders=orders.output,
        returns=returns.output,
        claims=claims.output,
        customers=customers.output,
        redemptions=redemptions.output,
        predictions=lane.predictions,
        shop=lane.shop,
        options=lane.options,
        policy=lane.policy,
        coupon_policy=lane.coupon_policy,
        transform=lane.transform,
        # A shop without Yofi or Voucherify skips their lists.
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
        personal_values=PERSONAL_VALUES_TEMPLATE,
        yotpo_conn_id=yotpo_conn_id,
        map_index_template=_BUILT_LABEL % "orders" + _SINCE_LABEL % "orders.window.since",
    )
    products >> orders
    return [products, orders]


def summarize_tasks(lane: Lane, tasks: Sequence[BaseOperator], *, before: Mapping[str, Any] | None = None) -> Any:
    """Return the last task of a lane, which summarizes it.

    :param tasks: all tasks before it that return datasets, in order
    :param before: further tasks at the lane's start, by name
    """
    return summarize_lane(
        shop=lane.shop,
        since=lane.since,
        until=lane.until,
        connections={
            "shopify_admin": lane.shopify_admin_conn_id,
            "yofi": lane.yofi_conn_id,
            "voucherify": lane.voucherify_conn_id,
            "yotpo": lane.yotpo_conn_id,
        },
        optional_connections={task_id: getattr(lane, conn_id) for task_id, conn_id in OPTIONAL_TASKS.items()},
        results={**(before or {}), **{task.task_id.rpartition(".")[2]: task.output for task in tasks}},
    )


def lane_group(kind: type[Lane] = Lane) -> Callable[[Callable[[Any], Any]], Any]:
    """Make the task group of a lane of a function that gets the lane. :func:`map_lanes` maps it.

    Airflow reads the names of the mapped arguments from the function's signature, so the group's function has one
    parameter for each field of the lane.

    :param kind: the lane's class
    """

    def decorate(function: Callable[[Any], Any]) -> Any:
        def lane(**arguments: Any) -> Any:
            return function(kind(**arguments))

        parameters = [inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY) for field in fields(kind)]
        lane.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        lane.__doc__ = function.__doc__
        return task_group(group_id=LANE_GROUP)(lane)

    return decorate


def create_lane() -> Any:
    """Return the task group of one lane, to be mapped over the result of :func:`select_shops`."""

    @lane_group()
    def lane(lane: Lane) -> Any:
        """One shop in one window, from Shopify to Yotpo."""
        tasks = build_order_tasks(lane)
        tasks += upsert_order_tasks(tasks[-1].output, yotpo_conn_id=lane.yotpo_conn_id)
        return summarize_tasks(lane, tasks)

    return lane


@task(
    multiple_outputs=False,
    trigger_rule="all_done",
    map_index_template="{{ task.op_kwargs['shop'] }}" + _SINCE_LABEL % "op_kwargs['since']",
)
def summarize_lane(
    shop: str,
    since: str,
    optional_connections: Mapping[str, Any],
    results: Mapping[str, Any],
    until: str = "",
    connections: Mapping[str, Any] | None = None,
) -> run_summary.LaneSummary:
    """Return the summary of one lane, also when one of its tasks failed, and store its report.

    :param since: start of its window
    :param optional_connections: by task, the connection without which the task is skipped
    :param results: by task, what it returned
    :param until: end of its window
    :param connections: connection ids by partner
    """
    context: Any = get_current_context()
    run_results = {name: result for name, result in results.items() if optional_connections.get(name, name)}
    summary = run_summary.build_lane_summary(
        shop,
        run_results,
        since=since,
        until=until,
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
        begun=step_errors.read_begun(context, run_results),
        api_calls=step_errors.count_calls(context, run_results),
    )
    if summary["failed"]:
        summary["error"] = step_errors.read_error(context, summary["failed"])
    report.store_lane(
        context,
        summary,
        results,
        window={"since": since, "until": until},
        absent={name: OPTIONAL_TASKS[name] for name in results if name not in run_results},
        connections={name: conn_id for name, conn_id in (connections or {}).items() if conn_id},
    )
    return summary


@task(task_id=REPORT_TASK_ID, multiple_outputs=False, trigger_rule="all_done")
def _summarize(results: Mapping[str, Any], lanes: Any, summaries: Any) -> run_summary.RunSummary:
    """Return the summary of a run, log it as a table, and write the report of the run.

    Fail if a step before the lanes did not succeed.
    """
    context: Any = get_current_context()
    with translate_errors(context):
        require_lanes_chosen(results, context)
        return build_summary(context, lanes, summaries)


def summarize(results: Mapping[str, Any], lanes: Any, summaries: Any) -> Any:
    """Return the task that returns the summary of a run, logs it as a table, and writes the report of the run.

    It fails if a step before the lanes did not succeed.

    :param results: the steps before the lanes, in order, each with its result
    :param lanes: the lanes with their windows
    :param summaries: the result of the mapped lanes
    """
    return link_report(_summarize(results, lanes, summaries))


def link_report(summary: Any) -> Any:
    """Give a task the link to the report of its run, and return its output as it is."""
    summary.operator.operator_extra_links = (ReportLink(),)
    return summary


def require_lanes_chosen(results: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Raise an error if a step before the lanes has no result, and write a report that says so.

    :param results: the steps before the lanes, in order, each with its result
    :raises FatalError: with the first step that did not succeed
    """
    try:
        require_results(results, context)
    except FatalError as error:
        failed = next((name for name, result in results.items() if result is None), "")
        cause = step_errors.read_error(context, failed, in_group=False) or {
            "task": failed,
            "message": error.message,
            "remedy": error.remedy,
        }
        report.write_run(context, title=REPORT_TITLE, error=cause)
        raise


def build_summary(
    context: Mapping[str, Any],
    lanes: Sequence[Mapping[str, Any]],
    summaries: Any,
    *,
    find_gaps: Callable[[run_summary.RunSummary], run_summary.GapsByShop] | None = None,
) -> run_summary.RunSummary:
    """Return the summary of a run, log it as a table, and write the report of the run.

    :param lanes: the lanes with their windows
    :param summaries: the result of the mapped lanes
    :param find_gaps: returns what no run has read, from the summary
    """
    summary = run_summary.build_run_summary(
        list(_flatten(summaries)),
        [(lane["shop"], lane["since"]) for lane in lanes],
        until={(lane["shop"], lane["since"]): lane["until"] for lane in lanes},
        dry_run=parse_bool(context["params"]["dry_run"], "dry_run"),
    )
    if find_gaps is not None:
        summary = run_summary.with_table(summary, gaps=find_gaps(summary))
    log.info("Summary:\n%s", summary["table"])
    report.write_run(context, title=REPORT_TITLE, summary=summary, lanes=lanes)
    return summary


def _flatten(summaries: Any) -> Iterator[Any]:
    """Yield the summaries of all groups. For a single lane, Airflow passes its result instead of a list."""
    if isinstance(summaries, Mapping):
        yield summaries
    elif not isinstance(summaries, str) and summaries is not None:
        for each in summaries:
            yield from _flatten(each)


def fail_on_failed_shops(summary: Mapping[str, Any]) -> None:
    """Fail the task if a lane failed, and skip it if there was no lane.

    :param summary: the result of :func:`summarize`
    :raises PartnerTaskError: with the lanes, and the task at which each of them stopped
    :raises AirflowSkipException: when the run had no shop, and the Dag allows that
    """
    if not summary["lanes"]:
        message = "This run had no shop to sync. See the log of the task that selects the shops."
        raise AirflowSkipException(message)
    if summary["failed"]:
        count = f"{len(summary['failed'])} of {len(summary['lanes'])} lanes failed"
        log.error("%s:\n%s", count, "\n".join(run_summary.format_failures(summary)))
        failed = ", ".join(f"{lane} (at {task_id})" for lane, task_id in summary["failed"].items())
        message = f"{count}: {failed}."
        raise PartnerTaskError(message)
