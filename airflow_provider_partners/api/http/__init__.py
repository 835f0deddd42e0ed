"""Sending requests: connections, retries, rate limits, authentication, errors, redaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.options import ClientOptions as ClientOptions
    from airflow_provider_partners.api.http.options import Timeouts as Timeouts
    from airflow_provider_partners.api.http.stats import RequestStats as RequestStats
    from airflow_provider_partners.api.http.transport import Transport as Transport

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "options": ["ClientOptions", "Timeouts"],
        "stats": ["RequestStats"],
        "transport": ["Transport"],
    },
)
