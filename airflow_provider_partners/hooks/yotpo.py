"""Airflow hook of the Yotpo Core API v3: REST, one store."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from airflow_provider_partners.api.yotpo.client import YotpoClient
    from airflow_provider_partners.hooks.connection import PartnerConnection


class YotpoHook(PartnerHook["YotpoClient"]):
    """Builds the client of a store's Core API.

    :param yotpo_conn_id: id of the Airflow connection
    """

    conn_name_attr: ClassVar[str] = "yotpo_conn_id"
    default_conn_name: ClassVar[str] = "yotpo_default"
    conn_type: ClassVar[str] = "yotpo"
    hook_name: ClassVar[str] = "Yotpo"
    default_host: ClassVar[str] = "https://api.yotpo.com"

    def __init__(self, yotpo_conn_id: str = default_conn_name) -> None:
        super().__init__(yotpo_conn_id)

    def build_client(self, connection: PartnerConnection) -> YotpoClient:
        """Build the client of the store."""
        from airflow_provider_partners.api.yotpo.client import YotpoClient

        connection.require("login")
        return YotpoClient(
            store_id=connection.login,
            secret=connection.password,
            base_url=connection.base_url,
            **connection.extras,
            # The rate limit belongs to the store: all its credentials share it.
            options=self.client_options(connection.base_url, connection.login),
        )
