"""Which servers a download may reach: their names, and the addresses behind the names.

Partners name the files of their jobs by URLs. A forged answer could name a server of the worker's own network, such as
the cloud's metadata service. So a foreign host must be one of the partner's storages, or one that the settings name.
The address is checked when the connection is open, before anything is sent: a name that is looked up twice may lead
to two addresses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_partners.api.http.urls import origin

Trace = Callable[[str, Mapping[str, Any]], None]
"""The HTTP library calls it with each step of a connection (https://www.python-httpx.org/advanced/extensions/#trace)."""

DOWNLOAD_HOSTS_OPTION = "[partners] download_hosts"

_HOST = re.compile(r"[a-z0-9._:-]+")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Addresses that hold an IPv4 address (https://www.rfc-editor.org/rfc/rfc6052#section-2.1)."""
_SPECIAL = (IPv4Network("192.0.0.0/24"), IPv4Network("168.63.129.16/32"), IPv6Network("64:ff9b:1::/48"))
"""More that is not public: protocol assignments (with Oracle's metadata service), Azure's platform, local NAT64."""


class PrivateAddressError(Exception):
    """The name of a foreign host leads to an address that is not public. This error never leaves the transport."""


@dataclass(frozen=True, slots=True)
class DownloadHosts:
    """The hosts from which files are downloaded.

    :param base_url: the connection's URL. Its own origin is always allowed
    :param partner: hosts of the partner's storages: ``storage.example.com``, or ``*.example.com`` for all below it
    :param named: further hosts from the settings, such as ``files.example.com``, ``files.example.com:8443``,
        ``*.example.com`` or ``*``. A host with its full name may have a private address
    """

    base_url: str
    partner: Sequence[str] = ()
    named: Sequence[str] = ()

    def problem(self, url: str) -> str | None:
        """Return why a file's URL must not be followed, or None."""
        try:
            parts = urlsplit(url)
            target, host = origin(url), _normalize(parts.hostname)
        except ValueError:
            return "whose address is no URL"
        if _FORBIDDEN.search(url) or not _HOST.fullmatch(host):
            return "whose address is no URL"
        if target == origin(self.base_url):
            return None
        name = f"[{host}]" if ":" in host else host
        place = name if target[2] == 443 else f"{name}:{target[2]}"
        if any(_matches(place, pattern) for pattern in (*self.partner, *self.named)):
            return None
        return f"on {place}, which is not one of the partner's storages"

    def trace(self, url: str) -> Trace | None:
        """Return a function that ends a connection to an address that is not public; ``None`` if any is allowed."""
        host = _normalize(urlsplit(url).hostname)
        if origin(url) == origin(self.base_url) or host in map(_host_of, self.named):
            return None
        return _PublicAddressCheck(host)


class _PublicAddressCheck:
    def __init__(self, host: str) -> None:
        self._host = host
        self._is_direct = True

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            # A proxy looks the name up itself, and its own address is private as a rule.
            self._is_direct = _normalize(info.get("host")) == self._host
        elif event == "connection.connect_tcp.complete" and self._is_direct:
            stream = info["return_value"]
            address = stream.get_extra_info("server_addr")
            if not address or not is_public(str(address[0])):
                stream.close()
                raise PrivateAddressError(self._host)


def is_public(address: str) -> bool:
    """Return True for an address of the public internet.

    Private, loopback, link-local, shared, reserved and multicast addresses are none
    (https://www.iana.org/assignments/iana-ipv4-special-registry), nor are IPv6 addresses that stand for one of these.

    :param address: as the system returns it, such as ``93.184.216.34`` or ``fe80::1%eth0``
    """
    try:
        ip = _embedded(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    is_special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or any(ip in network for network in _SPECIAL)
    return ip.is_global and not is_special


def _embedded(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


def _normalize(host: object) -> str:
    return str(host or "").lower().rstrip(".")


def _host_of(pattern: str) -> str:
    return re.sub(r":\d+$", "", pattern.lower()).strip("[]")


def _matches(place: str, pattern: str) -> bool:
    pattern = pattern.lower()
    if pattern == "*":
        return True
    return place.endswith(pattern[1:]) if pattern.startswith("*.") else place == pattern
