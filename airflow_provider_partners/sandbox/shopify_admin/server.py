"""The Admin GraphQL API of each shop, below ``/shopify-admin/{shop}``: tokens, query cost, versions, execution.

Paths, statuses, wording and figures follow Shopify's documentation and recorded responses.
:mod:`~airflow_provider_partners.sandbox.shopify_admin.resolvers` resolves the fields.
"""

from __future__ import annotations

import secrets
import threading
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from airflow_provider_partners.sandbox.shopify.graphql.execution import (
    Body,
    InvalidDocumentError,
    Operation,
    UnreadableRequestError,
    execute,
    prepare,
    read_request,
)
from airflow_provider_partners.sandbox.shopify.graphql.http import internal_error, json_response, new_request_id, post
from airflow_provider_partners.sandbox.shopify.graphql.schema import answering_version, schema
from airflow_provider_partners.sandbox.shopify.rate_limits import PLANS, Clock, PointBucket
from airflow_provider_partners.sandbox.shopify_admin.bulk import operations as shopify_bulk
from airflow_provider_partners.sandbox.shopify_admin.bulk.operations import BulkOperations
from airflow_provider_partners.sandbox.shopify_admin.lists import FINDERS
from airflow_provider_partners.sandbox.shopify_admin.query_cost import Pricing
from airflow_provider_partners.sandbox.shopify_admin.request import AdminRequest, global_id_check
from airflow_provider_partners.sandbox.shopify_admin.resolvers import TABLE
from airflow_provider_partners.sandbox.store import ListCache, Sandbox, format_timestamp

PARTNER = "shopify_admin"
SWITCHES: dict[str, Any] = {
    #: the oldest accessible version; older ones fall forward to it
    "shopify_admin.oldest_version": "2025-10",
    #: lifetime of a token of the client credentials grant, in seconds
    "shopify_admin.token_lifetime": 86_399,
    #: (points, points per second) in place of those of the shop's plan
    "shopify_admin.bucket": None,
    #: maximum points of one query, on every plan
    "shopify_admin.max_query_cost": 1_000,
    #: HTTP status of a THROTTLED response: 200 as documented, 429 as in a forum reply; and its Retry-After
    "shopify_admin.throttle_status": 200,
    "shopify_admin.retry_after": None,
    #: "level2" (all), "level1" (names, addresses, phones and emails are null) or "none" (orders are refused)
    "shopify_admin.protected_customer_data": "level2",
    #: fields rejected with ACCESS_DENIED, such as "Order.customer"
    "shopify_admin.access_denied": [],
    #: searches do not find what changed in the last seconds
    "shopify_admin.search_lag_seconds": 0,
    #: maximum number of objects a client can page through in one list
    "shopify_admin.paging_limit": 25_000,
    #: number of next requests that are answered by INTERNAL_SERVER_ERROR with HTTP 200
    "shopify_admin.internal_errors": 0,
    **shopify_bulk.SWITCHES,
}

UNAUTHORIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
#: Maximum number of documents in cached lists; a list is searched and sorted once for all its pages.
_MAX_CACHED_DOCUMENTS = 500_000
DOCUMENTATION = "https://shopify.dev/api/usage/rate-limits"


def routes(sandbox: Sandbox, *, clock: Clock = time.monotonic) -> list[BaseRoute]:
    """Return the routes below one shop.

    :param clock: seconds; refills the points
    """
    api = _Api(sandbox, clock)
    return [
        post("/admin/api/{version}/graphql.json", api.graphql),
        post("/admin/oauth/access_token", api.token),
    ]


class _Api:
    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._lists = ListCache(_MAX_CACHED_DOCUMENTS)
        self._bulk = BulkOperations(sandbox, self._lists)
        self._table = {**TABLE, **self._bulk.table}
        self._buckets: dict[str, PointBucket] = {}
        self._lock = threading.Lock()

    def token(self, request: Request, body: bytes) -> Response:
        """Issue a token by the client credentials grant: a form-encoded request, a token of a day, no refresh token."""
        shop = request.path_params["shop"]
        known = self._credentials(shop)
        if known is None:
            return json_response({"errors": "Not Found"}, status=404)
        form = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        if form.get("grant_type") != "client_credentials":
            return json_response(
                _oauth_error("unsupported_grant_type", "only client_credentials is served here"), status=400
            )
        sent = (form.get("client_id", ""), form.get("client_secret", ""))
        if sent != (known.get("client_id"), known.get("client_secret")):
            return json_response(_oauth_error("invalid_client", "client id or secret do not match"), status=401)
        lifetime = self._switch("token_lifetime")
        token = f"shpat_{secrets.token_hex(16)}"
        expires = format_timestamp(self._sandbox.clock(), plus=timedelta(seconds=lifetime))
        self._sandbox.store.put(PARTNER, shop, "token", token, {"expiresAt": expires}, at=expires)
        self._sandbox.count(PARTNER, shop, "token")
        return json_response({
            "access_token": token,
            "scope": ",".join(self._request_context(shop, "").scopes),
            "expires_in": lifetime,
        })

    def graphql(self, request: Request, body: bytes) -> Response:
        """Answer one GraphQL request."""
        shop = request.path_params["shop"]
        if self._credentials(shop) is None:
            return json_response({"errors": "Not Found"}, status=404)
        if not self._accepted(shop, request.headers.get("x-shopify-access-token", "")):
            # Only here is ``errors`` a string (recorded).
            return json_response({"errors": UNAUTHORIZED}, status=401)
        oldest = self._switch("oldest_version")
        version = answering_version(PARTNER, request.path_params["version"], oldest=oldest)
        if version is None:
            return json_response({"errors": "Not Found"}, status=404)
        if self._should_fail():
            self._sandbox.count(PARTNER, shop, "graphql.fault")
            return json_response(_internal(), version=version)
        try:
            graphql_request = read_request(body, request.headers.get("content-type", ""))
            operation = prepare(schema(PARTNER, version), graphql_request, global_id_check)
        except UnreadableRequestError:
            return json_response(
                {"errors": {"query": "Required parameter missing or invalid"}}, status=400, version=version
            )
        except InvalidDocumentError as error:
            self._sandbox.count(PARTNER, shop, "graphql")
            return json_response(error.body, version=version)
        show_search = request.headers.get("shopify-search-query-debug") == "1"
        base_url = str(request.base_url.replace(path="")).rstrip("/")
        context = self._request_context(shop, version, show_search=show_search, base_url=base_url)
        return self._priced(shop, operation, context)

    def _request_context(self, shop: str, version: str, **more: Any) -> AdminRequest:
        return AdminRequest(
            sandbox=self._sandbox,
            shop=shop,
            version=version,
            table=self._table,
            lists=self._lists,
            finders={**FINDERS, "BulkOperation": self._bulk.find},
            **more,
        )

    def _priced(self, shop: str, operation: Operation, context: AdminRequest) -> Response:
        pricing = Pricing(operation.schema, operation.document, operation.node, operation.variables)
        requested = pricing.requested()
        max_cost = self._switch("max_query_cost")
        if requested > max_cost:
            self._sandbox.count(PARTNER, shop, "graphql")
            return json_response(_max_cost_error(requested, max_cost), version=context.version)
        bucket = self._bucket(shop, str(context.shop.get("plan", "standard")))
        if not bucket.take(requested):
            self._sandbox.count(PARTNER, shop, "graphql.throttled")
            return self._throttled(requested, bucket, context.version)
        body = execute(operation, context)
        actual = pricing.actual(body["data"])
        bucket.refund(requested - actual)
        body["extensions"] = {"cost": _cost(requested, actual, bucket)}
        if context.searches:
            body["extensions"]["search"] = context.searches
        self._sandbox.count(PARTNER, shop, "graphql")
        return json_response(body, version=context.version)

    def _throttled(self, requested: int, bucket: PointBucket, version: str) -> Response:
        retry_after = self._switch("retry_after")
        error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": DOCUMENTATION}}
        return json_response(
            {"errors": [error], "extensions": {"cost": _cost(requested, None, bucket)}},
            status=self._switch("throttle_status"),
            version=version,
            headers={} if retry_after is None else {"retry-after": str(retry_after)},
        )

    def _switch(self, name: str) -> Any:
        return self._sandbox.switches[f"{PARTNER}.{name}"]

    def _credentials(self, shop: str) -> dict[str, str] | None:
        known: dict[str, dict[str, str]] = self._sandbox.credentials.get(PARTNER, {})
        return known.get(shop)

    def _accepted(self, shop: str, token: str) -> bool:
        if not token:
            return False
        if token == (self._credentials(shop) or {}).get("token"):
            return True
        issued = self._sandbox.store.get(PARTNER, shop, "token", token)
        return issued is not None and datetime.fromisoformat(issued["expiresAt"]) > self._sandbox.clock()

    def _should_fail(self) -> bool:
        with self._lock:
            remaining = self._switch("internal_errors")
            if remaining > 0:
                self._sandbox.switches[f"{PARTNER}.internal_errors"] = remaining - 1
            return bool(remaining > 0)

    def _bucket(self, shop: str, plan: str) -> PointBucket:
        maximum, restore_rate = self._switch("bucket") or PLANS.get(plan, PLANS["standard"])
        with self._lock:
            bucket = self._buckets.get(shop)
            if bucket is None:
                bucket = self._buckets[shop] = PointBucket(maximum, restore_rate, clock=self._clock)
        if (bucket.maximum, bucket.restore_rate) != (maximum, restore_rate):
            bucket.resize(maximum, restore_rate)
        return bucket


def _oauth_error(code: str, description: str) -> Body:
    """Return an error in the form of RFC 6749; Shopify's own wording is not known."""
    return {"error": code, "error_description": description}


def _internal() -> Body:
    request_id = new_request_id()
    extensions = {"requestId": request_id, "code": "INTERNAL_SERVER_ERROR"}
    return {"errors": [{"message": internal_error(request_id), "extensions": extensions}], "data": None}


def _cost(requested: int, actual: int | None, bucket: PointBucket) -> Body:
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}


def _max_cost_error(cost: int, max_cost: int) -> Body:
    message = (
        f"Query cost is {cost}, which exceeds the single query max cost limit ({max_cost}).\n\n"
        "See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n"
        "cost of a query is calculated.\n\n"
        "To query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
        "See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
    )
    more = {"code": "MAX_COST_EXCEEDED", "cost": cost, "maxCost": max_cost, "documentation": DOCUMENTATION}
    return {"errors": [{"message": message, "extensions": more}]}
