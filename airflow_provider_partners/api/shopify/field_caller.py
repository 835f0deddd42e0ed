"""Send documents with a user's further fields: Shopify's errors about these fields name the user's item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.exceptions import ConfigurationError, PartnersError

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import DocumentCaller, GraphQLResult
    from airflow_provider_partners.api.shopify.selections import ExtraFields


class FieldCaller:
    """Sends the documents that a user's fields are part of, and explains errors about these fields.

    :param caller: sends the documents
    """

    def __init__(self, caller: DocumentCaller, fields: ExtraFields) -> None:
        self._caller = caller
        self._fields = fields

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        label: str = "graphql",
        max_timeouts: int | None = None,
    ) -> GraphQLResult:
        """Send a document and return its data.

        :raises ConfigurationError: naming the item that Shopify does not know
        """
        try:
            return self._caller.execute(document, variables, label=label, max_timeouts=max_timeouts)
        except ConfigurationError as error:
            explained = self.explain(error)
            if explained is error:
                raise
            raise explained from error

    def explain(self, error: ConfigurationError) -> ConfigurationError:
        """Return the error about an item, for Shopify's error about a document; another error unchanged."""
        return self._fields.explain(error, self._field_names)

    def _field_names(self, type_name: str) -> list[str]:
        """Return the fields of a type, as Shopify describes its own schema; none if it doesn't."""
        try:
            data = self._caller.execute(_TYPE, {"name": type_name}, label="type").data
        except PartnersError:
            return []
        return [str(each["name"]) for each in (data.get("__type") or {}).get("fields") or ()]


_TYPE = "query Type($name: String!) { __type(name: $name) { fields(includeDeprecated: true) { name } } }"
