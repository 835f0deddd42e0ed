"""Triggers: they poll a partner in Airflow's triggerer, so that waiting takes no worker slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.triggers.condition import ConditionTrigger as ConditionTrigger
    from airflow_provider_partners.triggers.freshness import FreshnessTrigger as FreshnessTrigger
    from airflow_provider_partners.triggers.job import JobTrigger as JobTrigger
    from airflow_provider_partners.triggers.shopify_partner import (
        ShopifyPartnerNewInstallsTrigger as ShopifyPartnerNewInstallsTrigger,
    )
    from airflow_provider_partners.triggers.voucherify import (
        VoucherifyNewRedemptionsTrigger as VoucherifyNewRedemptionsTrigger,
    )
    from airflow_provider_partners.triggers.yofi import (
        YofiNewClaimsTrigger as YofiNewClaimsTrigger,
    )
    from airflow_provider_partners.triggers.yofi import (
        YofiNewReturnsTrigger as YofiNewReturnsTrigger,
    )

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "condition": ["ConditionTrigger"],
        "freshness": ["FreshnessTrigger"],
        "job": ["JobTrigger"],
        "shopify_partner": ["ShopifyPartnerNewInstallsTrigger"],
        "voucherify": ["VoucherifyNewRedemptionsTrigger"],
        "yofi": ["YofiNewClaimsTrigger", "YofiNewReturnsTrigger"],
    },
)
