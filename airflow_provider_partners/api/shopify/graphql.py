"""Looking over a GraphQL document that a user wrote, before it is sent.

Only what paging needs is checked, so that a walk can't read the first page for ever: which operations the
document has, that ``$after`` is declared and used, that a page size goes along. Whether the fields exist is
the partner's to say. Must not know any schema.

GraphQL over the transport: one document sent, its errors understood, its answer's version compared.

GraphQL hides failures in successful answers, so an API declares its codes and sentences as a table
(:class:`GraphQLErrorHandler`) which the transport consults for every answer; what comes back from
:meth:`GraphQLCaller.execute` is data. Must not know any schema or resource.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.errors import ErrorResolution, ResponseAction
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.transport import Transport


log = logging.getLogger(__name__)

VERSION_HEADER = "x-shopify-api-version"
UNSTABLE = "unstable"

_VERSION = re.compile(r"\d{4}-(?:01|04|07|10)|unstable")

_ACTION_PRIORITY: Sequence[ResponseAction] = (
    ResponseAction.THROTTLE,
    ResponseAction.REAUTHENTICATE,
    ResponseAction.REFUSE_CREDENTIALS,
    ResponseAction.RETRY,
)
"""Which of several errors decides; all others come behind these, in the answer's order."""


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """One entry of ``errors``.

    :param message: the partner's sentence
    :param code: ``extensions.code`` as text, empty where there is none (resolver errors often have none)
    :param path: where in the answer, dotted
    :param extensions: the rest
    """

    message: str
    code: str = ""
    path: str = ""
    extensions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphQLResult:
    """What a document brought.

    :param data: the ``data`` of the answer
    :param extensions: its ``extensions``, such as the cost
    """

    data: Mapping[str, Any]
    extensions: Mapping[str, Any]


def parse_errors(body: Any) -> list[GraphQLError]:
    """The errors of an answer, in every shape in use: objects or texts, in a list or alone.

    :param body: the decoded answer
    """
    found = body.get("errors") if isinstance(body, Mapping) else None
    if not found:
        return []
    return [_parse_error(entry) for entry in (found if isinstance(found, list) else [found])]


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
    )


def _no_remedy(error: GraphQLError, action: ResponseAction) -> str | None:
    return None


def _no_wait(body: Mapping[str, Any]) -> float | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLErrorHandler:
    """From a GraphQL error to what the transport does about it.

    :param codes: by ``extensions.code``
    :param messages: by sentence, tried in order, before the codes (a throttled answer may lack a code, and
        one code may stand for several things)
    :param default_action: what every other error is
    :param remedy: the next step of whoever reads the error
    :param retry_after: how long the answer asks to wait, where it is throttled
    :param error_types: by code, an error of its own
    """

    codes: Mapping[str, ResponseAction]
    messages: Sequence[tuple[re.Pattern[str], ResponseAction]] = ()
    default_action: ResponseAction = ResponseAction.MISCONFIGURED
    remedy: Callable[[GraphQLError, ResponseAction], str | None] = _no_remedy
    retry_after: Callable[[Mapping[str, Any]], float | None] = _no_wait
    error_types: Mapping[str, Callable[..., PartnersError]] = field(default_factory=dict)

    def action_for(self, error: GraphQLError) -> ResponseAction | None:
        """What one error asks for, ``None`` when nothing is declared for it.

        :param error: the error
        """
        for pattern, action in self.messages:
            if pattern.search(error.message):
                return action
        return self.codes.get(error.code)

    def inspect(self, response: Response) -> ErrorResolution | None:
        """Find the fault in an answer; refused ones go by their status unless their code is listed.

        :param response: any answer
        """
        if b'"errors"' not in response.content:
            return None
        try:
            body = json.loads(response.content)
        except ValueError:
            return None
        success = 200 <= response.status < 300
        known = [(error, self.action_for(error)) for error in parse_errors(body)]
        weighed = [(error, action or self.default_action) for error, action in known if success or action]
        if not weighed:
            return None
        error, action = min(weighed, key=lambda pair: _priority(pair[1]))
        return ErrorResolution(
            action,
            f"{error.message} (at {error.path})" if error.path else error.message,
            retry_after=self.retry_after(body) if action is ResponseAction.THROTTLE else None,
            remedy=self.remedy(error, action),
            raises=self.error_types.get(error.code),
        )


def _priority(action: ResponseAction) -> int:
    return _ACTION_PRIORITY.index(action) if action in _ACTION_PRIORITY else len(_ACTION_PRIORITY)


class GraphQLCaller:
    """Sends documents to one endpoint.

    :param transport: with the API's :class:`GraphQLErrorHandler` as its inspector
    :param path: of the endpoint
    :param api_version: the dated version asked for, or ``unstable``
    :param strict_version: whether an answer of another version is an error; a warning otherwise
    """

    def __init__(self, *, transport: Transport, path: str, api_version: str, strict_version: bool = False) -> None:
        self.api_version = validate_version(api_version)
        self._transport = transport
        self._path = path
        self._strict = strict_version
        self._costs: dict[tuple[str, Any], float] = {}
        self._reported_versions: set[str] = set()
        self._lock = threading.Lock()

    def execute(
        self,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation_name: str | None = None,
        label: str = "graphql",
    ) -> GraphQLResult:
        """Send a document.

        The budget is asked for what the same document cost at the same page size the last time.

        :param document: in GraphQL
        :param variables: by name, without ``$``
        :param operation_name: which of several operations of the document
        :param label: the operation's name in logs and counters
        :raises ConfigurationError: when the document or a variable is refused, or a search field is unknown
        :raises UnexpectedResponseError: when the answer has neither data nor errors
        """
        sent: dict[str, Any] = {"query": document, "variables": dict(variables or {})}
        if operation_name:
            sent["operationName"] = operation_name
        key = (document, _requested_size(sent["variables"]))
        response = self._transport.send(
            Request(method="POST", path=self._path, json=sent, label=label, cost=self._costs.get(key, 1.0))
        )
        self._check_version(response)
        answer = self._parse_result(response, label)
        cost = _as_mapping(answer.extensions.get("cost")).get("requestedQueryCost")
        if isinstance(cost, int | float) and cost > 0:
            self._costs[key] = float(cost)
        _raise_for_search_warnings(answer.extensions, label)
        return answer

    def _parse_result(self, response: Response, label: str) -> GraphQLResult:
        body = response.json()
        data = body.get("data") if isinstance(body, Mapping) else None
        if not isinstance(data, Mapping):
            kind = "no data" if isinstance(body, Mapping) else f"a {type(body).__name__} in place of an object"
            message = f"{label} was answered with {kind} and no error"
            raise UnexpectedResponseError(message, status=response.status, request_id=response.request_id)
        return GraphQLResult(data, _as_mapping(body.get("extensions")))

    def _check_version(self, response: Response) -> None:
        # An expired version falls forward: the oldest supported one answers, with what its fields mean there.
        answered = response.headers.get(VERSION_HEADER, self.api_version).strip()
        if answered == self.api_version:
            return
        message = f"API version {self.api_version} was asked for, {answered} answered"
        remedy = f"It is no longer supported: set 'api_version' in the connection's extras, such as {answered}."
        if self._strict:
            raise ConfigurationError(message, remedy=remedy, request_id=response.request_id)
        with self._lock:
            if answered in self._reported_versions:
                return
            self._reported_versions.add(answered)
        log.warning("%s. %s", message, remedy)


def validate_version(api_version: str) -> str:
    """A version as Shopify writes them.

    :param api_version: such as ``2026-07``, or ``unstable``
    :raises ConfigurationError: when it is no version
    """
    if not _VERSION.fullmatch(api_version):
        message = f"'api_version' is {api_version!r}"
        raise ConfigurationError(message, remedy="Versions are quarters such as 2026-07, or 'unstable'.")
    return api_version


def is_at_least(api_version: str, minimum: str) -> bool:
    """Whether a version has what came with another one.

    :param api_version: the version in use; ``unstable`` has everything
    :param minimum: the version in which something came
    """
    return api_version == UNSTABLE or api_version >= minimum


def _raise_for_search_warnings(extensions: Mapping[str, Any], label: str) -> None:
    # Shopify's search fails open: an unknown filter matches everything, and only a warning says so.
    searches = extensions.get("search")
    for search in searches if isinstance(searches, list) else []:
        for warning in _as_mapping(search).get("warnings") or []:
            name = _as_mapping(warning).get("field") or "unnamed"
            reason = _as_mapping(warning).get("message") or "no explanation given"
            message = f"{label} ignored the search field '{name}': {reason}"
            remedy = "Correct the field in 'query': an ignored one would match every object of the shop."
            raise ConfigurationError(message, remedy=remedy)


def _requested_size(variables: Mapping[str, Any]) -> Any:
    ids = variables.get("ids")
    return len(ids) if isinstance(ids, list) else variables.get("first")


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


_TEXT_OR_COMMENT = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*')
_OPERATION = re.compile(r"\b(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?\s*(?=[({@])")

PAGING_REMEDY = (
    'A paged document looks like: query Events($first: Int!, $after: String) { app(id: "…") { '
    "events(first: $first, after: $after) { pageInfo { hasNextPage } edges { cursor node { … } } } } }"
)


@dataclass(frozen=True, slots=True)
class PagedDocument:
    """A user's document that can be walked.

    :param text: as it is sent
    :param declares_first: whether it takes its page size as ``$first``
    """

    text: str
    declares_first: bool


def validate_paged_document(document: str, *, max_length: int) -> PagedDocument:
    """Check that a document can be walked page by page.

    :param document: a user's own, with one query
    :param max_length: the most characters the API takes
    :raises ConfigurationError: telling what is missing
    """
    if len(document) > max_length:
        message = f"the document has {len(document):,} characters, the API takes {max_length:,}"
        raise ConfigurationError(message, remedy="Ask for fewer fields, or in several documents.")
    code = _TEXT_OR_COMMENT.sub(" ", document)
    operations = [match.group(1) for match in _top_level_operations(code)]
    if operations != ["query"]:
        held = ", ".join(operations) or "none that takes variables"
        message = f"the document must hold exactly one query, it holds {held}"
        raise ConfigurationError(message, remedy=PAGING_REMEDY)
    for pattern, missing in (
        (r"\$after\s*:\s*String\b", "doesn't declare the variable $after: String"),
        (r"\bafter\s*:\s*\$after\b", "doesn't pass 'after: $after' to its connection"),
        (r"\bfirst\s*:\s*(?:\$\w+|\d+)", "doesn't pass a page size ('first') to its connection"),
        (r"\bhasNextPage\b", "doesn't ask for pageInfo { hasNextPage }"),
        (r"\b(?:cursor|endCursor)\b", "doesn't ask for edges { cursor } or pageInfo { endCursor }"),
    ):
        if not re.search(pattern, code):
            message = f"the document {missing}, so it would give the same page for ever or only the first"
            raise ConfigurationError(message, remedy=PAGING_REMEDY)
    return PagedDocument(document, declares_first=bool(re.search(r"\$first\s*:", code)))


def _top_level_operations(code: str) -> list[re.Match[str]]:
    """The operations at the top level, where no brace is open."""
    found: list[re.Match[str]] = []
    for match in _OPERATION.finditer(code):
        before = code[: match.start()]
        if before.count("{") == before.count("}") and before.count("(") == before.count(")"):
            found.append(match)
    return found


def has_balanced_braces(selection: str) -> bool:
    """Whether a piece of GraphQL can be set into a document without reaching out of its place.

    :param selection: fields, as a user adds them
    """
    depth = 0
    for mark in _TEXT_OR_COMMENT.sub(" ", selection):
        depth += {"{": 1, "}": -1}.get(mark, 0)
        if depth < 0:
            return False
    return depth == 0
