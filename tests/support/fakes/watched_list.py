"""A fake partner with one list, for watchers: a test adds records and makes reads fail."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.hooks.base import PartnerHook


class FakeList:
    """The list, and the client that reads it. It stores the queries."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.failures: deque[Exception] = deque()
        self.queries: list[dict[str, Any]] = []
        self.clients_created = 0
        self.clients_closed = 0
        self.stats = RequestStats()

    def add(self, *names: str, at: datetime | None = None) -> None:
        """Add records that were created at a time, now by default."""
        epoch = (at or datetime.now(UTC)).timestamp()
        self.records += [
            {"id": name, "created_at_epoch": epoch, "customer_email": "ada@shop.example"} for name in names
        ]

    def extract(self, resource: str, *, since: datetime, **arguments: Any) -> Any:
        """Return the records since a timestamp, as a client does."""
        self.queries.append({"resource": resource, "since": since, **arguments})
        if self.failures:
            raise self.failures.popleft()
        epoch = since.timestamp()
        records = [record for record in self.records if (record.get("created_at_epoch") or epoch) >= epoch]
        return SimpleNamespace(key=("id",), request={"shop": "a.myshopify.com"}, records=lambda: iter(records))

    def close(self) -> None:
        """Count the closed client."""
        self.clients_closed += 1


def hook_of(partner: FakeList) -> type[PartnerHook[Any]]:
    """Return a hook class whose client is the fake."""

    class FakeHook(PartnerHook[Any]):
        conn_name_attr, default_conn_name, conn_type = "yofi_conn_id", "yofi_default", "yofi"
        hook_name, default_host = "Yofi", "https://yofi.example"

        def __init__(self, conn_id: str, *, shop: str | None = None) -> None:
            super().__init__(conn_id)
            self.shop = shop

        def build_client(self, connection: Any) -> Any:
            partner.clients_created += 1
            return partner

    return FakeHook


class FakeStore:
    """The state store of an asset, as the triggerer passes it to watchers."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.values = {} if values is None else values
        self.failures: deque[Exception] = deque()
        self.writes = 0

    def get(self, key: str, default: Any = None) -> Any:
        """Return a stored value."""
        if self.failures:
            raise self.failures.popleft()
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Store a value."""
        if self.failures:
            raise self.failures.popleft()
        self.writes += 1
        self.values[key] = value
