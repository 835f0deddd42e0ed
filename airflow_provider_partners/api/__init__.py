"""Clients of the partners' APIs: a package per partner, each with the same floor plan. Nothing in here imports Airflow.

``client`` (the public class), ``auth``, ``errors``, ``resources`` (the table of lists), ``query`` (a user's arguments,
checked) and ``pages`` (one page fetched) are in every partner's package. What only one partner has stands beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient as ShopifyAdminClient
    from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient as ShopifyPartnerClient
    from airflow_provider_partners.api.voucherify.client import VoucherifyClient as VoucherifyClient
    from airflow_provider_partners.api.yofi.client import YofiClient as YofiClient
    from airflow_provider_partners.api.yotpo.client import YotpoClient as YotpoClient

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "shopify_admin.client": ["ShopifyAdminClient"],
        "shopify_partner.client": ["ShopifyPartnerClient"],
        "voucherify.client": ["VoucherifyClient"],
        "yofi.client": ["YofiClient"],
        "yotpo.client": ["YotpoClient"],
    },
)
