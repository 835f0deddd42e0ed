"""The way to a partner: a pool of connections, opened when first needed, and the terms that every call goes
by.

The only module that knows the HTTP library, so that changing it is a matter of one file: none of its types,
and none of its errors (they may hold addresses with their queries), gets out. Must not know any partner's
API.
"""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass, replace
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import httpx

from airflow_provider_partners import __version__
from airflow_provider_partners.api.addresses import base_address, trusted
from airflow_provider_partners.api.budget import Budget, Unlimited
from airflow_provider_partners.api.clock import SYSTEM_CLOCK, Clock
from airflow_provider_partners.api.downloading import DOWNLOAD_FAULTS, Download, PartFile, Sink
from airflow_provider_partners.api.faults import DEFAULT_FAULTS, Action, FaultTable
from airflow_provider_partners.api.hush import hush, hushed
from airflow_provider_partners.api.messages import Request, Response
from airflow_provider_partners.api.redact import Redactor
from airflow_provider_partners.api.sending import Call, NoAnswerError, Terms
from airflow_provider_partners.api.usage import Usage
from airflow_provider_partners.exceptions import TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_partners.api.auth import Auth

__all__ = ["Timeouts", "Transport", "Usage"]

CONNECTIONS = 32
"""Connections of one pool; up to sixteen threads share it, and tokens are exchanged besides."""

_NO_ANSWER: tuple[tuple[type[Exception], str, Action], ...] = (
    (httpx.ConnectTimeout, "no connection within the time allowed", Action.RETRY),
    (httpx.PoolTimeout, "no connection of the pool was free within the time allowed", Action.RETRY),
    (httpx.WriteTimeout, "the request could not be sent within the time allowed", Action.RETRY),
    (httpx.ReadTimeout, "no answer within the time allowed", Action.RETRY),
    (httpx.ProxyError, "the proxy refused or failed", Action.RETRY),
    (httpx.ConnectError, "no connection could be made", Action.RETRY),
    (httpx.RemoteProtocolError, "the connection was closed without a whole answer", Action.RETRY),
    (httpx.NetworkError, "the connection broke", Action.RETRY),
    (httpx.DecodingError, "the answer's compression is broken", Action.RETRY),
    (httpx.UnsupportedProtocol, "the address has an unknown scheme", Action.MISCONFIGURED),
    (httpx.LocalProtocolError, "a header or the address holds characters that HTTP forbids", Action.MISCONFIGURED),
    (httpx.InvalidURL, "the address can't be read", Action.MISCONFIGURED),
    (UnicodeEncodeError, "a header holds characters that HTTP forbids", Action.MISCONFIGURED),
    (httpx.TransportError, "the connection failed", Action.RETRY),
)
"""The library's errors in words; their own texts may hold an address with its query, or a header's value."""

_FAILURES = tuple(kind for kind, _, _ in _NO_ANSWER)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds allowed for each part of one attempt.

    :param connect: until the connection is made
    :param read: between two pieces of the answer
    :param write: between two pieces of the request
    :param pool: until a connection of the pool is free
    """

    connect: float = 10.0
    read: float = 60.0
    write: float = 30.0
    pool: float = 30.0


class Transport:
    """Sends requests to one partner; threads share one.

    Nothing is opened before the first request. What is sent again after a fault may have reached the partner before:
    creating must be safe to repeat (the partners answer a second creation of the same id with a conflict).

    :param partner: its name, in errors and logs
    :param base_url: scheme, host, and a path where there is one; a request's path is appended
    :param auth: the credentials
    :param budget: grants requests; reserved before each attempt
    :param faults: what answers mean
    :param observe: reads the partner's rate headers into the budget, after each answer
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
        budget: Budget | None = None,
        faults: FaultTable = DEFAULT_FAULTS,
        observe: Callable[[Response, Budget], None] | None = None,
        request_id_headers: Sequence[str] = ("x-request-id",),
        timeouts: Timeouts | None = None,
        deadline: float = 300.0,
        max_wait: float = 60.0,
        max_attempts: int = 8,
        handler: Any = None,
        clock: Clock = SYSTEM_CLOCK,
        redactor: Redactor | None = None,
        headers: Mapping[str, str] | None = None,
        file_hosts: Sequence[str] = (),
    ) -> None:
        self._base_url = base_address(base_url)
        self._file_hosts = frozenset(file_hosts)
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._wire = _Wire(timeouts or Timeouts(), request_id_headers, handler, clock)
        self._owner = True
        self._terms = Terms(
            partner=partner,
            auth=auth,
            budget=budget or Unlimited(),
            faults=faults,
            observe=observe,
            deadline=deadline,
            max_wait=max_wait,
            max_attempts=max_attempts,
            clock=clock,
            redactor=redactor or Redactor(),
            usage=Usage(),
            closed=self._wire.closed,
        )

    @property
    def usage(self) -> Usage:
        """What was sent and waited for so far."""
        return self._terms.usage

    @property
    def redactor(self) -> Redactor:
        """Knows the secrets."""
        return self._terms.redactor

    def send(self, request: Request, *, faults: FaultTable | None = None) -> Response:
        """Send a request until it succeeds, is refused for good, or its time is up.

        :param request: what to send
        :param faults: in place of the client's own table
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
        terms = replace(self._terms, faults=faults) if faults else self._terms
        return Call(request, url, terms, self._wire.exchange).run()

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
        trusts = partial(trusted, base_url=self._base_url, hosts=self._file_hosts)
        terms = replace(self._terms, faults=DOWNLOAD_FAULTS)
        if not trusts(url):
            # Another host's answers say nothing of the partner's limits.
            terms = replace(terms, budget=Unlimited(), observe=None)
        headers = {**(self._headers if authenticated else {}), "Accept": "*/*"}
        request = Request(method="GET", path="", headers=headers, label=label, authenticated=authenticated)
        secure = not self._base_url.startswith("http://")
        with to.open("ab" if resume else "wb") as file:
            part = PartFile(file)
            Download(request, url, terms, self._wire.exchange, part=part, trusts=trusts, secure=secure).run()
            return part.size

    def sibling(self, *, auth: Auth | None = None, headers: Mapping[str, str] | None = None) -> Transport:
        """Another client of the same partner, on the same connections, budget and counters.

        Closing it leaves the connections to this one.

        :param auth: its credentials; by default these
        :param headers: sent with every request, in addition to these
        """
        twin = copy.copy(self)
        terms = replace(self._terms, auth=auth) if auth else self._terms
        vars(twin).update(_terms=terms, _headers={**self._headers, **(headers or {})}, _owner=False)
        return twin

    def close(self) -> None:
        """Close the connections; calls that wait give up."""
        if self._owner:
            self._wire.close()

    def __enter__(self) -> Self:
        """The transport itself."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it."""
        self.close()


class _Wire:
    """The pool of connections."""

    def __init__(self, timeouts: Timeouts, request_id_headers: Sequence[str], handler: Any, clock: Clock) -> None:
        self._timeouts = timeouts
        self._request_id_headers = tuple(name.lower() for name in request_id_headers)
        self._handler = handler
        self._clock = clock
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.closed = self._closed.is_set

    def exchange(
        self, request: Request, url: str, headers: Mapping[str, str], *, ends: float, sink: Sink | None = None
    ) -> Response:
        """One attempt; see ``Exchange`` and ``Stream`` of the modules that this one sends for."""
        failure: NoAnswerError
        try:
            with hushed():
                return self._exchange(request, url, headers, ends, sink)
        except _FAILURES as error:
            failure = _in_words(error)
        except RuntimeError:
            if not self.closed():
                raise
            failure = NoAnswerError("the client was closed meanwhile")
        # Raised here, so that the library's error is not even its context.
        raise failure

    def close(self) -> None:
        with self._lock:
            self._closed.set()
            if self._client is not None:
                self._client.close()

    def _exchange(
        self, request: Request, url: str, headers: Mapping[str, str], ends: float, sink: Sink | None
    ) -> Response:
        content, kind = request.body()
        left = max(0.001, ends - self._clock.monotonic())
        parts = {name: min(getattr(self._timeouts, name), left) for name in ("connect", "read", "write", "pool")}
        client = self._open()
        message = client.build_request(
            request.method,
            url,
            content=content,
            headers={**kind, **request.headers, **headers},
            timeout=httpx.Timeout(**parts),
        )
        answer = client.send(message, stream=True)
        try:
            named = {name.lower(): value for name, value in answer.headers.items()}
            request_id = next((named[name][:100] for name in self._request_id_headers if named.get(name)), None)
            head = Response(status=answer.status_code, headers=named, content=b"", request_id=request_id)
            write = sink(head) if sink else None
            return self._streamed(answer, head, write) if write else self._read(answer, head, ends)
        finally:
            answer.close()

    def _read(self, answer: httpx.Response, head: Response, ends: float) -> Response:
        pieces = []
        for piece in answer.iter_bytes():
            pieces.append(piece)
            if self._clock.monotonic() > ends:
                text = "the answer was still arriving at the deadline"
                raise NoAnswerError(text)
        return replace(head, content=b"".join(pieces))

    def _streamed(self, answer: httpx.Response, head: Response, write: Callable[[bytes], None]) -> Response:
        for piece in answer.iter_bytes():
            write(piece)
            if self.closed():
                text = "the client was closed meanwhile"
                raise NoAnswerError(text)
        return head

    def _open(self) -> httpx.Client:
        with self._lock:
            if self.closed():
                message = "the client is closed"
                raise TransientError(message)
            if self._client is None:
                hush()
                self._client = httpx.Client(
                    transport=self._handler,
                    follow_redirects=False,
                    limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
                    headers={"User-Agent": f"airflow-provider-partners/{__version__}"},
                    # Nothing that a partner sets for one shop may follow into the next.
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._client


def _in_words(error: Exception) -> NoAnswerError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        text = "the host's certificate can't be verified; check the host, and the machine's certificates"
        return NoAnswerError(text, Action.MISCONFIGURED)
    found = next((text, action) for kind, text, action in _NO_ANSWER if isinstance(error, kind))
    return NoAnswerError(*found)
