"""Requests and responses, independent of the HTTP library."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from airflow_provider_partners.exceptions import UnexpectedResponseError
from airflow_provider_partners.records import UnsafeJsonError, encode_text, parse_json, repair_text


class InvalidJsonError(UnexpectedResponseError):
    """The body is not JSON: it ends early, or it is something else.

    :ivar may_pass: whether the same request may get another answer
    :ivar is_foreign: whether it comes from another server than the API, such as a gateway's page of HTML
    """

    may_pass = True
    is_foreign = False


def check_object(body: Any) -> None:
    """Refuse a body that is no JSON object: every answer of the partners' APIs is one.

    :raises UnexpectedResponseError: when it is none
    """
    if not isinstance(body, Mapping):
        message = f"the response is a JSON {_JSON_TYPES.get(type(body), 'value')} instead of an object"
        raise UnexpectedResponseError(message)


def access_token(body: Any) -> str:
    """Return the access token of a token endpoint's answer. As a ``check``, it lets the call try again.

    :raises UnexpectedResponseError: when there is none
    """
    token = body.get("access_token") if isinstance(body, Mapping) else None
    if not isinstance(token, str) or not token:
        message = "the token endpoint answered without an access token"
        raise UnexpectedResponseError(message)
    return token


def accept_any(body: Any) -> None:
    """Accept every JSON value."""


_JSON_TYPES: Mapping[type, str] = {
    list: "list",
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, relative to the client's base URL.

    :param method: HTTP method
    :param path: appended to the base URL unchanged; a trailing slash matters to some partners
    :param params: query parameters in order; the transport encodes them
    :param json: JSON body
    :param form: form body, for token endpoints
    :param headers: headers of this request only
    :param cost: what the request takes from the rate limit: requests, or cost points
    :param label: name of the operation in logs and counters, such as ``orders.create``; contains no data
    :param authenticated: send the client's credentials
    :param token_param: the query parameter that carries the token in place of the header, for APIs that know no other
        way. It is added to the URL of each attempt alone, and hidden like the header
    :param expects_json: the response's body is JSON. One that ends early is a transient failure
    :param check: raises ``UnexpectedResponseError`` for JSON that is no answer of the API. The call then tries again, a
        few times
    :param may_be_empty: a response without a body is complete too, such as one of status 204
    :param max_timeouts: attempts that may run out of time before the call raises ``TimedOutError``, because the caller
        then sends a smaller request; by default as many as for other failures
    :param repeatable: False if each request that the partner receives has its own effect. If its response is lost, the
        call raises ``UnknownOutcomeError`` instead of sending it again
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    json: Any = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cost: float = 1.0
    label: str = ""
    authenticated: bool = True
    token_param: str = ""
    expects_json: bool = True
    check: Callable[[Any], object] = check_object
    may_be_empty: bool = False
    max_timeouts: int | None = None
    repeatable: bool = True

    def body(self) -> tuple[bytes | None, dict[str, str]]:
        """Return the body's bytes and its content type header."""
        if self.form is not None:
            form = {name: repair_text(value) for name, value in self.form.items()}
            return urlencode(form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        if self.json is None:
            return None, {}
        text = json.dumps(self.json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return encode_text(text), {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A response that was read completely.

    :param status: HTTP status
    :param headers: headers by lower-case name
    :param content: bytes of the body
    :param request_id: the partner's id of this request, if it sends one
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    request_id: str | None = None
    _parsed: list[Any] = field(default_factory=list, init=False, repr=False, compare=False)

    def json(self) -> Any:
        """Return the body, parsed as JSON once. Callers share the value and do not change it.

        :raises InvalidJsonError: the body is not JSON
        """
        if not self._parsed:
            try:
                self._parsed.append(parse_json(self.content))
            except ValueError as error:
                is_unsafe = isinstance(error, UnsafeJsonError)
                message = f"the response is {error if is_unsafe else _describe_body(self.content)}"
                invalid = InvalidJsonError(message, status=self.status, request_id=self.request_id)
                invalid.may_pass = not is_unsafe
                invalid.is_foreign = self.content.lstrip().startswith(b"<")
                raise invalid from None
        return self._parsed[0]


def _describe_body(content: bytes) -> str:
    """Say how a body differs from JSON, without its content."""
    start = content.lstrip()[:1]
    if start in {b"{", b"["}:
        return f"JSON that is damaged or ends early ({len(content)} bytes)"
    return f"{'an HTML page and ' if start == b'<' else ''}not JSON ({len(content)} bytes)"
