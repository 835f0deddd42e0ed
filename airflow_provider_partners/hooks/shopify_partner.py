"""Airflow hook of the Shopify Partner API: GraphQL, one organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient
    from airflow_provider_partners.hooks.connection import PartnerConnection


class ShopifyPartnerHook(PartnerHook["ShopifyPartnerClient"]):
    """Builds the client of the Shopify Partner API.

    :param shopify_partner_conn_id: id of the Airflow connection
    """

    conn_name_attr: ClassVar[str] = "shopify_partner_conn_id"
    default_conn_name: ClassVar[str] = "shopify_partner_default"
    conn_type: ClassVar[str] = "shopify_partner"
    hook_name: ClassVar[str] = "Shopify Partner"
    default_host: ClassVar[str] = "https://partners.shopify.com"

    def __init__(self, shopify_partner_conn_id: str = default_conn_name) -> None:
        super().__init__(shopify_partner_conn_id)

    @property
    def account(self) -> str | None:
        """The organization's id."""
        return str(self.connection.extras.get("organization_id") or "").strip() or None

    def build_client(self, connection: PartnerConnection) -> ShopifyPartnerClient:
        """Build the client of the organization."""
        from airflow_provider_partners.api.shopify_partner.client import ShopifyPartnerClient

        connection.require("organization_id")
        return ShopifyPartnerClient(
            access_token=connection.password,
            base_url=connection.base_url,
            **connection.extras,
            options=self.client_options(connection.base_url, connection.extras["organization_id"], connection.password),
        )
