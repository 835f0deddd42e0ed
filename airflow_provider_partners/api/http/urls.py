"""URL checks for safety: valid base URLs, ids as parts of a path, and which URLs may receive the credentials."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow_provider_partners.arguments import check_text
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_base_url(url: str) -> str:
    """Return the base URL without a trailing slash.

    :raises ConfigurationError: the URL is not valid
    """
    if url != "":
        check_text("base_url", url)
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment:
        message = "the connection's host is not a URL of the form https://host or https://host/prefix"
        raise ConfigurationError(message, remedy="Use scheme and host, without a query.")
    return url.rstrip("/")


def with_param(url: str, name: str, value: str) -> str:
    """Return a URL with one more query parameter."""
    return f"{url}{'&' if '?' in url else '?'}{quote(name, safe='')}={quote(value, safe='')}"


def is_loopback(host: str) -> bool:
    """Return True if a host is this machine: ``localhost``, a name below it, or a loopback address."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def path_segment(value: object) -> str:
    """Return an id as one segment of a path.

    The segments ``.`` and ``..`` stay special when they are percent-encoded
    (https://url.spec.whatwg.org/#double-dot-path-segment), so they would lead to another path.

    :param value: the id
    :raises ConfigurationError: the id is empty, ``.`` or ``..``
    """
    text = str(value)
    if text in {"", ".", ".."}:
        message = f"the id {text!r} cannot be part of a path"
        raise ConfigurationError(message, remedy="Pass the id of one record, as the partner shows it.")
    return quote(text, safe="", errors="replace")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port. Credentials belong to one origin."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def may_receive_credentials(url: str, *, base_url: str, hosts: Collection[str]) -> bool:
    """Return True if the URL has the base URL's origin, or is an https URL of one of the hosts."""
    try:
        target = origin(url)
    except ValueError:
        return False
    return target == origin(base_url) or ((target[0], target[2]) == ("https", 443) and target[1] in hosts)
