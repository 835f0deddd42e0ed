"""Shopify's GraphQL endpoint: execution of the official schemas, with Shopify's wording of errors."""

from __future__ import annotations

__all__: list[str] = []
