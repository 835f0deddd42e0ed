"""All lists of Voucherify by name. Must not know how anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners.api import (
    voucherify_lists_customers,
    voucherify_lists_loyalty,
    voucherify_lists_management,
    voucherify_lists_promotions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.voucherify_resources import VoucherifyResource

RESOURCES: Mapping[str, VoucherifyResource] = {
    row.name: row
    for table in (
        voucherify_lists_promotions,
        voucherify_lists_customers,
        voucherify_lists_loyalty,
        voucherify_lists_management,
    )
    for row in table.ROWS
}
"""Voucherify's lists by name."""
