"""Bulk operations of the sandbox's Admin API: checks, execution in a thread, files.

Documentation: https://shopify.dev/docs/apps/build/apis/graphql-admin/bulk-operations/queries
"""

from __future__ import annotations

__all__: list[str] = []
