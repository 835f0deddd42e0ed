"""The way to a partner: a pool of connections, opened when first needed, and the terms that every call goes
by.

The only module that knows the HTTP library, so that changing it is a matter of one file: none of its types,
and none of its errors (they may hold addresses with their queries), gets out. Must not know any partner's
API.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import asdict, replace
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode

import httpx

from airflow_provider_partners import __version__
from airflow_provider_partners.api.http.call import Call, CallSettings, NoAnswerError
from airflow_provider_partners.api.http.download import DOWNLOAD_ERROR_HANDLER, Download, PartialFile, Sink
from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER, ErrorHandler, ResponseAction
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import NoRateLimit, RateLimit
from airflow_provider_partners.api.http.redaction import Redactor, own_request, silence_http_logs
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.http.urls import may_receive_credentials, normalize_base_url
from airflow_provider_partners.exceptions import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_partners.api.http.auth import Auth

__all__ = ["Transport"]

MAX_CONNECTIONS = 32
"""Connections of one pool; up to sixteen threads share it, and tokens are exchanged besides."""

_FAILURE_RULES: tuple[tuple[type[Exception], str, ResponseAction], ...] = (
    (httpx.ConnectTimeout, "no connection within the time allowed", ResponseAction.RETRY),
    (httpx.PoolTimeout, "no connection of the pool was free within the time allowed", ResponseAction.RETRY),
    (httpx.WriteTimeout, "the request could not be sent within the time allowed", ResponseAction.RETRY),
    (httpx.ReadTimeout, "no answer within the time allowed", ResponseAction.RETRY),
    (httpx.ProxyError, "the proxy refused or failed", ResponseAction.RETRY),
    (httpx.ConnectError, "no connection could be made", ResponseAction.RETRY),
    (httpx.RemoteProtocolError, "the connection was closed without a whole answer", ResponseAction.RETRY),
    (httpx.NetworkError, "the connection broke", ResponseAction.RETRY),
    (httpx.DecodingError, "the answer's compression is broken", ResponseAction.RETRY),
    (httpx.UnsupportedProtocol, "the address has an unknown scheme", ResponseAction.MISCONFIGURED),
    (
        httpx.LocalProtocolError,
        "a header or the address holds characters that HTTP forbids",
        ResponseAction.MISCONFIGURED,
    ),
    (httpx.InvalidURL, "the address can't be read", ResponseAction.MISCONFIGURED),
    (UnicodeEncodeError, "a header holds characters that HTTP forbids", ResponseAction.MISCONFIGURED),
    (httpx.TransportError, "the connection failed", ResponseAction.RETRY),
)
"""The library's errors in words; their own texts may hold an address with its query, or a header's value."""

_FAILURE_TYPES = tuple(kind for kind, _, _ in _FAILURE_RULES)


class Transport:
    """Sends requests to one partner; threads share one.

    Nothing is opened before the first request. What is sent again after a fault may have reached the partner before:
    creating must be safe to repeat (the partners answer a second creation of the same id with a conflict).

    :param partner: its name, in errors and logs
    :param base_url: scheme, host, and a path where there is one; a request's path is appended
    :param auth: the credentials
    :param rate_limit: grants requests; reserved before each attempt
    :param error_handler: what answers mean
    :param rate_limit_observer: reads the partner's rate headers into the budget, after each answer
    :param request_id_headers: where the partner gives its id of a request
    :param timeouts: of one attempt's parts
    :param deadline: seconds for a whole call with all its waits
    :param max_wait: seconds of the longest wait that is sat out; a longer one is a ``ThrottledError``
    :param max_attempts: attempts that may fail; refusals as too many don't count, they end with the deadline
    :param handler: the HTTP library's own transport, for tests
    :param clock: the time
    :param redactor: knows the secrets
    :param headers: sent with every request
    :param file_hosts: further hosts whose files want the credentials, such as ``download.voucherify.io``
    """

    def __init__(
        self,
        *,
        partner: str,
        base_url: str,
        auth: Auth | None = None,
        rate_limit: RateLimit | None = None,
        error_handler: ErrorHandler = DEFAULT_ERROR_HANDLER,
        rate_limit_observer: Callable[[Response, RateLimit], None] | None = None,
        request_id_headers: Sequence[str] = ("x-request-id",),
        options: ClientOptions | None = None,
        redactor: Redactor | None = None,
        headers: Mapping[str, str] | None = None,
        file_hosts: Sequence[str] = (),
    ) -> None:
        options = options or ClientOptions()
        self._base_url = normalize_base_url(base_url)
        self._file_hosts = frozenset(file_hosts)
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._pool = _ConnectionPool(options, request_id_headers)
        self._owner = True
        self._settings = CallSettings(
            partner=partner,
            auth=auth,
            rate_limit=rate_limit or NoRateLimit(),
            error_handler=error_handler,
            rate_limit_observer=rate_limit_observer,
            deadline=options.deadline,
            max_wait=options.max_wait,
            max_attempts=options.max_attempts,
            clock=options.clock,
            redactor=redactor or Redactor(),
            stats=RequestStats(),
            is_closed=self._pool.is_closed,
        )

    @property
    def stats(self) -> RequestStats:
        """What was sent and waited for so far."""
        return self._settings.stats

    @property
    def redactor(self) -> Redactor:
        """Knows the secrets."""
        return self._settings.redactor

    def send(self, request: Request, *, error_handler: ErrorHandler | None = None) -> Response:
        """Send a request until it succeeds, is refused for good, or its time is up.

        :param request: what to send
        :param error_handler: in place of the client's own table
        :returns: a success
        :raises AuthenticationError: the credentials are refused
        :raises ThrottledError: the partner, or the budget, asks for a wait too long to sit out
        :raises TransientError: it went on failing
        :raises RejectedError: the request is refused; ``NotFoundError`` and ``ConflictError`` are kinds of it
        :raises UnexpectedResponseError: the answer can't be understood
        :raises ConfigurationError: the connection is wrong
        """
        query = urlencode(request.params, quote_via=quote, safe="", errors="replace")
        url = f"{self._base_url}{request.path}{f'?{query}' if query else ''}"
        if self._headers:
            request = replace(request, headers={**self._headers, **request.headers})
        settings = replace(self._settings, error_handler=error_handler) if error_handler else self._settings
        return Call(request, url, settings, self._pool.send_attempt).run()

    def download(self, url: str, to: Path, *, label: str, authenticated: bool = False, resume: bool = True) -> int:
        """Fetch a file to disk, in bounded memory; after a break only the rest of it is asked for.

        It may take as long as it will: the client's deadline is for how long nothing more of it arrives.

        :param url: the whole address, as the partner gave it; never logged
        :param to: the file; what it holds of a call that broke off is kept, so name it after what it holds
        :param label: the operation's name in logs and counters
        :param authenticated: whether the credentials go with it: to the base URL's origin and ``file_hosts`` alone
        :param resume: ``False`` begins anew, whatever the file holds
        :returns: the file's size in bytes
        :raises ExpiredError: there is no such file any more
        :raises UnexpectedResponseError: the address, or where it leads, is not safe to go to
        """
        trusts = partial(may_receive_credentials, base_url=self._base_url, hosts=self._file_hosts)
        terms = replace(self._settings, error_handler=DOWNLOAD_ERROR_HANDLER)
        if not trusts(url):
            # Another host's answers say nothing of the partner's limits.
            terms = replace(terms, rate_limit=NoRateLimit(), rate_limit_observer=None)
        headers = {**(self._headers if authenticated else {}), "Accept": "*/*"}
        request = Request(method="GET", path="", headers=headers, label=label, authenticated=authenticated)
        secure = not self._base_url.startswith("http://")
        with to.open("ab" if resume else "wb") as file:
            part = PartialFile(file)
            Download(
                request,
                url,
                terms,
                self._pool.send_attempt,
                partial_file=part,
                may_receive_credentials=trusts,
                https_only=secure,
            ).run()
            return part.size

    def sibling(self, *, auth: Auth | None = None, headers: Mapping[str, str] | None = None) -> Transport:
        """Another client of the same partner, on the same connections, budget and counters.

        Closing it leaves the connections to this one.

        :param auth: its credentials; by default these
        :param headers: sent with every request, in addition to these
        """
        twin = copy.copy(self)
        terms = replace(self._settings, auth=auth) if auth else self._settings
        vars(twin).update(_settings=terms, _headers={**self._headers, **(headers or {})}, _owner=False)
        return twin

    def close(self) -> None:
        """Close the connections; calls that wait give up."""
        if self._owner:
            self._pool.close()

    def __enter__(self) -> Self:
        """The transport itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()


class _ConnectionPool:
    """The pool of connections."""

    def __init__(self, options: ClientOptions, request_id_headers: Sequence[str]) -> None:
        self._options = options
        self._request_id_headers = tuple(name.lower() for name in request_id_headers)
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.is_closed = self._closed.is_set

    def send_attempt(
        self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float, sink: Sink | None = None
    ) -> Response:
        """One attempt; see ``SendAttempt`` and ``StreamAttempt`` of the modules that this one sends for."""
        failure: NoAnswerError
        try:
            with own_request():
                return self._send(request, url, headers, give_up_at, sink)
        except _FAILURE_TYPES as error:
            failure = _describe_failure(error)
        except RuntimeError:
            if not self.is_closed():
                raise
            failure = NoAnswerError("the client was closed meanwhile")
        # Raised here, so that the library's error is not even its context.
        raise failure

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._client is not None:
                self._client.close()

    def _send(
        self, request: Request, url: str, headers: Mapping[str, str], give_up_at: float, sink: Sink | None
    ) -> Response:
        content, kind = request.body()
        remaining = max(0.001, give_up_at - self._options.clock.monotonic())
        timeouts = {name: min(seconds, remaining) for name, seconds in asdict(self._options.timeouts).items()}
        client = self._open_client()
        message = client.build_request(
            request.method,
            url,
            content=content,
            headers={**kind, **request.headers, **headers},
            timeout=httpx.Timeout(**timeouts),
        )
        answer = client.send(message, stream=True)
        try:
            named = {name.lower(): value for name, value in answer.headers.items()}
            request_id = next((named[name][:100] for name in self._request_id_headers if named.get(name)), None)
            head = Response(status=answer.status_code, headers=named, content=b"", request_id=request_id)
            write = sink(head) if sink else None
            return self._write_to_sink(answer, head, write) if write else self._read(answer, head, give_up_at)
        finally:
            answer.close()

    def _read(self, answer: httpx.Response, head: Response, give_up_at: float) -> Response:
        pieces = []
        for piece in answer.iter_bytes():
            pieces.append(piece)
            if self._options.clock.monotonic() > give_up_at:
                text = "the answer was still arriving at the deadline"
                raise NoAnswerError(text)
        return replace(head, content=b"".join(pieces))

    def _write_to_sink(self, answer: httpx.Response, head: Response, write: Callable[[bytes], None]) -> Response:
        for piece in answer.iter_bytes():
            write(piece)
            if self.is_closed():
                text = "the client was closed meanwhile"
                raise NoAnswerError(text)
        return head

    def _open_client(self) -> httpx.Client:
        with self._lock:
            if self.is_closed():
                message = "the client is closed"
                raise TransientError(message)
            if self._client is None:
                silence_http_logs()
                self._client = httpx.Client(
                    transport=self._options.handler,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
                    headers={"User-Agent": f"airflow-provider-partners/{__version__}"},
                    # Nothing that a partner sets for one shop may follow into the next.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._client


def _describe_failure(error: Exception) -> NoAnswerError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        text = "the host's certificate can't be verified; check the host, and the machine's certificates"
        return NoAnswerError(text, ResponseAction.MISCONFIGURED)
    found = next((text, action) for kind, text, action in _FAILURE_RULES if isinstance(error, kind))
    return NoAnswerError(*found)
