"""Addresses as far as safety goes: which are fit to be a base URL, and which may be given the credentials. Must not
know who asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_base_url(url: str) -> str:
    """A base URL, without a slash at its end.

    :param url: as the connection has it
    :raises ConfigurationError: when it is none
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment:
        message = "the connection's host is no address of the form https://host or https://host/prefix"
        raise ConfigurationError(message, remedy="Write scheme and host, without a query.")
    return url.rstrip("/")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what credentials belong to.

    :param url: an absolute address
    """
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def may_receive_credentials(url: str, *, base_url: str, hosts: Collection[str]) -> bool:
    """Whether an address may be given the credentials: of the same origin, or on a host named for it, by https.

    :param url: an absolute address, of whatever form
    :param base_url: what the credentials belong to
    :param hosts: further hosts
    """
    try:
        target = origin(url)
    except ValueError:
        return False
    return target == origin(base_url) or ((target[0], target[2]) == ("https", 443) and target[1] in hosts)
