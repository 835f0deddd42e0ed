"""What responses mean: tables that map a status to an action, and the partner's error message.

A client declares only what differs from the default table. If an API reports failures in successful
responses, ``inspect`` finds them. This module does not send, wait or raise.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.records import parse_json

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.exceptions import PartnersError

UNREACHABLE_REMEDY = (
    "Check the connection's host, and that this machine can reach it. The partner may also be down for a while."
)
"""The next step if a partner did not answer until the deadline."""

MAX_MESSAGE_LENGTH = 300
"""Maximum length of a partner's message in our errors, in characters."""


class ResponseAction(StrEnum):
    """What a call does after an unsuccessful response."""

    RETRY = "retry"
    THROTTLE = "throttle"
    REAUTHENTICATE = "reauthenticate"
    REFUSE_CREDENTIALS = "refuse_credentials"
    MISCONFIGURED = "misconfigured"
    REJECT = "reject"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class ErrorResolution:
    """The meaning of an unsuccessful response.

    :param action: what the call does next
    :param message: the partner's message
    :param retry_after: seconds that the partner requires to wait, if it states them
    :param remedy: next step for the reader of the error
    :param raises: builds the error instead of the action's own class; called with the message and the keywords
        ``remedy``, ``partner``, ``status``, ``request_id``. For a retried action it is the error after the last attempt
    :param timed_out: the partner ran out of time, so a smaller request may succeed
    :param not_sent: the partner has not received the request, so nothing happened there
    :param cause: the system's error behind a missing response, without secrets
    :param strange: the response is successful, but no answer of the API. A few of them may pass
    """

    action: ResponseAction
    message: str
    retry_after: float | None = None
    remedy: str | None = None
    raises: Callable[..., PartnersError] | None = None
    timed_out: bool = False
    not_sent: bool = False
    cause: BaseException | None = None
    strange: bool = False


STATUS_ACTIONS: Mapping[int, ResponseAction] = {
    401: ResponseAction.REAUTHENTICATE,
    403: ResponseAction.REFUSE_CREDENTIALS,
    404: ResponseAction.NOT_FOUND,
    407: ResponseAction.MISCONFIGURED,  # a proxy requires credentials
    408: ResponseAction.RETRY,
    409: ResponseAction.CONFLICT,
    425: ResponseAction.RETRY,
    429: ResponseAction.THROTTLE,
    430: ResponseAction.THROTTLE,  # not in the standard: Shopify's protection refuses a burst of requests
    501: ResponseAction.UNEXPECTED,
    505: ResponseAction.UNEXPECTED,
}
"""Action by status. Other statuses use the action of their class (4xx, 5xx)."""

GATEWAY_TIMEOUTS = frozenset({504, 524})
"""Statuses of a gateway that waited too long for the API: the standard one and Cloudflare's."""

_STATUS_CLASS_ACTIONS: Mapping[int, ResponseAction] = {
    1: ResponseAction.UNEXPECTED,
    3: ResponseAction.UNEXPECTED,
    4: ResponseAction.REJECT,
    5: ResponseAction.RETRY,  # 500, 502, 503, 504, and gateways' own ones (Cloudflare's 520 to 530)
}

REMEDIES: Mapping[int, str] = {
    **dict.fromkeys((301, 302, 303, 307, 308), "If this is the right address, set it as the connection's host."),
    401: "Check the credentials of the connection.",
    403: "Check that the credentials have the permission, and that they belong to this account or shop.",
    407: "Set the proxy's credentials in the environment's HTTPS_PROXY.",
}


def default_message(response: Response) -> str:
    """Return the partner's message from the usual error bodies.

    ``{"errors": [{"message" | "detail" | "title": …}]}``, ``{"errors": "text"}``,
    ``{"message": …, "details": …}``, ``{"detail": …}``, ``{"error": …, "error_description": …}``,
    an HTML page, or an empty body.
    """
    text = response.content[:100_000].decode("utf-8", "replace").strip()
    if not text:
        return "no explanation given"
    try:
        message = _find_message(parse_json(text))
    except ValueError:
        return _text_of_page(text)
    return message or f"no explanation found in {len(text)} characters of JSON"


_MESSAGE_KEYS = ("errors", "title", "message", "error", "error_description", "detail", "details", "reason")


def _find_message(body: Any, depth: int = 0) -> str:
    if isinstance(body, str):
        return body.strip()
    if depth > 4:
        return ""
    if isinstance(body, list):
        return _join_unique([_find_message(item, depth + 1) for item in body[:20]], "; ")
    if not isinstance(body, Mapping):
        return ""
    texts = [_find_message(body[key], depth + 1) for key in _MESSAGE_KEYS if body.get(key)]
    if not texts and depth and all(isinstance(value, str | list) for value in body.values()):
        # messages by field: {"errors": {"email": ["is invalid"]}}
        texts = [f"{key} {_find_message(value, depth + 1)}" for key, value in body.items()]
    return _join_unique(texts, ": ")


def _join_unique(texts: list[str], separator: str) -> str:
    return separator.join(dict.fromkeys(text for text in texts if text))


# What is not closed ends with the text: a search for its end at every start would take quadratic time.
_TITLE = re.compile(r"(?is)<title[^<>]*+>(.*?)(?:</title|\Z)")
_MARKUP = re.compile(r"(?is)<(script|style)\b.*?(?:</\1\s*+>|\Z)|<[^<>]++>")


def _text_of_page(text: str) -> str:
    if "<" not in text:
        return text
    title = _TITLE.search(text)
    content = title.group(1) if title else _MARKUP.sub(" ", text)
    return f"an HTML page: {content.strip()}" if content.strip() else "an HTML page without text"


def truncate(text: str, length: int = MAX_MESSAGE_LENGTH) -> str:
    """Return the text on one line, cut to a maximum length."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """Maps a response to an :class:`ErrorResolution`.

    :param statuses: action by status; the default table covers the rest
    :param inspect: checks every response first, also successful ones; returns a resolution, or ``None`` to use
        the status
    :param message: finds the partner's message in an unsuccessful response
    :param remedies: next step by status
    """

    statuses: Mapping[int, ResponseAction] = field(default_factory=lambda: STATUS_ACTIONS)
    inspect: Callable[[Response], ErrorResolution | None] | None = None
    message: Callable[[Response], str] = default_message
    remedies: Mapping[int, str] = field(default_factory=lambda: REMEDIES)

    def resolve(self, response: Response, *, redact: Callable[[str], str] = str) -> ErrorResolution | None:
        """Return what is wrong with a response, or None if it is successful.

        :param redact: removes secrets from the message before it is cut
        """
        resolution = self.inspect(response) if self.inspect else None
        if resolution is None:
            if 200 <= response.status < 300:
                return None
            resolution = ErrorResolution(self.action(response.status), self.message(response))
        if response.status in GATEWAY_TIMEOUTS:
            resolution = replace(resolution, timed_out=True)
        remedy = resolution.remedy or self.remedies.get(response.status)
        return replace(resolution, message=truncate(redact(resolution.message)), remedy=remedy)

    def action(self, status: int) -> ResponseAction:
        """Return the action for an unsuccessful status."""
        action = self.statuses.get(status) or STATUS_ACTIONS.get(status)
        return action or _STATUS_CLASS_ACTIONS.get(status // 100, ResponseAction.UNEXPECTED)

    def with_overrides(
        self,
        statuses: Mapping[int, ResponseAction] | None = None,
        *,
        inspect: Callable[[Response], ErrorResolution | None] | None = None,
        message: Callable[[Response], str] | None = None,
        remedies: Mapping[int, str] | None = None,
    ) -> ErrorHandler:
        """Return a copy with some entries replaced.

        :param statuses: added to this handler's table
        :param inspect: replaces this handler's function
        :param message: replaces this handler's function
        :param remedies: added to this handler's table
        """
        return ErrorHandler(
            {**self.statuses, **(statuses or {})},
            inspect=inspect or self.inspect,
            message=message or self.message,
            remedies={**self.remedies, **(remedies or {})},
        )


DEFAULT_ERROR_HANDLER = ErrorHandler()
"""The error handler of an API that follows the HTTP standard."""


def retry_after(response: Response, now: float) -> float | None:
    """Return the seconds in the ``Retry-After`` header (a number or a date), or None.

    See https://www.rfc-editor.org/rfc/rfc9110#field.retry-after. A date is compared with the response's own ``Date``
    header, because the partner's clock and ours may differ.

    :param now: seconds since 1970, used if there is no ``Date`` header
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        retry_at = _http_date(text)
        if retry_at is None:
            return None
        seconds = retry_at - (_http_date(response.headers.get("date", "")) or now)
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
