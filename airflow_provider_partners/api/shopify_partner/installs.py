"""Derive the shops that have an app from its history of installs and uninstalls.

The Partner API has no list of shops. But it has an event for each time that a shop installed or uninstalled the app,
closed or reopened. The last event of a shop gives its state.
"""

from __future__ import annotations

from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

from airflow_provider_partners.api.shopify.shops import normalize_domain
from airflow_provider_partners.api.shopify.timestamps import record_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from airflow_provider_partners.records import Record

INSTALLED_AFTER_EVENT: Mapping[str, bool] = MappingProxyType({
    "RELATIONSHIP_INSTALLED": True,
    "RELATIONSHIP_REACTIVATED": True,
    "RELATIONSHIP_DEACTIVATED": False,
    "RELATIONSHIP_UNINSTALLED": False,
})
"""Whether the app is installed after an event. A deactivated shop has closed or paused."""


class InstalledShop(TypedDict):
    """A shop that has or had the app.

    :param shop: domain, such as ``a.myshopify.com``
    :param since: start of this state, as Shopify writes it
    :param state: the last event, such as ``UNINSTALLED``
    """

    shop: str
    shop_id: str | None
    name: str | None
    installed: bool
    since: str
    state: str


def replay_installs(events: Iterable[Record]) -> list[InstalledShop]:
    """Return the state of every shop that has or had the app.

    Shops are identified by ``myshopifyDomain``, because the API's shop ids come in two namespaces. Events of the same
    time (an app that is reinstalled immediately) are sorted so that each of them changes the state.

    :param events: app events in any order; other events than relationship events are ignored
    :returns: sorted by domain
    """
    histories: dict[str, list[Record]] = {}
    for event in events:
        if event.get("type") in INSTALLED_AFTER_EVENT:
            histories.setdefault(normalize_domain(event["shop"]["myshopifyDomain"]), []).append(event)
    return [_shop_state(domain, histories[domain]) for domain in sorted(histories)]


def _shop_state(domain: str, history: list[Record]) -> InstalledShop:
    installed = False
    state, since = "", ""
    last: Record = {}
    for event in _order_events(history):
        installed_after = INSTALLED_AFTER_EVENT[event["type"]]
        # A second event of the same kind (closed, then uninstalled) does not start a new state.
        if installed_after != installed or not since:
            since = event["occurredAt"]
        installed, state, last = installed_after, event["type"].removeprefix("RELATIONSHIP_"), event
    return {
        "shop": domain,
        "shop_id": last["shop"].get("id"),
        "name": last["shop"].get("name"),
        "installed": installed,
        "since": since,
        "state": state,
    }


def _order_events(history: list[Record]) -> list[Record]:
    ordered: list[Record] = []
    for _, group in groupby(sorted(history, key=_occurred_at_and_type), key=_occurred_at):
        simultaneous = list(group)
        while simultaneous:
            installed = bool(ordered) and INSTALLED_AFTER_EVENT[ordered[-1]["type"]]
            changing = (
                index for index, event in enumerate(simultaneous) if INSTALLED_AFTER_EVENT[event["type"]] != installed
            )
            ordered.append(simultaneous.pop(next(changing, 0)))
    return ordered


def _occurred_at(event: Record) -> datetime:
    return record_timestamp(event, "occurredAt")


def _occurred_at_and_type(event: Record) -> tuple[datetime, str]:
    return _occurred_at(event), event["type"]
