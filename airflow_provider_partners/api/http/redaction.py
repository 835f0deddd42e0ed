"""Keep secrets and customers' data out of logs and errors.

Every text of the HTTP layer that reaches a log or an error passes a :class:`Redactor`. It replaces the secrets that it
knows, texts that look like secrets (header values, tokens in query strings and JSON, signed tokens), e-mail addresses
and phone numbers. Where a response is quoted, the values of its request are replaced too, because partners repeat
them. Long texts are cut first, and every pattern takes time in proportion to the text. The HTTP library would log whole
URLs, so its logs of our own requests are silenced too.
"""

from __future__ import annotations

import html
import json
import logging
import re
import threading
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from airflow_provider_partners.exceptions import ConfigurationError
from airflow_provider_partners.records import repair_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from airflow_provider_partners.api.http.messages import Request

HIDDEN = "***"
"""Replaces a secret, as in Airflow's own logs."""

_SENSITIVE_NAME = re.compile(r"authorization|token|secret|password|passwd|api[-_]?key|signature|cookie", re.IGNORECASE)

_MIN_SECRET_LENGTH = 4
"""Shorter secrets are not replaced, because they occur inside of common words."""

_MIN_KEY_LINE_LENGTH = 16
"""Shorter lines of a multi-line key are not replaced on their own."""

_MAX_LENGTH = 4_000
"""Characters of a text that are kept. Errors and logs quote far fewer."""

_MIN_OVERLAP = 400
"""Characters that are read behind the cut, then dropped: what is cut in half there is not recognized."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that move the cursor, colour or reorder a text: all controls but the tab and the ends of a line."""

_SENSITIVE_FIELD = r"(?:\w*(?:token|secret|password|passwd|api[-_]?key|signature|hmac|assertion))"

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Header lines such as "Name: value", 'Name': 'value' or Name=value. A scheme such as Bearer belongs to the value.
    (
        re.compile(
            r"(?i)((?:proxy-)?authorization|(?:set-)?cookie|(?<![\w-])x-[\w-]*(?:token|key|secret|signature))"
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
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]*+){1,2}+"), HIDDEN),
    (re.compile(r"\b(?:shp[a-z]{2}|prtapi)_[A-Za-z0-9]{8,}"), HIDDEN),
    # Parts of an address may be hidden already: a domain such as gmail.com is also a value of the request.
    (re.compile(r"(?<![\w.+%*-])[\w.+%*-]+(?:@|%40)[\w*-]++(?:\.[\w*-]++)++"), "<e-mail>"),
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
        if any(secret is not None and not isinstance(secret, str) for secret in secrets):
            message = "a secret is not text"
            raise ConfigurationError(message, remedy="Write it in quotes, as the partner assigned it.")
        new = {secret for secret in secrets if secret and len(secret) >= _MIN_SECRET_LENGTH} - self._known
        if not new:
            return
        with self._lock:
            self._known |= new
            forms = {form for secret in self._known for form in secret_forms(secret)}
            # The longest first, because a secret may contain a shorter one.
            self._forms = tuple(sorted(forms, key=len, reverse=True))

    def __call__(self, text: str, values: Collection[str] = ()) -> str:
        """Return the text without secrets. A text of more than some thousand characters is cut.

        :param values: further texts to hide, as whole words; see :func:`request_values`
        """
        forms, overlap = self._forms, 0
        if len(text) > _MAX_LENGTH:
            overlap = max([_MIN_OVERLAP, *map(len, forms[:1]), *map(len, values)])
            text = text[: _MAX_LENGTH + overlap]
        # Logs and XCom need a text that can be encoded, and a terminal obeys its escape sequences.
        text = _CONTROLS.sub(" ", repair_text(text))
        for form in forms:
            text = text.replace(form, HIDDEN)
        if values:
            longest_first = sorted(values, key=len, reverse=True)
            text = re.sub(
                rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", HIDDEN, text, flags=re.IGNORECASE
            )
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return f"{text[:-overlap]}…" if overlap else text

    def for_response_to(self, request: Request) -> Callable[[str], str]:
        """Return a function that also hides the request's values. Quote a response with it."""
        return lambda text: self(text, request_values(request))


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


# --- values of a request ---

_OPEN_FIELD = re.compile(
    r"(?i:(?:.*[_-])?(?:ids?|status|currency|type|scope|sku|sort|at)|page.*|limit|offset)|.*[a-z](?:Ids?|At)"
)
"""Fields whose values are no customer's data. A reader of an error needs them."""

_OPEN_VALUE = re.compile(r"\d{1,2}|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?|\W*")

_ARGUMENT = re.compile(r"""[=<>:(,]\s*('[^']*'|"[^"]*"|[^\s;,()'"=<>!]++)([=<>!]?)""")
"""One value inside of a filter in RSQL or in Shopify's search syntax. If an operator follows, it is a field's name."""

_COMPARISON = re.compile(r"[=<>]|\w:\S")
_WORD = re.compile(r"[^\W\d_]{3,}")
_MIN_VALUE_LENGTH, _MAX_VALUE_LENGTH = 2, 500
_MAX_WORDS = 8
"""A name or an address has fewer words. The words of longer texts are common ones, and are not hidden one by one."""


def request_values(request: Request) -> frozenset[str]:
    """Return the texts of a request that a quoted response must not show: names, streets, cities, filters' values.

    The words of a name or an address are included, because partners also repeat a part, or several fields in one text.
    Ids, dates, statuses and numbers are not.

    :param request: the request; its credentials are the redactor's secrets
    """
    names: set[str] = set()
    texts: set[str] = set()
    for name, text in _texts("", [request.json, request.form, *({name: text} for name, text in request.params)]):
        names.update(_WORD.findall(name.lower()))
        if len(text) <= _MAX_VALUE_LENGTH and not _OPEN_FIELD.fullmatch(name) and not _is_document(name, text):
            arguments = _ARGUMENT.findall(text) if _COMPARISON.search(text) else [(text, "")]
            texts.update(argument.strip("'\" ") for argument, operator in arguments if not operator)
    texts = {text for text in texts if not _OPEN_VALUE.fullmatch(text)}
    short = (words for words in map(_WORD.findall, texts) if len(words) <= _MAX_WORDS)
    words = {word for words in short for word in words if word.lower() not in names}
    forms = {form for text in texts for form in (text, *_encoded_forms(text))} | words
    return frozenset(form for form in forms if len(form) >= _MIN_VALUE_LENGTH)


def _is_document(name: str, text: str) -> bool:
    return name == "query" and "{" in text


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield every text inside of a value, with the name of its field."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(str(key), item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(name, item)


def _encoded_forms(text: str) -> Iterable[str]:
    encodable = text.encode("utf-8", "replace").decode()
    return quote(encodable, safe=""), quote_plus(encodable), json.dumps(text)[1:-1], html.escape(text)


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
