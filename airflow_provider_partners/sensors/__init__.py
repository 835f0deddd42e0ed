"""Sensors: they wait for a partner's records, orders or exports, on a worker or in Airflow's triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.sensors.freshness import DatasetFreshnessSensor as DatasetFreshnessSensor
    from airflow_provider_partners.sensors.shopify_partner import ShopifyPartnerEventSensor as ShopifyPartnerEventSensor
    from airflow_provider_partners.sensors.voucherify import (
        VoucherifyExportSensor as VoucherifyExportSensor,
    )
    from airflow_provider_partners.sensors.voucherify import (
        VoucherifyRecordsSensor as VoucherifyRecordsSensor,
    )
    from airflow_provider_partners.sensors.yofi import YofiRecordsSensor as YofiRecordsSensor
    from airflow_provider_partners.sensors.yotpo import YotpoOrderSensor as YotpoOrderSensor

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "freshness": ["DatasetFreshnessSensor"],
        "shopify_partner": ["ShopifyPartnerEventSensor"],
        "voucherify": ["VoucherifyExportSensor", "VoucherifyRecordsSensor"],
        "yofi": ["YofiRecordsSensor"],
        "yotpo": ["YotpoOrderSensor"],
    },
)
