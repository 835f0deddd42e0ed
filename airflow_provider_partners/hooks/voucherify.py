"""Voucherify: its REST API as an Airflow hook."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from airflow_provider_partners.api.voucherify.client import VoucherifyClient
from airflow_provider_partners.hooks.base import PartnerHook

if TYPE_CHECKING:
    from airflow_provider_partners.hooks.connection import PartnerConnection


class VoucherifyHook(PartnerHook[VoucherifyClient]):
    """Gives the client of the Voucherify API.

    A connection holds a key of one kind, told by its extra ``auth``: a project's server-side key, a client-side key, or
    a management key. The host is that of the project's cluster, such as ``https://us1.api.voucherify.io``; Europe's by
    default.

    :param voucherify_conn_id: the connection
    """

    conn_name_attr: ClassVar[str] = "voucherify_conn_id"
    default_conn_name: ClassVar[str] = "voucherify_default"
    conn_type: ClassVar[str] = "voucherify"
    hook_name: ClassVar[str] = "Voucherify"
    default_host: ClassVar[str] = "https://api.voucherify.io"

    def __init__(self, voucherify_conn_id: str = default_conn_name) -> None:
        super().__init__(voucherify_conn_id)

    def build_client(self, connection: PartnerConnection) -> VoucherifyClient:
        """Make the client."""
        connection.require("login")
        return VoucherifyClient(
            application_id=connection.login,
            secret_key=connection.password,
            base_url=connection.base_url,
            **connection.extras,
            # The limit is the project's: its keys share it.
            **self.client_options(connection.base_url, connection.login),
        )
