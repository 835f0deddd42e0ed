"""The sandbox's Partner API: transactions, app events, historical events, and the legacy lists.

:mod:`airflow_provider_partners.sandbox.shopify` names the sources of recorded responses.
"""

from __future__ import annotations

__all__: list[str] = []
