"""Voucherify's watch trigger: start Dags when a project has new redemptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.triggers.watch.poll import WatchedList
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger

__all__ = ["VoucherifyNewRedemptionsTrigger"]

REDEMPTIONS = WatchedList(
    source="voucherify",
    resource="redemptions",
    conn_type=VoucherifyHook.conn_type,
    time_field="date",
    account_key="account",
)


class VoucherifyNewRedemptionsTrigger(WatchTrigger):
    """Emits events for new redemptions and rollbacks of a project.

    :param voucherify_conn_id: the connection
    :param parameters: query parameters of the list, as the client takes them: ``{"result": "SUCCESS"}``
    :param options: further arguments of :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger`
    """

    watched: ClassVar[WatchedList] = REDEMPTIONS

    def __init__(
        self,
        *,
        voucherify_conn_id: str = VoucherifyHook.default_conn_name,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(conn_id=voucherify_conn_id, **options)
        self.voucherify_conn_id = voucherify_conn_id
        self.parameters = dict(parameters or {})

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        options = super().arguments()
        return {"voucherify_conn_id": options.pop("conn_id"), **options, "parameters": self.parameters}

    def query_arguments(self) -> dict[str, Any]:
        """Return the list's query parameters."""
        return {"parameters": self.parameters or None}
