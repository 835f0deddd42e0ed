"""Runs one GraphQL request: read the body, parse, validate, check the variables, execute.

graphql-core executes documents against Shopify's official schema; only the error messages are graphql-ruby's. Each API
passes its own :class:`~airflow_provider_partners.sandbox.shopify.graphql.resolvers.RequestContext`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    execute_sync,
    parse,
)

from airflow_provider_partners.sandbox.shopify.graphql.error_messages import syntax_error, validation_errors
from airflow_provider_partners.sandbox.shopify.graphql.input_values import ScalarCheck, variable_errors
from airflow_provider_partners.sandbox.shopify.graphql.resolvers import RequestContext, resolve, type_of

Body = dict[str, Any]


class UnreadableRequestError(Exception):
    """The body is not a GraphQL request."""


class InvalidDocumentError(Exception):
    """The response to the document consists of errors only: no ``data`` and no cost."""

    def __init__(self, errors: list[Body]) -> None:
        super().__init__(errors[0]["message"])
        self.body: Body = {"errors": errors}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation that can be executed."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    variables: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class GraphQLRequest:
    """The parts of a GraphQL request."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


def read_request(body: bytes, content_type: str) -> GraphQLRequest:
    """Read the request in a body: JSON, or the bare document as ``application/graphql`` (both are documented).

    :raises UnreadableRequestError: the body contains no document
    """
    try:
        text = body.decode()
        if content_type.partition(";")[0].strip().lower() == "application/graphql":
            return GraphQLRequest(query=text, variables={}, operation_name=None)
        sent = json.loads(text)
    except ValueError as error:
        message = "the body is neither JSON nor UTF-8 text"
        raise UnreadableRequestError(message) from error
    query = sent.get("query") if isinstance(sent, dict) else None
    if not isinstance(query, str) or not query.strip():
        message = "the body has no query"
        raise UnreadableRequestError(message)
    variables = sent.get("variables") or {}
    if not isinstance(variables, dict):
        message = "the variables are not an object"
        raise UnreadableRequestError(message)
    return GraphQLRequest(query=query, variables=variables, operation_name=sent.get("operationName"))


def prepare(schema: GraphQLSchema, request: GraphQLRequest, check: ScalarCheck) -> Operation:
    """Return the operation of a request.

    :raises InvalidDocumentError: the document cannot be parsed or does not fit the schema, or its variables do not fit
    """
    try:
        document = parse(request.query)
    except GraphQLSyntaxError as error:
        raise InvalidDocumentError([syntax_error(error)]) from error
    if errors := validation_errors(schema, document, check):
        raise InvalidDocumentError([_formatted(error) for error in errors])
    node = _chosen(document, request.operation_name)
    if errors := variable_errors(schema, node, request.variables, check):
        raise InvalidDocumentError([_formatted(error) for error in errors])
    return Operation(schema=schema, document=document, node=node, variables=request.variables)


def _chosen(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [definition for definition in document.definitions if isinstance(definition, OperationDefinitionNode)]
    for candidate in operations:
        if name is None and len(operations) == 1:
            return candidate
        if name is not None and candidate.name and candidate.name.value == name:
            return candidate
    message = "An operation name is required" if name is None else f"No operation named {json.dumps(name)}"
    raise InvalidDocumentError([{"message": message}])


def execute(operation: Operation, context: RequestContext) -> Body:
    """Execute an operation; return ``{"data": …}``, with ``errors`` if fields failed.

    An exception that is not a GraphQL error is a bug of the sandbox and is raised.
    """
    result = execute_sync(
        operation.schema,
        operation.document,
        variable_values=operation.variables,
        operation_name=operation.node.name.value if operation.node.name else None,
        context_value=context,
        field_resolver=resolve,
        type_resolver=type_of,
    )
    body: Body = {"data": result.data}
    for error in result.errors or ():
        if error.original_error and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    if result.errors:
        body["errors"] = [_formatted(error) for error in result.errors]
    return body


def _formatted(error: GraphQLError) -> Body:
    return dict(error.formatted)
