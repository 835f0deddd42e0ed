"""Access tokens of a Yotpo store: from the store's own endpoint, or by OAuth client credentials.

Source: https://core-api.yotpo.com/reference/yotpo-authentication
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from airflow_provider_partners.api.http.messages import Request, Response, access_token
from airflow_provider_partners.api.http.urls import path_segment
from airflow_provider_partners.exceptions import ConfigurationError

TOKEN_HEADER = "X-Yotpo-Token"  # noqa: S105 - a header's name


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCredentials:
    """Store id and API secret of one store, and the endpoint that turns them into a token.

    :param store_id: the store; Yotpo also calls it app key
    :param secret: the store's API secret
    :param auth: ``secret`` (the store's own endpoint) or ``oauth`` (client credentials)
    :raises ConfigurationError: when one is missing, or ``auth`` is neither of the two
    """

    store_id: str
    secret: str = field(repr=False)
    auth: str = "secret"

    def __post_init__(self) -> None:
        """Refuse what can never give a token."""
        if self.auth not in _TOKEN_REQUESTS:
            message = f"auth={self.auth!r} is unknown"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(_TOKEN_REQUESTS)}.", partner="Yotpo")
        if not self.store_id or not self.secret:
            message = "store id and API secret are both needed"
            raise ConfigurationError(message, remedy="Set login and password of the connection.", partner="Yotpo")

    @property
    def store_path(self) -> str:
        """The path that every endpoint of the store begins with."""
        return f"/core/v3/stores/{path_segment(self.store_id)}"

    def token_request(self) -> Request:
        """Return the request that a token answers."""
        path, body = _TOKEN_REQUESTS[self.auth](self)
        return Request(method="POST", path=path, json=body, label="token", authenticated=False, check=access_token)


def read_token(response: Response) -> tuple[str, float | None]:
    """Return the access token of a response, and ``None`` as its expiry.

    Yotpo names no lifetime. Its advice is to use a token until a request with it is refused.

    :raises UnexpectedResponseError: when the response has no token
    """
    return access_token(response.json()), None


def _store_token_request(credentials: StoreCredentials) -> tuple[str, dict[str, str]]:
    return f"{credentials.store_path}/access_tokens", {"secret": credentials.secret}


def _oauth_token_request(credentials: StoreCredentials) -> tuple[str, dict[str, str]]:
    body = {
        "client_id": credentials.store_id,
        "client_secret": credentials.secret,
        "grant_type": "client_credentials",
    }
    return "/oauth/token", body


_TOKEN_REQUESTS: Mapping[str, Callable[[StoreCredentials], tuple[str, dict[str, str]]]] = {
    "secret": _store_token_request,
    "oauth": _oauth_token_request,
}
"""Path and body of the token request, by the value of ``auth``."""
