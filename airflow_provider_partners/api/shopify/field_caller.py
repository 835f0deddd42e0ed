"""Send documents with a user's further fields: Shopify's errors about these fields name the user's item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.arguments import suggest
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError

if TYPE_CHECKING:
    from airflow_provider_partners.api.shopify.graphql import DocumentCaller, GraphQLResult
    from airflow_provider_partners.api.shopify.selections import ExtraFields

_UNKNOWN_FIELD = re.compile(r"Field '(?P<field>\w+)' doesn't exist on type '(?P<type>\w+)'")
_MISSING_SELECTION = re.compile(r"field '(?P<field>\w+)' returns (?P<type>[\w\[\]!]+) but has no selections")
_NOT_AN_OBJECT = re.compile(r"field '(?P<field>\w+)' returns (?P<type>[\w\[\]!]+) but has selections")

_LISTED_FIELDS = 40
"""Fields of a type that an error lists at most."""


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
        return explain_unknown_field(error, self._fields, self._field_names)

    def _field_names(self, type_name: str) -> list[str]:
        """Return the fields of a type, as Shopify describes its own schema; none if it doesn't."""
        try:
            data = self._caller.execute(_TYPE, {"name": type_name}, label="type").data
        except PartnersError:
            return []
        return [str(each["name"]) for each in (data.get("__type") or {}).get("fields") or ()]


_TYPE = "query Type($name: String!) { __type(name: $name) { fields(includeDeprecated: true) { name } } }"


def explain_unknown_field(
    error: ConfigurationError, fields: ExtraFields, field_names: Callable[[str], Iterable[str]]
) -> ConfigurationError:
    """Return the error about an item of ``fields``, for Shopify's error about a document; another error unchanged.

    :param field_names: returns the fields that a type of the schema has
    """
    for pattern, problem in (
        (_UNKNOWN_FIELD, "Shopify's type {type} has no field '{field}'"),
        (_MISSING_SELECTION, "'{field}' is an object ({type}), and a path has to end in one of its fields"),
        (_NOT_AN_OBJECT, "'{field}' is no object ({type}), so it has no fields of its own"),
    ):
        match = pattern.search(error.message)
        path = fields.path_of(match["field"]) if match else None
        if match is None or path is None:
            continue
        type_name = match["type"].strip("[]!")
        known = sorted(field_names(type_name)) if pattern is not _NOT_AN_OBJECT else []
        message = f"'fields' has '{path}': {problem.format(**match.groupdict())}{suggest(match['field'], known)}"
        remedy = f"{type_name} has: {', '.join(known)}." if 0 < len(known) <= _LISTED_FIELDS else None
        if type_name.endswith("Connection"):
            remedy = f"It is a list with pages: write {path.rpartition('.')[0]}(first: 10).nodes.{match['field']}."
        return ConfigurationError(
            message, remedy=remedy or "See https://shopify.dev/docs/api/admin-graphql.", request_id=error.request_id
        )
    return error
