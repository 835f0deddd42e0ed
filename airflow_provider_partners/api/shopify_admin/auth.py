"""How an app proves itself to a shop's Admin API: a token that stands, one exchanged for here, or one kept elsewhere.

Tokens of public apps expire after an hour, those of client credentials after a day; both are renewed before, and once
more when a shop refuses them. Must not know GraphQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_partners.api.http.auth import Auth, ExchangedToken, StaticHeaders
from airflow_provider_partners.api.http.errors import ErrorHandler, ResponseAction
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.http.transport import Transport

TOKEN_HEADER = "X-Shopify-Access-Token"
TOKEN_PATH = "/admin/oauth/access_token"

_CLIENT_CREDENTIALS_REMEDY = (
    "Check client id and secret, and that the app is installed on this shop and belongs to the same organization: "
    "only then does Shopify grant client credentials. Other apps use auth='token'."
)

TOKEN_ERROR_HANDLER = ErrorHandler().with_overrides(
    dict.fromkeys((400, 401, 403, 404), ResponseAction.REFUSE_CREDENTIALS),
    remedies=dict.fromkeys((400, 401, 403, 404), _CLIENT_CREDENTIALS_REMEDY),
)
"""The token endpoint refuses in several statuses, all about the same three things."""


def shop_url(base_url: str, shop: str) -> str:
    """The address of a shop.

    :param base_url: with ``{shop}`` where the shop's name belongs, or the whole address
    :param shop: its domain
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
) -> Auth:
    """The credentials of a shop.

    :param auth: ``token`` or ``client_credentials``
    :param access_token: for ``token``
    :param client_id: for ``client_credentials``
    :param client_secret: for ``client_credentials``
    :param token_provider: in place of all others: gives the shop's current token
    :param transport: the client's own, on which tokens are exchanged
    :param clock: the time
    :param on_secret: told every token before it is used
    :raises ConfigurationError: naming what is missing
    """
    if token_provider is not None:
        return ExchangedToken(exchange=lambda: (_require_token(token_provider()), None), header=TOKEN_HEADER, clock=clock,
                              on_secret=on_secret)  # fmt: skip
    if auth == "client_credentials":
        if not client_id or not client_secret:
            message = "client credentials need a client id and a client secret"
            remedy = "Set the connection's login to the id and its password to the secret."
            raise ConfigurationError(message, remedy=remedy)
        on_secret(client_secret)
        grant = ClientCredentialsExchange(client_id, client_secret, transport, clock)
        return ExchangedToken(exchange=grant, header=TOKEN_HEADER, clock=clock, on_secret=on_secret)
    if auth != "token":
        message = f"'auth' is {auth!r}"
        raise ConfigurationError(message, remedy="Use 'token' or 'client_credentials'.")
    if not access_token:
        message = "no access token is given"
        raise ConfigurationError(message, remedy="Set the connection's password to the shop's access token.")
    return StaticHeaders({TOKEN_HEADER: access_token}, on_secret=on_secret)


class ClientCredentialsExchange:
    """Exchanges client credentials for a token of a day.

    :param client_id: of the app
    :param client_secret: of the app
    :param transport: the client's own
    :param clock: the time
    """

    def __init__(self, client_id: str, client_secret: str, transport: Callable[[], Transport], clock: Clock) -> None:
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._transport = transport
        self._clock = clock

    def __call__(self) -> tuple[str, float | None]:
        """A new token and when it expires, in seconds since 1970."""
        request = Request(method="POST", path=TOKEN_PATH, form=self._form, label="token", cost=0.0, authenticated=False)
        begun = self._clock.time()
        self._transport().redactor.add(self._form["client_secret"])
        response = self._transport().send(request, error_handler=TOKEN_ERROR_HANDLER)
        body: Any = response.json()
        token = body.get("access_token") if isinstance(body, dict) else None
        if not token or not isinstance(token, str):
            message = "the token endpoint answered without an access token"
            raise UnexpectedResponseError(message, status=response.status, request_id=response.request_id)
        life = body.get("expires_in")
        return token, begun + float(life) if isinstance(life, int | float) else None


def _require_token(token: str) -> str:
    if not token:
        message = "the token provider gave no token"
        raise ConfigurationError(message, remedy="See that it holds a token of this shop.")
    return token
