"""By hand: sync the orders of a past time range to Yotpo."""

from __future__ import annotations

from airflow_provider_partners.pipelines import order_backfill_dag

dag = order_backfill_dag()
