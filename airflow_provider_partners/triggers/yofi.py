"""Yofi's watch triggers: start Dags when a shop has new returns or claims.

::

    returns = Asset(
        "yofi://a.myshopify.com/new_returns",
        watchers=[AssetWatcher(name="new_returns", trigger=YofiNewReturnsTrigger(shop="a.myshopify.com"))],
    )

    with DAG("on_returns", schedule=[returns]):
        ...

Give such an asset a URI of its own: the URI of the list itself would start the Dag after each of its extractions, too.
A further list needs a declaration and a class of two lines.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow_provider_partners.hooks.yofi import YofiHook
from airflow_provider_partners.triggers.watch.poll import WatchedList
from airflow_provider_partners.triggers.watch.trigger import WatchTrigger

__all__ = ["YofiNewClaimsTrigger", "YofiNewReturnsTrigger"]

RETURNS = WatchedList(
    source="yofi",
    resource="returns",
    conn_type=YofiHook.conn_type,
    time_field="return_created_at_epoch",
    account_key="shop",
    # No relation and no name: the records stay small and hold no personal data.
    query={
        "fields": ("entity_id", "order_id", "return_created_at_epoch", "order_created_at_epoch"),
        "include": (),
    },
)
CLAIMS = WatchedList(
    source="yofi",
    resource="claims",
    conn_type=YofiHook.conn_type,
    time_field="created_at_epoch",
    account_key="shop",
    query={"fields": ("id", "created_at_epoch")},
)


class YofiWatchTrigger(WatchTrigger):
    """Emits events for new records in a list of one shop.

    :param yofi_conn_id: the connection
    :param shop: the shop; by default the connection's own
    :param options: further arguments of :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger`
    """

    def __init__(
        self, *, yofi_conn_id: str = YofiHook.default_conn_name, shop: str | None = None, **options: Any
    ) -> None:
        super().__init__(conn_id=yofi_conn_id, **options)
        self.yofi_conn_id = yofi_conn_id
        self.shop = shop

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as JSON."""
        options = super().arguments()
        return {"yofi_conn_id": options.pop("conn_id"), **options, "shop": self.shop}

    def hook_arguments(self) -> dict[str, Any]:
        """Return the hook's arguments: the shop, and ``hook_params``."""
        return {**super().hook_arguments(), "shop": self.shop}


class YofiNewReturnsTrigger(YofiWatchTrigger):
    """Emits events for new returns of a shop.

    Yofi has no time filter for returns. Every reading walks the list from the newest return back to a day before the
    lookback. Where Yofi sorts returns by their orders' dates only, it walks over the orders of half a year. Choose
    ``poll_interval`` accordingly.

    :param yofi_conn_id: the connection
    :param shop: the shop; by default the connection's own
    :param options: further arguments of :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger`
    """

    watched: ClassVar[WatchedList] = RETURNS


class YofiNewClaimsTrigger(YofiWatchTrigger):
    """Emits events for new claims of a shop's customers.

    :param yofi_conn_id: the connection
    :param shop: the shop; by default the connection's own
    :param options: further arguments of :class:`~airflow_provider_partners.triggers.watch.trigger.WatchTrigger`
    """

    watched: ClassVar[WatchedList] = CLAIMS
