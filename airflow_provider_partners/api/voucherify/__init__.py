"""Client of the Voucherify API: its lists, their filters, and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.client import VoucherifyClient as VoucherifyClient
    from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS as EXPORTS
    from airflow_provider_partners.api.voucherify.filters import Field as Field
    from airflow_provider_partners.api.voucherify.filters import Filter as Filter
    from airflow_provider_partners.api.voucherify.filters import field as field
    from airflow_provider_partners.api.voucherify.resources import RESOURCES as RESOURCES

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "client": ["VoucherifyClient"],
        "exports.objects": ["EXPORTS"],
        "filters": ["Field", "Filter", "field"],
        "resources": ["RESOURCES"],
    },
)
