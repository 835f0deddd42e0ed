"""What an answer means: tables from status to action, and the partner's own words.

An API declares where it departs from the default table and, if it hides failures in successful answers, how
to find them (``inspect``). The transport acts on what comes out. Must not send, wait or raise anything.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.messages import Response
    from airflow_provider_partners.exceptions import PartnersError

MAX_MESSAGE_LENGTH = 300
"""Partners' texts are cut to about this many characters."""


class ResponseAction(StrEnum):
    """What the transport does about a fault."""

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
    """An answer that is no success.

    :param action: what to do about it
    :param message: what the partner said
    :param retry_after: seconds the partner asks to wait, where it says so
    :param remedy: the next step of whoever reads the error
    :param raises: makes the error in place of the action's own class; called with the message and the
        keywords ``remedy``, ``partner``, ``status``, ``request_id``
    """

    action: ResponseAction
    message: str
    retry_after: float | None = None
    remedy: str | None = None
    raises: Callable[..., PartnersError] | None = None


STATUS_ACTIONS: Mapping[int, ResponseAction] = {
    401: ResponseAction.REAUTHENTICATE,
    403: ResponseAction.REFUSE_CREDENTIALS,
    404: ResponseAction.NOT_FOUND,
    407: ResponseAction.MISCONFIGURED,  # a proxy on the way wants credentials
    408: ResponseAction.RETRY,
    409: ResponseAction.CONFLICT,
    425: ResponseAction.RETRY,
    429: ResponseAction.THROTTLE,
    501: ResponseAction.UNEXPECTED,
    505: ResponseAction.UNEXPECTED,
}
"""By status; what is missing here goes by its hundred."""

_STATUS_CLASS_ACTIONS: Mapping[int, ResponseAction] = {
    1: ResponseAction.UNEXPECTED,
    3: ResponseAction.UNEXPECTED,
    4: ResponseAction.REJECT,
    5: ResponseAction.RETRY,  # 500, 502, 503, 504, and what gateways add (Cloudflare's 520 to 530)
}

REMEDIES: Mapping[int, str] = {
    401: "Check the credentials of the connection.",
    403: "Check that the credentials have the permission, and that they belong to this account or shop.",
    407: "Set the proxy's credentials in the environment's HTTPS_PROXY.",
}


def default_message(response: Response) -> str:
    """What the partner said, from the error bodies in use.

    ``{"errors": [{"message" | "detail" | "title": …}]}``, ``{"errors": "text"}``, ``{"message": …,
    "details": …}``,
    ``{"detail": …}``, ``{"error": …, "error_description": …}``, a page of HTML, or nothing.

    :param response: the answer
    """
    text = response.content[:100_000].decode("utf-8", "replace").strip()
    if not text:
        return "no explanation given"
    try:
        said = _find_message(json.loads(text))
    except ValueError:
        return _text_of_page(text)
    return said or f"no explanation found in {len(text)} characters of JSON"


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
        # {"errors": {"email": ["is invalid"]}}: by field
        texts = [f"{key} {_find_message(value, depth + 1)}" for key, value in body.items()]
    return _join_unique(texts, ": ")


def _join_unique(texts: list[str], separator: str) -> str:
    return separator.join(dict.fromkeys(text for text in texts if text))


def _text_of_page(text: str) -> str:
    if "<" not in text:
        return text
    title = re.search(r"(?is)<title[^>]*>(.*?)</title>", text)
    found = title.group(1) if title else re.sub(r"(?is)<(script|style).*?</\1>|<[^>]+>", " ", text)
    return f"a page of HTML: {found.strip()}" if found.strip() else "a page of HTML without text"


def truncate(text: str, length: int = MAX_MESSAGE_LENGTH) -> str:
    """A text on one line, of bounded length.

    :param text: any text
    :param length: the most characters to keep
    """
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class ErrorHandler:
    """From an answer to a fault.

    :param statuses: status to action; the rest goes by the default table
    :param inspect: looks into every answer first, successful ones included; returns a fault, or ``None`` to
        go by the status
    :param message: finds the partner's words in a refused answer
    :param remedies: status to next step
    """

    statuses: Mapping[int, ResponseAction] = field(default_factory=lambda: STATUS_ACTIONS)
    inspect: Callable[[Response], ErrorResolution | None] | None = None
    message: Callable[[Response], str] = default_message
    remedies: Mapping[int, str] = field(default_factory=lambda: REMEDIES)

    def resolve(self, response: Response, *, redact: Callable[[str], str] = str) -> ErrorResolution | None:
        """What is wrong with an answer.

        :param response: the answer
        :param redact: takes the secrets out of the partner's words, before they are cut
        :returns: ``None`` for a success
        """
        found = self.inspect(response) if self.inspect else None
        if found is None:
            if 200 <= response.status < 300:
                return None
            found = ErrorResolution(self.action(response.status), self.message(response))
        remedy = found.remedy or self.remedies.get(response.status)
        return replace(found, message=truncate(redact(found.message)), remedy=remedy)

    def action(self, status: int) -> ResponseAction:
        """What a status asks for.

        :param status: HTTP status other than a success
        """
        listed = self.statuses.get(status) or STATUS_ACTIONS.get(status)
        return listed or _STATUS_CLASS_ACTIONS.get(status // 100, ResponseAction.UNEXPECTED)

    def with_overrides(
        self,
        statuses: Mapping[int, ResponseAction] | None = None,
        *,
        inspect: Callable[[Response], ErrorResolution | None] | None = None,
        message: Callable[[Response], str] | None = None,
        remedies: Mapping[int, str] | None = None,
    ) -> ErrorHandler:
        """Make another table from this one.

        :param statuses: laid over this table's
        :param inspect: in place of this table's
        :param message: in place of this table's
        :param remedies: laid over this table's
        """
        return ErrorHandler(
            {**self.statuses, **(statuses or {})},
            inspect=inspect or self.inspect,
            message=message or self.message,
            remedies={**self.remedies, **(remedies or {})},
        )


DEFAULT_ERROR_HANDLER = ErrorHandler()
"""The table of an API that keeps to the customs of HTTP."""


def retry_after(response: Response, now: float) -> float | None:
    """Seconds that the ``Retry-After`` header asks to wait, in both of its forms.

    :param response: the answer
    :param now: seconds since 1970; a date is measured against the answer's own ``Date`` where it has one,
        since the partner's clock and ours may differ
    """
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        until = _http_date(text)
        if until is None:
            return None
        seconds = until - (_http_date(response.headers.get("date", "")) or now)
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def _http_date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
