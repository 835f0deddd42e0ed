"""The product's Dags as functions: a Dag file calls one, and the installed version decides the rest.

::

    from airflow_provider_partners.pipelines import order_sync_dag

    dag = order_sync_dag()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.pipelines.new_returns import new_returns_dag as new_returns_dag
    from airflow_provider_partners.pipelines.order_backfill import order_backfill_dag as order_backfill_dag
    from airflow_provider_partners.pipelines.order_reconcile import order_reconcile_dag as order_reconcile_dag
    from airflow_provider_partners.pipelines.order_sync import order_sync_dag as order_sync_dag
    from airflow_provider_partners.pipelines.partner_finance import partner_finance_dag as partner_finance_dag
    from airflow_provider_partners.pipelines.replay_rejects import replay_rejects_dag as replay_rejects_dag
    from airflow_provider_partners.pipelines.retention import retention_dag as retention_dag
    from airflow_provider_partners.pipelines.voucherify_extract import voucherify_extract_dag as voucherify_extract_dag

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "new_returns": ["new_returns_dag"],
        "order_backfill": ["order_backfill_dag"],
        "order_reconcile": ["order_reconcile_dag"],
        "order_sync": ["order_sync_dag"],
        "partner_finance": ["partner_finance_dag"],
        "replay_rejects": ["replay_rejects_dag"],
        "retention": ["retention_dag"],
        "voucherify_extract": ["voucherify_extract_dag"],
    },
)
