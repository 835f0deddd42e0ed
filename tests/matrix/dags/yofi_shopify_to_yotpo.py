"""The main Dag with all steps of several shops in one task."""

from __future__ import annotations

from airflow_provider_partners.pipelines import order_sync_dag

dag = order_sync_dag(granularity="shop")
