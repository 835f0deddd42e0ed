"""Daily: extract the partner's transactions and app events by day."""

from __future__ import annotations

from airflow_provider_partners.pipelines import partner_finance_dag

dag = partner_finance_dag()
