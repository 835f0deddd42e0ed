"""All lists of Voucherify, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners.api.voucherify.resources import customers, loyalty, management, promotions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

__all__ = ["RESOURCES"]

RESOURCES: Mapping[str, VoucherifyResource] = {
    resource.name: resource for table in (promotions, customers, loyalty, management) for resource in table.RESOURCES
}
"""Voucherify's lists, by name."""
