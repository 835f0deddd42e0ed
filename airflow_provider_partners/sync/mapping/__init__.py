"""Map a Shopify order to a Yotpo order: value tables, lines, fulfillments, customer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.sync.mapping.lines import map_product as map_product
    from airflow_provider_partners.sync.mapping.order import MappedOrder as MappedOrder
    from airflow_provider_partners.sync.mapping.order import UnmappableOrder as UnmappableOrder
    from airflow_provider_partners.sync.mapping.order import map_order as map_order

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "lines": ["map_product"],
        "order": ["MappedOrder", "UnmappableOrder", "map_order"],
    },
)
