"""All lists of Voucherify by name. Must not know how anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners.api.voucherify.resources import customers, loyalty, management, promotions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

RESOURCES: Mapping[str, VoucherifyResource] = {
    row.name: row
    for table in (
        promotions,
        customers,
        loyalty,
        management,
    )
    for row in table.ROWS
}
"""Voucherify's lists by name."""
