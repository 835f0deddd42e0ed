"""Hooks: an Airflow connection becomes the API client of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.base import PartnerHook as PartnerHook
    from airflow_provider_partners.hooks.shopify_admin import ShopifyAdminHook as ShopifyAdminHook
    from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook as ShopifyPartnerHook
    from airflow_provider_partners.hooks.voucherify import VoucherifyHook as VoucherifyHook
    from airflow_provider_partners.hooks.yofi import YofiHook as YofiHook
    from airflow_provider_partners.hooks.yotpo import YotpoHook as YotpoHook

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "base": ["PartnerHook"],
        "shopify_admin": ["ShopifyAdminHook"],
        "shopify_partner": ["ShopifyPartnerHook"],
        "voucherify": ["VoucherifyHook"],
        "yofi": ["YofiHook"],
        "yotpo": ["YotpoHook"],
    },
)
