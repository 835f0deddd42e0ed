"""Keep secrets and customers' data out of logs and errors.

Every text of the HTTP layer that reaches a log or an error passes a :class:`Redactor`. It replaces the secrets that it
knows, texts that look like secrets (header values, tokens in query strings and JSON, signed tokens), e-mail addresses
and phone numbers. The HTTP library would log whole URLs, so its logs of our own requests are silenced too.
"""

from __future__ import annotations

import json
import logging
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from airflow_provider_partners.records import repair_text

if TYPE_CHECKING:
    from collections.abc import Iterator

HIDDEN = "***"
"""Replaces a secret, as in Airflow's own logs."""

_SENSITIVE_NAME = re.compile(r"authorization|token|secret|password|passwd|api[-_]?key|signature|cookie", re.IGNORECASE)

_MIN_SECRET_LENGTH = 4
"""Shorter secrets are not replaced, because they occur inside of common words."""

_MIN_KEY_LINE_LENGTH = 16
"""Shorter lines of a multi-line key are not replaced on their own."""

_SENSITIVE_FIELD = r"(?:\w*(?:token|secret|password|passwd|api[-_]?key|signature|hmac|assertion))"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Header lines such as "Name: value", 'Name': 'value' or Name=value. A scheme such as Bearer belongs to the value.
    (
        re.compile(
            r"(?i)((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:token|key|secret|signature))"
            r"(['\"]?\s*[:=]\s*(?:b(?=['\"]))?['\"]?)(?:(?:bearer|basic|token)\s+)?[^\s'\",;&]+"
        ),
        rf"\1\2{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    # Query strings and forms: ?utoken=…&client_secret=…
    (re.compile(rf"(?i)\b({_SENSITIVE_FIELD})=[^\s&#'\"<>]+"), rf"\1={HIDDEN}"),
    # JSON and reprs: "access_token": "…"
    (re.compile(rf"(?i)(['\"]{_SENSITIVE_FIELD}['\"]\s*:\s*)(['\"])(?:(?!\2).)*\2"), rf"\1\2{HIDDEN}\2"),
    # Credentials inside of a URL: https://user:password@host
    (re.compile(r"(://)[^/\s@:]*:[^/\s@]+@"), rf"\1{HIDDEN}@"),
    # Signed tokens and Shopify's tokens, everywhere.
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), HIDDEN),
    (re.compile(r"\b(?:shp[a-z]{2}|prtapi)_[A-Za-z0-9]{8,}"), HIDDEN),
    (re.compile(r"[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+"), "<e-mail>"),
    (re.compile(r"(?<![\w+])\+\d[\d\s().-]{6,}\d\b"), "<phone>"),
)


def is_sensitive(name: str) -> bool:
    """Return True if a header or field with this name holds a secret.

    :param name: name such as ``Authorization`` or ``X-Client-Token``
    """
    return bool(_SENSITIVE_NAME.search(name))


class Redactor:
    """Replaces secrets in texts. Threads share one object.

    ::

        redact = Redactor("s3cr3t-value")
        redact("GET /x?utoken=abc failed for s3cr3t-value")  # GET /x?utoken=*** failed for ***

    :param secrets: secrets that are known from the start
    """

    def __init__(self, *secrets: str) -> None:
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        self.add(*secrets)

    def __repr__(self) -> str:
        """Show the number of secrets, never the secrets."""
        return f"Redactor(<{len(self._known)} secrets>)"

    def add(self, *secrets: str) -> None:
        """Add secrets. Their forms in URLs and JSON, and the lines of multi-line keys, are derived from them."""
        new = {secret for secret in secrets if secret and len(secret) >= _MIN_SECRET_LENGTH} - self._known
        if not new:
            return
        with self._lock:
            self._known |= new
            forms = {form for secret in self._known for form in secret_forms(secret)}
            # The longest first, because a secret may contain a shorter one.
            self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        # A log and XCom need a text that can be encoded.
        return repair_text(text)


def secret_forms(secret: str) -> set[str]:
    """Return the forms of a secret in texts: unchanged, URL-encoded, JSON-escaped, and each line of a multi-line key.

    :param secret: the secret; line breaks may be escaped as two characters, as in connections
    """
    secret = repair_text(secret)
    lines = [line.strip() for line in secret.replace("\\r", "").replace("\\n", "\n").splitlines()]
    body = "".join(line for line in lines if not line.startswith("-----"))
    joined = {body} if len(lines) > 1 and len(body) >= _MIN_KEY_LINE_LENGTH else set()
    long_lines = {line for line in lines if len(line) >= _MIN_KEY_LINE_LENGTH}
    return {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], *long_lines, *joined}


# --- logs of the HTTP library ---

_own_requests = threading.local()


class _OwnRequestFilter(logging.Filter):
    """Drops log records of our own requests in the current thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not getattr(_own_requests, "now", False)


_OWN_REQUEST_FILTER = _OwnRequestFilter()
_HTTP_LOGGERS = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)


def silence_http_logs() -> None:
    """Stop the HTTP library from logging our own requests. Other users of the library are still logged."""
    for name in _HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_OWN_REQUEST_FILTER)  # adding the same filter again has no effect


@contextmanager
def own_request() -> Iterator[None]:
    """Mark the block as one of our own requests."""
    _own_requests.now = True
    try:
        yield
    finally:
        _own_requests.now = False
