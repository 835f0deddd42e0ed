"""HTTP transport: a connection pool and the settings of every call. This module knows no partner."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode, urlsplit

from airflow_provider_partners.api.http.addresses import DownloadHosts
from airflow_provider_partners.api.http.call import Call, CallSettings
from airflow_provider_partners.api.http.connection_pool import ConnectionPool
from airflow_provider_partners.api.http.download import DOWNLOAD_ERROR_HANDLER, Download, PartialFile
from airflow_provider_partners.api.http.errors import DEFAULT_ERROR_HANDLER, ErrorHandler
from airflow_provider_partners.api.http.messages import Request, Response
from airflow_provider_partners.api.http.options import ClientOptions
from airflow_provider_partners.api.http.rate_limit import NoRateLimit, RateLimit
from airflow_provider_partners.api.http.redaction import Redactor
from airflow_provider_partners.api.http.stats import RequestStats
from airflow_provider_partners.api.http.urls import is_loopback, may_receive_credentials, normalize_base_url
from airflow_provider_partners.records import repair_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.auth import Auth

__all__ = ["Transport"]

log = logging.getLogger(__name__)


class Transport:
    """Sends requests to one partner. Threads can share it.

    The first request opens the connections. A retried request may have reached the partner before, so creating
    a record must be safe to repeat. The partners answer a second creation of the same id with a conflict.

    :param partner: name of the partner, for errors and logs
    :param base_url: scheme, host and optional path; the request's path is appended
    :param auth: adds the credentials
    :param rate_limit: grants each attempt
    :param error_handler: maps responses to actions
    :param rate_limit_observer: reads the partner's rate limit headers after each response
    :param request_id_headers: headers that may carry the partner's request id
    :param options: deadlines, waits, clock and connection settings
    :param redactor: removes secrets from texts
    :param headers: headers of every request
    :param file_hosts: other hosts that may receive the credentials for downloads, such as
        ``download.voucherify.io``
    :param download_hosts: hosts of the partner's storages, for downloads without credentials; see
        :class:`~airflow_provider_partners.api.http.addresses.DownloadHosts`
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
        download_hosts: Sequence[str] = (),
    ) -> None:
        options = options or ClientOptions()
        self._base_url = normalize_base_url(base_url)
        _warn_about_plain_http(partner, self._base_url)
        self._file_hosts = frozenset(file_hosts)
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._download_hosts = DownloadHosts(
            self._base_url, (*file_hosts, *download_hosts), tuple(options.download_hosts)
        )
        self._pool = ConnectionPool(options, request_id_headers, self._download_hosts)
        rate_limit = rate_limit or NoRateLimit()
        self._settings = CallSettings(
            partner=partner,
            auth=auth,
            rate_limit=rate_limit,
            error_handler=error_handler,
            rate_limit_observer=rate_limit_observer,
            deadline=options.deadline,
            max_wait=options.max_wait,
            max_attempts=options.max_attempts,
            clock=options.clock,
            redactor=redactor or Redactor(),
            stats=RequestStats(limit_use=rate_limit.use, clock=options.clock.monotonic),
            is_closed=self._pool.is_closed,
        )

    @property
    def stats(self) -> RequestStats:
        """Counters of the requests, retries and waits so far."""
        return self._settings.stats

    @property
    def clock(self) -> Clock:
        """The clock of all waits."""
        return self._settings.clock

    @property
    def redactor(self) -> Redactor:
        """The redactor that knows this client's secrets."""
        return self._settings.redactor

    @property
    def max_response_size(self) -> int:
        """Bytes that one response may have; also of what is read at once from a downloaded file."""
        return self._pool.max_response_size

    def send(self, request: Request, *, error_handler: ErrorHandler | None = None) -> Response:
        """Send a request and return the successful response. Transient failures are retried until the deadline.

        :param error_handler: replaces the client's own error handler
        :raises AuthenticationError: the partner refuses the credentials
        :raises ThrottledError: the partner or the rate limit requires a wait longer than ``max_wait``
        :raises TransientError: the request still failed at the deadline or after the last attempt
        :raises RejectedError: the partner refuses the request; ``NotFoundError`` and ``ConflictError`` are subclasses
        :raises UnexpectedResponseError: the response cannot be understood
        :raises ConfigurationError: the connection is wrong
        """
        params = [(name, repair_text(value)) for name, value in request.params]
        query = urlencode(params, quote_via=quote, safe="")
        url = f"{self._base_url}{request.path}{f'?{query}' if query else ''}"
        if self._headers:
            request = replace(request, headers={**self._headers, **request.headers})
        settings = replace(self._settings, error_handler=error_handler) if error_handler else self._settings
        # The first call loads certificates, which takes a while. The rate limit would count that as the request's way.
        self._pool.open()
        return Call(request, url, settings, self._send_attempt).run()

    def _send_attempt(self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float) -> Response:
        """Send one attempt. The way of the first one is longer, because it opens a connection."""
        if self._pool.has_answered:
            return self._pool.send_attempt(request, url, headers, give_up_at=give_up_at)
        clock = self._settings.clock
        began = clock.monotonic()
        try:
            return self._pool.send_attempt(request, url, headers, give_up_at=give_up_at)
        finally:
            self._settings.rate_limit.postpone(clock.monotonic() - began)

    def download(self, url: str, to: Path, *, label: str, authenticated: bool = False, resume: bool = True) -> int:
        """Download a file in bounded memory. After a broken connection, only the missing part is requested.

        The deadline restarts whenever new bytes arrive, so a large file may take longer than ``deadline``.

        :param url: absolute URL from the partner; it is never logged
        :param to: target file; a partial download stays in it, so its name must identify the content
        :param label: name of the operation, for logs and counters
        :param authenticated: send the credentials, but only to the base URL's origin and to ``file_hosts``
        :param resume: ``False`` discards what the target file contains
        :returns: size of the file in bytes
        :raises ExpiredError: the file does not exist any more
        :raises UnexpectedResponseError: the URL or a redirect is not safe to follow
        """
        is_trusted = partial(may_receive_credentials, base_url=self._base_url, hosts=self._file_hosts)
        settings = replace(self._settings, error_handler=DOWNLOAD_ERROR_HANDLER)
        if not is_trusted(url):
            # The partner's rate limit does not count requests to another host.
            settings = replace(settings, rate_limit=NoRateLimit(), rate_limit_observer=None)
        headers = {**(self._headers if authenticated else {}), "Accept": "*/*"}
        request = Request(method="GET", path="", headers=headers, label=label, authenticated=authenticated)
        with to.open("ab" if resume else "wb") as file:
            partial_file = PartialFile(file, self._pool.max_download_size)
            Download(
                request,
                url,
                settings,
                self._pool.send_attempt,
                partial_file=partial_file,
                may_receive_credentials=is_trusted,
                hosts=self._download_hosts,
                https_only=not self._base_url.startswith("http://"),
            ).run()
            return partial_file.size

    def close(self) -> None:
        """Close the connections. Waiting calls fail with ``TransientError``."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Return the transport."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the transport."""
        self.close()


_warned_urls: set[str] = set()


def _warn_about_plain_http(partner: str, base_url: str) -> None:
    """Log one warning for each address that sends credentials and customers' data in plain text."""
    parts = urlsplit(base_url)
    if parts.scheme != "http" or is_loopback(parts.hostname or "") or base_url in _warned_urls:
        return
    _warned_urls.add(base_url)
    log.warning("%s: http://%s is not encrypted, so anyone on the way can read the credentials", partner, parts.netloc)
