"""Authentication at the Partner API: an access token, and a second one while tokens are rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_partners.api.http.auth import Auth, RotatingHeader

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105 - a header's name


def make_auth(access_token: str, secondary_access_token: str | None, *, on_secret: Callable[[str], None]) -> Auth:
    """Return the authentication of an organization.

    :param secondary_access_token: used after Shopify refuses the first one
    """
    return RotatingHeader(TOKEN_HEADER, [access_token, secondary_access_token], on_secret=on_secret)
