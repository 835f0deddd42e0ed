"""What watchers have told, put together: of each account, the one window that holds all the rows told of.

A run may answer to several events, since those that come while another run is under way are kept together. Knows no
Airflow: events are handed in as their payloads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.windows import Window


def windows_from_events(payloads: Iterable[Any]) -> dict[str, Window]:
    """The window of each account that there is news of.

    :param payloads: of events of the provider's watchers
    :raises ConfigurationError: when an event is none of theirs
    """
    windows: dict[str, Window] = {}
    for payload in payloads:
        if not isinstance(payload, Mapping) or not {"account", "since", "until"} <= payload.keys():
            message = "An asset event of this run doesn't say what is new: it is not from this provider's watchers"
            remedy = "Clear the run with the params 'since' and 'until' set, or let a watcher make the event."
            raise ConfigurationError(message, remedy=remedy)
        account, window = str(payload["account"]), Window.from_dict(dict(payload))
        known = windows.get(account, window)
        windows[account] = Window(min(known.since, window.since), max(known.until, window.until), "asset events")
    return windows
