"""The errors that Shopify puts into successful answers of GraphQL, and what each of them means.

Each API declares its error codes and messages as a table (:class:`GraphQLErrorHandler`). The transport checks every
answer against it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_partners.api.http.errors import ErrorResolution, ResponseAction
from airflow_provider_partners.api.http.messages import Response
from airflow_provider_partners.exceptions import PartnersError, UnexpectedResponseError
from airflow_provider_partners.records import parse_json

__all__ = ["GraphQLError", "GraphQLErrorHandler", "parse_errors"]

_VALIDATION_CODE = re.compile(r"[a-z]++(?:[A-Z][a-z]*+)++")
_OPERATION_PATH = re.compile(r"(?:query|mutation|subscription|fragment)(?:[ .]|$)")

_ACTION_PRIORITY: Sequence[ResponseAction] = (
    ResponseAction.THROTTLE,
    ResponseAction.REAUTHENTICATE,
    ResponseAction.REFUSE_CREDENTIALS,
    ResponseAction.RETRY,
    ResponseAction.MISCONFIGURED,
)
"""If an answer holds several errors, the first of these actions decides. All other actions come after them."""


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """One entry of ``errors``.

    :param code: ``extensions.code`` as text; empty if there is none, as in many resolver errors
    :param path: the place in the answer, dotted; of a validation error the place in the document
    :param has_location: whether the error names a place in the document
    """

    message: str
    code: str = ""
    path: str = ""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    has_location: bool = False

    @property
    def blames_document(self) -> bool:
        """Whether the document has to be changed: it cannot be parsed, or does not fit the schema.

        graphql-ruby writes the codes of its validation in camelCase, and their paths begin with the operation. A parse
        error has a location alone (https://github.com/rmosolgo/graphql-ruby/tree/master/lib/graphql/static_validation).
        """
        if self.code:
            return bool(_VALIDATION_CODE.fullmatch(self.code))
        return bool(_OPERATION_PATH.match(self.path)) if self.path else self.has_location

    @property
    def concerns_request(self) -> bool:
        """Whether the error has neither a code nor a place: Shopify refused the request before it looked at it.

        Such a throttling or timeout may be in any language.
        """
        return not (self.code or self.path or self.has_location)


def parse_errors(body: Any) -> list[GraphQLError]:
    """Return the errors of an answer. They may be objects or texts, in a list or alone.

    :param body: the decoded answer
    """
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if not errors:
        return []
    return [_parse_error(entry) for entry in (errors if isinstance(errors, list) else [errors])]


def _parse_error(entry: Any) -> GraphQLError:
    if not isinstance(entry, Mapping):
        return GraphQLError(str(entry))
    extensions = entry.get("extensions")
    extensions = extensions if isinstance(extensions, Mapping) else {}
    code = extensions.get("code")
    path = entry.get("path")
    return GraphQLError(
        message=str(entry.get("message") or "no explanation given"),
        code="" if code is None else str(code),
        path=".".join(str(part) for part in path) if isinstance(path, list) else "",
        extensions=extensions,
        has_location="locations" in entry,
    )


def _no_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    return None


def _is_never(error: GraphQLError) -> bool:
    return False


def _no_wait(body: Mapping[str, Any]) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLErrorHandler:
    """Map GraphQL errors to the actions of the transport.

    :param codes: the action by ``extensions.code``
    :param messages: the action by message pattern. Patterns are tried in order and before the codes: a throttled answer
        may lack a code, and one code may have several meanings
    :param remedy: gives the next step for the reader of the error
    :param retry_after: reads the seconds to wait from a throttled answer
    :param error_types: the error to raise by code, where it is not the action's usual one
    :param timed_out: whether an error means that Shopify ran out of time

    An error that blames the document is a wrong configuration. An error that concerns the request is retried. Every
    other error is an unexpected response.
    """

    codes: Mapping[str, ResponseAction]
    messages: Sequence[tuple[re.Pattern[str], ResponseAction]] = ()
    remedy: Callable[[GraphQLError, ResponseAction], str | None] = _no_remedy
    retry_after: Callable[[Mapping[str, Any]], float | None] = _no_wait
    error_types: Mapping[str, Callable[..., PartnersError]] = field(default_factory=dict)
    timed_out: Callable[[GraphQLError], bool] = _is_never

    def action_for(self, error: GraphQLError) -> ResponseAction | None:
        """Return the action for one error, or ``None`` if the table does not list it."""
        for pattern, action in self.messages:
            if pattern.search(error.message):
                return action
        return self.codes.get(error.code)

    def inspect(self, response: Response) -> ErrorResolution | None:
        """Find the deciding error of an answer.

        If the HTTP status is an error too, only listed codes and messages count; the status decides on all others.
        """
        if b'"errors"' not in response.content:
            return None
        try:
            body = parse_json(response.content)
        except ValueError:
            return None
        is_success = 200 <= response.status < 300
        actions = [(error, self.action_for(error)) for error in parse_errors(body)]
        relevant = [(error, action or _default_action(error)) for error, action in actions if is_success or action]
        if not relevant:
            return None
        error, action = min(relevant, key=lambda pair: _priority(pair[1]))
        return ErrorResolution(
            action,
            f"{error.message} (at {error.path})" if error.path else error.message,
            retry_after=self.retry_after(body) if action is ResponseAction.THROTTLE else None,
            remedy=self.remedy(error, action),
            raises=self._error_type(error),
            timed_out=self.timed_out(error),
        )

    def _error_type(self, error: GraphQLError) -> Callable[..., PartnersError] | None:
        """Return the error to raise instead of the action's usual one."""
        if self.action_for(error) is None and error.concerns_request:
            # It is retried, but nobody knows what it is.
            return UnexpectedResponseError
        return self.error_types.get(error.code)


def _default_action(error: GraphQLError) -> ResponseAction:
    if error.blames_document:
        return ResponseAction.MISCONFIGURED
    return ResponseAction.RETRY if error.concerns_request else ResponseAction.UNEXPECTED


def _priority(action: ResponseAction) -> int:
    return _ACTION_PRIORITY.index(action) if action in _ACTION_PRIORITY else len(_ACTION_PRIORITY)
