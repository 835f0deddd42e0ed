"""A partner with one list, for watchers: rows come when a test says so, and reading fails when it says so."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.hooks.base import PartnerHook


class FakeList:
    """The list, and the client that reads it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.failures: deque[Exception] = deque()
        self.asked: list[dict[str, Any]] = []
        self.made = 0
        self.closed = 0
        self.usage = RequestStats()

    def add(self, *names: str, at: datetime | None = None) -> None:
        """Let rows come, now by default."""
        moment = (at or datetime.now(UTC)).timestamp()
        self.rows += [{"id": name, "created_at_epoch": moment, "customer_email": "ada@shop.example"} for name in names]

    def extract(self, resource: str, *, since: datetime, **asked: Any) -> Any:
        """What a client gives: the rows since a moment."""
        self.asked.append({"resource": resource, "since": since, **asked})
        if self.failures:
            raise self.failures.popleft()
        found = [row for row in self.rows if (row.get("created_at_epoch") or since.timestamp()) >= since.timestamp()]
        return SimpleNamespace(key=("id",), request={"shop": "a.myshopify.com"}, records=lambda: iter(found))

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def hook_of(partner: FakeList) -> type[PartnerHook[Any]]:
    """A hook that gives the fake's client, and notes what it was made of."""

    class FakeHook(PartnerHook[Any]):
        conn_name_attr, default_conn_name, conn_type = "yofi_conn_id", "yofi_default", "yofi"
        hook_name, default_host = "Yofi", "https://yofi.example"

        def __init__(self, conn_id: str, *, shop: str | None = None) -> None:
            super().__init__(conn_id)
            self.shop = shop

        def build_client(self, connection: Any) -> Any:
            partner.made += 1
            return partner

    return FakeHook


class FakeStore:
    """An asset's state store, as the triggerer gives it to watchers."""

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        self.values = {} if values is None else values
        self.failures: deque[Exception] = deque()
        self.writes = 0

    def get(self, key: str, default: Any = None) -> Any:
        """What was stored."""
        if self.failures:
            raise self.failures.popleft()
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Store it."""
        if self.failures:
            raise self.failures.popleft()
        self.writes += 1
        self.values[key] = value
