"""Voucherify's exports: create one, wait for it, and read its CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.voucherify.exports.job import ExportJob as ExportJob
    from airflow_provider_partners.api.voucherify.exports.objects import EXPORTS as EXPORTS

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {"job": ["ExportJob"], "objects": ["EXPORTS"]})
