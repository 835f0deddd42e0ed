"""Downloads: complete files, resumed files, expired URLs, and hosts that must not get the credentials."""

from __future__ import annotations

import gzip
import logging
import random
import re
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.http.auth import RotatingHeader, StaticHeaders
from airflow_provider_partners.api.http.rate_limit import RateLimiter
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.exceptions import (
    ExpiredError,
    PartnersError,
    ThrottledError,
    TransientError,
    UnexpectedResponseError,
)

FILE = b"".join(b'{"id": %d}\n' % number for number in range(5_000))
URL = "https://storage.example/outputs/abc?Expires=1790000000&Signature=s1gned-by-the-storage-itself"
OWN = "https://download.partner.example/v1/exports/e1?token=t0ken-of-this-one-export"


class Storage:
    """Serves one file, and closes the first connections after the given numbers of bytes."""

    def __init__(self, *breaks: int, ranges: bool = True, tag: str | None = '"v1"', content: bytes = FILE) -> None:
        self.breaks, self.ranges, self.tag, self.content = list(breaks), ranges, tag, content
        self.requests: list[httpx.Request] = []
        self.first: list[httpx.Response] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.first:
            return self.first.pop(0)
        headers = {"ETag": self.tag} if self.tag else {}
        ranges = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        start, total = int(ranges.group(1)) if ranges else 0, len(self.content)
        same = request.headers.get("if-range") in {None, self.tag}
        if not ranges or not self.ranges or not same:
            headers["Content-Length"] = str(total)
            return httpx.Response(200, headers=headers, stream=self._body(self.content))
        if start >= total:
            return httpx.Response(416, headers={"Content-Range": f"bytes */{total}"})
        headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
        return httpx.Response(206, headers=headers, stream=self._body(self.content[start:]))

    def _body(self, content: bytes) -> httpx.SyncByteStream:
        cut = self.breaks.pop(0) if self.breaks else None

        class Body(httpx.SyncByteStream):
            def __iter__(self) -> Iterator[bytes]:
                yield content[:cut]
                if cut is not None:
                    raise httpx.ReadError("reset by t0ken")

        return Body()


@pytest.fixture
def clock() -> TurningClock:
    random.seed(3)
    return TurningClock(1_000.0)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "job-1.jsonl"


def transport(storage: Callable[[httpx.Request], httpx.Response], clock: TurningClock, **options: object) -> Transport:
    arguments = {
        "partner": "Partner",
        "base_url": "https://api.partner.example/v1",
        "auth": StaticHeaders({"X-Token": "t0ken-value"}),
        "headers": {"X-Channel": "airflow"},
        "download_hosts": ("storage.example",),
        **options,
    }
    return Transport(**gather_options(handler=httpx.MockTransport(storage), clock=clock, **arguments))  # type: ignore[arg-type]


def storage_with(*statuses: int | httpx.Response) -> Storage:
    storage = Storage()
    storage.first = [httpx.Response(each) if isinstance(each, int) else each for each in statuses]
    return storage


# --- the file ---


def test_a_file_is_downloaded_completely(clock: TurningClock, target: Path) -> None:
    client = transport(Storage(), clock)
    assert client.download(URL, target, label="bulk.file") == len(FILE)
    assert target.read_bytes() == FILE
    assert client.stats.snapshot()["by_label"] == {"bulk.file": 1}


def test_an_empty_file_is_valid(clock: TurningClock, target: Path) -> None:
    assert transport(Storage(content=b""), clock).download(URL, target, label="f") == 0
    assert target.read_bytes() == b""


def test_after_a_broken_connection_only_the_rest_is_requested(clock: TurningClock, target: Path) -> None:
    storage = Storage(10_000, 5_000)
    assert transport(storage, clock).download(URL, target, label="f") == len(FILE)
    assert target.read_bytes() == FILE
    ranges = [request.headers.get("range") for request in storage.requests]
    assert ranges == [None, "bytes=10000-", "bytes=15000-"]
    assert [request.headers.get("if-range") for request in storage.requests[1:]] == ['"v1"', '"v1"']


def test_a_storage_without_ranges_restarts_the_download(clock: TurningClock, target: Path) -> None:
    storage = Storage(10_000, 20_000, ranges=False)
    transport(storage, clock).download(URL, target, label="f")
    assert target.read_bytes() == FILE
    assert len(storage.requests) == 3


def test_a_replaced_file_restarts_the_download(clock: TurningClock, target: Path) -> None:
    storage, other = Storage(10_000), FILE[::-1]

    def replace_file(request: httpx.Request) -> httpx.Response:
        if storage.requests:
            storage.content, storage.tag = other, '"v2"'
        return storage(request)

    transport(replace_file, clock).download(URL, target, label="f")
    assert target.read_bytes() == other


def test_without_a_version_a_new_length_restarts_the_download(clock: TurningClock, target: Path) -> None:
    storage, other = Storage(10_000, tag=None), FILE[::-1] + b"more"

    def replace_file(request: httpx.Request) -> httpx.Response:
        if storage.requests:
            storage.content = other
        return storage(request)

    transport(replace_file, clock).download(URL, target, label="f")
    assert target.read_bytes() == other


@pytest.mark.parametrize("content_range", ["bytes 0-9/55", "bytes 7-9/55", "items 10000-1/2", ""])
def test_a_wrong_range_is_not_appended(content_range: str, clock: TurningClock, target: Path) -> None:
    storage = Storage(10_000)

    def wrong_range(request: httpx.Request) -> httpx.Response:
        if len(storage.requests) == 1:
            storage.requests.append(request)
            return httpx.Response(206, headers={"Content-Range": content_range}, content=b"x" * 10)
        return storage(request)

    transport(wrong_range, clock).download(URL, target, label="f")
    assert target.read_bytes() == FILE
    assert "range" not in storage.requests[2].headers


def test_a_response_that_ends_early_is_resumed(clock: TurningClock, target: Path) -> None:
    storage = Storage()
    storage.first = [httpx.Response(200, headers={"Content-Length": str(len(FILE))}, stream=httpx.ByteStream(FILE[:9]))]
    assert transport(storage, clock).download(URL, target, label="f") == len(FILE)
    assert target.read_bytes() == FILE


def test_a_compressed_response_is_never_resumed(clock: TurningClock, target: Path) -> None:
    compressed, ranges = gzip.compress(FILE), []

    class Half(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield compressed[: len(compressed) // 2]
            raise httpx.ReadError("reset")

    def storage(request: httpx.Request) -> httpx.Response:
        ranges.append(request.headers.get("range"))
        headers = {"Content-Encoding": "gzip", "Content-Length": str(len(compressed))}
        return httpx.Response(200, headers=headers, stream=Half() if len(ranges) == 1 else httpx.ByteStream(compressed))

    assert transport(storage, clock).download(URL, target, label="f") == len(FILE)
    assert target.read_bytes() == FILE
    assert ranges == [None, None]


def test_a_later_call_resumes_an_earlier_download(clock: TurningClock, target: Path) -> None:
    with pytest.raises(TransientError):
        transport(Storage(10_000), clock, max_attempts=1).download(URL, target, label="f")
    assert target.read_bytes() == FILE[:10_000]
    storage = Storage()
    assert transport(storage, clock).download(URL, target, label="f") == len(FILE)
    assert storage.requests[0].headers["range"] == "bytes=10000-"
    assert target.read_bytes() == FILE


def test_a_complete_file_is_not_downloaded_again(clock: TurningClock, target: Path) -> None:
    target.write_bytes(FILE)
    storage = Storage()
    assert transport(storage, clock).download(URL, target, label="f") == len(FILE)
    assert target.read_bytes() == FILE
    assert len(storage.requests) == 1


def test_a_local_file_longer_than_the_remote_one_is_replaced(clock: TurningClock, target: Path) -> None:
    target.write_bytes(b"x" * (len(FILE) + 1))
    transport(Storage(), clock).download(URL, target, label="f")
    assert target.read_bytes() == FILE


def test_a_call_can_discard_the_partial_file(clock: TurningClock, target: Path) -> None:
    target.write_bytes(b"something else")
    transport(Storage(), clock).download(URL, target, label="f", resume=False)
    assert target.read_bytes() == FILE


def test_memory_stays_bounded_over_real_http(tmp_path: Path) -> None:
    piece, pieces = b"x" * 1_000_000, 30

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(piece) * pieces))
            self.end_headers()
            for _ in range(pieces):
                self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    try:
        with Transport(partner="Partner", base_url=base) as client:
            tracemalloc.start()
            assert client.download(f"{base}/file", tmp_path / "f", label="f") == len(piece) * pieces
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        server.shutdown()
        server.server_close()
    assert peak < 5_000_000


# --- time ---


def test_progress_restarts_the_deadline(clock: TurningClock, target: Path) -> None:
    storage = Storage(*[1_000] * 30)
    transport(storage, clock, deadline=20, max_attempts=2).download(URL, target, label="f")
    assert target.read_bytes() == FILE
    assert clock.now - 1_000 > 15


def test_repeated_breaks_at_the_same_byte_are_given_up(clock: TurningClock, target: Path) -> None:
    storage = Storage(*[10_000] * 50, ranges=False)
    with pytest.raises(TransientError, match="gave up after 4 attempts"):
        transport(storage, clock, max_attempts=4).download(URL, target, label="f")
    assert len(storage.requests) == 4


def test_without_progress_the_deadline_ends_the_download(clock: TurningClock, target: Path) -> None:
    with pytest.raises(TransientError, match="gave up"):
        transport(storage_with(*[503] * 99), clock, deadline=30, max_attempts=99).download(URL, target, label="f")
    assert clock.now - 1_000 <= 30


def test_a_busy_storage_is_retried(clock: TurningClock, target: Path) -> None:
    busy = httpx.Response(429, headers={"Retry-After": "7"})
    transport(storage_with(busy, 503), clock).download(URL, target, label="f")
    assert target.read_bytes() == FILE
    assert clock.waits[0] >= 7 or sum(clock.waits[:2]) >= 7


def test_a_long_wait_raises_throttled_error(clock: TurningClock, target: Path) -> None:
    with pytest.raises(ThrottledError):
        transport(storage_with(httpx.Response(429, headers={"Retry-After": "900"})), clock).download(
            URL, target, label="f"
        )


def test_another_host_does_not_use_the_rate_limit(clock: TurningClock, target: Path) -> None:
    client = transport(Storage(), clock, rate_limit=RateLimiter(rate=0.01, clock=clock), max_wait=500)
    for _ in range(3):
        client.download(URL, target, label="f", resume=False)
    assert clock.now == 1_000
    for _ in range(2):
        client.download("https://api.partner.example/file", target, label="f", resume=False)
    assert clock.now > 1_050


# --- expiry ---


@pytest.mark.parametrize("code", [401, 403, 404, 410])
@pytest.mark.parametrize("authenticated", [True, False])
def test_a_missing_file_is_an_expired_error(code: int, authenticated: bool, clock: TurningClock, target: Path) -> None:
    client = transport(storage_with(code), clock, file_hosts=["download.partner.example"])
    with pytest.raises(ExpiredError, match=rf"f: the file has expired.*HTTP {code}"):
        client.download(OWN, target, label="f", authenticated=authenticated)


def test_googles_status_400_means_expired(clock: TurningClock, target: Path) -> None:
    body = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Details>expired at now</Details></Error>"
    with pytest.raises(ExpiredError):
        transport(storage_with(httpx.Response(400, content=body)), clock).download(URL, target, label="f")


def test_other_refusals_show_only_their_code(clock: TurningClock, target: Path) -> None:
    body = b"<?xml version='1.0'?><Error><Code>InvalidArgument</Code><Details>s1gned-by-the-storage-itself</Details>"
    with pytest.raises(PartnersError, match="InvalidArgument") as raised:
        transport(storage_with(httpx.Response(400, content=body)), clock).download(URL, target, label="f")
    assert not isinstance(raised.value, ExpiredError)
    assert "s1gned" not in str(raised.value)


def test_a_success_without_a_file_is_unexpected(clock: TurningClock, target: Path) -> None:
    with pytest.raises(UnexpectedResponseError, match="no file"):
        transport(storage_with(204), clock).download(URL, target, label="f")


def test_expired_credentials_are_renewed(clock: TurningClock, target: Path) -> None:
    storage = storage_with(401)
    client = transport(
        storage, clock, auth=RotatingHeader("X-Token", ["first", "second"]), file_hosts=["download.partner.example"]
    )
    client.download(OWN, target, label="f", authenticated=True)
    assert [request.headers["x-token"] for request in storage.requests] == ["first", "second"]


# --- safety ---


def test_a_storage_gets_neither_credentials_nor_our_headers(clock: TurningClock, target: Path) -> None:
    storage = Storage()
    transport(storage, clock).download(URL, target, label="f")
    assert {"x-token", "x-channel", "cookie"}.isdisjoint(storage.requests[0].headers)


@pytest.mark.parametrize("url", [OWN, "https://api.partner.example/v1/file"])
def test_the_partners_own_hosts_get_the_credentials(url: str, clock: TurningClock, target: Path) -> None:
    storage = Storage()
    client = transport(storage, clock, file_hosts=["download.partner.example"])
    client.download(url, target, label="f", authenticated=True)
    assert storage.requests[0].headers["x-token"] == "t0ken-value"
    assert storage.requests[0].headers["x-channel"] == "airflow"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://download.partner.example:8443/x?token=t0ken",
        "https://api.partner.example.evil.example/?token=t0ken",
    ],
)
def test_other_hosts_get_no_credentials(url: str, clock: TurningClock, target: Path) -> None:
    storage = Storage()
    with pytest.raises(UnexpectedResponseError, match=r"must not receive|not one of the partner's") as raised:
        transport(storage, clock, file_hosts=["download.partner.example"]).download(
            url, target, label="f", authenticated=True
        )
    assert storage.requests == []
    assert "t0ken" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example/f",
        "ftp://storage.example/f",
        "file:///etc/passwd",
        "/f",
        "https://",
        "https://me:secret@storage.example/f",
        "https://storage.example:port/f",
    ],
)
def test_an_unsafe_url_is_refused(url: str, clock: TurningClock, target: Path) -> None:
    storage = Storage()
    with pytest.raises(UnexpectedResponseError, match="not an https URL") as raised:
        transport(storage, clock).download(url, target, label="f")
    assert storage.requests == []
    assert "secret" not in str(raised.value)


def test_plain_http_is_allowed_if_the_base_url_uses_it(clock: TurningClock, target: Path) -> None:
    client = transport(Storage(), clock, base_url="http://127.0.0.1:8000/partner")
    assert client.download("http://127.0.0.1:8000/files/1", target, label="f") == len(FILE)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_a_storage_is_followed_without_credentials(code: int, clock: TurningClock, target: Path) -> None:
    storage = storage_with(httpx.Response(code, headers={"Location": URL}))
    client = transport(storage, clock, file_hosts=["download.partner.example"])
    client.download(OWN, target, label="f", authenticated=True)
    first, second = storage.requests
    assert first.headers["x-token"] == "t0ken-value"
    assert {"x-token", "x-channel"}.isdisjoint(second.headers)
    assert str(second.url) == URL
    assert target.read_bytes() == FILE


def test_a_redirect_to_plain_http_is_refused(clock: TurningClock, target: Path) -> None:
    storage = storage_with(httpx.Response(302, headers={"Location": "http://storage.example/f"}))
    with pytest.raises(UnexpectedResponseError, match="not an https URL"):
        transport(storage, clock).download(URL, target, label="f")


def test_circular_redirects_end_a_download(clock: TurningClock, target: Path) -> None:
    storage = storage_with(*[httpx.Response(302, headers={"Location": URL}) for _ in range(9)])
    with pytest.raises(UnexpectedResponseError):
        transport(storage, clock).download(URL, target, label="f")
    assert len(storage.requests) == 4


def test_the_urls_query_is_in_no_log_and_no_error(
    clock: TurningClock, target: Path, caplog: pytest.LogCaptureFixture
) -> None:
    response = httpx.Response(500, json={"message": "no signature s1gned-by-the-storage-itself"})
    with caplog.at_level(logging.DEBUG), pytest.raises(TransientError) as raised:
        transport(storage_with(*[response] * 9), clock, max_attempts=3).download(URL, target, label="f")
    for text in (str(raised.value), caplog.text):
        assert not re.search("s1gned|Signature|Expires", text)
    assert raised.value.__context__ is None


def test_closing_the_client_stops_a_download(clock: TurningClock, target: Path) -> None:
    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield b"x"
            client.close()
            while True:
                yield b"x"

    client = transport(lambda _: httpx.Response(200, stream=Endless()), clock)
    with pytest.raises(TransientError, match="closed"):
        client.download(URL, target, label="f")


def test_a_file_without_an_end_is_refused_and_removed_from_the_disk(tmp_path: Path) -> None:
    """A server need not state a length (RFC 9112, section 6.3), so the body may never end."""

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield bytes(65_536)

    handler = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    arguments = gather_options(
        partner="Voucherify",
        base_url="https://api.partner.example",
        handler=handler,
        max_download_size=1_000_000,
        download_hosts=("storage.example",),
    )
    with pytest.raises(UnexpectedResponseError, match=r"more than 1 MB.*max_download_mb"):
        Transport(**arguments).download(URL, tmp_path / "file", label="exports.download")
    assert (tmp_path / "file").stat().st_size == 0
