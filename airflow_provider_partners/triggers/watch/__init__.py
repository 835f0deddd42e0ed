"""Watch triggers for Airflow's ``AssetWatcher``: they start Dags when a partner's list has new records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.triggers.watch.events import windows_from_events as windows_from_events
    from airflow_provider_partners.triggers.watch.poll import WatchedList as WatchedList
    from airflow_provider_partners.triggers.watch.trigger import WatchTrigger as WatchTrigger

__getattr__, __dir__, __all__ = exports(
    __name__, {"events": ["windows_from_events"], "poll": ["WatchedList"], "trigger": ["WatchTrigger"]}
)
