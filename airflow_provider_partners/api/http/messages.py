"""What goes over the wire and what comes back, free of any HTTP library's types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from airflow_provider_partners.exceptions import UnexpectedResponseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call, relative to the client's base URL.

    :param method: HTTP method
    :param path: appended to the base URL as it is (a trailing slash matters to some partners)
    :param params: query parameters in order; encoded by the transport
    :param json: JSON body
    :param form: form body (token endpoints)
    :param headers: headers of this call alone
    :param cost: what the call takes from the budget (requests, or points)
    :param label: the operation's name in logs and counters, such as ``orders.create``; never holds data
    :param authenticated: whether the client's credentials go with it
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

    def body(self) -> tuple[bytes | None, dict[str, str]]:
        """The body's bytes, and the header that says what they are."""
        if self.form is not None:
            return urlencode(self.form).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
        if self.json is None:
            return None, {}
        text = json.dumps(self.json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        # Half an emoji, as cut texts have it, can't be sent; its place is marked.
        return text.encode("utf-8", "replace"), {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer, read whole.

    :param status: HTTP status
    :param headers: by lower-case name
    :param content: the body's bytes
    :param request_id: the partner's id of this request, where it sends one
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    request_id: str | None = None

    def json(self) -> Any:
        """The body as JSON.

        :raises UnexpectedResponseError: when it is no JSON
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            message = f"the answer is not JSON ({len(self.content)} bytes)"
            raise UnexpectedResponseError(message, status=self.status, request_id=self.request_id) from error
