"""Hourly: sync the orders of every shop to Yotpo."""

from __future__ import annotations

from airflow_provider_partners.pipelines import order_sync_dag

dag = order_sync_dag()
