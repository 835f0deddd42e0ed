"""Send GraphQL documents to a Shopify API, and read its answers.

The transport checks every answer by the table of errors (:mod:`~airflow_provider_partners.api.shopify.graphql_errors`),
so :meth:`GraphQLCaller.execute` returns data or raises. This module knows no schema and no resource.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from airflow_provider_partners.api.http.errors import truncate
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.arguments import check_mapping
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.transport import Transport


log = logging.getLogger(__name__)

VERSION_HEADER = "x-shopify-api-version"
DEPRECATION_HEADER = "x-shopify-api-deprecated-reason"
"""The deprecated fields of a document, such as ``Shop.products``; in versions before 2025-04 a URL.

See https://shopify.dev/changelog/graphql-return-actual-deprecation-reasons.
"""
UNSTABLE = "unstable"

_VERSION = re.compile(r"\d{4}-(?:01|04|07|10)|unstable")


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """The data of one answer.

    :param extensions: the answer's ``extensions``, such as the query cost
    """

    data: Mapping[str, Any]
    extensions: Mapping[str, Any]


class DocumentCaller(Protocol):
    """Sends documents to one endpoint."""

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        label: str = ...,
        max_timeouts: int | None = None,
    ) -> GraphQLResult:
        """Send a document and return its data; see :meth:`GraphQLCaller.execute`."""


class GraphQLCaller:
    """Send documents to one endpoint.

    :param transport: its error handler must use the API's :class:`GraphQLErrorHandler`
    :param path: path of the endpoint
    :param api_version: a dated version such as ``2026-07``, or ``unstable``
    :param strict_version: raise if another version answers; log a warning otherwise
    """

    def __init__(self, *, transport: Transport, path: str, api_version: str, strict_version: bool = False) -> None:
        self.api_version = validate_version(api_version)
        self._transport = transport
        self._path = path
        self._strict = strict_version
        self._costs: dict[tuple[str, Any], float] = {}
        self._reported_versions: set[str] = set()
        self._has_reported_deprecation = False
        self._lock = threading.Lock()

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        label: str = "graphql",
        max_timeouts: int | None = None,
        repeatable: bool = True,
    ) -> GraphQLResult:
        """Send a document and return its data.

        Reserves the cost that the same document had at the same page size the last time.

        :param variables: by name, without ``$``
        :param operation_name: required if the document has several operations
        :param label: the operation's name in logs and statistics
        :param max_timeouts: attempts that may run out of time before ``TimedOutError``
        :param repeatable: False for a mutation that must not run twice; see ``Request``
        :raises ConfigurationError: if Shopify refuses the document or a variable, or does not know a search field
        :raises UnexpectedResponseError: if the answer has an unknown error, or neither data nor errors
        """
        sent: dict[str, Any] = {"query": document, "variables": dict(variables or {})}
        if operation_name:
            sent["operationName"] = operation_name
        key = (document, _requested_size(sent["variables"]))
        request = Request(
            method="POST",
            path=self._path,
            json=sent,
            label=label,
            cost=self._costs.get(key, 1.0),
            max_timeouts=max_timeouts,
            repeatable=repeatable,
            check=partial(_check_answer, label=label),
        )
        response = self._transport.send(request)
        self._check_version(response)
        self._report_deprecation(response, label)
        body = response.json()
        result = GraphQLResult(body["data"], _as_mapping(body.get("extensions")))
        cost = _as_mapping(result.extensions.get("cost")).get("requestedQueryCost")
        if isinstance(cost, int | float) and cost > 0:
            self._costs[key] = float(cost)
        redact = self._transport.redactor.for_response_to(request)
        _raise_for_search_warnings(result.extensions, label, redact)
        return GraphQLResult(_Data(_redact_user_errors(result.data, redact)), result.extensions)

    def _check_version(self, response: Response) -> None:
        # An expired version falls forward: the oldest supported version answers, where fields may mean something else
        # (https://shopify.dev/docs/api/usage/versioning).
        answered = response.headers.get(VERSION_HEADER, self.api_version).strip()
        if answered == self.api_version:
            return
        message = f"API version {self.api_version} was requested, {answered} answered"
        remedy = f"It is no longer supported: set 'api_version' in the connection's extras, such as {answered}."
        if self._strict:
            raise ConfigurationError(message, remedy=remedy, request_id=response.request_id)
        with self._lock:
            if answered in self._reported_versions:
                return
            self._reported_versions.add(answered)
        log.warning("%s. %s", message, remedy)

    def _report_deprecation(self, response: Response, label: str) -> None:
        """Log one warning per client about fields that a later API version removes."""
        reason = response.headers.get(DEPRECATION_HEADER, "").strip()
        with self._lock:
            if not reason or self._has_reported_deprecation:
                return
            self._has_reported_deprecation = True
        log.warning(
            "API version %s: %s uses what a later version removes: %s", self.api_version, label, truncate(reason)
        )


class _Data(dict[str, Any]):
    """The data of an answer. A field that was requested and is missing is an error of the answer."""

    def __missing__(self, name: str) -> Any:
        message = f"the answer has no '{name}'"
        raise UnexpectedResponseError(message)


def _check_answer(body: Any, *, label: str) -> None:
    """Refuse an answer without data. One with errors never comes here.

    :raises UnexpectedResponseError: when it has none
    """
    data = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(data, Mapping):
        content = "no data" if isinstance(body, Mapping) else f"a {type(body).__name__} instead of an object"
        message = f"the answer of {label} has {content} and no error"
        raise UnexpectedResponseError(message)


def validate_version(api_version: str) -> str:
    """Return the version unchanged if Shopify could have it.

    :param api_version: such as ``2026-07``, or ``unstable``
    :raises ConfigurationError: if it is not a quarter and not ``unstable``
    """
    if not _VERSION.fullmatch(api_version):
        message = f"'api_version' is {api_version!r}"
        raise ConfigurationError(message, remedy="Versions are quarters such as 2026-07, or 'unstable'.")
    return api_version


def is_at_least(api_version: str, minimum: str) -> bool:
    """Return True if a version is the given one or a later one. ``unstable`` is later than all."""
    return api_version == UNSTABLE or api_version >= minimum


def _redact_user_errors(data: Mapping[str, Any], redact: Callable[[str], str]) -> Mapping[str, Any]:
    """Return the data of a mutation with messages that can be quoted."""
    return {
        name: {**payload, "userErrors": [_redact_message(error, redact) for error in payload["userErrors"]]}
        if isinstance(payload, Mapping) and isinstance(payload.get("userErrors"), list)
        else payload
        for name, payload in data.items()
    }


def _redact_message(error: Any, redact: Callable[[str], str]) -> Mapping[str, Any]:
    error = _as_mapping(error)
    return {**error, "message": truncate(redact(str(error["message"])))} if error.get("message") else error


def _raise_for_search_warnings(extensions: Mapping[str, Any], label: str, redact: Callable[[str], str]) -> None:
    # Shopify's search fails open: an unknown filter matches everything, and Shopify only adds a warning
    # (https://shopify.dev/docs/api/usage/search-syntax).
    searches = extensions.get("search")
    for search in searches if isinstance(searches, list) else []:
        for warning in _as_mapping(search).get("warnings") or []:
            name = truncate(str(_as_mapping(warning).get("field") or "unnamed"), 100)
            reason = truncate(redact(str(_as_mapping(warning).get("message") or "no explanation given")))
            message = f"{label} ignored the search field '{name}': {reason}"
            remedy = "Correct the field in 'query': an ignored one would match every object of the shop."
            raise ConfigurationError(message, remedy=remedy)


def _requested_size(variables: Mapping[str, Any]) -> Any:
    ids = variables.get("ids")
    return len(ids) if isinstance(ids, list) else variables.get("first")


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def execute_document(
    caller: GraphQLCaller,
    document: str,
    variables: Mapping[str, Any] | None,
    *,
    operation_name: str | None,
    idempotent: bool | None,
    max_length: int | None = None,
) -> dict[str, Any]:
    """Send a user's document as it is, and return its data. A mutation is sent once, unless it may be repeated.

    :param max_length: the API's limit, in characters
    :raises ConfigurationError: for a document that can't be read, or a subscription
    """
    # graphql-core takes a while to load, and no list needs it.
    from airflow_provider_partners.api.shopify.syntax import parse_document, select_operation

    if variables is not None:
        check_mapping("variables", variables)
    operation = select_operation(parse_document(document, max_length=max_length), operation_name)
    kind = operation.operation.value
    if kind == "subscription":
        message = "the document is a subscription, which Shopify's APIs don't have"
        raise ConfigurationError(message, remedy="Send a query or a mutation.")
    name = operation.name.value if operation.name else kind
    result = caller.execute(
        document,
        variables,
        operation_name=operation_name,
        label=name,
        repeatable=kind == "query" if idempotent is None else idempotent,
    )
    return dict(result.data)
