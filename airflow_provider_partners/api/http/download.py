"""Download a file to disk in bounded memory, and resume it after a broken connection.

Such URLs are secrets while they are valid, because they contain signatures. So no query is ever logged.
This module knows neither the HTTP library nor the file's content.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from airflow_provider_partners.api.http.addresses import DOWNLOAD_HOSTS_OPTION, DownloadHosts
from airflow_provider_partners.api.http.attempts import NoAnswerError
from airflow_provider_partners.api.http.call import Call, CallSettings
from airflow_provider_partners.api.http.errors import ErrorHandler, ErrorResolution, ResponseAction, default_message
from airflow_provider_partners.api.http.redirects import UnsafeUrlError
from airflow_provider_partners.api.http.urls import origin
from airflow_provider_partners.exceptions import ExpiredError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.http.messages import Request, Response

Sink = Callable[["Response"], Callable[[bytes], None] | None]
"""Takes the head of a response. Returns the function that writes the body, or None if the body is no file."""

_MIN_SIGNATURE_LENGTH = 16
"""Query values of at least this length may be signatures, so they are redacted everywhere."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_XML_ERROR_CODE = re.compile(rb"<Code>(\w{1,60})</Code>")


class StreamAttempt(Protocol):
    """Sends one attempt and writes the body as it arrives."""

    def __call__(
        self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float, sink: Sink
    ) -> Response:
        """Send the request; see :class:`~airflow_provider_partners.api.http.call.SendAttempt`.

        :param sink: takes the body
        :returns: the head; it includes the body only if the sink returned None
        """


def _inspect_download(response: Response) -> ErrorResolution | None:
    """Detect expired URLs."""
    status = response.status
    if status in {200, 206}:
        return None
    # A storage answers an expired URL with 403 or 404. Google's also answers with 400 and the code ExpiredToken:
    # https://cloud.google.com/storage/docs/xml-api/reference-status#400-bad-request
    if status in {401, 403, 404, 410} or (status == 400 and b"Expired" in response.content):
        action = ResponseAction.REAUTHENTICATE if status == 401 else ResponseAction.NOT_FOUND
        message = "the file has expired, or its URL is not accepted any more"
        return ErrorResolution(action, message, remedy="The next try requests a new one.", raises=ExpiredError)
    if 200 <= status < 300:
        return ErrorResolution(ResponseAction.UNEXPECTED, "the response is no file")
    return None


def _download_message(response: Response) -> str:
    """Return the partner's message. From XML take the code only, because the rest repeats the URL."""
    if code := _XML_ERROR_CODE.search(response.content):
        return code.group(1).decode()
    return default_message(response) if b"<" not in response.content[:100] else "no explanation given"


DOWNLOAD_ERROR_HANDLER = ErrorHandler(inspect=_inspect_download, message=_download_message)


class PartialFile:
    """A file on disk that holds the first bytes of a remote file.

    :param file: file opened for appending, at its end
    :param max_size: bytes that the file may have
    """

    def __init__(self, file: BinaryIO, max_size: int) -> None:
        self._file = file
        self._max_size = max_size
        self.size = file.tell()
        self._largest_size = self.size
        self._total: int | None = None
        self._validator: str | None = None
        self._is_compressed = False

    def range_headers(self) -> dict[str, str]:
        """Return the headers that request the missing bytes."""
        if self._is_compressed:
            # The response is compressed, the file on disk is not. So their lengths are not comparable.
            self._restart()
        if not self.size:
            return {}
        unchanged = {"If-Range": self._validator} if self._validator else {}
        return {"Range": f"bytes={self.size}-", **unchanged}

    def open_body(self, head: Response) -> Callable[[bytes], None] | None:
        """Decide from the head of a response where its body goes; see :data:`Sink`.

        :raises NoAnswerError: the response holds other bytes than requested
        """
        if head.status not in {200, 206, 416}:
            return None
        start, total = _parse_content_range(head)
        if head.status == 200:
            self._restart()
            self._is_compressed = head.headers.get("content-encoding", "identity") != "identity"
            self._validator = _validator(head)
            self._total = None if self._is_compressed else _parse_int(head.headers.get("content-length"))
            return self._write
        if head.status == 416 and self.size and total == self.size:
            self._total = total  # nothing is missing
            return None
        changed = None not in {total, self._total} and total != self._total
        if head.status == 416 or start != self.size or changed or head.headers.get("content-encoding"):
            self._restart()
            message = "other bytes arrived than requested; the download starts again"
            raise NoAnswerError(message)
        self._total, self._validator = total, self._validator or _validator(head)
        return self._write

    def is_complete(self) -> bool:
        """Return True if nothing is missing, or if the total size is unknown."""
        return self._total is None or self.size == self._total

    def has_grown(self) -> bool:
        """Return True if the file is larger than at any earlier check."""
        previous, self._largest_size = self._largest_size, max(self._largest_size, self.size)
        return self._largest_size > previous

    def _write(self, piece: bytes) -> None:
        if self.size + len(piece) > self._max_size:
            self._restart()
            raise oversized_file(self._max_size)
        self._file.write(piece)
        self.size += len(piece)

    def _restart(self) -> None:
        self._file.truncate(0)
        self.size, self._total, self._validator, self._is_compressed = 0, None, None, False


class Download:
    """One download. Its deadline restarts whenever new bytes arrive.

    :param url: URL of the file; it is never logged
    :param stream_attempt: sends one attempt
    :param may_receive_credentials: returns True if a URL's host may receive the credentials
    :param hosts: the hosts that may serve the file
    :param https_only: refuse plain http
    """

    def __init__(
        self,
        request: Request,
        url: str,
        settings: CallSettings,
        stream_attempt: StreamAttempt,
        *,
        partial_file: PartialFile,
        may_receive_credentials: Callable[[str], bool],
        hosts: DownloadHosts,
        https_only: bool,
    ) -> None:
        url = urldefrag(url).url
        self._hosts = hosts
        self._redactor = settings.redactor
        self._stream_attempt = stream_attempt
        self._partial_file = partial_file
        self._may_receive_credentials = may_receive_credentials
        self._schemes = {"https"} if https_only else {"http", "https"}
        self._call = Call(
            replace(request, expects_json=False),
            url,
            settings,
            self._fetch,
            redirect=self._redirect,
            has_progressed=partial_file.has_grown,
        )
        try:
            self._check_url(url)
            self._check_credentials(request, url)
        except UnsafeUrlError as error:
            raise self._call.error(UnexpectedResponseError, str(error)) from None

    def run(self) -> None:
        """Download the file.

        :raises PartnersError: the subclass says what should happen next
        """
        self._call.run()

    def _fetch(self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float) -> Response:
        range_headers = self._partial_file.range_headers()
        request = replace(request, headers={**request.headers, "Accept-Encoding": "identity", **range_headers})
        head = self._stream_attempt(request, url, headers, give_up_at=give_up_at, sink=self._partial_file.open_body)
        if head.status == 416:
            head = replace(head, status=206)  # nothing after the last byte: the file is complete already
        if head.status in {200, 206} and not self._partial_file.is_complete():
            message = f"only {self._partial_file.size} bytes of the file have arrived so far"
            raise NoAnswerError(message)
        return head

    def _redirect(self, request: Request, url: str, response: Response) -> tuple[Request, str] | None:
        """Follow a redirect to any safe URL, without the credentials on a foreign host."""
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location:
            return None
        target = urldefrag(urljoin(url, location)).url
        self._check_url(target)
        if origin(target) != origin(url) and not self._may_receive_credentials(target):
            request = replace(request, authenticated=False, headers={"Accept": "*/*"})
        return request, target

    def _check_credentials(self, request: Request, url: str) -> None:
        if request.authenticated and not self._may_receive_credentials(url):
            host = urlsplit(url).hostname
            message = f"the partner names a file on {host}, which must not receive the connection's credentials"
            raise UnsafeUrlError(message)

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            is_valid = bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            is_valid = False
        if not is_valid or parts.scheme not in self._schemes or "@" in parts.netloc:
            message = "the partner names a file whose address is not an https URL without credentials"
            raise UnsafeUrlError(message)
        if problem := self._hosts.problem(url):
            message = f"the partner names a file {problem}. If this is right, set the option {DOWNLOAD_HOSTS_OPTION}"
            raise UnsafeUrlError(message)
        signatures = (value for _, value in parse_qsl(parts.query) if len(value) >= _MIN_SIGNATURE_LENGTH)
        self._redactor.add(parts.query, *signatures)


def oversized_file(max_size: int) -> NoAnswerError:
    """Return the error of a file that is larger than allowed.

    :param max_size: bytes
    """
    message = f"the file has more than {max_size / 1e6:,.0f} MB; raise max_download_mb if this is right"
    return NoAnswerError(message, ResponseAction.UNEXPECTED)


def _parse_content_range(head: Response) -> tuple[int | None, int | None]:
    """Return the first byte and the total size: ``bytes 10-19/20``, ``bytes */20``."""
    match = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", "").strip())
    return (_parse_int(match.group(1)), _parse_int(match.group(2))) if match else (None, None)


def _parse_int(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _validator(head: Response) -> str | None:
    """Return the header that identifies this version of the file. A weak ETag does not."""
    tag = head.headers.get("etag", "")
    return tag if tag.startswith('"') else head.headers.get("last-modified") or None
