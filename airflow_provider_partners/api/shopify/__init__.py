"""What Shopify's Admin API and Partner API share: GraphQL, error messages, shop domains and timestamps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners import _lazy

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import GraphQLCaller as GraphQLCaller
    from airflow_provider_partners.api.shopify.graphql_errors import GraphQLErrorHandler as GraphQLErrorHandler
    from airflow_provider_partners.api.shopify.shops import shop_domain as shop_domain

__getattr__, __dir__, __all__ = _lazy.exports(
    __name__,
    {
        "graphql": ["GraphQLCaller"],
        "graphql_errors": ["GraphQLErrorHandler"],
        "shops": ["shop_domain"],
    },
)
