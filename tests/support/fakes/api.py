"""A partner's API in memory, and a transport that calls it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from client_options import gather_options

from airflow_provider_partners.api.clock import Clock
from airflow_provider_partners.api.http.messages import Request
from airflow_provider_partners.api.http.transport import Transport

GET = Request(method="GET", path="/orders", label="orders.list")

StubResponse = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeApi:
    """Returns its responses one after the other, and the last one again and again."""

    def __init__(self, *responses: StubResponse) -> None:
        self.responses = list(responses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if isinstance(response, Exception):
            raise response
        return response(request) if callable(response) else response


def ok(body: object = None, **options: object) -> httpx.Response:
    return httpx.Response(200, json=body or {"ok": True}, **options)  # type: ignore[arg-type]


def status(code: int, body: object = None, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(code, json=body, headers=named) if body is not None else httpx.Response(code, headers=named)


def transport(api: FakeApi, clock: Clock, **options: object) -> Transport:
    arguments = {"partner": "Yotpo", "base_url": "https://api.yotpo.com/core/v3", **options}
    return Transport(**gather_options(handler=httpx.MockTransport(api), clock=clock, **arguments))  # type: ignore[arg-type]
