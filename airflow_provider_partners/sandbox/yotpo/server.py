"""Yotpo's Core API v3 on this machine: routes, and what every call goes through before and after its operation.

What the documentation and the recorded exchanges leave open is a switch. State is in the sandbox's documents, one lock
per store; only the limiter's present second is in memory.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from airflow_provider_partners.sandbox.yotpo import orders, products
from airflow_provider_partners.sandbox.yotpo.gateway import (
    RateLimiter,
    RateLimitStatus,
    Tokens,
    error_response,
    gateway_error_response,
    json_response,
)
from airflow_provider_partners.sandbox.yotpo.records import Records
from airflow_provider_partners.sandbox.yotpo.request import Call, OperationResult
from airflow_provider_partners.sandbox.yotpo.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from airflow_provider_partners.sandbox.store import Sandbox

SWITCHES: dict[str, Any] = {
    "yotpo.rate_limit": 5,  # calls per second and store; 0: none
    "yotpo.throttle_body": "gateway",  # of a 429; or "errors"
    "yotpo.retry_after": True,  # a 429 has that header
    "yotpo.auth_body": "errors",  # of a 401 or 403; or "gateway"
    "yotpo.token_seconds": None,  # a token's age at its end
    "yotpo.token_calls": None,  # how many calls a token is good for
    "yotpo.invalid_token_status": 401,
    "yotpo.foreign_token_status": 403,
    "yotpo.unknown_store_status": 404,  # or 401
    "yotpo.patch_status": 200,  # or 204
    "yotpo.unknown_product_status": 404,  # or 400
    "yotpo.variants_in_line_items": False,  # a variant's external id may name a line's product
    "yotpo.product_lag": 0,  # seconds until an order may name a new product
    "yotpo.visibility_lag": 0,  # seconds until a new order, product or variant can be read
    "yotpo.customer_lag": 0,  # the same for customers; documented: up to a minute
    "yotpo.refuse_beyond_six_months": False,
    "yotpo.refuse_invalid_phone": True,
    "yotpo.refuse_unknown_properties": False,
    "yotpo.lenient_types": False,
    "yotpo.embedded_fulfillments": "merge",  # by external id; or "append": a re-send doubles them
    "yotpo.duplicate_fulfillment": 409,  # or "accept"
    "yotpo.default_limit": 10,
    "yotpo.cursor": "plain",  # or "encoded": to be URL-decoded once before it is sent
    "yotpo.external_ids_list": "list",  # or "nothing": a list matches nothing; or "first"
}
_OPERATIONS: tuple[tuple[str, str, str, Callable[[Call], OperationResult]], ...] = (
    ("POST", "orders", "orders.create", orders.create_order),
    ("GET", "orders", "orders.list", orders.list_orders),
    ("GET", "orders/{}", "orders.get", orders.read_order),
    ("PATCH", "orders/{}", "orders.update", orders.update_order),
    ("POST", "orders/{}/fulfillments", "fulfillments.create", orders.create_fulfillment),
    ("GET", "orders/{}/fulfillments", "fulfillments.list", orders.list_fulfillments),
    ("GET", "orders/{}/fulfillments/{}", "fulfillments.get", orders.read_fulfillment),
    ("PATCH", "orders/{}/fulfillments/{}", "fulfillments.update", orders.update_fulfillment),
    ("POST", "products", "products.create", products.create_product),
    ("GET", "products", "products.list", products.list_products),
    ("GET", "products/{}", "products.get", products.read_product),
    ("PATCH", "products/{}", "products.update", products.update_product),
    ("POST", "products/{}/variants", "variants.create", products.create_variant),
    ("GET", "products/{}/variants", "variants.list", products.list_variants),
    ("GET", "products/{}/variants/{}", "variants.get", products.read_variant),
    ("PATCH", "products/{}/variants/{}", "variants.update", products.update_variant),
    ("PATCH", "customers", "customers.update", products.update_customer),
    ("GET", "customers", "customers.list", products.list_customers),
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def routes(sandbox: Sandbox, *, clock: Callable[[], float] = time.time) -> list[BaseRoute]:
    """The routes below Yotpo's prefix.

    :param clock: epoch seconds for the limiter, the tokens and the lags
    """
    api = YotpoApi(sandbox=sandbox, clock=clock)
    return [
        Route("/oauth/token", api.oauth, methods=["POST"]),
        Route("/core/v3/stores/{store_id}/{path:path}", api.handle, methods=_METHODS),
        Route("/{path:path}", _no_route, methods=_METHODS),
    ]


async def _no_route(request: Request) -> Response:
    return gateway_error_response(404, "no Route matched with those values")


@dataclass(frozen=True, kw_only=True)
class _ApiRequest:
    """A request as the worker thread needs it."""

    method: str
    store_id: str
    path: str
    params: list[tuple[str, str]]
    token: str | None
    content_type: str
    content: bytes

    def json(self) -> Any:
        """The body.

        :raises Refusal: 400 if it isn't JSON
        """
        if self.method == "GET":
            return None
        if "json" not in self.content_type:
            raise ApiError(400, "Content-Type must be application/json")
        try:
            body = json.loads(self.content, parse_constant=_reject_constant)
            if b"\\u" in self.content:  # half a surrogate pair is no text, and could not be kept
                json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ApiError(400, "The body is not valid JSON") from None
        return body


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)


class YotpoApi:
    """Answers requests: finds the operation, throttles, checks the token, takes the store's lock, runs it."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._limiter = RateLimiter(clock=clock)
        self._tokens = Tokens(sandbox=sandbox, clock=clock)
        self._locks: dict[str, threading.Lock] = {}

    async def handle(self, request: Request) -> Response:
        """Answer one request to a store."""
        asked = _ApiRequest(
            method=request.method,
            store_id=request.path_params["store_id"],
            path=request.path_params["path"],
            params=request.query_params.multi_items(),
            token=request.headers.get("x-yotpo-token"),
            content_type=request.headers.get("content-type", ""),
            content=await request.body(),
        )
        return await run_in_threadpool(self._answer, asked)

    def _answer(self, asked: _ApiRequest) -> Response:
        found = _operation(asked.method, asked.path)
        if found is None:
            return gateway_error_response(404, "no Route matched with those values")
        name, run, ids = found
        switches = self._sandbox.switches
        if asked.store_id not in self._sandbox.credentials["yotpo"]:
            return error_response(ApiError(switches["yotpo.unknown_store_status"], "The store was not found"), None)
        allowance = None
        if switches["yotpo.rate_limit"]:
            allowance = self._limiter.take(asked.store_id, switches["yotpo.rate_limit"])
            if not allowance.allowed:
                self._sandbox.count("yotpo", asked.store_id, f"{name}.throttled")
                return self._throttled(allowance)
        response = self._run(asked, run, ids, allowance)
        self._sandbox.count("yotpo", asked.store_id, name)
        return response

    def _run(
        self,
        asked: _ApiRequest,
        run: Callable[[Call], OperationResult] | None,
        ids: tuple[str, ...],
        allowance: RateLimitStatus | None,
    ) -> Response:
        try:
            if run is None:
                return json_response(*self._token(asked), allowance)
            self._tokens.check(asked.store_id, asked.token)
            records = Records(sandbox=self._sandbox, store_id=asked.store_id, clock=self._clock)
            call = Call(records=records, ids=ids, params=asked.params, body=asked.json())
            with self._locks.setdefault(asked.store_id, threading.Lock()):
                products.add_site_reviews_product(records)
                return json_response(*run(call), allowance)
        except ApiError as refusal:
            gateway = self._sandbox.switches["yotpo.auth_body"] == "gateway"
            if refusal.status in {401, 403} and gateway:
                return gateway_error_response(refusal.status, "Unauthorized", allowance)
            return error_response(refusal, allowance)

    def _token(self, asked: _ApiRequest) -> OperationResult:
        body = asked.json()
        secret = body.get("secret") if isinstance(body, dict) else None
        if not secret:
            raise ApiError(400, "secret is missing")
        if not self._tokens.is_secret(asked.store_id, secret):
            raise ApiError(401, "The secret is wrong")
        return 200, {"access_token": self._tokens.make(asked.store_id)}

    def _throttled(self, allowance: RateLimitStatus) -> Response:
        switches = self._sandbox.switches
        more = {"Retry-After": "1"} if switches["yotpo.retry_after"] else {}
        if switches["yotpo.throttle_body"] == "gateway":
            return gateway_error_response(429, "API rate limit exceeded", allowance, more)
        response = error_response(ApiError(429, "API rate limit exceeded"), allowance)
        response.headers.update(more)
        return response

    async def oauth(self, request: Request) -> Response:
        """``POST /oauth/token``, in JSON or as a form; its tokens are as good as the others."""
        return await run_in_threadpool(self._oauth, request.headers.get("content-type", ""), await request.body())

    def _oauth(self, content_type: str, content: bytes) -> Response:
        try:
            given = json.loads(content) if "json" in content_type else dict(parse_qsl(content.decode()))
        except ValueError:
            given = None
        if not isinstance(given, dict) or given.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        store_id = given.get("client_id")
        if not isinstance(store_id, str) or not self._tokens.is_secret(store_id, given.get("client_secret")):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        self._sandbox.count("yotpo", store_id, "token")
        return JSONResponse({"access_token": self._tokens.make(store_id), "token_type": "bearer"})


def _operation(method: str, path: str) -> tuple[str, Callable[[Call], OperationResult] | None, tuple[str, ...]] | None:
    """Name, function (``None`` for the token's) and ids of what a path asks for; ``None`` for an unknown path."""
    if (method, path) == ("POST", "access_tokens"):
        return "token", None, ()
    parts = path.split("/")
    for verb, pattern, name, run in _OPERATIONS:
        steps = pattern.split("/")
        if verb == method and len(steps) == len(parts):
            pairs = list(zip(steps, parts, strict=True))
            if all(step == part or (step == "{}" and part) for step, part in pairs):
                return name, run, tuple(part for step, part in pairs if step == "{}")
    return None
