"""By hand: send rejected orders to Yotpo again, after the cause is mended."""

from __future__ import annotations

from airflow_provider_partners.pipelines import replay_rejects_dag

dag = replay_rejects_dag()
