"""Redirects: which one a call follows, and what an error says of one that it does not."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from airflow_provider_partners.api.http.urls import origin

if TYPE_CHECKING:
    from airflow_provider_partners.api.http.messages import Request, Response

__all__ = ["MAX_REDIRECTS", "Redirect", "UnsafeUrlError", "describe_redirect", "refuse_redirects"]

MAX_REDIRECTS = 3
"""Number of redirects that one download follows."""

_WORD = re.compile(r"(?:[a-z]+(?:[._-][a-z]+){0,3}[._-]?)?|v\d{1,2}|\d{1,4}(?:-\d\d)?")
"""A part of a path that says what is there, such as ``password``, ``graphql.json`` or ``v3``."""


class UnsafeUrlError(Exception):
    """A URL that must not be followed. This error never leaves a call."""


Redirect = Callable[["Request", str, "Response"], "tuple[Request, str] | None"]
"""Returns the request and the URL to follow after a response, or None. Raises :class:`UnsafeUrlError`."""


def refuse_redirects(request: Request, url: str, response: Response) -> None:
    """Follow no redirect: no partner documents one, and a wrong or renamed host answers with one."""


def describe_redirect(url: str, location: str) -> str:
    """Say where a redirect leads, without query and credentials."""
    try:
        target = urljoin(url, location)
        parts, is_same = urlsplit(target), origin(target) == origin(url)
    except ValueError:
        return "redirected to an address that is no URL"
    where = "" if is_same else "another host, "
    # A part of the path that is no word may be a token.
    path = "/".join(each if _WORD.fullmatch(each) else "…" for each in parts.path.split("/"))
    return f"redirected to {where}{parts.scheme}://{parts.netloc.rpartition('@')[2]}{path}"
