"""What stands before a Yotpo store: the rate limit, the tokens, the headers of the gateway, the shapes of refusals.

The live API answers through Kong; its headers are recorded, its refusals are Kong's stock ones. It must not know what
is behind it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from airflow_provider_partners.sandbox.store import Document, Sandbox, format_timestamp
from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VIA = "kong/2.1.4"


@dataclass(frozen=True)
class RateLimitStatus:
    """Where a store stands within the present second."""

    allowed: bool
    limit: int
    remaining: int

    def headers(self) -> dict[str, str]:
        """As recorded, on every answer of a store."""
        limit, remaining = str(self.limit), str(self.remaining)
        return {
            "RateLimit-Limit": limit,
            "RateLimit-Remaining": remaining,
            "RateLimit-Reset": "1",
            "X-RateLimit-Limit-Second": limit,
            "X-RateLimit-Remaining-Second": remaining,
        }


class RateLimiter:
    """Counts calls per store in fixed windows of one second.

    :param clock: epoch seconds
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[int, int]] = {}

    def take(self, store_id: str, limit: int) -> RateLimitStatus:
        """Count one call; a refused one doesn't count."""
        with self._lock:
            second = int(self._clock())
            window, used = self._windows.get(store_id, (second, 0))
            if window != second:
                used = 0
            if used >= limit:
                return RateLimitStatus(allowed=False, limit=limit, remaining=0)
            self._windows[store_id] = (second, used + 1)
            return RateLimitStatus(allowed=True, limit=limit, remaining=limit - used - 1)


class Tokens:
    """Makes and checks access tokens; any number of a store's tokens are good at once.

    :param clock: epoch seconds by which tokens age
    """

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._lock = threading.Lock()

    def is_secret(self, store_id: str, secret: Any) -> bool:
        """Whether this is the store's secret."""
        known: str = self._sandbox.credentials["yotpo"].get(store_id, {}).get("secret", "")
        return isinstance(secret, str) and bool(known) and hmac.compare_digest(secret.encode(), known.encode())

    def make(self, store_id: str) -> str:
        """A new token; older ones stay good."""
        with self._lock:
            serial = self._sandbox.store.count("yotpo", store_id, "token")
            secret = self._sandbox.credentials["yotpo"][store_id]["secret"]
            token = hashlib.sha256(f"{store_id}/{secret}/{serial}".encode()).hexdigest()[:40]
            self._save(store_id, token, {"issued": self._clock(), "calls": 0})
        return token

    def check(self, store_id: str, token: str | None) -> None:
        """Let a call of the store pass.

        :raises Refusal: 401 without a good token, 403 with one of another store (both by switch)
        """
        switches = self._sandbox.switches
        if not token:
            raise ApiError(401, "X-Yotpo-Token is missing")
        with self._lock:
            known = self._known(store_id, token)
            if known is None:
                others = self._sandbox.credentials["yotpo"].keys() - {store_id}
                foreign = any(self._known(other, token) for other in others)
                name = "foreign" if foreign else "invalid"
                raise ApiError(switches[f"yotpo.{name}_token_status"], "The access token is invalid")
            self._age(store_id, token, known)

    def _age(self, store_id: str, token: str, known: Document) -> None:
        switches = self._sandbox.switches
        seconds, calls = switches["yotpo.token_seconds"], switches["yotpo.token_calls"]
        too_old = seconds is not None and self._clock() - known["issued"] >= seconds
        if too_old or (calls is not None and known["calls"] >= calls):
            raise ApiError(switches["yotpo.invalid_token_status"], "The access token has expired")
        if calls is not None:
            self._save(store_id, token, known | {"calls": known["calls"] + 1})

    def _known(self, store_id: str, token: str) -> Document | None:
        return self._sandbox.store.get("yotpo", store_id, "token", _digest(token))

    def _save(self, store_id: str, token: str, body: Document) -> None:
        at = format_timestamp(self._sandbox.clock())
        self._sandbox.store.put("yotpo", store_id, "token", _digest(token), body, at=at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def json_response(status: int, body: Document | None, allowance: RateLimitStatus | None) -> Response:
    """An answer that came from behind the gateway; without a body it has neither content nor a type (recorded)."""
    response = Response(status_code=status) if body is None else JSONResponse(body, status_code=status)
    if allowance is not None:
        response.headers.update(allowance.headers())
    response.headers["Correlation-Id"] = str(uuid.uuid4())
    response.headers["X-Kong-Upstream-Latency"] = "1"
    response.headers["X-Kong-Proxy-Latency"] = "1"
    response.headers["Via"] = _VIA
    return response


def error_response(error: ApiError, allowance: RateLimitStatus | None) -> Response:
    """A refusal of the store, in the shape that known clients read."""
    return json_response(error.status, {"errors": [{"message": each} for each in error.messages]}, allowance)


def gateway_error_response(
    status: int, message: str, allowance: RateLimitStatus | None = None, more: Mapping[str, str] | None = None
) -> Response:
    """A refusal of the gateway itself."""
    headers = {**(allowance.headers() if allowance else {}), "X-Kong-Response-Latency": "1", "Server": _VIA}
    return JSONResponse({"message": message}, status_code=status, headers=headers | dict(more or {}))
