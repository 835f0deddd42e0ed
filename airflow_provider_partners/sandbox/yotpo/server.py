"""The sandbox's server of Yotpo's Core API v3: routes, gateway, tokens and operations.

API: https://core-api.yotpo.com/reference. A behaviour that the documentation and recorded calls leave open is a switch.
Each store has one lock. Everything except the rate limit's counters is in the sandbox's store.
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

from airflow_provider_partners.sandbox.yotpo import orders, products, ugc
from airflow_provider_partners.sandbox.yotpo.errors import ApiError
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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from airflow_provider_partners.sandbox.store import Sandbox

SWITCHES: dict[str, Any] = {
    "yotpo.rate_limit": 5,  # calls per second and store; 0: none
    "yotpo.throttle_body": "gateway",  # body of a 429; or "errors"
    "yotpo.retry_after": True,  # a 429 has a Retry-After header
    "yotpo.auth_body": "errors",  # body of a 401 or 403; or "gateway"
    "yotpo.token_seconds": None,  # seconds until a token expires; None: never
    "yotpo.token_calls": None,  # calls until a token expires; None: never
    "yotpo.invalid_token_status": 401,
    "yotpo.foreign_token_status": 403,
    "yotpo.unknown_store_status": 404,  # or 401
    "yotpo.patch_status": 200,  # or 204
    "yotpo.unknown_product_status": 404,  # or 400
    "yotpo.variants_in_line_items": False,  # a line item may name a variant's external id
    "yotpo.product_lag": 0,  # seconds until an order may name a new product
    "yotpo.visibility_lag": 0,  # seconds until a new order, product or variant can be read
    "yotpo.customer_lag": 0,  # the same for customers; documented as up to a minute
    "yotpo.refuse_beyond_six_months": False,
    "yotpo.refuse_invalid_phone": True,
    "yotpo.refuse_unknown_properties": False,
    "yotpo.lenient_types": False,
    "yotpo.embedded_fulfillments": "merge",  # by external id; or "append": sending them again doubles them
    "yotpo.nested_objects": "merge",  # an update of an object, line or fulfillment; or "replace": it is the whole one
    "yotpo.duplicate_fulfillment": 409,  # or "accept"
    "yotpo.default_limit": 10,
    "yotpo.cursor": "plain",  # or "encoded": the client must URL-decode it once before it sends it
    "yotpo.ignores_since_updated_at": False,  # the filter of reviews does nothing
    # or "nothing": a list matches no record; or "first": use the first id; or "ignored": the filter does nothing
    "yotpo.external_ids_list": "list",
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
    """Return the routes below Yotpo's prefix.

    :param clock: epoch seconds for the rate limit, the tokens and the lags
    """
    api = YotpoApi(sandbox=sandbox, clock=clock)
    return [
        Route("/oauth/token", api.oauth, methods=["POST"]),
        Route("/core/v3/stores/{store_id}/{path:path}", api.handle, methods=_METHODS),
        Route("/v1/apps/{store_id}/reviews", api.reviews, methods=["GET"]),
        Route("/apps/{store_id}/unsubscribers", api.unsubscribers, methods=["GET"]),
        Route("/{path:path}", _no_route, methods=_METHODS),
    ]


async def _no_route(request: Request) -> Response:
    return gateway_error_response(404, "no Route matched with those values")


@dataclass(frozen=True, kw_only=True)
class _ApiRequest:
    """A request as the worker thread gets it."""

    method: str
    store_id: str
    path: str
    params: list[tuple[str, str]]
    token: str | None
    content_type: str
    content: bytes

    def json(self) -> Any:
        """Return the JSON body.

        :raises ApiError: 400 if it is no JSON
        """
        if self.method == "GET":
            return None
        if "json" not in self.content_type:
            raise ApiError(400, "Content-Type must be application/json")
        try:
            body = json.loads(self.content, parse_constant=_reject_constant)
            if b"\\u" in self.content:  # one half of a surrogate pair is no text: it cannot be stored
                json.dumps(body, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise ApiError(400, "The body is not valid JSON") from None
        return body


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(text)


class YotpoApi:
    """Answers requests: finds the operation, counts the call, checks the token, locks the store, runs the operation."""

    def __init__(self, *, sandbox: Sandbox, clock: Callable[[], float]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._limiter = RateLimiter(clock=clock)
        self._tokens = Tokens(sandbox=sandbox, clock=clock)
        self._locks: dict[str, threading.Lock] = {}

    async def handle(self, request: Request) -> Response:
        """Answer one request to a store."""
        store_request = _ApiRequest(
            method=request.method,
            store_id=request.path_params["store_id"],
            path=request.path_params["path"],
            params=request.query_params.multi_items(),
            token=request.headers.get("x-yotpo-token"),
            content_type=request.headers.get("content-type", ""),
            content=await request.body(),
        )
        return await run_in_threadpool(self._answer, store_request)

    def _answer(self, request: _ApiRequest) -> Response:
        operation = _operation(request.method, request.path)
        if operation is None:
            return gateway_error_response(404, "no Route matched with those values")
        name, run, ids = operation
        switches = self._sandbox.switches
        if request.store_id not in self._sandbox.credentials["yotpo"]:
            return error_response(ApiError(switches["yotpo.unknown_store_status"], "The store was not found"), None)
        rate_limit = None
        if switches["yotpo.rate_limit"]:
            rate_limit = self._limiter.acquire(request.store_id, switches["yotpo.rate_limit"])
            if not rate_limit.allowed:
                self._sandbox.count("yotpo", request.store_id, f"{name}.throttled")
                return self._throttled(rate_limit)
        response = self._run(request, run, ids, rate_limit)
        self._sandbox.count("yotpo", request.store_id, name)
        return response

    async def reviews(self, request: Request) -> Response:
        """``GET /v1/apps/{app_key}/reviews``."""
        return await run_in_threadpool(self._read_ugc, request, "reviews.list", ugc.list_reviews)

    async def unsubscribers(self, request: Request) -> Response:
        """``GET /apps/{app_key}/unsubscribers``."""
        return await run_in_threadpool(self._read_ugc, request, "unsubscribers.list", ugc.list_unsubscribers)

    def _read_ugc(
        self, request: Request, name: str, read: Callable[[Sandbox, str, Mapping[str, str]], dict[str, Any]]
    ) -> Response:
        """Answer a list of the older API, which takes the token as a parameter and ignores the header."""
        store_id, params = request.path_params["store_id"], dict(request.query_params)
        rate_limit = None
        if limit := self._sandbox.switches["yotpo.rate_limit"]:
            rate_limit = self._limiter.acquire(store_id, limit)
            if not rate_limit.allowed:
                self._sandbox.count("yotpo", store_id, f"{name}.throttled")
                return self._throttled(rate_limit)
        self._sandbox.count("yotpo", store_id, name)
        try:
            self._tokens.check(store_id, params.pop("utoken", None))
            with self._locks.setdefault(store_id, threading.Lock()):
                return json_response(200, read(self._sandbox, store_id, params), rate_limit)
        except ApiError as error:
            return error_response(error, rate_limit)

    def _run(
        self,
        request: _ApiRequest,
        run: Callable[[Call], OperationResult] | None,
        ids: tuple[str, ...],
        rate_limit: RateLimitStatus | None,
    ) -> Response:
        try:
            if run is None:
                return json_response(*self._token(request), rate_limit)
            self._tokens.check(request.store_id, request.token)
            records = Records(sandbox=self._sandbox, store_id=request.store_id, clock=self._clock)
            call = Call(records=records, ids=ids, params=request.params, body=request.json())
            with self._locks.setdefault(request.store_id, threading.Lock()):
                products.add_site_reviews_product(records)
                return json_response(*run(call), rate_limit)
        except ApiError as error:
            gateway = self._sandbox.switches["yotpo.auth_body"] == "gateway"
            if error.status in {401, 403} and gateway:
                return gateway_error_response(error.status, "Unauthorized", rate_limit)
            return error_response(error, rate_limit)

    def _token(self, request: _ApiRequest) -> OperationResult:
        body = request.json()
        secret = body.get("secret") if isinstance(body, dict) else None
        if not secret:
            raise ApiError(400, "secret is missing")
        if not self._tokens.is_secret(request.store_id, secret):
            raise ApiError(401, "The secret is wrong")
        return 200, {"access_token": self._tokens.make(request.store_id)}

    def _throttled(self, rate_limit: RateLimitStatus) -> Response:
        switches = self._sandbox.switches
        headers = {"Retry-After": "1"} if switches["yotpo.retry_after"] else {}
        if switches["yotpo.throttle_body"] == "gateway":
            return gateway_error_response(429, "API rate limit exceeded", rate_limit, headers)
        response = error_response(ApiError(429, "API rate limit exceeded"), rate_limit)
        response.headers.update(headers)
        return response

    async def oauth(self, request: Request) -> Response:
        """``POST /oauth/token``, with JSON or a form. Its tokens are the same as those of ``access_tokens``."""
        return await run_in_threadpool(self._oauth, request.headers.get("content-type", ""), await request.body())

    def _oauth(self, content_type: str, content: bytes) -> Response:
        try:
            form = json.loads(content) if "json" in content_type else dict(parse_qsl(content.decode()))
        except ValueError:
            form = None
        if not isinstance(form, dict) or form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        store_id = form.get("client_id")
        if not isinstance(store_id, str) or not self._tokens.is_secret(store_id, form.get("client_secret")):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        self._sandbox.count("yotpo", store_id, "token")
        return JSONResponse({"access_token": self._tokens.make(store_id), "token_type": "bearer"})


def _operation(method: str, path: str) -> tuple[str, Callable[[Call], OperationResult] | None, tuple[str, ...]] | None:
    """Return the name, the function and the ids of a path, or ``None`` for an unknown path.

    The operation that issues a token has no function.
    """
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
