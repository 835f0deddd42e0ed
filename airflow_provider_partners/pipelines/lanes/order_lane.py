"""The steps of the order Dags: extract from Shopify, Yofi and Voucherify, build, write products and orders to Yotpo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.pipelines.lanes.changes import ChangedOrders
from airflow_provider_partners.pipelines.lanes.lane import DRY_RUN_TEMPLATE, PERSONAL_VALUES_TEMPLATE
from airflow_provider_partners.pipelines.lanes.steps import SHOP_LABEL, SINCE_LABEL, LaneSteps, Step, Steps

__all__ = ["ORDER_LANE", "order_steps", "upsert_steps"]

_BUILT_LABEL = "{{ task.%s.extra.shop }}"


def order_steps(
    *,
    order_ids: str | None = None,
    query: Callable[[Any], Any] | None = None,
    build_options: dict[str, Any] | None = None,
) -> Steps:
    """Return the steps of a lane up to its built orders; the last one, ``build``, returns their dataset.

    :param order_ids: the step before that returns the ids of the orders to read, whenever they changed. The window then
        applies to claims and redemptions alone
    :param query: returns a Shopify search from the lane, which the orders must match besides the window
    :param build_options: further arguments of the build
    """

    def selection(lane: Any, results: Any) -> dict[str, Any]:
        if order_ids is not None:
            return {"match": {"id": results[order_ids]}}
        return {"since": lane.since, "until": lane.until, "query": query(lane) if query else None}

    def of_yofi(lane: Any) -> dict[str, Any]:
        return {"shop": lane.shop, "yofi_conn_id": lane.yofi_conn_id, "skip_without_connection": True}

    def column(results: Any, field: str) -> dict[str, Any]:
        return {"dataset": results["extract_orders"], "field": field}

    return (
        Step(
            name="extract_orders",
            operator=ShopifyAdminExtractOperator,
            arguments=lambda lane, results: {
                "resource": "orders",
                "shop": lane.shop,
                **selection(lane, results),
                "personal_data": lane.personal_data,
                "fields": lane.fields,
                "shopify_admin_conn_id": lane.shopify_admin_conn_id,
            },
            label=SHOP_LABEL + SINCE_LABEL % "since",
        ),
        # Yofi has no time filter for returns, and an order that changed today may have an old return: read by order.
        Step(
            name="extract_returns",
            operator=YofiExtractOperator,
            arguments=lambda lane, results: {
                "resource": "returns",
                "match": {"order_id": column(results, "legacyResourceId")},
                **of_yofi(lane),
            },
            needs="yofi_conn_id",
            label=SHOP_LABEL + SINCE_LABEL % "match.order_id.dataset.window.since",
        ),
        # A customer's predictions count for orders without a return, too.
        Step(
            name="extract_customers",
            operator=YofiExtractOperator,
            arguments=lambda lane, results: {
                "resource": "customers",
                "match": {"customer_id": column(results, "customer.legacyResourceId")},
                **of_yofi(lane),
            },
            needs="yofi_conn_id",
            label=SHOP_LABEL + SINCE_LABEL % "match.customer_id.dataset.window.since",
        ),
        Step(
            name="extract_claims",
            operator=YofiExtractOperator,
            arguments=lambda lane, _results: {
                "resource": "claims",
                "since": lane.claims_since,
                "until": lane.until,
                **of_yofi(lane),
            },
            needs="yofi_conn_id",
            label=SHOP_LABEL + SINCE_LABEL % "since",
        ),
        Step(
            name="extract_redemptions",
            operator=VoucherifyExtractOperator,
            arguments=lambda lane, _results: {
                "resource": "redemptions",
                "since": lane.redemptions_since,
                "until": lane.until,
                "voucherify_conn_id": lane.voucherify_conn_id,
                "skip_without_connection": True,
                "for_shop": lane.shop,
            },
            needs="voucherify_conn_id",
            label="{{ task.for_shop }}" + SINCE_LABEL % "since",
        ),
        Step(
            name="build",
            operator=YotpoBuildOrdersOperator,
            arguments=lambda lane, results: {
                "orders": results["extract_orders"],
                "returns": results["extract_returns"],
                "claims": results["extract_claims"],
                "customers": results["extract_customers"],
                "redemptions": results["extract_redemptions"],
                "predictions": lane.predictions,
                "shop": lane.shop,
                "options": lane.options,
                "policy": lane.policy,
                "coupon_policy": lane.coupon_policy,
                "transform": lane.transform,
                **(build_options or {}),
            },
            # A shop without Yofi or Voucherify skips their lists.
            trigger_rule="none_failed",
            label=SHOP_LABEL + SINCE_LABEL % "orders.window.since",
        ),
    )


def upsert_steps(built: str = "build", *, order_options: dict[str, Any] | None = None) -> Steps:
    """Return the steps of a lane that write to Yotpo: products first, then orders.

    :param built: the step that returns the orders to write
    :param order_options: further arguments of the upsert of orders
    """
    return (
        Step(
            name="upsert_products",
            operator=YotpoUpsertProductsOperator,
            arguments=lambda lane, results: {
                "products": results[built],
                "plan_only": DRY_RUN_TEMPLATE,
                "yotpo_conn_id": lane.yotpo_conn_id,
            },
            label=_BUILT_LABEL % "products" + SINCE_LABEL % "products.window.since",
        ),
        Step(
            name="upsert_orders",
            operator=YotpoUpsertOrdersOperator,
            arguments=lambda lane, results: {
                "orders": results[built],
                "plan_only": DRY_RUN_TEMPLATE,
                "personal_values": PERSONAL_VALUES_TEMPLATE,
                "yotpo_conn_id": lane.yotpo_conn_id,
                **(order_options or {}),
            },
            after=("upsert_products",),
            label=_BUILT_LABEL % "orders" + SINCE_LABEL % "orders.window.since",
        ),
    )


ORDER_LANE = LaneSteps(
    path=f"{__name__}:ORDER_LANE", steps=(*order_steps(), *upsert_steps()), is_changed=ChangedOrders()
)
"""The lane of the hourly Dag and of the backfill: what changed in Shopify in a window."""
