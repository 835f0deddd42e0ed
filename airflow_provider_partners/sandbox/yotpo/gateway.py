"""The gateway in front of Yotpo's stores: rate limit, access tokens, response headers, error bodies.

The live API answers through Kong. Its headers are those of recorded live responses
(https://github.com/ldgnoack/yotpo-ruby, ``spec/cassettes``); its errors are Kong's stock ones.
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
    """The rate limit of a store within the current second."""

    allowed: bool
    limit: int
    remaining: int

    def headers(self) -> dict[str, str]:
        """Return the rate-limit headers of a response."""
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

    def acquire(self, store_id: str, limit: int) -> RateLimitStatus:
        """Count one call, unless the limit is reached."""
        with self._lock:
            second = int(self._clock())
            window_start, used = self._windows.get(store_id, (second, 0))
            if window_start != second:
                used = 0
            if used >= limit:
                return RateLimitStatus(allowed=False, limit=limit, remaining=0)
            self._windows[store_id] = (second, used + 1)
            return RateLimitStatus(allowed=True, limit=limit, remaining=limit - used - 1)


class Tokens:
    """Issues and checks access tokens. Several tokens of a store are valid at once.

    :param clock: epoch seconds; tokens expire by it
    """

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._lock = threading.Lock()

    def is_secret(self, store_id: str, secret: Any) -> bool:
        """Return True if this is the store's secret."""
        expected: str = self._sandbox.credentials["yotpo"].get(store_id, {}).get("secret", "")
        return isinstance(secret, str) and bool(expected) and hmac.compare_digest(secret.encode(), expected.encode())

    def make(self, store_id: str) -> str:
        """Issue a new token; older ones stay valid."""
        with self._lock:
            serial = self._sandbox.store.count("yotpo", store_id, "token")
            secret = self._sandbox.credentials["yotpo"][store_id]["secret"]
            token = hashlib.sha256(f"{store_id}/{secret}/{serial}".encode()).hexdigest()[:40]
            self._save(store_id, token, {"issued": self._clock(), "calls": 0})
        return token

    def check(self, store_id: str, token: str | None) -> None:
        """Check the token of a call and count the call.

        :raises ApiError: 401 without a valid token, 403 with the token of another store (both statuses are switches)
        """
        switches = self._sandbox.switches
        if not token:
            raise ApiError(401, "X-Yotpo-Token is missing")
        with self._lock:
            record = self._load(store_id, token)
            if record is None:
                others = self._sandbox.credentials["yotpo"].keys() - {store_id}
                foreign = any(self._load(other, token) for other in others)
                name = "foreign" if foreign else "invalid"
                raise ApiError(switches[f"yotpo.{name}_token_status"], "The access token is invalid")
            self._check_expiry(store_id, token, record)

    def _check_expiry(self, store_id: str, token: str, record: Document) -> None:
        switches = self._sandbox.switches
        seconds, calls = switches["yotpo.token_seconds"], switches["yotpo.token_calls"]
        too_old = seconds is not None and self._clock() - record["issued"] >= seconds
        if too_old or (calls is not None and record["calls"] >= calls):
            raise ApiError(switches["yotpo.invalid_token_status"], "The access token has expired")
        if calls is not None:
            self._save(store_id, token, record | {"calls": record["calls"] + 1})

    def _load(self, store_id: str, token: str) -> Document | None:
        return self._sandbox.store.get("yotpo", store_id, "token", _digest(token))

    def _save(self, store_id: str, token: str, body: Document) -> None:
        at = format_timestamp(self._sandbox.clock())
        self._sandbox.store.put("yotpo", store_id, "token", _digest(token), body, at=at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def json_response(status: int, body: Document | None, rate_limit: RateLimitStatus | None) -> Response:
    """Return a response from behind the gateway. One without a body has no content type, as recorded."""
    response = Response(status_code=status) if body is None else JSONResponse(body, status_code=status)
    if rate_limit is not None:
        response.headers.update(rate_limit.headers())
    response.headers["Correlation-Id"] = str(uuid.uuid4())
    response.headers["X-Kong-Upstream-Latency"] = "1"
    response.headers["X-Kong-Proxy-Latency"] = "1"
    response.headers["Via"] = _VIA
    return response


def error_response(error: ApiError, rate_limit: RateLimitStatus | None) -> Response:
    """Return an error of the store."""
    return json_response(error.status, {"errors": [{"message": each} for each in error.messages]}, rate_limit)


def gateway_error_response(
    status: int, message: str, rate_limit: RateLimitStatus | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error of the gateway itself."""
    own_headers = {**(rate_limit.headers() if rate_limit else {}), "X-Kong-Response-Latency": "1", "Server": _VIA}
    return JSONResponse({"message": message}, status_code=status, headers=own_headers | dict(headers or {}))
