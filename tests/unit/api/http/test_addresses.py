"""Which hosts and addresses a download may reach.

Addresses are those of IANA's registries of special purposes:
https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_partners.api.http.addresses import DownloadHosts, PrivateAddressError, is_public

STORAGE = "https://storage.googleapis.com/shopify/result?Signature=abc"


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *(
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "192.0.0.192",
            "168.63.129.16",
        ),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::"),
        *("", "localhost", "2130706433", "0x7f.1"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["142.250.74.123", "2a00:1450:4001:80b::201b", "::ffff:142.250.74.123"])
def test_a_public_address(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        STORAGE,
        STORAGE.replace("googleapis.com", "googleapis.com.").replace("https", "HTTPS"),
        "https://a.storage.googleapis.com:443/x",
        "https://shop.myshopify.com/files/1",
        "https://files.example.com:8443/x",
        "https://x.example.org/x",
    ],
)
def test_a_host_that_may_serve_files(url: str) -> None:
    hosts = DownloadHosts(
        "https://shop.myshopify.com",
        ("storage.googleapis.com", "*.storage.googleapis.com"),
        ("files.example.com:8443", "*.example.org"),
    )
    assert hosts.problem(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *("https://169.254.169.254/latest/meta-data", "https://2852039166/", "https://0xA9.0xFE.0xA9.0xFE/"),
        *("https://[::ffff:169.254.169.254]/", "https://[::1]/", "https://localhost/", "https://127.1/"),
        *("https://metadata.google.internal/computeMetadata/v1", "https://storage.googleapis.com.evil.example/x"),
        *(
            "https://storage.googleapis.com:8443/x",
            "https://evilstorage.googleapis.com.example/",
            "https://example.org/",
        ),
        *("https://evil.example\\.storage.googleapis.com/", "https://storage.google\napis.com/", "https:///x"),
        *("https://shop.myshopify.com:444/x", "http://shop.myshopify.com/x", "https://\uff53torage.googleapis.com/"),
        *("https://evil.example#.storage.googleapis.com", "https://evil.example?.storage.googleapis.com"),
    ],
)
def test_a_host_that_may_not(url: str) -> None:
    hosts = DownloadHosts(
        "https://shop.myshopify.com", ("storage.googleapis.com", "*.storage.googleapis.com"), ("*.example.org",)
    )
    assert hosts.problem(url)


def connect(hosts: DownloadHosts, url: str, address: str, *, via: str | None = None) -> list[str]:
    """Report a connection to an address, as the HTTP library does; return what was closed."""
    trace, closed = hosts.trace(url), []
    stream = SimpleNamespace(get_extra_info=lambda _: (address, 443), close=lambda: closed.append(address))
    if trace:
        host = via or url.split("/")[2]
        trace("connection.connect_tcp.started", {"host": host})
        try:
            trace("connection.connect_tcp.complete", {"return_value": stream})
        except PrivateAddressError:
            assert closed
    return closed


@pytest.mark.parametrize(
    ("named", "address", "is_closed"),
    [
        ((), "142.250.74.123", False),
        ((), "169.254.169.254", True),
        ((), "::ffff:10.0.0.1", True),
        (("*",), "127.0.0.1", True),
        (("*.googleapis.com",), "127.0.0.1", True),
        (("storage.googleapis.com",), "127.0.0.1", False),
    ],
)
def test_only_a_host_with_its_full_name_may_have_a_private_address(
    named: tuple[str, ...], address: str, is_closed: bool
) -> None:
    hosts = DownloadHosts("https://shop.myshopify.com", ("storage.googleapis.com",), named)
    assert bool(connect(hosts, STORAGE, address)) is is_closed


def test_a_host_may_be_named_by_its_ipv6_address() -> None:
    hosts = DownloadHosts("https://shop.myshopify.com", (), ("[fd00::7]:8443",))
    assert hosts.problem("https://[fd00::7]:8443/x") is None
    assert hosts.trace("https://[fd00::7]:8443/x") is None
    assert hosts.problem("https://[fd00::8]:8443/x")


def test_the_connections_own_host_may_be_private() -> None:
    hosts: Any = DownloadHosts("http://127.0.0.1:8000/shopify")
    assert hosts.problem("http://127.0.0.1:8000/files/1") is None
    assert hosts.trace("http://127.0.0.1:8000/files/1") is None


def test_a_proxy_may_have_a_private_address() -> None:
    """A proxy looks up the file's host itself."""
    hosts = DownloadHosts("https://shop.myshopify.com", ("storage.googleapis.com",))
    assert connect(hosts, STORAGE, "10.0.0.5", via="proxy.internal") == []
