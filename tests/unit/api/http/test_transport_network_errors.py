"""Network errors name host and kind, and keep the system's error as their cause. The sockets are real."""

from __future__ import annotations

import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from clocks import TurningClock
from fakes.api import GET, FakeApi, transport

from airflow_provider_partners.api.http.auth import StaticHeaders
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.options import ClientOptions, Timeouts
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.exceptions import ConfigurationError, PartnersError, TransientError

SECRET = "t0ken-of-the-shop"


def error_of(base_url: str, **timeouts: float) -> PartnersError:
    options = ClientOptions(max_attempts=2, clock=TurningClock(), timeouts=Timeouts(**timeouts))
    auth = StaticHeaders({"X-Token": SECRET})
    request = Request(method="GET", path="/orders", params=(("utoken", SECRET),), label="orders.list")
    with (
        Transport(partner="Yotpo", base_url=base_url, auth=auth, options=options) as client,
        pytest.raises(PartnersError) as raised,
    ):
        client.send(request)
    text = "".join(traceback.format_exception(raised.value))
    assert SECRET not in text
    assert "httpx." not in text
    return raised.value


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections and hand them to ``answer``."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            with connection:
                answer(connection)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_name_that_does_not_exist() -> None:
    """The domain ``.invalid`` never exists (https://www.rfc-editor.org/rfc/rfc6761#section-6.4)."""
    error = error_of("https://shop.invalid")
    assert isinstance(error, TransientError)
    assert "shop.invalid (name not found): no connection could be made" in str(error)
    assert "Check the connection's host, and that this machine can reach it" in str(error)
    assert isinstance(error.__cause__, socket.gaierror)


def test_a_refused_connection() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = error_of(f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port} (refused): no connection could be made" in str(error)
    assert isinstance(error.__cause__, ConnectionRefusedError)


def test_a_server_that_speaks_no_tls() -> None:
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        error = error_of(f"https://127.0.0.1:{port}")
    assert f"127.0.0.1:{port} (TLS failed): no connection could be made" in str(error)
    assert isinstance(error.__cause__, ssl.SSLError)


def test_a_server_that_never_answers() -> None:
    silent = threading.Event()
    with server(lambda connection: silent.wait(5) and None) as port:
        error = error_of(f"http://127.0.0.1:{port}", read=0.1)
        silent.set()
    assert f"127.0.0.1:{port} (timed out): no response within the time allowed" in str(error)


def test_a_connection_that_is_closed_before_the_answer() -> None:
    with server(lambda connection: connection.recv(65_536) and None) as port:
        error = error_of(f"http://127.0.0.1:{port}")
    assert f"127.0.0.1:{port}: the connection was closed before the response was complete" in str(error)


def test_a_certificate_that_is_not_accepted() -> None:
    failure = httpx.ConnectError("handshake failed")
    failure.__cause__ = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    failure.__cause__.verify_message = "certificate has expired"
    with pytest.raises(
        ConfigurationError, match=r"api\.yotpo\.com \(certificate not accepted, certificate has expired"
    ):
        transport(FakeApi(failure), TurningClock()).send(GET)
