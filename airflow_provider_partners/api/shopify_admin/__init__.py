"""Client of Shopify's Admin API: the lists of one shop, and any query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.bulk import BulkJob as BulkJob
    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient as ShopifyAdminClient
    from airflow_provider_partners.api.shopify_admin.resources import RESOURCES as RESOURCES

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "bulk": ["BulkJob"],
        "client": ["ShopifyAdminClient"],
        "resources": ["RESOURCES"],
    },
)
