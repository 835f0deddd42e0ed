"""Shopify's search syntax, parsed and applied to the sandbox's documents.

Documentation: https://shopify.dev/docs/api/usage/search-syntax
"""

from __future__ import annotations

__all__: list[str] = []
