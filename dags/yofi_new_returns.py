"""On events: sync the orders with new returns or claims to Yotpo."""

from __future__ import annotations

from airflow_provider_partners.pipelines import new_returns_dag

dag = new_returns_dag()
