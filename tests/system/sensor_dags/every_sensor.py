"""Every sensor in every mode, and failures after a deferral; what they wait for is in the run's configuration."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor
from airflow_provider_partners.sensors.voucherify import VoucherifyExportSensor, VoucherifyRecordsSensor
from airflow_provider_partners.sensors.yofi import YofiRecordsSensor
from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor

SINCE = "{{ dag_run.conf['since'] }}"
YOTPO = "{{ dag_run.conf['yotpo'] }}"
VOUCHERIFY = "voucherify_sandbox"

MODES = {"poke": {"mode": "poke"}, "reschedule": {"mode": "reschedule"}, "deferrable": {"deferrable": True}}

for name, mode in MODES.items():
    how = {**mode, "poke_interval": 1, "timeout": 120}
    with DAG(f"sensors_{name}", schedule=None, catchup=False) as dag:
        (
            YofiRecordsSensor(task_id="yofi", resource="claims", shop="{{ dag_run.conf['shop'] }}", since=SINCE, **how)
            >> ShopifyPartnerEventSensor(task_id="shopify", app_id="{{ dag_run.conf['app'] }}", since=SINCE, **how)
            >> VoucherifyRecordsSensor(
                task_id="redemption", resource="redemptions", since=SINCE, voucherify_conn_id=VOUCHERIFY, **how
            )
            >> VoucherifyExportSensor(
                task_id="export", export_id="{{ dag_run.conf['export'] }}", voucherify_conn_id=VOUCHERIFY, **how
            )
            >> YotpoOrderSensor(task_id="yotpo", external_id="{{ dag_run.conf['order'] }}", yotpo_conn_id=YOTPO, **how)
        )
    globals()[dag.dag_id] = dag

with DAG("sensors_failing", schedule=None, catchup=False) as failing:
    how = {"deferrable": True, "poke_interval": 1, "trigger_rule": "all_done", "retry_delay": timedelta(seconds=1)}
    late = {"external_id": "never-there", "yotpo_conn_id": YOTPO, "timeout": 2, **how}
    (
        YotpoOrderSensor(task_id="late_soft", soft_fail=True, **late)
        >> YotpoOrderSensor(task_id="late_never", never_fail=True, **late)
        >> YotpoOrderSensor(task_id="late", retries=3, **late)
        >> YotpoOrderSensor(
            task_id="try_too_long", retries=1, **{**late, "timeout": 60, "execution_timeout": timedelta(seconds=2)}
        )
        >> VoucherifyExportSensor(
            task_id="export_soft",
            export_id="{{ dag_run.conf['export'] }}",
            voucherify_conn_id=VOUCHERIFY,
            soft_fail=True,
            **how,
        )
        >> VoucherifyRecordsSensor(
            task_id="refused_later",
            resource="campaigns",
            at_least=5000,
            retries=3,
            voucherify_conn_id=VOUCHERIFY,
            **how,
        )
    )
