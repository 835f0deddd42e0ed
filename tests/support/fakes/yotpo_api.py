"""A Yotpo store behind the HTTP library: it hands out tokens and answers every other request by a function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from client_options import gather_options
from clocks import TurningClock

from airflow_provider_partners.api.yotpo.client import YotpoClient

ROOT = "/core/v3/stores/STORE"


class FakeYotpoApi:
    """Remembers the requests, those for tokens apart from all others."""

    def __init__(self, respond: Callable[[httpx.Request], httpx.Response] | httpx.Response) -> None:
        self.respond = respond
        self.requests: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/access_tokens", "/oauth/token")):
            self.token_requests.append(request)
            return httpx.Response(200, json={"access_token": f"token-{len(self.token_requests)}"})
        self.requests.append(request)
        return self.respond(request) if callable(self.respond) else self.respond

    @property
    def sent(self) -> tuple[str, str, Any]:
        """Method, path and body of the last request."""
        last = self.requests[-1]
        return last.method, last.url.path, json.loads(last.content) if last.content else None


def yotpo_client(api: Callable[[httpx.Request], httpx.Response], **arguments: Any) -> YotpoClient:
    """A client of the store; arguments of the client and of ``ClientOptions`` together."""
    defaults = {"store_id": "STORE", "secret": "the-api-secret", "clock": TurningClock(), "requests_per_second": 1000.0}
    return YotpoClient(**gather_options(handler=httpx.MockTransport(api), **{**defaults, **arguments}))


def error_response(status: int, *messages: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"errors": [{"message": text} for text in messages]}, headers=named)
