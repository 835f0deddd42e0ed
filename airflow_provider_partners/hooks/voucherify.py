"""Airflow hook of the Voucherify API: REST, one project."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.client import VoucherifyClient
    from airflow_provider_partners.hooks.connection import PartnerConnection


class VoucherifyHook(PartnerHook["VoucherifyClient"]):
    """Builds the client of the Voucherify API.

    The extra ``auth`` says which kind of key the connection holds: a server-side key of a project, a client-side key,
    or a management key. The host is the project's cluster, such as ``https://us1.api.voucherify.io``; Europe by
    default.

    :param voucherify_conn_id: id of the Airflow connection
    """

    conn_name_attr: ClassVar[str] = "voucherify_conn_id"
    default_conn_name: ClassVar[str] = "voucherify_default"
    conn_type: ClassVar[str] = "voucherify"
    hook_name: ClassVar[str] = "Voucherify"
    default_host: ClassVar[str] = "https://api.voucherify.io"

    def __init__(self, voucherify_conn_id: str = default_conn_name) -> None:
        super().__init__(voucherify_conn_id)

    def build_client(self, connection: PartnerConnection) -> VoucherifyClient:
        """Build the client of the project."""
        from airflow_provider_partners.api.voucherify.client import VoucherifyClient

        connection.require("login")
        return VoucherifyClient(
            application_id=connection.login,
            secret_key=connection.password,
            base_url=connection.base_url,
            **connection.extras,
            # The rate limit belongs to the project: all its keys share it.
            options=self.client_options(connection.base_url, connection.login),
        )
