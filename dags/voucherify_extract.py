"""Daily: extract Voucherify's lists."""

from __future__ import annotations

from airflow_provider_partners.pipelines import voucherify_extract_dag

dag = voucherify_extract_dag()
