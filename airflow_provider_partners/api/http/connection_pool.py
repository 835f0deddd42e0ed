"""The connections of one client: each attempt of a request is sent here, and its response read in bounded memory.

This is the only module that imports the HTTP library (httpx). The library's types and errors stay inside,
because its errors may contain URLs with secrets.
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from dataclasses import asdict, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, cast

import httpx

from airflow_provider_partners import __version__
from airflow_provider_partners.api.http.addresses import DownloadHosts, PrivateAddressError
from airflow_provider_partners.api.http.attempts import NoAnswerError
from airflow_provider_partners.api.http.decoding import ENCODINGS, DecodingError, decode
from airflow_provider_partners.api.http.download import Sink, oversized_file
from airflow_provider_partners.api.http.errors import ResponseAction
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.redaction import own_request, silence_http_logs
from airflow_provider_partners.exceptions import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from airflow_provider_partners.api.http.options import ClientOptions

__all__ = ["ConnectionPool"]

MAX_CONNECTIONS = 32
"""Connections of one pool. Up to sixteen threads share it, and token exchanges need some more."""

_FAILURE_RULES: tuple[tuple[type[Exception], str, ResponseAction], ...] = (
    (httpx.ConnectTimeout, "no connection within the time allowed", ResponseAction.RETRY),
    (httpx.PoolTimeout, "no connection of the pool was free within the time allowed", ResponseAction.RETRY),
    (httpx.WriteTimeout, "the request could not be sent within the time allowed", ResponseAction.RETRY),
    (httpx.ReadTimeout, "no response within the time allowed", ResponseAction.RETRY),
    (httpx.ProxyError, "the proxy refused or failed", ResponseAction.RETRY),
    (httpx.ConnectError, "no connection could be made", ResponseAction.RETRY),
    (httpx.RemoteProtocolError, "the connection was closed before the response was complete", ResponseAction.RETRY),
    (httpx.NetworkError, "the connection broke", ResponseAction.RETRY),
    (DecodingError, "the response's compression is broken", ResponseAction.RETRY),
    (httpx.UnsupportedProtocol, "the URL has an unknown scheme", ResponseAction.MISCONFIGURED),
    (
        httpx.LocalProtocolError,
        "a header or the URL contains characters that HTTP forbids",
        ResponseAction.MISCONFIGURED,
    ),
    (httpx.InvalidURL, "the URL is not valid", ResponseAction.MISCONFIGURED),
    (UnicodeEncodeError, "a header contains characters that HTTP forbids", ResponseAction.MISCONFIGURED),
    (PrivateAddressError, "the file's host leads to an address of a private network", ResponseAction.UNEXPECTED),
    (httpx.TransportError, "the connection failed", ResponseAction.RETRY),
)
"""Error type of the library to our text and action. The library's texts may contain a URL or a header's value."""

_MIN_PACE = 65_536
"""Bytes of a file that must arrive within each deadline: a server that sends one byte a minute never ends."""

_SLACK = 1_000_000
"""Bytes that may arrive beyond the limit, so that the check of the unpacked body comes first."""

_NOT_SENT_TYPES = (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError)
"""Failures before the first byte of a request."""

_SYSTEM_ERRORS: tuple[tuple[type[OSError], str], ...] = (
    (socket.gaierror, "name not found"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "reset"),
    (ssl.SSLError, "TLS failed"),
    (TimeoutError, "timed out"),
)
"""The system's error behind a failure, as one word for the reader."""

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})

_FAILURE_TYPES = tuple(kind for kind, _, _ in _FAILURE_RULES)


class ConnectionPool:
    """The pool of connections. It opens the HTTP client at the first request.

    :param options: timeouts, sizes and clock
    :param request_id_headers: headers that may carry the partner's request id
    :param download_hosts: hosts that may serve files
    """

    def __init__(
        self, options: ClientOptions, request_id_headers: Sequence[str], download_hosts: DownloadHosts
    ) -> None:
        self._options = options
        self._download_hosts = download_hosts
        self.max_download_size = options.max_download_size
        self.max_response_size = options.max_response_size
        self._request_id_headers = tuple(name.lower() for name in request_id_headers)
        self._client: httpx.Client | None = None
        self.has_answered = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.is_closed = self._closed.is_set

    def send_attempt(
        self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float, sink: Sink | None = None
    ) -> Response:
        """Send one attempt; see ``SendAttempt`` and ``StreamAttempt``."""
        failure: NoAnswerError
        try:
            with own_request():
                return self._send(request, url, headers, give_up_at, sink)
        except _FAILURE_TYPES as error:
            failure = _describe_failure(error, url)
        except RuntimeError:
            if not self.is_closed():
                raise
            failure = NoAnswerError("the client was closed during the request")
        # Raised outside of the except block, so that the library's error is not its context.
        raise failure

    def close(self) -> None:
        """Close the connections. An attempt that is under way fails."""
        with self._lock:
            self._closed.set()
            if self._client is not None:
                self._client.close()

    def _send(
        self, request: Request, url: str, headers: Mapping[str, str], give_up_at: float, sink: Sink | None
    ) -> Response:
        content, content_type = request.body()
        remaining = max(0.001, give_up_at - self._options.clock.monotonic())
        timeouts = {name: min(seconds, remaining) for name, seconds in asdict(self._options.timeouts).items()}
        client = self.open()
        message = client.build_request(
            request.method,
            url,
            content=content,
            headers={**content_type, **request.headers, **headers},
            timeout=httpx.Timeout(**timeouts),
            extensions={"trace": trace} if sink and (trace := self._download_hosts.trace(url)) else {},
        )
        response = client.send(message, stream=True)
        self.has_answered = True
        try:
            response_headers = {name.lower(): value for name, value in response.headers.items()}
            ids = (response_headers.get(name) for name in self._request_id_headers)
            request_id = next((value[:100] for value in ids if value), None)
            head = Response(status=response.status_code, headers=response_headers, content=b"", request_id=request_id)
            _check_encoding(head)
            write = sink(head) if sink else None
            return self._write_to_sink(response, head, write) if write else self._read(response, head, give_up_at)
        finally:
            response.close()
            if self.is_closed():
                _close_connection(response)

    def _read(self, response: httpx.Response, head: Response, give_up_at: float) -> Response:
        pieces, size, max_size = [], 0, self.max_response_size
        for piece in decode(_bounded(_stream(response), max_size, _too_large(max_size)), _encoding(head)):
            pieces.append(piece)
            size += len(piece)
            if size > max_size:
                raise _too_large(max_size)
            if self._options.clock.monotonic() > give_up_at:
                text = "the response was not complete at the deadline"
                raise NoAnswerError(text, timed_out=True)
        return replace(head, content=b"".join(pieces))

    def _write_to_sink(self, response: httpx.Response, head: Response, write: Callable[[bytes], None]) -> Response:
        clock, seconds = self._options.clock.monotonic, self._options.deadline
        arrived, check_at = 0, clock() + seconds
        too_large = oversized_file(self.max_download_size)
        for piece in decode(_bounded(_stream(response), self.max_download_size, too_large), _encoding(head)):
            if piece:
                write(piece)
            arrived += len(piece)
            if self.is_closed():
                text = "the client was closed during the download"
                raise NoAnswerError(text)
            if clock() > check_at:
                if arrived < _MIN_PACE:
                    text = f"only {arrived} bytes of the file arrived within {seconds:.0f} s"
                    raise NoAnswerError(text, ResponseAction.UNEXPECTED)
                arrived, check_at = 0, clock() + seconds
        return head

    def open(self) -> httpx.Client:
        """Return the HTTP client, made at the first call."""
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
                    headers={
                        "User-Agent": f"airflow-provider-partners/{__version__}",
                        "Accept-Encoding": ", ".join(ENCODINGS),
                    },
                    # A cookie that a partner sets for one shop must not be sent for another.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._client


def _check_encoding(head: Response) -> None:
    """Refuse a response whose decompression cannot be bounded."""
    if _encoding(head) not in {"identity", "", *ENCODINGS}:
        text = "the response has a compression that was not requested"
        raise NoAnswerError(text, ResponseAction.UNEXPECTED)


def _encoding(head: Response) -> str:
    return head.headers.get("content-encoding", "identity").strip().lower()


def _close_connection(response: httpx.Response) -> None:
    """Close the connection of a response.

    The library closes the connections that it has. One that was being made meanwhile would stay open for ever.
    """
    connection = response.extensions.get("network_stream")
    if connection is not None:
        connection.close()


def _stream(response: httpx.Response) -> Iterable[bytes]:
    """Return the body as it arrives; a synchronous client has no other kind of stream."""
    return cast("Iterable[bytes]", response.stream)


def _bounded(stream: Iterable[bytes], max_size: int, too_large: NoAnswerError) -> Iterator[bytes]:
    """Yield what arrives, up to a size: a compressed body may be endless, and unpack to nothing."""
    size = 0
    for piece in stream:
        size += len(piece)
        if size > max_size + _SLACK:
            raise too_large
        yield piece


def _too_large(max_size: int) -> NoAnswerError:
    text = f"the response has more than {max_size / 1e6:,.0f} MB; use smaller pages, or raise max_response_mb"
    return NoAnswerError(text, ResponseAction.UNEXPECTED)


def _describe_failure(error: Exception, url: str) -> NoAnswerError:
    cause = _system_error(error)
    where = _host(url) if cause is None else f"{_host(url)} ({_kind(cause)})"
    if isinstance(cause, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        text = f"{where}: the certificate cannot be verified; check the host and the certificates of this machine"
        return NoAnswerError(text, ResponseAction.MISCONFIGURED, not_sent=True, cause=cause)
    if isinstance(error, httpx.RemoteProtocolError) and "location header" in str(error):
        # The library reads the target of a redirect that it does not follow.
        return NoAnswerError("redirected to an address that is no URL", ResponseAction.UNEXPECTED)
    text, action = next((text, action) for kind, text, action in _FAILURE_RULES if isinstance(error, kind))
    return NoAnswerError(
        f"{where}: {text}",
        action,
        timed_out=isinstance(error, httpx.ReadTimeout),
        not_sent=isinstance(error, _NOT_SENT_TYPES),
        cause=cause,
    )


def _system_error(error: BaseException) -> OSError | None:
    """Return the system's error behind one of the HTTP library, apart from the library's errors and their frames.

    The library's texts and frames may hold a URL or a header. The system's text names a host at most.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        cause.__cause__ = cause.__context__ = None
        cause.__traceback__ = None
    return cause


def _kind(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not accepted, {error.verify_message}"
    if error.errno in _UNREACHABLE:
        return "unreachable"
    known = next((text for kind, text in _SYSTEM_ERRORS if isinstance(error, kind)), None)
    return known or error.strerror or type(error).__name__


def _host(url: str) -> str:
    """Return the host of a URL, with its port if the URL has one."""
    try:
        return httpx.URL(url).netloc.decode()
    except (httpx.InvalidURL, UnicodeError):
        return "invalid host"
