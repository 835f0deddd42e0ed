"""All lists of the Admin API, by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_partners.api.shopify_admin.resources import (
    catalog,
    customers,
    discounts,
    events,
    metafields,
    orders,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.shopify_admin.resources.model import AdminResource

__all__ = ["RESOURCES"]

RESOURCES: Mapping[str, AdminResource] = MappingProxyType({
    resource.name: resource
    for table in (orders, catalog, customers, discounts, events, metafields)
    for resource in table.RESOURCES
})
"""The Admin API's lists, by name."""
