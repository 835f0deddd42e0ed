"""Client of Shopify's Partner API: app events, transactions and shops of one organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient as ShopifyPartnerClient
    from airflow_provider_partners.api.shopify_partner.installs import InstalledShop as InstalledShop
    from airflow_provider_partners.api.shopify_partner.installs import replay_installs as replay_installs
    from airflow_provider_partners.api.shopify_partner.model import PartnerResource as PartnerResource
    from airflow_provider_partners.api.shopify_partner.resources import RESOURCES as RESOURCES

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "client": ["ShopifyPartnerClient"],
        "installs": ["InstalledShop", "replay_installs"],
        "model": ["PartnerResource"],
        "resources": ["RESOURCES"],
    },
)
