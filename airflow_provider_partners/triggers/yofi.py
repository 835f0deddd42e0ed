"""Watchers of the partners' lists, so that Dags run when rows come: triggers for Airflow's ``AssetWatcher``.

::

    returns = Asset(
        "yofi://a.myshopify.com/new_returns",
        watchers=[AssetWatcher(name="new_returns", trigger=YofiNewReturnsTrigger(shop="a.myshopify.com"))],
    )

    with DAG("on_returns", schedule=[returns]):
        ...

Give such an asset a URI of its own: that of the list itself would run the Dag after every extraction of it, too.
Adding a list is adding a declaration and a class. Must not know how lists are read or positions kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_partners.hooks.shopify_partner import ShopifyPartnerHook
from airflow_provider_partners.hooks.voucherify import VoucherifyHook
from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.triggers.watch.poll import WatchedList
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger

INSTALL_EVENTS = ("RELATIONSHIP_INSTALLED", "RELATIONSHIP_REACTIVATED")
"""The events of an app with which a shop begins to use it, or begins again."""

YOFI_RETURNS = WatchedList(
    source="yofi",
    resource="returns",
    conn_type=YofiHook.conn_type,
    time_field="return_created_at_epoch",
    account_key="shop",
    # No relation and no name: the rows of a watcher stay small, and hold nobody's data.
    query={
        "fields": ("entity_id", "order_id", "return_created_at_epoch", "order_created_at_epoch"),
        "include": (),
    },
)
YOFI_CLAIMS = WatchedList(
    source="yofi",
    resource="claims",
    conn_type=YofiHook.conn_type,
    time_field="created_at_epoch",
    account_key="shop",
    query={"fields": ("id", "created_at_epoch")},
)
APP_INSTALLS = WatchedList(
    source="shopify_partner",
    resource="app_events",
    conn_type=ShopifyPartnerHook.conn_type,
    time_field="occurredAt",
    # Events have no id.
    id_field="shop.myshopifyDomain",
    account_key="organization",
)
REDEMPTIONS = WatchedList(
    source="voucherify",
    resource="redemptions",
    conn_type=VoucherifyHook.conn_type,
    time_field="date",
    account_key="account",
)


class YofiWatchTrigger(WatchTrigger):
    """Tells of rows that have come to a list of one shop.

    :param conn_id: the connection
    :param shop: the shop; the connection's own by default
    :param options: as :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger` takes them
    """

    def __init__(self, *, conn_id: str = YofiHook.default_conn_name, shop: str | None = None, **options: Any) -> None:
        super().__init__(conn_id=conn_id, **options)
        self.shop = shop

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {**super().arguments(), "shop": self.shop}

    def hook_arguments(self) -> dict[str, Any]:
        """The shop, and what else was given."""
        return {**super().hook_arguments(), "shop": self.shop}


class YofiNewReturnsTrigger(YofiWatchTrigger):
    """Tells of new returns of a shop.

    Yofi has no time filter for returns: every reading walks them from the newest back to a day before the lookback,
    or, where Yofi sorts them by their orders' dates only, over orders of half a year. Choose ``poll_interval`` by that.

    :param conn_id: the connection
    :param shop: the shop; the connection's own by default
    :param options: as :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger` takes them
    """

    watched: ClassVar[WatchedList] = YOFI_RETURNS


class YofiNewClaimsTrigger(YofiWatchTrigger):
    """Tells of new claims of a shop's customers.

    :param conn_id: the connection
    :param shop: the shop; the connection's own by default
    :param options: as :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger` takes them
    """

    watched: ClassVar[WatchedList] = YOFI_CLAIMS


class ShopifyPartnerNewInstallsTrigger(WatchTrigger):
    """Tells of shops that have installed an app, or taken it up again; the event's ``ids`` are their domains.

    :param app_id: ``gid://partners/App/…`` or its number
    :param conn_id: the connection
    :param types: the types of app events that count, if others
    :param options: as :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger` takes them
    """

    watched: ClassVar[WatchedList] = APP_INSTALLS

    def __init__(
        self,
        *,
        app_id: str,
        conn_id: str = ShopifyPartnerHook.default_conn_name,
        types: Sequence[str] = INSTALL_EVENTS,
        **options: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **options)
        self.app_id = app_id
        self.types = list(types)

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {**super().arguments(), "app_id": self.app_id, "types": self.types}

    def query_arguments(self) -> dict[str, Any]:
        """The app, and what counts."""
        return {"app_id": self.app_id, "types": self.types}


class VoucherifyNewRedemptionsTrigger(WatchTrigger):
    """Tells of new redemptions and rollbacks of a project.

    :param conn_id: the connection
    :param parameters: the list's own, as the client takes them: ``{"result": "SUCCESS"}``
    :param options: as :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger` takes them
    """

    watched: ClassVar[WatchedList] = REDEMPTIONS

    def __init__(
        self,
        *,
        conn_id: str = VoucherifyHook.default_conn_name,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, **options)
        self.parameters = dict(parameters or {})

    def arguments(self) -> dict[str, Any]:
        """What the trigger is made of, as JSON."""
        return {**super().arguments(), "parameters": self.parameters}

    def query_arguments(self) -> dict[str, Any]:
        """The list's own parameters."""
        return {"parameters": self.parameters or None}
