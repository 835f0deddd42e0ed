"""Daily: remove old staged datasets."""

from __future__ import annotations

from airflow_provider_partners.pipelines import retention_dag

dag = retention_dag()
