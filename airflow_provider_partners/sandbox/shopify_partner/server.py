"""The Partner API of one organization, below ``/shopify-partner``: tokens, versions, the request limit.

Statuses and bodies follow Shopify's "status and error codes" page and recorded live answers; a code in ``extensions``
is a string here. It must not know how fields get their values (:mod:`.shopify_partner_fields`), nor the clients of
this package.
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
    #: the oldest version still accessible; older ones fall forward to it ("2024-10" brings jobs and conversations back)
    "shopify_partner.oldest_version": "2025-10",
    #: the limit of one API client; 0 for none
    "shopify_partner.requests_per_second": 4,
    #: HTTP status of "Too many requests": the documentation shows both 429 and 200; and its Retry-After, if any
    "shopify_partner.throttle_status": 429,
    "shopify_partner.retry_after": None,
    #: transactions and app events have no documented order; evidence points to newest first
    "shopify_partner.newest_first": True,
    #: the size of a page without ``first``, which may be omitted (the real default is not known)
    "shopify_partner.default_page_size": 50,
    #: transactions and events appear so many seconds after they happened
    "shopify_partner.arrival_delay_seconds": 0,
    #: transaction id to the fields it shows from now on instead of those it showed before
    "shopify_partner.restatements": {},
    #: so many of the next requests are answered by "Internal error" on HTTP 200
    "shopify_partner.internal_errors": 0,
}

MAX_QUERY_LENGTH = 50_000
_FIELDS = {**TABLE, **LEGACY}


def routes(sandbox: Sandbox, *, clock: Clock = time.monotonic) -> list[BaseRoute]:
    """The path of the API.

    :param clock: what the request limit goes by
    """
    return [post("/{organization_id}/api/{version}/graphql.json", _Api(sandbox, clock).graphql)]


class _Api:
    def __init__(self, sandbox: Sandbox, clock: Clock) -> None:
        self._sandbox = sandbox
        # both tokens of an organization's API client share its limit
        self._limiter = RequestLimiter(clock=clock)
        self._lock = threading.Lock()

    def graphql(self, request: Request, body: bytes) -> Response:
        """One GraphQL request."""
        if not self._accepted(request):
            # also for an organization that is not the token's
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
            asked = read_request(body, request.headers.get("content-type", ""))
        except UnreadableRequestError as error:
            return json_response(_error(f"Bad request: {error}", 400), status=400, version=version)
        if len(asked.query) > MAX_QUERY_LENGTH:
            message = f"Maximum query length is {MAX_QUERY_LENGTH} characters"
            return json_response(_error(message, 400), status=400, version=version)
        try:
            operation = prepare(schema(PARTNER, version), asked, no_check)
        except InvalidDocumentError as refused:
            return json_response(refused.body, version=version)
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
            left = self._switch("internal_errors")
            if left > 0:
                self._sandbox.switches[f"{PARTNER}.internal_errors"] = left - 1
            return bool(left > 0)

    def _switch(self, name: str) -> Any:
        return self._sandbox.switches[f"{PARTNER}.{name}"]


def _error(message: str, code: int) -> Body:
    return {"errors": [{"message": message, "extensions": {"code": str(code)}}]}
