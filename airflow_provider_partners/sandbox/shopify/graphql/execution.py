"""One GraphQL request from body to answer: read, parse, validate, check the variables, execute.

Documents are really executed by graphql-core against Shopify's official schema; only the words of the errors are
graphql-ruby's. This module must not know tokens, limits or documents: each API brings its own
:class:`~airflow_provider_partners.sandbox.shopify.graphql.resolvers.Answer`.
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
    """The body is not a GraphQL request at all."""


class InvalidDocumentError(Exception):
    """The document is answered by errors alone: no ``data`` and no cost."""

    def __init__(self, errors: list[Body]) -> None:
        super().__init__(errors[0]["message"])
        self.body: Body = {"errors": errors}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An operation that may be executed."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    variables: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class GraphQLRequest:
    """What the client sent."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


def read_request(body: bytes, content_type: str) -> GraphQLRequest:
    """The request in a body: JSON, or the bare document as ``application/graphql`` (both are documented).

    :raises UnreadableRequestError: when there is no document in it
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
    """The operation of a request.

    :raises Refused: for a document that cannot be parsed or does not fit, and for variables that do not
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
    operations = [found for found in document.definitions if isinstance(found, OperationDefinitionNode)]
    for operation in operations:
        if name is None and len(operations) == 1:
            return operation
        if name is not None and operation.name and operation.name.value == name:
            return operation
    message = "An operation name is required" if name is None else f"No operation named {json.dumps(name)}"
    raise InvalidDocumentError([{"message": message}])


def execute(operation: Operation, context: RequestContext) -> Body:
    """Execute an operation: ``{"data": …}``, with ``errors`` where fields failed.

    An exception that is not a GraphQL error is a fault of the sandbox and is raised, not dressed up as an answer.
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
