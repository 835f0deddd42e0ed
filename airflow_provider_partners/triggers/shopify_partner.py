"""Shopify Partner's watch trigger: start Dags when shops install an app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.triggers.watch.poll import WatchedList
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger

__all__ = ["ShopifyPartnerNewInstallsTrigger"]

INSTALL_EVENTS = ("RELATIONSHIP_INSTALLED", "RELATIONSHIP_REACTIVATED")
"""The app events with which a shop starts to use an app, or starts again."""

INSTALLS = WatchedList(
    source="shopify_partner",
    resource="app_events",
    conn_type=ShopifyPartnerHook.conn_type,
    time_field="occurredAt",
    # App events have no id.
    id_field="shop.myshopifyDomain",
    account_key="organization",
)


class ShopifyPartnerNewInstallsTrigger(WatchTrigger):
    """Emits events for shops that install an app, or reactivate it; the event's ``ids`` are their domains.

    :param app_id: ``gid://partners/App/…`` or its number
    :param shopify_partner_conn_id: the connection
    :param types: the types of app events that count; by default those of an install
    :param options: further arguments of :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger`
    """

    watched: ClassVar[WatchedList] = INSTALLS

    def __init__(
        self,
        *,
        app_id: str,
        shopify_partner_conn_id: str = ShopifyPartnerHook.default_conn_name,
        types: Sequence[str] = INSTALL_EVENTS,
        **options: Any,
    ) -> None:
        super().__init__(conn_id=shopify_partner_conn_id, **options)
        self.app_id = app_id
        self.shopify_partner_conn_id = shopify_partner_conn_id
        self.types = list(types)

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        options = super().arguments()
        conn_id = options.pop("conn_id")
        return {"shopify_partner_conn_id": conn_id, **options, "app_id": self.app_id, "types": self.types}

    def query_arguments(self) -> dict[str, Any]:
        """Return the app and the types of its events."""
        return {"app_id": self.app_id, "types": self.types}
