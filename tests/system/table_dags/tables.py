"""Files to a table, shops' orders to a table by mapped tasks, and a table back to a dataset."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_partners import (
    DatasetToSqlOperator,
    FilesToDatasetOperator,
    ShopifyAdminExtractOperator,
    SqlToDatasetOperator,
)

CONF = "{{ dag_run.conf['%s'] }}"

with DAG("tables", schedule=None, catchup=False, default_args={"retries": 2, "retry_delay": timedelta(seconds=1)}):
    files = FilesToDatasetOperator(
        task_id="files",
        uri=CONF % "folder",
        delimiter=CONF % "delimiter",
        types="{{ dag_run.conf['types'] | tojson }}",
        min_records=CONF % "min_records",
    )
    csv_orders = DatasetToSqlOperator(
        task_id="csv_orders",
        dataset=files.output,
        table="csv_orders",
        conn_id="warehouse",
        keys="{{ dag_run.conf['keys'] }}",
        max_rejects="5",
    )
    newest = SqlToDatasetOperator(
        task_id="newest", conn_id="warehouse", sql="newest.sql", parameters={"since": CONF % "newest_since"}
    )
    csv_orders >> newest

    orders = ShopifyAdminExtractOperator.partial(
        task_id="orders", resource="orders", since=CONF % "since", until=CONF % "until"
    ).expand_kwargs([
        {"shop": CONF % "first_shop", "shopify_admin_conn_id": CONF % "first_connection"},
        {"shop": CONF % "second_shop", "shopify_admin_conn_id": CONF % "second_connection"},
    ])
    each_shop = DatasetToSqlOperator.partial(
        task_id="each_shop",
        table="shop_orders",
        conn_id="warehouse",
        keys=["id"],
        flatten=True,
        only_newer="updatedAt",
    ).expand(dataset=orders.output)
    all_shops = DatasetToSqlOperator(
        task_id="all_shops", dataset=orders.output, table="all_orders", conn_id="warehouse", mode="replace"
    )
