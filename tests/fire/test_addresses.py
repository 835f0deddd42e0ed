"""An answer cannot send a download, or credentials, to a server of its choice.

A forged answer names a file on the cloud's metadata service, on this machine, or on a host that looks like the
partner's. Only loopback servers take part: a name that the test resolves itself stands for a public storage.
The addresses are those of OWASP's list for server-side request forgery
(https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html) and of the
clouds' metadata services.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from client_options import gather_options

from airflow_provider_partners.api.http.auth import StaticHeaders
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.transport import Transport
from airflow_provider_partners.exceptions import PartnersError, UnexpectedResponseError

STORAGE = "storage.googleapis.com"


class Listener:
    """A loopback server that answers everything with one text, and keeps what it was sent."""

    def __init__(self, answer: bytes) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received: list[bytes] = []
        self.connections = 0
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(2)
                try:
                    self.received.append(connection.recv(65_536))
                    connection.sendall(self._answer)
                except OSError:
                    self.received.append(b"")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def internal() -> Iterator[Listener]:
    """A server of the worker's own network: nobody else should reach it."""
    listener = Listener(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ninternal")
    yield listener
    listener.close()


def transport(base_url: str = "https://shop.myshopify.com", *, named: Sequence[str] = ()) -> Transport:
    """Return a shop's transport.

    :param named: hosts that the settings name
    """
    auth = StaticHeaders({"X-Shopify-Access-Token": "shpat_secret-of-the-shop"})
    made = gather_options(partner="Shopify Admin", base_url=base_url, auth=auth, max_attempts=2, deadline=5.0)
    made["options"] = replace(made["options"], download_hosts=named)
    return Transport(**made, download_hosts=(STORAGE,))


def download(client: Transport, url: str, folder: Path, **options: Any) -> str:
    try:
        client.download(url, folder / "file", label="bulk.file", **options)
    except PartnersError as error:
        return f"{type(error).__name__}: {error}"
    return ""


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://2130706433:{port}/",
        "https://0x7f000001:{port}/",
        "https://0177.0.0.1:{port}/",
        "https://127.1:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://[fd00:ec2::254]/latest/meta-data/",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://100.100.100.200/latest/meta-data/",
        "https://storage.googleapis.com.evil.example/file",
        "https://storage.googleapis.com@127.0.0.1:{port}/",
        "https://127.0.0.1:{port}#@storage.googleapis.com/",
        "https://127.0.0.1:{port}\\@storage.googleapis.com/",
        "http://storage.googleapis.com/file",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
    ],
)
def test_a_file_on_another_host_is_refused_before_a_connection(url: str, internal: Listener, tmp_path: Path) -> None:
    error = download(transport(), url.format(port=internal.port), tmp_path)
    assert error.startswith("UnexpectedResponseError")
    assert "not one of the partner's storages" in error or "not an https URL" in error or "no URL" in error
    assert internal.connections == 0


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> list[str]:
    """Let names lead to addresses, one after the other; the last one for good."""
    remaining, looked_up = list(addresses), []
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.replace(".", "").isdigit():
            return real(host, port, *arguments, **options)
        looked_up.append(name)
        address = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return looked_up


def test_a_name_that_leads_to_this_machine_is_refused_before_a_byte_is_sent(
    internal: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = resolve_to(monkeypatch, ("127.0.0.1", internal.port))
    error = download(transport(), f"https://{STORAGE}/file?Signature=s1gned-for-the-storage", tmp_path)
    assert "UnexpectedResponseError" in error
    assert "address of a private network" in error
    assert looked_up == [STORAGE]
    # Not even a TLS greeting, which would name the host.
    assert b"".join(internal.received) == b""


def test_a_name_that_changes_its_address_is_checked_where_it_is_connected(
    internal: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is checked, and internal when it is used, is the attack of DNS rebinding."""
    resolve_to(monkeypatch, ("127.0.0.1", internal.port))
    for _ in range(3):
        assert "private network" in download(transport(), f"https://{STORAGE}/file", tmp_path)
    assert b"".join(internal.received) == b""


def test_a_redirect_to_another_host_is_refused(internal: Listener, tmp_path: Path) -> None:
    location = f"http://127.0.0.1:{internal.port}/secret-path/abc?token=t0ken-of-a-file"
    storage = Listener(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    error = download(transport(f"http://127.0.0.1:{storage.port}"), f"http://127.0.0.1:{storage.port}/f", tmp_path)
    assert "not one of the partner's storages" in error
    assert "t0ken-of-a-file" not in error
    assert internal.connections == 0
    storage.close()


def test_credentials_stay_with_the_connections_own_host(internal: Listener, tmp_path: Path) -> None:
    """Even a host that the settings name gets no credentials."""
    own = Listener(
        f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{internal.port}/f\r\nContent-Length: 0\r\n\r\n".encode()
    )
    client = transport(f"http://127.0.0.1:{own.port}", named=(f"127.0.0.1:{internal.port}",))
    assert download(client, f"http://127.0.0.1:{own.port}/f", tmp_path, authenticated=True) == ""
    assert b"shpat_secret" in own.received[0]
    assert b"shpat_secret" not in internal.received[0]
    assert (tmp_path / "file").read_bytes() == b"internal"
    error = download(client, f"http://127.0.0.1:{internal.port}/f", tmp_path, authenticated=True)
    assert "must not receive the connection's credentials" in error
    own.close()


def test_a_redirect_of_the_api_is_not_followed(internal: Listener) -> None:
    location = f"http://127.0.0.1:{internal.port}/x?token=abc"
    api = Listener(f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    with pytest.raises(UnexpectedResponseError, match="redirected to another host"):
        transport(f"http://127.0.0.1:{api.port}").send(Request(method="POST", path="/graphql.json", json={"a": 1}))
    assert internal.connections == 0
    api.close()
