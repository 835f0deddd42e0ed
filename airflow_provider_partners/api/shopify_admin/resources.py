"""The lists of Shopify's Admin API."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_provider_partners.api.pagination.strategies import ConnectionPaginator
from airflow_provider_partners.api.resources import Resource
from airflow_provider_partners.api.shopify_admin.documents import LIST_DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCS = "https://shopify.dev/docs/api/admin-graphql/latest/queries"

RESOURCES: Mapping[str, Resource] = MappingProxyType({
    documents.name: Resource(
        name=documents.name,
        records_path=f"{documents.name}.nodes",
        paginator=ConnectionPaginator(50, documents.name),
        key=("id",),
        time_field="updatedAt",
        page_size=50,
        max_page_size=250,
        type=documents.node_type,
        sort="UPDATED_AT",
        doc=doc,
        url=f"{_DOCS}/{documents.name}",
    )
    for documents, doc in (
        (LIST_DOCUMENTS["orders"], "The shop's orders, with all line items and fulfillments."),
        (LIST_DOCUMENTS["products"], "The shop's products, with all variants."),
    )
})
"""The lists by name."""
