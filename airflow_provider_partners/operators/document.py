"""Base class of the operators that read the records of a user's own GraphQL document. Knows no partner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_partners.arguments import (
    Check,
    check_keys,
    check_mapping,
    check_name,
    check_names,
    check_text,
)
from airflow_provider_partners.operators.base import PartnerOperator


class DocumentOperator(PartnerOperator):
    """Takes a GraphQL document, and what belongs to it. Stands before the base class that stores the records.

    :param document: one GraphQL query, or the name of a ``.graphql`` or ``.gql`` file (templated)
    :param connection: dotted path below ``data`` of the connection whose nodes are the records; found by itself where
        there is one (templated)
    :param variables: the document's variables, as a dict or its JSON text (templated)
    :param operation_name: which query runs, where the document has several (templated)
    :param key: the fields that identify a record, ``id`` by default (templated)
    """

    template_fields: Sequence[str] = ("document", "connection", "variables", "operation_name", "key")
    template_ext: Sequence[str] = (".graphql", ".gql")
    template_fields_renderers: ClassVar[dict[str, str]] = {"document": "graphql", "variables": "json", "key": "json"}
    argument_checks: ClassVar[Mapping[str, Check]] = {
        "document": check_text,
        "connection": check_name,
        "variables": check_mapping,
        "operation_name": check_name,
        "key": check_keys,
    }

    def __init__(
        self,
        *,
        document: str,
        connection: str | None = None,
        variables: Mapping[str, Any] | str | None = None,
        operation_name: str | None = None,
        key: str | Sequence[str] = ("id",),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.document = document
        self.connection = connection
        self.variables: Any = variables
        self.operation_name = operation_name
        self.key = key

    def document_arguments(self) -> dict[str, Any]:
        """Return the document and what belongs to it, as the client's ``query`` takes them."""
        return {
            "document": self.document,
            "variables": self.variables,
            "connection": self.connection,
            "operation_name": self.operation_name,
            "key": check_names("key", self.key),
        }
