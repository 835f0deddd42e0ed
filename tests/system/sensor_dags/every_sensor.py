"""Every sensor in every mode, and failures after a deferral. The run's conf has what they wait for."""

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
    sensor_args = {**mode, "poke_interval": 1, "timeout": 120}
    with DAG(f"sensors_{name}", schedule=None, catchup=False) as dag:
        (
            YofiRecordsSensor(
                task_id="yofi", resource="claims", shop="{{ dag_run.conf['shop'] }}", since=SINCE, **sensor_args
            )
            >> ShopifyPartnerEventSensor(
                task_id="shopify", app_id="{{ dag_run.conf['app'] }}", since=SINCE, **sensor_args
            )
            >> VoucherifyRecordsSensor(
                task_id="redemption", resource="redemptions", since=SINCE, voucherify_conn_id=VOUCHERIFY, **sensor_args
            )
            >> VoucherifyExportSensor(
                task_id="export", export_id="{{ dag_run.conf['export'] }}", voucherify_conn_id=VOUCHERIFY, **sensor_args
            )
            >> YotpoOrderSensor(
                task_id="yotpo", external_id="{{ dag_run.conf['order'] }}", yotpo_conn_id=YOTPO, **sensor_args
            )
        )
    globals()[dag.dag_id] = dag

with DAG("sensors_failing", schedule=None, catchup=False) as failing:
    sensor_args = {
        "deferrable": True,
        "poke_interval": 1,
        "trigger_rule": "all_done",
        "retry_delay": timedelta(seconds=1),
    }
    late_args = {"external_id": "does-not-exist", "yotpo_conn_id": YOTPO, "timeout": 2, **sensor_args}
    (
        YotpoOrderSensor(task_id="late_soft", soft_fail=True, **late_args)
        >> YotpoOrderSensor(task_id="late_never", never_fail=True, **late_args)
        >> YotpoOrderSensor(task_id="late", retries=3, **late_args)
        >> YotpoOrderSensor(
            task_id="try_too_long", retries=1, **{**late_args, "timeout": 60, "execution_timeout": timedelta(seconds=2)}
        )
        >> VoucherifyExportSensor(
            task_id="export_soft",
            export_id="{{ dag_run.conf['export'] }}",
            voucherify_conn_id=VOUCHERIFY,
            soft_fail=True,
            **sensor_args,
        )
        >> VoucherifyRecordsSensor(
            task_id="refused_later",
            resource="campaigns",
            at_least=5000,
            retries=3,
            voucherify_conn_id=VOUCHERIFY,
            **sensor_args,
        )
    )
