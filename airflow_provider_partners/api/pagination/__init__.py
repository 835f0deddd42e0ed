"""Pages of a list: what a page is, how the next one is found, how pages are prefetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.pagination.page import Cursor as Cursor
    from airflow_provider_partners.api.pagination.page import Page as Page
    from airflow_provider_partners.api.pagination.page import Paginator as Paginator
    from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator as ConnectionPaginator
    from airflow_provider_partners.api.pagination.strategies import LastIdPaginator as LastIdPaginator
    from airflow_provider_partners.api.pagination.strategies import PageNumberPaginator as PageNumberPaginator
    from airflow_provider_partners.api.pagination.strategies import SinglePagePaginator as SinglePagePaginator
    from airflow_provider_partners.api.pagination.strategies import TimestampPaginator as TimestampPaginator
    from airflow_provider_partners.api.pagination.strategies import TokenPaginator as TokenPaginator

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "page": ["Cursor", "Page", "Paginator"],
        "strategies": [
            "ConnectionPaginator",
            "LastIdPaginator",
            "PageNumberPaginator",
            "SinglePagePaginator",
            "TimestampPaginator",
            "TokenPaginator",
        ],
    },
)
