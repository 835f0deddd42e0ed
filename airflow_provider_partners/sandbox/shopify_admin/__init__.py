"""The sandbox's Admin API: a shop's lists, search, query cost and bulk operations.

:mod:`airflow_provider_partners.sandbox.shopify` names the sources of recorded responses.
"""

from __future__ import annotations

__all__: list[str] = []
