"""What the upsert needs of a Yotpo store: a handful of calls, which ``api.yotpo.YotpoClient`` has.

Knows no HTTP. Errors are those of ``exceptions``; a refusal that names unknown products carries them as ``products``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from airflow_provider_partners.exceptions import RejectedError, UnexpectedResponseError
from airflow_provider_partners.records import Record


class YotpoStore(Protocol):
    """One store. Look-ups by external id take up to 100 at once and give only what was found."""

    def products(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Products by external id."""
        ...

    def orders(self, external_ids: Sequence[str]) -> dict[str, Record]:
        """Orders by external id."""
        ...

    def create_order(self, payload: dict[str, Any]) -> int:
        """Create an order; Yotpo's id of it."""
        ...

    def update_order(self, yotpo_id: int, payload: dict[str, Any]) -> None:
        """Change the given properties of an order."""
        ...

    def create_product(self, payload: dict[str, Any]) -> int:
        """Create a product; Yotpo's id of it."""
        ...

    def update_product(self, yotpo_id: int, payload: dict[str, Any]) -> None:
        """Change the given properties of a product."""
        ...

    def fulfillments(self, order_yotpo_id: int) -> list[Record]:
        """The fulfillments of an order, with their ids."""
        ...

    def create_fulfillment(self, order_yotpo_id: int, payload: dict[str, Any]) -> int:
        """Create a fulfillment; Yotpo's id of it."""
        ...

    def update_fulfillment(self, order_yotpo_id: int, fulfillment_id: int, payload: dict[str, Any]) -> None:
        """Change the given properties of a fulfillment."""
        ...


def unknown_products(error: RejectedError) -> list[str] | None:
    """The products that a refusal names as unknown; None for any other refusal."""
    named = getattr(error, "products", None)
    return [str(product) for product in named] if named is not None else None


def yotpo_id(record: Record) -> int:
    """Yotpo's id of a record: fulfillments are read back with ``id`` and everything else with ``yotpo_id``."""
    number = record.get("yotpo_id") or record.get("id")
    if number is None:
        message = "a record came without its Yotpo id"
        raise UnexpectedResponseError(message, partner="Yotpo")
    return int(number)
