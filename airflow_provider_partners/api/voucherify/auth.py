"""Who asks Voucherify: a project's key pair or its tokens, a client-side key, or a management key.

Must not know lists, nor how anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.auth import Auth, ExchangedToken, StaticHeaders
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.transport import Transport
    from airflow_provider_partners.api.voucherify.resources.model import VoucherifyResource

API_FAMILIES: Mapping[str, str] = {"keys": "server", "oauth": "server", "client": "client", "management": "management"}
"""Which of Voucherify's APIs each kind of connection reads."""

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
) -> Auth:
    """What proves who asks.

    :param auth: ``keys``, ``oauth``, ``client`` or ``management``
    :param application_id: of the key
    :param secret_key: of the same
    :param origin: where a client-side key is said to be used
    :param scope: a token's scopes
    :param transport: exchanges the key for a token
    :param clock: the time
    :param on_secret: told every secret and token before it is used
    :raises ConfigurationError: when something is missing
    """
    if auth not in API_FAMILIES:
        message = f"auth={auth!r} is unknown"
        raise ConfigurationError(message, remedy=f"Use one of: {', '.join(API_FAMILIES)}.", partner="Voucherify")
    if not application_id or not secret_key:
        message = "application id and secret key are both needed"
        raise ConfigurationError(message, remedy="Set login and password of the connection.", partner="Voucherify")
    if auth == "client" and not origin:
        message = "a client-side key needs the origin that it is used at"
        remedy = "Set the extra 'origin', such as https://shop.example.com, as allowed in the project's settings."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify")
    on_secret(secret_key)
    name, token = _HEADERS[API_FAMILIES[auth]]
    keys = {name: application_id, token: secret_key}
    if auth == "client":
        keys["Origin"] = origin or ""
    if auth != "oauth":
        return StaticHeaders(keys, on_secret=on_secret)
    return ExchangedToken(
        exchange=lambda: _exchange_token(transport(), keys, scope, clock),
        header="Authorization",
        scheme="Bearer",
        clock=clock,
        on_secret=on_secret,
    )


def check_family(resource: VoucherifyResource, auth: str) -> None:
    """Refuse a list that another kind of connection reads.

    :param resource: the list
    :param auth: this connection's
    :raises ConfigurationError: saying which kind it needs
    """
    if resource.family != API_FAMILIES[auth]:
        message = f"'{resource.name}' is a list of the {resource.family} API, and this connection has auth '{auth}'"
        remedy = f"Use a connection with {_CONNECTION_KINDS[resource.family]}."
        raise ConfigurationError(message, remedy=remedy, partner="Voucherify")


def _exchange_token(
    transport: Transport, keys: Mapping[str, str], scope: str, clock: Clock
) -> tuple[str, float | None]:
    # Scopes stand apart by spaces; commas are refused as an invalid scope.
    scopes = " ".join(part for part in re.split(r"[\s,]+", scope) if part)
    request = Request(
        method="POST",
        path="/v1/oauth/token",
        form={"grant_type": "client_credentials", "scope": scopes},
        headers=keys,
        label="token",
        authenticated=False,
    )
    body: Any = transport.send(request).json()
    token = body.get("access_token") if isinstance(body, Mapping) else None
    if not isinstance(token, str) or not token:
        message = "asked for an access token, got an answer without one"
        raise UnexpectedResponseError(message, partner="Voucherify")
    expires_in = body.get("expires_in")
    if isinstance(expires_in, int | float):  # by our own clock, which the partner's may differ from
        return token, clock.time() + expires_in
    expires_at = body.get("expires_at")
    return token, float(expires_at) if isinstance(expires_at, int | float) else None
