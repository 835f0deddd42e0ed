"""Which shops have an app, replayed from its history of installs and uninstalls.

The Partner API has no list of shops, but an event for each time one installed, uninstalled, closed or
reopened; the last event of a shop tells its state. Pure: takes events, gives shops, sends nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_partners.records import Record

INSTALLED_AFTER_EVENT: Mapping[str, bool] = MappingProxyType({
    "RELATIONSHIP_INSTALLED": True,
    "RELATIONSHIP_REACTIVATED": True,
    "RELATIONSHIP_DEACTIVATED": False,
    "RELATIONSHIP_UNINSTALLED": False,
})
"""Event to whether the app is there afterwards; a deactivated shop has closed or paused."""

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.[a-z]+")
_HANDLE = re.compile(r"[a-z0-9][a-z0-9-]*")
_FRACTION = re.compile(r"\.(\d+)")


def shop_domain(value: str) -> str:
    """A shop's permanent domain from the forms in which it is written.

    ``a``, ``A.myshopify.com`` and ``https://a.myshopify.com/admin`` are all ``a.myshopify.com``. Shopify
    declares the field as a URL but gives a bare domain; both are understood.

    :param value: a domain, a URL, or the part before ``.myshopify.com``
    :raises ConfigurationError: when it is none of them
    """
    domain = normalize_domain(value)
    if _HANDLE.fullmatch(domain):
        domain = f"{domain}.myshopify.com"
    if not _DOMAIN.fullmatch(domain):
        message = f"'shop' is {value!r}, which is no myshopify.com domain"
        raise ConfigurationError(message, remedy="Write the shop's permanent domain, such as a.myshopify.com.")
    return domain


def parse_timestamp(text: Any) -> datetime:
    """A time as Shopify writes it, with or without microseconds, as a comparable value.

    :param text: such as ``2019-07-03T20:47:55.123456Z``
    :raises UnexpectedResponseError: when it is no time
    """
    try:
        # Digits beyond microseconds are cut: fromisoformat refuses some lengths of fraction.
        moment = datetime.fromisoformat(_FRACTION.sub(lambda found: f".{found.group(1)[:6]:0<6}", str(text)))
    except ValueError:
        message = f"Shopify gave {str(text)[:40]!r} for a time"
        raise UnexpectedResponseError(message) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def replay_installs(events: Iterable[Record]) -> list[dict[str, Any]]:
    """The state of every shop that ever had the app.

    Shops are told apart by ``myshopifyDomain``: the API's ids of shops come in two namespaces. Events of one
    moment (an app that is reinstalled at once) are put in the order in which each of them changes something.

    :param events: app events in any order; those that are no relationship events are passed over
    :returns: by domain: ``shop``, ``shop_id``, ``name``, ``installed``, ``since`` (when that began, as
        Shopify writes it) and ``state`` (the deciding event, such as ``UNINSTALLED``)
    """
    histories: dict[str, list[Record]] = {}
    for event in events:
        if event.get("type") in INSTALLED_AFTER_EVENT:
            histories.setdefault(normalize_domain(event["shop"]["myshopifyDomain"]), []).append(event)
    return [_shop_state(domain, histories[domain]) for domain in sorted(histories)]


def _shop_state(domain: str, history: list[Record]) -> dict[str, Any]:
    installed = False
    state, since = "", ""
    last: Record = {}
    for event in _order_events(history):
        now = INSTALLED_AFTER_EVENT[event["type"]]
        # A second event that says the same (closed, then uninstalled) doesn't begin it anew.
        if now != installed or not since:
            since = event["occurredAt"]
        installed, state, last = now, event["type"].removeprefix("RELATIONSHIP_"), event
    return {
        "shop": domain,
        "shop_id": last["shop"].get("id"),
        "name": last["shop"].get("name"),
        "installed": installed,
        "since": since,
        "state": state,
    }


def _order_events(history: list[Record]) -> list[Record]:
    chain: list[Record] = []
    for _, together in groupby(sorted(history, key=_occurred_at_and_type), key=_occurred_at):
        rest = list(together)
        while rest:
            installed = bool(chain) and INSTALLED_AFTER_EVENT[chain[-1]["type"]]
            changing = (place for place, event in enumerate(rest) if INSTALLED_AFTER_EVENT[event["type"]] != installed)
            chain.append(rest.pop(next(changing, 0)))
    return chain


def _occurred_at(event: Record) -> datetime:
    return parse_timestamp(event["occurredAt"])


def _occurred_at_and_type(event: Record) -> tuple[datetime, str]:
    return _occurred_at(event), event["type"]


def normalize_domain(value: str) -> str:
    """A domain in lower case without scheme, port and path.

    :param value: a domain or a URL
    """
    return re.sub(r"^[a-z]+://", "", value.strip().lower()).partition("/")[0].partition(":")[0]
