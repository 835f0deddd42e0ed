"""Credentials of Voucherify's APIs as headers: a project's key pair or its tokens, a client-side or a management key.

https://docs.voucherify.io/api-reference/introduction-api
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.auth import Auth, ExchangedToken, StaticHeaders
from airflow_provider_partners.api.http.messages import Request, access_token
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.memory import TokenSlot
    from airflow_provider_partners.api.http.transport import Transport
    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

API_FAMILIES: Mapping[str, str] = {"keys": "server", "oauth": "server", "client": "client", "management": "management"}
"""The API that a connection reads, by its ``auth``."""

_HEADERS: Mapping[str, tuple[str, str]] = {
    "server": ("X-App-Id", "X-App-Token"),
    "client": ("X-Client-Application-Id", "X-Client-Token"),
    "management": ("X-Management-Id", "X-Management-Token"),
}

_CONNECTION_KINDS: Mapping[str, str] = {
    "server": "auth 'keys' or 'oauth', with the application id and the secret key of a project's server-side key",
    "client": "auth 'client', with the client application id, the client-side key and an origin",
    "management": "auth 'management', with the id and the token of an organization's management key",
}


def make_auth(
    *,
    auth: str,
    application_id: str,
    secret_key: str,
    origin: str | None,
    scope: str,
    transport: Callable[[], Transport],
    clock: Clock,
    on_secret: Callable[[str], None],
    slot: TokenSlot | None = None,
) -> Auth:
    """Return the credentials of a client.

    :param auth: ``keys``, ``oauth``, ``client`` or ``management``
    :param origin: the ``Origin`` header that a client-side key needs
    :param scope: scopes of an ``oauth`` token
    :param transport: returns the transport that exchanges the key for a token
    :param on_secret: called with every secret and token before its first use
    :param slot: of an ``oauth`` token that other clients share
    :raises ConfigurationError: when something is missing
    """
    if auth not in API_FAMILIES:
        message = f"auth={auth!r} is unknown"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(API_FAMILIES)}.", partner="Voucherify")
    if not application_id or not secret_key:
        message = "application id and secret key are both needed"
        raise ConfigurationError(message, remedy="Set login and password of the connection.", partner="Voucherify")
    if auth == "client" and not origin:
        message = "a client-side key needs an origin"
        remedy = "Set the extra 'origin', such as https://shop.example.com, as allowed in the project's settings."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    on_secret(secret_key)
    id_header, key_header = _HEADERS[API_FAMILIES[auth]]
    headers = {id_header: application_id, key_header: secret_key}
    if auth == "client":
        headers["Origin"] = origin or ""
    if auth != "oauth":
        return StaticHeaders(headers, on_secret=on_secret)
    return ExchangedToken(
        exchange=lambda: _exchange_token(transport(), headers, scope, clock),
        header="Authorization",
        scheme="Bearer",
        clock=clock,
        on_secret=on_secret,
        slot=slot,
    )


def check_family(resource: VoucherifyResource, auth: str) -> None:
    """Reject a list that another kind of connection reads.

    :raises ConfigurationError: with the kind of connection that the list needs
    """
    if resource.family != API_FAMILIES[auth]:
        message = f"'{resource.name}' is a list of the {resource.family} API, and this connection has auth '{auth}'"
        remedy = f"Use a connection with {_CONNECTION_KINDS[resource.family]}."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify")


def _exchange_token(
    transport: Transport, headers: Mapping[str, str], scope: str, clock: Clock
) -> tuple[str, float | None]:
    # Scopes are separated by spaces. With commas, the server answers 400 invalid_scope.
    scopes = " ".join(part for part in re.split(r"[\s,]+", scope) if part)
    request = Request(
        method="POST",
        path="/v1/oauth/token",
        form={"grant_type": "client_credentials", "scope": scopes},
        headers=headers,
        label="token",
        authenticated=False,
        check=access_token,
    )
    body: Any = transport.send(request).json()
    token = access_token(body)
    expires_in = body.get("expires_in")
    # Prefer the lifetime to expires_at: the server's clock may differ from ours.
    if isinstance(expires_in, int | float):
        return token, clock.time() + expires_in
    expires_at = body.get("expires_at")
    return token, float(expires_at) if isinstance(expires_at, int | float) else None
