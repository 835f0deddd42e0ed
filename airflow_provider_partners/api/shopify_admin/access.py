"""What a token of the Admin API may do: its shop, and its access scopes.

Source: https://shopify.dev/docs/api/usage/access-scopes, and ``currentAppInstallation`` of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_partners.exceptions import UnexpectedResponseError

__all__ = ["Access"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a token may do.

    :param shop: the shop's domain
    :param scopes: access scopes, such as ``read_orders``
    """

    shop: str
    scopes: frozenset[str]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Self:
        """Return the access from the data of the query ``Shop``.

        :raises UnexpectedResponseError: when the data is of another shape
        """
        try:
            scopes = data["currentAppInstallation"]["accessScopes"]
            return cls(shop=str(data["shop"]["myshopifyDomain"]), scopes=frozenset(scope["handle"] for scope in scopes))
        except (KeyError, TypeError):
            message = "the answer has no access scopes of the token"
            raise UnexpectedResponseError(message, partner="Shopify Admin") from None

    def allows(self, scope: str) -> bool:
        """Return True if the token has a scope. A scope to write contains the one to read."""
        return scope in self.scopes or scope.replace("read_", "write_", 1) in self.scopes
