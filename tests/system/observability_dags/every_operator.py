"""A Dag with a task of every operator, most with outlets; ``test_observability.py`` compares what they report."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, Asset, AssetAlias, get_current_context, task

from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.operators.shopify_admin import ShopifyAdminExtractOperator
from airflow_provider_partners.operators.shopify_partner import (
    ShopifyPartnerActiveShopsOperator,
    ShopifyPartnerExtractOperator,
    ShopifyPartnerQueryOperator,
)
from airflow_provider_partners.operators.voucherify import VoucherifyExtractOperator
from airflow_provider_partners.operators.yofi import YofiExtractOperator
from airflow_provider_partners.operators.yotpo import (
    YotpoBuildOrdersOperator,
    YotpoExtractOperator,
    YotpoReconcileOrdersOperator,
    YotpoUpsertOrdersOperator,
    YotpoUpsertProductsOperator,
)
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.taskflow import dataset_uri, read_dataset, translate_errors, write_dataset

SHOP = "aurora-apparel.myshopify.com"
YEARS = {"since": "2020-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z"}
STORE = "yotpo_aurora_apparel"
APP = "{{ var.value.partner_app_id }}"
EVENTS = "query ($first: Int!, $after: String, $app: ID!) { app(id: $app) { events(first: $first, after: $after) {"
EVENTS += " edges { cursor node { __typename occurredAt } } pageInfo { hasNextPage } } } }"


@task(multiple_outputs=False)
def by_hand(orders: dict) -> dict:
    """Read a dataset and a list that no other task reads, and write a dataset, without an operator."""
    context = get_current_context()
    assert any(read_dataset(orders))
    with translate_errors(context), YofiHook(shop=SHOP) as yofi:
        return write_dataset(yofi.extract("customers"), uri=dataset_uri(context)).to_dict()


with DAG("every_operator", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
    orders = ShopifyAdminExtractOperator(
        task_id="orders",
        resource="orders",
        # Only the connection has the shop.
        shopify_admin_conn_id="shopify_admin_aurora_apparel",
        outlets=[Asset("shopify-admin://aurora-apparel.myshopify.com/orders")],
        **YEARS,
    )
    returns = YofiExtractOperator(
        task_id="returns",
        resource="returns",
        shop=SHOP,
        match={"order_id": {"dataset": orders.output, "field": "legacyResourceId"}},
        outlets=[AssetAlias("yofi returns")],
    )
    lists = YofiExtractOperator.partial(task_id="lists", shop=SHOP, outlets=[AssetAlias("yofi lists")], **YEARS).expand(
        resource=["claims", "returns"]
    )
    redemptions = VoucherifyExtractOperator(
        task_id="redemptions",
        resource="redemptions",
        voucherify_conn_id="voucherify_sandbox",
        outlets=[AssetAlias("redemptions")],
        **YEARS,
    )
    ShopifyPartnerExtractOperator(
        task_id="app_events", resource="app_events", app_id=APP, outlets=[AssetAlias("app events")], **YEARS
    )
    ShopifyPartnerActiveShopsOperator(task_id="shops", app_id=APP, outlets=[AssetAlias("no dataset")])
    ShopifyPartnerQueryOperator(
        task_id="query",
        document=EVENTS,
        connection="app.events",
        variables={"app": APP},
        resource="any events",
        key=("occurredAt", "__typename"),
        outlets=[AssetAlias("query")],
    )
    built = YotpoBuildOrdersOperator(
        task_id="build",
        orders=orders.output,
        returns=returns.output,
        redemptions=redemptions.output,
        shop=SHOP,
        outlets=[Asset("built_orders")],
    )
    planned = YotpoUpsertOrdersOperator(
        task_id="plan",
        orders=built.output,
        plan_only=True,
        yotpo_conn_id=STORE,
        outlets=[AssetAlias("planned"), Asset("planned_orders")],
    )
    products = YotpoUpsertProductsOperator(task_id="upsert_products", products=built.output, yotpo_conn_id=STORE)
    written = YotpoUpsertOrdersOperator(
        task_id="upsert_orders", orders=built.output, yotpo_conn_id=STORE, outlets=[AssetAlias("written")]
    )
    stored = YotpoExtractOperator(
        task_id="stored", resource="orders", yotpo_conn_id=STORE, outlets=[AssetAlias("stored")], **YEARS
    )
    compared = YotpoReconcileOrdersOperator(
        task_id="compare", built=built.output, yotpo_orders=stored.output, outlets=[Asset("differences")]
    )
    refused = YofiExtractOperator(task_id="refused", resource="claims", shop=SHOP, yofi_conn_id="yofi_wrong", **YEARS)
    by_hand(orders.output)
    YofiRecordsSensor(task_id="wait", resource="claims", shop=SHOP)
    planned >> products >> written >> stored >> compared
