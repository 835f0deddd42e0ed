"""A file fetched to disk in bounded memory: a call whose answer is written as it arrives, and gone on with after a
break by asking for the rest of it alone.

The addresses of such files are secrets for as long as they hold (they carry signatures), so no query is ever told.
Must not know the HTTP library, nor what the file holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from airflow_provider_partners.api.http.call import MAX_REDIRECTS, Call, CallSettings, NoAnswerError
from airflow_provider_partners.api.http.errors import ErrorHandler, ErrorResolution, ResponseAction, default_message
from airflow_provider_partners.api.http.urls import origin
from airflow_provider_partners.exceptions import ExpiredError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_partners.api.http.messages import Request, Response

Sink = Callable[["Response"], Callable[[bytes], None] | None]
"""Told the head of an answer; gives what takes the body's pieces, or nothing when it is no file."""

_MIN_SIGNATURE_LENGTH = 16
"""Values of a query that are as long as this may be signatures, and are kept out of every text."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_XML_ERROR_CODE = re.compile(rb"<Code>(\w{1,60})</Code>")


class StreamAttempt(Protocol):
    """One attempt, whose answer is written as it arrives."""

    def __call__(
        self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float, sink: Sink
    ) -> Response:
        """Send; see :class:`~airflow_provider_partners.api.http.call.Exchange`.

        :param request: what to send
        :param url: where to, with its query
        :param headers: the credentials
        :param give_up_at: the clock's time at which to give up waiting for an answer
        :param sink: takes the body
        :returns: the head; with its body only where the sink didn't want it
        """


def _inspect_download(response: Response) -> ErrorResolution | None:
    """Storage says in several ways that an address holds no longer: 403 and 404, Google's also 400."""
    status = response.status
    if status in {200, 206}:
        return None
    if status in {401, 403, 404, 410} or (status == 400 and b"Expired" in response.content):
        action = ResponseAction.REAUTHENTICATE if status == 401 else ResponseAction.NOT_FOUND
        message = "the file has expired, or its address is not accepted any more"
        return ErrorResolution(action, message, remedy="The next try asks for it anew.", raises=ExpiredError)
    if 200 <= status < 300:
        return ErrorResolution(ResponseAction.UNEXPECTED, "the answer is no file")
    return None


def _download_message(response: Response) -> str:
    """The partner's words; of a storage's XML only the code, since the rest repeats the address."""
    if code := _XML_ERROR_CODE.search(response.content):
        return code.group(1).decode()
    return default_message(response) if b"<" not in response.content[:100] else "no explanation given"


DOWNLOAD_ERROR_HANDLER = ErrorHandler(inspect=_inspect_download, message=_download_message)


class PartialFile:
    """A file that holds the beginning of another one.

    :param file: open for appending, at its end
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.tell()
        self._largest_size = self.size
        self._total: int | None = None
        self._validator: str | None = None
        self._is_compressed = False

    def range_headers(self) -> dict[str, str]:
        """The headers that ask for what is missing."""
        if self._is_compressed:
            # What is on the way is compressed, what is on disk is not: their lengths don't compare.
            self._restart()
        if not self.size:
            return {}
        unchanged = {"If-Range": self._validator} if self._validator else {}
        return {"Range": f"bytes={self.size}-", **unchanged}

    def open_body(self, head: Response) -> Callable[[bytes], None] | None:
        """Decide by the head of an answer where its body goes; see :data:`Sink`.

        :param head: the answer without its body
        :raises NoAnswerError: when it is another piece than was asked for
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
            message = "another piece of the file came than was asked for; it is fetched from its beginning"
            raise NoAnswerError(message)
        self._total, self._validator = total, self._validator or _validator(head)
        return self._write

    def is_complete(self) -> bool:
        """Whether nothing is missing, as far as that can be known."""
        return self._total is None or self.size == self._total

    def has_grown(self) -> bool:
        """Whether there is more of the file than ever before, since this was last asked."""
        before, self._largest_size = self._largest_size, max(self._largest_size, self.size)
        return self._largest_size > before

    def _write(self, piece: bytes) -> None:
        self._file.write(piece)
        self.size += len(piece)

    def _restart(self) -> None:
        self._file.truncate(0)
        self.size, self._total, self._validator, self._is_compressed = 0, None, None, False


class Download(Call):
    """A file under way; its time is up when nothing more of it arrives, however long the whole takes.

    :param request: what to ask for
    :param url: its address; never logged
    :param settings: what it goes by
    :param stream_attempt: makes one attempt
    :param partial_file: where it goes
    :param may_receive_credentials: whether an origin may be given the credentials
    :param https_only: whether only https will do
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
        https_only: bool,
    ) -> None:
        super().__init__(request, urldefrag(url).url, settings, self._fetch)
        self._stream_attempt = stream_attempt
        self._partial_file = partial_file
        self._may_receive_credentials = may_receive_credentials
        self._https_only = https_only
        self._check_url(self._url)
        if request.authenticated and not may_receive_credentials(self._url):
            host = urlsplit(self._url).hostname
            message = f"the partner names a file on {host}, which must not be given the connection's credentials"
            raise self._error(UnexpectedResponseError, message, None, None)

    def _fetch(self, request: Request, url: str, headers: Mapping[str, str], *, give_up_at: float) -> Response:
        request = replace(
            request, headers={**request.headers, "Accept-Encoding": "identity", **self._partial_file.range_headers()}
        )
        head = self._stream_attempt(request, url, headers, give_up_at=give_up_at, sink=self._partial_file.open_body)
        if head.status == 416:
            head = replace(head, status=206)  # asked behind the end: the whole file is here already
        if head.status in {200, 206} and not self._partial_file.is_complete():
            message = f"only {self._partial_file.size} bytes of the file have arrived so far"
            raise NoAnswerError(message)
        return head

    def _retry(self, fault: ErrorResolution, response: Response | None) -> None:
        if self._partial_file.has_grown():
            self._failures = 0
            self._renewed = False
            self._started_at = self._settings.clock.monotonic()
            self._give_up_at = self._started_at + self._settings.deadline
        super()._retry(fault, response)

    def _follow_redirect(self, response: Response) -> bool:
        """Whether to follow: anywhere that is as safe, but the credentials stay behind."""
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location or self._redirects >= MAX_REDIRECTS:
            return False
        target = urldefrag(urljoin(self._url, location)).url
        self._check_url(target)
        if origin(target) != origin(self._url) and not self._may_receive_credentials(target):
            self._request = replace(self._request, authenticated=False, headers={"Accept": "*/*"})
        self._url = target
        self._redirects += 1
        return True

    def _check_url(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            known = bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            known = False
        if (
            not known
            or parts.scheme not in ({"https"} if self._https_only else {"http", "https"})
            or "@" in parts.netloc
        ):
            message = "the partner names a file whose address is no https URL without credentials"
            raise self._error(UnexpectedResponseError, message, None, None)
        long = (value for _, value in parse_qsl(parts.query) if len(value) >= _MIN_SIGNATURE_LENGTH)
        self._settings.redactor.add(parts.query, *long)


def _parse_content_range(head: Response) -> tuple[int | None, int | None]:
    """First byte and length of the whole: ``bytes 10-19/20``, ``bytes */20``."""
    found = _CONTENT_RANGE.fullmatch(head.headers.get("content-range", "").strip())
    return (_parse_int(found.group(1)), _parse_int(found.group(2))) if found else (None, None)


def _parse_int(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _validator(head: Response) -> str | None:
    """What tells this version of the file from others; a weak tag does not."""
    tag = head.headers.get("etag", "")
    return tag if tag.startswith('"') else head.headers.get("last-modified") or None
