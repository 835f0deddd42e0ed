"""Sending to one Yotpo store: its root path, its token, the envelopes around what is written and read.

Must not know which operations there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow_provider_partners.api.auth import ExchangedToken
from airflow_provider_partners.api.budget import RateLimiter
from airflow_provider_partners.api.messages import Record, Request, Response
from airflow_provider_partners.api.transport import Transport
from airflow_provider_partners.api.yotpo_resources import (
    YOTPO_ERRORS,
    YOTPO_TOKEN_ERRORS,
    update_rate_limit,
    with_yotpo_id,
)
from airflow_provider_partners.exceptions import ConfigurationError, UnexpectedResponseError

if TYPE_CHECKING:
    from airflow_provider_partners.api.clock import Clock
    from airflow_provider_partners.api.ledgers import RateLimitStore

TOKEN_HEADER = "X-Yotpo-Token"  # noqa: S105 - a header's name


class StoreWire:
    """One store's side of the transport; parameters are those of ``YotpoClient``."""

    def __init__(
        self,
        *,
        store_id: str,
        secret: str,
        base_url: str,
        auth: str,
        requests_per_second: float,
        rate_limit_store: RateLimitStore | None,
        handler: Any,
        clock: Clock,
        on_secret: Callable[[str], None],
        **transport_options: Any,
    ) -> None:
        exchanges = {"secret": self._store_token, "oauth": self._oauth_token}
        if auth not in exchanges:
            message = f"auth={auth!r} is unknown"
            raise ConfigurationError(message, remedy=f"Use one of: {', '.join(exchanges)}.", partner="Yotpo")
        if not store_id or not secret:
            message = "store id and API secret are both needed"
            raise ConfigurationError(message, remedy="Set login and password of the connection.", partner="Yotpo")
        self._store_id = store_id
        self._secret = secret
        self._root = f"/core/v3/stores/{quote(store_id, safe='')}"
        self.transport = Transport(
            partner="Yotpo",
            base_url=base_url,
            # Yotpo gives no lifetime: a token is used until it is refused (its own advice).
            auth=ExchangedToken(exchange=exchanges[auth], header=TOKEN_HEADER, clock=clock, on_secret=on_secret),
            rate_limit=RateLimiter(rate=requests_per_second, store=rate_limit_store, clock=clock),
            error_handler=YOTPO_ERRORS,
            rate_limit_observer=update_rate_limit,
            request_id_headers=("correlation-id", "x-request-id"),
            handler=handler,
            clock=clock,
            **transport_options,
        )
        on_secret(secret)
        self.transport.redactor.add(secret)

    def get(self, path: str, label: str, query: Mapping[str, str]) -> Any:
        """Read.

        :param path: below the store
        :param label: the operation, for logs and counters
        :param query: the parameters
        :returns: the answer's JSON
        """
        return self._send("GET", path, label, query=query).json()

    def read(self, path: str, label: str, envelope: str) -> Record:
        """Read one record.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        """
        return with_yotpo_id(_unwrap(self.get(path, label, {}), envelope))

    def create(self, path: str, label: str, envelope: str, payload: Mapping[str, Any]) -> int:
        """Create a record.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        :param payload: the record
        :returns: Yotpo's id; the answer holds nothing else (recorded)
        """
        response = self._send("POST", path, label, body={envelope: dict(payload)})
        return parse_yotpo_id(with_yotpo_id(_unwrap(response.json(), envelope)).get("yotpo_id"))

    def update(self, path: str, label: str, envelope: str, payload: Mapping[str, Any]) -> None:
        """Change some of a record. The answer is empty (recorded), so there is nothing to read.

        :param path: below the store
        :param label: the operation
        :param envelope: the name around the record
        :param payload: what changes
        """
        self._send("PATCH", path, label, body={envelope: dict(payload)})

    def _send(
        self,
        method: str,
        path: str,
        label: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Response:
        params = tuple((query or {}).items())
        return self.transport.send(
            Request(method=method, path=f"{self._root}{path}", params=params, json=body, label=label)
        )

    def _store_token(self) -> tuple[str, float | None]:
        return self._exchange_token(f"{self._root}/access_tokens", {"secret": self._secret})

    def _oauth_token(self) -> tuple[str, float | None]:
        credentials = {"client_id": self._store_id, "client_secret": self._secret}
        return self._exchange_token("/oauth/token", {**credentials, "grant_type": "client_credentials"})

    def _exchange_token(self, path: str, body: Mapping[str, str]) -> tuple[str, float | None]:
        request = Request(method="POST", path=path, json=body, label="token", authenticated=False)
        answer = self.transport.send(request, error_handler=YOTPO_TOKEN_ERRORS).json()
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            message = "asked for an access token, got an answer without one"
            raise UnexpectedResponseError(message, partner="Yotpo")
        return token, None


def _unwrap(body: Any, envelope: str) -> Record:
    inside = body.get(envelope) if isinstance(body, Mapping) else None
    if not isinstance(inside, dict):
        held = sorted(map(str, body)) if isinstance(body, Mapping) else type(body).__name__
        message = f"the answer has no '{envelope}' in it, but {held}"
        raise UnexpectedResponseError(message[:300], partner="Yotpo")
    return inside


def parse_yotpo_id(value: Any) -> int:
    """An id of Yotpo's: a whole number, which may need more than 32 bits (recorded).

    :param value: as given or read
    :raises UnexpectedResponseError: for anything else
    """
    try:
        return int(value)
    except (TypeError, ValueError):
        message = "Yotpo's id of a record is no whole number"
        raise UnexpectedResponseError(message, partner="Yotpo") from None
