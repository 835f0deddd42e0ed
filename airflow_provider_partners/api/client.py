"""Base class of the API clients."""

from __future__ import annotations

from typing import Self

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.http.transport import Transport


class ApiClient:
    """Base class of the API clients: owns the transport and closes it.

    A subclass sets ``_transport``. Use a client as a context manager, so that its connections are closed.
    """

    _transport: Transport

    @property
    def stats(self) -> RequestStats:
        """Counters of the requests, retries and waits so far."""
        return self._transport.stats

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the client."""
        self.close()
