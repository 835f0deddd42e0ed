"""Airflow hook of Yofi's Partner Data API: JSON:API, one shop."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners.exceptions import PartnersError
from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from airflow_provider_partners.api.yofi.client import YofiClient
    from airflow_provider_partners.hooks.connection import PartnerConnection


class YofiHook(PartnerHook["YofiClient"]):
    """Builds the client of Yofi's Partner Data API.

    :param yofi_conn_id: id of the Airflow connection
    :param shop: the shop to read, such as ``a.myshopify.com``; by default the connection's extra ``shop``
    """

    conn_name_attr: ClassVar[str] = "yofi_conn_id"
    default_conn_name: ClassVar[str] = "yofi_default"
    conn_type: ClassVar[str] = "yofi"
    hook_name: ClassVar[str] = "Yofi"
    default_host: ClassVar[str] = "https://portal.public-api.services.yofi.ai"

    def __init__(self, yofi_conn_id: str = default_conn_name, *, shop: str | None = None) -> None:
        super().__init__(yofi_conn_id)
        self.shop = shop

    @property
    def account(self) -> str | None:
        """The shop's domain."""
        from airflow_provider_partners.api.yofi.auth import normalize_shop

        shop = self.shop or self.connection.extras.get("shop")
        return normalize_shop(shop) if shop else None

    def test_connection(self) -> tuple[bool, str]:
        """Make one cheap authenticated read of the connection's shop."""
        try:
            has_shop = self.account is not None
        except PartnersError as error:
            return False, str(error)
        if not has_shop:
            return False, (
                f"The connection '{self.conn_id}' names no shop, and Yofi answers for one shop only. Set the extra "
                "'shop', such as a.myshopify.com, to test it. Tasks that name their shop work without it."
            )
        return super().test_connection()

    def build_client(self, connection: PartnerConnection) -> YofiClient:
        """Build the client of the shop."""
        from airflow_provider_partners.api.yofi.client import YofiClient

        connection.require("issuer")
        extras = {**connection.extras, **({"shop": self.shop} if self.shop else {})}
        extras.pop("console_url", None)
        return YofiClient(
            secret=connection.password,
            base_url=connection.base_url,
            **extras,
            options=self.client_options(connection.base_url, str(extras["issuer"]), connection.password),
        )
