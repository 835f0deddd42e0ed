"""Models of what Yotpo accepts; they are checked before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.sync.payload.base import Payload as Payload
    from airflow_provider_partners.sync.payload.base import PayloadError as PayloadError
    from airflow_provider_partners.sync.payload.models import Fulfillment as Fulfillment
    from airflow_provider_partners.sync.payload.models import Order as Order
    from airflow_provider_partners.sync.payload.models import Product as Product

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "base": ["Payload", "PayloadError"],
        "models": ["Fulfillment", "Order", "Product"],
    },
)
