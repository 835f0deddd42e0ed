"""No connection outlives its client, wherever the client is closed. The sockets are real."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from open_connections import collect_connections

from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions, Timeouts
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.exceptions import PartnersError

GET = Request(method="GET", path="/orders", label="orders.list")
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
FILE = b"HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000


@pytest.fixture
def opened() -> Iterator[list[socket.socket]]:
    """The sockets that clients have opened."""
    with collect_connections() as sockets:
        yield sockets


@contextmanager
def served(answer: bytes) -> Iterator[str]:
    """Answer every request, and keep the connections open."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with suppress(OSError):
            while connection.recv(65_536):
                connection.sendall(answer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                threading.Thread(target=serve, args=(connections[-1],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()


def make_transport(url: str) -> Transport:
    return Transport(partner="Yotpo", base_url=url, options=ClientOptions(max_attempts=1, timeouts=Timeouts(read=5)))


def closing_at(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, transport: Transport, *, after: bool
) -> threading.Event:
    """Close the client, from another thread, while a function runs; return an event that is set then."""
    function, closed = getattr(owner, name), threading.Event()

    def close() -> None:
        thread = threading.Thread(target=transport.close)
        thread.start()
        thread.join()
        closed.set()

    def with_close(*arguments: object, **options: object) -> object:
        result = function(*arguments, **options) if after else None
        close()
        return result if after else function(*arguments, **options)

    monkeypatch.setattr(owner, name, with_close)
    return closed


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (socket, "create_connection", True),
        (socket, "create_connection", False),
        (httpx.Client, "_send_single_request", False),
        (httpx.Client, "_send_single_request", True),
    ],
    ids=["connected", "connecting", "sending", "answered"],
)
def test_a_connection_that_is_made_while_the_client_closes_is_closed(
    opened: list[socket.socket], monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: bool
) -> None:
    """A page that was read ahead connects again while the list's consumer has all it needs, and closes the client."""
    with served(JSON) as url:
        transport = make_transport(url)
        transport.send(GET)
        opened.pop().close()
        closed = closing_at(monkeypatch, owner, name, transport, after=after)

        with suppress(PartnersError):
            transport.send(GET)

    assert closed.is_set()
    assert opened
    assert [each.fileno() for each in opened] == [-1] * len(opened)


def stop_with(error: BaseException) -> Callable[..., None]:
    def stop(*_: object) -> None:
        raise error

    return stop


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["disk", "stop"])
def test_a_download_that_ends_early_closes_its_connection(
    opened: list[socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """The rest of the body is on its way, so the connection can't be used again, and must not stay open."""
    monkeypatch.setattr("airflow_provider_partners.api.http.download.PartialFile._write", stop_with(error))
    with served(FILE) as url, make_transport(url) as transport:
        with pytest.raises(type(error)):
            transport.download(f"{url}/file", tmp_path / "file", label="file")

        assert [each.fileno() for each in opened] == [-1]


@pytest.mark.parametrize(
    "answer",
    [
        FILE,
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000,
        b"HTTP/1.1 302 Found\r\nlocation: http://[\r\ncontent-length: 300000\r\n\r\n" + b"x" * 300_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: nothing\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
    ids=["too large", "broken compression", "unknown compression", "no location", "no length", "no HTTP"],
)
def test_a_body_that_is_not_read_to_its_end_closes_its_connection(opened: list[socket.socket], answer: bytes) -> None:
    options = ClientOptions(max_attempts=1, max_response_size=1000)
    with served(answer) as url, Transport(partner="Yotpo", base_url=url, options=options) as transport:
        with pytest.raises(PartnersError):
            transport.send(GET)

        assert [each.fileno() for each in opened] == [-1]
