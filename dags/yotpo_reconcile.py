"""Daily: compare Yotpo's orders with Shopify's, and repair the differences."""

from __future__ import annotations

from airflow_provider_partners.pipelines import order_reconcile_dag

dag = order_reconcile_dag()
