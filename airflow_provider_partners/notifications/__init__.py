"""Messages about runs: a text for any of Airflow's notifiers, and a notifier that posts to a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners._lazy import exports

if TYPE_CHECKING:
    from airflow_provider_partners.notifications.run_message import RunMessage as RunMessage
    from airflow_provider_partners.notifications.run_message import partner_summary as partner_summary
    from airflow_provider_partners.notifications.webhook import PartnerWebhookNotifier as PartnerWebhookNotifier

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "run_message": ["RunMessage", "partner_summary"],
        "webhook": ["PartnerWebhookNotifier"],
    },
)
