"""The event of a watch trigger: its payload, and the windows that a run reads because of it.

This module knows no Airflow: the Dag hands in the payloads of the run's asset events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window

__all__ = ["WatchEvent", "windows_from_events"]


class WatchEvent(TypedDict):
    """The payload of a watch trigger's event: ``extra["payload"]`` of the asset event."""

    source: str
    """The partner, such as ``yofi``."""
    resource: str
    """The list, such as ``returns``."""
    account: str
    """Account of the records, such as the shop's domain."""
    conn_id: str
    """The connection that the trigger reads with."""
    count: int
    """Number of new records."""
    ids: list[str]
    """Ids of the new records, at most ``max_ids``."""
    since: str
    """Start of the half-open window that holds all new records, as the extract operators take it."""
    until: str
    """End of that window."""
    position: dict[str, str]
    """The watcher's position before (``from``) and after (``to``) these records."""
    batch: str
    """Fingerprint of the new records: the same records give the same text."""


def windows_from_events(payloads: Iterable[Any]) -> dict[str, Window]:
    """Return the window that holds all new records, by account.

    One run may have several events: Airflow collects those that arrive while another run is active.

    :param payloads: payloads as :class:`WatchEvent`
    :raises ConfigurationError: when an event is not from one of the provider's watch triggers
    """
    windows: dict[str, Window] = {}
    for payload in payloads:
        if not isinstance(payload, Mapping) or not {"account", "since", "until"} <= payload.keys():
            message = (
                "An asset event of this run has no account and window, so no watch trigger of this provider sent it"
            )
            remedy = "Clear the run with the params 'since' and 'until' set, or let a watch trigger send the event."
            raise ConfigurationError(message, remedy=remedy)
        account, window = str(payload["account"]), Window.from_dict(dict(payload))
        known = windows.get(account, window)
        windows[account] = Window(min(known.since, window.since), max(known.until, window.until), "asset events")
    return windows
