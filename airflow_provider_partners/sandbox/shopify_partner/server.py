"""The Partner API of one organization, below ``/shopify-partner``: tokens, versions, the rate limit.

Statuses and bodies follow Shopify's "status and error codes" page and recorded responses; codes in ``extensions`` are
strings. :mod:`~airflow_provider_partners.sandbox.shopify_partner.resolvers` resolves the fields.
"""

from __future__ import annotations

import hmac
import threading
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from airflow_provider_partners.sandbox.shopify.graphql.execution import (
    Body,
    InvalidDocumentError,
    UnreadableRequestError,
    execute,
    prepare,
    read_request,
)
from airflow_provider_partners.sandbox.shopify.graphql.http import internal_error, json_response, new_request_id, post
from airflow_provider_partners.sandbox.shopify.graphql.input_values import no_check
from airflow_provider_partners.sandbox.shopify.graphql.schema import answering_version, schema
from airflow_provider_partners.sandbox.shopify.rate_limits import Clock, RequestLimiter
from airflow_provider_partners.sandbox.shopify_partner.legacy import LEGACY
from airflow_provider_partners.sandbox.shopify_partner.resolvers import PARTNER, TABLE, PartnerRequest
from airflow_provider_partners.sandbox.store import Sandbox

SWITCHES: dict[str, Any] = {
    #: the oldest accessible version; older ones fall forward to it ("2024-10" adds jobs and conversations)
    "shopify_partner.oldest_version": "2025-10",
    #: rate limit of one API client; 0 for none
    "shopify_partner.requests_per_second": 4,
    #: HTTP status of "Too many requests": the documentation shows both 429 and 200; and its Retry-After, if any
    "shopify_partner.throttle_status": 429,
    "shopify_partner.retry_after": None,
    #: the order of transactions and app events is not documented; recorded responses have the newest first
    "shopify_partner.newest_first": True,
    #: page size without ``first``, which is optional (the real default is not known)
    "shopify_partner.default_page_size": 50,
    #: seconds from a transaction or event to its appearance in the lists
    "shopify_partner.arrival_delay_seconds": 0,
    #: transaction id to fields that replace its own
    "shopify_partner.restatements": {},
    #: number of next requests that are answered by "Internal error" with HTTP 200
    "shopify_partner.internal_errors": 0,
}

MAX_QUERY_LENGTH = 50_000
_FIELDS = {**TABLE, **LEGACY}


def routes(sandbox: Sandbox, *, clock: Clock = time.monotonic) -> list[BaseRoute]:
    """Return the route of the API.

    :param clock: seconds; drives the rate limit
    """
    return [post("/{organization_id}/api/{version}/graphql.json", _Api(sandbox, clock).graphql)]


class _Api:
    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self._sandbox = sandbox
        # Both tokens of an organization's API client share its rate limit.
        self._limiter = RequestLimiter(clock=clock)
        self._lock = threading.Lock()

    def graphql(self, request: Request, body: bytes) -> Response:
        """Answer one GraphQL request."""
        if not self._accepted(request):
            # Also for a token of another organization.
            return json_response(_error("Invalid access token", 401), status=401)
        version = answering_version(PARTNER, request.path_params["version"], oldest=self._switch("oldest_version"))
        if version is None:
            return json_response(_error("Invalid API version", 404), status=404)
        per_second = self._switch("requests_per_second")
        if per_second and not self._limiter.acquire(per_second):
            return self._throttled(version)
        if self._should_fail():
            self._sandbox.count(PARTNER, "", "graphql.fault")
            return json_response(_error(internal_error(new_request_id()), 500), version=version)
        self._sandbox.count(PARTNER, "", "graphql")
        return self._run_operation(request, body, version)

    def _run_operation(self, request: Request, body: bytes, version: str) -> Response:
        try:
            graphql_request = read_request(body, request.headers.get("content-type", ""))
        except UnreadableRequestError as error:
            return json_response(_error(f"Bad request: {error}", 400), status=400, version=version)
        if len(graphql_request.query) > MAX_QUERY_LENGTH:
            message = f"Maximum query length is {MAX_QUERY_LENGTH} characters"
            return json_response(_error(message, 400), status=400, version=version)
        try:
            operation = prepare(schema(PARTNER, version), graphql_request, no_check)
        except InvalidDocumentError as error:
            return json_response(error.body, version=version)
        return json_response(execute(operation, PartnerRequest(sandbox=self._sandbox, table=_FIELDS)), version=version)

    def _throttled(self, version: str) -> Response:
        self._sandbox.count(PARTNER, "", "graphql.throttled")
        retry_after = self._switch("retry_after")
        return json_response(
            _error("Too many requests", 429),
            status=self._switch("throttle_status"),
            version=version,
            headers={} if retry_after is None else {"retry-after": str(retry_after)},
        )

    def _accepted(self, request: Request) -> bool:
        known = self._sandbox.credentials.get(PARTNER, {})
        token = request.headers.get("x-shopify-access-token", "").encode()
        fits = any(hmac.compare_digest(token, accepted.encode()) for accepted in known.get("tokens", ()))
        return fits and request.path_params["organization_id"] == str(known.get("organization_id"))

    def _should_fail(self) -> bool:
        with self._lock:
            remaining = self._switch("internal_errors")
            if remaining > 0:
                self._sandbox.switches[f"{PARTNER}.internal_errors"] = remaining - 1
            return bool(remaining > 0)

    def _switch(self, name: str) -> Any:
        return self._sandbox.switches[f"{PARTNER}.{name}"]


def _error(message: str, code: int) -> Body:
    return {"errors": [{"message": message, "extensions": {"code": str(code)}}]}
