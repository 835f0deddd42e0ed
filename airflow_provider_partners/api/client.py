"""What the partners' clients share: they own a transport, close it, and tell what it has done. Knows no API."""

from __future__ import annotations

from typing import Self

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.http.transport import Transport


class ApiClient:
    """Owns a transport, which a subclass makes as ``_transport``; a context manager that closes it."""

    _transport: Transport

    @property
    def stats(self) -> RequestStats:
        """What was asked so far."""
        return self._transport.stats

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()
