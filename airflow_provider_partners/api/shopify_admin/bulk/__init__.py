"""Shopify's bulk operations: submit one, wait for it, and read its result file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify_admin.bulk.job import BulkJob as BulkJob
    from airflow_provider_partners.api.shopify_admin.bulk.operations import BulkOperations as BulkOperations
    from airflow_provider_partners.api.shopify_admin.bulk.result_file import JoinedFile as JoinedFile

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "job": ["BulkJob"],
        "operations": ["BulkOperations"],
        "result_file": ["JoinedFile"],
    },
)
