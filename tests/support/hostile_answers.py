"""Answers of a server, a gateway or a proxy that hold all that it has received, and a transport that gives them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from unittest import mock

import httpx
from canaries import MARK

from airflow_provider_partners.hooks.base import PartnerHook

__all__ = ["ANSWERS", "Answer", "a_write_of_orders", "answering", "any_request", "later_request", "no_token"]


def _everything(request: httpx.Request) -> str:
    """The request with its URL, headers and body: what a page for developers shows."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    # Long texts are cut: what must not be shown comes first, each time in another order.
    values = [value for value in _values(request) if MARK in value.lower()]
    secrets = [value for name, value in request.headers.items() if "auth" in name or "token" in name]
    first = [*values, *secrets] if len(request.url.path) % 2 else [*secrets, *values]
    body = request.read().decode(errors="replace")
    return f"{' '.join(first)} {request.method} {request.url}\n{headers}\n\n{body}"


def _values(request: httpx.Request) -> list[str]:
    """Every text of the request's body, as errors by field quote it."""
    found: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, Mapping):
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)
        elif isinstance(value, str):
            found.append(value)

    with contextlib.suppress(ValueError):
        collect(json.loads(request.read() or b"null"))
    found += [value for _, value in request.url.params.multi_items()]
    return sorted(found, key=lambda value: MARK not in value.lower())


def _by_field(request: httpx.Request) -> dict[str, Any]:
    return {"errors": {f"field_{number}": [f"{value} is not valid"] for number, value in enumerate(_values(request))}}


def _messages(request: httpx.Request) -> dict[str, Any]:
    return {"errors": [{"message": f"'{value}' is not valid", "detail": value} for value in _values(request)]}


def _graphql(request: httpx.Request) -> dict[str, Any]:
    texts = [f"Variable $input was provided invalid value for {value}" for value in (_values(request) or ["x"])]
    return {"errors": [{"message": text, "extensions": {"code": "argumentLiteralsIncompatible"}} for text in texts]}


def _page(request: httpx.Request) -> str:
    return f"<html><head><title>Error {request.url}</title></head><body><pre>{_everything(request)}</pre></body></html>"


def _secret_location(request: httpx.Request) -> str:
    token = next((value for name, value in request.headers.items() if "auth" in name or "token" in name), "none")
    return f"https://evil.example/{token.rpartition(' ')[2]}/x?token={token}#{token}"


def _raise(error: Exception) -> httpx.Response:
    raise error


Answer = Callable[[httpx.Request], httpx.Response]
ANSWERS: dict[str, Answer] = {
    **{
        f"{status} with messages": lambda request, status=status: httpx.Response(status, json=_messages(request))
        for status in (400, 401, 403, 404, 409, 422, 500)
    },
    "400 with errors by field": lambda request: httpx.Response(400, json=_by_field(request)),
    "422 with errors by field": lambda request: httpx.Response(422, json=_by_field(request)),
    "400 with the whole request": lambda request: httpx.Response(400, text=_everything(request)),
    "401 with the whole request": lambda request: httpx.Response(401, text=_everything(request)),
    "403 as a page": lambda request: httpx.Response(403, html=_page(request)),
    "404 as a page": lambda request: httpx.Response(404, html=_page(request)),
    "429 with the whole request": lambda request: httpx.Response(
        429, text=_everything(request), headers={"Retry-After": "2"}
    ),
    "502 as a page": lambda request: httpx.Response(502, html=_page(request)),
    "503 with JSON": lambda request: httpx.Response(503, json={"message": _everything(request)}),
    "200 with errors of GraphQL": lambda request: httpx.Response(200, json=_graphql(request)),
    "200 as a page": lambda request: httpx.Response(200, html=_page(request)),
    "200 as text": lambda request: httpx.Response(200, text=_everything(request)),
    "200 cut": lambda request: httpx.Response(200, text=json.dumps({"data": _everything(request)})[:-2]),
    "200 of another shape": lambda request: httpx.Response(200, json={"data": {"orders": _everything(request)}}),
    "200 as a list of texts": lambda request: httpx.Response(200, json=[_everything(request), *_values(request)]),
    "200 with a deep value": lambda request: httpx.Response(200, text='{"a":' * 200 + json.dumps(_everything(request))),
    "200 with a number": lambda request: httpx.Response(200, text='{"data": ' + "9" * 5_000 + "}"),
    "a redirect with tokens": lambda request: httpx.Response(302, headers={"Location": _secret_location(request)}),
    "a redirect to no URL": lambda request: httpx.Response(302, headers={"Location": f"http://[{request.url}"}),
    "a header with tokens": lambda request: httpx.Response(
        400, json={}, headers={"X-Request-Id": "abc", "Set-Cookie": _secret_location(request)}
    ),
    "a refused connection": lambda request: _raise(httpx.ConnectError(f"no route: {_everything(request)}")),
    "a broken connection": lambda request: _raise(httpx.ReadError(f"reset: {_everything(request)}")),
    "a timeout": lambda request: _raise(httpx.ReadTimeout(f"timeout: {_everything(request)}")),
    "a wrong URL": lambda request: _raise(httpx.InvalidURL(f"wrong: {_everything(request)}")),
    "a wrong header": lambda request: _raise(httpx.LocalProtocolError(f"Illegal value: {_everything(request)}")),
    "a broken protocol": lambda request: _raise(httpx.RemoteProtocolError(f"bad: {_everything(request)}")),
    "a broken proxy": lambda request: _raise(httpx.ProxyError(f"407: {_everything(request)}")),
}


class Answering(httpx.BaseTransport):
    """Sends requests to the sandbox, but answers some itself."""

    def __init__(self, answer: Answer, chosen: Callable[[httpx.Request], bool]) -> None:
        self._inner = httpx.HTTPTransport(verify=False)
        self._answer = answer
        self._chosen = chosen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._chosen(request):
            request.read()
            return self._answer(request)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextlib.contextmanager
def answering(answer: Answer, chosen: Callable[[httpx.Request], bool]) -> Iterator[None]:
    options = PartnerHook.client_options

    def with_handler(self: Any, *credential: str) -> Any:
        return replace(options(self, *credential), handler=Answering(answer, chosen))

    with mock.patch.object(PartnerHook, "client_options", with_handler):
        yield


def any_request(request: httpx.Request) -> bool:
    return True


def no_token(request: httpx.Request) -> bool:
    return "token" not in request.url.path


def later_request(request: httpx.Request) -> bool:
    body = request.read()
    return "token" not in request.url.path and b"currentAppInstallation" not in body and b"Count" not in body


def a_write_of_orders(request: httpx.Request) -> bool:
    return request.method in {"POST", "PATCH", "PUT"} and "/orders" in request.url.path
