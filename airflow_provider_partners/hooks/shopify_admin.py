"""Airflow hook of the Shopify Admin API: GraphQL, one shop."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from airflow_provider_partners.api.shopify.shops import is_admin_page, shop_domain
from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient
    from airflow_provider_partners.hooks.connection import PartnerConnection

_HOST_TEMPLATE = "{shop}.myshopify.com"
_SHOP_DOMAIN = re.compile(r"(?<![a-z0-9-])[a-z0-9][a-z0-9-]*\.myshopify\.com")


class ShopifyAdminHook(PartnerHook["ShopifyAdminClient"]):
    """Builds the client of a shop's Admin API.

    The connection's host may contain ``{shop}``. One connection then serves all shops of an app that exchanges its
    client credentials for tokens: ``https://{shop}.myshopify.com``, or a proxy such as ``http://proxy/{shop}``. The
    address of the shop's admin, ``https://admin.shopify.com/store/a``, names the shop as well.

    :param shopify_admin_conn_id: id of the Airflow connection
    :param shop: the shop, such as ``a.myshopify.com`` or ``a``; by default the shop in the connection's host
    :param token_provider: returns the shop's current token, for apps that store expiring tokens elsewhere; it replaces
        the connection's password
    """

    conn_name_attr: ClassVar[str] = "shopify_admin_conn_id"
    default_conn_name: ClassVar[str] = "shopify_admin_default"
    conn_type: ClassVar[str] = "shopify_admin"
    hook_name: ClassVar[str] = "Shopify Admin"
    default_host: ClassVar[str] = f"https://{_HOST_TEMPLATE}"

    def __init__(
        self,
        shopify_admin_conn_id: str = default_conn_name,
        *,
        shop: str | None = None,
        token_provider: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(shopify_admin_conn_id)
        self.shop = shop
        self.token_provider = token_provider

    @property
    def account(self) -> str | None:
        """The shop's domain."""
        return shop_domain(self.shop) if self.shop else self._shop_from_host(self.connection)

    def build_client(self, connection: PartnerConnection) -> ShopifyAdminClient:
        """Build the client of the shop."""
        from airflow_provider_partners.api.shopify_admin.client import ShopifyAdminClient

        shop = shop_domain(self.shop) if self.shop else self._shop_from_host(connection)
        base_url = self._base_url(connection, shop)
        extras = dict(connection.extras)
        if extras.get("auth") == "client_credentials":
            connection.require("login")
            extras |= {"client_id": connection.login, "client_secret": connection.password}
        elif self.token_provider is None:
            extras["access_token"] = connection.password
        return ShopifyAdminClient(
            shop=shop,
            base_url=base_url,
            token_provider=self.token_provider,
            **extras,
            options=self.client_options(base_url, shop, connection.password),
        )

    @property
    def host(self) -> str | None:
        """The server that the client talks to."""
        return urlsplit(self._base_url(self.connection, self.account or "")).hostname

    @classmethod
    def _base_url(cls, connection: PartnerConnection, shop: str) -> str:
        url = cls.default_host if is_admin_page(connection.base_url) else connection.base_url
        return url.replace(_HOST_TEMPLATE, shop).replace("{shop}", shop)

    @staticmethod
    def _shop_from_host(connection: PartnerConnection) -> str:
        if is_admin_page(connection.base_url):
            return shop_domain(connection.base_url)
        shop = _SHOP_DOMAIN.search(connection.base_url)
        if shop is None:
            message = f"No shop is given, and the host of the connection '{connection.conn_id}' contains none"
            raise ConfigurationError(message, remedy="Pass 'shop', such as a.myshopify.com.")
        return shop.group()
