"""Authentication at a shop's Admin API: a fixed token, a token exchanged for client credentials, or a stored one.

Tokens of public apps expire after an hour, tokens of client credentials after a day. Both are renewed before they
expire, and once more if a shop refuses them. See https://shopify.dev/docs/apps/build/authentication-authorization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.auth import Auth, ExchangedToken, StaticHeaders
from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.http.messages import Request, access_token
from airflow_provider_partners.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.memory import TokenSlot
    from airflow_provider_partners.api.http.transport import Transport

TOKEN_HEADER = "X-Shopify-Access-Token"  # noqa: S105 - a header's name
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105 - a path

_CLIENT_CREDENTIALS_REMEDY = (
    "Check client id and secret. The app must be installed on this shop and belong to the shop's organization, or "
    "Shopify refuses client credentials. Other apps use auth='token'."
)

TOKEN_ERROR_HANDLER = ErrorHandler().with_overrides(
    dict.fromkeys((400, 401, 403, 404), ResponseAction.REAUTHENTICATE),
    remedies=dict.fromkeys((400, 401, 403, 404), _CLIENT_CREDENTIALS_REMEDY),
)
"""The token endpoint refuses with several statuses. All of them have the same three causes."""


def shop_url(base_url: str, shop: str) -> str:
    """Return the base URL of a shop.

    :param base_url: with ``{shop}`` in place of the shop's name, or without it
    :param shop: the shop's domain
    """
    return base_url.replace("{shop}", shop.partition(".")[0])


def make_auth(
    *,
    auth: str,
    access_token: str | None,
    client_id: str | None,
    client_secret: str | None,
    token_provider: Callable[[], str] | None,
    transport: Callable[[], Transport],
    clock: Clock,
    on_secret: Callable[[str], None],
    slot: TokenSlot | None = None,
) -> Auth:
    """Return the authentication of a shop.

    :param auth: ``token`` or ``client_credentials``
    :param token_provider: returns the shop's current token; takes precedence over all others
    :param transport: returns the client's transport, which exchanges the tokens
    :param slot: of a token that other clients with the same client credentials share
    :raises ConfigurationError: naming the missing credential
    """
    if token_provider is not None:
        return ExchangedToken(
            exchange=lambda: (_require_token(token_provider()), None),
            header=TOKEN_HEADER,
            clock=clock,
            on_secret=on_secret,
        )
    if auth == "client_credentials":
        if not client_id or not client_secret:
            message = "client credentials need a client id and a client secret"
            remedy = "Set the connection's login to the id and its password to the secret."
            raise ConfigurationError(message, remedy=remedy)
        on_secret(client_secret)
        exchange = ClientCredentialsExchange(client_id, client_secret, transport, clock)
        return ExchangedToken(exchange=exchange, header=TOKEN_HEADER, clock=clock, on_secret=on_secret, slot=slot)
    if auth != "token":
        message = f"'auth' is {auth!r}"
        raise ConfigurationError(message, remedy="Use 'token' or 'client_credentials'.")
    if not access_token:
        message = "the access token is missing"
        raise ConfigurationError(message, remedy="Set the connection's password to the shop's access token.")
    return StaticHeaders({TOKEN_HEADER: access_token}, on_secret=on_secret)


class ClientCredentialsExchange:
    """Exchanges client credentials for a token that is valid for a day."""

    def __init__(self, client_id: str, client_secret: str, transport: Callable[[], Transport], clock: Clock) -> None:
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._transport = transport
        self._clock = clock

    def __call__(self) -> tuple[str, float | None]:
        """Return a new token and its expiry, in seconds since 1970."""
        request = Request(
            method="POST",
            path=TOKEN_PATH,
            form=self._form,
            label="token",
            cost=0.0,
            authenticated=False,
            check=access_token,
        )
        requested_at = self._clock.time()
        self._transport().redactor.add(self._form["client_secret"])
        body: Any = self._transport().send(request, error_handler=TOKEN_ERROR_HANDLER).json()
        lifetime = body.get("expires_in")
        return access_token(body), requested_at + float(lifetime) if isinstance(lifetime, int | float) else None


def _require_token(token: str) -> str:
    if not token:
        message = "the token provider returned no token"
        raise ConfigurationError(message, remedy="Make sure that it has a token of this shop.")
    return token
